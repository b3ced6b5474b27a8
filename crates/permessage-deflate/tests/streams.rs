//! Compressed streams against three inflaters: the crate's, the plain one of this folder, and zlib-rs.
#![allow(clippy::unwrap_used)]

mod naive;
mod samples;

use dunlin_permessage_deflate::{Compressor, Decompressor, InflateError, Params, Role, Status};
use proptest::prelude::*;
use samples::{TAIL, params, structured, zlib_inflate};
use zlib_rs::{Deflate, DeflateConfig, DeflateFlush, Inflate, Strategy as ZlibStrategy};

fn zlib_compress(deflate: &mut Deflate, message: &[u8], flush: DeflateFlush) -> Vec<u8> {
    let mut out = vec![0; message.len() + message.len() / 2 + 1000];
    let start = deflate.total_out();
    deflate.compress(message, &mut out, flush).unwrap();
    out.truncate((deflate.total_out() - start) as usize);
    out
}

/// Sends `messages` in fragments of `fragment` bytes through a compressor and the three inflaters.
fn check_compressor(messages: &[Vec<u8>], bits: u8, keep_context: bool, level: u8, fragment: usize) {
    let params = params(bits, keep_context);
    let mut compressor = Compressor::new(&params, Role::Server, level);
    let mut decompressor = Decompressor::new(&params, Role::Client);
    // zlib's windows begin at 9 bits, and its inflater holds a full window of context.
    let new_inflate = || Inflate::new(false, bits.max(8));
    let mut zlib = new_inflate();
    let mut context = Vec::new();
    for message in messages {
        let mut payload = Vec::new();
        let mut parts = message.chunks(fragment).peekable();
        while let Some(part) = parts.next() {
            compressor.compress_fragment(part, parts.peek().is_none(), &mut payload);
        }
        if message.is_empty() {
            compressor.compress(message, &mut payload);
        }
        assert!(payload.len() <= message.len() + message.len() / 16 + 64);
        assert!(!payload.ends_with(&TAIL));

        let mut out = Vec::new();
        decompressor.decompress(&payload, true, message.len(), &mut out).unwrap();
        assert!(out == *message, "own inflater, {bits} bits, level {level}");

        if !keep_context {
            context.clear();
            zlib = new_inflate();
        }
        let start = context.len();
        let distance_max = naive::inflate(&[&payload[..], &TAIL].concat(), &mut context).unwrap();
        assert!(context[start..] == **message, "plain inflater, {bits} bits, level {level}");
        assert!(distance_max <= 1 << bits, "distance {distance_max}, {bits} bits, level {level}");

        let out = zlib_inflate(&mut zlib, &payload, message.len());
        assert!(out == *message, "zlib, {bits} bits, level {level}");
    }
}

#[test]
fn every_window_at_every_level() {
    let messages: Vec<_> = [0, 1, 5, 255, 256, 257, 3000, 0, 40_000, 100]
        .into_iter()
        .map(|len| structured(len as u64, len))
        .collect();
    for bits in 8..=15 {
        for level in [0, 1, 2, 4, 6, 9] {
            check_compressor(&messages, bits, true, level, usize::MAX);
            check_compressor(&messages, bits, false, level, 1000);
        }
    }
}

/// Many times the window, so that positions wrap in the back end.
#[test]
fn long_streams_keep_their_window() {
    let messages: Vec<_> = (0..60).map(|seed| structured(seed, 7 * 977)).collect();
    for (bits, level) in [(15, 1), (15, 6), (13, 1), (12, 1), (9, 6)] {
        check_compressor(&messages, bits, true, level, 5000);
        check_compressor(&messages, bits, false, level, usize::MAX);
    }
}

#[test]
fn a_kept_context_pays() {
    let message = structured(7, 2000);
    for bits in [12, 13, 14, 15] {
        let mut compressor = Compressor::new(&params(bits, true), Role::Server, 6);
        let [mut first, mut second] = [Vec::new(), Vec::new()];
        compressor.compress(&message, &mut first);
        compressor.compress(&message, &mut second);
        assert!(second.len() * 10 < first.len(), "{bits} bits: {} then {}", first.len(), second.len());
    }
}

/// Feeds a payload cut into `parts` through both forms.
fn check_parts(parts: &[&[u8]], message: &[u8], piece: usize) {
    let mut decompressor = Decompressor::new(&Params::default(), Role::Server);
    let mut out = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        decompressor.decompress(part, index + 1 == parts.len(), message.len(), &mut out).unwrap();
    }
    assert!(out == message);

    decompressor.reset();
    out.clear();
    let mut space = vec![0; piece];
    for (index, part) in parts.iter().enumerate() {
        let (mut rest, fin) = (*part, index + 1 == parts.len());
        loop {
            let progress = decompressor.inflate(rest, fin, &mut space).unwrap();
            out.extend_from_slice(&space[..progress.produced]);
            rest = &rest[progress.consumed..];
            match progress.status {
                Status::OutputFull => assert_eq!(progress.produced, piece),
                Status::NeedsInput | Status::MessageEnd => {
                    assert!(rest.is_empty());
                    assert_eq!(progress.status == Status::MessageEnd, fin);
                    break;
                }
            }
        }
    }
    assert!(out == message);
    assert_eq!(decompressor.message_len(), 0);
}

/// One decompressor for two connections without context: whoever is in the midst of a message keeps it.
#[test]
fn a_decompressor_is_lent_where_it_is_fresh() {
    let alone = params(15, false);
    let message = structured(9, 40_000);
    let mut payload = Vec::new();
    Compressor::new(&alone, Role::Client, 6).compress(&message, &mut payload);
    let mut shared = Decompressor::new(&alone, Role::Server);
    assert!(shared.is_fresh());
    for cut in [1, 100, payload.len() - 1] {
        let (mut out, mut other) = (Vec::new(), Vec::new());
        shared.decompress(&payload[..cut], false, message.len(), &mut out).unwrap();
        assert!(!shared.is_fresh());
        // The first connection takes it along; the second one gets another.
        let mut taken = std::mem::replace(&mut shared, Decompressor::new(&alone, Role::Server));
        shared.decompress(&payload, true, message.len(), &mut other).unwrap();
        taken.decompress(&payload[cut..], true, message.len(), &mut out).unwrap();
        assert!(out == message && other == message);
        assert!(shared.is_fresh() && taken.is_fresh());
    }
    shared.decompress(&[0x06], true, 9, &mut Vec::new()).unwrap_err();
    assert!(!shared.is_fresh());
    shared.reset();
    assert!(shared.is_fresh());

    let mut with_context = Decompressor::new(&params(15, true), Role::Server);
    with_context.decompress(&payload, true, message.len(), &mut Vec::new()).unwrap();
    assert!(!with_context.is_fresh());
}

/// zlib's streams of every level, strategy and window, whole, at every split point and byte by byte.
#[test]
fn streams_of_zlib() {
    let strategies = [
        ZlibStrategy::Default,
        ZlibStrategy::Filtered,
        ZlibStrategy::HuffmanOnly,
        ZlibStrategy::Rle,
        ZlibStrategy::Fixed,
    ];
    for (index, strategy) in strategies.into_iter().enumerate() {
        for level in 0..=9 {
            let config = DeflateConfig {
                strategy,
                window_bits: -(9 + (level + index as i32) % 7),
                ..DeflateConfig::new(level)
            };
            for len in [1, 40, 90_000] {
                let message = structured(level as u64, len);
                let mut deflate = Deflate::new_with_config(config);
                let mut payload = zlib_compress(&mut deflate, &message, DeflateFlush::SyncFlush);
                payload.truncate(payload.len() - TAIL.len());
                check_parts(&[&payload], &message, 777);
                check_parts(&[&payload, b""], &message, 1);
                if len > 1000 {
                    continue;
                }
                for cut in 0..=payload.len() {
                    let (head, rest) = payload.split_at(cut);
                    check_parts(&[head, b"", rest], &message, 3);
                }
                check_parts(&payload.chunks(1).collect::<Vec<_>>(), &message, 2);
            }
        }
    }
}

/// Several kinds of blocks in one message, with final ones between, at every split point.
#[test]
fn blocks_in_a_row() {
    let mut payload = Vec::new();
    let mut message = Vec::new();
    for (level, flush) in [(6, DeflateFlush::Finish), (0, DeflateFlush::Finish), (9, DeflateFlush::SyncFlush)]
    {
        let part = structured(3, 300);
        let mut deflate = Deflate::new(level, false, 15);
        payload.extend(zlib_compress(&mut deflate, &part, flush));
        message.extend(part);
    }
    payload.truncate(payload.len() - TAIL.len());
    let mut context = Vec::new();
    naive::inflate(&[&payload[..], &TAIL].concat(), &mut context).unwrap();
    assert_eq!(context, message);
    for cut in 0..=payload.len() {
        let (head, rest) = payload.split_at(cut);
        check_parts(&[head, rest], &message, 64);
    }
    check_parts(&payload.chunks(1).collect::<Vec<_>>(), &message, 1000);
}

/// Inflates `payload`; where it is accepted, the plain inflater must read the same message: behind the tail, or without
/// it, if the payload is a whole number of blocks already.
fn check_verdict(payload: &[u8]) -> Result<(), InflateError> {
    let mut out = Vec::new();
    Decompressor::new(&Params::default(), Role::Server).decompress(payload, true, 1 << 20, &mut out)?;
    let mut plain = Vec::new();
    if naive::inflate(&[payload, &TAIL].concat(), &mut plain).is_err() {
        plain.clear();
        naive::inflate(payload, &mut plain).unwrap();
    }
    assert_eq!(out, plain);
    Ok(())
}

#[test]
fn truncation_sweep() {
    let message = structured(11, 900);
    for (level, accepted_max) in [(0, 4), (1, 8), (6, 8)] {
        let mut payload = Vec::new();
        Compressor::new(&Params::default(), Role::Client, level).compress(&message, &mut payload);
        let accepted = (0..payload.len()).filter(|&len| check_verdict(&payload[..len]).is_ok()).count();
        // The tail completes some of them by chance, as it does for every inflater.
        assert!(accepted <= accepted_max, "{accepted} of {} at level {level}", payload.len());
    }
}

#[test]
fn the_limit_is_exact() {
    let message = structured(5, 50_000);
    let mut payload = Vec::new();
    Compressor::new(&Params::default(), Role::Client, 6).compress(&message, &mut payload);
    for (limit, expected) in
        [(50_000, Ok(())), (49_999, Err(InflateError::TooLarge)), (0, Err(InflateError::TooLarge))]
    {
        for size in [1, 100, payload.len()] {
            let mut decompressor = Decompressor::new(&Params::default(), Role::Server);
            let mut out = Vec::new();
            let mut parts = payload.chunks(size).peekable();
            let mut result = Ok(());
            while let (Ok(()), Some(part)) = (result, parts.next()) {
                result = decompressor.decompress(part, parts.peek().is_none(), limit, &mut out);
            }
            assert_eq!(result, expected);
            assert!(out.len() <= limit);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn random_messages(
        seeds in prop::collection::vec((any::<u64>(), 0usize..5000), 1..8),
        bits in 8u8..=15,
        keep_context: bool,
        level in 0u8..=9,
        fragment in 1usize..3000,
    ) {
        let messages: Vec<_> = seeds.into_iter().map(|(seed, len)| structured(seed, len)).collect();
        check_compressor(&messages, bits, keep_context, level, fragment);
    }

    #[test]
    fn noise_is_judged_alike(payload in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = check_verdict(&payload);
    }
}
