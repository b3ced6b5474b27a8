//! Who may connect, over raw sockets: what is let in, what each refusal says, and that checking passwords holds up nobody
//! else. Where nats-server has an answer, the differential tests compare it (differential/auth.rs).

use std::fs;

use dunlin_tests::{
    Authority, Deadline, Kind, Link, RawTcp, RawWs, ServerProcess, Signal, TlsClient, TlsVersion, frame,
};

/// How often each refusal is tried: losing words is a matter of timing.
const TRIES: usize = 20;

/// `secret` with cost 4, which takes a millisecond, and 10, which takes some 50.
const CHEAP: &str = "$2a$04$5n0VDlPh4GBJmmIOBqJI4uj4WLEcleGwA.ReZhk15mvawrLa.v7WO";
const SLOW: &str = "$2a$10$5n0VDlPh4GBJmmIOBqJI4uZ6mjrwSnuqg6hMb9yyBD7FJ9ONzrZAa";

fn dunlin(conf: &str) -> Option<ServerProcess> {
    (Kind::under_test() == Kind::Dunlin).then(|| ServerProcess::start(Kind::Dunlin, conf, &[]))
}

fn ws(server: &ServerProcess, headers: &str) -> Link {
    Link::Ws(RawWs::connect(server.addresses().websocket, headers))
}

fn links(server: &ServerProcess) -> [Link; 2] {
    [Link::Tcp(RawTcp::connect(server.addresses().nats)), ws(server, "")]
}

#[track_caller]
fn expect_entry(mut link: Link, connect: &str) -> Link {
    link.send(format!("CONNECT {connect}\r\nPING\r\n").as_bytes());
    link.expect(b"PONG\r\n");
    link
}

/// The connection ends, and says why.
#[track_caller]
fn expect_refusal(mut link: Link, text: &str, reason: &str) {
    let is_ws = matches!(link, Link::Ws(_));
    let (words, close) = link.last_words();
    let words = String::from_utf8_lossy(&words).into_owned();
    assert!(words.ends_with(&format!("-ERR '{text}'\r\n")), "{words:?}");
    let close = close.map(|payload| {
        (u16::from_be_bytes([payload[0], payload[1]]), String::from_utf8_lossy(&payload[2..]).into_owned())
    });
    assert_eq!(close, is_ws.then(|| (1008, reason.to_owned())));
}

#[track_caller]
fn expect_violation(link: Link) {
    expect_refusal(link, "Authorization Violation", "Authentication Failure");
}

#[test]
fn refusals_are_heard() {
    let conf =
        format!("authorization {{ users: [{{user: a, password: b}}, {{user: h, password: \"{CHEAP}\"}}] }}");
    let Some(server) = dunlin(&conf) else { return };
    // Unread input makes a kernel reset the connection at the close, and a reset can overtake what was written.
    let junk = "PING\r\n".repeat(20_000);
    for ops in [
        "CONNECT {}\r\n",
        "CONNECT {\"user\":\"a\",\"pass\":\"c\"}\r\n",
        "CONNECT {\"user\":\"h\",\"pass\":\"c\"}\r\n",
        "CONNECT {\"auth_token\":\"b\"}\r\n",
        "CONNECT {\"user\":\"a\",\"pass\":\"b\",\"account\":\"A\"}\r\n",
        "PING\r\n",
        "P",
    ] {
        for behind in ["", &junk] {
            for _ in 0..TRIES {
                for mut link in links(&server) {
                    link.send(format!("{ops}{behind}").as_bytes());
                    expect_violation(link);
                }
            }
        }
    }
    for connect in ["{\"user\":\"a\",\"pass\":\"b\"}", "{\"user\":\"h\",\"pass\":\"secret\"}"] {
        for link in links(&server) {
            expect_entry(link, connect);
        }
    }
    let log = server.log();
    assert!(log.contains(" - authentication error - User \"h\"\n"), "{log}");
    assert!(log.contains(" - authentication error - Token \"[REDACTED]\"\n"), "{log}");
    assert!(log.contains("[WRN] Plaintext passwords detected, use nkeys or bcrypt"), "{log}");
}

#[test]
fn silence_has_an_end() {
    let conf = "authorization { token: t, timeout: 0.3 }\n\
        websocket { listen: \"127.0.0.1:{ws_port}\", no_tls: true, auth_timeout: 0.2 }";
    let Some(server) = dunlin(conf) else { return };
    for _ in 0..3 {
        for mut link in links(&server) {
            link.expect(b"\r\n");
            link.send(b"CONN");
            expect_refusal(link, "Authentication Timeout", "Authentication Timeout");
        }
    }
}

#[test]
fn what_is_sent_behind_connect_waits_for_the_verdict() {
    let Some(server) = dunlin(&format!("authorization {{ user: a, password: \"{SLOW}\" }}")) else { return };
    for pieces in [1, 7] {
        for mut link in links(&server) {
            let ops = "CONNECT {\"user\":\"a\",\"pass\":\"secret\",\"verbose\":false}\r\nSUB x 1\r\n"
                .to_owned()
                + &"PUB x 3\r\nabc\r\n".repeat(2000)
                + "PING\r\n";
            for piece in ops.as_bytes().chunks(ops.len() / pieces + 1) {
                link.send(piece);
            }
            let answer = link.expect(b"PONG\r\n");
            let messages = answer.windows(5).filter(|bytes| bytes == b"MSG x").count();
            assert_eq!(messages, 2000);
        }
    }
}

/// A compressed message (RFC 7692 §7.2.1).
fn deflated(message: &str) -> Vec<u8> {
    let mut payload = miniz_oxide::deflate::compress_to_vec(message.as_bytes(), 6);
    payload.push(0);
    frame(0xc2, &payload)
}

#[test]
fn compressed_input_waits_too_but_not_a_bomb() {
    let conf = format!(
        "authorization {{ user: a, password: \"{SLOW}\" }}\n\
         websocket {{ listen: \"127.0.0.1:{{ws_port}}\", no_tls: true, compression: true }}"
    );
    let Some(server) = dunlin(&conf) else { return };
    let offer = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
    let connect = "CONNECT {\"user\":\"a\",\"pass\":\"secret\",\"verbose\":false}\r\n";
    let publish = "PUB x 3\r\nabc\r\n";
    for behind in [
        // In one message, in messages of their own, and far more than is inflated at once.
        vec![publish.repeat(100)],
        vec![publish.repeat(100), publish.repeat(9000), publish.repeat(9000)],
        (0..50).map(|_| noise(3000)).collect(),
    ] {
        let mut ws = RawWs::connect(server.addresses().websocket, offer);
        let (first, rest) = behind.split_first().unwrap();
        let mut bytes = deflated(&format!("{connect}{first}"));
        rest.iter().for_each(|message| bytes.extend(deflated(message)));
        bytes.extend(deflated("PING\r\n"));
        ws.tcp.send(&bytes);
        Link::Ws(ws).expect(b"PONG\r\n");
    }
    let before = monitor(&server, "/varz");
    assert!(before.contains("\"in_msgs\": 18250"), "{before}");
    for _ in 0..TRIES {
        let mut ws = RawWs::connect(server.addresses().websocket, offer);
        ws.tcp.send(&deflated(&format!("{connect}{}", publish.repeat(50_000))));
        let (words, close) = Link::Ws(ws).last_words();
        let words = String::from_utf8_lossy(&words).into_owned();
        assert!(words.ends_with("-ERR 'Maximum Inflated Message Size Exceeded'\r\n"), "{words:?}");
        assert_eq!(close.unwrap()[..2], 1009_u16.to_be_bytes());
    }
}

/// A message that does not compress well.
fn noise(len: usize) -> String {
    let mut state = len as u32;
    let text: String = (0..len)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from(b'!' + (state >> 24) as u8 % 90)
        })
        .collect();
    format!("PUB x {len}\r\n{text}\r\n")
}

#[test]
fn a_flood_of_passwords_keeps_nobody_waiting_who_needs_none_checked() {
    let conf = format!(
        "workers: 1\nauthorization {{ users: [{{user: a, password: b}}, {{user: h, password: \"{SLOW}\"}}], timeout: 30 }}"
    );
    let Some(server) = dunlin(&conf) else { return };
    let connect = b"CONNECT {\"user\":\"h\",\"pass\":\"x\"}\r\n";
    let mut flood: Vec<Link> =
        (0..200).map(|_| Link::Tcp(RawTcp::connect(server.addresses().nats))).collect();
    flood.iter_mut().for_each(|link| link.send(connect));
    for link in links(&server) {
        expect_entry(link, "{\"user\":\"a\",\"pass\":\"b\"}");
    }
    // They were let in long before 200 hashes could have been computed.
    let refused = server.log().matches("authentication error").count();
    assert!(refused < 200, "all hashes were computed before");
    // Who is cut off while its password waits is not counted any more.
    drop(flood);
}

#[test]
fn cookies_fill_what_connect_leaves_empty() {
    let conf = "authorization { users: [{user: a, password: b}, {user: c, password: \"d e\", connection_types: websocket}] }\n\
        websocket { listen: \"127.0.0.1:{ws_port}\", no_tls: true, user_cookie: u, pass_cookie: p }";
    let Some(server) = dunlin(conf) else { return };
    for (cookies, connect) in [
        ("Cookie: u=a; p=b\r\n", "{}"),
        ("Cookie: p=b; x=1; u=a\r\n", "{\"verbose\":false}"),
        ("Cookie: u=a\r\nCookie: p=\"b\"\r\n", "{}"),
        ("Cookie: u=z; p=b\r\n", "{\"user\":\"a\"}"),
        ("Cookie: u=c; p=d e\r\n", "{}"),
        ("", "{\"user\":\"a\",\"pass\":\"b\"}"),
    ] {
        expect_entry(ws(&server, cookies), connect);
    }
    for (cookies, connect) in [
        ("Cookie: u=a; p=c\r\n", "{}"),
        ("Cookie: u=a; p=%62\r\n", "{}"),
        ("Cookie: u=a; p=b\r\n", "{\"user\":\"z\"}"),
        ("Cookie: u=a; p=b\r\n", "{\"pass\":\"z\"}"),
        ("", "{}"),
    ] {
        let mut link = ws(&server, cookies);
        link.send(format!("CONNECT {connect}\r\n").as_bytes());
        expect_violation(link);
    }
    // A cookie does not take the place of CONNECT.
    let mut link = ws(&server, "Cookie: u=a; p=b\r\n");
    link.send(b"PING\r\n");
    expect_violation(link);
    let conf = "websocket { listen: \"127.0.0.1:{ws_port}\", no_tls: true, token_cookie: t, authorization { token: x } }";
    let Some(server) = dunlin(conf) else { return };
    expect_entry(ws(&server, "Cookie: t=x\r\n"), "{}");
    let mut link = ws(&server, "Cookie: t=y\r\n");
    link.send(b"CONNECT {}\r\n");
    expect_violation(link);
    // The block is about WebSocket alone.
    expect_entry(Link::Tcp(RawTcp::connect(server.addresses().nats)), "{}");
}

/// Writes another configuration for the ports that `server` has, and has it read.
fn reload(server: &ServerProcess, conf: &str, log: &str) {
    let path = server.dir().join("server.conf");
    let old = fs::read_to_string(&path).unwrap();
    let listeners: String = old.lines().take(3).map(|line| line.to_owned() + "\n").collect();
    fs::write(path, listeners + conf).unwrap();
    server.signal(Signal::HUP);
    server.wait_for_log(log);
}

#[test]
fn a_reload_is_for_those_who_are_there_too() {
    const BEFORE: &str = "authorization { users: [{user: a, password: b}, {user: c, password: d}] }\n";
    const AFTER: &str =
        "authorization { users: [{user: a, password: b}, {user: c, password: x}], timeout: 5 }\n";
    let Some(server) = dunlin(BEFORE) else { return };
    let stays = links(&server).map(|link| expect_entry(link, "{\"user\":\"a\",\"pass\":\"b\"}"));
    let goes = links(&server).map(|link| expect_entry(link, "{\"user\":\"c\",\"pass\":\"d\"}"));
    reload(&server, AFTER, "Reloaded: authorization timeout = 5");
    goes.into_iter().for_each(expect_violation);
    for mut link in stays {
        link.send(b"PING\r\n");
        link.expect(b"PONG\r\n");
    }
    let log = server.log();
    assert!(log.contains("Reloaded: authorization users\n") && !log.contains("password: x"), "{log}");
    for link in links(&server) {
        expect_entry(link, "{\"user\":\"c\",\"pass\":\"x\"}");
    }
    // What does not fit together changes nothing.
    reload(
        &server,
        "authorization { user: a, password: b, token: t }\n",
        "Cannot have a user/pass and token",
    );
    for link in links(&server) {
        expect_entry(link, "{\"user\":\"c\",\"pass\":\"x\"}");
    }
    reload(&server, "debug: false\n", "Reloaded: authorization timeout = none");
    for link in links(&server) {
        expect_entry(link, "{}");
    }
}

/// The body of a monitoring answer.
fn monitor(server: &ServerProcess, target: &str) -> String {
    let mut tcp = RawTcp::connect(server.addresses().monitoring);
    tcp.send(format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes());
    let (answer, _) = tcp.read_to_close(Deadline::usual());
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn monitoring_shows_who_is_there() {
    let conf = "authorization { users: [{user: a, password: b}], timeout: 3 }";
    let Some(server) = dunlin(conf) else { return };
    let _there = links(&server).map(|link| expect_entry(link, "{\"user\":\"a\",\"pass\":\"b\"}"));
    let varz = monitor(&server, "/varz");
    assert!(varz.contains("\"auth_required\": true") && varz.contains("\"auth_timeout\": 3,"), "{varz}");
    for (query, users, connections) in [
        ("/connz", 0, 2),
        ("/connz?auth=1", 2, 2),
        ("/connz?user=a", 0, 2),
        ("/connz?auth=true&user=a", 2, 2),
        ("/connz?auth=1&user=x", 0, 0),
    ] {
        let connz = monitor(&server, query);
        assert_eq!(connz.matches("\"authorized_user\": \"a\"").count(), users, "{query}: {connz}");
        assert_eq!(connz.matches("\"cid\"").count(), connections, "{query}: {connz}");
    }
    let Some(server) = dunlin("authorization { token: hunter2 }") else { return };
    let _there = links(&server).map(|link| expect_entry(link, "{\"auth_token\":\"hunter2\"}"));
    let connz = monitor(&server, "/connz?auth=1");
    assert_eq!(connz.matches("\"authorized_user\": \"[REDACTED]\"").count(), 2, "{connz}");
    assert!(!connz.contains("hunter2") && !server.log().contains("hunter2"));
}

#[test]
fn certificates_say_who_clients_are() {
    let (authority, both) = (Authority::new("ca"), [TlsVersion::V1_2, TlsVersion::V1_3]);
    let more = format!("ca_file: {:?}, verify_and_map: true", authority.ca_file());
    let tls = format!("tls {{ {} {more} }}", authority.server("server").conf());
    let conf = format!(
        "{tls}\nwebsocket {{ listen: \"127.0.0.1:{{ws_port}}\", {tls} }}\n\
         authorization {{ users: [{{user: \"a@b.example\"}}, {{user: \"CN=ada,O=Flock\"}}, {{user: host.example, password: p}}] }}"
    );
    let Some(server) = dunlin(&conf) else { return };
    assert!(server.log().contains("Plaintext passwords detected"));
    let nobody = authority.client("nobody", "nobody", &["nobody@b.example"]);
    for (name, names, connect, user) in [
        ("mail", &["x@b.example", "a@b.example"][..], "{}", Some("a@b.example")),
        ("mail-first", &["host.example", "a@b.example"], "{}", Some("a@b.example")),
        ("subject", &[], "{\"user\":\"a@b.example\"}", Some("CN=ada,O=Flock")),
        ("password", &["host.example"], "{\"pass\":\"p\"}", Some("host.example")),
        ("no-password", &["host.example"], "{}", None),
    ] {
        let issued = authority.client(name, "ada", names);
        for (is_ws, address) in [(false, server.addresses().nats), (true, server.addresses().websocket)] {
            let link = |issued| {
                let client = TlsClient::with(&authority, Some(issued), &both);
                let mut tcp = RawTcp::connect(address);
                if !is_ws {
                    tcp.read_line(Deadline::usual());
                }
                let tcp = tcp.start_tls(&client).unwrap();
                if is_ws { Link::Ws(RawWs::over(tcp, "")) } else { Link::Tcp(tcp) }
            };
            let mut stranger = link(&nobody);
            stranger.send(b"CONNECT {\"user\":\"host.example\",\"pass\":\"p\"}\r\n");
            expect_violation(stranger);
            let mut client = link(&issued);
            match user {
                Some(user) => {
                    let _there = expect_entry(client, connect);
                    let connz = monitor(&server, "/connz?auth=1");
                    assert!(connz.contains(&format!("\"authorized_user\": \"{user}\"")), "{name}: {connz}");
                }
                None => {
                    client.send(format!("CONNECT {connect}\r\n").as_bytes());
                    expect_violation(client);
                }
            }
        }
    }
}

#[test]
fn flags_name_a_user_or_a_token() {
    if Kind::under_test() != Kind::Dunlin {
        return;
    }
    for (args, connect) in [
        (&["--user", "a", "--pass", "b"][..], "{\"user\":\"a\",\"pass\":\"b\"}"),
        (&["--auth", "t"], "{\"auth_token\":\"t\"}"),
    ] {
        // They take the place of what the file says.
        let server = ServerProcess::start(Kind::Dunlin, "authorization { user: x, password: y }", args);
        for link in links(&server) {
            expect_entry(link, connect);
        }
        for mut link in links(&server) {
            link.send(b"CONNECT {\"user\":\"x\",\"pass\":\"y\"}\r\n");
            expect_violation(link);
        }
    }
}

#[test]
fn traces_show_no_secrets() {
    let conf = "authorization { user: a, password: hunter2 }\ntrace: true, debug: true";
    let Some(server) = dunlin(conf) else { return };
    for link in links(&server) {
        expect_entry(
            link,
            "{\"user\":\"a\",\"pass\":\"hunter2\",\"auth_token\":\"hunter2\",\"jwt\":\"hunter2\",\"sig\":\"hunter2\"}",
        );
    }
    server.wait_for_log("PONG");
    assert!(!server.log().contains("hunter2"), "{}", server.log());
}
