//! The server's side of the handshake (RFC 6455 §4.2).

use alloc::vec::Vec;
use core::fmt::Write as _;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::error::{HandshakeError, InvalidHeader};
use super::token::{has_token, tokens, values};
use super::{AcceptKey, accept_key, check_headers, write_headers};

/// Keys from careless clients may have stray bits in their last character; all that matters is that it is 16 bytes.
const KEY_BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

/// The parts of a parsed HTTP request that the handshake depends on.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a, H> {
    /// The method, as sent.
    pub method: &'a str,
    /// The x of HTTP/1.x.
    pub version_minor: u8,
    /// The header lines: name and value.
    pub headers: H,
}

/// A request that can be answered with status 101.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Accepted {
    /// The value of `Sec-WebSocket-Accept`.
    pub accept_key: AcceptKey,
}

impl<'a, H> Request<'a, H>
where
    H: Iterator<Item = (&'a str, &'a [u8])> + Clone,
{
    /// Checks whether the request opens a WebSocket connection (§4.2.1).
    ///
    /// # Errors
    ///
    /// The first rule that is not kept, in the order of [`HandshakeError`]'s variants.
    pub fn accept(&self) -> Result<Accepted, HandshakeError> {
        let headers = &self.headers;
        if self.method != "GET" {
            return Err(HandshakeError::Method);
        }
        if self.version_minor < 1 {
            return Err(HandshakeError::HttpVersion);
        }
        let mut hosts = values(headers, "Host");
        if hosts.next().is_none_or(<[u8]>::is_empty) {
            return Err(HandshakeError::HostMissing);
        }
        if hosts.next().is_some() {
            return Err(HandshakeError::HostRepeated);
        }
        if !has_token(headers, "Upgrade", "websocket") {
            return Err(HandshakeError::Upgrade);
        }
        if !has_token(headers, "Connection", "upgrade") {
            return Err(HandshakeError::Connection);
        }
        let accept_key = check_key(values(headers, "Sec-WebSocket-Key"))?;
        if !tokens(headers, "Sec-WebSocket-Version").any(|version| version == b"13") {
            return Err(HandshakeError::Version);
        }
        Ok(Accepted { accept_key })
    }
}

fn check_key<'a>(mut keys: impl Iterator<Item = &'a [u8]>) -> Result<AcceptKey, HandshakeError> {
    let key = keys.next().unwrap_or(b"");
    if key.is_empty() {
        return Err(HandshakeError::KeyMissing);
    }
    // 24 characters of base64 are at most 18 bytes; anything longer does not fit and is refused.
    let mut nonce = [0; 18];
    let decoded = KEY_BASE64.decode_slice(key, &mut nonce);
    if decoded != Ok(16) || keys.next().is_some() {
        return Err(HandshakeError::KeyInvalid);
    }
    Ok(accept_key(key))
}

impl Accepted {
    /// Appends the response with status 101 (§4.2.2). The `extra` headers, such as `Sec-WebSocket-Protocol` and
    /// `Sec-WebSocket-Extensions`, follow in their order.
    ///
    /// # Errors
    ///
    /// [`InvalidHeader`] if an extra header could not be sent; nothing has been appended then.
    pub fn write_response(&self, extra: &[(&str, &str)], out: &mut Vec<u8>) -> Result<(), InvalidHeader> {
        check_headers(extra)?;
        out.extend_from_slice(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ",
        );
        out.extend_from_slice(&self.accept_key);
        out.extend_from_slice(b"\r\n");
        write_headers(extra, out);
        out.extend_from_slice(b"\r\n");
        Ok(())
    }
}

/// What a response says for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Body<'a> {
    /// The value of `Content-Type`.
    pub content_type: &'a str,
    /// The body itself.
    pub text: &'a str,
}

impl<'a> Body<'a> {
    /// Plain text.
    #[must_use]
    pub fn plain(text: &'a str) -> Body<'a> {
        Body { content_type: "text/plain; charset=utf-8", text }
    }

    /// A page.
    #[must_use]
    pub fn html(text: &'a str) -> Body<'a> {
        Body { content_type: "text/html; charset=utf-8", text }
    }
}

/// Appends the response that refuses a request, with the status text as its body. `extra` headers, such as `Date`, come
/// before `Content-Length`. The connection can go on to another request.
///
/// # Errors
///
/// [`InvalidHeader`] if an extra header could not be sent; nothing has been appended then.
pub fn write_refusal(status: u16, extra: &[(&str, &str)], out: &mut Vec<u8>) -> Result<(), InvalidHeader> {
    write_refusal_with_body(status, extra, Body::plain(status_text(status)), out)
}

/// The same with a body that says more than the status does, and that has no line end behind its last line.
///
/// # Errors
///
/// As [`write_refusal`].
pub fn write_refusal_with_body(
    status: u16,
    extra: &[(&str, &str)],
    body: Body<'_>,
    out: &mut Vec<u8>,
) -> Result<(), InvalidHeader> {
    let Body { content_type, text } = body;
    check_headers(extra)?;
    check_headers(&[("Content-Type", content_type)])?;
    let mut line = alloc::string::String::new();
    // Writing to a String cannot fail.
    let _ = write!(line, "HTTP/1.1 {status} {}\r\n", status_text(status));
    out.extend_from_slice(line.as_bytes());
    write_headers(
        &[
            ("Content-Type", content_type),
            ("Sec-Websocket-Version", "13"),
            ("X-Content-Type-Options", "nosniff"),
        ],
        out,
    );
    write_headers(extra, out);
    line.clear();
    let _ = write!(line, "Content-Length: {}\r\n\r\n{text}\n", text.len() + 1);
    out.extend_from_slice(line.as_bytes());
    Ok(())
}

/// The reason phrases of the statuses that a WebSocket server refuses with (RFC 9110 §15).
#[must_use]
pub fn status_text(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Refused",
    }
}
