//! Whole messages for `tokio_util::codec::Framed` (feature `tokio-util`).
//!
//! The codec puts messages together, up to the limits, and leaves the rest to the program: pings come out as
//! [`Message::Ping`] to be answered, and so does the peer's close. It starts behind the opening handshake:
//! `FramedParts::new` with what has been read beyond the HTTP head as its `read_buf`.
//!
//! For permessage-deflate, allow RSV1 with `codec.configure(|assembler| assembler.with_rsv1(true))`, inflate the messages
//! whose [`Data::compressed`] is set (within a limit; text has to be checked then), and set it on those that are deflated.

use std::io;
use std::string::String;
use std::vec::Vec;

use bytes::{Buf, Bytes, BytesMut};
use core::fmt;
use tokio_util::codec::{Decoder, Encoder};

use crate::assembler::{Assembler, Event, Fragment, Limits, Role};
use crate::close::{CloseCode, encode_close};
use crate::error::ProtocolError;
use crate::header::{CONTROL_PAYLOAD_LEN_MAX, FrameHeader, OpCode};
use crate::mask::{MaskKey, apply_mask};

/// A message or control frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Text or binary data.
    Data(Data),
    /// A ping, to be answered with a pong of the same payload. At most 125 bytes.
    Ping(Bytes),
    /// A pong. At most 125 bytes.
    Pong(Bytes),
    /// A close frame. Nothing comes after it.
    Close(Option<CloseCode>, String),
}

/// A message of data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Data {
    /// What it holds, as on the wire if it is compressed.
    pub payload: Bytes,
    /// The message is text, else binary.
    pub text: bool,
    /// The payload is compressed (RFC 7692).
    pub compressed: bool,
}

impl Message {
    /// A text message.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Message {
        Message::Data(Data { payload: text.into().into(), text: true, compressed: false })
    }

    /// A binary message.
    #[must_use]
    pub fn binary(payload: impl Into<Bytes>) -> Message {
        Message::Data(Data { payload: payload.into(), text: false, compressed: false })
    }
}

impl Data {
    /// The text of a text message that is not compressed.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        let plain_text = self.text && !self.compressed;
        plain_text.then(|| core::str::from_utf8(&self.payload).ok()).flatten()
    }
}

/// Why a connection fails, or why a message cannot be sent.
#[derive(Debug)]
#[non_exhaustive]
pub enum CodecError {
    /// The socket failed, or ended in the middle of a message or frame.
    Io(io::Error),
    /// The peer broke a rule, which is to be answered with a close frame. When sending:
    /// [`ProtocolError::ControlTooLong`].
    Protocol(ProtocolError),
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Protocol(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for CodecError {}

impl From<io::Error> for CodecError {
    fn from(error: io::Error) -> CodecError {
        CodecError::Io(error)
    }
}

impl From<ProtocolError> for CodecError {
    fn from(error: ProtocolError) -> CodecError {
        CodecError::Protocol(error)
    }
}

/// Decodes and encodes [`Message`]s. `K` makes the masking keys of a client.
#[derive(Debug)]
pub struct MessageCodec<K = fn() -> MaskKey> {
    assembler: Assembler,
    keys: Option<K>,
    /// What has come of a message that did not come at once: at most [`Limits::message_len_max`] bytes.
    message: BytesMut,
    head: Vec<u8>,
}

impl MessageCodec {
    /// A server's side. `limits` is what a peer can make this hold in memory, so leave none of it unlimited.
    #[must_use]
    pub fn server(limits: Limits) -> MessageCodec {
        MessageCodec::new(Assembler::new(Role::Server, limits), None)
    }
}

impl<K: FnMut() -> MaskKey> MessageCodec<K> {
    /// A client's side. `keys` makes a fresh masking key for each frame from a strong source of randomness
    /// (RFC 6455 §10.3).
    #[must_use]
    pub fn client(limits: Limits, keys: K) -> MessageCodec<K> {
        MessageCodec::new(Assembler::new(Role::Client, limits), Some(keys))
    }

    fn new(assembler: Assembler, keys: Option<K>) -> MessageCodec<K> {
        MessageCodec { assembler, keys, message: BytesMut::new(), head: Vec::new() }
    }

    /// Changes the settings of the [`Assembler`], before anything is decoded.
    #[must_use]
    pub fn configure(mut self, change: impl FnOnce(Assembler) -> Assembler) -> MessageCodec<K> {
        self.assembler = change(self.assembler);
        self
    }

    fn encode_frame(&mut self, opcode: OpCode, rsv1: bool, payload: &[u8], dst: &mut BytesMut) {
        let mask = self.keys.as_mut().map(|keys| keys());
        let header = FrameHeader { fin: true, rsv1, opcode, mask, payload_len: payload.len() as u64 };
        self.head.clear();
        header.encode(&mut self.head);
        dst.reserve(self.head.len() + payload.len());
        dst.extend_from_slice(&self.head);
        let start = dst.len();
        dst.extend_from_slice(payload);
        if let Some(key) = mask {
            apply_mask(&mut dst[start..], key, 0);
        }
    }
}

impl<K: FnMut() -> MaskKey> Decoder for MessageCodec<K> {
    type Item = Message;
    type Error = CodecError;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Message>, CodecError> {
        loop {
            let Some((event, consumed)) = self.assembler.next(src)? else {
                if self.assembler.is_closed() {
                    src.clear();
                }
                return Ok(None);
            };
            let message = match event {
                Event::Ping(payload) => Message::Ping(Bytes::copy_from_slice(payload)),
                Event::Pong(payload) => Message::Pong(Bytes::copy_from_slice(payload)),
                Event::Close(code, reason) => Message::Close(code, reason.into()),
                Event::Data(Fragment { payload, text, compressed, first: true, last: true }) => {
                    // All of the message is in the read buffer: it is cut out there, not copied.
                    let len = payload.len();
                    src.advance(consumed - len);
                    let payload = src.split_to(len).freeze();
                    return Ok(Some(Message::Data(Data { payload, text, compressed })));
                }
                Event::Data(Fragment { payload, text, compressed, last, .. }) => {
                    self.message.extend_from_slice(payload);
                    if !last {
                        src.advance(consumed);
                        continue;
                    }
                    Message::Data(Data { payload: self.message.split().freeze(), text, compressed })
                }
            };
            src.advance(consumed);
            return Ok(Some(message));
        }
    }

    fn decode_eof(&mut self, src: &mut BytesMut) -> Result<Option<Message>, CodecError> {
        let message = self.decode(src)?;
        if message.is_none() && (self.assembler.in_message() || !src.is_empty()) {
            return Err(CodecError::Io(io::ErrorKind::UnexpectedEof.into()));
        }
        Ok(message)
    }
}

impl<K: FnMut() -> MaskKey> Encoder<Message> for MessageCodec<K> {
    type Error = CodecError;

    fn encode(&mut self, message: Message, dst: &mut BytesMut) -> Result<(), CodecError> {
        let (opcode, rsv1, payload) = match message {
            Message::Data(Data { payload, text: true, compressed }) => (OpCode::Text, compressed, payload),
            Message::Data(Data { payload, text: false, compressed }) => (OpCode::Binary, compressed, payload),
            Message::Ping(payload) => (OpCode::Ping, false, payload),
            Message::Pong(payload) => (OpCode::Pong, false, payload),
            Message::Close(code, reason) => {
                let mask = self.keys.as_mut().map(|keys| keys());
                self.head.clear();
                encode_close(code, &reason, mask, &mut self.head);
                dst.extend_from_slice(&self.head);
                return Ok(());
            }
        };
        if opcode.is_control() && payload.len() > CONTROL_PAYLOAD_LEN_MAX {
            return Err(ProtocolError::ControlTooLong.into());
        }
        self.encode_frame(opcode, rsv1, &payload, dst);
        Ok(())
    }
}
