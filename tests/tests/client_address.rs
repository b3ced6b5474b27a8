//! Where clients come from, behind proxies: what INFO, /connz and the log say.

use dunlin_tests::{Deadline, End, Kind, Link, RawTcp, RawWs, ServerProcess, handshake};
use serde_json::Value;

use crate::support::monitoring;

fn dunlin(conf: &str) -> Option<ServerProcess> {
    (Kind::under_test() == Kind::Dunlin).then(|| ServerProcess::start(Kind::Dunlin, conf, &["-D"]))
}

/// INFO as JSON.
fn info(link: &mut Link) -> Value {
    let text = link.expect(b"\r\n");
    let json = text.strip_prefix(b"INFO ").expect("INFO comes first");
    serde_json::from_slice(json).expect("INFO is JSON")
}

/// Address and port of the only connection in /connz.
fn connz(server: &ServerProcess) -> (String, u64) {
    let connz = monitoring(server, "/connz");
    assert_eq!(connz["num_connections"], 1, "{connz}");
    let one = &connz["connections"][0];
    (one["ip"].as_str().unwrap().to_owned(), one["port"].as_u64().unwrap())
}

/// Waits until nobody is connected any more.
fn wait_until_alone(server: &ServerProcess) {
    let deadline = Deadline::usual();
    while monitoring(server, "/connz")["num_connections"] != 0 {
        assert!(deadline.left().is_some(), "a connection stays");
    }
}

fn v2(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
    let len = u16::try_from(body.len()).unwrap().to_be_bytes();
    [&b"\r\n\r\n\0\r\nQUIT\n"[..], &[command, family], &len, body].concat()
}

/// Headers of the PROXY protocol, and the client that they name.
fn headers() -> Vec<(Vec<u8>, &'static str, u64)> {
    let v6: [u8; 16] = "2001:db8::7".parse::<std::net::Ipv6Addr>().unwrap().octets();
    vec![
        (b"PROXY TCP4 203.0.113.195 10.0.0.1 41352 443\r\n".to_vec(), "203.0.113.195", 41352),
        (b"PROXY TCP6 2001:db8::7 2001:db8::1 41352 443\r\n".to_vec(), "2001:db8::7", 41352),
        (b"PROXY TCP6 ::ffff:203.0.113.195 ::1 41352 443\r\n".to_vec(), "203.0.113.195", 41352),
        (v2(0x21, 0x11, &[203, 0, 113, 195, 10, 0, 0, 1, 0x80, 0, 1, 0xbb]), "203.0.113.195", 32768),
        (v2(0x21, 0x21, &[&v6[..], &v6, &[0, 80, 1, 0xbb, 4, 0, 1, b'x']].concat()), "2001:db8::7", 80),
    ]
}

#[test]
fn a_proxy_protocol_header_says_where_a_client_comes_from() {
    let conf = "proxy_protocol: true\nwebsocket { listen: \"127.0.0.1:{ws_port}\", no_tls: true, proxy_protocol: true }\n";
    let Some(server) = dunlin(conf) else { return };
    for (header, ip, port) in headers() {
        for chunk in [1, 7, 1000] {
            let mut tcp = RawTcp::connect(server.addresses().nats);
            tcp.send_in_chunks(&[&header[..], b"CONNECT {\"verbose\":false}\r\nPING\r\n"].concat(), chunk);
            let socket = tcp.local_address();
            let mut link = Link::Tcp(tcp);
            let info = info(&mut link);
            assert_eq!(info["client_ip"], ip);
            link.expect(b"PONG\r\n");
            assert_eq!(connz(&server), (ip.to_owned(), port));
            let shown = if ip.contains(':') { format!("[{ip}]") } else { ip.to_owned() };
            server.wait_for_log(&format!("{shown}:{port}/{socket} - cid:{}", info["client_id"]));
            drop(link);
            wait_until_alone(&server);
        }
        let mut tcp = RawTcp::connect(server.addresses().websocket);
        tcp.send(&[&header[..], handshake("/", "").as_bytes()].concat());
        let (head, _) = tcp.read_until(b"\r\n\r\n", Deadline::usual());
        assert!(head.starts_with(b"HTTP/1.1 101 "));
        let mut link = Link::Ws(RawWs { tcp });
        assert_eq!(info(&mut link)["client_ip"], ip);
        assert_eq!(connz(&server), (ip.to_owned(), port));
        drop(link);
        wait_until_alone(&server);
    }
}

#[test]
fn a_header_without_an_address_leaves_the_sockets_own() {
    let Some(server) = dunlin("proxy_protocol: true\n") else { return };
    for header in
        [b"PROXY UNKNOWN\r\n".to_vec(), v2(0x20, 0, b""), v2(0x21, 0, b""), v2(0x21, 0x31, &[b'/'; 216])]
    {
        let mut tcp = RawTcp::connect(server.addresses().nats);
        tcp.send(&header);
        let port = u64::from(tcp.local_address().port());
        let mut link = Link::Tcp(tcp);
        assert_eq!(info(&mut link)["client_ip"], "127.0.0.1");
        assert_eq!(connz(&server), ("127.0.0.1".to_owned(), port));
        drop(link);
        wait_until_alone(&server);
    }
}

#[test]
fn a_connection_without_a_good_header_is_closed_and_logged() {
    let conf = "proxy_protocol: true\nwebsocket { listen: \"127.0.0.1:{ws_port}\", no_tls: true, proxy_protocol: true }\n";
    let Some(server) = dunlin(conf) else { return };
    let mut errors = 0;
    for (bytes, error) in [
        (b"CONNECT {}\r\nPING\r\n".to_vec(), "the connection does not start with a PROXY protocol header"),
        (handshake("/", "").into_bytes(), "the connection does not start with a PROXY protocol header"),
        (b"PROXY TCP4 1.2.3.4 5.6.7.8 9\r\n".to_vec(), "version 1: two addresses and two ports are needed"),
        (b"PROXY TCP4 ".repeat(20), "version 1: the line is longer than 107 bytes"),
        (v2(0x21, 0x12, &[0; 12]), "version 2: the connection is not a stream"),
        (v2(0x21, 0x11, &[0; 65_535]), "version 2: the header is longer than 4112 bytes"),
    ] {
        for address in [server.addresses().nats, server.addresses().websocket] {
            let mut tcp = RawTcp::connect(address);
            tcp.send(&bytes);
            let socket = tcp.local_address();
            assert_eq!(tcp.read_to_close(Deadline::usual()), (Vec::new(), End::Closed), "{error}");
            server.wait_for_log(&format!("Error reading PROXY protocol header from {socket}: {error}"));
            errors += 1;
        }
    }
    assert_eq!(monitoring(&server, "/varz")["limits"]["proxy_header_errors"], errors);
}

#[test]
fn only_listed_proxies_write_headers() {
    let Some(server) = dunlin("proxy_protocol: true\ntrusted_proxies: [\"10.0.0.0/8\"]\n") else { return };
    // The tests are no proxy: they come without a header, and one would be taken for an op.
    let mut link = Link::Tcp(RawTcp::connect(server.addresses().nats));
    assert_eq!(info(&mut link)["client_ip"], "127.0.0.1");
    link.send(b"PROXY TCP4 203.0.113.195 10.0.0.1 41352 443\r\n");
    let (words, _) = link.last_words();
    assert_eq!(String::from_utf8_lossy(&words), "-ERR 'Unknown Protocol Operation'\r\n");
}

/// What a request with these headers is taken to come from: INFO, and /connz.
fn websocket_client(server: &ServerProcess, headers: &str) -> (Value, (String, u64)) {
    let mut link = Link::Ws(RawWs::connect(server.addresses().websocket, headers));
    let info = info(&mut link);
    let connz = connz(server);
    drop(link);
    wait_until_alone(server);
    (info["client_ip"].clone(), connz)
}

#[test]
fn a_proxy_on_the_same_machine_is_believed_by_default() {
    let Some(server) = dunlin("") else { return };
    for (headers, ip, port) in [
        ("X-Forwarded-For: 203.0.113.195, 198.51.100.178\r\n", "198.51.100.178", 0),
        ("X-Forwarded-For: 203.0.113.195\r\nX-Forwarded-For: 198.51.100.178\r\n", "198.51.100.178", 0),
        ("x-forwarded-for: 203.0.113.195, 127.0.0.1\r\n", "203.0.113.195", 0),
        ("X-Forwarded-For: [2001:db8::7]:4711\r\n", "2001:db8::7", 4711),
        ("Forwarded: for=\"[2001:db8::7]:4711\";proto=https\r\n", "2001:db8::7", 4711),
    ] {
        assert_eq!(websocket_client(&server, headers), (ip.into(), (ip.to_owned(), port)), "{headers}");
    }
    for headers in
        ["", "X-Forwarded-For: unknown\r\n", "X-Forwarded-For: 1.1.1.1\r\nForwarded: for=2.2.2.2\r\n"]
    {
        let (ip, (shown, port)) = websocket_client(&server, headers);
        assert_eq!((ip.as_str(), shown.as_str()), (Some("127.0.0.1"), "127.0.0.1"), "{headers}");
        assert_ne!(port, 0);
    }
}

#[test]
fn a_list_of_proxies_is_walked_from_the_right() {
    let conf = "websocket { listen: \"127.0.0.1:{ws_port}\", no_tls: true, trusted_proxies: [\"127.0.0.1\", \"198.51.100.0/24\"] }\n";
    let Some(server) = dunlin(conf) else { return };
    let mut ws =
        RawWs::connect(server.addresses().websocket, "X-Forwarded-For: 203.0.113.195, 198.51.100.178\r\n");
    let socket = ws.tcp.local_address();
    ws.send(b"CONNECT {}\r\n");
    let mut link = Link::Ws(ws);
    let info = info(&mut link);
    assert_eq!(info["client_ip"], "203.0.113.195");
    // As nats-server writes it.
    server.wait_for_log(&format!("203.0.113.195/{socket} - wid:{}", info["client_id"]));
}

#[test]
fn a_list_of_proxies_is_all_that_is_believed() {
    // This machine is not in it.
    let Some(server) = dunlin("trusted_proxies: [\"10.0.0.0/8\"]\n") else { return };
    let (ip, (shown, _)) = websocket_client(&server, "X-Forwarded-For: 203.0.113.195\r\n");
    assert_eq!((ip.as_str(), shown.as_str()), (Some("127.0.0.1"), "127.0.0.1"));
}

#[test]
fn a_refused_request_is_logged_with_its_client() {
    let Some(server) = dunlin("") else { return };
    let mut tcp = RawTcp::connect(server.addresses().websocket);
    tcp.send(b"GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.195\r\n\r\n");
    let socket = tcp.local_address();
    server.wait_for_log(&format!("203.0.113.195/{socket} - websocket handshake error: "));
}
