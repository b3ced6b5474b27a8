//! The WebSocket front door: who may come in, and how. About dunlin only, where the official server has no such key.

use dunlin_tests::{Deadline, Kind, Link, RawTcp, RawWs, ServerProcess, handshake};

fn dunlin(conf: &str) -> Option<ServerProcess> {
    (Kind::under_test() == Kind::Dunlin).then(|| ServerProcess::start(Kind::Dunlin, conf, &[]))
}

/// A configuration with these keys in the block `websocket`.
fn websocket(keys: &str) -> String {
    format!("websocket {{ listen: \"127.0.0.1:{{ws_port}}\", no_tls: true\n{keys}\n}}\n")
}

/// The head of the answer to a handshake with these headers.
fn answer(server: &ServerProcess, headers: &str) -> String {
    let mut tcp = RawTcp::connect(server.addresses().websocket);
    tcp.send(handshake("/", headers).as_bytes());
    let (head, _) = tcp.read_until(b"\r\n\r\n", Deadline::usual());
    String::from_utf8_lossy(&head).into_owned()
}

/// The status of the answer to a handshake with these headers.
fn status(server: &ServerProcess, headers: &str) -> u16 {
    let head = answer(server, headers);
    head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{head:?}"))
}

/// What the server says over a WebSocket that works.
fn greets(server: &ServerProcess, headers: &str) {
    let mut ws = Link::Ws(RawWs::connect(server.addresses().websocket, headers));
    ws.send(b"PING\r\n");
    ws.expect(b"PONG\r\n");
}

#[test]
fn sub_domains_are_let_in_by_a_wildcard() {
    let conf = websocket("allowed_origins: [\"https://*.example.com\", \"http://localhost:3000\"]");
    let Some(server) = dunlin(&conf) else { return };
    for (origin, expected) in [
        ("https://app.example.com", 101),
        ("https://a.b.example.com:443", 101),
        ("http://localhost:3000", 101),
        ("https://example.com", 403),
        ("http://app.example.com", 403),
        ("https://app.example.com.evil.example", 403),
        ("https://evilexample.com", 403),
        ("null", 403),
    ] {
        assert_eq!(status(&server, &format!("Origin: {origin}\r\n")), expected, "{origin}");
    }
    assert_eq!(status(&server, ""), 101);
    let line = server.wait_for_log("(https://evilexample.com)");
    let text = " - websocket handshake error: origin not allowed: not in the allowed list (https://evil";
    assert!(line.contains("[ERR] 127.0.0.1:") && line.contains(text), "{line}");
}

#[test]
fn an_origin_can_be_required() {
    let Some(server) = dunlin(&websocket("require_origin: true")) else { return };
    assert_eq!(status(&server, ""), 403);
    server.wait_for_log("websocket handshake error: origin not allowed: the request names none");
    assert_eq!(status(&server, "Origin: null\r\n"), 403);
    assert_eq!(status(&server, "Origin: http://anywhere.example\r\n"), 101);
}

#[test]
fn a_log_line_of_a_strangers_origin_is_one_line() {
    let Some(server) = dunlin(&websocket("require_origin: true")) else { return };
    let long = "\u{e9}".repeat(200);
    assert_eq!(status(&server, &format!("Origin: a\tb\"{long}\r\n")), 403);
    let line = server.wait_for_log("not an origin");
    assert!(line.contains("(a\\tb\\\"\\xc3\\xa9") && line.len() < 700, "{line}");
}

#[test]
fn masks_can_be_made_mandatory() {
    let asks = "Nats-No-Masking: true\r\n";
    for keys in ["", "no_masking: true"] {
        let Some(server) = dunlin(&websocket(keys)) else { return };
        assert!(answer(&server, asks).contains("\r\nNats-No-Masking: true\r\n"));
        let mut ws = RawWs::connect(server.addresses().websocket, asks);
        ws.tcp.send(b"\x82\x06PING\r\n");
        Link::Ws(ws).expect(b"PONG\r\n");
    }
    let Some(server) = dunlin(&websocket("no_masking: false")) else { return };
    let head = answer(&server, asks);
    assert!(head.starts_with("HTTP/1.1 101 ") && !head.contains("Masking"), "{head}");
    greets(&server, asks);
    let mut ws = RawWs::connect(server.addresses().websocket, asks);
    ws.tcp.send(b"\x82\x06PING\r\n");
    let (_, close) = Link::Ws(ws).last_words();
    assert_eq!(close.unwrap(), b"\x03\xeamask bit missing");
}

#[test]
fn the_block_is_reloaded_without_a_restart() {
    let Some(mut server) = dunlin(&websocket("")) else { return };
    let mut client = Link::Ws(RawWs::connect(server.addresses().websocket, ""));
    client.expect(b"\r\n");
    assert_eq!(status(&server, "Origin: http://evil.example\r\n"), 101);

    let keys = "allowed_origins: \"http://*.example.com\"\nno_masking: false\nheaders { X-Door: new }\nadvertise: \"a:1\"\n\
        handshake_timeout: 3s, ping_interval: 70s, same_origin: false, user_cookie: u";
    let lines = server.reload(&websocket(keys)).join("\n");
    for line in [
        "Reloaded: websocket.allowed_origins = [\"http://*.example.com\"]",
        "Reloaded: websocket.user_cookie = Some(\"u\")",
        "Reloaded: websocket.advertise = Some(\"a:1\")",
        "Reloaded: websocket.handshake_timeout = 3s",
        "Reloaded: websocket.headers = [(\"X-Door\", \"new\")]",
        "Reloaded: websocket.ping_interval = Some(70s)",
        "Reloaded: websocket.no_masking = false",
        "Reloaded server configuration (sha256:",
    ] {
        assert!(lines.contains(line), "{line}\n{lines}");
    }
    assert_eq!(status(&server, "Origin: http://evil.example\r\n"), 403);
    let head = answer(&server, "Origin: http://a.example.com\r\nNats-No-Masking: true\r\n");
    assert!(head.contains("\r\nX-Door: new\r\n") && !head.contains("Masking"), "{head}");
    // Nobody was sent away.
    client.send(b"PING\r\n");
    client.expect(b"PONG\r\n");

    // All or nothing: a listener cannot move.
    let moved = "websocket { listen: \"127.0.0.2:{ws_port}\", no_tls: true, same_origin: true }\n";
    let lines = server.reload(moved).join("\n");
    assert!(
        lines
            .contains("config reload not supported for websocket.host: old=\"127.0.0.1\", new=\"127.0.0.2\""),
        "{lines}"
    );
    assert_eq!(status(&server, "Origin: http://a.example.com\r\n"), 101);
    let lines = server.reload(&websocket("origins: \"ftp://x\"")).join("\n");
    assert!(lines.contains("unable to parse allowed origin \"ftp://x\""), "{lines}");
    assert_eq!(status(&server, "Origin: http://a.example.com\r\n"), 101);
}
