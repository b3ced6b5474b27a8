//! How a connection ends: with its last words.

use dunlin_nats_protocol::ParseError;
use dunlin_permessage_deflate::InflateError;
use dunlin_session::CloseReason;
use dunlin_websocket::{CloseCode, ProtocolError, encode_close};

/// Why a connection ends, as far as the worker knows more than the session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Ending {
    /// The session, or a limit of the server.
    Session(CloseReason),
    /// The peer broke the rules of WebSocket framing.
    Framing(ProtocolError),
    /// A compressed message of the peer cannot be inflated.
    Inflate(InflateError),
    /// The peer sent a close frame; it gets the same back.
    CloseFrame { code: Option<CloseCode>, reason: Box<str> },
    /// The HTTP exchange is over.
    Http,
    /// The TLS handshake has failed. What there is to say in TLS has been said.
    Handshake,
    /// The peer has gone, or the socket does not work: there is nobody to tell.
    Gone(CloseReason),
}

impl Ending {
    /// The text of the `-ERR` that comes before the close.
    pub(crate) fn wire_text(&self) -> Option<&'static str> {
        match self {
            Ending::Session(reason) => reason.wire_text(),
            Ending::Inflate(InflateError::TooLarge) => Some("Maximum Inflated Message Size Exceeded"),
            Ending::Inflate(_) => Some("Invalid Compressed Data"),
            Ending::Framing(_)
            | Ending::CloseFrame { .. }
            | Ending::Http
            | Ending::Handshake
            | Ending::Gone(_) => None,
        }
    }

    /// Appends the WebSocket close frame.
    pub(crate) fn encode_close_frame(&self, out: &mut Vec<u8>) {
        match self {
            Ending::Session(reason) => {
                encode_close(Some(CloseCode(reason.close_code())), reason.text(), None, out);
            }
            Ending::Framing(error) => encode_close(Some(error.close_code()), &error.to_string(), None, out),
            Ending::Inflate(error) => encode_close(Some(inflate_code(*error)), self.text(), None, out),
            Ending::CloseFrame { code, reason } => encode_close(*code, reason, None, out),
            Ending::Http | Ending::Gone(_) | Ending::Handshake => {}
        }
    }

    /// The reason in monitoring and in logs (nats: /connz `reason`).
    pub(crate) fn text(&self) -> &'static str {
        match self {
            Ending::Session(reason) | Ending::Gone(reason) => reason.text(),
            Ending::Inflate(InflateError::TooLarge) => CloseReason::Parse(ParseError::PayloadTooBig).text(),
            Ending::Framing(_) | Ending::Inflate(_) => "Protocol Violation",
            Ending::Handshake => CloseReason::TlsRequired.text(),
            Ending::CloseFrame { .. } | Ending::Http => CloseReason::ClientClosed.text(),
        }
    }

    /// Whether the peer can still be told anything.
    pub(crate) fn has_listener(&self) -> bool {
        !matches!(self, Ending::Gone(_))
    }
}

/// Too much (1009), or nothing that DEFLATE could have made (1007): RFC 6455 §7.4.1.
fn inflate_code(error: InflateError) -> CloseCode {
    if error == InflateError::TooLarge { CloseCode(1009) } else { CloseCode(1007) }
}
