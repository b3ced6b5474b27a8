//! The invariants can fail, and a seed is a whole story.

use dunlin_testkit::{Fault, run_seed};

/// Each fault of the world is noticed by some seed, and soon.
#[test]
fn a_planted_fault_is_found() {
    for fault in [
        Fault::DropWrite,
        Fault::DuplicateWrite,
        Fault::DropCrossing,
        Fault::SwapCrossings,
        Fault::ForgetReadable,
        Fault::ForgetWritable,
        Fault::FlipBit,
    ] {
        let found =
            (0..500).find_map(|seed| run_seed(seed, Some((fault, 20))).err().map(|failure| (seed, failure)));
        let Some((seed, failure)) = found else { panic!("no seed notices {fault:?}") };
        println!("{fault:?} with seed {seed}: {}", failure.lines().next().unwrap_or_default());
        assert!(!failure.contains("panic"), "{fault:?}: {failure}");
        assert!(!failure.contains("played again"), "{fault:?}: {failure}");
    }
}

/// The hash tables of the workers are seeded by chance, and nothing may depend on that.
#[test]
fn a_seed_is_a_whole_story() {
    for seed in 0..60 {
        assert_eq!(run_seed(seed, None), run_seed(seed, None), "seed {seed}");
    }
}
