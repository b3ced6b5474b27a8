//! Measures what work costs a NATS server, in CPU time and memory of its process.
//!
//! The same generator drives dunlin, the official server and the [`floor`] in turn, and checks every message that it gets: each
//! arrives once, in order, unaltered.

mod certs;
mod clock;
mod deflate;
mod expected;
mod fanout;
mod floor;
mod handshakes;
mod idle;
mod interest;
mod link;
mod machine;
mod payload;
mod process;
mod publish;
mod report;
mod request;
mod sample;
mod server;
mod socket;
mod spread;
mod storm;
mod suite;
mod transport;

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Parser, Subcommand};

use server::Programs;
use suite::{Effort, Suite};

#[derive(Parser)]
#[command(about, version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the scenarios and prints a table of all
    Run(RunArguments),
    /// Runs the floor, what the kernel alone costs, until it is killed
    Floor,
}

#[derive(clap::Args)]
struct RunArguments {
    /// The dunlin binary
    #[arg(long)]
    dunlin: PathBuf,
    /// The official server's binary; left out: not measured
    #[arg(long)]
    official: Option<PathBuf>,
    /// Some seconds instead of fifteen minutes: to see that everything arrives, not for figures
    #[arg(long)]
    quick: bool,
    /// Only scenarios whose line holds this text, for example "Fan-out" or "compressed"
    #[arg(long, default_value = "")]
    only: String,
    /// Rounds; in each, every server has its turn
    #[arg(long)]
    rounds: Option<usize>,
    /// Subscribers of a fan-out
    #[arg(long)]
    subscribers: Option<usize>,
    /// What the dunlin binary was built from, for the report
    #[arg(long, default_value = "unknown")]
    commit: String,
    /// Write the report to this file too
    #[arg(long)]
    out: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Floor => floor::run(),
        Command::Run(arguments) => run(arguments),
    }
}

fn run(arguments: RunArguments) -> anyhow::Result<()> {
    let mut effort = if arguments.quick { Effort::QUICK } else { Effort::FULL };
    effort.rounds = arguments.rounds.unwrap_or(effort.rounds);
    effort.subscribers = arguments.subscribers.unwrap_or(effort.subscribers);
    let programs = Programs::new(arguments.dunlin, arguments.official)?;
    let head = machine::head(&programs, effort, &arguments.commit);
    let mut suite = Suite::new(programs, effort, arguments.only)?;
    let result = suite.run();
    let text = head + &report::markdown(suite.rows());
    print!("{text}");
    result?;
    if let Some(file) = arguments.out {
        std::fs::write(&file, &text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}
