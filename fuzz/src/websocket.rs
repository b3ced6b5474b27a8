//! WebSocket frames and handshakes.
//!
//! The first byte chooses what the rest is: a wire as it stands, a script of frames, or the header lines of a request. The
//! second one is how the connection is set, the third how the wire is cut into reads.

use dunlin_websocket::handshake::{self, HandshakeError, Offer, Request, Response};
use dunlin_websocket::{
    Assembler, Event, FRAME_HEADER_LEN_MAX, FrameHeader, Limits, MaskKey, Masking, OpCode, Role, Utf8,
    apply_mask, encode_close, encode_frame,
};

#[path = "../../crates/websocket/tests/support/naive.rs"]
mod naive;

use naive::{Outcome, Seen, Settings};

/// Runs one input.
pub fn run(data: &[u8]) {
    let &[mode, settings, cut, ref rest @ ..] = data else { return };
    match mode % 3 {
        0 => frames(&settings_of(settings), cut, rest),
        1 => frames(&settings_of(settings), cut, &script(rest)),
        _ => open(rest),
    }
}

fn settings_of(byte: u8) -> Settings {
    let (frame_len_max, message_len_max) =
        [(u64::MAX, u64::MAX), (16, u64::MAX), (u64::MAX, 16), (300, 400)][usize::from(byte >> 4) % 4];
    Settings {
        masking: [Masking::Required, Masking::Forbidden, Masking::Either][usize::from(byte) % 3],
        rsv1: byte & 4 != 0,
        utf8: byte & 8 != 0,
        limits: Limits { frame_len_max, message_len_max },
    }
}

/// Frames from their first byte, a byte of how they are written, and a payload with a length byte before it.
fn script(mut data: &[u8]) -> Vec<u8> {
    let mut wire = Vec::new();
    while let [first, form, len, rest @ ..] = data {
        let (payload, rest) = rest.split_at(usize::from(*len).min(rest.len()));
        data = rest;
        let repeat = if form & 0x10 == 0 { 1 } else { 5 };
        let mut payload = payload.repeat(repeat);
        let mask = (form & 1 == 0).then_some(MaskKey([form ^ 0x5a, *first, *len, 7]));
        let mask_bit = if mask.is_some() { 0x80 } else { 0 };
        wire.push(*first);
        match (form >> 1) % 3 {
            0 if payload.len() < 126 => wire.push(mask_bit | payload.len() as u8),
            0 | 1 => {
                wire.push(mask_bit | 126);
                wire.extend((payload.len() as u16).to_be_bytes());
            }
            _ => {
                wire.push(mask_bit | 127);
                wire.extend((payload.len() as u64).to_be_bytes());
            }
        }
        if let Some(key) = mask {
            wire.extend(key.0);
            payload.iter_mut().zip(key.0.iter().cycle()).for_each(|(byte, key)| *byte ^= key);
        }
        wire.extend(payload);
    }
    wire
}

fn frames(settings: &Settings, cut: u8, wire: &[u8]) {
    let expected = naive::decode(settings, wire);
    assert_eq!(decode(settings, &[wire]), expected, "whole");
    assert_eq!(decode(settings, &pieces(wire, cut)), expected, "in pieces");
    send_back(&expected.seen);
    header(wire);
    mask(wire, cut);
    utf8(wire, cut);
}

/// `wire` in pieces of 1 to 64 bytes, other ones for each `seed`.
fn pieces(mut wire: &[u8], seed: u8) -> Vec<&[u8]> {
    let (mut pieces, mut state) = (Vec::new(), u32::from(seed));
    while !wire.is_empty() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let len_max = 1 << (state >> 29).min(6);
        let (piece, rest) = wire.split_at((1 + (state >> 16) % len_max).min(wire.len() as u32) as usize);
        pieces.push(piece);
        wire = rest;
    }
    pieces
}

fn decode(settings: &Settings, pieces: &[&[u8]]) -> Outcome {
    let mut assembler = Assembler::new(Role::Server, settings.limits)
        .with_masking(settings.masking)
        .with_rsv1(settings.rsv1)
        .with_utf8(settings.utf8);
    let (mut pending, mut message, mut outcome) = (Vec::new(), None, Outcome::default());
    for piece in pieces {
        pending.extend_from_slice(piece);
        let mut at = 0;
        loop {
            match assembler.next(&mut pending[at..]) {
                Ok(Some((event, consumed))) => {
                    assert!(consumed > 0);
                    at += consumed;
                    outcome.seen.extend(take(event, &mut message));
                }
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(assembler.next(&mut pending), Err(error));
                    outcome.error = Some(error);
                    return outcome;
                }
            }
        }
        pending.drain(..at);
        if assembler.is_closed() {
            return outcome;
        }
        assert!(pending.len() < FRAME_HEADER_LEN_MAX + 125);
        assert_eq!(assembler.in_message(), message.is_some());
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

/// All that has been seen is encoded, and is to be seen again by a client.
fn send_back(seen: &[Seen]) {
    let client = Settings { masking: Masking::Forbidden, rsv1: true, utf8: false, limits: Limits::UNLIMITED };
    let mut wire = Vec::new();
    for seen in seen {
        let (opcode, payload) = match seen {
            Seen::Close(code, reason) => {
                encode_close(*code, reason, None, &mut wire);
                continue;
            }
            Seen::Ping(payload) => (OpCode::Ping, payload),
            Seen::Pong(payload) => (OpCode::Pong, payload),
            Seen::Message { text, payload, .. } => {
                (if *text { OpCode::Text } else { OpCode::Binary }, payload)
            }
        };
        if let Seen::Message { compressed: true, .. } = seen {
            let payload_len = payload.len() as u64;
            FrameHeader { fin: true, rsv1: true, opcode, mask: None, payload_len }.encode(&mut wire);
            wire.extend_from_slice(payload);
        } else {
            encode_frame(opcode, payload, None, &mut wire).expect("what came in can go out");
        }
    }
    assert_eq!(decode(&client, &[&wire]), Outcome { seen: seen.to_vec(), error: None });
}

/// A header that can be parsed is encoded to the same header, and a part of it asks for more.
fn header(wire: &[u8]) {
    let Ok(Some((header, len))) = FrameHeader::parse(wire) else { return };
    for end in 0..len {
        assert_eq!(FrameHeader::parse(&wire[..end]), Ok(None));
    }
    let mut out = Vec::new();
    header.encode(&mut out);
    assert!(out.len() == header.encoded_len() && out.len() <= len);
    assert_eq!(FrameHeader::parse(&out), Ok(Some((header, out.len()))));
}

fn mask(wire: &[u8], cut: u8) {
    let key = MaskKey([cut, 0x5a, 0, !cut]);
    let masked: Vec<u8> = wire.iter().zip(key.0.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
    let (mut parts, mut offset) = (wire.to_vec(), 0);
    for piece in pieces(wire, cut) {
        apply_mask(&mut parts[offset..offset + piece.len()], key, offset);
        offset += piece.len();
    }
    assert_eq!(parts, masked);
    apply_mask(&mut parts, key, 0);
    assert_eq!(parts, wire);
}

fn utf8(wire: &[u8], cut: u8) {
    let (mut utf8, mut taken) = (Utf8::new(), 0);
    for piece in pieces(wire, cut) {
        taken += piece.len();
        let text = std::str::from_utf8(&wire[..taken]);
        let possible = text.err().is_none_or(|error| error.error_len().is_none());
        assert_eq!(utf8.push(piece).is_ok(), possible);
        if !possible {
            return;
        }
        assert_eq!(utf8.clone().finish().is_ok(), text.is_ok());
    }
}

/// Header lines `name: value` against rules that are stated the other way round: which error excludes which finding.
fn open(data: &[u8]) {
    let lines: Vec<(&str, &[u8])> = data
        .split(|&byte| byte == b'\n')
        .filter_map(|line| {
            let colon = line.iter().position(|&byte| byte == b':')?;
            Some((std::str::from_utf8(&line[..colon]).ok()?, &line[colon + 1..]))
        })
        .collect();
    let request = Request { method: "GET", version_minor: 1, headers: lines.iter().copied() };
    let has = |name: &str, token: &str| {
        let list = lines.iter().filter(|line| line.0.eq_ignore_ascii_case(name)).map(|line| line.1);
        let list = list.map(|value| String::from_utf8_lossy(value).to_ascii_lowercase());
        list.collect::<Vec<_>>().join(",").split(',').any(|other| other.trim_matches(ASCII_SPACE) == token)
    };
    let mut out = Vec::new();
    match request.accept() {
        Ok(accepted) => {
            assert!(has("upgrade", "websocket") && has("connection", "upgrade"));
            assert!(has("sec-websocket-version", "13"));
            assert!(accepted.write_response(&[], &mut out).is_ok());
        }
        Err(error) => {
            match error {
                HandshakeError::Upgrade => assert!(!has("upgrade", "websocket")),
                HandshakeError::Connection => assert!(!has("connection", "upgrade")),
                HandshakeError::Version => assert!(!has("sec-websocket-version", "13")),
                _ => {}
            }
            assert!(handshake::write_refusal(error.status(), &[], &mut out).is_ok());
        }
    }
    let protocol = handshake::select_protocol(&request.headers, &["mqtt", "chat"]);
    assert!(protocol.is_none_or(|name| has("sec-websocket-protocol", name)));
    let extensions = handshake::joined(&request.headers, "Sec-WebSocket-Extensions");
    assert!(extensions.is_none_or(|text| text.len() <= data.len()));
    let response = Response { status: 101, headers: lines.iter().copied() };
    _ = response.check(b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", &Offer { protocols: &["mqtt"], extensions: "x" });
    dial(&lines);
}

const ASCII_SPACE: [char; 5] = [' ', '\t', '\r', '\n', '\u{c}'];

/// A request written with the first two values as host and path has no lines but its own, whatever they hold.
fn dial(lines: &[(&str, &[u8])]) {
    let [(name, host), (_, path), ..] = lines else { return };
    let (Ok(host), Ok(path)) = (std::str::from_utf8(host), std::str::from_utf8(path)) else { return };
    let mut out = Vec::new();
    let written = handshake::write_request(host, path, [7; 16], &Offer::default(), &[(name, path)], &mut out);
    assert_eq!(written.is_err(), out.is_empty());
    if written.is_ok() {
        assert_eq!(out.iter().filter(|&&byte| byte == b'\n').count(), 8);
        assert_eq!(out.iter().filter(|&&byte| byte == b'\r').count(), 8);
    }
}
