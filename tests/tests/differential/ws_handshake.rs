//! The checks of the opening handshake one by one (RFC 6455 section 4.2.1).

use dunlin_tests::handshake;

use super::compare::compare;
use super::exchange::{Exchange, Step, exchange};

const HEAD: &[(&str, &str)] = &[
    ("Host", "localhost"),
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Key", dunlin_tests::HANDSHAKE_KEY),
    ("Sec-WebSocket-Version", "13"),
];

/// A request with one header replaced, or left out where the new value is `None`.
fn request(line: &str, name: &str, value: Option<&str>) -> String {
    let mut head = format!("{line}\r\n");
    for (key, usual) in HEAD {
        match (*key == name, value) {
            (false, _) => head.push_str(&format!("{key}: {usual}\r\n")),
            (true, Some(value)) => head.push_str(&format!("{key}: {value}\r\n")),
            (true, None) => {}
        }
    }
    head + "\r\n"
}

const GET: &str = "GET / HTTP/1.1";

fn answered(name: &str, request: String) -> Exchange {
    exchange(
        &format!("ws handshake/{name}"),
        "",
        vec![Step::WsSocket('A'), Step::Send('A', request.into_bytes()), Step::Response('A')],
    )
}

fn refused_and_closed(name: &str, request: impl Into<Vec<u8>>) -> Exchange {
    exchange(
        &format!("ws handshake/{name}"),
        "",
        vec![
            Step::WsSocket('A'),
            Step::Send('A', request.into()),
            Step::Response('A'),
            Step::UntilClosed('A'),
        ],
    )
}

/// Names of cases, and the header's value in each; `None` leaves it out.
type Values = &'static [(&'static str, Option<&'static str>)];

/// Each header that the handshake looks at: its short name, its name, and what it may say.
const HEADERS: &[(&str, &str, Values)] = &[
    (
        "upgrade",
        "Upgrade",
        &[
            ("missing", None),
            ("another", Some("h2c")),
            ("a list", Some("h2c, WebSocket")),
            ("in capitals", Some("WEBSOCKET")),
            ("empty", Some("")),
            ("with a version", Some("websocket/13")),
        ],
    ),
    (
        "connection",
        "Connection",
        &[
            ("missing", None),
            ("keep-alive", Some("keep-alive")),
            ("a list", Some("keep-alive, Upgrade")),
            ("in small letters", Some("upgrade")),
            ("a part", Some("UpgradeX")),
        ],
    ),
    (
        "key",
        "Sec-WebSocket-Key",
        &[
            ("missing", None),
            ("empty", Some("")),
            ("15 bytes", Some("AAAAAAAAAAAAAAAAAAAA")),
            ("17 bytes", Some("AAAAAAAAAAAAAAAAAAAAAAA=")),
            ("not base64", Some("!!!!!!!!!!!!!!!!!!!!!!==")),
            ("without padding", Some("dGhlIHNhbXBsZSBub25jZQ")),
            ("loose bits", Some("dGhlIHNhbXBsZSBub25jZR==")),
        ],
    ),
    (
        "version",
        "Sec-WebSocket-Version",
        &[
            ("missing", None),
            ("8", Some("8")),
            ("a list", Some("8, 13")),
            ("a list without", Some("7, 8")),
            ("013", Some("013")),
        ],
    ),
    ("host", "Host", &[("empty", Some("")), ("another", Some("example.com:80"))]),
];

fn requests(all: &mut Vec<Exchange>) {
    let lines = [
        ("a path", "GET /foo?x=1 HTTP/1.1"),
        ("an absolute path", "GET http://localhost/a HTTP/1.1"),
        ("post", "POST / HTTP/1.1"),
        ("small letters", "get / HTTP/1.1"),
        ("options", "OPTIONS / HTTP/1.1"),
        ("an absolute path of websocket", "GET wss://localhost/a HTTP/1.1"),
        ("a path of escapes", "GET /a%20b%2f?c=%zz&d=|{} HTTP/1.1"),
        ("mqtt without mqtt", "GET /mqtt HTTP/1.1"),
        ("a path that ends in mqtt", "GET /a/mqtt HTTP/1.1"),
        ("mqtt with a query", "GET /mqtt?x HTTP/1.1"),
        ("post to mqtt", "POST /mqtt HTTP/1.1"),
    ];
    for (name, line) in lines {
        all.push(answered(name, request(line, "", None)));
    }
    all.push(exchange(
        "ws handshake/head, then get",
        "",
        vec![
            Step::WsSocket('A'),
            Step::Send('A', request("HEAD / HTTP/1.1", "", None).into_bytes()),
            Step::ResponseHead('A'),
            Step::Send('A', handshake("/", "").into_bytes()),
            Step::Response('A'),
        ],
    ));
    for (name, header, values) in HEADERS {
        for (kind, value) in *values {
            all.push(answered(&format!("{name} {kind}"), request(GET, header, *value)));
        }
    }
}

fn extras(all: &mut Vec<Exchange>) {
    let more = [
        ("protocol is not echoed", "Sec-WebSocket-Protocol: nats\r\n"),
        ("no masking", "Nats-No-Masking: true\r\n"),
        ("no masking in capitals", "Nats-No-Masking: TRUE\r\n"),
        ("no masking false", "Nats-No-Masking: false\r\n"),
        ("compression is off", "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"),
        ("an origin", "Origin: https://example.com\r\n"),
        ("a null origin", "Origin: null\r\n"),
        ("forwarded", "X-Forwarded-For: 203.0.113.195\r\n"),
        ("a cookie", "Cookie: a=b; c=d\r\n"),
        ("a browser", "User-Agent: Mozilla/5.0 (X11) Chrome/156.0\r\n"),
        ("a content length of zero", "Content-Length: 0\r\n"),
        ("keys twice", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"),
        ("versions twice", "Sec-WebSocket-Version: 8\r\n"),
        ("upgrades twice", "Upgrade: h2c\r\n"),
        ("connections twice", "Connection: keep-alive\r\n"),
        ("extensions twice", "Sec-WebSocket-Extensions: a\r\nSec-WebSocket-Extensions: b; c=\"d\"\r\n"),
        ("cookies twice", "Cookie: a=b\r\nCookie: c=d\r\n"),
        ("empty values", "X-A:\r\nX-B: \t\r\nCookie:\r\n"),
        ("letters beyond ascii", "Cookie: a=\u{e9}\r\nX-Name: \u{442}\r\n"),
        ("odd names", "X_A.b: 1\r\n!#$%&'*+-.^_`|~: 1\r\n"),
        ("a continued line", "X-A: a\r\n b\r\n\tc\r\n"),
        ("an expectation", "Expect: 100-continue\r\n"),
        ("two zeros of content length", "Content-Length: 00\r\n"),
    ];
    for (name, headers) in more {
        all.push(answered(name, handshake("/", headers)));
    }
    let hops: String = (0..300).map(|hop| format!("X-Hop-{hop}: {hop}\r\n")).collect();
    all.push(answered("300 headers", handshake("/", &hops)));
    all.push(answered("12 KiB of cookies", handshake("/", &format!("Cookie: {}\r\n", "x".repeat(12 << 10)))));
    let latin: Vec<u8> =
        handshake("/", "Cookie: a=?\r\n").bytes().map(|b| if b == b'?' { 0xe9 } else { b }).collect();
    all.push(exchange(
        "ws handshake/a cookie in latin-1",
        "",
        vec![Step::WsSocket('A'), Step::Send('A', latin), Step::Response('A')],
    ));
    for (name, connection) in [
        ("upgrade", "upgrade"),
        ("close and upgrade", "close, Upgrade"),
        ("keep-alive and upgrade", "keep-alive, Upgrade"),
    ] {
        let request = request("GET / HTTP/1.0", "Connection", Some(connection));
        all.push(answered(&format!("http 1.0 with {name}"), request));
    }
}

/// Who has come to the wrong door.
fn strangers(all: &mut Vec<Exchange>) {
    for (name, text) in [
        ("a plain request", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        ("a plain head", "HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        ("a plain post", "POST / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ] {
        let response = if text.starts_with("HEAD") { Step::ResponseHead('A') } else { Step::Response('A') };
        all.push(exchange(
            &format!("ws handshake/{name}"),
            "",
            vec![Step::WsSocket('A'), Step::Send('A', text.into()), response],
        ));
    }
    for (name, text) in [
        ("nats", &b"CONNECT {}\r\nPING\r\n\r\n"[..]),
        ("nats connect", b"CONNECT {\"verbose\":false}\r\nPING\r\n"),
        ("nats ping", b"PING\r\n"),
        (
            "a proxy header",
            b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        ),
        ("http 2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ] {
        all.push(exchange(
            &format!("ws handshake/{name}"),
            "",
            vec![Step::WsSocket('A'), Step::Send('A', text.to_vec()), Step::UntilClosed('A')],
        ));
    }
}

/// Requests in odd forms, and several of them on one connection.
fn forms(all: &mut Vec<Exchange>) {
    let padded = request(GET, "Upgrade", None).replace("\r\n\r\n", "\r\nupgrade:\t websocket \r\n\r\n");
    all.push(answered("odd blanks and letters", padded));
    all.push(answered("line feeds only", handshake("/", "").replace("\r\n", "\n")));
    all.push(answered("empty lines first", format!("\r\n{}", handshake("/", ""))));
    all.push(exchange(
        "ws handshake/in pieces",
        "",
        vec![
            Step::WsSocket('A'),
            Step::SendInPieces('A', handshake("/", "").into_bytes(), 5),
            Step::Response('A'),
            Step::Until('A', "\r\n"),
        ],
    ));
    all.push(exchange(
        "ws handshake/refused, then right",
        "",
        vec![
            Step::WsSocket('A'),
            Step::Send('A', request(GET, "Sec-WebSocket-Version", None).into_bytes()),
            Step::Response('A'),
            Step::Send('A', handshake("/", "").into_bytes()),
            Step::Response('A'),
            Step::Until('A', "\r\n"),
        ],
    ));
    all.push(exchange(
        "ws handshake/refused twice",
        "",
        vec![
            Step::WsSocket('A'),
            Step::Send('A', request(GET, "Upgrade", None).into_bytes()),
            Step::Response('A'),
            Step::Send('A', request("POST / HTTP/1.1", "", None).into_bytes()),
            Step::Response('A'),
        ],
    ));
    all.push(exchange(
        "ws handshake/refused with connection close",
        "",
        vec![
            Step::WsSocket('A'),
            Step::Send(
                'A',
                request(GET, "Upgrade", None)
                    .replace("Connection: Upgrade", "Connection: close")
                    .into_bytes(),
            ),
            Step::Response('A'),
            Step::UntilClosed('A'),
        ],
    ));
    all.push(exchange(
        "ws handshake/data behind the head",
        "",
        vec![
            Step::WsSocket('A'),
            Step::Send(
                'A',
                [handshake("/", "").as_bytes(), &dunlin_tests::frame(0x82, b"PING\r\n")].concat(),
            ),
            Step::UntilClosed('A'),
        ],
    ));
}

fn broken(all: &mut Vec<Exchange>) {
    all.push(refused_and_closed("no host", request(GET, "Host", None)));
    all.push(refused_and_closed("two hosts", handshake("/", "Host: other\r\n")));
    all.push(answered("http 1.0", request("GET / HTTP/1.0", "", None)));
    all.push(refused_and_closed("http 1.0 without host", request("GET / HTTP/1.0", "Host", None)));
    all.push(refused_and_closed("http 3", request("GET / HTTP/3.0", "", None)));
    all.push(refused_and_closed("garbage", "garbage\r\n\r\n"));
    all.push(refused_and_closed("a header without a colon", handshake("/", "nonsense\r\n")));
    all.push(refused_and_closed("a blank before the colon", handshake("/", "Foo : bar\r\n")));
    all.push(refused_and_closed("a control byte in a value", handshake("/", "Foo: a\u{1}b\r\n")));
    all.push(refused_and_closed("a head without an end", vec![b'x'; 2 << 20]));
    all.push(refused_and_closed(
        "a long header",
        handshake("/", &format!("Foo: {}\r\n", "x".repeat(2 << 20))),
    ));
    all.push(exchange(
        "ws handshake/half a head",
        "",
        vec![
            Step::WsSocket('A'),
            Step::Send('A', b"GET / HTTP/1.1\r\nHost: x\r\n".to_vec()),
            Step::HalfClose('A'),
            Step::UntilClosed('A'),
        ],
    ));
    let timeout =
        "websocket { listen: \"127.0.0.1:{ws_port}\", no_tls: true, handshake_timeout: \"150ms\" }\n";
    all.push(exchange(
        "ws handshake/too slow",
        timeout,
        vec![
            Step::WsSocket('A'),
            Step::Send('A', b"GET / HTTP/1.1\r\nHost: x\r\n".to_vec()),
            Step::UntilClosed('A'),
        ],
    ));
    all.push(exchange("ws handshake/silent", timeout, vec![Step::WsSocket('A'), Step::UntilClosed('A')]));
    let headers =
        "websocket { listen: \"127.0.0.1:{ws_port}\", no_tls: true, headers: { \"X-Dunlin\": \"yes\" } }\n";
    all.push(exchange(
        "ws handshake/headers of the configuration",
        headers,
        vec![Step::WsSocket('A'), Step::Send('A', handshake("/", "").into_bytes()), Step::Response('A')],
    ));
}

pub(crate) fn exchanges() -> Vec<Exchange> {
    let mut all = Vec::new();
    requests(&mut all);
    extras(&mut all);
    strangers(&mut all);
    forms(&mut all);
    broken(&mut all);
    all
}

#[test]
fn ws_handshake() {
    compare("ws_handshake", &exchanges());
}
