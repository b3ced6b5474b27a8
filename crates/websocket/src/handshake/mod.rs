//! The opening handshake (RFC 6455 §4), as functions over HTTP heads that somebody else has parsed.
//!
//! Headers come as an iterator of `(name, value)`, so the array of any HTTP parser does without copying. With `httparse`:
//!
//! ```
//! use dunlin_websocket::handshake::{self, Request};
//!
//! let head = b"GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
//!     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
//!     Sec-WebSocket-Protocol: chat, superchat\r\n\r\n";
//! let mut headers = [httparse::EMPTY_HEADER; 32];
//! let mut parsed = httparse::Request::new(&mut headers);
//! assert!(parsed.parse(head).unwrap().is_complete());
//!
//! let request = Request {
//!     method: parsed.method.unwrap_or(""),
//!     version_minor: parsed.version.unwrap_or(0),
//!     headers: parsed.headers.iter().map(|header| (header.name, header.value)),
//! };
//! let mut out = Vec::new();
//! match request.accept() {
//!     Ok(accepted) => {
//!         let protocol = handshake::select_protocol(&request.headers, &["superchat"]);
//!         let extra: Vec<_> = protocol.map(|name| ("Sec-WebSocket-Protocol", name)).into_iter().collect();
//!         accepted.write_response(&extra, &mut out).unwrap();
//!     }
//!     Err(refused) => handshake::write_refusal(refused.status(), &[], &mut out).unwrap(),
//! }
//! assert_eq!(
//!     String::from_utf8(out).unwrap(),
//!     "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
//!      Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: superchat\r\n\r\n",
//! );
//! ```
//!
//! Whether pages of a request's origin are let in (§4.2.2) is for [`OriginPolicy`] and [`Reach`] to say, which the server asks
//! besides.
//!
//! Not done here: reading and limiting the head, paths, authentication, and the parameters of extensions, which are passed
//! through as text.

mod client;
mod error;
mod origin;
mod reach;
mod server;
mod token;

pub use client::{Agreed, Offer, Response, write_request};
pub use error::{HandshakeError, InvalidHeader, ResponseError};
pub use origin::{Origin, OriginError, OriginPattern, OriginPolicy, OriginRefusal};
pub use reach::Reach;
pub use server::{Accepted, Body, Request, status_text, write_refusal, write_refusal_with_body};
pub use token::{has_token, joined, select_protocol, tokens, values};

use alloc::vec::Vec;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The value of `Sec-WebSocket-Accept`: 28 characters of base64.
pub type AcceptKey = [u8; 28];

/// What the key is hashed with (§1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The answer to a `Sec-WebSocket-Key`, whose value is taken as it stands (§4.2.2).
///
/// ```
/// use dunlin_websocket::handshake::accept_key;
/// assert_eq!(&accept_key(b"dGhlIHNhbXBsZSBub25jZQ=="), b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// ```
#[must_use]
pub fn accept_key(key: &[u8]) -> AcceptKey {
    let mut hash = sha1_smol::Sha1::new();
    hash.update(key);
    hash.update(GUID);
    let mut out = [0; 28];
    let written = STANDARD.encode_slice(hash.digest().bytes(), &mut out);
    debug_assert_eq!(written, Ok(out.len()), "20 bytes are 28 characters");
    out
}

/// Appends `name: value` lines.
fn write_headers(headers: &[(&str, &str)], out: &mut Vec<u8>) {
    for (name, value) in headers {
        for part in [name, ": ", value, "\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
    }
}

/// Keeps a header from ending early and starting another one, or another message.
fn check_headers(headers: &[(&str, &str)]) -> Result<(), InvalidHeader> {
    let valid = headers.iter().all(|(name, value)| {
        !name.is_empty() && name.bytes().all(is_token_byte) && !value.bytes().any(is_control_byte)
    });
    if valid { Ok(()) } else { Err(InvalidHeader) }
}

/// RFC 9110 §5.6.2.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// What may not stand in a header's value (RFC 9110 §5.5); a tab may.
fn is_control_byte(byte: u8) -> bool {
    byte.is_ascii_control() && byte != b'\t'
}
