//! Compression and decompression of messages, each on its own: no context is kept.

use std::hint::black_box;

use criterion::Throughput;
use dunlin_permessage_deflate::{Compressor, Decompressor, MessageCompressor, Params, Role};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use miniz_oxide::deflate::core::CompressorOxide;
use miniz_oxide::inflate::stream::{FullReset, InflateState};
use miniz_oxide::{DataFormat, MZFlush};

use crate::group::{Bench, Group};

const SIZES: [(&str, usize); 5] =
    [("64 B", 64), ("100 B", 100), ("600 B", 600), ("4 KiB", 4096), ("64 KiB", 65536)];
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// A JSON document with numbers that differ from message to message, cut to `len`.
fn json(len: usize, seed: usize) -> Vec<u8> {
    let mut text = String::from("{\"readings\":[");
    let mut number = seed;
    while text.len() < len {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (sensor, whole, tenths) = (number >> 60, number >> 40 & 31, number >> 33 & 7);
        text += &format!("{{\"sensor\":\"hall-{sensor}\",\"celsius\":{whole}.{tenths},\"ok\":true}},");
    }
    text.truncate(len);
    text.into_bytes()
}

fn params() -> Params {
    Params { server_no_context_takeover: true, ..Params::default() }
}

pub fn bench(bench: &mut Bench) {
    for (name, len) in SIZES {
        let messages: Vec<Vec<u8>> = (0..16).map(|seed| json(len, seed)).collect();
        for level in [1, 6] {
            let mut group = bench.benchmark_group(format!("compress {name}, level {level}"));
            group.throughput(Throughput::Bytes(len as u64));
            compress(&mut group, &messages, level);
            group.finish();
        }
        let mut group = bench.benchmark_group(format!("decompress {name}"));
        group.throughput(Throughput::Bytes(len as u64));
        decompress(&mut group, &messages);
        group.finish();
    }
}

fn compress(group: &mut Group<'_>, messages: &[Vec<u8>], level: u8) {
    if level == 1 {
        let mut dunlin = MessageCompressor::new(&params(), Role::Server);
        compress_with(group, messages, "dunlin, messages", |message, out| dunlin.compress(message, out));
    }
    let mut dunlin = Compressor::new(&params(), Role::Server, level);
    compress_with(group, messages, "dunlin, streams", |message, out| dunlin.compress(message, out));

    let mut zlib = Compress::new(Compression::new(level.into()), false);
    compress_with(group, messages, "zlib-rs, reset", |message, out| {
        zlib.reset();
        zlib_rs(&mut zlib, message, FlushCompress::Sync, out);
    });
    let mut zlib = Compress::new(Compression::new(level.into()), false);
    compress_with(group, messages, "zlib-rs, full flush", |message, out| {
        zlib_rs(&mut zlib, message, FlushCompress::Full, out);
    });

    let mut miniz: Box<CompressorOxide> = Box::default();
    miniz.set_format_and_level(DataFormat::Raw, level);
    compress_with(group, messages, "miniz_oxide, reset", |message, out| {
        miniz.reset();
        out.resize(message.len() + message.len() / 16 + 64, 0);
        let result = miniz_oxide::deflate::stream::deflate(&mut miniz, message, out, MZFlush::Sync);
        assert_eq!(result.bytes_consumed, message.len());
        out.truncate(result.bytes_written - TAIL.len());
    });
}

fn zlib_rs(zlib: &mut Compress, message: &[u8], flush: FlushCompress, out: &mut Vec<u8>) {
    out.reserve(message.len() + message.len() / 16 + 64);
    zlib.compress_vec(message, out, flush).expect("no error is possible");
    assert!(out.ends_with(&TAIL));
    out.truncate(out.len() - TAIL.len());
}

/// `engine` appends what belongs into the frames to an empty vector.
fn compress_with(
    group: &mut Group<'_>,
    messages: &[Vec<u8>],
    name: &str,
    mut engine: impl FnMut(&[u8], &mut Vec<u8>),
) {
    let (mut out, mut checked) = (Vec::new(), false);
    let mut next = messages.iter().cycle();
    group.bench_function(name, |bencher| {
        if !checked {
            check_compression(messages, name, &mut engine);
            checked = true;
        }
        bencher.iter(|| {
            out.clear();
            engine(black_box(next.next().expect("endless")), &mut out);
            out.len()
        });
    });
}

fn check_compression(messages: &[Vec<u8>], name: &str, mut engine: impl FnMut(&[u8], &mut Vec<u8>)) {
    let (mut out, mut back, mut compressed_len) = (Vec::new(), Vec::new(), 0);
    for message in messages {
        out.clear();
        back.clear();
        engine(message, &mut out);
        // A new one each time, so that nothing can be taken from the message before.
        let mut decompressor = Decompressor::new(&params(), Role::Client);
        decompressor.decompress(&out, true, message.len(), &mut back).expect("valid");
        assert!(back == *message, "{name}");
        compressed_len += out.len();
    }
    println!("{name}: {} bytes of {}", compressed_len / messages.len(), messages[0].len());
}

fn decompress(group: &mut Group<'_>, messages: &[Vec<u8>]) {
    let mut zlib = Compress::new(Compression::new(6), false);
    let payloads: Vec<Vec<u8>> = messages
        .iter()
        .map(|message| {
            let mut payload = Vec::new();
            zlib_rs(&mut zlib, message, FlushCompress::Full, &mut payload);
            payload
        })
        .collect();

    let mut dunlin = Decompressor::new(&params(), Role::Client);
    let len_max = messages[0].len();
    decompress_with(group, messages, &payloads, "dunlin", |payload, out| {
        dunlin.decompress(payload, true, len_max, out).expect("valid");
    });

    // The other two get room for the message and the tail behind the payload in advance: better than they can have it.
    let tailed: Vec<Vec<u8>> = payloads.iter().map(|payload| [payload.as_slice(), &TAIL].concat()).collect();
    let mut zlib = Decompress::new(false);
    decompress_with(group, messages, &tailed, "zlib-rs, reset", |payload, out| {
        zlib.reset(false);
        out.reserve(len_max + 1);
        zlib.decompress_vec(payload, out, FlushDecompress::Sync).expect("valid");
    });
    let mut miniz = InflateState::new_boxed(DataFormat::Raw);
    decompress_with(group, messages, &tailed, "miniz_oxide, reset", |payload, out| {
        miniz.reset_as(FullReset(DataFormat::Raw));
        out.resize(len_max + 1, 0);
        let result = miniz_oxide::inflate::stream::inflate(&mut miniz, payload, out, MZFlush::Sync);
        out.truncate(result.bytes_written);
    });
}

/// `engine` appends the message to an empty vector.
fn decompress_with(
    group: &mut Group<'_>,
    messages: &[Vec<u8>],
    payloads: &[Vec<u8>],
    name: &str,
    mut engine: impl FnMut(&[u8], &mut Vec<u8>),
) {
    let mut out = Vec::new();
    for (message, payload) in messages.iter().zip(payloads) {
        out.clear();
        engine(payload, &mut out);
        assert!(out == *message, "{name}");
    }
    let mut next = payloads.iter().cycle();
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            out.clear();
            engine(black_box(next.next().expect("endless")), &mut out);
            assert_eq!(out.len(), messages[0].len(), "{name}");
        });
    });
}
