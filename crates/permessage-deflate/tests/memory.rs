//! What the documentation says of memory: the size of the states, and that no message allocates.
#![allow(clippy::unwrap_used)]

use allocation_counter::measure;
use dunlin_permessage_deflate::{
    Compressor, Decompressor, MessageCompressor, Params, Role, end_parts, store_part,
};

fn params(bits: u8, keep_context: bool) -> Params {
    Params {
        server_no_context_takeover: !keep_context,
        server_max_window_bits: Some(bits),
        ..Params::default()
    }
}

#[test]
fn state_sizes() {
    let compressor = measure(|| std::mem::forget(Compressor::new(&params(15, true), Role::Server, 1)));
    assert_eq!((compressor.bytes_current + 512) / 1024, 312);
    assert_eq!(compressor.count_total, 6);
    let messages = measure(|| std::mem::forget(MessageCompressor::new(&params(15, false), Role::Server)));
    assert_eq!((messages.bytes_current + 512) / 1024, 39);
    assert_eq!(messages.count_total, 3);
}

/// A decompressor has no window as long as no byte can be referred to in a later call.
#[test]
fn decompressor_sizes() {
    let message = vec![b'x'; 100_000];
    let mut payload = Vec::new();
    MessageCompressor::new(&params(15, false), Role::Server).compress(&message, &mut payload);
    for (bits, keep_context, fin, kib) in [
        (15, false, true, 8),
        (15, true, true, 40),
        (15, false, false, 40),
        (12, true, true, 12),
        (8, true, true, 8),
    ] {
        let mut out = vec![0; message.len() + 1000];
        let info = measure(|| {
            let mut decompressor = Decompressor::new(&params(bits, keep_context), Role::Client);
            decompressor.inflate(&payload, fin, &mut out).unwrap();
            std::mem::forget(decompressor);
        });
        assert_eq!((info.bytes_current + 512) / 1024, kib, "window of {bits} bits, context {keep_context}");
        assert_eq!(info.bytes_max, info.bytes_current as u64);
    }
    // A short message takes as much as it needs.
    let mut decompressor = Decompressor::new(&params(15, true), Role::Client);
    let info = measure(|| {
        decompressor.inflate(&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00], true, &mut [0; 100]).unwrap();
    });
    assert_eq!(info.bytes_current, 1024);
}

#[test]
fn no_allocation_after_the_first_message() {
    let text: Vec<u8> = (0..100_000u32).flat_map(|n| (n % 977).to_le_bytes()).collect();
    for (bits, keep_context) in [(15, false), (15, true), (10, true), (8, false)] {
        let params = params(bits, keep_context);
        let mut compressor = Compressor::new(&params, Role::Server, 6);
        let mut decompressor = Decompressor::new(&params, Role::Client);
        let (mut payload, mut message) = (Vec::with_capacity(1 << 20), Vec::with_capacity(1 << 20));
        if keep_context {
            compressor.compress(&text, &mut payload);
            decompressor.decompress(&payload, true, text.len(), &mut message).unwrap();
        }
        let info = measure(|| {
            for len in [0, 1, 600, 70_000, 400_000, 3] {
                payload.clear();
                message.clear();
                compressor.compress(&text[..len], &mut payload);
                decompressor.decompress(&payload, true, len, &mut message).unwrap();
                assert_eq!(message, text[..len]);
            }
            compressor.reset();
            decompressor.reset();
        });
        assert_eq!(info.count_total, 0, "window of {bits} bits, context {keep_context}");
    }
}

#[test]
fn no_allocation_for_messages_on_their_own_and_parts() {
    let text: Vec<u8> = (0..100_000u32).flat_map(|n| (n % 977).to_le_bytes()).collect();
    let mut compressor = MessageCompressor::new(&params(15, false), Role::Server);
    let mut payload = Vec::with_capacity(1 << 20);
    let info = measure(|| {
        for len in [0, 1, 60, 600, 70_000, 400_000, 3] {
            payload.clear();
            compressor.compress(&text[..len], &mut payload);
            payload.clear();
            store_part(&text[..len], &mut payload);
            compressor.compress_part(&text[..len], &mut payload);
            end_parts(&mut payload);
        }
    });
    assert_eq!(info.count_total, 0);
}

/// A bomb: 256 MiB of zeros. Neither `out` nor the decompressor grows beyond the limit.
#[test]
fn a_bomb_is_stopped_at_the_limit() {
    let params = Params::default();
    let mut compressor = Compressor::new(&params, Role::Client, 1);
    let mut bomb = Vec::new();
    for part in 1..=256 {
        compressor.compress_fragment(&[0; 1 << 20], part == 256, &mut bomb);
    }
    let mut decompressor = Decompressor::new(&params, Role::Server);
    let mut out = Vec::new();
    let info = measure(|| {
        let limit = 1 << 20;
        let result = decompressor.decompress(&bomb, true, limit, &mut out);
        assert_eq!(result.unwrap_err().close_code(), 1009);
        assert!(out.len() <= limit);
    });
    assert!(info.bytes_max <= 3 << 20, "{} bytes", info.bytes_max);
}
