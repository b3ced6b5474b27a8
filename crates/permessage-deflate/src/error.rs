//! What can go wrong, one variant for each rule.

use core::error::Error;
use core::fmt;

/// Why a compressed message was refused (RFC 7692 §7.2.2). The connection cannot go on: the state of the peer's
/// compressor is unknown from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InflateError {
    /// The data is no DEFLATE stream (RFC 1951): a reserved block type, an impossible code, or a distance that
    /// reaches before the first byte of the context.
    InvalidData,
    /// The message ended inside a block (RFC 7692 §7.2.1 demands a whole number of them).
    Truncated,
    /// The message inflates to more than the caller's limit.
    TooLarge,
}

impl InflateError {
    /// The close code for this error (RFC 6455 §7.4.1): 1009 for a message that is too large, else 1007.
    #[must_use]
    pub fn close_code(self) -> u16 {
        match self {
            Self::TooLarge => 1009,
            Self::InvalidData | Self::Truncated => 1007,
        }
    }
}

impl fmt::Display for InflateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidData => "invalid compressed data",
            Self::Truncated => "compressed message ends inside a block",
            Self::TooLarge => "compressed message inflates beyond the limit",
        })
    }
}

impl Error for InflateError {}

/// Why a client must refuse the answer of a server and fail the connection (RFC 7692 §5.1, §7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NegotiationError {
    /// The header does not follow the grammar (RFC 6455 §9.1), or names no extension.
    Malformed,
    /// The answer names an extension other than `permessage-deflate`.
    UnknownExtension,
    /// The answer names `permessage-deflate` twice.
    RepeatedExtension,
    /// A parameter that RFC 7692 §7.1 does not define.
    UnknownParameter,
    /// A parameter occurs twice (RFC 7692 §7.1).
    DuplicateParameter,
    /// A value where none may be (RFC 7692 §7.1.1).
    UnexpectedValue,
    /// A parameter without the value that it must have (RFC 7692 §7.1.2).
    MissingValue,
    /// Window bits that are no number from 8 to 15 without leading zeros (RFC 7692 §7.1.2).
    InvalidWindowBits,
    /// The server ignored our `server_no_context_takeover` (RFC 7692 §7.1.1.1).
    ServerTakesContextOver,
    /// The server answered a larger `server_max_window_bits` than offered, or none (RFC 7692 §7.1.2.1).
    ServerWindowTooLarge,
    /// The server answered a larger `client_max_window_bits` than offered (RFC 7692 §7.1.2.2).
    ClientWindowTooLarge,
}

impl fmt::Display for NegotiationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "malformed Sec-WebSocket-Extensions header",
            Self::UnknownExtension => "extension was not offered",
            Self::RepeatedExtension => "permessage-deflate answered more than once",
            Self::UnknownParameter => "unknown permessage-deflate parameter",
            Self::DuplicateParameter => "duplicate permessage-deflate parameter",
            Self::UnexpectedValue => "no_context_takeover parameter with a value",
            Self::MissingValue => "max_window_bits parameter without a value",
            Self::InvalidWindowBits => "window bits are not a number from 8 to 15",
            Self::ServerTakesContextOver => "server_no_context_takeover was offered but not answered",
            Self::ServerWindowTooLarge => "server_max_window_bits is larger than offered",
            Self::ClientWindowTooLarge => "client_max_window_bits is larger than offered",
        })
    }
}

impl Error for NegotiationError {}
