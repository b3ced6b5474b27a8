//! PUB and HPUB: forms, sizes, headers, no responders.

use super::compare::compare;
use super::exchange::{Both, Exchange, QUIET, Step};

fn quiet(ops: &str) -> String {
    QUIET.to_owned() + ops
}

/// PUB and HPUB lines that end the connection.
const WRONG: &[(&str, &str)] = &[
    ("no arguments", "PUB \r\n"),
    ("only a subject", "PUB a\r\n"),
    ("four arguments", "PUB a b c 1\r\nx\r\n"),
    ("empty size", "PUB a \r\n"),
    ("size in letters", "PUB a abc\r\n"),
    ("negative size", "PUB a -1\r\n"),
    ("size with a plus", "PUB a +1\r\nx\r\n"),
    ("hex size", "PUB a 0x1\r\nx\r\n"),
    ("size with a fraction", "PUB a 1.0\r\nx\r\n"),
    ("size of ten digits", "PUB a 0000000001\r\nx\r\n"),
    ("size of twenty digits", "PUB a 18446744073709551617\r\nx\r\n"),
    ("payload too long", "PUB a 1\r\nxy\r\n"),
    ("payload ended by a line feed", "PUB a 1\r\nx\n\n"),
    ("payload without an end", "PUB a 1\r\nxPING\r\n"),
    ("payload ended by carriage returns", "PUB a 1\r\nx\r\r"),
    ("reply and bad size", "PUB a b x\r\n"),
    ("header: no arguments", "HPUB \r\n"),
    ("header: one argument", "HPUB a\r\n"),
    ("header: two arguments", "HPUB a 12\r\nNATS/1.0\r\n\r\n\r\n"),
    ("header: five arguments", "HPUB a b c 12 12\r\nNATS/1.0\r\n\r\n\r\n"),
    ("header: size in letters", "HPUB a x 12\r\nNATS/1.0\r\n\r\n\r\n"),
    ("header: total in letters", "HPUB a 12 x\r\nNATS/1.0\r\n\r\n\r\n"),
    ("header: negative size", "HPUB a -1 12\r\nNATS/1.0\r\n\r\n\r\n"),
    ("header: larger than total", "HPUB a 13 12\r\nNATS/1.0\r\n\r\n\r\n"),
    ("header: size of ten digits", "HPUB a 0000000012 12\r\nNATS/1.0\r\n\r\n\r\n"),
    ("header: payload too long", "HPUB a 12 12\r\nNATS/1.0\r\n\r\nx\r\n"),
    ("header: payload too short", "HPUB a 12 14\r\nNATS/1.0\r\n\r\n\r\nPING\r\n"),
];

/// Messages that arrive, or go nowhere without a word.
const RIGHT: &[(&str, &str)] = &[
    ("empty payload", "SUB pub.empty 1\r\nPUB pub.empty 0\r\n\r\n"),
    ("reply", "SUB pub.reply 1\r\nPUB pub.reply an.inbox 2\r\nhi\r\n"),
    ("size of nine digits", "SUB pub.nine 1\r\nPUB pub.nine 000000002\r\nhi\r\n"),
    ("payload with line ends", "SUB pub.lines 1\r\nPUB pub.lines 6\r\n\r\n\r\n\r\n\r\n"),
    ("payload that looks like ops", "SUB pub.ops 1\r\nPUB pub.ops 12\r\nPONX\r\nSUB \r\n\r\n"),
    ("nobody listens", "PUB pub.nobody 2\r\nhi\r\n"),
    ("nobody listens, with a reply", "PUB pub.nobody pub.inbox 2\r\nhi\r\n"),
    ("utf-8 subject", "SUB pub.\u{e9}t\u{e9} 1\r\nPUB pub.\u{e9}t\u{e9} 2\r\nhi\r\n"),
    ("control byte in the subject", "SUB pub.\u{1}\u{7f} 1\r\nPUB pub.\u{1}\u{7f} 2\r\nhi\r\n"),
    ("wildcard reply", "SUB pub.wr 1\r\nPUB pub.wr a.* 2\r\nhi\r\n"),
    ("empty token", "SUB pub.token.> 1\r\nPUB pub.token..b 2\r\nhi\r\n"),
    ("leading dot", "SUB > 1\r\nPUB .pub.lead 2\r\nhi\r\n"),
    ("trailing dot", "SUB pub.trail.> 1\r\nPUB pub.trail. 2\r\nhi\r\nPUB pub.trail.a. 2\r\nhi\r\n"),
    ("wildcard subject", "SUB pub.wild.* 1\r\nPUB pub.wild.* 2\r\nhi\r\n"),
    ("full wildcard subject", "SUB pub.full.> 1\r\nPUB pub.full.> 2\r\nhi\r\n"),
    ("wildcard subject to a literal", "SUB pub.lit.a 1\r\nPUB pub.lit.* 2\r\nhi\r\n"),
    ("subjects differ in case", "SUB pub.Case 1\r\nPUB pub.case 2\r\nhi\r\nPUB pub.Case 2\r\nho\r\n"),
    ("header", "SUB pub.h 1\r\nHPUB pub.h 18 20\r\nNATS/1.0\r\nA: b\r\n\r\nhi\r\n"),
    ("header and reply", "SUB pub.hr 1\r\nHPUB pub.hr an.inbox 12 14\r\nNATS/1.0\r\n\r\nhi\r\n"),
    ("header only", "SUB pub.ho 1\r\nHPUB pub.ho 12 12\r\nNATS/1.0\r\n\r\n\r\n"),
    ("header that is none", "SUB pub.hn 1\r\nHPUB pub.hn 3 5\r\nabchi\r\n"),
    ("header of no bytes", "SUB pub.h0 1\r\nHPUB pub.h0 0 2\r\nhi\r\n"),
    ("header of no bytes, no payload", "SUB pub.h00 1\r\nHPUB pub.h00 0 0\r\n\r\n"),
    ("header with a status", "SUB pub.hs 1\r\nHPUB pub.hs 21 21\r\nNATS/1.0 100 Idle\r\n\r\n\r\n"),
    ("header with tabs", "SUB pub.ht 1\r\nHPUB\tpub.ht\tre\t12\t14\r\nNATS/1.0\r\n\r\nhi\r\n"),
    ("header in small letters", "SUB pub.hl 1\r\nhpub pub.hl 12 14\r\nNATS/1.0\r\n\r\nhi\r\n"),
    ("reserved reply, service", "PUB pub.rs _R_.a.b 2\r\nhi\r\n"),
    ("reserved reply, gateway", "PUB pub.rg _GR_.a.b 2\r\nhi\r\n"),
    ("reserved reply, acknowledgement", "PUB pub.ra $JS.ACK.a.b 2\r\nhi\r\n"),
    ("reserved subject, gateway", "PUB _GR_.a.b 2\r\nhi\r\n"),
    ("reserved subject, raft", "PUB $NRG.a 2\r\nhi\r\n"),
    ("reserved header reply", "HPUB pub.rh _R_.a.b 12 14\r\nNATS/1.0\r\n\r\nhi\r\n"),
    ("system subject", "SUB $SYS.probe 1\r\nPUB $SYS.probe 2\r\nhi\r\n"),
];

fn no_responders(both: &mut Both) {
    let on = "CONNECT {\"verbose\":false,\"headers\":true,\"no_responders\":true}\r\n";
    let rows: &[(&str, &str)] = &[
        ("no responders", "SUB nr.inbox 9\r\nPUB nr.nobody nr.inbox 2\r\nhi\r\n"),
        ("no responders, wildcard inbox", "SUB nr.w.* 10\r\nPUB nr.nobody nr.w.abc 2\r\nhi\r\n"),
        ("no responders, with a header", "SUB nr.h 9\r\nHPUB nr.nobody nr.h 12 14\r\nNATS/1.0\r\n\r\nhi\r\n"),
        ("no responders, no inbox", "PUB nr.nobody nr.none 2\r\nhi\r\n"),
        ("no responders, queue inbox", "SUB nr.q queue 9\r\nPUB nr.nobody nr.q 2\r\nhi\r\n"),
        ("no responders, no reply", "SUB nr.nobodies 9\r\nPUB nr.nobody 2\r\nhi\r\n"),
        (
            "no responders, two inboxes",
            "SUB nr.two 1\r\nSUB nr.two 2\r\nUNSUB 1\r\nPUB nr.nobody nr.two 0\r\n\r\n",
        ),
        ("a responder after all", "SUB nr.in 9\r\nSUB nr.service 8\r\nPUB nr.service nr.in 2\r\nhi\r\n"),
        (
            "no responders, inbox used up",
            "SUB nr.max 9\r\nUNSUB 9 1\r\nPUB nr.nobody nr.max 0\r\n\r\nPUB nr.nobody nr.max 0\r\n\r\n",
        ),
        ("no responders, dollar subject", "SUB nr.d 9\r\nPUB $SYS.REQ.nothing nr.d 0\r\n\r\n"),
    ];
    for (name, ops) in rows {
        both.lives(&format!("publish/{name}"), on.to_owned() + ops);
    }
    both.lives(
        "publish/no responders, verbose",
        "CONNECT {\"headers\":true,\"no_responders\":true}\r\nSUB nr.v 9\r\nPUB nr.nobody nr.v 2\r\nhi\r\n",
    );
    both.lives(
        "publish/no responders, own subscription without echo",
        "CONNECT {\"verbose\":false,\"headers\":true,\"no_responders\":true,\"echo\":false}\r\n\
         SUB nr.e 9\r\nSUB nr.own 8\r\nPUB nr.own nr.e 2\r\nhi\r\n",
    );
    both.lives(
        "publish/no responders not asked for",
        quiet("SUB nr.off 9\r\nPUB nr.nobody nr.off 2\r\nhi\r\n"),
    );
}

fn stripping(both: &mut Both) {
    let hpub = quiet("HPUB strip.a re 18 20\r\nNATS/1.0\r\nA: b\r\n\r\nhi\r\n");
    both.between(
        "publish/header cut for one without",
        "CONNECT {\"verbose\":false}\r\nSUB strip.a 5\r\n",
        &hpub,
    );
    both.between("publish/header kept for one with", &quiet("SUB strip.a 5\r\n"), &hpub);
    let only = quiet("HPUB strip.b 12 12\r\nNATS/1.0\r\n\r\n\r\n");
    both.between("publish/only a header, cut", "CONNECT {\"verbose\":false}\r\nSUB strip.b 5\r\n", &only);
    both.between("publish/header cut without connect", "SUB strip.a 5\r\n", &hpub);
    both.steps("publish/from tcp to either", |transport| {
        vec![
            transport.connect('A'),
            Step::Nats('A', b"CONNECT {\"verbose\":false}\r\nSUB cross.> 1\r\nPING\r\n".to_vec()),
            Step::Until('A', "PONG\r\n"),
            Step::Tcp('B'),
            Step::Nats(
                'B',
                quiet("SUB cross.back 2\r\nPUB cross.a cross.back 3\r\nabc\r\nPING\r\n").into_bytes(),
            ),
            Step::Until('B', "PONG\r\n"),
            Step::Until('A', "abc\r\n"),
            Step::Nats('A', b"UNSUB 1\r\nPUB cross.back 2\r\nok\r\nPING\r\n".to_vec()),
            Step::Until('A', "PONG\r\n"),
            Step::Until('B', "ok\r\n"),
        ]
    });
}

pub(crate) fn exchanges() -> Vec<Exchange> {
    let mut both = Both::new("");
    for (name, ops) in WRONG {
        both.dies(&format!("publish/{name}"), quiet(ops));
    }
    for (name, ops) in RIGHT {
        both.lives(&format!("publish/{name}"), quiet(ops));
    }
    both.lives("publish/verbose", "CONNECT {\"headers\":true}\r\nSUB pub.v 1\r\nPUB pub.v 1\r\na\r\nHPUB pub.v 12 13\r\nNATS/1.0\r\n\r\nb\r\n");
    both.lives(
        "publish/reserved and verbose",
        "CONNECT {\"headers\":true}\r\nPUB pub.rv _R_.a 1\r\na\r\nPUB _GR_.x 1\r\nb\r\nPUB pub.rv 1\r\nc\r\n",
    );
    both.lives(
        "publish/pedantic header",
        "CONNECT {\"headers\":true,\"verbose\":false,\"pedantic\":true}\r\nSUB pub.ph.* 1\r\nHPUB pub.ph.* 12 13\r\nNATS/1.0\r\n\r\nb\r\n",
    );
    no_responders(&mut both);
    stripping(&mut both);
    both.into_exchanges()
}

#[test]
fn publish_forms() {
    compare("publish", &exchanges());
}
