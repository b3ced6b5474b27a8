//! The cases of the standard, and the drivers that run them.
#![allow(dead_code, unused_imports, reason = "each test binary uses a part of this")]

mod naive;

pub(crate) use naive::{Outcome, Seen, Settings, decode as naive};

use dunlin_websocket::{
    Assembler, Event, FRAME_HEADER_LEN_MAX, Limits, MaskKey, Masking, ProtocolError, Role,
};

pub(crate) const KEY: MaskKey = MaskKey([0x37, 0xfa, 0x21, 0x3d]);

/// A server without limits that checks text.
pub(crate) const SERVER: Settings =
    Settings { masking: Masking::Required, rsv1: false, utf8: true, limits: Limits::UNLIMITED };
pub(crate) const CLIENT: Settings = Settings { masking: Masking::Forbidden, ..SERVER };
pub(crate) const EITHER: Settings = Settings { masking: Masking::Either, ..SERVER };
pub(crate) const DEFLATE: Settings = Settings { rsv1: true, ..SERVER };
pub(crate) const STREAM: Settings = Settings { utf8: false, ..SERVER };
pub(crate) const SMALL: Settings =
    Settings { limits: Limits { frame_len_max: 4, message_len_max: 6 }, ..SERVER };

impl Settings {
    pub(crate) fn assembler(&self) -> Assembler {
        self.apply(Assembler::new(Role::Server, self.limits))
    }

    pub(crate) fn apply(&self, assembler: Assembler) -> Assembler {
        assembler.with_masking(self.masking).with_rsv1(self.rsv1).with_utf8(self.utf8)
    }
}

/// Runs an assembler over `chunks`, as a caller does who keeps what is left of each.
pub(crate) fn run<'a>(settings: &Settings, chunks: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let (mut assembler, mut outcome) = (settings.assembler(), Outcome::default());
    let (mut pending, mut message) = (Vec::new(), None);
    for chunk in chunks {
        pending.extend_from_slice(chunk);
        let mut at = 0;
        loop {
            match assembler.next(&mut pending[at..]) {
                Ok(Some((event, consumed))) => {
                    assert!(consumed > 0 && at + consumed <= chunk.len() + FRAME_HEADER_LEN_MAX + 125);
                    outcome.seen.extend(take(event, &mut message));
                    at += consumed;
                }
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(assembler.next(&mut pending), Err(error), "the error stays");
                    assert_eq!(assembler.next(&mut []), Err(error), "the error stays");
                    outcome.error = Some(error);
                    return outcome;
                }
            }
        }
        pending.drain(..at);
        if assembler.is_closed() {
            pending.clear();
            message = None;
        }
        assert_eq!(assembler.in_message(), message.is_some());
        assert!(pending.len() < FRAME_HEADER_LEN_MAX + 125, "{} bytes kept", pending.len());
    }
    outcome
}

fn take(event: Event<'_>, message: &mut Option<Vec<u8>>) -> Option<Seen> {
    match event {
        Event::Ping(payload) => Some(Seen::Ping(payload.to_vec())),
        Event::Pong(payload) => Some(Seen::Pong(payload.to_vec())),
        Event::Close(code, reason) => Some(Seen::Close(code, reason.to_owned())),
        Event::Data(fragment) => {
            assert_eq!(fragment.first, message.is_none());
            message.get_or_insert_default().extend_from_slice(fragment.payload);
            let payload = if fragment.last { message.take() } else { None };
            payload.map(|payload| Seen::Message {
                text: fragment.text,
                compressed: fragment.compressed,
                payload,
            })
        }
    }
}

/// One frame, with the length in its shortest form. `first` is its first byte.
pub(crate) fn frame(first: u8, mask: Option<MaskKey>, payload: &[u8]) -> Vec<u8> {
    let masked = if mask.is_some() { 0x80 } else { 0 };
    let mut out = match payload.len() {
        len @ 0..126 => vec![first, masked | len as u8],
        len @ 126..0x1_0000 => vec![first, masked | 126, (len >> 8) as u8, len as u8],
        len => [&[first, masked | 127][..], &(len as u64).to_be_bytes()].concat(),
    };
    let key = mask.map_or([0; 4], |MaskKey(key)| key);
    if mask.is_some() {
        out.extend(key);
    }
    out.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    out
}

/// A masked frame.
pub(crate) fn m(first: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    frame(first, Some(KEY), payload.as_ref())
}

/// An unmasked frame.
pub(crate) fn u(first: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    frame(first, None, payload.as_ref())
}

/// One rule of the standard: these frames come in, and that is seen.
pub(crate) struct Case {
    pub(crate) rule: &'static str,
    pub(crate) settings: Settings,
    pub(crate) input: Vec<u8>,
    pub(crate) expected: Outcome,
}

fn case<const N: usize>(
    rule: &'static str,
    settings: Settings,
    frames: &[Vec<u8>],
    seen: [Seen; N],
    error: Option<ProtocolError>,
) -> Case {
    Case { rule, settings, input: frames.concat(), expected: Outcome { seen: seen.into(), error } }
}

fn text(payload: &str) -> Seen {
    Seen::Message { text: true, compressed: false, payload: payload.into() }
}

fn binary(payload: impl Into<Vec<u8>>) -> Seen {
    Seen::Message { text: false, compressed: false, payload: payload.into() }
}

fn compressed(text: bool, payload: &str) -> Seen {
    Seen::Message { text, compressed: true, payload: payload.into() }
}

fn ping(payload: &str) -> Seen {
    Seen::Ping(payload.into())
}

fn close(code: u16, reason: &str) -> Seen {
    Seen::Close(Some(dunlin_websocket::CloseCode(code)), reason.to_owned())
}

fn no_code() -> Seen {
    Seen::Close(None, String::new())
}

pub(crate) fn cases() -> Vec<Case> {
    [framing(), fragments(), control_frames(), close_frames(), texts(), compression(), limits()]
        .into_iter()
        .flatten()
        .collect()
}

fn framing() -> Vec<Case> {
    use ProtocolError::*;
    let hello = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58".to_vec();
    let (small, medium, large) = (vec![7; 125], vec![8; 0xffff], vec![9; 0x1_0000]);
    let len_16_of_3 = b"\x82\x7e\x00\x03abc".to_vec();
    let len_64_of_3 = b"\x82\x7f\x00\x00\x00\x00\x00\x00\x00\x03abc".to_vec();
    let top_bit = b"\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00".to_vec();
    vec![
        case("5.7 a masked text", SERVER, &[hello], [text("Hello")], None),
        case("5.7 an unmasked text", CLIENT, &[u(0x81, "Hello")], [text("Hello")], None),
        case("5.2 an empty message", SERVER, &[m(0x82, "")], [binary("")], None),
        case("5.2 an empty unmasked message", CLIENT, &[u(0x82, "")], [binary("")], None),
        case("5.2 the longest 7-bit length", SERVER, &[m(0x82, &small)], [binary(small)], None),
        case("5.2 the longest 16-bit length", SERVER, &[m(0x82, &medium)], [binary(medium)], None),
        case("5.2 a 64-bit length", CLIENT, &[u(0x82, &large)], [binary(large)], None),
        case("5.2 16 bits for a short length", CLIENT, &[len_16_of_3], [binary("abc")], None),
        case("5.2 64 bits for a short length", CLIENT, &[len_64_of_3], [binary("abc")], None),
        case("5.2 a length of 2^63", CLIENT, &[top_bit], [], Some(PayloadLength)),
        case("5.2 RSV2", SERVER, &[m(0xa2, "")], [], Some(ReservedBits)),
        case("5.2 RSV3", DEFLATE, &[m(0x92, "")], [], Some(ReservedBits)),
        case("5.2 opcode 3", SERVER, &[m(0x83, "")], [], Some(UnknownOpCode(3))),
        case("5.2 opcode 7", SERVER, &[m(0x07, "")], [], Some(UnknownOpCode(7))),
        case("5.2 opcode 11", SERVER, &[m(0x8b, "")], [], Some(UnknownOpCode(11))),
        case("5.2 opcode 15", SERVER, &[m(0x8f, "")], [], Some(UnknownOpCode(15))),
        case("5.1 no mask to a server", SERVER, &[u(0x82, "ab")], [], Some(MaskMissing)),
        case("5.1 no mask on a ping", SERVER, &[u(0x89, "")], [], Some(MaskMissing)),
        case("5.1 a mask to a client", CLIENT, &[m(0x82, "abc")], [], Some(MaskForbidden)),
        case("5.1 either", EITHER, &[m(0x82, "a"), u(0x82, "b")], [binary("a"), binary("b")], None),
        case(
            "5.2 an error after good frames",
            SERVER,
            &[m(0x82, "one"), m(0x81, "two"), m(0x84, "")],
            [binary("one"), text("two")],
            Some(UnknownOpCode(4)),
        ),
    ]
}

fn fragments() -> Vec<Case> {
    use ProtocolError::*;
    let half = || m(0x01, "Hel");
    vec![
        case("5.4 two fragments", SERVER, &[half(), m(0x80, "lo")], [text("Hello")], None),
        case(
            "5.4 empty fragments",
            SERVER,
            &[m(0x01, ""), m(0x00, ""), m(0x00, "a"), m(0x00, ""), m(0x80, "")],
            [text("a")],
            None,
        ),
        case(
            "5.4 nothing in three fragments",
            CLIENT,
            &[u(0x02, ""), u(0, ""), u(0x80, "")],
            [binary("")],
            None,
        ),
        case(
            "5.4 control frames between fragments",
            SERVER,
            &[half(), m(0x89, "1"), m(0x8a, "2"), m(0x80, "lo"), m(0x82, "x")],
            [ping("1"), Seen::Pong(b"2".to_vec()), text("Hello"), binary("x")],
            None,
        ),
        case("5.4 a close between fragments", SERVER, &[half(), m(0x88, "")], [no_code()], None),
        case("5.4 nothing to continue", SERVER, &[m(0x80, "x")], [], Some(UnexpectedContinuation)),
        case("5.4 nothing to continue, no FIN", SERVER, &[m(0, "")], [], Some(UnexpectedContinuation)),
        case(
            "5.4 continued after its end",
            SERVER,
            &[m(0x82, "a"), m(0x80, "b")],
            [binary("a")],
            Some(UnexpectedContinuation),
        ),
        case("5.4 a message in a message", SERVER, &[half(), m(0x81, "x")], [], Some(MessageUnfinished)),
        case("5.4 and without FIN", SERVER, &[half(), m(0x02, "x")], [], Some(MessageUnfinished)),
    ]
}

fn control_frames() -> Vec<Case> {
    use ProtocolError::*;
    let most = "p".repeat(125);
    vec![
        case("5.5.2 a ping", SERVER, &[m(0x89, "hi")], [ping("hi")], None),
        case("5.5.2 an empty ping", CLIENT, &[u(0x89, "")], [ping("")], None),
        case("5.5 125 bytes", SERVER, &[m(0x89, &most)], [ping(&most)], None),
        case("5.5 126 bytes", SERVER, &[m(0x89, "p".repeat(126))], [], Some(ControlTooLong)),
        case("5.5 64-bit length", SERVER, &[m(0x88, "p".repeat(0x1_0000))], [], Some(ControlTooLong)),
        case("5.5 fragmented", SERVER, &[m(0x09, "")], [], Some(ControlFragmented)),
        case("5.5 a fragmented close", SERVER, &[m(0x08, "")], [], Some(ControlFragmented)),
        case("RFC 7692 6.1 compressed", DEFLATE, &[m(0xca, "")], [], Some(ControlCompressed)),
    ]
}

fn close_frames() -> Vec<Case> {
    use ProtocolError::*;
    let with = |code: u16, reason: &[u8]| m(0x88, [&code.to_be_bytes()[..], reason].concat());
    let longest = "r".repeat(123);
    let mut cases = vec![
        case("5.5.1 no code", SERVER, &[m(0x88, "")], [no_code()], None),
        case("5.5.1 a code", SERVER, &[with(1000, b"")], [close(1000, "")], None),
        case("5.5.1 a reason", SERVER, &[with(1001, "tschüß".as_bytes())], [close(1001, "tschüß")], None),
        case("5.5.1 the longest", SERVER, &[with(4999, longest.as_bytes())], [close(4999, &longest)], None),
        case("5.5.1 one byte", SERVER, &[m(0x88, "x")], [], Some(CloseTooShort)),
        case("5.5.1 reason not UTF-8", SERVER, &[with(1000, b"\xce\xba\xff")], [], Some(CloseReason)),
        case("5.5.1 reason cut in a character", SERVER, &[with(1000, b"\xce")], [], Some(CloseReason)),
        case(
            "1.4 what comes after a close is nothing",
            SERVER,
            &[m(0x88, ""), m(0x89, "ping"), m(0x83, ""), vec![0xff; 300]],
            [no_code()],
            None,
        ),
    ];
    for code in [1000, 1003, 1007, 1014, 3000, 3999, 4000, 4999] {
        cases.push(case(
            "7.4 a code that may be sent",
            SERVER,
            &[with(code, b"!")],
            [close(code, "!")],
            None,
        ));
    }
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535] {
        let error = Some(CloseCode(code));
        cases.push(case("7.4 a code that may not be sent", SERVER, &[with(code, b"")], [], error));
    }
    cases
}

fn texts() -> Vec<Case> {
    use ProtocolError::Text;
    let kosme = "κόσμε";
    let (cut, rest) = kosme.as_bytes().split_at(3);
    let bad: &[u8] = b"\xce\xba\xed\xa0\x80";
    vec![
        case("8.1 text", SERVER, &[m(0x81, kosme)], [text(kosme)], None),
        case("8.1 cut in a character", SERVER, &[m(1, cut), m(0x80, rest)], [text(kosme)], None),
        case(
            "8.1 cut in a character, with a ping between",
            SERVER,
            &[m(1, cut), m(0x89, "\u{ff}"), m(0x80, rest)],
            [ping("\u{ff}"), text(kosme)],
            None,
        ),
        case("8.1 a surrogate", SERVER, &[m(0x81, bad)], [], Some(Text)),
        case("8.1 a surrogate in a fragment", SERVER, &[m(1, bad)], [], Some(Text)),
        case("8.1 over 10FFFF", SERVER, &[m(0x81, b"\xf4\x90\x80\x80")], [], Some(Text)),
        case("8.1 ends in a character", SERVER, &[m(0x81, cut)], [], Some(Text)),
        case("8.1 ends in a character, fragmented", SERVER, &[m(1, cut), m(0x80, "")], [], Some(Text)),
        case(
            "8.1 a bad byte before the end of its frame",
            SERVER,
            &[vec![0x81, 0xfe, 1, 0, 0, 0, 0, 0, 0xff]],
            [],
            Some(Text),
        ),
        case("8.1 starts anew", SERVER, &[m(0x81, "é"), m(0x81, "é")], [text("é"), text("é")], None),
        case("binary is not text", SERVER, &[m(0x82, bad)], [binary(bad)], None),
        case(
            "text is not checked if not asked for",
            STREAM,
            &[m(0x01, bad), m(0x80, "")],
            [Seen::Message { text: true, compressed: false, payload: bad.to_vec() }],
            None,
        ),
    ]
}

fn compression() -> Vec<Case> {
    use ProtocolError::*;
    vec![
        case("5.2 RSV1 without an extension", SERVER, &[m(0xc2, "z")], [], Some(Rsv1NotNegotiated)),
        case("5.2 the same in a fragment", SERVER, &[m(2, "z"), m(0xc0, "z")], [], Some(Rsv1NotNegotiated)),
        case("RFC 7692 6.1 one frame", DEFLATE, &[m(0xc2, "z")], [compressed(false, "z")], None),
        case(
            "RFC 7692 6.1 two frames",
            DEFLATE,
            &[m(0x41, "y"), m(0x80, "z")],
            [compressed(true, "yz")],
            None,
        ),
        case("RFC 7692 6 not compressed", DEFLATE, &[m(0x82, "z")], [binary("z")], None),
        case(
            "RFC 7692 6.1 RSV1 later",
            DEFLATE,
            &[m(0x42, "y"), m(0xc0, "z")],
            [],
            Some(UnexpectedContinuation),
        ),
        case(
            "8.1 compressed text is not UTF-8",
            DEFLATE,
            &[m(0xc1, b"\xff"), m(0x41, b"\xff"), m(0x80, b"\xff"), m(0x81, b"\xff")],
            [
                Seen::Message { text: true, compressed: true, payload: vec![0xff] },
                Seen::Message { text: true, compressed: true, payload: vec![0xff, 0xff] },
            ],
            Some(Text),
        ),
    ]
}

fn limits() -> Vec<Case> {
    use ProtocolError::*;
    let announced = b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0".to_vec();
    let endless = Settings { limits: Limits { frame_len_max: u64::MAX, message_len_max: 6 }, ..SERVER };
    vec![
        case("10.4 a frame at the limit", SMALL, &[m(0x82, "1234")], [binary("1234")], None),
        case("10.4 a frame over the limit", SMALL, &[m(0x82, "12345")], [], Some(FrameTooLong)),
        case("10.4 a message at the limit", SMALL, &[m(2, "1234"), m(0x80, "56")], [binary("123456")], None),
        case("10.4 a message over it", SMALL, &[m(2, "1234"), m(0x80, "567")], [], Some(MessageTooLong)),
        case("10.4 in one frame", endless, &[m(0x82, "1234567")], [], Some(MessageTooLong)),
        case(
            "10.4 starts anew",
            endless,
            &[m(0x82, "123456"), m(0x81, "1")],
            [binary("123456"), text("1")],
            None,
        ),
        case(
            "10.4 control frames are no part of it",
            SMALL,
            &[m(0x89, "12345678")],
            [ping("12345678")],
            None,
        ),
        case(
            "10.4 before the payload is there",
            SMALL,
            std::slice::from_ref(&announced),
            [],
            Some(FrameTooLong),
        ),
        case("10.4 no limit", SERVER, &[announced, vec![0; 1000]], [], None),
    ]
}
