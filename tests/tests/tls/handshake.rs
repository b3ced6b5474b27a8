//! How the handshake comes about, and what is said where it does not.

use dunlin_tests::{Addresses, Authority, Deadline, End, Link, RawTcp, RawWs, ServerProcess, TlsClient};
use serde_json::Value;

use super::{
    TRIES, client_hello, conf, connz, dunlin, expect_pong, links, nats, start, tcp_behind_info, wss,
};

#[test]
fn nats_goes_on_in_tls_behind_info() {
    let authority = Authority::new("ca");
    let Some(server) = start(&authority, "") else { return };
    let mut tcp = RawTcp::connect(server.addresses().nats);
    let (info, _) = tcp.read_line(Deadline::usual());
    let info = String::from_utf8(info).unwrap();
    assert!(info.contains(r#""tls_required":true,"tls_available":true"#), "{info}");
    let mut link = Link::Tcp(tcp.start_tls(&TlsClient::new(&authority)).unwrap());
    link.send(b"CONNECT {\"verbose\":false}\r\nSUB a 1\r\nPUB a 2\r\nhi\r\nPING\r\n");
    link.expect(b"MSG a 1 2\r\nhi\r\nPONG\r\n");
}

#[test]
fn websocket_is_under_tls() {
    let authority = Authority::new("ca");
    let Some(server) = start(&authority, "") else { return };
    server.wait_for_log("Listening for websocket clients on wss://127.0.0.1:");
    let mut link = wss(&server, &TlsClient::new(&authority));
    let info = String::from_utf8(link.expect(b"\r\n")).unwrap();
    assert!(info.contains(r#""tls_required":true,"tls_available":true"#), "{info}");
    link.send(b"CONNECT {\"verbose\":false}\r\nSUB a 1\r\nPUB a 2\r\nhi\r\nPING\r\n");
    link.expect(b"MSG a 1 2\r\nhi\r\n");
}

#[test]
fn the_handshake_comes_first_where_that_is_asked_for() {
    let authority = Authority::new("ca");
    let client = TlsClient::new(&authority);
    let Some(server) = start(&authority, "handshake_first: true") else { return };
    server.wait_for_log("Clients that are not using \"TLS Handshake First\" option will fail to connect");
    let mut link = Link::Tcp(RawTcp::connect(server.addresses().nats).start_tls(&client).unwrap());
    link.expect(b"INFO {");
    expect_pong(&mut link);
    assert_eq!(connz(&server, "")[0]["tls_first"], true);
}

#[test]
fn with_auto_the_handshake_may_come_first() {
    let authority = Authority::new("ca");
    let client = TlsClient::new(&authority);
    let Some(server) = start(&authority, "handshake_first: auto") else { return };
    let mut first = Link::Tcp(RawTcp::connect(server.addresses().nats).start_tls(&client).unwrap());
    first.expect(b"INFO {");
    expect_pong(&mut first);
    assert_eq!(connz(&server, "")[0]["tls_first"], true);
    drop(first);
    let mut second = nats(&server, &client);
    expect_pong(&mut second);
    assert_eq!(connz(&server, "sort=start")[0]["tls_first"], Value::Null);
}

#[test]
fn where_tls_is_not_required_clients_choose() {
    let authority = Authority::new("ca");
    let conf = conf(&authority.server("server"), "timeout: 0.2");
    let conf = format!("allow_non_tls: true\nping_interval: \"1s\"\nping_max: 1\n{conf}");
    let Some(server) = dunlin(&conf) else { return };
    server.wait_for_log("TLS available for client connections");
    let mut tcp = RawTcp::connect(server.addresses().nats);
    let info = String::from_utf8(tcp.read_line(Deadline::usual()).0).unwrap();
    assert!(info.contains(r#""tls_available":true"#) && !info.contains("tls_required"), "{info}");
    let mut plain = Link::Tcp(tcp);
    expect_pong(&mut plain);
    expect_pong(&mut nats(&server, &TlsClient::new(&authority)));
    // One that says nothing is a plain client: it is asked whether it is there, and given up in the end.
    let mut silent = Link::Tcp(RawTcp::connect(server.addresses().nats));
    silent.expect(b"PING\r\n-ERR 'Stale Connection'\r\n");
}

#[test]
fn a_client_that_goes_on_without_tls_is_told() {
    let authority = Authority::new("ca");
    let Some(server) = start(&authority, "") else { return };
    for _ in 0..TRIES {
        let mut tcp = tcp_behind_info(&server);
        tcp.send(format!("CONNECT {{}}\r\n{}", "PING\r\n".repeat(10_000)).as_bytes());
        let (words, end) = tcp.read_to_close(Deadline::usual());
        assert_eq!(String::from_utf8_lossy(&words), "-ERR 'Secure Connection - TLS Required'\r\n");
        assert_eq!((end, tcp.is_broken()), (End::Closed, false));
    }
    assert_eq!(connz(&server, "state=closed")[0]["reason"], "TLS Handshake Failure");
}

#[test]
fn plain_http_to_a_tls_port_is_answered() {
    let authority = Authority::new("ca");
    let Some(server) = start(&authority, "") else { return };
    let mut tcp = RawTcp::connect(server.addresses().websocket);
    tcp.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let (answer, end) = tcp.read_to_close(Deadline::usual());
    assert_eq!(
        String::from_utf8_lossy(&answer),
        "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
    );
    assert_eq!((end, tcp.is_broken()), (End::Closed, false));
}

#[test]
fn tls_to_a_plain_port_is_logged() {
    let authority = Authority::new("ca");
    let Some(server) = dunlin("") else { return };
    let Addresses { nats, websocket, .. } = server.addresses();
    for address in [nats, websocket] {
        let mut tcp = RawTcp::connect(address);
        let line = format!("{} - ", tcp.local_address());
        if address == nats {
            tcp.read_line(Deadline::usual());
        }
        let error = tcp.start_tls(&TlsClient::new(&authority)).unwrap_err();
        assert!(error.to_string().contains("HandshakeFailure"), "{error}");
        let line = server.wait_for_log(&line);
        assert!(line.ends_with(" - the client speaks TLS to a port without TLS"), "{line}");
    }
}

#[test]
fn whoever_does_not_shake_hands_is_let_go() {
    let authority = Authority::new("ca");
    let client = TlsClient::new(&authority);
    let files = authority.server("server").conf();
    let Some(server) = dunlin(&format!(
        "tls {{ {files} timeout: \"200ms\" }}\n\
         websocket {{ listen: \"127.0.0.1:{{ws_port}}\", handshake_timeout: \"200ms\", tls {{ {files} }} }}\n"
    )) else {
        return;
    };
    let mut silent = tcp_behind_info(&server);
    let (words, end) = silent.read_to_close(Deadline::usual());
    assert_eq!(String::from_utf8_lossy(&words), "-ERR 'Secure Connection - TLS Required'\r\n");
    assert_eq!(end, End::Closed);
    let mut silent = RawTcp::connect(server.addresses().websocket);
    assert_eq!(silent.read_to_close(Deadline::usual()), (Vec::new(), End::Closed));
    let hello = client_hello(&client);
    for connect in [tcp_behind_info, |server: &ServerProcess| RawTcp::connect(server.addresses().websocket)] {
        let mut tcp = connect(&server);
        tcp.send(&hello[..hello.len() / 2]);
        // The alert close_notify.
        assert_eq!(tcp.read_to_close(Deadline::usual()), (vec![0x15, 3, 3, 0, 2, 1, 0], End::Closed));
    }
    // The whole of it, but nothing behind.
    let mut tcp = tcp_behind_info(&server);
    tcp.send(&hello);
    let (flight, end) = tcp.read_to_close(Deadline::usual());
    assert_eq!((flight.first(), end), (Some(&0x16), End::Closed));
    links(&server, &client).iter_mut().for_each(expect_pong);
}

#[test]
fn garbage_ends_the_connection_and_nothing_else() {
    let authority = Authority::new("ca");
    let Some(server) = start(&authority, "") else { return };
    let garbage: [&[u8]; 4] =
        [b"\x16\x03\x01\x00\x05hello", b"\x16\x03\x01\xff\xff", b"\x16PUB a 1\r\n", &[0x16; 100_000]];
    for garbage in garbage {
        for mut tcp in [tcp_behind_info(&server), RawTcp::connect(server.addresses().websocket)] {
            let line = format!("{} - ", tcp.local_address());
            tcp.send(garbage);
            let (alert, end) = tcp.read_to_close(Deadline::usual());
            assert!(matches!(alert.first(), Some(0x15) | None), "an alert, or nothing: {alert:?}");
            assert_eq!(end, End::Closed, "{:?}", &garbage[..6]);
            let line = server.wait_for_log(&line);
            assert!(line.contains("TLS handshake error: "), "{line}");
        }
    }
    links(&server, &TlsClient::new(&authority)).iter_mut().for_each(expect_pong);
}

#[test]
fn the_handshake_may_come_in_any_pieces() {
    let authority = Authority::new("ca");
    let client = TlsClient::new(&authority);
    for first in ["false", "true", "auto"] {
        let Some(server) = start(&authority, &format!("handshake_first: {first}")) else { return };
        for size in [1, 2, 7, 100] {
            for is_nats in [true, false] {
                let address = if is_nats { server.addresses().nats } else { server.addresses().websocket };
                let mut tcp = RawTcp::connect(address);
                if is_nats && first == "false" {
                    tcp.read_line(Deadline::usual());
                }
                shake_hands_in_pieces(tcp, &client, size);
            }
        }
    }
}

/// Shakes hands with all that is sent cut in pieces.
fn shake_hands_in_pieces(mut tcp: RawTcp, client: &TlsClient, size: usize) {
    let mut connection = client.connection();
    let deadline = Deadline::usual();
    while connection.is_handshaking() {
        let mut flight = Vec::new();
        while connection.wants_write() {
            connection.write_tls(&mut flight).unwrap();
        }
        tcp.send_in_chunks(&flight, size);
        if connection.is_handshaking() {
            let (bytes, end) = tcp.read_exact(1, deadline);
            assert_eq!(end, End::Found, "the server hangs up");
            connection.read_tls(&mut bytes.as_slice()).unwrap();
            connection.process_new_packets().unwrap();
        }
    }
}

#[test]
fn whatever_protocol_is_offered_the_handshake_succeeds() {
    let authority = Authority::new("ca");
    let client = TlsClient::new(&authority);
    let files = authority.server("server").conf();
    let Some(server) = dunlin(&format!(
        "https: \"127.0.0.1:{{http_port}}\"\ntls {{ {files} }}\n\
         websocket {{ listen: \"127.0.0.1:{{ws_port}}\", tls {{ {files} }} }}\n"
    )) else {
        return;
    };
    let Addresses { websocket, monitoring, .. } = server.addresses();
    let offers: [(&[&str], _); 5] = [
        (&["h2", "http/1.1"], Some("http/1.1")),
        (&["istio-http/1.1", "istio", "http/1.1"], Some("http/1.1")),
        (&["h2"], None),
        (&["istio", "nats"], None),
        (&[], None),
    ];
    for (offer, chosen) in offers {
        let client = client.clone().offering(offer);
        let alpn = |tcp: RawTcp| {
            let tcp = tcp.start_tls(&client).unwrap();
            let agreed = tcp.agreed().unwrap().alpn;
            (tcp, agreed)
        };
        assert_eq!(alpn(tcp_behind_info(&server)).1, None, "{offer:?}");
        let (tcp, agreed) = alpn(RawTcp::connect(websocket));
        assert_eq!(agreed.as_deref(), chosen, "{offer:?}");
        expect_pong(&mut Link::Ws(RawWs::over(tcp, "")));
        let (mut tcp, agreed) = alpn(RawTcp::connect(monitoring));
        assert_eq!(agreed.as_deref(), chosen, "{offer:?}");
        tcp.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        assert!(tcp.read_to_close(Deadline::usual()).0.starts_with(b"HTTP/1.1 200 OK\r\n"), "{offer:?}");
        // A session of the one goes on with the other.
        let resumed = RawTcp::connect(websocket).start_tls(&client.clone().offering(&[])).unwrap();
        expect_pong(&mut Link::Ws(RawWs::over(resumed, "")));
    }
}

#[test]
fn handshakes_can_be_limited_in_their_rate() {
    let authority = Authority::new("ca");
    let client = TlsClient::new(&authority);
    let Some(server) = start(&authority, "connection_rate_limit: 3") else { return };
    let hello = client_hello(&client);
    let refused = (0..20)
        .filter(|_| {
            let mut tcp = tcp_behind_info(&server);
            tcp.send(&hello);
            let (answer, _) = tcp.read_exact(1, Deadline::usual());
            answer == b"-"
                && tcp.read_line(Deadline::usual()).0
                    == b"ERR 'Connection throttling is active. Please try again later.'\r\n"
        })
        .count();
    // The seconds are the server's: a few may lie in the next ones.
    assert!((5..=17).contains(&refused), "{refused}");
}

#[test]
fn a_proxy_header_comes_before_tls() {
    let authority = Authority::new("ca");
    let client = TlsClient::new(&authority);
    let files = authority.server("server").conf();
    for first in ["false", "true", "auto"] {
        let Some(server) = dunlin(&format!(
            "proxy_protocol: true\ntls {{ {files} handshake_first: {first} }}\n\
             websocket {{ listen: \"127.0.0.1:{{ws_port}}\", proxy_protocol: true, tls {{ {files} }} }}\n"
        )) else {
            return;
        };
        for (is_nats, address) in [(true, server.addresses().nats), (false, server.addresses().websocket)] {
            let mut tcp = RawTcp::connect(address);
            tcp.send(b"PROXY TCP4 203.0.113.7 10.0.0.1 4711 443\r\n");
            let mut link = match is_nats {
                true if first == "false" => Link::Tcp(tcp.upgrade(&client)),
                true => Link::Tcp(tcp.start_tls(&client).unwrap()),
                false => Link::Ws(RawWs::over(tcp.start_tls(&client).unwrap(), "")),
            };
            expect_pong(&mut link);
            let all = connz(&server, "");
            let shown = all.as_array().unwrap().last().unwrap();
            assert_eq!((&shown["ip"], &shown["tls_version"]), (&"203.0.113.7".into(), &"1.3".into()));
        }
    }
    // All in one write: what is read past the header is the handshake's.
    let Some(server) = dunlin(&format!("proxy_protocol: true\ntls {{ {files} handshake_first: true }}\n"))
    else {
        return;
    };
    let mut tcp = RawTcp::connect(server.addresses().nats);
    tcp.send(&[b"PROXY TCP4 203.0.113.7 10.0.0.1 4711 443\r\n", &client_hello(&client)[..]].concat());
    assert_eq!(tcp.read_exact(1, Deadline::usual()), (vec![0x16], End::Found));
}
