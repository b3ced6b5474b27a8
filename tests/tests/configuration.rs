//! What a server is told, and what it says of that.

use std::fs;
use std::process::Command;

use dunlin_tests::{Kind, Link, RawTcp, RawWs, ServerProcess, TempDir, skip};
use serde_json::{Value, json};

use crate::support::{monitoring, start};

/// Texts of which both servers say the same: that they are right, and then with the same digest, so that all values are the same
/// too; or that they are wrong.
const SAME: &[&str] = &[
    // How a file may look.
    "\u{a0}port: 5\r\n\r\ndebug = true ; trace off, logtime: YES // c\r\n",
    "{\"port\":4222,\"server_tags\":[\"a\",\"b\"],\"websocket\":{\"port\":8080,\"no_tls\":true}}",
    "{\n  \"port\": 4222,\n  \"authorization\": {\n    \"users\": [\n      { \"user\": \"a\", \"password\": \"b\" }\n    ]\n  }\n}\n",
    "port: 5 }",
    "'port': 5\n\"debug\" true",
    "port\n5",
    "port: 5\nport: 6\nPORT: 6",
    "server_name: \"a\tb\"",
    "server_name: \"a\\x41\\n\"",
    "server_name: 'a\"b'",
    "port: 5 6",
    "port: 4222 debug: true",
    "port: 5,,debug: true",
    ": 5",
    "server_name \"a",
    "authorization{ user: a }",
    // What a value is.
    "max_payload: 1mb, max_pending: 10MB, max_control_line: 1Kib, max_subs: 1k",
    "max_pending: 1Gb, log_size_limit: 10mi",
    "max_payload: \"1mb\"",
    "max_payload: 1.5",
    "port: \"4222\"",
    "port: true",
    "debug: 1",
    "debug: \"true\"",
    "ping_interval: 2s, write_deadline: 200ms",
    "ping_interval: \"1m30s\"",
    "ping_interval: 1d",
    "ping_interval: -5s",
    "ping_interval: 5",
    "write_deadline: 5m",
    "lame_duck_duration: 60",
    "lame_duck_duration: 40s, lame_duck_grace_period: \"0s\"",
    "lame_duck_duration: 20s",
    "lame_duck_grace_period: \"-1s\"",
    "listen: 4222",
    "listen: \"4222\"",
    "listen: :4222",
    "listen: \"[::1]:4222\"",
    "listen: \"::1:4222\"",
    "listen: localhost:-1",
    "listen: \"a:b\"",
    "net: 127.0.0.1, port: -1, http: :-1, http_base_path: /a",
    // Limits.
    "max_payload: -1, max_pending: 1k",
    "max_payload: 0, max_pending: 0, max_control_line: 0, max_conn: 0, max_subs: 0, ping_max: 0",
    "max_payload: 2147483648",
    "max_control_line: 2147483648",
    "max_connections: -1, max_subscriptions: -1",
    "max_sub_tokens: 0",
    "max_sub_tokens: 255",
    "max_subscription_tokens: 256",
    "max_traced_msg_len: -1, log_size_limit: -1, logfile_max_num: -42, ping_max: 9223372036854775807",
    "write_deadline: \"0s\", ping_interval: \"0s\"",
    // Names that are only other names.
    "no_sys_acc: true, no_system: false",
    "no_system_account: 1",
    "storedir: \"a\"",
    "accounts_resolver: MEMORY",
    "monitor_port: -1, logfile: \"x\", pidfile: \"y\", disable_sublist_cache: true",
    "authorisation { user: a }",
    "authentication { user: a }\nfoo: 1",
    // What the server is called.
    "server_name: \"a b\"",
    "client_advertise: \"a.example:5\"",
    "client_advertise: 5",
    "server_tags: [\"a\", \"B\"], server_metadata: { a: b, \"c d\": \"e\" }",
    "server_tags: a",
    "server_tags: [a, 5]",
    "server_tags: { a: b }",
    "server_metadata: { a: 5 }",
    "server_metadata: [a]",
    // Who may connect.
    "authorization { user: a, pass: b, timeout: 1.5 }",
    "authorization { username: a, password: $2a$11$W2zko751KUvVy59mUTWmpOdWjpEm5qhcCZRd05GjI/sSOT.xtiHyG, timeout: \"2s\" }",
    "authorization { user: a, password: $2b$11$W2zko751KUvVy59mUTWmpOdWjpEm5qhcCZRd05GjI }",
    "authorization { user: a, password: 12345 }",
    "authorization { token: a, user: b }",
    "authorization { token: a, timeout: 61 }",
    "authorization { users: [ {user: a, password: b}\n{user: c, pass: d, clients: [STANDARD, websocket]} ] }",
    "authorization { users: [ {user: a, connection_types: foo} ] }",
    "authorization { users: [ {user: a}, {user: a} ] }",
    "authorization { users: [ {password: a} ] }",
    "authorization { users: {user: a} }",
    "authorization { users: [ {user: a, foo: b} ] }",
    "authorization { token: a, permissions {} }",
    "authorization { users: [ {user: a, permissions {}} ] }",
    "operator: []\ntrusted: []\nproxies {}\naccounts {}",
    "accounts { A {}, B { exports: [ {stream: s} ] } }\nsystem_account: A",
    // WebSocket.
    "websocket { listen: \"127.0.0.1:-1\", no_tls: true, handshake_timeout: 5, compression: true, ping_interval: \"5s\" }",
    "ws { port: -1, no_tls: true, handshake_timeout: \"-5s\", same_origin: yes, origin: \"https://a.b\", headers { X: y } }",
    "websocket { port: -1, no_tls: true, authorization { token: t, timeout: 120 } }",
    "websocket { port: -1, no_tls: true, advertise: \"a\", user_cookie: u, pass_cookie: p, token_cookie: t }",
    "websocket { port: -1, no_tls: true, headers { X: 5 } }",
    "websocket { port: -1, no_tls: true, users: [] }",
    "websocket { port: \"80\" }",
    "websocket: true",
    // A proxy in front speaks TLS with clients.
    "tls {}\nallow_non_tls: true",
    "tls: []",
    // Variables of every type, in every place.
    "p: -1, port: $p, websocket { no_tls: true, port: $p }",
    "t: on, debug: $t\nd: \"5s\", ping_interval: $d\nn: [a, \"b\"], server_tags: $n\nm: { a: b }, server_metadata: $m",
    "a: x, b: y\nserver_tags: [$a, \"z\", $b]\nserver_metadata: { k: $a, l: $b }",
    "a: x\nauthorization { a: y, users: [ { a: z, user: $a, password: $a }, { user: $a, password: $a } ] }",
    "u: [ {user: a, password: b} ]\nauthorization { users: $u }",
    "u: { user: a, password: b }\nauthorization { users: [ $u ] }",
    "authorization { u: a, user: $u, password: $u, timeout: 1 }",
    "websocket { h: { X: y }, headers: $h, p: -1, port: $p, no_tls: true }",
    "p: -1\nq: $p\nport: $q",
    "p: -1\nq: $p",
    "port: $p\np: -1",
    "websocket { p: -1, no_tls: true }\nport: $p",
    "port: $DUNLIN_TEST_PORT, server_name: $DUNLIN_TEST_NAME, debug: on",
    "port: $DUNLIN_TEST_NAME",
    "server_name: $DUNLIN_TEST_NUMBER",
    "server_name: \"$DUNLIN_TEST_NAME\"",
    "server_name: $DUNLIN_TEST_WORDS",
    "port: $DUNLIN_TEST_UNSET",
    // Includes.
    "include part.conf",
    "include \"./part.conf\"; debug: true",
    "include 'sub dir/part.conf' # c\n",
    "include /part.conf",
    "authorization { include user.conf }",
    "authorization { users: [ {include user.conf} ] }",
    "websocket {\n  include ws.conf\n}",
    "include variable.conf\nport: $p",
    "p: -1\ninclude outer.conf",
    "include nowhere.conf",
    "include: part.conf",
    "include part.conf, debug: true",
];

/// What nats-server takes and dunlin does not, and why.
const ONLY_NATS_SERVER: &[(&str, &str)] = &[
    ("port: 65536", "It fails at the start: there is no such port."),
    ("max_payload: 2mb, max_pending: 1mb", "It fails at the start."),
    ("websocket { port: -1 }", "It fails at the start: there is neither TLS nor no_tls."),
    ("tls {}", "Every handshake fails."),
    ("no_auth_user: a", "It fails at the start: there is no such user."),
    ("client_advertise: \"a:b\"", "It fails at the start."),
    ("client_advertise: \"a b\"", "This is no host."),
    ("max_pending: -1", "It fails at the start."),
    ("max_control_line: -1", "Every line of every client would be too long."),
    ("ping_max: -1", "Every client would be stale at its first ping."),
    ("ping_interval: \"-5s\"", "Clients would be pinged without end."),
    ("write_deadline: \"-5s\"", "Nothing could be written."),
    ("authorization { token: t, timeout: -1 }", "Nobody could log in."),
    ("authorization { password: b }", "Nobody would be asked for it."),
    ("authorization { token: t, permissions { publish: a } }", "Not served yet."),
    ("accounts { A { users: [ {user: a, password: b} ] } }", "Not served yet."),
    ("server_name:", "A value is missing."),
    ("max_pending: 9223372036854775807kb", "The number is too large, and becomes another there."),
];

/// The other way round.
const ONLY_DUNLIN: &[(&str, &str)] = &[
    ("\u{feff}port: 5", "A byte order mark is no character of a key."),
    ("limits { publish_messages_per_second: 1 }", "dunlin's own key."),
    ("server_tags: $DUNLIN_TEST_TAGS", "A list is a list, also out of the environment."),
    ("cluster { foo: 1 }", "Not served yet, and not looked into."),
];

/// Whether `-t` finds a configuration good, and what it says.
fn check(kind: Kind, file: &std::path::Path) -> (bool, String) {
    let program = kind.program().expect("looked for before");
    let output = Command::new(program)
        .arg("-t")
        .arg("-c")
        .arg(file)
        .env("DUNLIN_TEST_PORT", " -1 # any")
        .env("DUNLIN_TEST_NAME", "n")
        .env("DUNLIN_TEST_NUMBER", "5")
        .env("DUNLIN_TEST_TAGS", "[a, \"b c\"]\n")
        .env("DUNLIN_TEST_WORDS", "two words")
        .output()
        .expect("both programs run");
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_check_finds_what_nats_server_finds() {
    if let Err(reason) = Kind::Official.program() {
        return skip("configuration::a_check_finds_what_nats_server_finds", &reason);
    }
    let dir = TempDir::new();
    fs::create_dir(dir.path().join("sub dir")).unwrap();
    for (name, text) in [
        ("part.conf", "port: -1\r\nserver_name: part\r\n"),
        ("sub dir/part.conf", "include part2.conf"),
        ("sub dir/part2.conf", "{ \"port\": -1 }"),
        ("user.conf", "user: a, password: b"),
        ("ws.conf", "port: -1\nno_tls: true"),
        ("variable.conf", "p: -1"),
        ("outer.conf", "port: $p"),
    ] {
        fs::write(dir.path().join(name), text).unwrap();
    }
    let file = dir.path().join("a.conf");
    let digest = |text: &str| text.split_once("sha256:").map(|(_, rest)| rest[..64].to_owned());
    let verdicts = |text: &str| {
        fs::write(&file, text).unwrap();
        (check(Kind::Official, &file), check(Kind::under_test(), &file))
    };
    let mut findings = Vec::new();
    for text in SAME {
        let (theirs, ours) = verdicts(text);
        if theirs.0 != ours.0 || theirs.0 && digest(&theirs.1) != digest(&ours.1) {
            findings.push(format!("{text:?}\nofficial: {}dunlin: {}", theirs.1, ours.1));
        }
    }
    for (exceptions, theirs_is_good) in [(ONLY_NATS_SERVER, true), (ONLY_DUNLIN, false)] {
        for (text, reason) in exceptions {
            let (theirs, ours) = verdicts(text);
            if theirs.0 != theirs_is_good || Kind::under_test() == Kind::Dunlin && ours.0 == theirs_is_good {
                findings.push(format!("{text:?} ({reason})\nofficial: {}dunlin: {}", theirs.1, ours.1));
            }
        }
    }
    assert!(findings.is_empty(), "{} findings\n\n{}", findings.len(), findings.join("\n"));
}

/// INFO as a client is greeted with it.
fn greeting(link: &mut Link) -> Value {
    let text = String::from_utf8(link.expect(b"\r\n")).unwrap();
    serde_json::from_str(text.trim().strip_prefix("INFO ").unwrap()).unwrap()
}

fn clients(server: &ServerProcess) -> [Link; 2] {
    let addresses = server.addresses();
    [Link::Tcp(RawTcp::connect(addresses.nats)), Link::Ws(RawWs::connect(addresses.websocket, ""))]
}

#[test]
fn info_and_varz_say_what_is_configured() {
    let conf = |advertise: &str| {
        format!(
            "{advertise}\nmax_payload: -1, max_pending: 2mb\n\
             websocket {{ listen: \"127.0.0.1:{{ws_port}}\", no_tls: true, advertise: \"ws.example:443\" }}\n"
        )
    };
    let labels = "server_tags: [\"B\", \" c:D \", b], server_metadata: { Region: \"eu 1\" }";
    let first = conf(&format!("client_advertise: \"nats.example:4333\"\n{labels}"));
    let Some(mut server) = start("configuration::info_and_varz_say_what_is_configured", &first) else {
        return;
    };
    let addresses = server.addresses();
    let own = |address: std::net::SocketAddr| json!([address.ip().to_string(), address.port()]);
    let place = |info: &Value| json!([info["host"], info["port"]]);

    let [tcp, ws] = clients(&server).map(|mut link| greeting(&mut link));
    assert_eq!(place(&tcp), json!(["nats.example", 4333]));
    assert_eq!(place(&ws), own(addresses.websocket), "client_advertise is not about WebSocket");
    for info in [&tcp, &ws] {
        assert_eq!((&info["max_payload"], &info["api_lvl"]), (&json!(-1), &json!(5)), "{info}");
    }
    let varz = monitoring(&server, "/varz");
    assert_eq!(place(&varz), json!(["nats.example", 4333]));
    assert_eq!(varz["max_payload"], -1);
    assert_eq!((&varz["tags"], &varz["metadata"]), (&json!(["b", "c:d"]), &json!({ "Region": "eu 1" })));

    // What is longer than may wait for one connection would reach nobody, and is refused where it comes in.
    if Kind::under_test() == Kind::Dunlin {
        for mut link in clients(&server) {
            link.send(b"CONNECT {\"verbose\":false}\r\nPUB a 2097153\r\n");
            link.expect(b"-ERR 'Maximum Payload Violation'\r\n");
        }
    }

    let lines = server.reload(&conf("server_metadata { a: b }"));
    for expected in ["client_advertise = ", "Reloaded: tags", "Reloaded: metadata"] {
        assert!(lines.iter().any(|line| line.contains(expected)), "{expected}: {lines:#?}");
    }
    let [tcp, ws] = clients(&server).map(|mut link| greeting(&mut link));
    assert_eq!([place(&tcp), place(&ws)], [own(addresses.nats), own(addresses.websocket)]);
    let varz = monitoring(&server, "/varz");
    if Kind::under_test() == Kind::Dunlin {
        // The official server's keeps the old one.
        assert_eq!(place(&varz), own(addresses.nats));
    }
    assert_eq!((&varz["tags"], &varz["metadata"]), (&Value::Null, &json!({ "a": "b" })));

    let lines = server.reload(&conf("client_advertise: \"a:b\""));
    assert!(lines[0].contains("Failed to reload server configuration: "), "{lines:#?}");
    let mut link = Link::Tcp(RawTcp::connect(addresses.nats));
    assert_eq!(place(&greeting(&mut link)), own(addresses.nats));
}
