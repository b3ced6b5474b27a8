//! Exact bytes of what is written, and header blocks.

use dunlin_nats_protocol::{
    ClientOp, HeaderBlock, HeaderWriter, MsgHead, ParseError, PubHead, Publish, ServerOp, Status, Subscribe,
    Unsubscribe, encode_err, encode_no_responders,
};

#[track_caller]
fn check(expected: &str, encode: impl Fn(&mut Vec<u8>)) {
    let mut out = b"before".to_vec();
    encode(&mut out);
    assert_eq!(String::from_utf8_lossy(&out), format!("before{expected}"));
}

#[test]
fn client_ops() {
    let plain = Publish { subject: b"a", reply: None, header_len: 0, with_headers: false, payload: b"abc" };
    for (expected, op) in [
        ("CONNECT {}\r\n", ClientOp::Connect(b"{}")),
        ("PING\r\n", ClientOp::Ping),
        ("PONG\r\n", ClientOp::Pong),
        ("PUB a 3\r\nabc\r\n", ClientOp::Publish(plain)),
        ("PUB a r 3\r\nabc\r\n", ClientOp::Publish(Publish { reply: Some(b"r"), ..plain })),
        ("HPUB a 2 3\r\nabc\r\n", ClientOp::Publish(Publish { header_len: 2, with_headers: true, ..plain })),
        ("SUB a 1\r\n", ClientOp::Subscribe(Subscribe { subject: b"a", queue: None, sid: b"1" })),
        ("SUB a q 1\r\n", ClientOp::Subscribe(Subscribe { subject: b"a", queue: Some(b"q"), sid: b"1" })),
        ("UNSUB 1\r\n", ClientOp::Unsubscribe(Unsubscribe { sid: b"1", max: None })),
        ("UNSUB 1 20\r\n", ClientOp::Unsubscribe(Unsubscribe { sid: b"1", max: Some(20) })),
        ("INFO {}\r\n", ClientOp::Info(b"{}")),
        ("+OK\r\n", ClientOp::Ok),
        ("-ERR 'no'\r\n", ClientOp::Err(b"no")),
    ] {
        check(expected, |out| op.encode(out));
    }
    let head = PubHead { subject: b"a", reply: Some(b"r"), header_len: Some(0), total_len: 1000 };
    check("HPUB a r 0 1000\r\n", |out| head.encode(out));
}

#[test]
fn server_ops() {
    // The space before the CR LF is the NATS server's.
    check("INFO {} \r\n", |out| ServerOp::Info(b"{}").encode(out));
    check("PING\r\n", |out| ServerOp::Ping.encode(out));
    check("PONG\r\n", |out| ServerOp::Pong.encode(out));
    check("+OK\r\n", |out| ServerOp::Ok.encode(out));
    let head = MsgHead { subject: b"a", sid: b"7", reply: None, header_len: None, total_len: 0 };
    check("MSG a 7 0\r\n", |out| head.encode(out));
    check("MSG a 7 r 12\r\n", |out| MsgHead { reply: Some(b"r"), total_len: 12, ..head }.encode(out));
    check("HMSG a 7 9 12\r\n", |out| MsgHead { header_len: Some(9), total_len: 12, ..head }.encode(out));
    check("HMSG a 7 r 9 12\r\n", |out| {
        MsgHead { reply: Some(b"r"), header_len: Some(9), total_len: 12, ..head }.encode(out);
    });
}

#[test]
fn errors() {
    check("-ERR 'Stale Connection'\r\n", |out| encode_err("Stale Connection", out));
    check("-ERR 'Unknown Protocol Operation'\r\n", |out| {
        encode_err(ParseError::UnknownOperation.wire_text(), out);
    });
    check("-ERR 'a  PING b'\r\n", |out| ServerOp::Err(b"a\r\nPING\nb").encode(out));
}

#[test]
fn no_responders() {
    // As sent by nats-server 2.15.0.
    check("HMSG inbox 9 38 38\r\nNATS/1.0 503\r\nNats-Subject: nobody\r\n\r\n\r\n", |out| {
        encode_no_responders(b"inbox", b"9", b"nobody", out);
    });
    let mut out = Vec::new();
    encode_no_responders(b"inbox", b"9", b"nobody", &mut out);
    let block = HeaderBlock::parse(&out[20..58]).expect("a header block");
    assert_eq!(block.status(), Some(Status { code: 503, text: b"" }));
    assert_eq!(block.get(b"Nats-Subject"), Some(&b"nobody"[..]));
}

#[test]
fn header_blocks() {
    let block = HeaderBlock::parse(b"NATS/1.0 100 Idle Heartbeat\r\nA: 1\r\nB:2\r\nA:  \r\nC::d \r\n\r\n");
    let block = block.expect("a good block");
    assert_eq!(block.status(), Some(Status { code: 100, text: b"Idle Heartbeat" }));
    let expected: [(&[u8], &[u8]); 4] = [(b"A", b"1"), (b"B", b"2"), (b"A", b""), (b"C", b":d ")];
    assert_eq!(block.into_iter().collect::<Vec<_>>(), expected);
    assert_eq!((block.get(b"A"), block.get(b"a")), (Some(&b"1"[..]), None));
    for (input, status) in [
        ("NATS/1.0\r\n\r\n", None),
        ("NATS/1.0 \r\n\r\n", None),
        ("NATS/1.0 503\r\n\r\n", Some((503, ""))),
        ("NATS/1.0  404\tNo Messages \r\n\r\n", Some((404, "No Messages"))),
    ] {
        let status = status.map(|(code, text): (_, &str)| Status { code, text: text.as_bytes() });
        assert_eq!(HeaderBlock::parse(input.as_bytes()).map(|block| block.status()), Ok(status));
    }
}

#[test]
fn bad_header_blocks() {
    for (input, error) in [
        ("", ParseError::HeaderVersion),
        ("NATS/1.0", ParseError::HeaderVersion),
        ("NATS/1.0\n\n", ParseError::HeaderVersion),
        ("nats/1.0\r\n\r\n", ParseError::HeaderVersion),
        ("NATS/1.00\r\n\r\n", ParseError::HeaderVersion),
        ("NATS/1.0503 \r\n\r\n", ParseError::HeaderVersion),
        ("NATS/1.0 50\r\n\r\n", ParseError::HeaderStatus),
        ("NATS/1.0 5033\r\n\r\n", ParseError::HeaderStatus),
        ("NATS/1.0 abc\r\n\r\n", ParseError::HeaderStatus),
        ("NATS/1.0 503 a\rb\r\n\r\n", ParseError::HeaderStatus),
        ("NATS/1.0\r\n", ParseError::HeaderEnd),
        ("NATS/1.0\r\nA: b\r\n", ParseError::HeaderEnd),
        ("NATS/1.0\r\n\r\n\r\n", ParseError::HeaderEnd),
        ("NATS/1.0\r\n\r\nA: b\r\n\r\n", ParseError::HeaderEnd),
        ("NATS/1.0\r\nA\r\n\r\n", ParseError::HeaderLine),
        ("NATS/1.0\r\n: b\r\n\r\n", ParseError::HeaderLine),
        ("NATS/1.0\r\nA: b\n\r\n", ParseError::HeaderLine),
        ("NATS/1.0\r\nA: b\rc\r\n\r\n", ParseError::HeaderLine),
        ("NATS/1.0\r\nA: b\n", ParseError::HeaderLine),
    ] {
        assert_eq!(HeaderBlock::parse(input.as_bytes()), Err(error), "{input:?}");
    }
}

#[test]
fn header_writer_refuses_what_breaks_the_block() {
    let mut out = Vec::new();
    let status = Status { code: 1000, text: b"" };
    assert_eq!(HeaderWriter::with_status(&mut out, status).err(), Some(ParseError::HeaderStatus));
    let status = Status { code: 500, text: b"a\nb" };
    assert_eq!(HeaderWriter::with_status(&mut out, status).err(), Some(ParseError::HeaderValue));
    assert!(out.is_empty());
    let mut writer = HeaderWriter::new(&mut out);
    for key in ["", "a b", "a:", "\u{e9}", "a\r"] {
        assert_eq!(writer.push(key.as_bytes(), b"x"), Err(ParseError::HeaderName), "{key:?}");
    }
    for value in ["\r", "a\nb", "\r\n"] {
        assert_eq!(writer.push(b"Key", value.as_bytes()), Err(ParseError::HeaderValue), "{value:?}");
    }
    assert_eq!(writer.finish(), "NATS/1.0\r\n\r\n".len());
    check("NATS/1.0 007 x\r\nK: v\r\n\r\n", |out| {
        let status = Status { code: 7, text: b"x" };
        let mut writer = HeaderWriter::with_status(out, status).expect("a good status");
        writer.push(b"K", b"v").expect("a good header");
        assert_eq!(writer.finish(), 24);
    });
}
