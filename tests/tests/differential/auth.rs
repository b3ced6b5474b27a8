//! Who may connect: credentials, cookies, the first op, and the time for it.

use super::compare::compare;
use super::exchange::{Both, Exchange, Step, exchange};

const SINGLE: &str = "authorization { user: a, password: \"b c\" }\n";
const TOKEN: &str = "authorization { token: t }\n";
/// The password of `h` is `secret`.
const USERS: &str = "authorization { users: [\n{user: a, password: b}\n\
    {user: h, password: \"$2a$04$5n0VDlPh4GBJmmIOBqJI4uj4WLEcleGwA.ReZhk15mvawrLa.v7WO\"}\n\
    {user: tcp, password: t, allowed_connection_types: [standard]}\n\
    {user: web, password: w, allowed_connection_types: [WEBSOCKET, MQTT]}\n] }\n";
const NO_AUTH: &str =
    "authorization { users: [{user: a, password: b}, {user: c, password: d}] }\nno_auth_user: a\n";
const NO_AUTH_WEB: &str =
    "authorization { users: [{user: a, password: b, clients: WEBSOCKET}] }\nno_auth_user: a\n";
const WEB_ONLY: &str =
    "websocket { listen: \"127.0.0.1:{ws_port}\", no_tls: true, authorization { user: q, password: z } }\n";
const WEB_TOKEN: &str = "authorization { user: a, password: b }\n\
    websocket { listen: \"127.0.0.1:{ws_port}\", no_tls: true, authorization { token: z } }\n";
const WEB_NO_AUTH: &str = "authorization { users: [{user: a, password: b}] }\n\
    websocket { listen: \"127.0.0.1:{ws_port}\", no_tls: true, no_auth_user: a }\n";
const COOKIES: &str = "authorization { user: a, password: \"b c\" }\n\
    websocket { listen: \"127.0.0.1:{ws_port}\", no_tls: true, user_cookie: u, pass_cookie: p, token_cookie: t }\n";
const TIMEOUT: &str = "authorization { token: t, timeout: 0.2 }\n";

fn connect(json: &str) -> String {
    format!("CONNECT {json}\r\n")
}

fn single() -> Vec<Exchange> {
    let mut both = Both::new(SINGLE);
    both.lives("auth/user", connect(r#"{"user":"a","pass":"b c"}"#) + "SUB x 1\r\nPUB x 1\r\ny\r\n");
    both.lives("auth/user and more", connect(r#"{"user":"a","pass":"b c","auth_token":"x","jwt":"a.b.c"}"#));
    for (name, json) in [
        ("nothing", "{}"),
        ("null", "null"),
        ("no password", r#"{"user":"a"}"#),
        ("wrong password", r#"{"user":"a","pass":"b"}"#),
        ("longer password", r#"{"user":"a","pass":"b c "}"#),
        ("wrong case", r#"{"user":"A","pass":"b c"}"#),
        ("no user", r#"{"pass":"b c"}"#),
        ("token", r#"{"auth_token":"b c"}"#),
        ("nkey", r#"{"nkey":"UAAA","sig":"x"}"#),
        ("account", r#"{"user":"a","pass":"b c","account":"A"}"#),
        ("before protocol", r#"{"protocol":9}"#),
        ("protocol", r#"{"user":"a","pass":"b c","protocol":9}"#),
    ] {
        both.dies(&format!("auth/{name}"), connect(json));
    }
    both.dies("auth/bad json", connect("{"));
    for (name, ops) in
        [("ping", "PING\r\n"), ("one byte", "s"), ("empty line", "\r\n"), ("blank", " CONNECT {}\r\n")]
    {
        both.dies(&format!("auth/first op {name}"), ops);
    }
    both.dies("auth/first op like connect", "CONNECTED\r\n");
    let first = connect(r#"{"user":"a","pass":"b c","verbose":false}"#) + "SUB x 1\r\n";
    both.lives("auth/again", first.clone() + &connect("{}") + "PUB x 1\r\ny\r\n");
    both.lives("auth/again the same", first.clone() + &connect(r#"{"pass":"b c"}"#));
    both.dies("auth/again another", first.clone() + &connect(r#"{"pass":"b"}"#));
    both.dies("auth/again an account", first + &connect(r#"{"account":"A"}"#));
    both.into_exchanges()
}

fn token() -> Vec<Exchange> {
    let mut both = Both::new(TOKEN);
    both.lives("auth/token right", connect(r#"{"auth_token":"t"}"#));
    both.lives("auth/token and user", connect(r#"{"auth_token":"t","user":"x","pass":"y"}"#));
    both.dies("auth/token wrong", connect(r#"{"auth_token":"T"}"#));
    both.dies("auth/token as password", connect(r#"{"user":"t","pass":"t"}"#));
    both.dies("auth/token missing", connect("{}"));
    both.into_exchanges()
}

fn users() -> Vec<Exchange> {
    let mut both = Both::new(USERS);
    for (name, json) in [("clear", r#"{"user":"a","pass":"b"}"#), ("hash", r#"{"user":"h","pass":"secret"}"#)]
    {
        both.lives(&format!("auth/users {name}"), connect(json));
    }
    for (name, json) in [
        ("other password", r#"{"user":"a","pass":"secret"}"#),
        ("hash wrong", r#"{"user":"h","pass":"b"}"#),
        ("hash empty", r#"{"user":"h"}"#),
        ("unknown", r#"{"user":"z","pass":"b"}"#),
        ("nothing", "{}"),
    ] {
        both.dies(&format!("auth/users {name}"), connect(json));
    }
    let mut all = both.into_exchanges();
    for (name, json, tcp_lives) in
        [("tcp", r#"{"user":"tcp","pass":"t"}"#, true), ("web", r#"{"user":"web","pass":"w"}"#, false)]
    {
        for (prefix, step, lives) in
            [("tcp", Step::Tcp('A'), tcp_lives), ("ws", Step::Ws('A', ""), !tcp_lives)]
        {
            let end = if lives { Step::Until('A', "PONG\r\n") } else { Step::UntilClosed('A') };
            let ops = connect(json) + if lives { "PING\r\n" } else { "" };
            let steps = vec![step, Step::Nats('A', ops.into()), end];
            all.push(exchange(&format!("{prefix} auth/types {name}"), USERS, steps));
        }
    }
    all
}

fn no_auth_user() -> Vec<Exchange> {
    let mut both = Both::new(NO_AUTH);
    both.lives("auth/no_auth first op", "SUB x 1\r\nPUB x 1\r\ny\r\n");
    both.lives("auth/no_auth connect", connect("{}"));
    both.lives("auth/no_auth then connect", "SUB x 1\r\n".to_owned() + &connect("{}") + "PUB x 1\r\ny\r\n");
    both.lives("auth/no_auth another", connect(r#"{"user":"c","pass":"d"}"#));
    both.dies("auth/no_auth unknown", connect(r#"{"user":"z"}"#));
    both.dies("auth/no_auth password alone", connect(r#"{"pass":"b"}"#));
    both.dies("auth/no_auth token", connect(r#"{"auth_token":"b"}"#));
    let mut all = both.into_exchanges();
    let lives =
        |ops: &str| vec![Step::Nats('A', (ops.to_owned() + "PING\r\n").into()), Step::Until('A', "PONG\r\n")];
    let dies = |ops: &str| vec![Step::Nats('A', ops.into()), Step::UntilClosed('A')];
    for (name, conf, open, then) in [
        ("tcp auth/no_auth of another type", NO_AUTH_WEB, Step::Tcp('A'), dies("CONNECT {}\r\n")),
        ("tcp auth/no_auth of another type first op", NO_AUTH_WEB, Step::Tcp('A'), dies("PING\r\n")),
        ("ws auth/no_auth of its type", NO_AUTH_WEB, Step::Ws('A', ""), lives("CONNECT {}\r\n")),
        ("tcp auth/web no_auth", WEB_NO_AUTH, Step::Tcp('A'), dies("CONNECT {}\r\n")),
        ("ws auth/web no_auth", WEB_NO_AUTH, Step::Ws('A', ""), lives("CONNECT {}\r\n")),
        ("ws auth/web no_auth first op", WEB_NO_AUTH, Step::Ws('A', ""), lives("")),
        (
            "ws auth/web no_auth user",
            WEB_NO_AUTH,
            Step::Ws('A', ""),
            lives("CONNECT {\"user\":\"a\",\"pass\":\"b\"}\r\n"),
        ),
        ("tcp auth/web only", WEB_ONLY, Step::Tcp('A'), lives("")),
        (
            "ws auth/web only",
            WEB_ONLY,
            Step::Ws('A', ""),
            lives("CONNECT {\"user\":\"q\",\"pass\":\"z\"}\r\n"),
        ),
        ("ws auth/web only nothing", WEB_ONLY, Step::Ws('A', ""), dies("CONNECT {}\r\n")),
        ("ws auth/web only first op", WEB_ONLY, Step::Ws('A', ""), dies("PING\r\n")),
        ("ws auth/web token", WEB_TOKEN, Step::Ws('A', ""), lives("CONNECT {\"auth_token\":\"z\"}\r\n")),
        (
            "ws auth/web token not user",
            WEB_TOKEN,
            Step::Ws('A', ""),
            dies("CONNECT {\"user\":\"a\",\"pass\":\"b\"}\r\n"),
        ),
        (
            "tcp auth/web token is not for tcp",
            WEB_TOKEN,
            Step::Tcp('A'),
            dies("CONNECT {\"auth_token\":\"z\"}\r\n"),
        ),
    ] {
        all.push(exchange(name, conf, [vec![open], then].concat()));
    }
    all
}

/// Headers, what CONNECT says, and whether that lets in.
const COOKIE_CASES: &[(&str, &str, &str, bool)] = &[
    ("both", "Cookie: u=a; p=b c\r\n", "{}", true),
    ("quoted", "Cookie: u=\"a\"; p=\"b c\"\r\n", "{}", true),
    ("two lines", "Cookie: u=a\r\nCookie: p=b c\r\n", "{}", true),
    ("the last counts", "Cookie: u=x; u=a; p=b c\r\n", "{}", true),
    ("among others", "Cookie: a=1; u=a; b=\"2\"; p=b c; c\r\n", "{}", true),
    ("no blanks", "Cookie: u=a;p=b c\r\n", "{}", true),
    ("user in connect", "Cookie: u=x; p=b c\r\n", r#"{"user":"a"}"#, true),
    ("password in connect", "Cookie: u=a; p=x\r\n", r#"{"pass":"b c"}"#, true),
    ("wrong user in connect", "Cookie: u=a; p=b c\r\n", r#"{"user":"x"}"#, false),
    ("percent", "Cookie: u=a; p=b%20c\r\n", "{}", false),
    ("plus", "Cookie: u=a; p=b+c\r\n", "{}", false),
    ("half a quote", "Cookie: u=a; p=\"b c\r\n", "{}", false),
    ("comma", "Cookie: u=a, p=b c\r\n", "{}", false),
    ("blank before the value", "Cookie: u= a; p=b c\r\n", "{}", false),
    ("blank behind the value", "Cookie: u=a ; p=b c \r\n", "{}", true),
    ("blank behind the name", "Cookie: u =a; p=b c\r\n", "{}", true),
    ("case", "Cookie: U=a; p=b c\r\n", "{}", false),
    ("a skipped value", "Cookie: u=a; p=b c; p=x\\\r\n", "{}", true),
    ("token only", "Cookie: t=b c\r\n", "{}", false),
    ("none", "", "{}", false),
];

fn cookies() -> Vec<Exchange> {
    let case = |&(name, headers, json, lives): &(&str, &'static str, &str, bool)| {
        let end = if lives { Step::Until('A', "PONG\r\n") } else { Step::UntilClosed('A') };
        let ops = connect(json) + if lives { "PING\r\n" } else { "" };
        let steps = vec![Step::Ws('A', headers), Step::Nats('A', ops.into()), end];
        exchange(&format!("ws auth/cookie {name}"), COOKIES, steps)
    };
    let mut all: Vec<Exchange> = COOKIE_CASES.iter().map(case).collect();
    let steps = vec![
        Step::Ws('A', "Cookie: u=a; p=b c\r\n"),
        Step::Nats('A', b"PING\r\n".to_vec()),
        Step::UntilClosed('A'),
    ];
    all.push(exchange("ws auth/cookie without connect", COOKIES, steps));
    all
}

fn timeout() -> Vec<Exchange> {
    let mut both = Both::new(TIMEOUT);
    both.dies("auth/timeout", "");
    both.dies("auth/timeout in connect", "CONNECT {");
    both.steps("auth/no timeout behind connect", |transport| {
        vec![
            transport.connect('B'),
            transport.connect('A'),
            Step::Nats('A', b"CONNECT {\"auth_token\":\"t\"}\r\n".to_vec()),
            Step::UntilClosed('B'),
            Step::Nats('A', b"PING\r\n".to_vec()),
            Step::Until('A', "PONG\r\n"),
        ]
    });
    both.into_exchanges()
}

/// What INFO says of it.
fn info() -> Vec<Exchange> {
    let mut all = Vec::new();
    for (name, conf) in [
        ("single", SINGLE),
        ("users", USERS),
        ("no_auth", NO_AUTH),
        ("web only", WEB_ONLY),
        ("web no_auth", WEB_NO_AUTH),
    ] {
        for (prefix, open) in [("tcp", Step::TcpSocket('A')), ("ws", Step::WsSocket('A'))] {
            let mut steps = vec![open];
            if prefix == "ws" {
                steps.push(Step::Send('A', dunlin_tests::handshake("/", "").into()));
                steps.push(Step::ResponseHead('A'));
            }
            steps.push(Step::Until('A', "\r\n"));
            all.push(exchange(&format!("{prefix} auth/info {name}"), conf, steps));
        }
    }
    all
}

pub(crate) fn exchanges() -> Vec<Exchange> {
    [single(), token(), users(), no_auth_user(), cookies(), timeout(), info()].concat()
}

#[test]
fn who_may_connect() {
    compare("auth", &exchanges());
}
