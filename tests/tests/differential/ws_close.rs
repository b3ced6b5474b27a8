//! Closing a WebSocket: codes and reasons, from either side (RFC 6455 section 7).

use dunlin_tests::frame;

use super::compare::compare;
use super::exchange::{Exchange, Step, exchange};

fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    frame(0x88, &[&code.to_be_bytes(), reason].concat())
}

fn sent(name: &str, bytes: Vec<u8>) -> Exchange {
    exchange(
        &format!("ws close/{name}"),
        "",
        vec![Step::Ws('A', ""), Step::Send('A', bytes), Step::UntilClosed('A')],
    )
}

pub(crate) fn exchanges() -> Vec<Exchange> {
    let mut all = Vec::new();
    let codes = [
        0, 999, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
        1015, 1016, 2999, 3000, 3999, 4000, 4999, 5000, 65535,
    ];
    for code in codes {
        all.push(sent(&format!("code {code}"), close(code, b"")));
    }
    all.push(sent("a reason", close(1000, b"done")));
    all.push(sent("a reason in utf-8", close(1000, "fini\u{e9}".as_bytes())));
    all.push(sent("a long reason", close(4000, &[b'r'; 123])));
    all.push(sent("no code", frame(0x88, b"")));
    all.push(sent("one byte", frame(0x88, b"\x03")));
    all.push(sent("a reason that is not utf-8", close(1000, b"\xff\xfe")));
    all.push(sent("a wrong code with a reason", close(1005, b"why")));
    all.push(sent("ops, then a close", [frame(0x82, b"PING\r\n"), close(1000, b"")].concat()));
    all.push(sent("a close, then ops", [close(1000, b""), frame(0x82, b"PING\r\n")].concat()));
    all.push(sent("a close inside a message", [frame(0x02, b"PI"), close(1000, b"")].concat()));
    all.push(sent("two closes", [close(1000, b"one"), close(1001, b"two")].concat()));
    all.push(exchange(
        "ws close/code and half close",
        "",
        vec![
            Step::Ws('A', ""),
            Step::Send('A', close(1000, b"bye")),
            Step::HalfClose('A'),
            Step::UntilClosed('A'),
        ],
    ));
    all.push(exchange(
        "ws close/half close only",
        "",
        vec![Step::Ws('A', ""), Step::HalfClose('A'), Step::UntilClosed('A')],
    ));
    all
}

#[test]
fn ws_close() {
    compare("ws_close", &exchanges());
}
