//! No lost last words: whatever ends a connection, the client hears why before the close. On TCP and WebSocket the
//! `-ERR`, and on WebSocket the close frame with its code as well.
//!
//! The official server loses them where its read loop fails, and says nothing at all to a slow consumer. These tests
//! are about dunlin only.

use dunlin_tests::{Kind, Link, RawTcp, RawWs, ServerProcess, frame};

use crate::support::{code, expect_slow_consumer, flood, subscribe};

/// How often each error is tried: losing words is a matter of timing.
const TRIES: usize = 20;

fn dunlin(conf: &str) -> Option<ServerProcess> {
    (Kind::under_test() == Kind::Dunlin).then(|| ServerProcess::start(Kind::Dunlin, conf, &[]))
}

fn links(server: &ServerProcess) -> [Link; 2] {
    [
        Link::Tcp(RawTcp::connect(server.addresses().nats)),
        Link::Ws(RawWs::connect(server.addresses().websocket, "")),
    ]
}

/// Operations, the `-ERR` that they bring, and the close code.
const ERRORS: &[(&str, &str, u16)] = &[
    ("FROB\r\n", "Unknown Protocol Operation", 1002),
    ("\r\n", "Unknown Protocol Operation", 1002),
    ("PUB a 1\r\nxyz\r\n", "Unknown Protocol Operation", 1002),
    ("PUB a\r\n", "Parse Error: PUB needs subject, optional reply and size", 1002),
    ("PUB a b c 1\r\n", "Parse Error: PUB needs subject, optional reply and size", 1002),
    ("PUB a -1\r\n", "Parse Error: PUB size must be 1 to 9 digits", 1002),
    ("PUB a 1234567890\r\n", "Parse Error: PUB size must be 1 to 9 digits", 1002),
    ("SUB a\r\n", "Parse Error: SUB needs subject, optional queue and sid", 1002),
    ("SUB a b c d\r\n", "Parse Error: SUB needs subject, optional queue and sid", 1002),
    ("UNSUB 1 2 3\r\n", "Parse Error: UNSUB needs sid and optional max", 1002),
    (
        "HPUB a 1 1\r\nx\r\n",
        "Parse Error: HPUB needs headers, which were not agreed in CONNECT and INFO",
        1002,
    ),
    (
        "CONNECT {\"headers\":true}\r\nHPUB a 13 12\r\n",
        "Parse Error: HPUB header size is larger than total size",
        1002,
    ),
    (
        "CONNECT {\"headers\":true}\r\nHPUB a 12\r\n",
        "Parse Error: HPUB needs subject, optional reply, header size and total size",
        1002,
    ),
    ("CONNECT {\r\n", "Parse Error: CONNECT needs a JSON object with fields of the right types", 1002),
    (
        "CONNECT {\"echo\":1}\r\n",
        "Parse Error: CONNECT needs a JSON object with fields of the right types",
        1002,
    ),
    ("CONNECT {\"protocol\":2}\r\n", "invalid client protocol", 1002),
    ("CONNECT {\"no_responders\":true}\r\n", "no responders requires headers support", 1011),
    ("CONNECT {\"account\":\"A\"}\r\n", "Authorization Violation", 1008),
    ("PUB a 1001\r\n", "Maximum Payload Violation", 1009),
    ("CONNECT {\"headers\":true}\r\nHPUB a 12 1001\r\n", "Maximum Payload Violation", 1009),
];

#[test]
fn every_error_is_heard() {
    let Some(server) = dunlin("max_payload: 1000\n") else { return };
    // Unread input makes a kernel reset the connection at the close, and a reset can overtake what was written.
    let junk = "PING\r\n".repeat(20_000);
    let long = format!("SUB {}\r\n", "s".repeat(5000));
    let too_long = [(long.as_str(), "maximum control line exceeded", 1008)];
    for (ops, text, close_code) in ERRORS.iter().chain(&too_long) {
        for behind in ["", &junk] {
            for _ in 0..TRIES {
                for mut link in links(&server) {
                    link.send(format!("{ops}{behind}").as_bytes());
                    let is_ws = matches!(link, Link::Ws(_));
                    let (words, close) = link.last_words();
                    let words = String::from_utf8_lossy(&words).into_owned();
                    assert!(
                        words.ends_with(&format!("-ERR '{text}'\r\n")),
                        "{ops:?}: {link:?} got {words:?}"
                    );
                    assert_eq!(code(close), is_ws.then_some(*close_code), "{ops:?}");
                }
            }
        }
    }
}

/// Raw bytes behind the handshake, and the close code.
fn frame_errors() -> Vec<(&'static str, Vec<u8>, u16)> {
    vec![
        ("no mask", vec![0x82, 1, b'x'], 1002),
        ("rsv1", frame(0xc2, b"x"), 1002),
        ("rsv2", frame(0xa2, b"x"), 1002),
        ("rsv3", frame(0x92, b"x"), 1002),
        ("opcode 3", frame(0x83, b"x"), 1002),
        ("opcode 11", frame(0x8b, b"x"), 1002),
        ("a continuation of nothing", frame(0x80, b"x"), 1002),
        ("a message inside a message", [frame(0x02, b"x"), frame(0x82, b"x")].concat(), 1002),
        ("a ping in fragments", frame(0x09, b"x"), 1002),
        ("a ping of 126 bytes", frame(0x89, &[0; 126]), 1002),
        ("a close of one byte", frame(0x88, &[3]), 1002),
        ("a close with code 1005", frame(0x88, &1005_u16.to_be_bytes()), 1002),
        ("a reason that is not utf-8", frame(0x88, b"\x03\xe8\xff"), 1007),
        ("a close", frame(0x88, b"\x03\xe8bye"), 1000),
    ]
}

#[test]
fn every_framing_error_is_answered_with_a_close_frame() {
    let Some(server) = dunlin("") else { return };
    let junk = frame(0x82, "PING\r\n".repeat(20_000).as_bytes());
    for (name, bytes, close_code) in frame_errors() {
        for behind in [&[][..], &junk] {
            for _ in 0..TRIES {
                let mut ws = RawWs::connect(server.addresses().websocket, "");
                ws.tcp.send(&[&bytes, behind].concat());
                let (_, close) = Link::Ws(ws).last_words();
                assert_eq!(code(close), Some(close_code), "{name}");
            }
        }
    }
}

#[test]
fn a_stale_connection_is_told() {
    let Some(server) = dunlin("ping_interval: \"50ms\"\nping_max: 1\n") else { return };
    let links: Vec<Link> = (0..3).flat_map(|_| links(&server)).collect();
    for mut link in links {
        let is_ws = matches!(link, Link::Ws(_));
        let (words, close) = link.last_words();
        assert!(
            words.ends_with(b"PING\r\n-ERR 'Stale Connection'\r\n"),
            "{:?}",
            String::from_utf8_lossy(&words)
        );
        assert_eq!(code(close), is_ws.then_some(1001));
    }
}

#[test]
fn one_connection_too_many_is_told() {
    let Some(server) = dunlin("max_connections: 1\n") else { return };
    let mut first = Link::Tcp(RawTcp::connect(server.addresses().nats));
    first.expect(b"\r\n");
    for _ in 0..TRIES {
        for mut link in links(&server) {
            let is_ws = matches!(link, Link::Ws(_));
            let (words, close) = link.last_words();
            let words = String::from_utf8_lossy(&words).into_owned();
            assert!(words.starts_with("INFO {"), "{words:?}");
            assert!(words.ends_with("-ERR 'maximum connections exceeded'\r\n"), "{words:?}");
            assert_eq!(code(close), is_ws.then_some(1008));
        }
    }
}

#[test]
fn a_consumer_over_max_pending_is_told() {
    let conf = "max_payload: 32768\nmax_pending: 131072\n";
    for which in 0..2 {
        let Some(server) = dunlin(conf) else { return };
        let link = subscribe(links(&server).into_iter().nth(which).unwrap());
        let mut witness = links(&server).into_iter().next().unwrap();
        flood(Link::Tcp(RawTcp::connect(server.addresses().nats)), 3000);
        server.wait_for_log("Slow Consumer (Pending Bytes)");
        expect_slow_consumer(link, "Slow Consumer (Pending Bytes)");
        witness.send(b"PING\r\n");
        witness.expect(b"PONG\r\n");
    }
}

#[test]
fn a_consumer_past_the_write_deadline_is_told() {
    let conf = "max_payload: 32768\nwrite_deadline: \"200ms\"\n";
    for which in 0..2 {
        let Some(server) = dunlin(conf) else { return };
        let link = subscribe(links(&server).into_iter().nth(which).unwrap());
        flood(Link::Tcp(RawTcp::connect(server.addresses().nats)), 1500);
        server.wait_for_log("Slow Consumer (Write Deadline)");
        expect_slow_consumer(link, "Slow Consumer (Write Deadline)");
    }
}

#[test]
fn websocket_clients_hear_of_a_shutdown() {
    let Some(mut server) = dunlin("") else { return };
    let mut ws = Link::Ws(RawWs::connect(server.addresses().websocket, ""));
    ws.expect(b"\r\n");
    server.stop();
    let (_, close) = ws.last_words();
    assert_eq!(code(close), Some(1001));
}
