//! What must be as it is without TLS.

use dunlin_tests::{Authority, Deadline, End, Link, RawTcp, RawWs, TlsClient, TlsVersion, frame};

use super::{TRIES, client_hello, conf, dunlin, expect_pong, links, nats, start, wss};
use crate::support::{code, expect_slow_consumer, flood, subscribe};

#[test]
fn https_is_served_with_the_same_certificate() {
    let authority = Authority::new("ca");
    let files = authority.server("server").conf();
    let more = format!("ca_file: {:?}, verify: true", authority.ca_file());
    let conf = format!("https: \"127.0.0.1:{{http_port}}\"\ntls {{ {files} {more} }}\n");
    let Some(server) = dunlin(&conf) else { return };
    server.wait_for_log("Starting https monitor on 127.0.0.1:");
    let mut tcp =
        RawTcp::connect(server.addresses().monitoring).start_tls(&TlsClient::new(&authority)).unwrap();
    tcp.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let (answer, _) = tcp.read_to_close(Deadline::usual());
    assert!(answer.ends_with(b"{\"status\":\"ok\"}"), "{}", String::from_utf8_lossy(&answer));
    assert!(!tcp.is_broken());
}

#[test]
fn every_error_is_heard_over_tls() {
    let authority = Authority::new("ca");
    let client = TlsClient::new(&authority);
    let Some(server) = dunlin(&format!("max_payload: 1000\n{}", conf(&authority.server("server"), "")))
    else {
        return;
    };
    let junk = "PING\r\n".repeat(20_000);
    for (ops, text, close_code) in [
        ("FROB\r\n", "Unknown Protocol Operation", 1002),
        ("CONNECT {\"account\":\"A\"}\r\n", "Authorization Violation", 1008),
        ("PUB a 1001\r\n", "Maximum Payload Violation", 1009),
    ] {
        for behind in ["", &junk] {
            for _ in 0..TRIES {
                for mut link in links(&server, &client) {
                    link.send(format!("{ops}{behind}").as_bytes());
                    let is_ws = matches!(link, Link::Ws(_));
                    let (words, close) = link.last_words();
                    let words = String::from_utf8_lossy(&words).into_owned();
                    assert!(words.ends_with(&format!("-ERR '{text}'\r\n")), "{ops:?}: got {words:?}");
                    assert_eq!(code(close), is_ws.then_some(close_code), "{ops:?}");
                }
            }
        }
    }
    for _ in 0..TRIES {
        let tcp = RawTcp::connect(server.addresses().websocket).start_tls(&client).unwrap();
        let mut ws = RawWs::over(tcp, "");
        ws.tcp.send(&[frame(0x83, b"x"), frame(0x82, junk.as_bytes())].concat());
        assert_eq!(code(Link::Ws(ws).last_words().1), Some(1002));
    }
}

#[test]
fn a_close_is_a_close_in_tls_too() {
    let authority = Authority::new("ca");
    let Some(server) = start(&authority, "") else { return };
    for _ in 0..TRIES {
        let mut tcp = RawTcp::connect(server.addresses().nats).upgrade(&TlsClient::new(&authority));
        tcp.send(b"CONNECT {\"verbose\":false}\r\nSUB a 1\r\nPUB a 2\r\nhi\r\n");
        tcp.half_close();
        let (words, end) = tcp.read_to_close(Deadline::usual());
        assert_eq!((&words[..], end), (&b"MSG a 1 2\r\nhi\r\n"[..], End::Closed));
        assert!(!tcp.is_broken(), "the server says that it has ended, too");
    }
}

#[test]
fn large_messages_pass_both_ways() {
    let authority = Authority::new("ca");
    let client = TlsClient::new(&authority);
    let Some(server) = start(&authority, "") else { return };
    let payload: String = (0..1 << 20).map(|i: u32| char::from(b'a' + (i * 7 % 26) as u8)).collect();
    for version in [TlsVersion::V1_2, TlsVersion::V1_3] {
        let client = TlsClient::with(&authority, None, &[version]);
        for mut link in links(&server, &client) {
            link.send(b"CONNECT {\"verbose\":false}\r\nSUB big 1\r\n");
            for _ in 0..3 {
                link.send(format!("PUB big {}\r\n{payload}\r\n", payload.len()).as_bytes());
                let got = link.expect(format!("{}\r\n", &payload[payload.len() - 500..]).as_bytes());
                let head = format!("MSG big 1 {}\r\n", payload.len());
                let at = got.windows(head.len()).position(|window| window == head.as_bytes()).unwrap();
                assert!(&got[at + head.len()..] == format!("{payload}\r\n").as_bytes());
            }
        }
    }
    drop(client);
}

#[test]
fn a_slow_consumer_is_cut_off_and_told_over_tls() {
    let authority = Authority::new("ca");
    let client = TlsClient::new(&authority);
    for (limits, reason) in [
        ("max_payload: 32768\nmax_pending: 131072\n", "Slow Consumer (Pending Bytes)"),
        ("max_payload: 32768\nwrite_deadline: \"200ms\"\n", "Slow Consumer (Write Deadline)"),
    ] {
        for which in 0..2 {
            let Some(server) = dunlin(&format!("{limits}{}", conf(&authority.server("server"), ""))) else {
                return;
            };
            let link = subscribe(links(&server, &client).into_iter().nth(which).unwrap());
            let mut witness = nats(&server, &client);
            flood(nats(&server, &client), 1500);
            server.wait_for_log(reason);
            expect_slow_consumer(link, reason);
            expect_pong(&mut witness);
        }
    }
}

#[test]
fn websocket_clients_hear_of_a_shutdown_over_tls() {
    let authority = Authority::new("ca");
    let Some(mut server) = start(&authority, "") else { return };
    let mut ws = wss(&server, &TlsClient::new(&authority));
    ws.expect(b"\r\n");
    let mut half = RawTcp::connect(server.addresses().nats);
    half.send(&client_hello(&TlsClient::new(&authority))[..40]);
    server.stop();
    assert_eq!(code(ws.last_words().1), Some(1001));
}

#[test]
fn one_port_serves_wss_and_https() {
    let authority = Authority::new("ca");
    let client = TlsClient::new(&authority);
    let files = authority.server("server").conf();
    // A free port, as the two must name the same.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let Some(server) = dunlin(&format!(
        "https: \"127.0.0.1:{port}\" # {{http_port}}\ntls {{ {files} }}\n\
         websocket {{ listen: \"127.0.0.1:{port}\", tls {{ {files} }} }} # {{ws_port}}\n"
    )) else {
        return;
    };
    expect_pong(&mut wss(&server, &client));
    let mut tcp = RawTcp::connect(server.addresses().websocket).start_tls(&client).unwrap();
    tcp.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let (answer, _) = tcp.read_to_close(Deadline::usual());
    assert!(answer.ends_with(b"{\"status\":\"ok\"}"), "{}", String::from_utf8_lossy(&answer));
}
