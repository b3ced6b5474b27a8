//! Random stories.

use std::sync::{Mutex, PoisonError};
use std::thread;

use dunlin_testkit::{run_seed, trace_seed};

const SEEDS: u64 = 1000;

/// Seeds beyond those that have failed once. What was mended has a story of its own beside: a seed tells another one when the
/// simulation grows.
const ONCE_FAILED: [u64; 4] = [34038, 40945, 80156, 92041];

#[test]
fn every_seed_keeps_the_invariants() {
    if let Some(seed) = number("DUNLIN_SEED") {
        let (result, trace) = trace_seed(seed);
        eprintln!("{}", trace.join("\n"));
        if let Err(violation) = result {
            panic!("seed {seed}: {violation}");
        }
        return;
    }
    let first = number("DUNLIN_FIRST_SEED").unwrap_or(0);
    let seeds = number("DUNLIN_SEEDS").unwrap_or(SEEDS);
    play((0..seeds).map(|index| first.wrapping_add(index)));
}

#[test]
fn seeds_that_failed_once_keep_the_invariants() {
    play(ONCE_FAILED.into_iter());
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Plays the stories of these seeds, on all cores.
fn play(seeds: impl Iterator<Item = u64> + Send) {
    let seeds = Mutex::new(seeds);
    let next = || seeds.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || {
        let mut sum = (0, 0, Vec::new());
        while sum.2.len() <= 3
            && let Some(seed) = next()
        {
            match run_seed(seed, None) {
                Ok(outcome) => sum = (sum.0 + outcome.published, sum.1 + outcome.delivered, sum.2),
                Err(failure) => sum.2.push(failure),
            }
        }
        sum
    };
    let threads = thread::available_parallelism().map_or(2, usize::from);
    let sums: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread that catches panics")).collect()
    });
    let failures: Vec<String> = sums.iter().flat_map(|sum| sum.2.clone()).collect();
    let published: u64 = sums.iter().map(|sum| sum.0).sum();
    let delivered: u64 = sums.iter().map(|sum| sum.1).sum();
    println!("{published} messages published, {delivered} delivered");
    assert!(failures.is_empty(), "{} seeds failed:\n\n{}", failures.len(), failures.join("\n\n\n"));
    assert!(delivered > published, "the stories have become too quiet");
}
