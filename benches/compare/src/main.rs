//! dunlin's layer-0 crates beside their published rivals, in one run. See the README for how each is driven.
//!
//! Every engine is checked before it is timed, and the times are for one item: a frame, an operation, a message. At the
//! end comes a Markdown table of what this run has measured.

mod cpu_time;
mod deflate;
mod frames;
mod matching;
mod nats;
mod table;
mod unmask;

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use cpu_time::CpuTime;

#[allow(clippy::disallowed_methods, reason = "a tool: it reads the clock")]
fn main() {
    let start = SystemTime::now();
    let results =
        PathBuf::from(std::env::var_os("CARGO_TARGET_DIR").unwrap_or("target".into())).join("compare");
    let mut criterion = criterion::Criterion::default()
        .with_measurement(CpuTime)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(1))
        .nresamples(1000)
        .without_plots()
        .output_directory(&results)
        .configure_from_args();
    frames::bench(&mut criterion);
    unmask::bench(&mut criterion);
    nats::bench(&mut criterion);
    matching::bench(&mut criterion);
    deflate::bench(&mut criterion);
    criterion.final_summary();
    table::print(&results, start);
}

type Criterion = criterion::Criterion<CpuTime>;
type Group<'a> = criterion::BenchmarkGroup<'a, CpuTime>;

/// Times `batch`, which works on `items` of what is counted, as time for one item.
fn per_item(bencher: &mut criterion::Bencher<'_, CpuTime>, items: usize, mut batch: impl FnMut()) {
    bencher.iter_custom(|iterations| {
        let rounds = iterations.div_ceil(items as u64);
        let start = CpuTime::now();
        for _ in 0..rounds {
            batch();
        }
        (CpuTime::now() - start).mul_f64(iterations as f64 / (rounds * items as u64) as f64)
    });
}

/// What is done with each result: a byte is read. `black_box` on every one would cost more than some take to make them.
fn first_of(bytes: &[u8]) -> u8 {
    bytes.first().copied().unwrap_or_default()
}
