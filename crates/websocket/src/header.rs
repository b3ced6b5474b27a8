//! Frame headers (RFC 6455 §5.2).

use alloc::vec::Vec;

use crate::error::ProtocolError;
use crate::mask::{MaskKey, apply_mask};

/// The longest frame header, in bytes: two fixed, eight of length, four of masking key.
pub const FRAME_HEADER_LEN_MAX: usize = 14;

/// The longest payload of a control frame, in bytes (§5.5).
pub const CONTROL_PAYLOAD_LEN_MAX: usize = 125;

pub(crate) const FIN: u8 = 0x80;
pub(crate) const RSV1: u8 = 0x40;
const RSV2_RSV3: u8 = 0x30;
pub(crate) const MASKED: u8 = 0x80;
pub(crate) const LEN_16: u8 = 126;
const LEN_64: u8 = 127;

/// What a frame is (§5.2). Values from 8 on are control frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum OpCode {
    /// A further fragment of the message.
    Continuation = 0,
    /// The first frame of a text message.
    Text = 1,
    /// The first frame of a binary message.
    Binary = 2,
    /// Starts or answers the closing handshake.
    Close = 8,
    /// Asks for a pong with the same payload.
    Ping = 9,
    /// Answers a ping, or is a one-way heartbeat.
    Pong = 10,
}

impl OpCode {
    /// The opcode of this number, unless it is a reserved one.
    #[inline]
    #[must_use]
    pub fn new(number: u8) -> Option<OpCode> {
        Some(match number {
            0 => OpCode::Continuation,
            1 => OpCode::Text,
            2 => OpCode::Binary,
            8 => OpCode::Close,
            9 => OpCode::Ping,
            10 => OpCode::Pong,
            _ => return None,
        })
    }

    /// Whether this is close, ping or pong (§5.5).
    #[inline]
    #[must_use]
    pub fn is_control(self) -> bool {
        self as u8 >= OpCode::Close as u8
    }
}

/// The header of one frame (§5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FrameHeader {
    /// The last frame of its message.
    pub fin: bool,
    /// The message is compressed, once permessage-deflate is negotiated (RFC 7692 §6).
    pub rsv1: bool,
    /// What the frame is.
    pub opcode: OpCode,
    /// The masking key, if the payload is masked.
    pub mask: Option<MaskKey>,
    /// The length of the payload in bytes, below 2^63.
    pub payload_len: u64,
}

impl FrameHeader {
    /// Parses the header at the front of `buf`: `Ok(Some((header, header length)))`, or `Ok(None)` if more bytes are
    /// needed (never more than [`FRAME_HEADER_LEN_MAX`]).
    ///
    /// Lengths that are not written in their shortest form are accepted, as nothing depends on that.
    ///
    /// # Errors
    ///
    /// What is wrong with a header regardless of the frames before it: reserved bits, unknown opcode, a control frame that
    /// is fragmented, compressed or too long, a length of 2^63 and over. An error is found as soon as the byte that causes
    /// it is there.
    #[inline]
    pub fn parse(buf: &[u8]) -> Result<Option<(FrameHeader, usize)>, ProtocolError> {
        let Some(&first) = buf.first() else { return Ok(None) };
        if first & RSV2_RSV3 != 0 {
            return Err(ProtocolError::ReservedBits);
        }
        let Some(opcode) = OpCode::new(first & 0x0f) else {
            return Err(ProtocolError::UnknownOpCode(first & 0x0f));
        };
        let (fin, rsv1) = (first & FIN != 0, first & RSV1 != 0);
        if opcode.is_control() {
            check_control(fin, rsv1)?;
        }
        let Some(&second) = buf.get(1) else { return Ok(None) };
        let short = second & !MASKED;
        if opcode.is_control() && usize::from(short) > CONTROL_PAYLOAD_LEN_MAX {
            return Err(ProtocolError::ControlTooLong);
        }
        let Some((payload_len, mask_at)) = parse_len(short, buf)? else { return Ok(None) };
        let (mask, len) = if second & MASKED == 0 {
            (None, mask_at)
        } else {
            let Some(key) = buf[mask_at..].first_chunk::<4>() else { return Ok(None) };
            (Some(MaskKey(*key)), mask_at + 4)
        };
        Ok(Some((FrameHeader { fin, rsv1, opcode, mask, payload_len }, len)))
    }

    /// Appends the header to `out`, with the length in its shortest form.
    ///
    /// The fields are written as they are: whether they make a valid frame is the caller's business.
    #[inline]
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut first = self.opcode as u8;
        if self.fin {
            first |= FIN;
        }
        if self.rsv1 {
            first |= RSV1;
        }
        let masked = if self.mask.is_some() { MASKED } else { 0 };
        let [.., g, h] = self.payload_len.to_be_bytes();
        if self.payload_len < u64::from(LEN_16) {
            out.extend_from_slice(&[first, masked | h]);
        } else if self.payload_len <= u64::from(u16::MAX) {
            out.extend_from_slice(&[first, masked | LEN_16, g, h]);
        } else {
            out.extend_from_slice(&[first, masked | LEN_64]);
            out.extend_from_slice(&self.payload_len.to_be_bytes());
        }
        if let Some(MaskKey(key)) = &self.mask {
            out.extend_from_slice(key);
        }
    }

    /// How many bytes [`FrameHeader::encode`] appends: 2 to [`FRAME_HEADER_LEN_MAX`].
    #[inline]
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        let len = match self.payload_len {
            0..=125 => 2,
            126..=0xffff => 4,
            _ => 10,
        };
        if self.mask.is_some() { len + 4 } else { len }
    }
}

fn check_control(fin: bool, rsv1: bool) -> Result<(), ProtocolError> {
    if !fin {
        return Err(ProtocolError::ControlFragmented);
    }
    if rsv1 {
        return Err(ProtocolError::ControlCompressed);
    }
    Ok(())
}

/// The payload length and where it ends in `buf`; `short` is the 7-bit length.
#[inline]
fn parse_len(short: u8, buf: &[u8]) -> Result<Option<(u64, usize)>, ProtocolError> {
    match short {
        LEN_64 => {
            if buf.get(2).is_some_and(|byte| byte & 0x80 != 0) {
                return Err(ProtocolError::PayloadLength);
            }
            let Some(&[_, _, a, b, c, d, e, f, g, h]) = buf.first_chunk::<10>() else { return Ok(None) };
            Ok(Some((u64::from_be_bytes([a, b, c, d, e, f, g, h]), 10)))
        }
        LEN_16 => {
            let Some(&[_, _, a, b]) = buf.first_chunk::<4>() else { return Ok(None) };
            Ok(Some((u64::from(u16::from_be_bytes([a, b])), 4)))
        }
        _ => Ok(Some((u64::from(short), 2))),
    }
}

/// Appends one whole frame with FIN: header and payload, masked if there is a `mask`.
///
/// For pings, pongs and small messages. Large payloads are better sent from where they lie, behind
/// [`FrameHeader::encode`]. Close frames have [`encode_close`](crate::encode_close).
///
/// # Errors
///
/// [`ProtocolError::ControlTooLong`] for a control frame with more than [`CONTROL_PAYLOAD_LEN_MAX`] bytes; nothing has been
/// appended then.
pub fn encode_frame(
    opcode: OpCode,
    payload: &[u8],
    mask: Option<MaskKey>,
    out: &mut Vec<u8>,
) -> Result<(), ProtocolError> {
    if opcode.is_control() && payload.len() > CONTROL_PAYLOAD_LEN_MAX {
        return Err(ProtocolError::ControlTooLong);
    }
    let header = FrameHeader { fin: true, rsv1: false, opcode, mask, payload_len: payload.len() as u64 };
    out.reserve(header.encoded_len() + payload.len());
    header.encode(out);
    let start = out.len();
    out.extend_from_slice(payload);
    if let Some(key) = mask {
        apply_mask(&mut out[start..], key, 0);
    }
    Ok(())
}
