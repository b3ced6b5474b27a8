//! RFC 6455, a case a clause, whole and in pieces.

mod support;

use dunlin_websocket::{Assembler, Event, Fragment, FrameHeader, Limits, OpCode, ProtocolError, Role};
use support::{Case, KEY, cases, m, naive, run};

fn check(case: &Case) {
    let Case { rule, settings, input, expected } = case;
    assert_eq!(&naive(settings, input), expected, "{rule}: the oracle");
    assert_eq!(&run(settings, [&input[..]]), expected, "{rule}: whole");
    assert_eq!(&run(settings, input.chunks(1)), expected, "{rule}: byte by byte");
}

#[test]
fn every_clause() {
    cases().iter().for_each(check);
}

#[test]
fn every_split_point() {
    for Case { rule, settings, input, expected } in cases().iter().filter(|case| case.input.len() < 1000) {
        for at in 0..=input.len() {
            let (head, tail) = input.split_at(at);
            assert_eq!(&run(settings, [head, tail]), expected, "{rule}: cut at {at}");
        }
    }
}

#[test]
fn every_truncation() {
    for Case { rule, settings, input, .. } in cases().iter().filter(|case| case.input.len() < 1000) {
        for end in 0..input.len() {
            let part = &input[..end];
            assert_eq!(run(settings, [part]), naive(settings, part), "{rule}: first {end} bytes");
        }
    }
}

#[test]
fn payload_is_handed_out_as_it_comes() {
    let mut assembler = Assembler::new(Role::Server, Limits::UNLIMITED);
    let mut fragment = |bytes: &mut [u8]| match assembler.next(bytes) {
        Ok(Some((Event::Data(Fragment { payload, text, first, last, .. }), consumed))) => {
            Some((String::from_utf8_lossy(payload).into_owned(), consumed, text, first, last))
        }
        Ok(None) => None,
        other => panic!("{other:?}"),
    };
    let mut wire = m(0x81, "0123456789");
    wire.extend(m(0x02, "abc"));
    wire.extend(m(0x80, ""));
    assert_eq!(fragment(&mut wire[..6]), None, "a header alone");
    assert_eq!(fragment(&mut wire[..9]), Some(("012".into(), 9, true, true, false)));
    assert_eq!(fragment(&mut []), None);
    assert_eq!(fragment(&mut wire[9..10]), Some(("3".into(), 1, true, false, false)));
    assert_eq!(fragment(&mut wire[10..]), Some(("456789".into(), 6, true, false, true)));
    assert_eq!(fragment(&mut wire[16..]), Some(("abc".into(), 9, false, true, false)));
    assert_eq!(fragment(&mut wire[25..30]), None);
    assert_eq!(fragment(&mut wire[25..]), Some((String::new(), 6, false, false, true)));
}

#[test]
fn only_an_empty_frame_gives_an_empty_fragment() {
    for payload_len in [1, 2, 125, 126, 0xffff, 0x1_0000, u64::MAX >> 1] {
        for (fin, opcode) in [(true, OpCode::Binary), (false, OpCode::Text)] {
            let mut head = Vec::new();
            FrameHeader { fin, rsv1: false, opcode, mask: Some(KEY), payload_len }.encode(&mut head);
            let mut assembler = Assembler::new(Role::Server, Limits::UNLIMITED);
            assert_eq!(assembler.next(&mut head), Ok(None));
            head.push(0);
            let next = assembler.next(&mut head);
            assert!(matches!(next, Ok(Some((Event::Data(Fragment { payload: [_], .. }), _)))), "{next:?}");
        }
    }
}

#[test]
fn headers_have_their_shortest_form() {
    let lens = [(0, 2), (125, 2), (126, 4), (0xffff, 4), (0x1_0000, 10), (u64::MAX >> 1, 10)];
    for (payload_len, expected) in lens {
        let header = FrameHeader { fin: true, rsv1: false, opcode: OpCode::Binary, mask: None, payload_len };
        let mut out = Vec::new();
        header.encode(&mut out);
        assert_eq!((out.len(), header.encoded_len()), (expected, expected), "{payload_len}");
    }
}

#[test]
fn codes_of_errors() {
    use ProtocolError::*;
    let texts = [(CloseReason, "invalid utf8 body in close frame"), (Text, "invalid utf8 in text message")];
    let sizes = [(FrameTooLong, "frame too long"), (MessageTooLong, "message too long")];
    let rules = [
        (ReservedBits, "RSV2 and RSV3 must be clear"),
        (Rsv1NotNegotiated, "compressed frame received without negotiated permessage-deflate"),
        (UnknownOpCode(11), "unknown opcode 11"),
        (PayloadLength, "invalid 64-bit payload length"),
        (MaskMissing, "mask bit missing"),
        (MaskForbidden, "mask bit must be clear"),
        (ControlFragmented, "control frame does not have final bit set"),
        (ControlTooLong, "control frame length bigger than maximum allowed of 125 bytes"),
        (ControlCompressed, "control frame must not be compressed"),
        (UnexpectedContinuation, "invalid continuation frame"),
        (MessageUnfinished, "new message started before final frame for previous message was received"),
        (CloseTooShort, "close frame payload cannot be 1 byte"),
        (CloseCode(1005), "invalid close status code 1005"),
    ];
    for (code, errors) in [(1007, &texts[..]), (1009, &sizes), (1002, &rules)] {
        for (error, text) in errors {
            assert_eq!((error.close_code().0, error.to_string().as_str()), (code, *text));
        }
    }
}
