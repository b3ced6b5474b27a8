//! SUB and UNSUB: forms, wildcards, queue groups, automatic removal.

use super::compare::compare;
use super::exchange::{Both, Exchange, QUIET, Step};

fn quiet(ops: &str) -> String {
    QUIET.to_owned() + ops
}

const WRONG: &[(&str, &str)] = &[
    ("no arguments", "SUB \r\n"),
    ("only a subject", "SUB a\r\n"),
    ("four arguments", "SUB a b c d\r\n"),
    ("many arguments", "SUB a b c d e f\r\n"),
    ("unsub without a sid", "UNSUB \r\n"),
    ("unsub with three arguments", "UNSUB 1 2 3\r\n"),
];

const RIGHT: &[(&str, &str)] = &[
    ("sid of any kind", "SUB sub.sid abc!@#\r\nPUB sub.sid 1\r\nx\r\n"),
    ("sid with dots", "SUB sub.dots 1.2.*.>\r\nPUB sub.dots 1\r\nx\r\n"),
    ("long sid", "SUB sub.long 000000000000000000000000000000000000000000000001\r\nPUB sub.long 1\r\nx\r\n"),
    ("same sid twice", "SUB sub.a 1\r\nSUB sub.b 1\r\nPUB sub.a 1\r\nx\r\nPUB sub.b 1\r\ny\r\n"),
    ("same subject twice", "SUB sub.same 1\r\nSUB sub.same 2\r\nUNSUB 1\r\nPUB sub.same 1\r\nx\r\n"),
    ("unsub", "SUB sub.un 1\r\nUNSUB 1\r\nPUB sub.un 1\r\nx\r\n"),
    ("unsub of an unknown sid", "UNSUB 99\r\n"),
    ("unsub twice", "SUB sub.un2 1\r\nUNSUB 1\r\nUNSUB 1\r\n"),
    (
        "sid used again",
        "SUB sub.re 1\r\nUNSUB 1\r\nSUB sub.re2 1\r\nPUB sub.re 1\r\nx\r\nPUB sub.re2 1\r\ny\r\n",
    ),
    ("unsub after one", "SUB sub.max 1\r\nUNSUB 1 1\r\nPUB sub.max 1\r\nx\r\nPUB sub.max 1\r\ny\r\n"),
    (
        "unsub after two",
        "SUB sub.max2 1\r\nUNSUB 1 2\r\nPUB sub.max2 1\r\nx\r\nPUB sub.max2 1\r\ny\r\nPUB sub.max2 1\r\nz\r\n",
    ),
    (
        "unsub counts from the start",
        "SUB sub.cnt 1\r\nPUB sub.cnt 1\r\nx\r\nUNSUB 1 2\r\nPUB sub.cnt 1\r\ny\r\nPUB sub.cnt 1\r\nz\r\n",
    ),
    (
        "unsub already reached",
        "SUB sub.had 1\r\nPUB sub.had 1\r\nx\r\nPUB sub.had 1\r\ny\r\nUNSUB 1 1\r\nPUB sub.had 1\r\nz\r\n",
    ),
    ("unsub just reached", "SUB sub.just 1\r\nPUB sub.just 1\r\nx\r\nUNSUB 1 1\r\nPUB sub.just 1\r\nz\r\n"),
    ("unsub after zero", "SUB sub.zero 1\r\nUNSUB 1 0\r\nPUB sub.zero 1\r\nx\r\n"),
    ("unsub with letters", "SUB sub.let 1\r\nUNSUB 1 abc\r\nPUB sub.let 1\r\nx\r\n"),
    ("unsub with a negative number", "SUB sub.neg 1\r\nUNSUB 1 -5\r\nPUB sub.neg 1\r\nx\r\n"),
    ("unsub with a large number", "SUB sub.big 1\r\nUNSUB 1 999999999\r\nPUB sub.big 1\r\nx\r\n"),
    ("unsub with ten digits", "SUB sub.ten 1\r\nUNSUB 1 9999999999\r\nPUB sub.ten 1\r\nx\r\n"),
    (
        "unsub with a max, then another",
        "SUB sub.chg 1\r\nUNSUB 1 1\r\nUNSUB 1 3\r\nPUB sub.chg 1\r\nx\r\nPUB sub.chg 1\r\ny\r\nPUB sub.chg 1\r\nz\r\nPUB sub.chg 1\r\nw\r\n",
    ),
    ("unsub with a max, then none", "SUB sub.now 1\r\nUNSUB 1 5\r\nUNSUB 1\r\nPUB sub.now 1\r\nx\r\n"),
    ("unsub with tabs", "SUB sub.tab 1\r\nUNSUB\t1\t1\r\nPUB sub.tab 1\r\nx\r\nPUB sub.tab 1\r\ny\r\n"),
    (
        "star",
        "SUB sub.star.* 1\r\nPUB sub.star.a 1\r\nx\r\nPUB sub.star 1\r\ny\r\nPUB sub.star.a.b 1\r\nz\r\n",
    ),
    (
        "star in the middle",
        "SUB sub.*.mid 1\r\nPUB sub.a.mid 1\r\nx\r\nPUB sub.a.b.mid 1\r\ny\r\nPUB sub.mid 1\r\nz\r\n",
    ),
    ("two stars", "SUB sub.2.*.* 1\r\nPUB sub.2.a.b 1\r\nx\r\nPUB sub.2.a 1\r\ny\r\n"),
    ("star first", "SUB *.first-star 1\r\nPUB sub.first-star 1\r\nx\r\n"),
    (
        "full wildcard",
        "SUB sub.gt.> 1\r\nPUB sub.gt.a 1\r\nx\r\nPUB sub.gt.a.b 1\r\ny\r\nPUB sub.gt 1\r\nz\r\n",
    ),
    ("star and full wildcard", "SUB sub.*.sg.> 1\r\nPUB sub.a.sg.b.c 1\r\nx\r\nPUB sub.a.sg 1\r\ny\r\n"),
    ("star inside a token", "SUB sub.a*b 1\r\nPUB sub.a*b 1\r\nx\r\nPUB sub.axb 1\r\ny\r\n"),
    ("full wildcard inside a token", "SUB sub.a> 1\r\nPUB sub.a> 1\r\nx\r\nPUB sub.ab 1\r\ny\r\n"),
    ("full wildcard in the middle", "SUB sub.>.a 1\r\nPUB sub.x.a 1\r\nx\r\n"),
    ("empty token", "SUB sub..a 1\r\n"),
    ("leading dot", "SUB .sub 1\r\n"),
    ("trailing dot", "SUB sub. 1\r\n"),
    ("only a dot", "SUB . 1\r\n"),
    ("two dots", "SUB .. 1\r\n"),
    ("double wildcard token", "SUB sub.** 1\r\nPUB sub.** 1\r\nx\r\n"),
    ("invalid subject, then a valid one", "SUB sub..x 1\r\nSUB sub.ok 1\r\nPUB sub.ok 1\r\nx\r\n"),
    ("dollar", "SUB $sub.a 1\r\nPUB $sub.a 1\r\nx\r\n"),
    ("queue", "SUB sub.q workers 1\r\nPUB sub.q 1\r\nx\r\n"),
    ("queue with an inbox", "SUB sub.qr workers 1\r\nPUB sub.qr re 1\r\nx\r\n"),
    (
        "queue unsub",
        "SUB sub.qu workers 1\r\nSUB sub.qu workers 2\r\nUNSUB 1\r\nPUB sub.qu 1\r\nx\r\nPUB sub.qu 1\r\ny\r\n",
    ),
    ("queue and max", "SUB sub.qm workers 1\r\nUNSUB 1 1\r\nPUB sub.qm 1\r\nx\r\nPUB sub.qm 1\r\ny\r\n"),
    ("queue with dots and stars", "SUB sub.qd a.*.> 1\r\nPUB sub.qd 1\r\nx\r\n"),
    ("queue of the server", "SUB sub.qs _sys_ 1\r\nPUB sub.qs 1\r\nx\r\n"),
    ("queue, invalid subject", "SUB sub..q workers 1\r\n"),
    (
        "no echo in a queue",
        "CONNECT {\"verbose\":false,\"echo\":false}\r\nSUB sub.qe workers 1\r\nPUB sub.qe 1\r\nx\r\n",
    ),
];

/// Exchanges in which the order of deliveries is not defined.
fn unordered(both: &mut Both) {
    let rows: &[(&str, &str)] = &[
        (
            "five that overlap",
            "SUB five.a.b 1\r\nSUB five.*.b 2\r\nSUB five.> 3\r\nSUB five.a.* 4\r\nSUB five.*.* 5\r\nPUB five.a.b 0\r\n\r\n",
        ),
        ("same subject three times", "SUB three 1\r\nSUB three 2\r\nSUB three 3\r\nPUB three 0\r\n\r\n"),
        ("a queue and a plain one", "SUB mixed workers 1\r\nSUB mixed 2\r\nPUB mixed 0\r\n\r\n"),
        ("two queues", "SUB queues red 1\r\nSUB queues blue 2\r\nPUB queues 0\r\n\r\n"),
    ];
    for (name, ops) in rows {
        let ops = quiet(ops) + "PING\r\n";
        both.steps(&format!("subscribe/{name}"), |transport| {
            vec![
                transport.connect('A'),
                Step::Nats('A', ops.clone().into_bytes()),
                Step::UntilSorted('A', "PONG\r\n"),
            ]
        });
    }
}

pub(crate) fn exchanges() -> Vec<Exchange> {
    let mut both = Both::new("");
    for (name, ops) in WRONG {
        both.dies(&format!("subscribe/{name}"), quiet(ops));
    }
    for (name, ops) in RIGHT {
        both.lives(&format!("subscribe/{name}"), quiet(ops));
    }
    both.lives(
        "subscribe/verbose",
        "CONNECT {}\r\nSUB sub.v 1\r\nSUB sub.v 1\r\nUNSUB 1\r\nUNSUB 1\r\nUNSUB 1 5\r\n",
    );
    both.lives("subscribe/verbose and invalid", "CONNECT {}\r\nSUB sub..v 1\r\nSUB sub.v 1\r\n");
    both.lives("subscribe/verbose, queue of the server", "CONNECT {}\r\nSUB sub.sys _sys_ 1\r\nUNSUB 1\r\n");
    both.between(
        "subscribe/another connection",
        &quiet("SUB other.> 1\r\n"),
        &quiet("PUB other.a 1\r\nx\r\n"),
    );
    both.between(
        "subscribe/one of a queue elsewhere",
        &quiet("SUB elsewhere q 1\r\n"),
        &quiet("PUB elsewhere 1\r\nx\r\n"),
    );
    both.between(
        "subscribe/max reached by another",
        &quiet("SUB reached 1\r\nUNSUB 1 2\r\n"),
        &quiet("PUB reached 1\r\na\r\nPUB reached 1\r\nb\r\nPUB reached 1\r\nc\r\n"),
    );
    both.between(
        "subscribe/in order from another",
        &quiet("SUB order.* 1\r\n"),
        &quiet("PUB order.a 1\r\n1\r\nPUB order.b 1\r\n2\r\nPUB order.a re 1\r\n3\r\nHPUB order.c 12 13\r\nNATS/1.0\r\n\r\n4\r\n"),
    );
    both.steps("subscribe/one queue name, two filters", |transport| {
        let ops = quiet("SUB filters.* red 1\r\nSUB filters.> red 2\r\nPUB filters.a 0\r\n\r\nPING\r\n");
        vec![
            transport.connect('A'),
            Step::Nats('A', ops.into_bytes()),
            Step::Count('A', "MSG filters.a ", "PONG\r\n"),
        ]
    });
    unordered(&mut both);
    both.into_exchanges()
}

#[test]
fn subscribe_forms() {
    compare("subscribe", &exchanges());
}
