//! What several areas need.

use std::path::PathBuf;

use dunlin_tests::{Authority, Deadline, Kind, Link, Peer, RawTcp, Script, ServerProcess, peer, skip};

/// Starts the server under test, or notes why it cannot be.
pub(crate) fn start(test: &str, conf: &str) -> Option<ServerProcess> {
    match Kind::under_test().program() {
        Ok(_) => Some(ServerProcess::start(Kind::under_test(), conf, &[])),
        Err(reason) => {
            skip(test, &reason);
            None
        }
    }
}

/// The user of [`secure`], and the password.
pub(crate) const USER: [&str; 2] = ["app", "s3cret"];

/// WebSocket under TLS, compressed, for clients that know the password: a configuration.
pub(crate) fn secure(authority: &Authority) -> String {
    let ([user, password], files) = (USER, authority.server("secure").conf());
    format!(
        "authorization {{ user: {user}, password: {password} }}\n\
         websocket {{ listen: \"127.0.0.1:{{ws_port}}\", compression: true, tls {{ {files} }} }}\n"
    )
}

/// The path of a peer, or a note that the test is skipped.
pub(crate) fn installed(test: &str, name: &str) -> Option<PathBuf> {
    match peer(name) {
        Peer::Path(path) => Some(path),
        Peer::Missing(reason) => {
            skip(test, &format!("{name}: {reason}"));
            None
        }
    }
}

/// Runs a script to its end, restarts the server where it asks for that, and compares the checks that it reports.
pub(crate) fn expect_checks(mut script: Script, server: &mut ServerProcess, wanted: &[&str]) {
    while let Some(line) = script.line() {
        if line == "do restart" {
            server.kill();
            server.start_again();
            script.answer("done");
        }
    }
    assert_eq!(script.finish(), wanted, "a script must run all its checks");
}

/// Waits until somebody subscribes to `subject`: asks until a message to it is not answered by "no responders".
/// The subscriber gets that message, with `payload`.
pub(crate) fn wait_for_interest(server: &ServerProcess, subject: &str, payload: &str) {
    let mut link = Link::Tcp(RawTcp::connect(server.addresses().nats));
    // Who it is matters to a server that is [`secure`].
    let [user, password] = USER;
    link.send(
        format!(
            "CONNECT {{\"verbose\":false,\"headers\":true,\"no_responders\":true,\
             \"user\":\"{user}\",\"pass\":\"{password}\"}}\r\nSUB waiting 1\r\n"
        )
        .as_bytes(),
    );
    let publish = format!("PUB {subject} waiting {}\r\n{payload}\r\nPING\r\n", payload.len());
    let deadline = Deadline::usual();
    loop {
        link.send(publish.as_bytes());
        let answer = link.expect(b"PONG\r\n");
        if !answer.windows(4).any(|window| window == b" 503") {
            return;
        }
        assert!(deadline.left().is_some(), "nobody subscribes to {subject}");
    }
}

/// The body of a monitoring page.
pub(crate) fn monitoring(server: &ServerProcess, path: &str) -> serde_json::Value {
    let mut http = RawTcp::connect(server.addresses().monitoring);
    http.send(format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").as_bytes());
    let (head, _) = http.read_until(b"\r\n\r\n", Deadline::usual());
    let head = String::from_utf8_lossy(&head).into_owned();
    assert!(head.contains(" 200 OK\r\n"), "{path}: {head}");
    let (body, _) = http.read_to_close(Deadline::usual());
    serde_json::from_slice(&body).unwrap_or_else(|error| panic!("{path} is not JSON: {error}"))
}

/// The code of a close frame's payload.
pub(crate) fn code(close: Option<Vec<u8>>) -> Option<u16> {
    close.and_then(|payload| Some(u16::from_be_bytes([*payload.first()?, *payload.get(1)?])))
}

/// Publishes `messages` of 32 kB to `slow`, as fast as the server takes them, while nobody reads.
pub(crate) fn flood(mut publisher: Link, messages: usize) {
    publisher.send(b"CONNECT {\"verbose\":false}\r\n");
    let message = format!("PUB slow 32768\r\n{}\r\n", "x".repeat(32_768));
    for _ in 0..messages {
        publisher.send(message.as_bytes());
    }
    // The publisher itself must come to no harm.
    publisher.send(b"PING\r\n");
    publisher.expect(b"PONG\r\n");
}

/// Subscribes to `slow`, and reads nothing after that until told to.
pub(crate) fn subscribe(mut link: Link) -> Link {
    link.send(b"CONNECT {\"verbose\":false}\r\nSUB slow 1\r\nPING\r\n");
    link.expect(b"PONG\r\n");
    link
}

/// What a slow consumer reads in the end: whole messages, then why it is cut off.
pub(crate) fn expect_slow_consumer(mut link: Link, reason: &str) {
    let is_ws = matches!(link, Link::Ws(_));
    let (words, close) = link.last_words();
    let tail = String::from_utf8_lossy(&words[words.len().saturating_sub(60)..]).into_owned();
    assert!(words.ends_with(b"-ERR 'Slow Consumer'\r\n"), "no last words behind ...{tail:?}");
    let messages = words.len() - "-ERR 'Slow Consumer'\r\n".len();
    assert_eq!(messages % (b"MSG slow 1 32768\r\n".len() + 32_768 + 2), 0, "a message was cut");
    let close = close
        .map(|payload| (code(Some(payload.clone())), String::from_utf8_lossy(&payload[2..]).into_owned()));
    assert_eq!(close, is_ws.then(|| (Some(1008), reason.to_owned())));
}
