//! dunlin's layer-0 crates beside their published rivals, in one run. See the README for how each is driven.
//!
//! Every engine is checked before it is timed, and the times are for one item: a frame, an operation, a message. At the
//! end comes a Markdown table of what this run has measured.

mod cpu_time;
mod deflate;
mod frames;
mod group;
mod instructions;
mod matching;
mod nats;
mod table;
mod unmask;

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use cpu_time::CpuTime;
use group::Bench;

fn main() {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next(), arguments.next()) {
        (Some(instructions::COUNT), Some(group), Some(engine)) => run(&mut Bench::Count { group, engine }),
        _ => time(),
    }
}

#[allow(clippy::disallowed_methods, reason = "a tool: it reads the clock")]
fn time() {
    let start = SystemTime::now();
    let results =
        PathBuf::from(std::env::var_os("CARGO_TARGET_DIR").unwrap_or("target".into())).join("compare");
    let criterion = criterion::Criterion::default()
        .with_measurement(CpuTime)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(1))
        .nresamples(1000)
        .without_plots()
        .output_directory(&results)
        .configure_from_args();
    let mut bench = Bench::Time(Box::new(criterion));
    run(&mut bench);
    if let Bench::Time(criterion) = bench {
        criterion.final_summary();
    }
    table::print(&results, start);
}

fn run(bench: &mut Bench) {
    frames::bench(bench);
    unmask::bench(bench);
    nats::bench(bench);
    matching::bench(bench);
    deflate::bench(bench);
}

/// What is done with each result: a byte is read. `black_box` on every one would cost more than some take to make them.
fn first_of(bytes: &[u8]) -> u8 {
    bytes.first().copied().unwrap_or_default()
}
