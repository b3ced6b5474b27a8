//! Round trips, and random input against slow second readings of the rules.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use dunlin_websocket::{
    CLOSE_REASON_LEN_MAX, CloseCode, FRAME_HEADER_LEN_MAX, FrameHeader, Limits, MaskKey, Masking, OpCode,
    ProtocolError, Utf8, apply_mask, encode_close, encode_frame,
};
use proptest::collection::vec;
use proptest::prelude::*;
use support::{CLIENT, EITHER, KEY, SERVER, Seen, Settings, frame, naive, run};

fn settings() -> impl Strategy<Value = Settings> {
    let masking = prop_oneof![Just(Masking::Required), Just(Masking::Forbidden), Just(Masking::Either)];
    let limit = prop_oneof![Just(u64::MAX), 0_u64..300];
    (masking, any::<bool>(), any::<bool>(), limit.clone(), limit).prop_map(
        |(masking, rsv1, utf8, frame_len_max, message_len_max)| Settings {
            masking,
            rsv1,
            utf8,
            limits: Limits { frame_len_max, message_len_max },
        },
    )
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..20),
        vec(any::<u8>(), 0..700),
        "\\PC{0,40}".prop_map(String::into_bytes),
        "\\PC{0,40}".prop_map(|text| text.as_bytes()[..text.len() / 2].to_vec()),
        (990_u16..1020, "[a-z]{0,9}")
            .prop_map(|(code, text)| [&code.to_be_bytes(), text.as_bytes()].concat()),
    ]
}

/// Frames of which most keep the rules, if the settings are right.
fn frames() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        8 => prop::sample::select(&[0x00, 0x80, 0x01, 0x81, 0x02, 0x82, 0x89, 0x8a][..]),
        1 => prop::sample::select(&[0x41, 0x42, 0xc1, 0xc2, 0x88][..]),
        1 => any::<u8>(),
    ];
    let masked = prop_oneof![9 => Just(true), 1 => Just(false)];
    let frame = (first, masked, any::<[u8; 4]>(), payload())
        .prop_map(|(first, masked, key, payload)| frame(first, masked.then_some(MaskKey(key)), &payload));
    vec(frame, 1..9).prop_map(|frames| frames.concat())
}

/// `input` in pieces whose lengths go round `lens`.
fn pieces<'a>(mut input: &'a [u8], lens: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for &len in lens.iter().cycle() {
        let (piece, rest) = input.split_at(len.min(input.len()));
        pieces.push(piece);
        input = rest;
        if input.is_empty() {
            break;
        }
    }
    pieces
}

proptest! {
    #[test]
    fn frames_in_any_pieces_are_what_the_oracle_says(
        settings in settings(),
        input in frames(),
        lens in vec(1_usize..300, 1..6),
    ) {
        let expected = naive(&settings, &input);
        prop_assert_eq!(&run(&settings, [&input[..]]), &expected);
        prop_assert_eq!(&run(&settings, pieces(&input, &lens)), &expected);
        prop_assert_eq!(&run(&settings, input.chunks(1)), &expected);
    }

    #[test]
    fn noise_in_any_pieces_is_what_the_oracle_says(
        settings in settings(),
        input in vec(any::<u8>(), 0..200),
        lens in vec(1_usize..50, 1..6),
    ) {
        let expected = naive(&settings, &input);
        prop_assert_eq!(&run(&settings, [&input[..]]), &expected);
        prop_assert_eq!(&run(&settings, pieces(&input, &lens)), &expected);
    }

    #[test]
    fn the_form_of_a_length_changes_nothing(payload in vec(any::<u8>(), 0..300), masked: bool, form in 0..3) {
        let mask = masked.then_some(KEY);
        let shortest = frame(0x82, mask, &payload);
        let body_at = shortest.len() - payload.len() - if masked { 4 } else { 0 };
        let mask_bit = if masked { 0x80 } else { 0 };
        let head = match form {
            0 => shortest[..body_at].to_vec(),
            1 => [&[0x82, mask_bit | 126][..], &(payload.len() as u16).to_be_bytes()].concat(),
            _ => [&[0x82, mask_bit | 127][..], &(payload.len() as u64).to_be_bytes()].concat(),
        };
        let input = [&head, &shortest[body_at..]].concat();
        let seen = run(&EITHER, [&input[..]]).seen;
        prop_assert_eq!(seen, [Seen::Message { text: false, compressed: false, payload }]);
    }

    #[test]
    fn a_mask_is_applied_byte_by_byte(
        bytes in vec(any::<u8>(), 0..1400),
        key: [u8; 4],
        start in 0_usize..70,
        cut in any::<prop::sample::Index>(),
        offset: usize,
    ) {
        let start = start.min(bytes.len());
        let expected: Vec<u8> = bytes[start..].iter().enumerate()
            .map(|(index, byte)| byte ^ key[(offset % 4 + index) % 4]).collect();
        let mut whole = bytes.clone();
        apply_mask(&mut whole[start..], MaskKey(key), offset);
        prop_assert_eq!(&whole[..start], &bytes[..start]);
        prop_assert_eq!(&whole[start..], &expected[..]);

        let mut parts = bytes[start..].to_vec();
        let (head, tail) = parts.split_at_mut(cut.index(expected.len() + 1));
        apply_mask(head, MaskKey(key), offset);
        apply_mask(tail, MaskKey(key), offset.wrapping_add(head.len()));
        prop_assert_eq!(parts, expected);
    }

    #[test]
    fn a_header_comes_back(
        fin: bool, rsv1: bool, control: bool, number in 0_u8..3, mask: Option<[u8; 4]>,
        len in prop_oneof![0_u64..300, 0xff00_u64..0x1_0100, any::<u64>()],
    ) {
        let opcode = OpCode::new(if control { 8 } else { 0 } + number).unwrap();
        let header = FrameHeader {
            fin: fin || control,
            rsv1: rsv1 && !control,
            opcode,
            mask: mask.map(MaskKey),
            payload_len: if control { len % 126 } else { len >> 1 },
        };
        let mut out = vec![0xee];
        header.encode(&mut out);
        prop_assert_eq!(out.len() - 1, header.encoded_len());
        prop_assert!(out.len() - 1 <= FRAME_HEADER_LEN_MAX);
        for end in 1..out.len() {
            prop_assert_eq!(FrameHeader::parse(&out[1..end]), Ok(None));
        }
        let encoded_len = header.encoded_len();
        out.push(0);
        prop_assert_eq!(FrameHeader::parse(&out[1..]), Ok(Some((header, encoded_len))));
    }

    #[test]
    fn a_frame_comes_back(text in "\\PC{0,300}", mask: Option<[u8; 4]>) {
        let mut out = Vec::new();
        encode_frame(OpCode::Text, text.as_bytes(), mask.map(MaskKey), &mut out).unwrap();
        let ping = encode_frame(OpCode::Ping, text.as_bytes(), mask.map(MaskKey), &mut out);
        prop_assert_eq!(ping, if text.len() > 125 { Err(ProtocolError::ControlTooLong) } else { Ok(()) });
        let mut seen = run(if mask.is_some() { &SERVER } else { &CLIENT }, [&out[..]]).seen;
        if ping.is_ok() {
            prop_assert_eq!(seen.pop(), Some(Seen::Ping(text.clone().into())));
        }
        prop_assert_eq!(seen, [Seen::Message { text: true, compressed: false, payload: text.into() }]);
    }

    #[test]
    fn a_close_comes_back(code: Option<u16>, reason in "\\PC{0,150}", mask: Option<[u8; 4]>) {
        let code = code.map(CloseCode);
        let mut out = Vec::new();
        encode_close(code, &reason, mask.map(MaskKey), &mut out);
        let outcome = run(if mask.is_some() { &SERVER } else { &CLIENT }, [&out[..]]);
        let [Seen::Close(seen_code, seen_reason)] = &outcome.seen[..] else { panic!("{outcome:?}") };
        prop_assert_eq!(*seen_code, code.filter(|code| code.is_valid_on_wire()));
        if seen_code.is_none() {
            prop_assert!(seen_reason.is_empty());
        } else if reason.len() <= CLOSE_REASON_LEN_MAX {
            prop_assert_eq!(seen_reason, &reason);
        } else {
            let kept = seen_reason.strip_suffix("...").unwrap();
            prop_assert!(reason.starts_with(kept) && (117..=120).contains(&kept.len()));
        }
    }

    #[test]
    fn utf8_fails_at_the_byte_that_cannot_be(
        mut bytes in "\\PC{0,30}".prop_map(String::into_bytes),
        noise in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        lens in vec(1_usize..6, 1..4),
    ) {
        for (at, byte) in noise {
            bytes.insert(at.index(bytes.len() + 1), byte);
        }
        let mut utf8 = Utf8::new();
        let mut taken = 0;
        for piece in pieces(&bytes, &lens) {
            taken += piece.len();
            let possible = std::str::from_utf8(&bytes[..taken]).err().is_none_or(|e| e.error_len().is_none());
            prop_assert_eq!(utf8.push(piece).is_ok(), possible);
            if !possible {
                return Ok(());
            }
            prop_assert_eq!(utf8.clone().finish().is_ok(), std::str::from_utf8(&bytes[..taken]).is_ok());
        }
    }
}

#[test]
fn utf8_of_every_two_and_three_byte_start() {
    for a in 0..=255 {
        for b in 0..=255 {
            for c in [0x00, 0x7f, 0x80, 0xbf, 0xc0, 0xff] {
                let bytes = [a, b, c];
                let mut utf8 = Utf8::new();
                let failed = bytes.iter().position(|byte| utf8.push(&[*byte]).is_err());
                let expected = (0..3).find(|&end| {
                    std::str::from_utf8(&bytes[..=end]).is_err_and(|error| error.error_len().is_some())
                });
                assert_eq!(failed, expected, "{bytes:x?}");
            }
        }
    }
}

#[test]
fn small_in_memory() {
    assert!(size_of::<dunlin_websocket::Assembler>() <= 64);
}
