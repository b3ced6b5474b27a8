//! Version 2: signature, version and command, family, length, addresses, further fields (PROXY §2.2).

use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};

use crate::error::HeaderError;
use crate::header::{Header, Origin, Version};

/// How every header starts: chosen so that no text protocol can start so.
pub(crate) const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// Signature, version and command, family, length.
pub(crate) const PREFIX_LEN: usize = 16;
/// The most bytes behind the prefix. Addresses take at most 216; the rest is for fields such as the names in a client's
/// certificate, which the proxy may add and which are skipped.
pub(crate) const BODY_LEN_MAX: usize = 4096;

const LOCAL: u8 = 0x20;
const PROXY: u8 = 0x21;
const UNSPEC: u8 = 0x00;
const TCP4: u8 = 0x11;
const TCP6: u8 = 0x21;
const UNIX_STREAM: u8 = 0x31;

const TCP4_LEN: usize = 12;
const TCP6_LEN: usize = 36;
const UNIX_LEN: usize = 216;

/// Reads what starts like a header of version 2.
pub(crate) fn parse(received: &[u8]) -> Result<Option<(Header, usize)>, HeaderError> {
    // What is wrong is told as soon as it is seen: a peer that sends nothing more need not be waited for.
    let at = |index: usize| received.get(index).copied();
    let Some(command) = at(12) else { return Ok(None) };
    match command {
        LOCAL | PROXY => {}
        _ if command >> 4 != 2 => return Err(HeaderError::Version),
        _ => return Err(HeaderError::Command),
    }
    let Some(family) = at(13) else { return Ok(None) };
    let least = match family {
        // The addresses of LOCAL are to be ignored, whatever they are.
        _ if command == LOCAL => 0,
        UNSPEC => 0,
        TCP4 => TCP4_LEN,
        TCP6 => TCP6_LEN,
        UNIX_STREAM => UNIX_LEN,
        _ => return Err(HeaderError::Family),
    };
    let (Some(high), Some(low)) = (at(14), at(15)) else { return Ok(None) };
    let body_len = usize::from(u16::from_be_bytes([high, low]));
    if body_len > BODY_LEN_MAX {
        return Err(HeaderError::TooLong);
    }
    if body_len < least {
        return Err(HeaderError::TooShort);
    }
    let len = PREFIX_LEN + body_len;
    let Some(body) = received.get(PREFIX_LEN..len) else { return Ok(None) };
    let origin = match family {
        _ if command == LOCAL => Origin::Local,
        TCP4 => tcp4(body).ok_or(HeaderError::TooShort)?,
        TCP6 => tcp6(body).ok_or(HeaderError::TooShort)?,
        _ => Origin::Unknown,
    };
    Ok(Some((Header { version: Version::V2, origin }, len)))
}

fn tcp4(body: &[u8]) -> Option<Origin> {
    let (source, rest) = body.split_first_chunk::<4>()?;
    let (destination, rest) = rest.split_first_chunk::<4>()?;
    let [source_port, destination_port] = ports(rest)?;
    Some(Origin::Tcp4 {
        source: SocketAddrV4::new(Ipv4Addr::from(*source), source_port),
        destination: SocketAddrV4::new(Ipv4Addr::from(*destination), destination_port),
    })
}

fn tcp6(body: &[u8]) -> Option<Origin> {
    let (source, rest) = body.split_first_chunk::<16>()?;
    let (destination, rest) = rest.split_first_chunk::<16>()?;
    let [source_port, destination_port] = ports(rest)?;
    Some(Origin::Tcp6 {
        source: SocketAddrV6::new(Ipv6Addr::from(*source), source_port, 0, 0),
        destination: SocketAddrV6::new(Ipv6Addr::from(*destination), destination_port, 0, 0),
    })
}

fn ports(rest: &[u8]) -> Option<[u16; 2]> {
    let [a, b, c, d] = *rest.first_chunk::<4>()?;
    Some([u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])])
}

/// Appends the header, without further fields.
pub(crate) fn encode(origin: &Origin, out: &mut Vec<u8>) {
    let (command, family, len) = match origin {
        Origin::Local => (LOCAL, UNSPEC, 0),
        Origin::Unknown => (PROXY, UNSPEC, 0),
        Origin::Tcp4 { .. } => (PROXY, TCP4, TCP4_LEN),
        Origin::Tcp6 { .. } => (PROXY, TCP6, TCP6_LEN),
    };
    out.extend_from_slice(SIGNATURE);
    out.extend_from_slice(&[command, family, 0, len as u8]);
    match origin {
        Origin::Local | Origin::Unknown => {}
        Origin::Tcp4 { source, destination } => {
            out.extend_from_slice(&source.ip().octets());
            out.extend_from_slice(&destination.ip().octets());
            encode_ports(source.port(), destination.port(), out);
        }
        Origin::Tcp6 { source, destination } => {
            out.extend_from_slice(&source.ip().octets());
            out.extend_from_slice(&destination.ip().octets());
            encode_ports(source.port(), destination.port(), out);
        }
    }
}

fn encode_ports(source: u16, destination: u16, out: &mut Vec<u8>) {
    out.extend_from_slice(&source.to_be_bytes());
    out.extend_from_slice(&destination.to_be_bytes());
}
