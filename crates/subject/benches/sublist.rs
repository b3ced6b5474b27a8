//! How long matching and changing a list take, for lists of 10 to a million subscriptions.
//!
//! Each workload is a set of filters, and subjects that are asked for in turn. There are many more subjects than caches
//! hold answers' records for, so the times for a million subscriptions contain the misses of a real server.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use dunlin_subject::{Filter, Matches, Subject, Sublist};

const SUBJECTS: usize = 1 << 18;

struct Workload {
    name: &'static str,
    filters: Vec<String>,
    subjects: Vec<String>,
}

/// Devices in regions, and valves in plants.
fn subject(rng: &mut fastrand::Rng, devices: u32) -> String {
    let device = rng.u32(..devices);
    match rng.u8(..4) {
        0 => format!("plant.{device}.valve.{}", device % 50),
        _ => format!("region.{}.device.{device}.{}", device % 100, ["temp", "load", "state"][rng.usize(..3)]),
    }
}

/// A subject with wildcards put in. Those that match many subjects are few, however long the list is.
fn wild(rng: &mut fastrand::Rng, subject: &str, count: usize) -> String {
    let mut tokens: Vec<&str> = subject.split('.').collect();
    let last = tokens.len() - 1;
    match rng.u16(..100) {
        _ if rng.usize(..count) < 100 => match rng.u8(..4) {
            0 => (tokens[2], tokens[3]) = ("*", "*"),
            1 => (tokens[1], tokens[3]) = ("*", "*"),
            _ => tokens.splice(2.., [">"]).for_each(drop),
        },
        0..40 => tokens[last] = "*",
        40..60 => tokens[last] = ">",
        60..80 => tokens[2] = "*",
        _ if last == 3 => tokens[last] = "*",
        80..90 => tokens[1] = "*",
        _ => (tokens[1], tokens[last]) = ("*", ">"),
    }
    tokens.join(".")
}

fn workload(name: &'static str, count: usize, wild_percent: u8) -> Workload {
    let mut rng = fastrand::Rng::with_seed(7);
    let devices = count as u32;
    let filters = (0..count).map(|_| {
        let subject = subject(&mut rng, devices);
        if rng.u8(..100) < wild_percent { wild(&mut rng, &subject, count) } else { subject }
    });
    let filters = filters.collect();
    let subjects = (0..SUBJECTS).map(|_| subject(&mut rng, devices)).collect();
    Workload { name, filters, subjects }
}

fn few_subjects(mut workload: Workload) -> Workload {
    workload.subjects.truncate(1024);
    workload
}

fn fan_out(targets: usize) -> Workload {
    let filters = (0..targets).map(|_| "board.prices".into()).collect();
    Workload { name: "fan-out to 200", filters, subjects: vec!["board.prices".into()] }
}

fn filter(bytes: &str) -> Filter<'_> {
    Filter::parse(bytes.as_bytes()).unwrap()
}

fn build(workload: &Workload) -> Sublist<u64> {
    let mut list = Sublist::with_seed(1);
    for (value, bytes) in (0..).zip(&workload.filters) {
        list.insert(filter(bytes), None, value);
    }
    list
}

fn matching(c: &mut Criterion) {
    let mut group = c.benchmark_group("match");
    group.throughput(Throughput::Elements(1));
    let workloads: [fn() -> Workload; 9] = [
        || workload("mixed 10", 10, 50),
        || workload("mixed 1k", 1000, 50),
        || workload("mixed 1M", 1_000_000, 50),
        // What the near caches hold: the cost without the misses.
        || few_subjects(workload("mixed 1M, 1024 subjects", 1_000_000, 50)),
        || workload("literal 1k", 1000, 0),
        || workload("literal 1M", 1_000_000, 0),
        || workload("wild 1k", 1000, 100),
        || workload("wild 1M", 1_000_000, 100),
        || fan_out(200),
    ];
    for workload in workloads {
        let workload = workload();
        let list = build(&workload);
        // One after the other in memory, as in a read buffer.
        let bytes: String = workload.subjects.concat();
        let mut ends = Vec::new();
        ends.extend(workload.subjects.iter().scan(0, |end, subject| {
            *end += subject.len();
            Some(*end)
        }));
        let (mut out, mut at, mut start, mut results) = (Matches::new(), 0, 0, 0);
        let mut calls = 0;
        group.bench_function(workload.name, |b| {
            b.iter(|| {
                let subject = Subject::parse(&bytes.as_bytes()[start..ends[at]]).unwrap();
                (start, at) = (ends[at], at + 1);
                if at == ends.len() {
                    (start, at) = (0, 0);
                }
                list.matches(black_box(subject), &mut out);
                results += out.plain.len();
                calls += 1;
            });
        });
        println!("{}: {:.2} results a match\n", workload.name, results as f64 / calls as f64);
    }
}

fn changing(c: &mut Criterion) {
    let workload = workload("", 1_100_000, 50);
    let (kept, new) = workload.filters.split_at(1_000_000);
    let mut list = build(&Workload { name: "", filters: kept.into(), subjects: Vec::new() });
    let mut group = c.benchmark_group("change at 1M");
    group.throughput(Throughput::Elements(1));
    let mut at = 0;
    group.bench_function("insert and remove", |b| {
        b.iter(|| {
            let filter = filter(&new[at]);
            list.insert(filter, None, u64::MAX);
            list.remove(filter, None, u64::MAX);
            at = (at + 1) % new.len();
        });
    });
    let mut order: Vec<usize> = (0..kept.len()).collect();
    fastrand::Rng::with_seed(3).shuffle(&mut order);
    let mut next = 0;
    group.bench_function("remove and insert again, in random order", |b| {
        b.iter(|| {
            let (out, back) = (order[next], order[(next + kept.len() - 1000) % kept.len()]);
            list.remove(filter(&kept[out]), None, out as u64);
            list.insert(filter(&kept[back]), None, back as u64);
            next = (next + 1) % kept.len();
        });
    });
    group.finish();

    let mut group = c.benchmark_group("one filter");
    group.sample_size(10);
    group.throughput(Throughput::Elements(100_000));
    group.bench_function("100,000 leave one by one", |b| {
        let full = || {
            let mut list = Sublist::with_seed(1);
            (0..100_000u64).for_each(|value| assert!(list.insert(filter("a.b"), None, value)));
            let mut order: Vec<u64> = (0..100_000).collect();
            fastrand::Rng::with_seed(3).shuffle(&mut order);
            (list, order)
        };
        b.iter_batched(
            full,
            |(mut list, order)| {
                order.iter().for_each(|&value| assert!(list.remove(filter("a.b"), None, value)));
                list
            },
            BatchSize::LargeInput,
        );
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(30).without_plots();
    targets = matching, changing
}
criterion_main!(benches);
