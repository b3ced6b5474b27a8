//! What a list takes of memory, and that it gives it back. One test only: it counts what the whole process has allocated.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::alloc::System;

use cap::Cap;
use dunlin_subject::{Filter, Matches, Subject, Sublist};

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// Requested bytes. What the allocator itself adds is little: the arrays of a list are few and large.
fn allocated() -> usize {
    ALLOCATOR.allocated()
}

type Row = (String, Option<&'static [u8]>, u64);

/// Half literal, half with wildcards, and a few of everything else that has memory of its own.
fn rows(count: u64) -> Vec<Row> {
    let mut random = fastrand::Rng::with_seed(11);
    let row = |value: u64| {
        let (region, device) = (value % 100, value);
        let filter = match random.u8(..20) {
            0..10 => format!("region.{region}.device.{device}.temp"),
            10..14 => format!("region.{region}.device.{device}.*"),
            14..16 => format!("region.{region}.device.{device}.>"),
            16 => format!("region.*.device.{device}.state"),
            17 => format!("*.*.*.{device}.>"),
            18 => format!("*.{device}.*.*"),
            _ => format!("plant.{region}"),
        };
        let queue = [None, Some(&b"workers"[..])][usize::from(random.u8(..50) == 0)];
        (filter, queue, value)
    };
    (0..count).map(row).collect()
}

fn filter(row: &Row) -> Filter<'_> {
    Filter::parse(row.0.as_bytes()).unwrap()
}

fn fill(list: &mut Sublist<u64>, rows: &[Row]) {
    for row in rows {
        assert!(list.insert(filter(row), row.1, row.2));
    }
}

fn empty(list: &mut Sublist<u64>, rows: &[Row]) {
    for row in rows {
        assert!(list.remove(filter(row), row.1, row.2));
    }
}

/// Bytes for each subscription of a list of distinct filters with one plain value each.
fn bytes_each(count: u64, text: impl Fn(u64) -> String) -> f64 {
    let mut list = Sublist::new();
    let before = allocated();
    for value in 0..count {
        let text = text(value);
        assert!(list.insert(Filter::parse(text.as_bytes()).unwrap(), None, value));
    }
    (allocated() - before) as f64 / count as f64
}

#[test]
fn memory_follows_the_number_of_subscriptions() {
    // `cargo test --release -p dunlin-subject --test memory -- --nocapture` with SUBSCRIPTIONS=1000000 for the real thing.
    let count = std::env::var("SUBSCRIPTIONS").map_or(50_000, |count| count.parse().unwrap());
    let mut rows = rows(count);
    let subjects: Vec<String> = (0..1000).map(|n| format!("region.{}.device.{n}.temp", n % 100)).collect();
    let start = allocated();
    let mut list = Sublist::with_seed(1);
    assert_eq!(allocated(), start, "an empty list has allocated nothing");

    fill(&mut list, &rows);
    let full = allocated() - start;
    println!("{count} mixed, some in groups: {:.1} bytes each", full as f64 / count as f64);
    assert!(full / (count as usize) < 120);

    // Matching stops allocating.
    let mut out = Matches::new();
    let mut match_all = || {
        for subject in &subjects {
            list.matches(Subject::parse(subject.as_bytes()).unwrap(), &mut out);
        }
    };
    match_all();
    let total = ALLOCATOR.total_allocated();
    match_all();
    assert_eq!(ALLOCATOR.total_allocated(), total);
    drop(out);

    // In random order, all but one of a hundred, all, and once more with another order.
    let mut random = fastrand::Rng::with_seed(12);
    for _ in 0..2 {
        random.shuffle(&mut rows);
        let (kept, gone) = rows.split_at(count as usize / 100);
        empty(&mut list, gone);
        let left = allocated() - start;
        println!("after all but {}: {left} bytes", kept.len());
        assert!(left < full / 20, "{left} of {full}");
        empty(&mut list, kept);
        let left = allocated() - start;
        println!("after all: {left} bytes");
        assert!(left < 8192, "{left}");
        fill(&mut list, &rows);
        let full_again = allocated() - start;
        assert!(full_again < full * 5 / 4, "{full_again} after {full}");
    }
    drop(list);
    // The test runner keeps what has been printed.
    assert!(allocated() < start + 4096);

    let literal = bytes_each(count, |n| format!("region.{}.device.{n:07}.temp", n % 100));
    let wild = bytes_each(count, |n| format!("region.{}.device.{n:07}.*", n % 100));
    let deep = bytes_each(count, |n| format!("region.*.device.{n:07}.*.x"));
    println!(
        "literal {literal:.1}, one wildcard {wild:.1}, two wildcards with a device between {deep:.1} bytes each"
    );
    let many = bytes_each(count, |n| format!("region.{}.device.{n:07}.*.*", n % 100));
    println!("a prefix of its own: {many:.1} bytes each");
    assert!(literal < 90.0 && wild < 90.0 && deep < 90.0 && many < 120.0);
}
