//! What a decompressor remembers from call to call, and what it must not.
#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
mod samples;

use dunlin_permessage_deflate::{Decompressor, InflateError, MessageCompressor, Params, Role, Status};
use proptest::prelude::*;
use samples::{TAIL, params, structured};
use zlib_rs::{Deflate, DeflateConfig, DeflateFlush, Strategy as ZlibStrategy};

/// Inflates one message that comes in pieces of `piece` bytes, with `room` bytes at a time. What was in the room before
/// does not matter.
fn inflate(
    decompressor: &mut Decompressor,
    payload: &[u8],
    piece: usize,
    room: usize,
) -> Result<Vec<u8>, InflateError> {
    let mut out = Vec::new();
    let mut pieces = payload.chunks(piece).peekable();
    loop {
        let mut rest = pieces.next().unwrap_or_default();
        let fin = pieces.peek().is_none();
        loop {
            let mut space = vec![0xa5; room];
            let progress = decompressor.inflate(rest, fin, &mut space)?;
            out.extend_from_slice(&space[..progress.produced]);
            assert!(progress.produced == room || progress.status != Status::OutputFull);
            rest = &rest[progress.consumed..];
            match progress.status {
                Status::MessageEnd => return Ok(out),
                Status::NeedsInput => break,
                Status::OutputFull => {}
            }
        }
    }
}

/// A block with the fixed code: literals, then one match of 258 bytes.
fn block_with_distance(literals: &[u8], distance: usize) -> Vec<u8> {
    let stored_len = literals.len() as u16;
    let mut payload = vec![0x00];
    payload.extend(stored_len.to_le_bytes());
    payload.extend((!stored_len).to_le_bytes());
    payload.extend(literals);
    // Header 0, 1 in two bits; 285 is 11000101; the distance; the end is 0000000.
    let (mut bits, mut count) = (0b10u64, 3);
    let mut put = |value: u64, len: u32| {
        bits |= value << count;
        count += len;
    };
    put(0b1010_0011, 8);
    let extra_len = (distance - 1).max(2).ilog2() - 1;
    let code =
        if distance <= 2 { distance - 1 } else { 2 * extra_len as usize + ((distance - 1) >> extra_len) };
    put(u64::from((code as u8).reverse_bits() >> 3), 5);
    put((distance - 1) as u64 & ((1 << extra_len) - 1), extra_len);
    put(0, 7);
    // The header of the block whose rest is the tail.
    put(0, 3);
    payload.extend(&bits.to_le_bytes()[..count.div_ceil(8) as usize]);
    payload
}

/// RFC 7692 §7.1.2: no distance is larger than the window, however the message is cut. zlib makes windows of 9 bits where
/// 8 were agreed on.
#[test]
fn the_window_is_exact() {
    for (bits, window) in [(8, 512), (9, 512), (10, 1024), (12, 4096), (15, 32_768)] {
        let literals: Vec<u8> = (0..40_000u32).map(|n| ((n * n) >> 5) as u8).collect();
        for keep_context in [false, true] {
            let mut decompressor = Decompressor::new(&params(bits, keep_context), Role::Server);
            for (piece, room) in [(1 << 20, 1 << 20), (1000, 333), (100, 70_000), (1, 1)] {
                let payload = block_with_distance(&literals, window);
                let message = inflate(&mut decompressor, &payload, piece, room).unwrap();
                let copied = &literals[literals.len() - window..][..258];
                assert!(message[..40_000] == literals && message[40_000..] == *copied, "{bits} bits");
                if window < 32_768 {
                    let payload = block_with_distance(&literals, window + 1);
                    let result = inflate(&mut decompressor, &payload, piece, room);
                    assert_eq!(result, Err(InflateError::InvalidData), "{bits} bits, {piece}, {room}");
                    decompressor.reset();
                }
            }
        }
    }
}

/// A decompressor that is lent to another connection says nothing of the one before.
#[test]
fn no_message_sees_a_byte_of_another() {
    let secret = structured(1, 50_000);
    let mut payload = Vec::new();
    MessageCompressor::new(&params(15, false), Role::Client).compress(&secret, &mut payload);
    let mut decompressor = Decompressor::new(&params(15, false), Role::Server);
    let stop_after = |decompressor: &mut Decompressor, how: usize| match how {
        // Whole, in pieces, broken off, and ended by an error.
        0 => drop(inflate(decompressor, &payload, 1 << 20, 1 << 20)),
        1 => drop(inflate(decompressor, &payload, 100, 1000)),
        2 => drop(decompressor.inflate(&payload[..payload.len() / 2], false, &mut [0; 100])),
        _ => drop(inflate(decompressor, &[&payload[..500], &[0xff; 500]].concat(), 100, 100)),
    };
    for how in 0..4 {
        for distance in [1, 2, 100, 258, 259, 5000, 32_768] {
            for (before, room) in [(0, 1), (0, 1000), (1, 1), (1, 1000), (99, 1000), (257, 7)] {
                stop_after(&mut decompressor, how);
                if how > 1 {
                    decompressor.reset();
                }
                assert!(decompressor.is_fresh());
                let hostile = block_with_distance(&vec![b'.'; before], distance);
                let result = inflate(&mut decompressor, &hostile, 3, room);
                if distance <= before {
                    assert_eq!(result.unwrap(), vec![b'.'; before + 258]);
                } else {
                    assert_eq!(result, Err(InflateError::InvalidData), "distance {distance} behind {before}");
                    decompressor.reset();
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// zlib's messages in one context, or each on its own.
    #[test]
    fn messages_of_zlib(
        messages in prop::collection::vec((any::<u64>(), 0usize..9000, 1usize..2000, 1usize..9000), 1..12),
        bits in 9u8..=15,
        keep_context: bool,
        level in 0i32..=9,
        strategy in prop::sample::select(vec![
            ZlibStrategy::Default,
            ZlibStrategy::Filtered,
            ZlibStrategy::HuffmanOnly,
            ZlibStrategy::Rle,
            ZlibStrategy::Fixed,
        ]),
    ) {
        let config = DeflateConfig { strategy, window_bits: -i32::from(bits), ..DeflateConfig::new(level) };
        let mut deflate = Deflate::new_with_config(config);
        let mut decompressor = Decompressor::new(&params(bits, keep_context), Role::Client);
        for (seed, len, piece, room) in messages {
            let message = structured(seed, len);
            if !keep_context {
                deflate = Deflate::new_with_config(config);
            }
            let mut payload = vec![0; 2 * len + 1000];
            let start = deflate.total_out();
            deflate.compress(&message, &mut payload, DeflateFlush::SyncFlush).unwrap();
            payload.truncate((deflate.total_out() - start) as usize);
            payload.truncate(payload.len().saturating_sub(TAIL.len()));
            let received = inflate(&mut decompressor, &payload, piece, room).unwrap();
            prop_assert!(received == message);
        }
    }

    #[test]
    fn messages_of_this_crate(
        messages in prop::collection::vec((any::<u64>(), 0usize..9000, 1usize..2000, 1usize..9000), 1..12),
        bits in 8u8..=15,
        keep_context: bool,
    ) {
        let alone = Params { server_no_context_takeover: true, ..params(bits, keep_context) };
        let mut compressor = MessageCompressor::new(&alone, Role::Server);
        let mut decompressor = Decompressor::new(&params(bits, keep_context), Role::Client);
        for (seed, len, piece, room) in messages {
            let message = structured(seed, len);
            let mut payload = Vec::new();
            compressor.compress(&message, &mut payload);
            let received = inflate(&mut decompressor, &payload, piece, room).unwrap();
            prop_assert!(received == message);
        }
    }
}
