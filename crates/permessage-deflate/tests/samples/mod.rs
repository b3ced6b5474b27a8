//! Messages and agreements to test with, and zlib-rs as a second inflater.

use dunlin_permessage_deflate::Params;
use zlib_rs::{Inflate, InflateFlush};

pub(crate) const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

pub(crate) fn params(bits: u8, keep_context: bool) -> Params {
    let bits = Some(bits);
    Params {
        server_no_context_takeover: !keep_context,
        client_no_context_takeover: !keep_context,
        server_max_window_bits: bits,
        client_max_window_bits: bits,
    }
}

/// Data with repetitions at every distance: pieces of noise, of a small alphabet, runs, and copies of what was before.
pub(crate) fn structured(mut seed: u64, len: usize) -> Vec<u8> {
    let mut random = move |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    let mut data: Vec<u8> = Vec::with_capacity(len + 600);
    while data.len() < len {
        let piece = 1 + random(600);
        match random(5) {
            0 => data.extend((0..piece).map(|_| random(256) as u8)),
            1 => data.extend((0..piece).map(|_| b"{\":,}0123"[random(9)])),
            2 => data.extend(std::iter::repeat_n(random(256) as u8, piece)),
            _ if !data.is_empty() => {
                let start = data.len().saturating_sub(1 + random(70_000));
                let end = data.len().min(start + piece);
                data.extend_from_within(start..end);
            }
            _ => {}
        }
    }
    data.truncate(len);
    data
}

pub(crate) fn zlib_inflate(inflate: &mut Inflate, payload: &[u8], len: usize) -> Vec<u8> {
    let mut out = vec![0; len + 1];
    let start = inflate.total_out();
    let input = [payload, &TAIL].concat();
    inflate.decompress(&input, &mut out, InflateFlush::SyncFlush).unwrap();
    out.truncate((inflate.total_out() - start) as usize);
    out
}
