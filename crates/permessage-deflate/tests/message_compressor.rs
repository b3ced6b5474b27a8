//! What `MessageCompressor` and its parts promise: three inflaters read every payload as the message that went in.
#![allow(clippy::unwrap_used)]

mod naive;
mod samples;

use dunlin_permessage_deflate::{
    Compressor, Decompressor, MessageCompressor, Params, Role, end_parts, store_part,
};
use proptest::prelude::*;
use samples::{TAIL, params, structured, zlib_inflate};
use zlib_rs::Inflate;

fn compressor(bits: u8) -> MessageCompressor {
    MessageCompressor::new(&params(bits, false), Role::Server)
}

fn compress(compressor: &mut MessageCompressor, message: &[u8]) -> Vec<u8> {
    let mut payload = Vec::new();
    compressor.compress(message, &mut payload);
    assert!(payload.len() <= message.len() + message.len() / 1024 + 6, "{} bytes", message.len());
    payload
}

fn compress_part(compressor: &mut MessageCompressor, part: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    compressor.compress_part(part, &mut out);
    assert!(out.len() <= part.len() + part.len() / 1024 + 5, "{} bytes", part.len());
    out
}

/// The crate's inflater (which is `miniz_oxide`), zlib-rs, and the plain one, which tells the largest distance.
#[track_caller]
fn check_payload(payload: &[u8], message: &[u8], bits: u8) {
    let mut out = Vec::new();
    let mut decompressor = Decompressor::new(&params(bits, false), Role::Client);
    decompressor.decompress(payload, true, message.len(), &mut out).unwrap();
    assert!(out == message, "own inflater, {bits} bits, {} bytes", message.len());

    let out = zlib_inflate(&mut Inflate::new(false, bits), payload, message.len());
    assert!(out == message, "zlib, {bits} bits, {} bytes", message.len());

    let mut out = Vec::new();
    let distance = naive::inflate(&[payload, &TAIL].concat(), &mut out).unwrap();
    assert!(out == message, "plain inflater, {bits} bits, {} bytes", message.len());
    assert!(distance <= 1 << bits, "distance {distance}, {bits} bits");
}

#[track_caller]
fn check(compressor: &mut MessageCompressor, message: &[u8], bits: u8) {
    check_payload(&compress(compressor, message), message, bits);
    let mut payload = compress_part(compressor, message);
    end_parts(&mut payload);
    check_payload(&payload, message, bits);
}

fn json(len: usize) -> Vec<u8> {
    (0..)
        .flat_map(|n: usize| {
            format!("{{\"sensor\":\"hall-{n}\",\"celsius\":{}.5}},", n * n % 41).into_bytes()
        })
        .take(len)
        .collect()
}

#[test]
fn all_sizes_up_to_300() {
    let mut compressor = compressor(15);
    for len in 0..=300 {
        check(&mut compressor, &vec![b'a'; len], 15);
        check(&mut compressor, &json(len), 15);
        check(&mut compressor, &structured(len as u64, len), 15);
        let noise: Vec<u8> = (0..len).map(|n| (n * n * 31 / 7) as u8).collect();
        check(&mut compressor, &noise, 15);
    }
}

#[test]
fn every_window() {
    for bits in 8..=15 {
        let mut compressor = compressor(bits);
        for len in [0, 1, 255, 256, 257, 3000, 40_000, 70_000] {
            check(&mut compressor, &structured(len as u64, len), bits);
        }
    }
}

/// One byte pattern twice, `distance` apart: a match exactly where the window allows it.
#[test]
fn distances_at_the_edge_of_the_window() {
    let pattern = b"0123456789abcdefghijklmn";
    for bits in 8..=15 {
        let window = 1 << bits;
        for distance in [window - 1, window, window + 1] {
            let mut message = pattern.to_vec();
            message.resize(distance, b'-');
            message.extend_from_slice(pattern);
            let payload = compress(&mut compressor(bits), &message);
            check_payload(&payload, &message, bits);
            let mut out = Vec::new();
            let largest = naive::inflate(&[&payload[..], &TAIL].concat(), &mut out).unwrap();
            assert_eq!(largest, if distance <= window { distance } else { 1 }, "{bits} bits");
        }
    }
}

#[test]
fn runs_of_every_length() {
    let mut compressor = compressor(15);
    for len in 1..=1100 {
        let message = [b"xy", &vec![b'z'; len][..], b"xy"].concat();
        check(&mut compressor, &message, 15);
    }
}

/// Around the lengths at which blocks end, positions are used up and stored blocks are full.
#[test]
fn long_messages() {
    let mut compressor = compressor(15);
    for len in [32_509, 32_510, 32_511, 32_768, 65_019, 65_020, 65_021, 65_535, 65_536, 65_537, 200_000] {
        check(&mut compressor, &structured(len as u64, len), 15);
        check(&mut compressor, &json(len), 15);
        check(&mut compressor, &vec![0; len], 15);
        let noise = structured(1, 1 << 18);
        let noise: Vec<u8> = noise
            .iter()
            .scan(7u32, |state, _| {
                *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                Some((*state >> 24) as u8)
            })
            .take(len)
            .collect();
        check(&mut compressor, &noise, 15);
    }
}

/// Positions run over many times, and the payload is always that of a new compressor.
#[test]
fn the_payload_depends_on_the_message_alone() {
    let mut used = compressor(15);
    for round in 0..3000 {
        let message = structured(round % 50, 37 + 61 * (round as usize % 50));
        assert!(compress(&mut used, &message) == compress(&mut compressor(15), &message), "round {round}");
    }
}

/// Where no context is taken over, one side need not know which compressor the other has.
#[test]
fn interchangeable_with_the_other_compressor() {
    for keep_context in [false, true] {
        let params = params(15, keep_context);
        let mut one = MessageCompressor::new(&params, Role::Server);
        let mut other =
            Compressor::new(&Params { server_no_context_takeover: true, ..params }, Role::Server, 6);
        let mut decompressor = Decompressor::new(&params, Role::Client);
        for round in 0..100 {
            let message = structured(round, 50 * round as usize);
            let (mut payload, mut out) = (Vec::new(), Vec::new());
            if round % 3 == 0 {
                other.compress(&message, &mut payload);
            } else {
                one.compress(&message, &mut payload);
            }
            decompressor.decompress(&payload, true, message.len(), &mut out).unwrap();
            assert!(out == message);
        }
    }
}

#[test]
fn what_it_writes() {
    let mut compressor = compressor(15);
    // RFC 7692 §7.2.3.6, and §7.2.3.1.
    assert_eq!(compress(&mut compressor, b""), [0x00]);
    assert_eq!(compress(&mut compressor, b"Hello"), [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]);
    assert_eq!(compress_part(&mut compressor, b""), []);
    let mut out = Vec::new();
    store_part(b"", &mut out);
    assert_eq!(out, []);
    store_part(b"Hello", &mut out);
    end_parts(&mut out);
    // RFC 7692 §7.2.3.3.
    assert_eq!(out, [0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00]);
}

/// Many sizes of the end of a byte: how much longer a part and its end are than a whole message.
#[test]
fn what_a_part_costs() {
    let mut compressor = compressor(15);
    let (mut sum, mut largest) = (0, 0);
    for len in 200..1200 {
        let message = json(len);
        let whole = compress(&mut compressor, &message).len();
        let cost = compress_part(&mut compressor, &message).len() + 1 - whole;
        sum += cost;
        largest = largest.max(cost);
    }
    assert!(sum <= 2500 && largest <= 6, "{sum} bytes for 1000 messages, {largest} at most");
}

fn message() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..700),
        prop::collection::vec(prop::sample::select(b"abc\n".to_vec()), 0..2000),
        "(\\{\"[a-z]{1,8}\":[0-9]{1,5}\\},?){0,60}".prop_map(String::into_bytes),
        (any::<u64>(), 0usize..5000).prop_map(|(seed, len)| structured(seed, len)),
        (any::<u64>(), 60_000usize..80_000).prop_map(|(seed, len)| structured(seed, len)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_messages(messages in prop::collection::vec(message(), 1..5), bits in 8u8..=15) {
        let mut compressor = compressor(bits);
        for message in messages {
            check(&mut compressor, &message, bits);
        }
    }

    #[test]
    fn any_parts(parts in prop::collection::vec((message(), any::<bool>()), 0..6), bits in 8u8..=15) {
        let mut compressor = compressor(bits);
        let (mut payload, mut message) = (Vec::new(), Vec::new());
        for (part, stored) in parts {
            if stored {
                store_part(&part, &mut payload);
            } else {
                compressor.compress_part(&part, &mut payload);
            }
            message.extend(part);
        }
        end_parts(&mut payload);
        check_payload(&payload, &message, bits);
    }
}
