//! The rules of the framing that a peer can break.

use core::fmt;

use crate::close::CloseCode;

/// A rule of RFC 6455 that the peer broke. The connection ends with [`ProtocolError::close_code`], and the `Display` text
/// is short enough to be the reason in the close frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProtocolError {
    /// RSV2 or RSV3 is set; no extension that uses them is known (§5.2).
    ReservedBits,
    /// RSV1 is set on a data frame, but no extension that uses it was negotiated (§5.2).
    Rsv1NotNegotiated,
    /// One of the reserved opcodes 3-7 and 11-15 (§5.2).
    UnknownOpCode(u8),
    /// The most significant bit of a 64-bit payload length is set (§5.2).
    PayloadLength,
    /// A frame without a mask where [`Masking::Required`](crate::Masking::Required) holds (§5.1).
    MaskMissing,
    /// A masked frame where [`Masking::Forbidden`](crate::Masking::Forbidden) holds (§5.1).
    MaskForbidden,
    /// A control frame without FIN (§5.5).
    ControlFragmented,
    /// A control frame with more than 125 bytes (§5.5).
    ControlTooLong,
    /// A control frame with RSV1 (RFC 7692 §6.1).
    ControlCompressed,
    /// A continuation frame outside a message, or one with RSV1 (§5.4, RFC 7692 §6.1).
    UnexpectedContinuation,
    /// A text or binary frame inside an unfinished message (§5.4).
    MessageUnfinished,
    /// A close frame with a payload of one byte (§5.5.1).
    CloseTooShort,
    /// A close code that must not be sent (§7.4).
    CloseCode(u16),
    /// The reason in a close frame is not UTF-8 (§5.5.1).
    CloseReason,
    /// A text message is not UTF-8 (§8.1).
    Text,
    /// A data frame longer than [`Limits::frame_len_max`](crate::Limits::frame_len_max) (§10.4).
    FrameTooLong,
    /// A message longer than [`Limits::message_len_max`](crate::Limits::message_len_max) (§10.4).
    MessageTooLong,
}

impl ProtocolError {
    /// The code of the close frame that answers this error (§7.4.1): 1002, 1007 or 1009.
    #[must_use]
    pub fn close_code(self) -> CloseCode {
        match self {
            Self::CloseReason | Self::Text => CloseCode::INVALID_PAYLOAD,
            Self::FrameTooLong | Self::MessageTooLong => CloseCode::TOO_BIG,
            _ => CloseCode::PROTOCOL_ERROR,
        }
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReservedBits => "RSV2 and RSV3 must be clear",
            Self::Rsv1NotNegotiated => "compressed frame received without negotiated permessage-deflate",
            Self::UnknownOpCode(opcode) => return write!(f, "unknown opcode {opcode}"),
            Self::PayloadLength => "invalid 64-bit payload length",
            Self::MaskMissing => "mask bit missing",
            Self::MaskForbidden => "mask bit must be clear",
            Self::ControlFragmented => "control frame does not have final bit set",
            Self::ControlTooLong => "control frame length bigger than maximum allowed of 125 bytes",
            Self::ControlCompressed => "control frame must not be compressed",
            Self::UnexpectedContinuation => "invalid continuation frame",
            Self::MessageUnfinished => {
                "new message started before final frame for previous message was received"
            }
            Self::CloseTooShort => "close frame payload cannot be 1 byte",
            Self::CloseCode(code) => return write!(f, "invalid close status code {code}"),
            Self::CloseReason => "invalid utf8 body in close frame",
            Self::Text => "invalid utf8 in text message",
            Self::FrameTooLong => "frame too long",
            Self::MessageTooLong => "message too long",
        })
    }
}

impl core::error::Error for ProtocolError {}
