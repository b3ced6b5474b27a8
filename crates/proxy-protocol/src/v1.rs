//! Version 1: `PROXY TCP4 203.0.113.7 10.0.0.1 41352 443` CR LF (PROXY §2.1).

use alloc::vec::Vec;
use core::fmt::{self, Write as _};
use core::net::{SocketAddrV4, SocketAddrV6};
use core::str::FromStr;

use crate::error::HeaderError;
use crate::header::{Header, Origin, Version};

/// How every line starts.
pub(crate) const SIGNATURE: &[u8] = b"PROXY ";

/// The longest line, with its CR LF: `UNKNOWN` with two IPv6 addresses of full length.
const LINE_LEN_MAX: usize = 107;

/// Reads what starts like a line of version 1.
pub(crate) fn parse(received: &[u8]) -> Result<Option<(Header, usize)>, HeaderError> {
    let window = &received[..received.len().min(LINE_LEN_MAX)];
    let Some(end) = window.iter().position(|&byte| byte == b'\n') else {
        return if window.len() < LINE_LEN_MAX { Ok(None) } else { Err(HeaderError::LineTooLong) };
    };
    let line = window[..end].strip_suffix(b"\r").ok_or(HeaderError::LineEnd)?;
    // The signature is shorter than any line that starts with it and ends with CR LF.
    let origin = parse_fields(line.get(SIGNATURE.len()..).ok_or(HeaderError::Protocol)?)?;
    Ok(Some((Header { version: Version::V1, origin }, end + 1)))
}

fn parse_fields(fields: &[u8]) -> Result<Origin, HeaderError> {
    let mut fields = fields.split(|&byte| byte == b' ');
    match fields.next() {
        // Whatever follows is to be ignored.
        Some(b"UNKNOWN") => Ok(Origin::Unknown),
        Some(b"TCP4") => {
            let [source, destination] = addresses(fields)?;
            let address = |(ip, port): (&[u8], u16)| Ok(SocketAddrV4::new(parse_ip(ip)?, port));
            Ok(Origin::Tcp4 { source: address(source)?, destination: address(destination)? })
        }
        Some(b"TCP6") => {
            let [source, destination] = addresses(fields)?;
            let address = |(ip, port): (&[u8], u16)| Ok(SocketAddrV6::new(parse_ip(ip)?, port, 0, 0));
            Ok(Origin::Tcp6 { source: address(source)?, destination: address(destination)? })
        }
        _ => Err(HeaderError::Protocol),
    }
}

/// The four fields behind the protocol, as two pairs of address and port.
fn addresses<'a>(mut fields: impl Iterator<Item = &'a [u8]>) -> Result<[(&'a [u8], u16); 2], HeaderError> {
    let mut next = || fields.next().ok_or(HeaderError::Fields);
    let [source, destination, source_port, destination_port] = [next()?, next()?, next()?, next()?];
    if fields.next().is_some() {
        return Err(HeaderError::Fields);
    }
    Ok([(source, parse_port(source_port)?), (destination, parse_port(destination_port)?)])
}

fn parse_ip<T: FromStr>(text: &[u8]) -> Result<T, HeaderError> {
    core::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or(HeaderError::Address)
}

fn parse_port(text: &[u8]) -> Result<u16, HeaderError> {
    let is_plain = text.iter().all(u8::is_ascii_digit) && (text.len() == 1 || !text.starts_with(b"0"));
    let text = core::str::from_utf8(text).ok().filter(|_| is_plain);
    text.and_then(|text| text.parse().ok()).ok_or(HeaderError::Port)
}

/// Appends the line.
pub(crate) fn encode(origin: &Origin, out: &mut Vec<u8>) {
    let mut line = Line(out);
    // Writing to a vector does not fail.
    let _ = match origin {
        Origin::Local | Origin::Unknown => line.write_str("PROXY UNKNOWN\r\n"),
        Origin::Tcp4 { source: s, destination: d } => {
            write!(line, "PROXY TCP4 {} {} {} {}\r\n", s.ip(), d.ip(), s.port(), d.port())
        }
        Origin::Tcp6 { source: s, destination: d } => {
            write!(line, "PROXY TCP6 {} {} {} {}\r\n", s.ip(), d.ip(), s.port(), d.port())
        }
    };
}

struct Line<'a>(&'a mut Vec<u8>);

impl fmt::Write for Line<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}
