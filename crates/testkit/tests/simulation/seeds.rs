//! Random stories.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use dunlin_testkit::{run_seed, trace_seed};

const SEEDS: u64 = 1000;

#[test]
fn every_seed_keeps_the_invariants() {
    if let Some(seed) = std::env::var("DUNLIN_SEED").ok().and_then(|seed| seed.parse().ok()) {
        let (result, trace) = trace_seed(seed);
        eprintln!("{}", trace.join("\n"));
        if let Err(violation) = result {
            panic!("seed {seed}: {violation}");
        }
        return;
    }
    let seeds = std::env::var("DUNLIN_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(SEEDS);
    let next = AtomicU64::new(0);
    let work = || {
        let mut sum = (0, 0, Vec::new());
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds || sum.2.len() > 3 {
                return sum;
            }
            match run_seed(seed, None) {
                Ok(outcome) => sum = (sum.0 + outcome.published, sum.1 + outcome.delivered, sum.2),
                Err(failure) => sum.2.push(failure),
            }
        }
    };
    let threads = thread::available_parallelism().map_or(2, usize::from);
    let sums: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread that catches panics")).collect()
    });
    let failures: Vec<String> = sums.iter().flat_map(|sum| sum.2.clone()).collect();
    let published: u64 = sums.iter().map(|sum| sum.0).sum();
    let delivered: u64 = sums.iter().map(|sum| sum.1).sum();
    println!("{seeds} seeds: {published} messages published, {delivered} delivered");
    assert!(failures.is_empty(), "{} seeds failed:\n\n{}", failures.len(), failures.join("\n\n\n"));
    assert!(delivered > published, "the stories have become too quiet");
}
