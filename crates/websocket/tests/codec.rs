//! The cases of the standard, and what is the codec's own.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::io::ErrorKind;

use bytes::{Bytes, BytesMut};
use dunlin_websocket::codec::{CodecError, Data, Message, MessageCodec};
use dunlin_websocket::{CloseCode, Limits, MaskKey, ProtocolError};
use proptest::collection::vec;
use proptest::prelude::*;
use support::{Case, KEY, Outcome, Seen, Settings, cases, frame, m};
use tokio_util::codec::{Decoder, Encoder};

const LIMITS: Limits = Limits { frame_len_max: 1 << 20, message_len_max: 1 << 20 };

fn seen(message: Message) -> Seen {
    match message {
        Message::Data(Data { payload, text, compressed }) => {
            Seen::Message { text, compressed, payload: payload.into() }
        }
        Message::Ping(payload) => Seen::Ping(payload.into()),
        Message::Pong(payload) => Seen::Pong(payload.into()),
        Message::Close(code, reason) => Seen::Close(code, reason),
    }
}

fn run<'a>(settings: &Settings, chunks: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let mut codec = MessageCodec::server(settings.limits).configure(|assembler| settings.apply(assembler));
    let (mut buf, mut outcome) = (BytesMut::new(), Outcome::default());
    for chunk in chunks {
        buf.extend_from_slice(chunk);
        loop {
            match codec.decode(&mut buf) {
                Ok(Some(message)) => outcome.seen.push(seen(message)),
                Ok(None) => break,
                Err(CodecError::Protocol(error)) => {
                    outcome.error = Some(error);
                    return outcome;
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
    outcome
}

#[test]
fn every_clause() {
    for Case { rule, settings, input, expected } in cases() {
        assert_eq!(run(&settings, [&input[..]]), expected, "{rule}: whole");
        assert_eq!(run(&settings, input.chunks(1)), expected, "{rule}: byte by byte");
    }
}

#[test]
fn every_split_point() {
    for Case { rule, settings, input, expected } in cases().into_iter().filter(|case| case.input.len() < 1000)
    {
        for at in 0..=input.len() {
            let (head, tail) = input.split_at(at);
            assert_eq!(run(&settings, [head, tail]), expected, "{rule}: cut at {at}");
        }
    }
}

/// What the end of the stream is after `input`: `None` if it is a clean one.
fn end_after(input: &[u8]) -> Option<ErrorKind> {
    let (mut codec, mut buf) = (MessageCodec::server(LIMITS), BytesMut::from(input));
    loop {
        match codec.decode_eof(&mut buf) {
            Ok(Some(_)) => {}
            Ok(None) => return None,
            Err(CodecError::Io(error)) => return Some(error.kind()),
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn the_end_of_the_stream() {
    let (message, half, close) = (m(0x82, "abc"), m(0x02, "abc"), m(0x88, ""));
    assert_eq!(end_after(b""), None);
    assert_eq!(end_after(&message), None);
    assert_eq!(end_after(&[&message[..], &close, b"noise"].concat()), None);
    assert_eq!(end_after(&[&half[..], &close].concat()), None);
    let cut = Some(ErrorKind::UnexpectedEof);
    assert_eq!(end_after(&message[..1]), cut);
    assert_eq!(end_after(&message[..message.len() - 1]), cut);
    assert_eq!(end_after(&half), cut);
}

#[test]
fn long_control_frames_are_not_sent() {
    let (mut codec, mut out) = (MessageCodec::server(LIMITS), BytesMut::new());
    for message in [Message::Ping(Bytes::from(vec![0; 126])), Message::Pong(Bytes::from(vec![0; 126]))] {
        let result = codec.encode(message, &mut out);
        assert!(matches!(result, Err(CodecError::Protocol(ProtocolError::ControlTooLong))));
        assert!(out.is_empty());
    }
}

#[test]
fn text_of_a_message() {
    let Message::Data(mut data) = Message::text("grüß") else { panic!("not data") };
    assert_eq!(data.as_str(), Some("grüß"));
    data.compressed = true;
    assert_eq!(data.as_str(), None);
    let Message::Data(data) = Message::binary(&b"abc"[..]) else { panic!("not data") };
    assert_eq!(data.as_str(), None);
}

fn message() -> impl Strategy<Value = Message> {
    let bytes = |len| vec(any::<u8>(), 0..len).prop_map(Bytes::from);
    prop_oneof![
        "\\PC{0,300}".prop_map(Message::text),
        bytes(1000).prop_map(Message::binary),
        bytes(126).prop_map(Message::Ping),
        bytes(126).prop_map(Message::Pong),
    ]
}

proptest! {
    #[test]
    fn messages_come_back(messages in vec(message(), 0..6), from_client: bool, piece in 1_usize..2000) {
        let mut server = MessageCodec::server(LIMITS);
        let mut client = MessageCodec::client(LIMITS, || KEY);
        let mut wire = BytesMut::new();
        let close = Message::Close(Some(CloseCode::NORMAL), "done".into());
        for message in messages.iter().chain([&close]).cloned() {
            let sent = if from_client { client.encode(message, &mut wire) } else { server.encode(message, &mut wire) };
            prop_assert!(sent.is_ok());
        }
        let (mut buf, mut received) = (BytesMut::new(), Vec::new());
        for chunk in wire.chunks(piece) {
            buf.extend_from_slice(chunk);
            while let Some(message) =
                if from_client { server.decode(&mut buf).unwrap() } else { client.decode(&mut buf).unwrap() }
            {
                received.push(message);
            }
        }
        prop_assert_eq!(received.pop(), Some(close));
        prop_assert_eq!(received, messages);
    }

    #[test]
    fn fragments_are_put_together(parts in vec(vec(any::<u8>(), 0..300), 1..6), key: [u8; 4]) {
        let mut buf = BytesMut::new();
        for (index, part) in parts.iter().enumerate() {
            let fin = if index + 1 == parts.len() { 0x80 } else { 0 };
            buf.extend(frame(fin | if index == 0 { 2 } else { 0 }, Some(MaskKey(key)), part));
        }
        let message = MessageCodec::server(LIMITS).decode(&mut buf).unwrap();
        prop_assert_eq!(message, Some(Message::binary(parts.concat())));
        prop_assert!(buf.is_empty());
    }
}
