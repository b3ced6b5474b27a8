//! The client's side of the handshake (RFC 6455 §4.1).

use alloc::borrow::Cow;
use alloc::vec::Vec;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::error::{InvalidHeader, ResponseError};
use super::token::{has_token, joined, values};
use super::{AcceptKey, accept_key, check_headers, is_token_byte, write_headers};

/// What a client asked for besides the connection itself. A response may name nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offer<'a> {
    /// The subprotocols, the preferred one first.
    pub protocols: &'a [&'a str],
    /// The value of `Sec-WebSocket-Extensions`; empty for none.
    pub extensions: &'a str,
}

/// The parts of a parsed HTTP response that the handshake depends on.
#[derive(Clone, Copy, Debug)]
pub struct Response<H> {
    /// The status code.
    pub status: u16,
    /// The header lines: name and value.
    pub headers: H,
}

/// What client and server agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Agreed<'a> {
    /// The subprotocol, one of those offered.
    pub protocol: Option<&'a str>,
    /// The value of `Sec-WebSocket-Extensions`, to be checked against the offer by whoever knows the extension.
    pub extensions: Option<Cow<'a, str>>,
}

/// Appends the request that opens a connection, and gives the accept key that the response has to have.
///
/// `host` is the value of `Host`, with the port unless it is the scheme's own. `path` is path and query and begins with
/// `/`. `nonce` is 16 random bytes, new for each connection. The `extra` headers come last, such as `Origin`.
///
/// # Errors
///
/// [`InvalidHeader`] if one of the texts could not be sent in its place; nothing has been appended then.
pub fn write_request(
    host: &str,
    path: &str,
    nonce: [u8; 16],
    offer: &Offer<'_>,
    extra: &[(&str, &str)],
    out: &mut Vec<u8>,
) -> Result<AcceptKey, InvalidHeader> {
    let valid_path = path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic());
    let valid_protocol = |name: &&str| !name.is_empty() && name.bytes().all(is_token_byte);
    if host.is_empty() || !valid_path || !offer.protocols.iter().all(valid_protocol) {
        return Err(InvalidHeader);
    }
    let protocols = offer.protocols.join(", ");
    let mut key = [0; 24];
    let written = STANDARD.encode_slice(nonce, &mut key);
    debug_assert_eq!(written, Ok(key.len()), "16 bytes are 24 characters");
    let key_text = core::str::from_utf8(&key).unwrap_or_default();
    let headers = [
        ("Host", host),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", key_text),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Protocol", &protocols),
        ("Sec-WebSocket-Extensions", offer.extensions),
    ];
    check_headers(&headers)?;
    check_headers(extra)?;
    out.extend_from_slice(b"GET ");
    out.extend_from_slice(path.as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\n");
    write_headers(&headers[..5], out);
    for header in &headers[5..] {
        if !header.1.is_empty() {
            write_headers(&[*header], out);
        }
    }
    write_headers(extra, out);
    out.extend_from_slice(b"\r\n");
    Ok(accept_key(&key))
}

impl<'a, H> Response<H>
where
    H: Iterator<Item = (&'a str, &'a [u8])> + Clone,
{
    /// Checks whether the response opens the connection; `expected` is what [`write_request`] gave.
    ///
    /// # Errors
    ///
    /// The first rule that is not kept, in the order of [`ResponseError`]'s variants.
    pub fn check(&self, expected: &AcceptKey, offer: &Offer<'_>) -> Result<Agreed<'a>, ResponseError> {
        let headers = &self.headers;
        if self.status != 101 {
            return Err(ResponseError::Status(self.status));
        }
        if !has_token(headers, "Upgrade", "websocket") {
            return Err(ResponseError::Upgrade);
        }
        if !has_token(headers, "Connection", "upgrade") {
            return Err(ResponseError::Connection);
        }
        if !values(headers, "Sec-WebSocket-Accept").eq([&expected[..]]) {
            return Err(ResponseError::Accept);
        }
        let protocol = check_protocol(values(headers, "Sec-WebSocket-Protocol"), offer.protocols)?;
        let extensions = joined(headers, "Sec-WebSocket-Extensions").filter(|text| !text.is_empty());
        if extensions.is_some() && offer.extensions.is_empty() {
            return Err(ResponseError::Extensions);
        }
        Ok(Agreed { protocol, extensions })
    }
}

fn check_protocol<'a>(
    mut chosen: impl Iterator<Item = &'a [u8]>,
    offered: &[&str],
) -> Result<Option<&'a str>, ResponseError> {
    let Some(name) = chosen.next() else { return Ok(None) };
    let name = core::str::from_utf8(name).map_err(|_| ResponseError::Protocol)?;
    if chosen.next().is_some() || !offered.contains(&name) {
        return Err(ResponseError::Protocol);
    }
    Ok(Some(name))
}
