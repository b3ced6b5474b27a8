//! CONNECT: its fields, and what each of them changes.

use super::compare::compare;
use super::exchange::{Both, Exchange, Step};

/// A subscription to one's own subject, and a message to it.
fn talk(subject: &str) -> String {
    format!("SUB {subject} 1\r\nPUB {subject} reply 2\r\nhi\r\n")
}

fn connect(json: &str) -> String {
    format!("CONNECT {json}\r\n")
}

fn defaults(both: &mut Both) {
    both.lives("connect/none", talk("connect.none"));
    both.lives("connect/empty object", connect("{}") + &talk("connect.empty"));
    both.lives("connect/quiet", connect(r#"{"verbose":false}"#) + &talk("connect.quiet"));
    both.lives("connect/verbose", connect(r#"{"verbose":true}"#) + &talk("connect.verbose") + "UNSUB 1\r\n");
    both.lives_with_pings("connect/verbose ping", connect(r#"{"verbose":true}"#) + "PING\r\nPONG\r\n", 1);
    both.lives(
        "connect/pedantic",
        connect(r#"{"verbose":false,"pedantic":true}"#)
            + "SUB > 1\r\nPUB connect.* 1\r\nx\r\nPUB connect..b 1\r\ny\r\n",
    );
    both.lives(
        "connect/verbose and pedantic",
        connect(r#"{"verbose":true,"pedantic":true}"#) + "PUB connect.> 1\r\nx\r\nPUB .connect 1\r\ny\r\n",
    );
    both.lives(
        "connect/not pedantic",
        connect(r#"{"verbose":false,"pedantic":false}"#)
            + "SUB connect.np.> 1\r\nPUB connect.np.* 1\r\nx\r\n",
    );
    both.lives("connect/no echo", connect(r#"{"verbose":false,"echo":false}"#) + &talk("connect.noecho"));
    both.lives("connect/echo", connect(r#"{"verbose":false,"echo":true}"#) + &talk("connect.echo"));
    both.between(
        "connect/no echo still reaches others",
        "CONNECT {\"verbose\":false,\"echo\":false}\r\nSUB connect.others 7\r\n",
        "CONNECT {\"verbose\":false,\"echo\":false}\r\nSUB connect.others 8\r\nPUB connect.others 2\r\nhi\r\n",
    );
}

fn headers(both: &mut Both) {
    let hpub = "SUB connect.h 1\r\nHPUB connect.h 18 20\r\nNATS/1.0\r\nA: b\r\n\r\nhi\r\n";
    both.lives("connect/headers", connect(r#"{"verbose":false,"headers":true}"#) + hpub);
    both.dies("connect/hpub without headers", connect(r#"{"verbose":false,"headers":false}"#) + hpub);
    both.dies("connect/hpub without connect", hpub);
    both.lives(
        "connect/no responders with headers",
        connect(r#"{"verbose":false,"headers":true,"no_responders":true}"#)
            + "SUB connect.inbox.> 9\r\nPUB connect.nobody connect.inbox.1 0\r\n\r\n",
    );
    both.dies("connect/no responders without headers", connect(r#"{"no_responders":true}"#) + "PING\r\n");
    both.dies(
        "connect/no responders with headers false",
        connect(r#"{"verbose":false,"no_responders":true,"headers":false}"#) + "PING\r\n",
    );
}

fn protocol(both: &mut Both) {
    for (name, value) in [("2", "2"), ("-1", "-1"), ("large", "1000000")] {
        both.dies(
            &format!("connect/protocol {name}"),
            connect(&format!("{{\"verbose\":false,\"protocol\":{value}}}")),
        );
    }
    for (name, value) in
        [("a string", "\"1\""), ("1.5", "1.5"), ("too large", "99999999999999999999"), ("true", "true")]
    {
        both.dies(
            &format!("connect/protocol is {name}"),
            connect(&format!("{{\"verbose\":false,\"protocol\":{value}}}")) + "PING\r\n",
        );
    }
    both.lives("connect/protocol null", connect(r#"{"verbose":false,"protocol":null}"#));
    both.dies("connect/protocol 1.0", connect(r#"{"verbose":false,"protocol":1.0}"#) + "PING\r\n");
    both.dies("connect/protocol 1e0", connect(r#"{"verbose":false,"protocol":1e0}"#) + "PING\r\n");
}

/// CONNECT arguments that end the connection.
const WRONG: &[(&str, &str)] = &[
    ("verbose is a string", r#"{"verbose":"false"}"#),
    ("verbose is a number", r#"{"verbose":0}"#),
    ("pedantic is a string", r#"{"pedantic":"no"}"#),
    ("echo is an array", r#"{"echo":[]}"#),
    ("headers is an object", r#"{"headers":{}}"#),
    ("name is a number", r#"{"name":1}"#),
    ("name is a bool", r#"{"name":true}"#),
    ("user is a number", r#"{"user":7}"#),
    ("lang is an object", r#"{"lang":{}}"#),
    ("tls_required is a string", r#"{"tls_required":"true"}"#),
    ("auth_token is an array", r#"{"auth_token":["a"]}"#),
    ("an array", "[]"),
    ("a string", "\"verbose\""),
    ("a number", "12"),
    ("a bool", "true"),
    ("not json", "nonsense"),
    ("not closed", "{\"verbose\":false"),
    ("single quotes", "{'verbose':false}"),
    ("a trailing comma", r#"{"verbose":false,}"#),
    ("two objects", "{} {}"),
    ("text behind", r#"{"verbose":false} x"#),
    ("bare keys", "{verbose:false}"),
    ("a control byte in a string", "{\"name\":\"a\tb\"}"),
    ("a wrong escape", r#"{"name":"\q"}"#),
];

/// CONNECT arguments that are fine, however odd.
const RIGHT: &[(&str, &str)] = &[
    ("null", "null"),
    ("null fields", r#"{"verbose":null,"name":null,"echo":null}"#),
    ("upper-case keys", r#"{"VERBOSE":false,"Echo":false}"#),
    ("mixed-case keys", r#"{"vErBoSe":false,"PEDANTIC":true}"#),
    ("unknown keys", r#"{"verbose":false,"frob":{"a":[1,2,{"b":null}]},"x":1e5}"#),
    ("a key twice", r#"{"verbose":true,"verbose":false}"#),
    ("a key twice in two cases", r#"{"verbose":true,"VERBOSE":false}"#),
    ("escapes", r#"{"verbose":false,"name":"\u00e9\n\"\\\/"}"#),
    ("a lone surrogate", r#"{"verbose":false,"name":"\ud800"}"#),
    ("an escaped key", r#"{"\u0076erbose":false}"#),
    ("utf-8", "{\"verbose\":false,\"name\":\"h\u{e9}llo \u{1f426}\"}"),
    ("blanks", " \t {  \"verbose\" :\tfalse  } \t "),
    (
        "all the usual fields",
        r#"{"verbose":false,"pedantic":false,"tls_required":false,"name":"n","lang":"go","version":"1.0","protocol":0,"echo":true,"headers":true,"no_responders":true}"#,
    ),
    ("a user that is not needed", r#"{"verbose":false,"user":"u","pass":"p"}"#),
    ("a token that is not needed", r#"{"verbose":false,"auth_token":"t"}"#),
    ("a jwt that is not needed", r#"{"verbose":false,"jwt":"x.y.z","sig":"s","nkey":""}"#),
    ("tls required", r#"{"verbose":false,"tls_required":true}"#),
    ("an empty key", r#"{"verbose":false,"":1}"#),
    ("an import field", r#"{"verbose":false,"import":{"permissions":[]},"export":1}"#),
];

fn json(both: &mut Both) {
    for (name, value) in WRONG {
        both.dies(&format!("connect/{name}"), connect(value) + "PING\r\n");
    }
    both.dies("connect/empty argument", "CONNECT\r\n");
    both.dies("connect/blank argument", "CONNECT  \r\n");
    for (at, (name, value)) in RIGHT.iter().enumerate() {
        both.lives(&format!("connect/{name}"), connect(value) + &talk(&format!("connect.right.{at}")));
    }
    both.lives(
        "connect/without a blank",
        "CONNECT{\"verbose\":false}\r\n".to_owned() + &talk("connect.noblank"),
    );
    both.lives("connect/line feed only", "CONNECT {\"verbose\":false}\n".to_owned() + &talk("connect.lf"));
    both.lives(
        "connect/in small letters",
        "connect {\"verbose\":false}\r\n".to_owned() + &talk("connect.small"),
    );
    both.lives("connect/behind a tab", "CONNECT\t{\"verbose\":false}\r\n".to_owned() + &talk("connect.tab"));
    both.dies("connect/not utf-8", b"CONNECT {\"name\":\"\xff\xfe\",\"protocol\":9}\r\n");
}

fn again(both: &mut Both) {
    both.lives(
        "connect/again drops subscriptions",
        connect(r#"{"verbose":false}"#)
            + "SUB connect.again 1\r\nPUB connect.again 1\r\na\r\n"
            + &connect(r#"{"verbose":false}"#)
            + "PUB connect.again 1\r\nb\r\nSUB connect.again 1\r\nPUB connect.again 1\r\nc\r\n",
    );
    both.lives(
        "connect/again changes options",
        connect(r#"{"verbose":true}"#)
            + &connect(r#"{"verbose":false,"echo":false}"#)
            + &talk("connect.options"),
    );
    both.lives(
        "connect/again without fields",
        connect(r#"{"verbose":false,"echo":false}"#) + &connect("{}") + &talk("connect.fields"),
    );
    both.dies("connect/account", connect(r#"{"verbose":false,"account":"A"}"#) + "PING\r\n");
    both.dies("connect/new account", connect(r#"{"verbose":false,"new_account":true}"#) + "PING\r\n");
    both.dies(
        "connect/an account of the wrong type",
        connect(r#"{"verbose":false,"account":1}"#) + "PING\r\n",
    );
    both.steps("connect/ops before and after", |transport| {
        vec![
            transport.connect('A'),
            Step::Nats('A', b"SUB connect.before 1\r\nPING\r\n".to_vec()),
            Step::Until('A', "PONG\r\n"),
            Step::Nats(
                'A',
                b"CONNECT {\"verbose\":false}\r\nPUB connect.before 2\r\nhi\r\nPING\r\n".to_vec(),
            ),
            Step::Until('A', "PONG\r\n"),
        ]
    });
}

pub(crate) fn exchanges() -> Vec<Exchange> {
    let mut both = Both::new("");
    defaults(&mut both);
    headers(&mut both);
    protocol(&mut both);
    json(&mut both);
    again(&mut both);
    both.into_exchanges()
}

#[test]
fn connect_variants() {
    compare("connect", &exchanges());
}
