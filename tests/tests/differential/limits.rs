//! Every limit, at its edge and one beyond.

use super::compare::compare;
use super::exchange::{Both, Exchange, QUIET, Step};

fn quiet(ops: &str) -> String {
    QUIET.to_owned() + ops
}

fn publish(subject: &str, len: usize) -> String {
    quiet(&format!("SUB {subject} 1\r\nPUB {subject} {len}\r\n{}\r\n", "x".repeat(len)))
}

fn payload() -> Both {
    let mut both = Both::new("max_payload: 1000\n");
    both.lives("limits/payload at the limit", publish("limits.a", 1000));
    both.dies("limits/payload one beyond", publish("limits.b", 1001));
    both.dies("limits/payload far beyond, line only", quiet("PUB limits.c 999999999\r\n"));
    both.dies("limits/payload beyond with a reply", quiet("PUB limits.c re 1001\r\n"));
    let header = format!("NATS/1.0\r\nA: {}\r\n\r\n", "b".repeat(83));
    assert_eq!(header.len(), 100);
    let hpub = |body: usize| {
        let total = header.len() + body;
        quiet(&format!(
            "SUB limits.h 1\r\nHPUB limits.h {} {total}\r\n{header}{}\r\n",
            header.len(),
            "x".repeat(body)
        ))
    };
    both.lives("limits/header and payload at the limit", hpub(900));
    both.dies("limits/header and payload one beyond", hpub(901));
    both.dies("limits/payload beyond behind good ones", publish("limits.d", 10) + "PUB limits.d 1001\r\n");
    both.lives(
        "limits/payload beyond in a size of nine digits",
        quiet("SUB limits.e 1\r\nPUB limits.e 000000003\r\nabc\r\n"),
    );
    both.dies("limits/payload beyond before connect", "PUB limits.f 1001\r\n");
    both
}

fn no_payload_limit() -> Both {
    let mut both = Both::new("max_payload: -1\n");
    both.lives("limits/no payload limit", publish("limits.none", 3 << 20));
    both
}

fn control_line() -> Both {
    let mut both = Both::new("max_control_line: 512\n");
    let sub = |len: usize| quiet(&format!("SUB {} 1\r\n", "s".repeat(len)));
    // The limit counts the text behind the verb: here "<subject> 1".
    both.lives("limits/control line at the limit", sub(510));
    both.dies("limits/control line one beyond", sub(511));
    both.dies("limits/control line far beyond", sub(5000));
    both.dies("limits/control line without an end", quiet(&format!("SUB {}", "s".repeat(600))));
    both.dies("limits/control line of a pub", quiet(&format!("PUB {} 0\r\n\r\n", "p".repeat(600))));
    both.dies(
        "limits/control line of an hpub",
        quiet(&format!("HPUB {} 12 12\r\nNATS/1.0\r\n\r\n\r\n", "p".repeat(600))),
    );
    both.dies("limits/control line of an unsub", quiet(&format!("UNSUB {}\r\n", "1".repeat(600))));
    both.dies(
        "limits/control line of a connect",
        format!("CONNECT {{\"name\":\"{}\"}}\r\n", "n".repeat(600)),
    );
    both.dies("limits/control line of an info", format!("INFO {{\"name\":\"{}\"}}\r\n", "n".repeat(600)));
    both.dies("limits/control line of an error", format!("-ERR {}\r\n", "n".repeat(600)));
    both.lives("limits/control line of a ping", quiet(&format!("PING {}\r\n", "n".repeat(600))));
    both.lives("limits/control line of a pong", quiet(&format!("PONG {}\r\n", "n".repeat(600))));
    both.lives("limits/control line of an ok", quiet(&format!("+OK {}\r\n", "n".repeat(600))));
    let blanks = quiet(&format!("SUB {}limits.blanks 1\r\nPUB limits.blanks 1\r\nx\r\n", " ".repeat(400)));
    both.lives("limits/control line of blanks", blanks);
    both.lives(
        "limits/control line of many blanks",
        quiet(&format!("SUB {}limits.many 1\r\nPUB limits.many 1\r\nx\r\n", " ".repeat(600))),
    );
    for size in [1, 100] {
        let ops = quiet(&format!("SUB {} 1\r\n", "s".repeat(700))).into_bytes();
        both.steps(&format!("limits/control line in pieces of {size}"), |transport| {
            vec![transport.connect('A'), Step::NatsInPieces('A', ops.clone(), size), Step::UntilClosed('A')]
        });
    }
    both
}

fn default_limits() -> Both {
    let mut both = Both::new("");
    both.lives("limits/default control line", quiet(&format!("SUB {} 1\r\n", "s".repeat(4094))));
    both.dies("limits/default control line, one beyond", quiet(&format!("SUB {} 1\r\n", "s".repeat(4095))));
    both.lives("limits/default payload", publish("limits.mb", 1 << 20));
    both.dies("limits/default payload, one beyond", quiet("PUB limits.mb 1048577\r\n"));
    both.single(
        "ws limits/two payloads in one message",
        vec![
            Step::Ws('A', ""),
            Step::Nats(
                'A',
                [
                    quiet("SUB limits.two 1\r\n"),
                    format!("PUB limits.two 600000\r\n{}\r\n", "x".repeat(600_000)).repeat(2),
                    "PING\r\n".into(),
                ]
                .concat()
                .into_bytes(),
            ),
            Step::Until('A', "PONG\r\n"),
        ],
    );
    both.steps("limits/payload in pieces", |transport| {
        let ops = publish("limits.pieces", 300_000) + "PING\r\n";
        vec![
            transport.connect('A'),
            Step::NatsInPieces('A', ops.into_bytes(), 4099),
            Step::Until('A', "PONG\r\n"),
        ]
    });
    both
}

fn subscriptions() -> Both {
    let mut both = Both::new("max_subscriptions: 2\n");
    let three = "SUB subs.a 1\r\nSUB subs.b 2\r\nSUB subs.c 3\r\n";
    both.lives(
        "limits/one subscription too many",
        quiet(three) + "PUB subs.a 1\r\nx\r\nPUB subs.c 1\r\ny\r\n",
    );
    both.lives("limits/one subscription too many, verbose", "CONNECT {}\r\n".to_owned() + three);
    both.lives(
        "limits/a subscription again after unsub",
        quiet(three) + "UNSUB 1\r\nSUB subs.c 3\r\nPUB subs.c 1\r\ny\r\n",
    );
    both.lives(
        "limits/same sid does not count",
        quiet("SUB subs.a 1\r\nSUB subs.a 1\r\nSUB subs.b 2\r\nPUB subs.b 1\r\nx\r\n"),
    );
    both.lives("limits/same sid at the limit", quiet("SUB subs.a 1\r\nSUB subs.b 2\r\nSUB subs.a 1\r\n"));
    both.lives(
        "limits/invalid subject at the limit",
        quiet("SUB subs.a 1\r\nSUB subs.b 2\r\nSUB subs..c 3\r\n"),
    );
    both
}

fn sub_tokens() -> Both {
    let mut both = Both::new("max_sub_tokens: 3\n");
    both.lives("limits/tokens at the limit", quiet("SUB a.b.c 1\r\nPUB a.b.c 1\r\nx\r\n"));
    both.lives("limits/one token too many", quiet("SUB a.b.c.d 1\r\nSUB a.b 2\r\nPUB a.b 1\r\nx\r\n"));
    both.lives("limits/one token too many, verbose", "CONNECT {}\r\nSUB a.b.c.> 1\r\nSUB a.b.> 2\r\n");
    both.lives("limits/one token too many in a queue", quiet("SUB a.b.c.d q 1\r\n"));
    both.lives("limits/tokens of a publish do not count", quiet("SUB a.> 1\r\nPUB a.b.c.d.e 1\r\nx\r\n"));
    both.lives("limits/tokens and an invalid subject", quiet("SUB a..b.c.d 1\r\n"));
    both
}

fn connections() -> Vec<Exchange> {
    let mut one = Both::new("max_connections: 1\n");
    one.steps("limits/one connection too many", |transport| {
        let mut steps = vec![transport.connect('A')];
        steps.push(Step::Nats('A', quiet("PING\r\n").into_bytes()));
        steps.push(Step::Until('A', "PONG\r\n"));
        steps.push(transport.connect('B'));
        steps.push(Step::UntilClosed('B'));
        steps.push(Step::Nats('A', b"PING\r\n".to_vec()));
        steps.push(Step::Until('A', "PONG\r\n"));
        steps
    });
    let mut none = Both::new("max_connections: 0\n");
    none.steps("limits/no connections at all", |transport| {
        vec![transport.connect('A'), Step::UntilClosed('A')]
    });
    let mut negative = Both::new("max_connections: -1\n");
    negative.steps("limits/a negative number of connections", |transport| {
        vec![transport.connect('A'), Step::UntilClosed('A')]
    });
    [one, none, negative].into_iter().flat_map(Both::into_exchanges).collect()
}

pub(crate) fn exchanges() -> Vec<Exchange> {
    let mut all: Vec<Exchange> =
        [payload(), no_payload_limit(), control_line(), default_limits(), subscriptions(), sub_tokens()]
            .into_iter()
            .flat_map(Both::into_exchanges)
            .collect();
    all.extend(connections());
    all
}

#[test]
fn limits() {
    compare("limits", &exchanges());
}
