//! What peers send, written from a script, so that the fuzzer need not find out what passes each layer.

use core::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};

use dunlin_permessage_deflate::{MessageCompressor, Params, Role};
use dunlin_proxy_protocol::{Header, Origin, Version};

use super::WIRE_LEN_MAX;

/// The mask of every frame that has one.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

const HANDSHAKE: &str = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

/// Steps of a byte that says what is sent, a length byte and so many bytes of text. `plain`: without compression.
pub(super) fn write(script: &[u8], plain: bool) -> Vec<u8> {
    let mut wire = Vec::new();
    for (kind, text) in steps(script) {
        if wire.len() >= WIRE_LEN_MAX {
            break;
        }
        match kind {
            8 | 9 if plain => frame(0x82, true, text, &mut wire),
            10 if plain => frame(0x82, true, &text.repeat(32), &mut wire),
            _ => step(kind, text, &mut wire),
        }
    }
    wire
}

/// Whether the wire is one of whole requests and whole frames, and compressed as it should be where it is.
pub(super) fn is_regular(script: &[u8]) -> bool {
    steps(script).all(|(kind, text)| match kind {
        0 => text == [0x16],
        1..4 => text.is_empty() || is_header(text),
        4 => !text.contains(&b'\n'),
        7 => text.first().is_none_or(|first| first & 0x40 == 0),
        13 => false,
        _ => true,
    })
}

/// One header line.
fn is_header(text: &[u8]) -> bool {
    text.strip_suffix(b"\r\n").is_some_and(|line| !line.is_empty() && !line.contains(&b'\n'))
}

fn steps(mut script: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    core::iter::from_fn(move || {
        let [kind, len, rest @ ..] = script else { return None };
        let (text, rest) = rest.split_at(usize::from(*len).min(rest.len()));
        script = rest;
        Some((kind % 14, text))
    })
}

fn step(kind: u8, text: &[u8], wire: &mut Vec<u8>) {
    match kind {
        0 => wire.extend_from_slice(text),
        1 => head(HANDSHAKE, text, wire),
        2 => head(&format!("{HANDSHAKE}Sec-WebSocket-Extensions: permessage-deflate\r\n"), text, wire),
        3 => head(&format!("{HANDSHAKE}Nats-No-Masking: true\r\nUser-Agent: Mozilla/5.0\r\n"), text, wire),
        4 => {
            wire.extend_from_slice(b"GET ");
            wire.extend_from_slice(text);
            wire.extend_from_slice(b" HTTP/1.1\r\nHost: a\r\n\r\n");
        }
        5 => frame(0x82, true, text, wire),
        6 => frame(0x82, false, text, wire),
        7 => {
            // Any first byte: fragments, control frames, reserved bits.
            let (first, text) = text.split_first().unwrap_or((&0x89, &[]));
            frame(*first, true, text, wire);
        }
        8 => frame(0xc2, true, &deflated(text), wire),
        9 => fragments(&deflated(text), wire),
        10 => frame(0xc2, true, &deflated(&text.repeat(32)), wire),
        11 => (0..32).for_each(|_| frame(0x89, true, text, wire)),
        12 => proxy(text.len(), wire),
        _ => wire.extend(text.repeat(32)),
    }
}

/// A request head with more header lines.
fn head(start: &str, more: &[u8], wire: &mut Vec<u8>) {
    wire.extend_from_slice(start.as_bytes());
    wire.extend_from_slice(more);
    wire.extend_from_slice(b"\r\n");
}

fn frame(first: u8, is_masked: bool, payload: &[u8], wire: &mut Vec<u8>) {
    let mask_bit = if is_masked { 0x80 } else { 0 };
    wire.push(first);
    match u16::try_from(payload.len()) {
        Ok(len) if len < 126 => wire.push(mask_bit | len as u8),
        Ok(len) => {
            wire.push(mask_bit | 126);
            wire.extend(len.to_be_bytes());
        }
        Err(_) => {
            wire.push(mask_bit | 127);
            wire.extend((payload.len() as u64).to_be_bytes());
        }
    }
    let mask = if is_masked { MASK } else { [0; 4] };
    if is_masked {
        wire.extend(mask);
    }
    wire.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
}

/// A compressed message in frames of three bytes, with a ping in its midst.
fn fragments(payload: &[u8], wire: &mut Vec<u8>) {
    let count = payload.chunks(3).len();
    for (at, part) in payload.chunks(3).enumerate() {
        let fin = if at + 1 == count { 0x80 } else { 0 };
        frame(if at == 0 { 0x42 } else { 0 } | fin, true, part, wire);
        if at == 0 && count > 1 {
            frame(0x89, true, b"amid", wire);
        }
    }
}

fn deflated(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    MessageCompressor::new(&Params::default(), Role::Client).compress(message, &mut out);
    out
}

fn proxy(choice: usize, wire: &mut Vec<u8>) {
    let origin = match choice >> 1 & 3 {
        0 => Origin::Tcp4 {
            source: SocketAddrV4::new(Ipv4Addr::new(203, 0, 113, 7), 4711),
            destination: SocketAddrV4::new(Ipv4Addr::LOCALHOST, 443),
        },
        1 => Origin::Tcp6 {
            source: SocketAddrV6::new(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7), 4711, 0, 0),
            destination: SocketAddrV6::new(Ipv6Addr::LOCALHOST, 443, 0, 0),
        },
        2 => Origin::Local,
        _ => Origin::Unknown,
    };
    let version = if choice & 1 == 0 { Version::V1 } else { Version::V2 };
    Header { version, origin }.encode(wire);
}
