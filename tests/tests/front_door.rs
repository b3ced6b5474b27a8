//! The WebSocket front door: who may come in, and how. About dunlin only, where the official server has no such key.

use std::net::SocketAddr;
use std::time::Duration;

use dunlin_tests::{Addresses, Deadline, End, Kind, Link, RawTcp, RawWs, ServerProcess, handshake};

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
        "Reloaded: websocket.user_cookie = \"u\"",
        "Reloaded: websocket.advertise = \"a:1\"",
        "Reloaded: websocket.handshake_timeout = \"3s\"",
        "Reloaded: websocket.headers = { X-Door: [REDACTED] }",
        "Reloaded: websocket.ping_interval = \"1m10s\"",
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

/// One listener for monitoring and WebSocket.
const SHARED: &str = "http_port: {free_port}, host: 127.0.0.1\nwebsocket { listen: \"127.0.0.1:{free_port}\", no_tls: true }\n";

/// The next response of a connection: its head, and its body.
pub(crate) fn response(tcp: &mut RawTcp) -> (String, String) {
    let (head, _) = tcp.read_until(b"\r\n\r\n", Deadline::usual());
    let head = String::from_utf8_lossy(&head).into_owned();
    let len = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")?.parse().ok()).unwrap_or(0);
    let (body, _) = tcp.read_exact(len, Deadline::usual());
    (head, String::from_utf8_lossy(&body).into_owned())
}

#[test]
fn monitoring_and_websocket_share_a_port() {
    let Some(server) = dunlin(SHARED) else { return };
    let address = server.addresses().websocket;
    assert_eq!(address, server.addresses().monitoring);
    server.wait_for_log(&format!("Port {} is shared: ", address.port()));
    let ports = server.dir().join(format!("dunlin_{}.ports", server.id()));
    let ports: serde_json::Value = serde_json::from_slice(&std::fs::read(ports).unwrap()).unwrap();
    assert_eq!(ports["monitoring"][0], format!("http://{address}"));
    assert_eq!(ports["websocket"][0], format!("ws://{address}"));

    // Any number of requests on one connection, of both kinds, until it becomes a WebSocket.
    let mut tcp = RawTcp::connect(address);
    for (request, status, text) in [
        ("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", "200 OK", "{\"status\":\"ok\"}"),
        (
            "GET /varz HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
            "200 OK",
            "\"shared_port\": true",
        ),
        ("GET /varz HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n", "400 Bad Request", "Bad Request\n"),
        ("GET / HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Key: x\r\n\r\n", "400 Bad Request", "Bad Request\n"),
        ("GET /mqtt HTTP/1.1\r\nHost: a\r\n\r\n", "404 Not Found", "404 page not found\n"),
        (&handshake("/mqtt", ""), "404 Not Found", "Not Found\n"),
        (&handshake("/leafnode", ""), "404 Not Found", "Not Found\n"),
        ("POST /connz HTTP/1.1\r\nHost: a\r\n\r\n", "200 OK", "\"num_connections\": 0"),
        ("GET http://b/healthz?details=1 HTTP/1.1\r\nHost: a\r\n\r\n", "200 OK", "{\"status\":\"ok\"}"),
    ] {
        tcp.send(request.as_bytes());
        let (head, body) = response(&mut tcp);
        assert!(head.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{request:?}: {head}");
        assert!(body.contains(text), "{request:?}: {body}");
        assert!(!head.contains("Connection: close"), "{head}");
    }
    tcp.send(handshake("/any/path", "").as_bytes());
    let (head, _) = response(&mut tcp);
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    let mut ws = Link::Ws(RawWs { tcp });
    ws.send(b"PING\r\n");
    ws.expect(b"PONG\r\n");
    let mut http = RawTcp::connect(address);
    http.send(b"GET /connz HTTP/1.1\r\nHost: a\r\n\r\n");
    let (_, body) = response(&mut http);
    assert!(body.contains("\"kind\": \"Websocket\"") && body.contains("\"num_connections\": 1"), "{body}");
    assert!(server.log().contains("websocket handshake error: invalid value for header 'Upgrade'"));
    assert!(server.log().contains("websocket handshake error: mqtt websocket endpoint not enabled"));
}

#[test]
fn requests_may_be_sent_ahead_of_their_answers() {
    let Some(server) = dunlin(SHARED) else { return };
    let one = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    let all = one.repeat(20) + "HEAD /varz HTTP/1.1\r\nHost: a\r\n\r\n" + one + &handshake("/", "");
    for size in [1, 7, 50, all.len()] {
        let mut tcp = RawTcp::connect(server.addresses().websocket);
        tcp.send_in_chunks(all.as_bytes(), size);
        for _ in 0..20 {
            assert_eq!(response(&mut tcp).1, "{\"status\":\"ok\"}");
        }
        let (head, _) = tcp.read_until(b"\r\n\r\n", Deadline::usual());
        let head = String::from_utf8_lossy(&head).into_owned();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.contains("Content-Length: "), "{head}");
        assert_eq!(response(&mut tcp).1, "{\"status\":\"ok\"}");
        assert!(response(&mut tcp).0.starts_with("HTTP/1.1 101 "));
        Link::Ws(RawWs { tcp }).expect(b"INFO {");
    }
}

#[test]
fn monitoring_answers_whoever_has_sent_its_last() {
    let Some(server) = dunlin(SHARED) else { return };
    for request in [
        "GET /varz HTTP/1.0\r\n\r\n",
        "GET /varz HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /varz HTTP/1.1\r\nHost: a\r\n\r\nGET /varz HTTP/1.1\r\nHost: a\r\n\r\nGET /va",
    ] {
        let mut tcp = RawTcp::connect(server.addresses().monitoring);
        tcp.send(request.as_bytes());
        tcp.half_close();
        let (text, end) = tcp.read_to_close(Deadline::usual());
        let text = String::from_utf8_lossy(&text).into_owned();
        assert_eq!(end, End::Closed);
        let answers = request.matches("/varz").count();
        assert_eq!(text.matches("\"server_id\"").count(), answers, "{request:?}: {text}");
    }
    // One that asks on and on before it reads: the server stops reading in time, and answers all in the end.
    let mut greedy = RawTcp::connect(server.addresses().monitoring);
    let requests = "GET /varz HTTP/1.1\r\nHost: a\r\n\r\n".repeat(3000);
    let sent = greedy.send_what_fits(requests.as_bytes());
    greedy.half_close();
    let (text, _) = greedy.read_to_close(Deadline::usual());
    let answers = text.windows(11).filter(|window| window == b"\"server_id\"").count();
    assert_eq!(answers, requests[..sent].matches("\r\n\r\n").count());
    let mut http = RawTcp::connect(server.addresses().monitoring);
    http.send(b"GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    let (head, body) = response(&mut http);
    assert!(head.contains("\r\nConnection: keep-alive\r\n") && body == "{\"status\":\"ok\"}", "{head}{body}");
}

#[test]
fn requests_that_two_readers_could_take_for_different_things_end_the_connection() {
    let Some(server) = dunlin(SHARED) else { return };
    for (request, status) in [
        ("GET /varz HTTP/1.1\r\n\r\n", 400),
        ("GET /varz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("GET /varz HTTP/1.1\r\n X: a\r\nHost: a\r\n\r\n", 400),
        ("GET /varz HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        ("GET varz HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /varz HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nGET ", 200),
        ("GET /varz HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200),
        (&handshake("/", "Content-Length: 4\r\n"), 400),
        (&handshake("/", "Transfer-Encoding: chunked\r\n"), 400),
        (&handshake("/", "Transfer-Encoding:\r\n chunked\r\n"), 400),
        (&handshake("/", "Content-Length:\r\n\t4\r\n"), 400),
        (&(handshake("/", "") + "GET / HTTP/1.1\r\n"), 400),
        (&format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(600)), 431),
        (&format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "y".repeat(20_000)), 431),
    ] {
        let mut tcp = RawTcp::connect(server.addresses().websocket);
        tcp.send(request.as_bytes());
        let (text, end) = tcp.read_to_close(Deadline::usual());
        let text = String::from_utf8_lossy(&text).into_owned();
        assert_eq!(end, End::Closed, "{request:?}: {text}");
        assert!(text.starts_with(&format!("HTTP/1.1 {status} ")), "{request:?}: {text}");
        assert!(
            text.contains("\r\nConnection: close\r\n") && text.matches("HTTP/1.1 ").count() == 1,
            "{text}"
        );
    }
}

#[test]
fn silent_peers_are_pinged_in_websocket_too_where_that_is_configured() {
    let keys = "ws_ping_interval: \"50ms\", ping_interval: \"1h\"";
    let Some(mut server) = dunlin(&websocket(keys)) else { return };
    let mut ws = RawWs::connect(server.addresses().websocket, "");
    // Pongs keep it open, through more pings than may go unanswered.
    let mut pings = 0;
    while pings < 6 {
        let frame = ws.read_frame(Deadline::usual()).unwrap();
        if frame.first == 0x89 {
            assert!(frame.payload.is_empty() && !frame.masked);
            ws.tcp.send(&dunlin_tests::frame(0x8a, b""));
            pings += 1;
        }
    }
    // Two unanswered ones (ping_max) end it.
    let (words, close) = Link::Ws(ws).last_words();
    assert!(words.ends_with(b"-ERR 'Stale Connection'\r\n"), "{words:?}");
    assert_eq!(close.unwrap(), b"\x03\xe9Stale Connection");

    // A reload switches them on for connections that are there.
    server.reload(&websocket("ping_interval: \"1h\""));
    let mut ws = RawWs::connect(server.addresses().websocket, "");
    Link::Ws(RawWs::connect(server.addresses().websocket, "")).expect(b"INFO ");
    let lines = server.reload(&websocket(keys)).join("\n");
    assert!(lines.contains("Reloaded: websocket.ws_ping_interval = \"50ms\""), "{lines}");
    while ws.read_frame(Deadline::usual()).unwrap().first != 0x89 {}
}

/// A TLS connection as it begins, as far as anybody has to look at it.
const CLIENT_HELLO: &[u8] = b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00";

/// All that comes until the server closes, which it does by itself.
fn told(address: SocketAddr, bytes: &[u8]) -> String {
    let mut tcp = RawTcp::connect(address);
    tcp.send(bytes);
    let (text, end) = tcp.read_to_close(Deadline::usual());
    assert_eq!((end, tcp.is_broken()), (End::Closed, false), "{}", bytes.escape_ascii());
    String::from_utf8_lossy(&text).into_owned()
}

#[test]
fn who_speaks_something_else_is_told_so_at_once() {
    let keys = "http_port: {http_port}, host: 127.0.0.1\n".to_owned() + &websocket("");
    let Some(server) = dunlin(&keys) else { return };
    let Addresses { nats, websocket, monitoring } = server.addresses();
    let nats_is = format!("NATS clients connect to port {}.", nats.port());
    let websocket_is = format!("WebSocket is on port {} (ws://).", websocket.port());
    let monitoring_is = format!("Monitoring is on port {} (http://).", monitoring.port());
    let on_nats = format!("This port is for NATS clients. {websocket_is} {monitoring_is}");
    let on_websocket = format!("This port is for NATS over WebSocket. {nats_is} {monitoring_is}");
    let on_monitoring = format!("This port is for monitoring over HTTP. {nats_is} {websocket_is}");
    let unknown = "-ERR 'Unknown Protocol Operation'\r\n".to_owned();
    let alert = "\x15\x03\x01\0\x02\x02(".to_owned();
    let http = |text: &str| format!("\r\n\r\n{text}\n");
    let err = |text: &str| format!("-ERR '{text}'\r\n");
    let get = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let (mqtt, proxy) = (b"\x10\x0c\0\x04MQTT\x04\x02\0\x3c\0\0", b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n");
    let proxy_v2 = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";
    let (h2, ops) = (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"CONNECT {\"verbose\":false}\r\nPING\r\n");
    for (address, bytes, ends, speaks) in [
        (nats, &get[..], http(&on_nats) + &unknown, "HTTP"),
        (nats, handshake("/", "").as_bytes(), http(&on_nats) + &unknown, "HTTP"),
        (nats, b"POST / HTTP/1.0\r\n\r\n", http(&on_nats) + &unknown, "HTTP"),
        (nats, h2, http(&on_nats) + &unknown, "HTTP/2"),
        (nats, CLIENT_HELLO, alert.clone(), "TLS to a port without TLS"),
        (nats, mqtt, unknown.clone(), "MQTT"),
        (nats, proxy, unknown.clone(), "the PROXY protocol to a port without proxy_protocol: true"),
        (nats, proxy_v2, unknown.clone(), "the PROXY protocol to a port without proxy_protocol: true"),
        (websocket, ops, err(&on_websocket), "NATS"),
        (websocket, b"PING\r\n", err(&on_websocket), "NATS"),
        (websocket, b"SUB a 1\r\n", err(&on_websocket), "NATS"),
        (websocket, CLIENT_HELLO, alert.clone(), "TLS to a port without TLS"),
        (websocket, mqtt, "\x20\x02\0\x01".to_owned(), "MQTT"),
        (
            websocket,
            proxy,
            format!("{on_websocket}\n"),
            "the PROXY protocol to a port without proxy_protocol: true",
        ),
        (
            websocket,
            proxy_v2,
            format!("{on_websocket}\n"),
            "the PROXY protocol to a port without proxy_protocol: true",
        ),
        (websocket, h2, format!("\x07\0\0\0\0\0\0\0\0\0\0\0\0\r{on_websocket}"), "HTTP/2"),
        (websocket, b"hello\r\n", http("Bad Request: the request head is malformed"), ""),
        (monitoring, b"CONNECT {}\r\n", err(&on_monitoring), "NATS"),
        (monitoring, CLIENT_HELLO, alert, "TLS to a port without TLS"),
    ] {
        let text = told(address, bytes);
        assert!(text.ends_with(&ends), "{}: {text:?} does not end with {ends:?}", bytes.escape_ascii());
        if !speaks.is_empty() {
            server.wait_for_log(&format!(" - the client speaks {speaks}"));
        }
    }
    let mut tcp = RawTcp::connect(monitoring);
    tcp.send(handshake("/varz", "").as_bytes());
    assert!(response(&mut tcp).0.starts_with("HTTP/1.1 200 "));
    server.wait_for_log(&format!(" - the client speaks WebSocket. {on_monitoring}"));
    // A telnet user is no stranger, however slowly he types, and what is wrong later is wrong NATS.
    let mut link = Link::Tcp(RawTcp::connect(nats));
    for byte in b"PING\r\nPUB a 3\r\nGET\r\nPING\r\n".chunks(1) {
        link.send(byte);
    }
    link.expect(b"PONG\r\n+OK\r\nPONG\r\n");
    assert!(told(nats, b"\r\n").ends_with(&format!("\r\n{unknown}")));
    let mut link = Link::Tcp(RawTcp::connect(nats));
    link.send(b"PING\r\nGET / HTTP/1.1\r\n\r\n");
    let (words, _) = link.last_words();
    assert!(words.ends_with(format!("PONG\r\n{unknown}").as_bytes()));
}

#[test]
fn a_nats_client_that_waits_for_info_is_noted() {
    let Some(server) = dunlin(&websocket("handshake_timeout: \"100ms\"")) else { return };
    let text = told(server.addresses().websocket, b"");
    let expected =
        "Request Timeout: nothing arrived in time. This port is for NATS over WebSocket. NATS clients";
    assert!(text.starts_with("HTTP/1.1 408 ") && text.contains(expected), "{text}");
    server.wait_for_log(
        "websocket handshake error: nothing arrived in time. This port is for NATS over WebSocket.",
    );
    let Some(server) = dunlin(&websocket("")) else { return };
    let mut tcp = RawTcp::connect(server.addresses().websocket);
    let (_, end) = tcp.read_line(Deadline::after(Duration::from_millis(1200)));
    assert_eq!(end, End::TimedOut);
    drop(tcp);
    server
        .wait_for_log("left without a request. A NATS client, waiting for INFO? This port is for NATS over");
}

#[test]
fn strangers_do_not_fill_the_log() {
    let Some(server) = dunlin(&websocket("")) else { return };
    for _ in 0..300 {
        told(server.addresses().websocket, b"PING\r\n");
    }
    let mut link = Link::Tcp(RawTcp::connect(server.addresses().nats));
    link.send(b"PING\r\n");
    link.expect(b"PONG\r\n");
    let lines = server.log().matches("the client speaks NATS").count();
    assert!((1..200).contains(&lines), "{lines} lines");
}

#[test]
fn a_browser_at_the_port_for_websocket_gets_a_page() {
    let conf = websocket("allowed_origins: \"https://app.example.com\", require_origin: true");
    let Some(server) = dunlin(&conf) else { return };
    let Addresses { nats, websocket, monitoring } = server.addresses();
    let mut tcp = RawTcp::connect(websocket);
    let mut ask = |request: &str| {
        tcp.send(request.as_bytes());
        response(&mut tcp)
    };
    // curl
    let (head, text) =
        ask(&format!("GET / HTTP/1.1\r\nHost: {websocket}\r\nUser-Agent: curl/8\r\nAccept: */*\r\n\r\n"));
    for line in [
        "HTTP/1.1 426 Upgrade Required\r\nContent-Type: text/plain; charset=utf-8\r\n",
        "\r\nUpgrade: websocket\r\n",
        "\r\nConnection: Upgrade\r\n",
        "\r\nX-Content-Type-Options: nosniff\r\n",
        "\r\nCache-Control: no-store\r\n",
    ] {
        assert!(head.contains(line), "{line}: {head}");
    }
    for line in [
        format!("This port is for NATS over WebSocket: ws://{websocket}\n"),
        format!("const nc = await wsconnect({{ servers: \"ws://{websocket}\" }});\n"),
        format!("\nNATS clients: port {}\n", nats.port()),
        format!("\nMonitoring: http://127.0.0.1:{}/\n", monitoring.port()),
    ] {
        assert!(text.contains(&line), "{line}: {text}");
    }
    // A browser, with a name that is not to be believed, behind a proxy that has TLS.
    let accepts = "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\nX-Forwarded-Proto: https\r\nX-Forwarded-For: 192.0.2.1\r\n";
    let (head, html) = ask(&format!("GET /?<script> HTTP/1.1\r\nHost: a'&b\r\n{accepts}\r\n"));
    assert!(head.contains("Content-Type: text/html; charset=utf-8\r\n"), "{head}");
    assert!(head.contains("Content-Security-Policy: default-src 'none'; "), "{head}");
    assert!(html.starts_with("<!doctype html>") && html.contains("&quot;wss://a&#39;&amp;b&quot;"), "{html}");
    assert!(!html.contains("<script") && !html.contains("a'&b"), "{html}");
    // Others that look in. Whoever asks for WebSocket in a wrong way is told what is wrong with that.
    for (request, status) in [
        ("GET /favicon.ico HTTP/1.1\r\nHost: a\r\n\r\n", 426),
        ("GET /healthz HTTP/1.1\r\nHost: a\r\nOrigin: https://evil.example\r\n\r\n", 426),
        ("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n", 426),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 405),
        (
            "OPTIONS / HTTP/1.1\r\nHost: a\r\nOrigin: https://evil.example\r\nAccess-Control-Request-Private-Network: true\r\n\r\n",
            405,
        ),
        ("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Version: 13\r\n\r\n", 400),
        ("GET /mqtt HTTP/1.1\r\nHost: a\r\n\r\n", 404),
    ] {
        let (head, _) = ask(request);
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{request:?}: {head}");
        assert_eq!(head.contains("Allow: GET, HEAD\r\n"), status == 405, "{head}");
        assert!(!head.contains("Access-Control-Allow"), "{head}");
    }
    ask(&handshake("/", "Origin: https://app.example.com\r\n"));
    Link::Ws(RawWs { tcp }).expect(b"INFO {");
    let text = told(websocket, b"HEAD / HTTP/1.0\r\n\r\n");
    assert!(text.starts_with("HTTP/1.1 426 ") && text.ends_with("\r\n\r\n"), "{text}");
    assert!(text.contains("\r\nConnection: Upgrade, close\r\n"), "{text}");
}

#[test]
fn a_server_that_is_open_to_all_pages_says_so_once() {
    const WARNING: &str = "[WRN] Websocket has neither authentication nor allowed_origins: ";
    let Some(mut server) = dunlin(&websocket("")) else { return };
    assert_eq!(server.log().matches(WARNING).count(), 1);
    let token = "authorization { token: s3cret }\n";
    for (keys, more) in [
        ("allowed_origins: \"https://app.example.com\"", ""),
        ("same_origin: true", ""),
        ("authorization { user: a, password: \"$2a$04$abc\" }", ""),
        ("", token),
    ] {
        server.reload(&(websocket(keys) + more));
    }
    assert_eq!(server.log().matches(WARNING).count(), 1, "{}", server.log());
    // Whoever need not say who it is, is anybody.
    server.reload(&(websocket("no_auth_user: a") + "authorization { users: [{ user: a, password: b }] }\n"));
    assert_eq!(server.log().matches(WARNING).count(), 2, "{}", server.log());
}
