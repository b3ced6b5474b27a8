//! Damaged streams are judged as zlib-rs and miniz_oxide judge them: refused, or inflated to the same bytes.
#![allow(clippy::unwrap_used)]

mod rivals;
#[allow(dead_code)]
mod samples;

use dunlin_permessage_deflate::{Compressor, MessageCompressor, Params, Role};
use samples::structured;
use zlib_rs::{Deflate, DeflateConfig, DeflateFlush, Strategy};

const LIMIT: usize = 1 << 16;

#[test]
fn damaged_payloads() {
    for payload in payloads() {
        for seed in 0..2000 {
            rivals::check(&damage(&payload, &mut Random(seed)), LIMIT);
        }
    }
}

/// Whatever is in a dynamic block; most of it ends early.
#[test]
fn noise_in_blocks() {
    let mut random = Random(0);
    for round in 0..60_000 {
        let mut noise: Vec<u8> = (0..1 + random.below(80)).map(|_| random.below(256) as u8).collect();
        let kind = [2, 4, 4][round % 3];
        noise[0] = noise[0] & !6 | kind;
        rivals::check(&noise, LIMIT);
    }
}

/// One payload of each kind of blocks and compressor.
fn payloads() -> Vec<Vec<u8>> {
    let mut payloads = Vec::new();
    for (seed, len) in [(1, 40), (2, 300), (3, 3000)] {
        let message = structured(seed, len);
        let mut payload = Vec::new();
        MessageCompressor::new(&Params::default(), Role::Client).compress(&message, &mut payload);
        payloads.push(payload);
        for level in [0, 1, 6, 9] {
            let mut payload = Vec::new();
            Compressor::new(&Params::default(), Role::Client, level).compress(&message, &mut payload);
            payloads.push(payload);
        }
        for strategy in [Strategy::Default, Strategy::HuffmanOnly, Strategy::Rle, Strategy::Fixed] {
            let config = DeflateConfig { strategy, window_bits: -15, ..DeflateConfig::new(6) };
            let mut payload = vec![0; 2 * len + 100];
            let mut deflate = Deflate::new_with_config(config);
            deflate.compress(&message, &mut payload, DeflateFlush::Finish).unwrap();
            payload.truncate(deflate.total_out() as usize);
            payloads.push(payload);
        }
    }
    payloads
}

/// Changes, takes out, or puts in a few bits or bytes, most often near the front, where the codes are.
fn damage(payload: &[u8], random: &mut Random) -> Vec<u8> {
    let mut damaged = payload.to_vec();
    for _ in 0..1 + random.below(3) {
        let len = damaged.len().max(1);
        let end = if random.below(2) == 0 { len.min(80) } else { len };
        let at = random.below(end);
        match random.below(5) {
            0 | 1 => {
                if let Some(byte) = damaged.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
            2 => {
                if let Some(byte) = damaged.get_mut(at) {
                    *byte = random.below(256) as u8;
                }
            }
            3 => damaged.insert(at.min(damaged.len()), random.below(256) as u8),
            _ if random.below(4) == 0 => damaged.truncate(at),
            _ => {
                if at < damaged.len() {
                    damaged.remove(at);
                }
            }
        }
    }
    damaged
}

struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }
}
