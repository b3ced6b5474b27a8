//! The rules of the client protocol, a row each: the NATS server's own behaviour, probed on 2.15.0, but where a row
//! says otherwise.

mod drive;
mod naive;

use drive::{AnyParser, feed};
use dunlin_nats_protocol::{
    ClientOp, Limits, Message, ParseError, Parser, Publish, ServerOp, ServerParser, Subscribe, Unsubscribe,
};

const LIMITS: Limits = Limits { control_line_max: 40, payload_max: 20 };

fn publish<'b>(subject: &'b str, reply: Option<&'b str>, payload: &'b str) -> ClientOp<'b> {
    ClientOp::Publish(Publish {
        subject: subject.as_bytes(),
        reply: reply.map(str::as_bytes),
        header_len: 0,
        with_headers: false,
        payload: payload.as_bytes(),
    })
}

fn hpub<'b>(subject: &'b str, reply: Option<&'b str>, header_len: usize, payload: &'b str) -> ClientOp<'b> {
    ClientOp::Publish(Publish {
        subject: subject.as_bytes(),
        reply: reply.map(str::as_bytes),
        header_len,
        with_headers: true,
        payload: payload.as_bytes(),
    })
}

fn sub<'b>(subject: &'b str, queue: Option<&'b str>, sid: &'b str) -> ClientOp<'b> {
    ClientOp::Subscribe(Subscribe {
        subject: subject.as_bytes(),
        queue: queue.map(str::as_bytes),
        sid: sid.as_bytes(),
    })
}

fn unsub(sid: &str, max: Option<u64>) -> ClientOp<'_> {
    ClientOp::Unsubscribe(Unsubscribe { sid: sid.as_bytes(), max })
}

fn msg<'b>(subject: &'b str, sid: &'b str, reply: Option<&'b str>, payload: &'b str) -> Message<'b> {
    Message {
        subject: subject.as_bytes(),
        sid: sid.as_bytes(),
        reply: reply.map(str::as_bytes),
        header_len: 0,
        with_headers: false,
        payload: payload.as_bytes(),
    }
}

/// `input` gives `ops` and then `end`, however it is cut up; and the oracle thinks so too.
#[track_caller]
fn check(input: &str, ops: &[ClientOp<'_>], end: Option<ParseError>) {
    assert_eq!(naive::client_ops(input.as_bytes(), LIMITS), (ops.to_vec(), end), "oracle, {input:?}");
    feed_all_ways::<Parser>(input.as_bytes(), LIMITS, ops, end);
}

#[track_caller]
fn check_server(input: &str, ops: &[ServerOp<'_>], end: Option<ParseError>) {
    assert_eq!(naive::server_ops(input.as_bytes(), LIMITS), (ops.to_vec(), end), "oracle, {input:?}");
    feed_all_ways::<ServerParser>(input.as_bytes(), LIMITS, ops, end);
}

#[test]
fn verbs() {
    use ClientOp::{Connect, Err, Info, Ok, Ping, Pong};
    for (input, op) in [
        ("PING\r\n", Ping),
        ("pInG\r\n", Ping),
        ("PING\n", Ping),
        ("PINGxyz \r\r\n", Ping),
        ("pong\t\r\n", Pong),
        ("+ok\r\n", Ok),
        ("+OKay\r\n", Ok),
        ("CONNECT {}\r\n", Connect(b"{}")),
        ("CONNECT{}\r\n", Connect(b"{}")),
        ("connect \t {\"a\": 1} \t\n", Connect(b"{\"a\": 1}")),
        ("CONNECT {\r}\r\n", Connect(b"{\r}")),
        ("CONNECT\r\n", Connect(b"")),
        // The NATS server joins the next line to it.
        ("CONNECT \n", Connect(b"")),
        ("INFO {}\r\n", Info(b"{}")),
        ("info{}\r\n", Info(b"{}")),
        ("-ERR 'no'\r\n", Err(b"no")),
        ("-err no\r\n", Err(b"no")),
        ("-ERR '\r\n", Err(b"'")),
        ("-ERR ''\r\n", Err(b"")),
        ("-ERR \r\n", Err(b"")),
    ] {
        check(input, &[op], None);
        check(&format!("{input}PING\r\n"), &[op, Ping], None);
    }
}

#[test]
fn unknown_operations() {
    for input in [
        "\r\n",
        "\n",
        " PING\r\n",
        "X",
        "PUBLISH",
        "PUB\r",
        "PU ",
        "PIN\n",
        "pix",
        "SUB\r",
        "SUBS",
        "UNSUB\n",
        "HPUB1",
        "HMSG",
        "MSG",
        "LS+",
        "RS+",
        "A+",
        "+O\r",
        "+ERR",
        "-OK",
        "-ERR\r",
        "-ERR'",
        "CONECT",
        "INF\r",
        "\0",
        "\u{fc}",
        "PUB\0a",
    ] {
        check(input, &[], Some(ParseError::UnknownOperation));
        check(&format!("PING\r\n{input}"), &[ClientOp::Ping], Some(ParseError::UnknownOperation));
    }
    for input in ["PUB", "SUB", "CONNECT", "UNSUB", "HPUB", "\r\n"] {
        check_server(input, &[], Some(ParseError::UnknownOperation));
    }
}

#[test]
fn nothing_yet() {
    for input in
        ["", "P", "pu", "PUB", "PUB ", "PUB a", "PUB a 3\r", "PUB a 3\r\n", "PUB a 3\r\nabc\r", "-", "PING\r"]
    {
        check(input, &[], None);
    }
}

#[test]
fn publishing() {
    let long = "a.long.subject.of.many.tokens";
    for (input, op) in [
        ("PUB a 3\r\nabc\r\n", publish("a", None, "abc")),
        ("pub a 3\nabc\r\n", publish("a", None, "abc")),
        ("PUB a b 3\r\nabc\r\n", publish("a", Some("b"), "abc")),
        ("PUB\ta \t b\t\t3 \t\r\nabc\r\n", publish("a", Some("b"), "abc")),
        ("PUB  a 3\r\nabc\r\n", publish("a", None, "abc")),
        ("PUB a  3\r\nabc\r\n", publish("a", None, "abc")),
        ("PUB a  b 3\r\nabc\r\n", publish("a", Some("b"), "abc")),
        ("PUB a 12 3\r\nabc\r\n", publish("a", Some("12"), "abc")),
        ("PUB a 1b 3\r\nabc\r\n", publish("a", Some("1b"), "abc")),
        ("PUB 12 3\r\nabc\r\n", publish("12", None, "abc")),
        ("PUB a 0\r\n\r\n", publish("a", None, "")),
        ("PUB a 000000001\r\nx\r\n", publish("a", None, "x")),
        ("PUB a 2\r\n\r\n\r\n", publish("a", None, "\r\n")),
        ("PUB a 20\r\n12345678901234567890\r\n", publish("a", None, "12345678901234567890")),
        (&format!("PUB {long} 1\r\nx\r\n"), publish(long, None, "x")),
        // Subjects are not checked, and hold control bytes: a CR that is not at the end of the line is one of them.
        ("PUB a\r.\x01\x0b\x0c.\u{e9} 1\r\nx\r\n", publish("a\r.\x01\x0b\x0c.\u{e9}", None, "x")),
        ("PUB \ra b\r 1\r\nx\r\n", publish("\ra", Some("b\r"), "x")),
        ("HPUB a 3 5\r\nabcde\r\n", hpub("a", None, 3, "abcde")),
        ("hpub\ta  b 3\t5\nabcde\r\n", hpub("a", Some("b"), 3, "abcde")),
        ("HPUB  a 3 5\r\nabcde\r\n", hpub("a", None, 3, "abcde")),
        ("HPUB a 3  5\r\nabcde\r\n", hpub("a", None, 3, "abcde")),
        ("HPUB a 1 3 5\r\nabcde\r\n", hpub("a", Some("1"), 3, "abcde")),
        ("HPUB a 0 1\r\nx\r\n", hpub("a", None, 0, "x")),
        ("HPUB a 0 0\r\n\r\n", hpub("a", None, 0, "")),
        ("HPUB a 1 1\r\nx\r\n", hpub("a", None, 1, "x")),
        ("HPUB a 2 20\r\n12345678901234567890\r\n", hpub("a", None, 2, "12345678901234567890")),
    ] {
        check(input, &[op], None);
        check(&format!("{input}{input}PING\r\n"), &[op, op, ClientOp::Ping], None);
    }
}

#[test]
fn bad_publishing() {
    use ParseError as E;
    for (input, error) in [
        ("PUB \r\n", E::PubArgs),
        // The NATS server joins the next line to it.
        ("PUB \n", E::PubArgs),
        ("PUB 5\r\n", E::PubArgs),
        ("PUB a b c 1\r\n", E::PubArgs),
        ("PUB a b\r\n", E::PubSize),
        ("PUB a +1\r\n", E::PubSize),
        ("PUB a -1\r\n", E::PubSize),
        ("PUB a 1x\r\n", E::PubSize),
        ("PUB a 1\r\r\n", E::PubSize),
        ("PUB a 0000000001\r\n", E::PubSize),
        ("PUB a 0000000001\r\nx\r\n", E::PubSize),
        ("PUB  3\r\nabc\r\n", E::PubArgs),
        ("PUB a 9999999999\r\n", E::PubSize),
        ("PUB a 21\r\n", E::PayloadTooBig),
        ("PUB a 21\r\n123456789012345678901\r\n", E::PayloadTooBig),
        ("PUB a 999999999\n", E::PayloadTooBig),
        ("PUB a 1\r\nxy", E::PayloadEnd),
        ("PUB a 1\r\nx\n", E::PayloadEnd),
        ("PUB a 1\r\nx\r\r", E::PayloadEnd),
        ("PUB a 0\r\nPING\r\n", E::PayloadEnd),
        ("HPUB \r\n", E::HpubArgs),
        ("HPUB a 1\r\n", E::HpubArgs),
        ("HPUB a b c 1 2\r\n", E::HpubArgs),
        ("HPUB a b 1\r\n", E::HpubHeaderSize),
        ("HPUB a 0000000001 2\r\n", E::HpubHeaderSize),
        ("HPUB a x y\r\n", E::HpubHeaderSize),
        ("HPUB a 1 y\r\n", E::HpubTotalSize),
        ("HPUB a 2 1\r\n", E::HpubHeaderOverTotal),
        ("HPUB a 2 1\r\nx\r\n", E::HpubHeaderOverTotal),
        ("HPUB a 300 200\r\n", E::HpubHeaderOverTotal),
        ("HPUB a 1 21\r\n", E::PayloadTooBig),
        ("HPUB a 1 1\r\nxy", E::PayloadEnd),
    ] {
        check(input, &[], Some(error));
        check(&format!("PING\r\n{input}"), &[ClientOp::Ping], Some(error));
    }
}

#[test]
fn subscribing() {
    for (input, op) in [
        ("SUB a.* 1\r\n", sub("a.*", None, "1")),
        ("sub > abc!@#\n", sub(">", None, "abc!@#")),
        ("SUB\ta \t q\t1 \r\n", sub("a", Some("q"), "1")),
        ("SUB \0a 1\r\n", sub("\0a", None, "1")),
        // Not so in the arguments of PUB.
        ("SUB a\r1\r\n", sub("a", None, "1")),
        ("SUB \ra q\r1\r\r\n", sub("a", Some("q"), "1")),
        ("UNSUB 1\r\n", unsub("1", None)),
        ("unsub\t1\t5\n", unsub("1", Some(5))),
        ("UNSUB 1\r5\r\r\n", unsub("1", Some(5))),
        ("UNSUB 1 0\r\n", unsub("1", Some(0))),
        ("UNSUB 1 00000000000000000000007\r\n", unsub("1", Some(7))),
        ("UNSUB 1 abc\r\n", unsub("1", None)),
        ("UNSUB 1 +5\r\n", unsub("1", None)),
        // The NATS server lets it wrap.
        ("UNSUB 1 99999999999999999999\r\n", unsub("1", Some(u64::MAX))),
    ] {
        check(input, &[op], None);
        check(&format!("{input}PONG\r\n"), &[op, ClientOp::Pong], None);
    }
    for (input, error) in [
        ("SUB \r\n", ParseError::SubArgs),
        ("SUB a\r\n", ParseError::SubArgs),
        ("SUB a b c d\r\n", ParseError::SubArgs),
        // The NATS server joins the next line to it.
        ("SUB \na 1\r\n", ParseError::SubArgs),
        ("UNSUB \r\n", ParseError::UnsubArgs),
        ("UNSUB 1 2 3\r\n", ParseError::UnsubArgs),
    ] {
        check(input, &[], Some(error));
    }
}

#[test]
fn control_line_limit() {
    let longest = "a".repeat(LIMITS.control_line_max - 2);
    let over = "a".repeat(LIMITS.control_line_max - 1);
    let blanks = " ".repeat(LIMITS.control_line_max);
    let too_long = Some(ParseError::ControlLineTooLong);
    check(&format!("PUB {longest} 1\r\nx\r\n"), &[publish(&longest, None, "x")], None);
    check(&format!("PUB  {longest} 1\nx\r\n"), &[publish(&longest, None, "x")], None);
    check(&format!("SUB {longest} 1\r\n"), &[sub(&longest, None, "1")], None);
    check(&format!("UNSUB {longest} 1\r\n"), &[unsub(&longest, Some(1))], None);
    check(&format!("CONNECT {longest}aa\r\n"), &[ClientOp::Connect(format!("{longest}aa").as_bytes())], None);
    check(&format!("PING{longest}aa\r\n"), &[ClientOp::Ping], None);
    for line in [
        format!("PUB {over} 1\r\n"),
        format!("PUB {over} 1\r\nx\r\n"),
        format!("HPUB {over} 0\r\nx\r\n"),
        format!("PUB {longest} 1 \r\n"),
        format!("PUB {over} x"),
        format!("HPUB {over} 1 1"),
        format!("SUB {over} 1"),
        format!("UNSUB {over} 1\r\n"),
        format!("CONNECT{over}aa"),
        format!("CONNECT {over}aa\r\n"),
        format!("INFO {over}aa"),
        format!("-ERR {over}aa"),
        // The NATS server keeps nothing of these, and has no limit on them.
        format!("PING{over}aa"),
        format!("+OK{over}aa\r\n"),
        format!("PUB {blanks}"),
        format!("SUB {blanks}a 1\r\n"),
        format!("CONNECT {blanks}{{}}\r\n"),
    ] {
        check(&line, &[], too_long);
    }
    check(&format!("SUB{blanks}a 1\r\n"), &[sub("a", None, "1")], None);
    check(&format!("PUB{blanks}a 1\r\nx\r\n"), &[publish("a", None, "x")], None);
}

#[test]
fn from_the_server() {
    let hmsg = Message { header_len: 3, with_headers: true, ..msg("a", "1", None, "abcde") };
    for (input, op) in [
        ("MSG a 1 3\r\nabc\r\n", ServerOp::Msg(msg("a", "1", None, "abc"))),
        ("msg\ta  1 r\t3\nabc\r\n", ServerOp::Msg(msg("a", "1", Some("r"), "abc"))),
        ("HMSG a 1 3 5\r\nabcde\r\n", ServerOp::Msg(hmsg)),
        ("hmsg a 1 r 3 5\r\nabcde\r\n", ServerOp::Msg(Message { reply: Some(b"r"), ..hmsg })),
        ("INFO {\"proto\":1} \r\n", ServerOp::Info(b"{\"proto\":1}")),
        ("PING\r\n", ServerOp::Ping),
        ("pong\n", ServerOp::Pong),
        ("+OK\r\n", ServerOp::Ok),
        ("-ERR 'Stale Connection'\r\n", ServerOp::Err(b"Stale Connection")),
    ] {
        check_server(input, &[op], None);
        check_server(&format!("{input}PING\r\n"), &[op, ServerOp::Ping], None);
    }
    use ParseError as E;
    for (input, error) in [
        ("MSG a 1\r\n", E::MsgArgs),
        ("MSG a 1 r x 1\r\n", E::MsgArgs),
        ("MSG a 1 x\r\n", E::MsgSize),
        ("MSG a 1 21\r\n", E::PayloadTooBig),
        ("MSG a 1 1\r\nxy", E::PayloadEnd),
        ("HMSG a 1 1\r\n", E::HmsgArgs),
        ("HMSG a 1 r x 1 1\r\n", E::HmsgArgs),
        ("HMSG a 1 x 1\r\n", E::HmsgHeaderSize),
        ("HMSG a 1 1 x\r\n", E::HmsgTotalSize),
        ("HMSG a 1 2 1\r\n", E::HmsgHeaderOverTotal),
        ("MSG\r\n", E::UnknownOperation),
    ] {
        check_server(input, &[], Some(error));
    }
}

#[test]
fn limits_can_change_between_ops() {
    let mut parser = Parser::new(LIMITS);
    let input = b"PUB a 21\r\n";
    assert_eq!(parser.next(input), Err(ParseError::PayloadTooBig));
    parser.set_limits(Limits { payload_max: 21, ..LIMITS });
    assert_eq!(parser.next(input), Ok(None));
    assert_eq!(parser.op_len(), Some(input.len() + 21 + 2));
}

#[test]
fn op_len_is_known_from_the_control_line_on() {
    let input = b"HPUB a 1 3\r\nabc\r\n";
    let line = 12;
    let mut parser = Parser::new(LIMITS);
    for end in 0..input.len() {
        assert_eq!(parser.next(&input[..end]), Ok(None));
        assert_eq!(parser.op_len(), (end >= line).then_some(input.len()), "after {end} bytes");
        // The same from a standing start.
        let mut fresh = Parser::new(LIMITS);
        assert_eq!(fresh.next(&input[..end]), Ok(None));
        assert_eq!(fresh.op_len(), parser.op_len());
    }
    assert!(parser.next(input).is_ok_and(|op| op.is_some()));
    assert_eq!(parser.op_len(), None);
}

#[test]
fn huge_limits_do_not_overflow() {
    let mut parser = Parser::new(Limits { control_line_max: usize::MAX, payload_max: usize::MAX });
    assert_eq!(parser.next(b"PUB a 999999999\r\n"), Ok(None));
    assert_eq!(parser.op_len(), Some(17 + 999_999_999 + 2));
}

#[test]
fn a_buffer_that_shrinks_is_survived() {
    for input in ["PUB a 3\r\nabc", "SUB abc", "PUB abc", "PING   "] {
        for len in 0..input.len() {
            let mut parser = Parser::new(LIMITS);
            assert_eq!(parser.next(input.as_bytes()), Ok(None));
            let _ = parser.next(&input.as_bytes()[..len]);
            let _ = parser.next(b"\r\n\r\n\r\n\r\n\r\n\r\n");
        }
    }
}

#[test]
fn wire_texts() {
    for (error, text) in [
        (ParseError::UnknownOperation, "Unknown Protocol Operation"),
        (ParseError::PayloadEnd, "Unknown Protocol Operation"),
        (ParseError::ControlLineTooLong, "maximum control line exceeded"),
        (ParseError::PayloadTooBig, "Maximum Payload Violation"),
        (ParseError::SubArgs, "Parse Error: SUB needs subject, optional queue and sid"),
    ] {
        assert_eq!(error.wire_text(), text);
    }
    assert!(ParseError::PayloadTooBig.is_payload_too_big());
    assert!(ParseError::ControlLineTooLong.is_control_line_too_long());
    assert_eq!(ParseError::SubArgs.to_string(), "SUB needs subject, optional queue and sid");
}

/// Feeds `input` whole, byte by byte, and split at every point.
fn feed_all_ways<P: AnyParser>(input: &[u8], limits: Limits, ops: &[P::Op<'_>], end: Option<ParseError>) {
    feed::<P>([input], limits, ops, end);
    feed::<P>(input.chunks(1), limits, ops, end);
    for at in 0..=input.len() {
        let (head, tail) = input.split_at(at);
        feed::<P>([head, tail], limits, ops, end);
    }
}
