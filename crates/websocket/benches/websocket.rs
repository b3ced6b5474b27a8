//! Unmasking, and decoding of frames from a read buffer of 64 KiB.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark; the harness makes public items")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use dunlin_websocket::handshake::accept_key;
use dunlin_websocket::{
    Assembler, Event, FrameHeader, Limits, MaskKey, OpCode, Role, Utf8, apply_mask, encode_frame,
};

const KEY: MaskKey = MaskKey([0x37, 0xfa, 0x21, 0x3d]);
const READ_LEN: usize = 64 * 1024;

fn mask(c: &mut Criterion) {
    let mut group = c.benchmark_group("mask");
    let mut buf = vec![0x5a_u8; READ_LEN + 64];
    for (len, start, offset) in
        [(16, 6, 0), (125, 6, 0), (1024, 8, 0), (4096, 8, 0), (16384, 0, 0), (16384, 8, 0), (16384, 8, 3)]
    {
        group.throughput(Throughput::Bytes(len as u64));
        group.bench_function(BenchmarkId::from_parameter(format!("{len}_at_{start}_offset_{offset}")), |b| {
            b.iter(|| apply_mask(black_box(&mut buf[start..start + len]), KEY, offset));
        });
    }
    group.finish();
}

/// As many masked frames as a read buffer holds. Decoding them a second time gives the payload masked again, for the same
/// work, so that the buffer needs no refilling between the runs.
fn frames(payload_len: usize) -> (Vec<u8>, usize) {
    let (mut buf, mut count) = (Vec::new(), 0);
    loop {
        let len = buf.len();
        encode_frame(OpCode::Binary, &vec![0x61; payload_len], Some(KEY), &mut buf).unwrap();
        if buf.len() > READ_LEN {
            buf.truncate(len);
            return (buf, count);
        }
        count += 1;
    }
}

fn decode(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode");
    for payload_len in [16, 125, 128, 1024, 4096, 16384] {
        let (mut buf, count) = frames(payload_len);
        let mut assembler = Assembler::new(Role::Server, Limits::UNLIMITED);
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(BenchmarkId::from_parameter(payload_len), |b| {
            b.iter(|| {
                let (mut at, mut bytes) = (0, 0);
                while let Ok(Some((event, consumed))) = assembler.next(&mut buf[at..]) {
                    if let Event::Data(fragment) = event {
                        bytes += black_box(fragment.payload).len();
                    }
                    at += consumed;
                }
                assert_eq!(bytes, count * payload_len);
            });
        });
    }
    group.finish();
}

fn others(c: &mut Criterion) {
    let header =
        FrameHeader { fin: true, rsv1: false, opcode: OpCode::Binary, mask: None, payload_len: 1000 };
    let mut out = Vec::with_capacity(64);
    c.bench_function("encode_header", |b| {
        b.iter(|| {
            out.clear();
            black_box(&header).encode(&mut out);
        });
    });
    c.bench_function("accept_key", |b| b.iter(|| accept_key(black_box(b"dGhlIHNhbXBsZSBub25jZQ=="))));

    let mut group = c.benchmark_group("utf8_16384");
    group.throughput(Throughput::Bytes(16384));
    for (name, text) in [("ascii", "a".repeat(16384)), ("cyrillic", "ж".repeat(8192))] {
        group.bench_function(name, |b| b.iter(|| Utf8::new().push(black_box(text.as_bytes()))));
    }
    group.finish();
}

criterion_group!(benches, mask, decode, others);
criterion_main!(benches);
