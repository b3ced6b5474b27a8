//! Messages of the sizes that a NATS server sees, at the levels and with the contexts that it can choose.
//!
//! Throughput is that of the uncompressed bytes.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use dunlin_permessage_deflate::{
    Compressor, Decompressor, MessageCompressor, Params, Role, end_parts, store_part,
};

/// A JSON document with numbers that differ from message to message, cut to `len`.
fn json(len: usize, seed: usize) -> Vec<u8> {
    let mut text = String::from("{\"readings\":[");
    let mut number = seed;
    while text.len() < len {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text += &format!(
            "{{\"sensor\":\"hall-{}\",\"celsius\":{}.{},\"ok\":true}},",
            number >> 60,
            number >> 40 & 31,
            number >> 33 & 7
        );
    }
    text.truncate(len);
    text.into_bytes()
}

const SIZES: [(&str, usize); 4] = [("64B", 64), ("600B", 600), ("4KiB", 4096), ("64KiB", 65536)];

fn params(context: bool, bits: Option<u8>) -> Params {
    Params { server_no_context_takeover: !context, server_max_window_bits: bits, ..Params::default() }
}

fn compress(c: &mut Criterion) {
    let mut group = c.benchmark_group("compress");
    for (name, len) in SIZES {
        let messages: Vec<_> = (0..16).map(|seed| json(len, seed)).collect();
        group.throughput(Throughput::Bytes(len as u64));
        let mut compressor = MessageCompressor::new(&params(false, None), Role::Server);
        let mut out = Vec::new();
        let mut next = messages.iter().cycle();
        group.bench_function(BenchmarkId::new("messages", name), |b| {
            b.iter(|| {
                out.clear();
                compressor.compress(black_box(next.next().expect("endless")), &mut out);
                out.len()
            });
        });
        for (kind, context, level, bits) in [
            ("level1", false, 1, None),
            ("level6", false, 6, None),
            ("level1-context", true, 1, None),
            ("level6-context", true, 6, None),
            ("level1-window9", false, 1, Some(9)),
        ] {
            let mut compressor = Compressor::new(&params(context, bits), Role::Server, level);
            let mut out = Vec::new();
            let mut next = messages.iter().cycle();
            group.bench_function(BenchmarkId::new(kind, name), |b| {
                b.iter(|| {
                    out.clear();
                    compressor.compress(black_box(next.next().expect("endless")), &mut out);
                    out.len()
                });
            });
        }
    }
}

/// A payload for one more subscription: everything compressed again, or a stored head before the shared body.
fn splice(c: &mut Criterion) {
    let mut group = c.benchmark_group("splice");
    for (name, len) in SIZES {
        let mut compressor = MessageCompressor::new(&params(false, None), Role::Server);
        let head = format!("MSG halls.readings 17 {len}\r\n").into_bytes();
        let body = [&json(len, 1)[..], b"\r\n"].concat();
        let message = [&head[..], &body].concat();
        let (mut out, mut shared) = (Vec::new(), Vec::new());
        compressor.compress_part(&body, &mut shared);
        group.bench_function(BenchmarkId::new("again", name), |b| {
            b.iter(|| {
                out.clear();
                compressor.compress(black_box(&message), &mut out);
                out.len()
            });
        });
        group.bench_function(BenchmarkId::new("stored head", name), |b| {
            b.iter(|| {
                out.clear();
                store_part(black_box(&head), &mut out);
                out.extend_from_slice(black_box(&shared));
                end_parts(&mut out);
                out.len()
            });
        });
    }
}

fn inflate(c: &mut Criterion) {
    let mut group = c.benchmark_group("inflate");
    for (name, len) in SIZES {
        group.throughput(Throughput::Bytes(len as u64));
        for context in [false, true] {
            let params = params(context, None);
            let mut compressor = Compressor::new(&params, Role::Server, 6);
            let mut decompressor = Decompressor::new(&params, Role::Client);
            // With a context the messages must be inflated in the order of their compression. They can go round and
            // round, because the first has no distance that reaches before it.
            let payloads: Vec<_> = (0..256)
                .map(|seed| {
                    let mut payload = Vec::new();
                    compressor.compress(&json(len, seed), &mut payload);
                    payload
                })
                .collect();
            let mut next = payloads.iter().cycle();
            let mut out = Vec::new();
            group.bench_function(BenchmarkId::new(if context { "context" } else { "alone" }, name), |b| {
                b.iter(|| {
                    out.clear();
                    let payload = black_box(next.next().expect("endless"));
                    decompressor.decompress(payload, true, len, &mut out).expect("valid");
                    out.len()
                });
            });
        }
    }
}

criterion_group!(benches, compress, splice, inflate);
criterion_main!(benches);
