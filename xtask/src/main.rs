//! Every development task of dunlin: `cargo xtask` alone explains them.

mod autobahn;
mod bench;
mod ci;
mod e2e;
mod fuzz;
mod instructions;
mod no_std;
mod peers;
mod shell;
mod simulate;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

/// The development tasks of dunlin.
#[derive(Parser)]
#[command(name = "cargo xtask", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    task: Option<Task>,
}

#[derive(Subcommand)]
enum Task {
    /// Install what the tests need, then run every test of the workspace
    Test,
    /// Run the whole gate: format, lints, docs, tidy, licences, packages, no-std, fuzz, Autobahn, instruction counts, server bench, tests
    Ci,
    /// Check the rules no compiler knows: crate edges, sizes, sleeps, unreachable files, banned words
    Tidy(tidy::Arguments),
    /// Run the fuzz targets for a while each (plain `cargo test` replays their corpora)
    Fuzz(fuzz::Arguments),
    /// Play stories of the simulation that nobody has played yet, for a while (plain `cargo test` plays the first thousand)
    Simulate(simulate::Arguments),
    /// Measure what the server costs beside the official one (--growth: how that grows; --crates, --compare: the protocol crates)
    Bench(bench::Arguments),
    /// Count the instructions of fixed scenarios under callgrind and compare with benches/instructions.txt (--record: write it)
    Instructions(instructions::Arguments),
    /// Run the Autobahn WebSocket suite (15 minutes, --quick 1) against the echo example and compare with the expected result
    Autobahn(autobahn::Arguments),
    /// Run only the tests with real clients (package dunlin-tests)
    E2e(e2e::Arguments),
    /// Prove that the protocol crates need no std: link and run a program that has none
    NoStd,
    /// Install what the tests need into target/peers: official server, clients, browser
    Peers,
}

fn main() -> ExitCode {
    let Some(task) = Arguments::parse().task else {
        // The answer to a bare `cargo xtask` is the explanation itself.
        return match Arguments::command().print_long_help() {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    };
    let result = match task {
        Task::Test => test::run(),
        Task::Ci => ci::run(),
        Task::Tidy(arguments) => tidy::run(&arguments),
        Task::Fuzz(arguments) => fuzz::run(&arguments),
        Task::Simulate(arguments) => simulate::run(&arguments),
        Task::Bench(arguments) => bench::run(&arguments),
        Task::Instructions(arguments) => instructions::run(&arguments),
        Task::Autobahn(arguments) => autobahn::run(&arguments),
        Task::E2e(arguments) => e2e::run(&arguments),
        Task::NoStd => no_std::run(),
        Task::Peers => peers::run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
