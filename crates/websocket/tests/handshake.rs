//! RFC 6455 §4, both sides.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use dunlin_websocket::handshake::{
    Agreed, HandshakeError, InvalidHeader, Offer, Request, Response, ResponseError, has_token, joined,
    select_protocol, tokens, write_refusal, write_request,
};

type Headers<'a> = Vec<(&'a str, &'a [u8])>;

const ACCEPT: &[u8; 28] = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// `name: value` lines.
fn headers(text: &str) -> Headers<'_> {
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    lines.map(|(name, value)| (name.trim(), value.as_bytes())).collect()
}

const GOOD: &str = "Host: example.com\nUpgrade: websocket\nConnection: Upgrade\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\nSec-WebSocket-Version: 13";

fn accept(method: &str, version_minor: u8, text: &str) -> Result<[u8; 28], HandshakeError> {
    let headers = headers(text);
    let request = Request { method, version_minor, headers: headers.iter().copied() };
    request.accept().map(|accepted| accepted.accept_key)
}

#[test]
fn the_request_of_the_standard() {
    assert_eq!(accept("GET", 1, GOOD), Ok(*ACCEPT));
}

#[test]
fn every_rule_for_requests() {
    use HandshakeError::*;
    // A line of the good request, what stands there instead, and what comes of it.
    let table: &[(&str, &str, Result<(), HandshakeError>)] = &[
        ("Host", "", Err(HostMissing)),
        ("Host", "Host:", Err(HostMissing)),
        ("Host", "hOST: a", Ok(())),
        ("Host", "Host: a\nHost: b", Err(HostRepeated)),
        ("Upgrade", "", Err(Upgrade)),
        ("Upgrade", "Upgrade: h2c", Err(Upgrade)),
        ("Upgrade", "Upgrade: websockets", Err(Upgrade)),
        ("Upgrade", "upgrade: h2c, WebSocket", Ok(())),
        ("Connection", "", Err(Connection)),
        ("Connection", "Connection: close", Err(Connection)),
        ("Connection", "Connection: keep-alive, upgrade", Ok(())),
        ("Connection", "Connection: keep-alive\nConnection: ,Upgrade,", Ok(())),
        ("Sec-WebSocket-Key", "", Err(KeyMissing)),
        ("Sec-WebSocket-Key", "Sec-WebSocket-Key: ", Err(KeyMissing)),
        ("Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ", Err(KeyInvalid)),
        ("Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j", Err(KeyInvalid)),
        ("Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZWU=", Err(KeyInvalid)),
        ("Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZWVlZWVl", Err(KeyInvalid)),
        ("Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBs_SBub25jZQ==", Err(KeyInvalid)),
        ("Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR==", Ok(())),
        (
            "Sec-WebSocket-Key",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            Err(KeyInvalid),
        ),
        ("Sec-WebSocket-Version", "", Err(Version)),
        ("Sec-WebSocket-Version", "Sec-WebSocket-Version: 8", Err(Version)),
        ("Sec-WebSocket-Version", "Sec-WebSocket-Version: 130", Err(Version)),
        ("Sec-WebSocket-Version", "Sec-WebSocket-Version: 8, 13", Ok(())),
    ];
    for (name, instead, expected) in table {
        let text: Vec<&str> = GOOD.lines().filter(|line| !line.starts_with(name)).chain([*instead]).collect();
        assert_eq!(accept("GET", 1, &text.join("\n")).map(|_| ()), *expected, "{instead:?}");
    }
    assert_eq!(accept("POST", 1, GOOD), Err(Method));
    assert_eq!(accept("get", 1, GOOD), Err(Method));
    assert_eq!(accept("GET", 0, GOOD), Err(HttpVersion));
}

#[test]
fn the_order_of_the_rules() {
    use HandshakeError::*;
    let order = [Method, HostMissing, Upgrade, Connection, KeyMissing, Version];
    let lines: Vec<&str> = GOOD.lines().collect();
    for kept in 0..=lines.len() {
        let expected = order.get(kept + 1).map_or(Ok(*ACCEPT), |error| Err(*error));
        assert_eq!(accept("GET", 1, &lines[..kept].join("\n")), expected);
        assert_eq!(accept("PUT", 1, &lines[..kept].join("\n")), Err(Method));
    }
}

#[test]
fn reasons_and_statuses() {
    use HandshakeError::*;
    for (error, status, text) in [
        (Method, 405, "request method must be GET"),
        (HttpVersion, 400, "HTTP version must be 1.1"),
        (HostMissing, 400, "'Host' missing in request"),
        (HostRepeated, 400, "more than one 'Host' in request"),
        (Upgrade, 400, "invalid value for header 'Upgrade'"),
        (Connection, 400, "invalid value for header 'Connection'"),
        (KeyMissing, 400, "key missing"),
        (KeyInvalid, 400, "invalid websocket key"),
        (Version, 400, "invalid version"),
    ] {
        assert_eq!((error.status(), error.to_string().as_str()), (status, text));
    }
}

#[test]
fn responses_as_bytes() {
    let good = headers(GOOD);
    let request = Request { method: "GET", version_minor: 1, headers: good.iter().copied() };
    let accepted = request.accept().unwrap();
    let mut out = Vec::new();
    accepted.write_response(&[("Nats-No-Masking", "true"), ("X", "a\tb")], &mut out).unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nNats-No-Masking: true\r\nX: a\tb\r\n\r\n"
    );

    let mut out = Vec::new();
    write_refusal(405, &[("Date", "now")], &mut out).unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "HTTP/1.1 405 Method Not Allowed\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Sec-Websocket-Version: 13\r\nX-Content-Type-Options: nosniff\r\nDate: now\r\nContent-Length: 19\r\n\r\n\
         Method Not Allowed\n"
    );

    for bad in [("X", "a\r\nB: c"), ("X", "\0"), ("X: y", "z"), ("", "z"), ("X\n", "z"), ("X", "\u{7f}")] {
        let mut out = Vec::new();
        assert_eq!(accepted.write_response(&[bad], &mut out), Err(InvalidHeader));
        assert_eq!(write_refusal(400, &[bad], &mut out), Err(InvalidHeader));
        assert!(out.is_empty());
    }
}

#[test]
fn a_client_and_a_server_agree() {
    let offer = Offer { protocols: &["mqtt", "chat"], extensions: "permessage-deflate" };
    let mut sent = Vec::new();
    let expected = write_request(
        "example.com:8080",
        "/chat?room=1",
        *b"the sample nonce",
        &offer,
        &[("Origin", "null")],
        &mut sent,
    )
    .unwrap();
    assert_eq!(&expected, ACCEPT);
    let sent = String::from_utf8(sent).unwrap();
    assert_eq!(
        sent,
        "GET /chat?room=1 HTTP/1.1\r\nHost: example.com:8080\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Protocol: mqtt, chat\r\nSec-WebSocket-Extensions: permessage-deflate\r\nOrigin: null\r\n\r\n"
    );
    let request = headers(sent.split_once("\r\n").unwrap().1);
    let request = Request { method: "GET", version_minor: 1, headers: request.iter().copied() };
    assert_eq!(request.accept().map(|accepted| accepted.accept_key), Ok(*ACCEPT));
    assert_eq!(select_protocol(&request.headers, &["chat", "mqtt"]), Some("mqtt"), "the client's order");
    assert_eq!(select_protocol(&request.headers, &["Chat"]), None);

    let mut out = Vec::new();
    write_request("h", "/", [0; 16], &Offer::default(), &[], &mut out).unwrap();
    assert!(!String::from_utf8(out).unwrap().contains("Protocol"));
}

#[test]
fn requests_that_cannot_be_written() {
    let write = |host, path, protocols: &[&str], extensions, extra: &[(&str, &str)]| {
        let mut out = Vec::new();
        let result = write_request(host, path, [0; 16], &Offer { protocols, extensions }, extra, &mut out);
        assert_eq!(result.is_err(), out.is_empty());
        result.map(|_| ())
    };
    assert_eq!(write("h", "/", &[], "", &[]), Ok(()));
    assert_eq!(write("", "/", &[], "", &[]), Err(InvalidHeader));
    assert_eq!(write("h\r\n", "/", &[], "", &[]), Err(InvalidHeader));
    assert_eq!(write("h", "", &[], "", &[]), Err(InvalidHeader));
    assert_eq!(write("h", "/a b", &[], "", &[]), Err(InvalidHeader));
    assert_eq!(write("h", "/ä", &[], "", &[]), Err(InvalidHeader));
    assert_eq!(write("h", "/", &["a,b"], "", &[]), Err(InvalidHeader));
    assert_eq!(write("h", "/", &[""], "", &[]), Err(InvalidHeader));
    assert_eq!(write("h", "/", &[], "x\n", &[]), Err(InvalidHeader));
    assert_eq!(write("h", "/", &[], "", &[("a b", "")]), Err(InvalidHeader));
}

#[test]
fn every_rule_for_responses() {
    use ResponseError::*;
    const GOOD: &str =
        "Upgrade: WebSocket\nConnection: upgrade\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
    let protocols: &[&str] = &["mqtt", "chat"];
    let offer = Offer { protocols, extensions: "" };
    let table: &[(&str, &str, Result<(), ResponseError>)] = &[
        ("-", "", Ok(())),
        ("Upgrade", "", Err(Upgrade)),
        ("Upgrade", "Upgrade: h2c", Err(Upgrade)),
        ("Connection", "", Err(Connection)),
        ("Connection", "Connection: close", Err(Connection)),
        ("Sec-WebSocket-Accept", "", Err(Accept)),
        ("Sec-WebSocket-Accept", "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=", Err(Accept)),
        ("-", "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", Err(Accept)),
        ("-", "Sec-WebSocket-Protocol: chat", Ok(())),
        ("-", "Sec-WebSocket-Protocol: other", Err(Protocol)),
        ("-", "Sec-WebSocket-Protocol: mqtt, chat", Err(Protocol)),
        ("-", "Sec-WebSocket-Protocol: mqtt\nSec-WebSocket-Protocol: chat", Err(Protocol)),
        ("-", "Sec-WebSocket-Extensions: permessage-deflate", Err(Extensions)),
        ("-", "Sec-WebSocket-Extensions:", Ok(())),
    ];
    let check = |status, text: &str, offer: &Offer<'_>| {
        let headers = headers(text);
        Response { status, headers: headers.iter().copied() }.check(ACCEPT, offer).map(|_| ())
    };
    for (name, instead, expected) in table {
        let text: Vec<&str> = GOOD.lines().filter(|line| !line.starts_with(name)).chain([*instead]).collect();
        assert_eq!(check(101, &text.join("\n"), &offer), *expected, "{instead:?}");
    }
    assert_eq!(check(200, GOOD, &offer), Err(Status(200)));

    let both = format!(
        "{GOOD}\nSec-WebSocket-Protocol: chat\nSec-WebSocket-Extensions: a; b\nSec-WebSocket-Extensions: c"
    );
    let headers = headers(&both);
    let response = Response { status: 101, headers: headers.iter().copied() };
    let Agreed { protocol, extensions, .. } =
        response.check(ACCEPT, &Offer { protocols, extensions: "a" }).unwrap();
    assert_eq!((protocol, extensions.as_deref()), (Some("chat"), Some("a; b, c")));
}

#[test]
fn lists_over_several_lines() {
    let lines = headers("A: one, Two ,,\nb: x\na:three\nA:");
    let lines = lines.iter().copied();
    assert!(tokens(&lines, "a").eq([&b"one"[..], b"Two", b"three"]));
    assert!(has_token(&lines, "A", "TWO") && !has_token(&lines, "A", "wo") && !has_token(&lines, "c", "x"));
    assert_eq!(joined(&lines, "a").as_deref(), Some("one, Two ,,, three, "));
    assert!(matches!(joined(&lines, "B"), Some(std::borrow::Cow::Borrowed("x"))));
    assert_eq!(joined(&lines, "c"), None);
    let binary: Headers<'_> = vec![("A", b"\xff"), ("A", b"x")];
    assert_eq!(joined(&binary.iter().copied(), "A").as_deref(), Some("x"));
}
