//! Unmasking in place, at the offset that a payload has behind its header.

use std::hint::black_box;

use criterion::Throughput;
use dunlin_websocket::{MaskKey, apply_mask};

use crate::group::Bench;

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

type Unmask = fn(&mut [u8]);

/// The ones that are public.
const ENGINES: [(&str, Unmask); 5] = [
    ("dunlin", |payload| apply_mask(payload, MaskKey(KEY), 0)),
    ("sockudo-ws", |payload| sockudo_ws::simd::apply_mask(payload, KEY)),
    ("yawc", |payload| yawc::mask::apply_mask(payload, KEY)),
    ("fastwebsockets", |payload| fastwebsockets::unmask(payload, KEY)),
    ("byte by byte", byte_by_byte),
];

fn byte_by_byte(payload: &mut [u8]) {
    for (at, byte) in payload.iter_mut().enumerate() {
        *byte ^= KEY[at % 4];
    }
}

pub fn bench(bench: &mut Bench) {
    let mut buf = vec![0; 65536 + 64];
    for len in [16, 125, 1024, 4096, 16384, 65536] {
        // From a cache line's start: 2 or 4 bytes of header, and the key.
        let at = buf.as_ptr().align_offset(64) + if len < 126 { 6 } else { 8 };
        let payload = &mut buf[at..at + len];
        let mut group = bench.benchmark_group(format!("unmask {len} B"));
        group.throughput(Throughput::Bytes(len as u64));
        for (name, unmask) in ENGINES {
            // Called through a pointer by all: inlining into this loop would favour some.
            let unmask = black_box(unmask);
            group.bench_function(name, |bencher| {
                check(name, payload, unmask);
                bencher.iter(|| unmask(black_box(payload)));
            });
        }
        group.finish();
    }
}

fn check(name: &str, payload: &mut [u8], unmask: Unmask) {
    fastrand::Rng::with_seed(1).fill(payload);
    let mut expected = payload.to_vec();
    byte_by_byte(&mut expected);
    unmask(payload);
    assert!(*payload == expected, "{name} at {}", payload.len());
}
