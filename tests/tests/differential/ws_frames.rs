//! Frames in and out: fragments, control frames, masks, reserved bits, browser frames (RFC 6455 section 5).

use dunlin_tests::frame;

use super::compare::compare;
use super::exchange::{Exchange, QUIET, Step, exchange};

const BROWSER: &str = "User-Agent: Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0 Safari/537.36\r\n";

/// Sends raw bytes after the handshake and records what comes until a PONG.
fn lives(name: &str, bytes: Vec<u8>) -> Exchange {
    exchange(
        &format!("ws frames/{name}"),
        "",
        vec![Step::Ws('A', ""), Step::Send('A', bytes), Step::Until('A', "PONG\r\n")],
    )
}

/// Sends raw bytes and records everything.
fn dies(name: &str, bytes: Vec<u8>) -> Exchange {
    exchange(
        &format!("ws frames/{name}"),
        "",
        vec![Step::Ws('A', ""), Step::Send('A', bytes), Step::UntilClosed('A')],
    )
}

fn data(payload: impl AsRef<[u8]>) -> Vec<u8> {
    frame(0x82, payload.as_ref())
}

/// A frame with the mask bit off.
fn unmasked(first: u8, payload: &[u8]) -> Vec<u8> {
    [&[first, payload.len() as u8], payload].concat()
}

fn messages(all: &mut Vec<Exchange>) {
    let ping = || data("PING\r\n");
    all.push(lives("a text message", frame(0x81, b"PING\r\n")));
    all.push(lives("text that is not utf-8", [frame(0x81, b"PING \xff\xfe\r\n"), data(QUIET)].concat()));
    all.push(lives("an empty message", [data(""), frame(0x81, b""), ping()].concat()));
    all.push(lives("ops over messages", [data("PI"), data("N"), frame(0x81, b"G\r"), data("\n")].concat()));
    all.push(lives(
        "many ops in one message",
        data(QUIET.to_owned() + "SUB wsf.many 1\r\nPUB wsf.many 2\r\nhi\r\nPING\r\n"),
    ));
    all.push(lives("fragments", [frame(0x02, b"PI"), frame(0x00, b"NG"), frame(0x80, b"\r\n")].concat()));
    all.push(lives(
        "empty fragments",
        [frame(0x02, b""), frame(0x00, b""), frame(0x00, b"PING\r\n"), frame(0x80, b"")].concat(),
    ));
    all.push(lives("text fragments", [frame(0x01, b"PI"), frame(0x80, b"NG\r\n")].concat()));
    all.push(lives(
        "an op ends inside a fragment",
        [frame(0x02, b"PING\r\nPING"), frame(0x80, b"\r\n")].concat(),
    ));
    let long =
        QUIET.to_owned() + "SUB wsf.long 1\r\nPUB wsf.long 70000\r\n" + &"x".repeat(70_000) + "\r\nPING\r\n";
    all.push(lives("a long message", data(&long)));
    for len in [125, 126, 127, 65_535, 65_536] {
        let body = len - "PUB wsf.len 00000\r\n\r\nPING\r\n".len();
        let ops = format!("PUB wsf.len {body:05}\r\n{}\r\nPING\r\n", "x".repeat(body));
        assert_eq!(ops.len(), len);
        let connect = data("CONNECT {\"verbose\":false}\r\n");
        all.push(lives(&format!("a message of {len} bytes"), [connect, data(ops)].concat()));
    }
    all.push(lives("a length longer than needed", {
        let short = data("PING\r\n");
        [&[0x82, 0x80 | 126, 0, 6], &short[2..]].concat()
    }));
    all.push(lives("a 64-bit length longer than needed", {
        let short = data("PING\r\n");
        [&[0x82, 0x80 | 127, 0, 0, 0, 0, 0, 0, 0, 6], &short[2..]].concat()
    }));
    all.push(dies(
        "a length with the highest bit",
        [&[0x82, 0x80 | 127, 0x80, 0, 0, 0, 0, 0, 0, 6][..], b"mask"].concat(),
    ));
    for size in [1, 3] {
        let bytes = [
            data(QUIET),
            frame(0x89, b"abc"),
            data("SUB wsf.p 1\r\nPUB wsf.p 2\r\nhi\r\n"),
            data("PING\r\n"),
        ]
        .concat();
        all.push(exchange(
            &format!("ws frames/bytes in pieces of {size}"),
            "",
            vec![Step::Ws('A', ""), Step::SendInPieces('A', bytes, size), Step::Until('A', "PONG\r\n")],
        ));
    }
}

fn control(all: &mut Vec<Exchange>) {
    let answered = |name: &str, bytes: Vec<u8>, len: usize| {
        exchange(
            &format!("ws frames/{name}"),
            "",
            vec![Step::Ws('A', ""), Step::Send('A', bytes), Step::Frames('A', len)],
        )
    };
    all.push(answered("a ping", frame(0x89, b"hello"), 5));
    all.push(answered("a ping without payload", frame(0x89, b""), 0));
    all.push(answered("a ping of 125 bytes", frame(0x89, &[b'x'; 125]), 125));
    all.push(answered("two pings", [frame(0x89, b"a"), frame(0x89, b"b")].concat(), 2));
    all.push(lives("a pong", [frame(0x8a, b"abc"), data("PING\r\n")].concat()));
    all.push(lives(
        "a ping between fragments",
        [frame(0x02, b"PI"), frame(0x89, b"x"), frame(0x80, b"NG\r\n")].concat(),
    ));
    all.push(lives(
        "a pong between fragments",
        [frame(0x02, b"PI"), frame(0x8a, b"x"), frame(0x80, b"NG\r\n")].concat(),
    ));
    all.push(dies("a ping of 126 bytes", frame(0x89, &[b'x'; 126])));
    all.push(dies("a pong of 126 bytes", frame(0x8a, &[b'x'; 126])));
    all.push(dies("a ping in fragments", frame(0x09, b"x")));
    all.push(dies("a close in fragments", frame(0x08, &[3, 232])));
    all.push(dies("a close of 126 bytes", frame(0x88, &[&[3, 232][..], &[b'x'; 124]].concat())));
}

fn wrong(all: &mut Vec<Exchange>) {
    all.push(dies("no mask", unmasked(0x82, b"PING\r\n")));
    all.push(dies("a ping without a mask", unmasked(0x89, b"")));
    all.push(dies("a close without a mask", unmasked(0x88, &[3, 232])));
    for (name, first) in [
        ("rsv1", 0xc2),
        ("rsv2", 0xa2),
        ("rsv3", 0x92),
        ("all reserved bits", 0xf2),
        ("rsv1 on a ping", 0xc9),
    ] {
        all.push(dies(name, frame(first, b"PING\r\n")));
    }
    for opcode in [3, 4, 7, 11, 15] {
        all.push(dies(&format!("opcode {opcode}"), frame(0x80 | opcode, b"PING\r\n")));
    }
    all.push(dies("a continuation of nothing", frame(0x80, b"PING\r\n")));
    all.push(dies(
        "a continuation after a whole message",
        [data("PING\r\n"), frame(0x00, b"PING\r\n")].concat(),
    ));
    all.push(dies("a message inside a message", [frame(0x02, b"PI"), data("NG\r\n")].concat()));
    all.push(exchange(
        "ws frames/half a frame and the end",
        "",
        vec![
            Step::Ws('A', ""),
            Step::Send('A', data("PING\r\n")[..5].to_vec()),
            Step::HalfClose('A'),
            Step::UntilClosed('A'),
        ],
    ));
    all.push(exchange(
        "ws frames/half a message and the end",
        "",
        vec![
            Step::Ws('A', ""),
            Step::Send('A', frame(0x02, b"PING\r\n")),
            Step::Until('A', "PONG\r\n"),
            Step::HalfClose('A'),
            Step::UntilClosed('A'),
        ],
    ));
    all.push(exchange(
        "ws frames/unmasked by agreement",
        "",
        vec![
            Step::Ws('A', "Nats-No-Masking: true\r\n"),
            Step::Send('A', unmasked(0x82, b"PING\r\n")),
            Step::Until('A', "PONG\r\n"),
        ],
    ));
    all.push(exchange(
        "ws frames/unmasked ping by agreement",
        "",
        vec![
            Step::Ws('A', "Nats-No-Masking: true\r\n"),
            Step::Send('A', unmasked(0x89, b"abc")),
            Step::Frames('A', 3),
        ],
    ));
}

fn browser(all: &mut Vec<Exchange>) {
    // What one flush sends is known only for a single delivery by another connection.
    for (len, headers, who) in [
        (100, "", "no browser"),
        (100, BROWSER, "a browser"),
        (4096 - "MSG wsf.b 1 4065\r\n".len() - 2, BROWSER, "a browser"),
        (4096, BROWSER, "a browser"),
        (9000, BROWSER, "a browser"),
        (9000, "", "no browser"),
        (9000, "User-Agent: mozilla/5.0\r\n", "small letters"),
        (9000, "User-Agent: x Mozilla/5.0\r\n", "mozilla later"),
    ] {
        let total = format!("MSG wsf.b 1 {len}\r\n").len() + len + 2;
        all.push(exchange(
            &format!("ws frames/{len} bytes to {who}"),
            "",
            vec![
                Step::Ws('A', headers),
                Step::Nats('A', (QUIET.to_owned() + "SUB wsf.b 1\r\nPING\r\n").into_bytes()),
                Step::Until('A', "PONG\r\n"),
                Step::Tcp('B'),
                Step::Nats('B', format!("{QUIET}PUB wsf.b {len}\r\n{}\r\n", "x".repeat(len)).into_bytes()),
                Step::Frames('A', total),
                Step::Nats('A', b"PING\r\n".to_vec()),
                Step::Until('A', "PONG\r\n"),
            ],
        ));
    }
}

pub(crate) fn exchanges() -> Vec<Exchange> {
    let mut all = Vec::new();
    messages(&mut all);
    control(&mut all);
    wrong(&mut all);
    browser(&mut all);
    all
}

#[test]
fn ws_frames() {
    compare("ws_frames", &exchanges());
}
