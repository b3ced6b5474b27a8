//! `simulate`: random stories of the simulation that nobody has played yet, for a given time.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::shell::{self, Stopwatch};

/// How many seeds are played between two looks at the clock.
const BATCH: u64 = 5000;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// For how long; what has begun then is finished
    #[arg(long, default_value_t = 3600)]
    seconds: u64,
    /// The first seed; without it, one that chance has chosen
    #[arg(long)]
    from: Option<u64>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    // New keys of a hash table are randomness enough.
    let mut first = arguments.from.unwrap_or_else(|| RandomState::new().build_hasher().finish() >> 16);
    let time = Duration::from_secs(arguments.seconds);
    let watch = Stopwatch::start();
    loop {
        let last = first.saturating_add(BATCH - 1);
        let mut command = shell::cargo();
        command.args(["test", "--quiet", "--package", "dunlin-testkit", "--test", "simulation"]);
        command.args(["--", "every_seed", "--nocapture"]);
        command.env("DUNLIN_FIRST_SEED", first.to_string()).env("DUNLIN_SEEDS", BATCH.to_string());
        shell::run(&mut command).with_context(|| format!("of the seeds {first} to {last} some failed"))?;
        println!("== seeds {first} to {last} hold, after {}", watch.seconds());
        if watch.elapsed() >= time {
            return Ok(());
        }
        first = last.wrapping_add(1);
    }
}
