//! What one op costs, in streams of equal ops. Run with `cargo bench -p dunlin-nats-protocol`.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dunlin_nats_protocol::{ClientOp, HeaderBlock, Limits, MsgHead, Parser, ServerOp, ServerParser};

const OPS: usize = 1000;
const LONG: &str = "telemetry.europe.site-0042.line-07.press.hydraulics.pressure";

/// Time is for one op: the streams hold `OPS` of them, and the group is told so.
fn parse_client(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parse");
    group.throughput(Throughput::Elements(OPS as u64));
    let payload = |len| "x".repeat(len);
    let mut varied = String::new();
    for i in 0..OPS {
        let subject = &LONG[..3 + i * 7919 % 57];
        varied.push_str(&format!("PUB {subject} {}\r\n{}\r\n", i * 31 % 200, payload(i * 31 % 200)));
    }
    for (name, stream) in [
        ("pub short", format!("PUB foo 16\r\n{}\r\n", payload(16)).repeat(OPS)),
        ("pub long", format!("PUB {LONG} 16\r\n{}\r\n", payload(16)).repeat(OPS)),
        (
            "pub reply",
            format!("PUB foo _INBOX.Vq3mZL8fZtLhUuG2cYfD1a.1 16\r\n{}\r\n", payload(16)).repeat(OPS),
        ),
        ("pub 1k", format!("PUB foo 1024\r\n{}\r\n", payload(1024)).repeat(OPS)),
        ("pub varied", varied),
        ("hpub", format!("HPUB foo 22 38\r\nNATS/1.0\r\nKey: val\r\n\r\n{}\r\n", payload(16)).repeat(OPS)),
        ("sub", "SUB foo.bar.* 17\r\n".repeat(OPS)),
        ("ping", "PING\r\n".repeat(OPS)),
    ] {
        group.bench_function(name, |bencher| bencher.iter(|| drain_client(black_box(stream.as_bytes()))));
    }
    let stream = format!("MSG foo 17 16\r\n{}\r\n", payload(16)).repeat(OPS);
    group.bench_function("msg short", |bencher| bencher.iter(|| drain_server(black_box(stream.as_bytes()))));
    group.finish();
}

fn drain_client(mut stream: &[u8]) -> usize {
    let mut parser = Parser::new(Limits::default());
    let mut ops = 0;
    while let Ok(Some((op, len))) = parser.next(stream) {
        match op {
            // As a server does: it takes the fields, and keeps no op.
            ClientOp::Publish(publish) => {
                black_box((publish.subject, publish.reply));
                black_box((publish.payload, publish.header_len, publish.with_headers));
            }
            other => {
                black_box(other);
            }
        }
        stream = &stream[len..];
        ops += 1;
    }
    assert_eq!((ops, stream.len()), (OPS, 0));
    ops
}

fn drain_server(mut stream: &[u8]) -> usize {
    let mut parser = ServerParser::new(Limits::default());
    let mut ops = 0;
    while let Ok(Some((op, len))) = parser.next(stream) {
        if let ServerOp::Msg(message) = op {
            black_box((message.subject, message.sid, message.reply));
            black_box((message.payload, message.header_len, message.with_headers));
        }
        stream = &stream[len..];
        ops += 1;
    }
    assert_eq!((ops, stream.len()), (OPS, 0));
    ops
}

/// A control line of 4 KiB that comes byte by byte: linear, or this shows it.
fn dribble(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("dribble");
    for len in [1024, 4096, 16384] {
        let line = format!("PUB {} 1\r\nx\r\n", "a".repeat(len));
        let limits = Limits { control_line_max: 20_000, ..Limits::default() };
        group.throughput(Throughput::Bytes(line.len() as u64));
        group.bench_function(len.to_string(), |bencher| {
            bencher.iter(|| {
                let mut parser = Parser::new(limits);
                (1..=line.len())
                    .filter(|&end| matches!(parser.next(black_box(&line.as_bytes()[..end])), Ok(Some(_))))
                    .count()
            });
        });
    }
    group.finish();
}

fn encode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encode");
    group.throughput(Throughput::Elements(1));
    let mut out = Vec::with_capacity(1024);
    for (name, subject) in [("msg head short", "foo"), ("msg head long", LONG)] {
        let head = MsgHead {
            subject: subject.as_bytes(),
            sid: b"17",
            reply: None,
            header_len: None,
            total_len: 128,
        };
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                out.clear();
                black_box(&head).encode(&mut out);
                black_box(out.len())
            });
        });
    }
    group.finish();
}

fn headers(criterion: &mut Criterion) {
    let block =
        b"NATS/1.0\r\nNats-Msg-Id: 0123456789\r\nContent-Type: application/json\r\nTrace: 00-4bf92f\r\n\r\n";
    let mut group = criterion.benchmark_group("headers");
    group.throughput(Throughput::Bytes(block.len() as u64));
    group.bench_function("parse", |bencher| bencher.iter(|| HeaderBlock::parse(black_box(block))));
    group.finish();
}

criterion_group!(benches, parse_client, dribble, encode, headers);
criterion_main!(benches);
