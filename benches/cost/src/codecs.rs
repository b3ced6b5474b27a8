//! The codecs and the matching, each alone.

use std::hint::black_box;

use dunlin_nats_protocol::{ClientOp, Limits as OpLimits, Parser};
use dunlin_permessage_deflate::{Decompressor, MessageCompressor, Params, Role as DeflateRole};
use dunlin_subject::{Filter, Matches, Subject, Sublist};
use dunlin_websocket::{Assembler, Event, Limits, MaskKey, OpCode, Role, apply_mask, encode_frame};

use crate::{Scenario, json};

const FRAMES: u64 = 50;
const OPS: u64 = 100;
const SUBJECTS: u64 = 1000;
const KEY: MaskKey = MaskKey([0x37, 0xfa, 0x21, 0x3d]);
/// 60 characters.
const LONG_SUBJECT: &str = "telemetry.europe.site-0042.line-07.press.hydraulics.pressure";

/// The unit is a frame, an op, a subject or a message.
pub(crate) const SCENARIOS: [Scenario; 12] = [
    scenario("decode-16-B", FRAMES, || prepare_decode(16)),
    scenario("decode-1-KiB", FRAMES, || prepare_decode(1024)),
    scenario("unmask-16-KiB", 1, prepare_unmask),
    scenario("parse-pub-short", OPS, || prepare_parse("foo")),
    scenario("parse-pub-long", OPS, || prepare_parse(LONG_SUBJECT)),
    scenario("match-10000-subscriptions", SUBJECTS, prepare_match),
    scenario("compress-100-B", 1, || prepare_compress(100)),
    scenario("compress-600-B", 1, || prepare_compress(600)),
    scenario("compress-4-KiB", 1, || prepare_compress(4096)),
    scenario("inflate-100-B", 1, || prepare_inflate(100)),
    scenario("inflate-600-B", 1, || prepare_inflate(600)),
    scenario("inflate-4-KiB", 1, || prepare_inflate(4096)),
];

const fn scenario(name: &'static str, operations: u64, prepare: fn() -> Box<dyn FnMut()>) -> Scenario {
    Scenario { name, runs: 50, operations, prepare }
}

fn params() -> Params {
    Params { server_no_context_takeover: true, client_no_context_takeover: true, ..Params::default() }
}

/// Masked frames out of a read buffer, into which they are copied first.
fn prepare_decode(payload_len: usize) -> Box<dyn FnMut()> {
    let mut wire = Vec::new();
    for seed in 0..FRAMES {
        encode_frame(OpCode::Binary, &json(payload_len, seed), Some(KEY), &mut wire)
            .expect("a binary frame can have any length");
    }
    let mut buffer = wire.clone();
    let limits = Limits { frame_len_max: 1 << 20, message_len_max: 1 << 20 };
    let mut assembler = Assembler::new(Role::Server, limits);
    Box::new(move || {
        buffer.copy_from_slice(&wire);
        let (mut at, mut len) = (0, 0);
        while let Some((event, consumed)) = assembler.next(&mut buffer[at..]).expect("valid frames") {
            if let Event::Data(fragment) = event {
                len += black_box(fragment.payload).len();
            }
            at += consumed;
        }
        assert_eq!(len, FRAMES as usize * payload_len);
    })
}

fn prepare_unmask() -> Box<dyn FnMut()> {
    // From a cache line's start, as far in as a payload behind its header.
    let mut buffer = vec![0; 16 * 1024 + 128];
    let at = buffer.as_ptr().align_offset(64) + 8;
    Box::new(move || apply_mask(black_box(&mut buffer[at..at + 16 * 1024]), KEY, 0))
}

fn prepare_parse(subject: &str) -> Box<dyn FnMut()> {
    let wire = format!("PUB {subject} 16\r\n0123456789abcdef\r\n").repeat(OPS as usize).into_bytes();
    let mut parser = Parser::new(OpLimits::default());
    Box::new(move || {
        let (mut rest, mut ops) = (black_box(&*wire), 0);
        while let Some((op, consumed)) = parser.next(rest).expect("valid ops") {
            let ClientOp::Publish(publish) = op else { panic!("{op:?}") };
            black_box((publish.subject, publish.payload));
            rest = &rest[consumed..];
            ops += 1;
        }
        assert_eq!(ops, OPS);
    })
}

/// Half of the filters have wildcards, and one in a hundred of those matches many subjects.
fn prepare_match() -> Box<dyn FnMut()> {
    let mut random = fastrand::Rng::with_seed(7);
    let mut list = Sublist::with_seed(1);
    for value in 0..10_000_u64 {
        let (region, device) = (value % 100, value);
        let filter = match random.u8(..100) {
            0..50 => format!("region.{region}.device.{device}.temp"),
            50..70 => format!("region.{region}.device.{device}.*"),
            70..85 => format!("region.*.device.{device}.temp"),
            85..99 => format!("region.{region}.device.{device}.>"),
            _ => format!("region.{region}.>"),
        };
        assert!(list.insert(Filter::parse(filter.as_bytes()).expect("a filter"), None, value));
    }
    let mut subject = |_| {
        let device = random.u64(..10_000);
        format!("region.{}.device.{device}.{}", device % 100, ["temp", "load"][random.usize(..2)])
    };
    let subjects: Vec<String> = (0..SUBJECTS).map(&mut subject).collect();
    let mut out = Matches::new();
    Box::new(move || {
        let mut matched = 0;
        for subject in &subjects {
            let subject = Subject::parse(subject.as_bytes()).expect("a subject");
            list.matches(subject, &mut out);
            matched += out.plain.len();
        }
        assert!(matched > SUBJECTS as usize / 2, "{matched} matches");
    })
}

fn prepare_compress(len: usize) -> Box<dyn FnMut()> {
    let message = json(len, 1);
    let mut compressor = MessageCompressor::new(&params(), DeflateRole::Server);
    let mut out = Vec::new();
    Box::new(move || {
        out.clear();
        compressor.compress(black_box(&message), &mut out);
        assert!(!out.is_empty() && out.len() < message.len());
    })
}

fn prepare_inflate(len: usize) -> Box<dyn FnMut()> {
    let message = json(len, 1);
    let (mut compressed, mut out) = (Vec::new(), Vec::new());
    MessageCompressor::new(&params(), DeflateRole::Client).compress(&message, &mut compressed);
    let mut inflater = Decompressor::new(&params(), DeflateRole::Server);
    Box::new(move || {
        out.clear();
        inflater.decompress(black_box(&compressed), true, 1 << 20, &mut out).expect("valid");
        assert_eq!(out, message);
    })
}
