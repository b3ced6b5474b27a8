//! How control lines are read: verbs, blanks, line ends, and splits at odd places.

use super::compare::compare;
use super::exchange::{Both, Exchange, QUIET, Step};

fn quiet(ops: &str) -> String {
    QUIET.to_owned() + ops
}

/// Unknown verbs and broken ones, each on its own connection.
const WRONG: &[(&str, &str)] = &[
    ("unknown verb", "FROB x\r\n"),
    ("empty line", "\r\n"),
    ("empty line, line feed only", "\n"),
    ("a blank first", " PING\r\n"),
    ("half a verb", "PIN\r\n"),
    ("half a pong", "PONX\r\n"),
    ("half a pub", "PUX a 1\r\n"),
    ("pub without blank", "PUB\r\n"),
    ("publ", "PUBL a 1\r\n"),
    ("sub without blank", "SUB\r\n"),
    ("subs", "SUBS a 1\r\n"),
    ("unsub without blank", "UNSUB\r\n"),
    ("hpub without blank", "HPUB\r\n"),
    ("connectx", "CONNECTX {}\r\n"),
    ("msg from a client", "MSG a 1 2\r\nhi\r\n"),
    ("hmsg from a client", "HMSG a 1 12 12\r\nNATS/1.0\r\n\r\n\r\n"),
    ("a route subscription", "RS+ $G a\r\n"),
    ("a leaf subscription", "LS+ a\r\n"),
    ("an account op", "A+ x\r\n"),
    ("a number", "1\r\n"),
    ("http", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("a zero byte", "\0"),
    ("plus", "+\r\n"),
    ("plus ox", "+OX\r\n"),
    ("minus", "-\r\n"),
    ("minus erx", "-ERX\r\n"),
    ("an error", "-ERR 'x'\r\n"),
    ("an error without text", "-ERR\r\n"),
];

pub(crate) fn exchanges() -> Vec<Exchange> {
    let mut both = Both::new("");
    for (name, ops) in WRONG {
        both.dies(&format!("lexing/{name}"), quiet(ops));
    }
    let right: &[(&str, &str, usize)] = &[
        ("ping with text", "PINGxyz\r\n", 1),
        ("ping with a blank and text", "PING abc def\r\n", 1),
        ("ping with a line feed only", "PING\n", 1),
        ("ping with a carriage return inside", "PING\rabc\r\n", 1),
        ("small letters", "ping\r\nsub lexing.small 1\r\npub lexing.small 1\r\nx\r\nunsub 1\r\npong\r\n", 1),
        ("mixed letters", "pInG\r\nSuB lexing.mixed 1\r\npUb lexing.mixed 1\r\nx\r\n", 1),
        ("an ok", "+OK\r\n", 0),
        ("an ok with text", "+OK whatever\r\n", 0),
        ("an ok in small letters", "+ok\r\n", 0),
        ("pong unasked", "PONG\r\nPONG\r\n", 0),
        ("pong with text", "PONG abc\r\n", 0),
        ("line feeds only", "SUB lexing.lf 1\nPUB lexing.lf 1\nx\r\n", 0),
        ("tabs", "SUB\tlexing.tabs\t1\r\nPUB\tlexing.tabs\t1\r\nx\r\n", 0),
        ("many blanks", "SUB   lexing.blanks  \t 1\r\nPUB   lexing.blanks   1\r\nx\r\n", 0),
        ("blanks at the end", "SUB lexing.end 1  \r\nPUB lexing.end 1 \t\r\nx\r\n", 0),
        ("two carriage returns", "SUB lexing.crcr 1\r\r\nPUB lexing.crcr 1\r\nx\r\n", 0),
        ("a carriage return inside", "SUB lexing.cr\r 1\r\nPUB lexing.cr 1\r\nx\r\n", 0),
        ("many at once", "PING\r\nPING\r\nPING\r\nPING\r\nPING\r\n", 5),
    ];
    for (name, ops, pings) in right {
        both.lives_with_pings(&format!("lexing/{name}"), quiet(ops), *pings);
    }
    for size in [1, 2, 3, 7] {
        let ops = quiet(
            "SUB lexing.split 1\r\nPUB lexing.split re.ply 10\r\nhello\r\nPUB\r\nHPUB lexing.split 12 14\r\nNATS/1.0\r\n\r\nhi\r\nUNSUB 1\r\nPING\r\n",
        );
        both.steps(&format!("lexing/in pieces of {size}"), |transport| {
            vec![
                transport.connect('A'),
                Step::NatsInPieces('A', ops.clone().into_bytes(), size),
                Step::Until('A', "PONG\r\n"),
            ]
        });
    }
    both.steps("lexing/half an op and the end", |transport| {
        vec![
            transport.connect('A'),
            Step::Nats('A', quiet("SUB lexing.half 1\r\nPUB lexing.half 10\r\nabc").into_bytes()),
            Step::HalfClose('A'),
            Step::UntilClosed('A'),
        ]
    });
    both.steps("lexing/ops and the end", |transport| {
        vec![
            transport.connect('A'),
            Step::Nats('A', quiet("PING\r\n").into_bytes()),
            Step::Until('A', "PONG\r\n"),
            Step::HalfClose('A'),
            Step::UntilClosed('A'),
        ]
    });
    both.into_exchanges()
}

#[test]
fn lexing_rules() {
    compare("lexing", &exchanges());
}
