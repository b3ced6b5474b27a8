//! Why a handshake fails.

use core::fmt;

/// Why a server refuses a request (RFC 6455 §4.2.1). `Display` is a short text for a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The method is not GET.
    Method,
    /// The request is HTTP/1.0.
    HttpVersion,
    /// `Host` is missing or empty.
    HostMissing,
    /// More than one `Host` (RFC 9112 §3.2).
    HostRepeated,
    /// `Upgrade` has no token `websocket`.
    Upgrade,
    /// `Connection` has no token `Upgrade`.
    Connection,
    /// `Sec-WebSocket-Key` is missing.
    KeyMissing,
    /// `Sec-WebSocket-Key` is not the base64 of 16 bytes, or there are several.
    KeyInvalid,
    /// `Sec-WebSocket-Version` does not name version 13.
    Version,
}

impl HandshakeError {
    /// The HTTP status of the refusal: 405 for the method, else 400.
    ///
    /// (§4.4 would have 426 for the version; what tells the client is the `Sec-WebSocket-Version` header of the
    /// [refusal](super::write_refusal), with either status.)
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::Method => 405,
            _ => 400,
        }
    }
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Method => "request method must be GET",
            Self::HttpVersion => "HTTP version must be 1.1",
            Self::HostMissing => "'Host' missing in request",
            Self::HostRepeated => "more than one 'Host' in request",
            Self::Upgrade => "invalid value for header 'Upgrade'",
            Self::Connection => "invalid value for header 'Connection'",
            Self::KeyMissing => "key missing",
            Self::KeyInvalid => "invalid websocket key",
            Self::Version => "invalid version",
        })
    }
}

impl core::error::Error for HandshakeError {}

/// Why a client does not take a response as the end of the handshake (§4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResponseError {
    /// The status is not 101.
    Status(u16),
    /// `Upgrade` has no token `websocket`.
    Upgrade,
    /// `Connection` has no token `Upgrade`.
    Connection,
    /// `Sec-WebSocket-Accept` is missing or does not belong to the key.
    Accept,
    /// `Sec-WebSocket-Protocol` names what was not offered, or there are several.
    Protocol,
    /// `Sec-WebSocket-Extensions` came though none was offered.
    Extensions,
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Status(status) => return write!(f, "unexpected status {status}"),
            Self::Upgrade => "invalid value for header 'Upgrade'",
            Self::Connection => "invalid value for header 'Connection'",
            Self::Accept => "invalid value for header 'Sec-WebSocket-Accept'",
            Self::Protocol => "subprotocol was not offered",
            Self::Extensions => "extension was not offered",
        })
    }
}

impl core::error::Error for ResponseError {}

/// A header, host or path to be written has a byte in it that must not stand there, such as a line end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InvalidHeader;

impl fmt::Display for InvalidHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid character in header")
    }
}

impl core::error::Error for InvalidHeader {}
