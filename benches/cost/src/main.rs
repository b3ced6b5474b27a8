//! Runs one scenario, for callgrind to count: `dunlin-cost NAME`. Without a name: lists them, with how many operations are counted.

use std::hint::black_box;
use std::process::ExitCode;

use dunlin_cost::scenarios;

/// Runs before the counted ones: buffers grow to their size, caches are filled.
const WARM_UP_RUNS: u64 = 3;

fn main() -> ExitCode {
    let Some(name) = std::env::args().nth(1) else {
        for scenario in scenarios() {
            println!("{} {}", scenario.name, scenario.runs * scenario.operations);
        }
        return ExitCode::SUCCESS;
    };
    let Some(scenario) = scenarios().into_iter().find(|scenario| scenario.name == name) else {
        eprintln!("no scenario is named {name}: without a name, this program lists them");
        return ExitCode::FAILURE;
    };
    let mut run = (scenario.prepare)();
    for _ in 0..WARM_UP_RUNS {
        run();
    }
    counted(scenario.runs, &mut *run);
    ExitCode::SUCCESS
}

/// callgrind counts while this function runs, and finds it by its name.
#[inline(never)]
fn counted(runs: u64, run: &mut dyn FnMut()) {
    for _ in 0..black_box(runs) {
        run();
    }
}
