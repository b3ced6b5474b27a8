//! Parsing of `PUB` at a server.

use std::hint::black_box;

use criterion::Throughput;
use dunlin_nats_protocol::{ClientOp, Limits, Parser};

use crate::first_of;
use crate::group::{Bench, Group};

const OPS: usize = 1000;
const PAYLOAD: &str = "0123456789abcdef";
/// 60 characters.
const LONG: &str = "telemetry.europe.site-0042.line-07.press.hydraulics.pressure";

struct Stream {
    text: String,
    subject: &'static str,
    op_len: usize,
}

/// Takes all operations of the stream, and hands subject and payload of each to `sink`.
trait Engine {
    fn parse(&self, stream: &Stream, sink: impl FnMut(&[u8], &[u8]));
}

pub fn bench(bench: &mut Bench) {
    for (name, subject) in [("foo", "foo"), ("60 characters", LONG)] {
        let op = format!("PUB {subject} 16\r\n{PAYLOAD}\r\n");
        let stream = Stream { op_len: op.len(), text: op.repeat(OPS), subject };
        let mut group = bench.benchmark_group(format!("parse PUB, subject {name}"));
        group.throughput(Throughput::Bytes(op.len() as u64));
        run(&mut group, &stream, "dunlin", &Dunlin);
        run(&mut group, &stream, "split at spaces", &Split);
        run(&mut group, &stream, "nats-types", &NatsTypes);
        group.finish();
    }
}

fn run(group: &mut Group<'_>, stream: &Stream, name: &str, engine: &impl Engine) {
    let mut checked = false;
    group.bench_function(name, |bencher| {
        if !checked {
            check(stream, name, engine);
            checked = true;
        }
        bencher.per_item(OPS, || {
            let (mut len, mut first) = (0, 0);
            engine.parse(black_box(stream), |subject, payload| {
                len += subject.len() + payload.len();
                first ^= first_of(subject) ^ first_of(payload);
            });
            black_box(first);
            assert_eq!(len, OPS * (stream.subject.len() + PAYLOAD.len()), "{name}");
        });
    });
}

fn check(stream: &Stream, name: &str, engine: &impl Engine) {
    let mut ops = 0;
    engine.parse(stream, |subject, payload| {
        assert_eq!((subject, payload), (stream.subject.as_bytes(), PAYLOAD.as_bytes()), "{name}");
        ops += 1;
    });
    assert_eq!(ops, OPS, "{name}");
}

struct Dunlin;

impl Engine for Dunlin {
    fn parse(&self, stream: &Stream, mut sink: impl FnMut(&[u8], &[u8])) {
        let mut parser = Parser::new(Limits::default());
        let mut rest = stream.text.as_bytes();
        while let Some((op, len)) = parser.next(rest).expect("valid operations") {
            let ClientOp::Publish(publish) = op else { panic!("{op:?}") };
            sink(publish.subject, publish.payload);
            rest = &rest[len..];
        }
    }
}

/// What one would write without much thought: the line's end with `memchr`, the words by splitting.
struct Split;

impl Engine for Split {
    fn parse(&self, stream: &Stream, mut sink: impl FnMut(&[u8], &[u8])) {
        let mut rest = stream.text.as_bytes();
        while let Some((subject, payload, len)) = split(rest) {
            sink(subject, payload);
            rest = &rest[len..];
        }
    }
}

fn split(buf: &[u8]) -> Option<(&[u8], &[u8], usize)> {
    let line_end = memchr::memchr(b'\n', buf)?;
    let line = buf[..line_end].strip_suffix(b"\r")?;
    let mut words = line.split(|&byte| byte == b' ');
    let (b"PUB", subject, size) = (words.next()?, words.next()?, words.next()?) else { return None };
    let size: usize = std::str::from_utf8(size).ok()?.parse().ok()?;
    let (start, end) = (line_end + 1, line_end + 1 + size);
    buf[end..].starts_with(b"\r\n").then_some((subject, buf.get(start..end)?, end + 2))
}

/// `ProtocolMessage::from_str`. It wants to be given exactly one operation, so each is cut out for it.
struct NatsTypes;

impl Engine for NatsTypes {
    fn parse(&self, stream: &Stream, mut sink: impl FnMut(&[u8], &[u8])) {
        let mut rest = stream.text.as_str();
        while let Some((op, after)) = rest.split_at_checked(stream.op_len) {
            let message: nats_types::ProtocolMessage = op.parse().expect("valid operations");
            let nats_types::ProtocolMessage::Publish(publish) = message else { panic!("{message:?}") };
            sink(publish.subject.as_bytes(), &publish.payload);
            rest = after;
        }
    }
}
