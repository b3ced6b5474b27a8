//! A use of each crate that runs through most of its code.

use alloc::vec::Vec;

use dunlin_forwarded::{Fields, TrustedProxies, resolve};
use dunlin_nats_protocol::{ClientOp, Parser};
use dunlin_permessage_deflate::{Compressor, Config, Decompressor, Params, Role};
use dunlin_subject::{Filter, Matches, Subject, SubjectError, Sublist};
use dunlin_websocket::{Assembler, Event, handshake};

/// Each returns whether what it tried went well.
pub(crate) const ALL: [fn() -> bool; 6] =
    [websocket, permessage_deflate, nats_protocol, subject, proxy_protocol, forwarded];

fn websocket() -> bool {
    // The example of RFC 6455 §1.3.
    let accept = handshake::accept_key(b"dGhlIHNhbXBsZSBub25jZQ==");
    if accept.as_ref() != b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
        return false;
    }
    // That of §5.7: a masked text frame with "Hello".
    let mut input = *b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    let limits = dunlin_websocket::Limits { frame_len_max: 1024, message_len_max: 1024 };
    let mut assembler = Assembler::new(dunlin_websocket::Role::Server, limits);
    match assembler.next(&mut input) {
        Ok(Some((Event::Data(fragment), 11))) => {
            fragment.text && fragment.last && fragment.payload == b"Hello"
        }
        _ => false,
    }
}

fn permessage_deflate() -> bool {
    let Some(params) = Params::negotiate("permessage-deflate; client_max_window_bits", &Config::default())
    else {
        return false;
    };
    let message = b"the same words, the same words, the same words";
    let mut compressed = Vec::new();
    Compressor::new(&params, Role::Server, 1).compress(message, &mut compressed);
    let mut out = Vec::new();
    let result = Decompressor::new(&params, Role::Client).decompress(&compressed, true, 1024, &mut out);
    result.is_ok() && out == message && compressed.len() < message.len()
}

fn nats_protocol() -> bool {
    let mut parser = Parser::new(dunlin_nats_protocol::Limits::default());
    match parser.next(b"PUB a.b reply 5\r\nhello\r\nPING\r\n") {
        Ok(Some((ClientOp::Publish(publish), 24))) => {
            publish.subject == b"a.b" && publish.reply == Some(b"reply") && publish.payload == b"hello"
        }
        _ => false,
    }
}

fn subject() -> bool {
    matched().is_ok_and(|values| values == [1, 2])
}

fn matched() -> Result<Vec<u32>, SubjectError> {
    let mut list = Sublist::new();
    for (filter, value) in [("a.*", 1), ("a.>", 2), ("b.>", 3)] {
        list.insert(Filter::parse(filter.as_bytes())?, None, value);
    }
    let mut found = Matches::new();
    list.matches(Subject::parse(b"a.b")?, &mut found);
    let mut values = found.plain;
    values.sort_unstable();
    Ok(values)
}

fn proxy_protocol() -> bool {
    let received = b"PROXY TCP4 203.0.113.195 10.0.0.1 41352 443\r\n";
    let Ok(Some((header, len))) = dunlin_proxy_protocol::Header::parse(received) else { return false };
    let mut again = Vec::new();
    header.encode(&mut again);
    len == received.len() && again == received
}

fn forwarded() -> bool {
    let fields = Fields { x_forwarded_for: &[b"203.0.113.195"], ..Fields::default() };
    let client = resolve(core::net::Ipv4Addr::LOCALHOST.into(), &fields, &TrustedProxies::default());
    client.ip == core::net::Ipv4Addr::new(203, 0, 113, 195)
}
