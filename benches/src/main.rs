//! Measures what work costs a NATS server, in CPU time and memory of its process.
//!
//! The same generator drives dunlin, the official server and the [`floor`] in turn, and checks every message that it gets: each
//! arrives once, in order, unaltered.

mod certs;
mod chart;
mod clock;
mod deflate;
mod expected;
mod fairness;
mod fanout;
mod figures;
mod flood;
mod floor;
mod growth;
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
mod threads;
mod transport;
mod workers;

use std::path::{Path, PathBuf};

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
    /// Measures how cost grows, with charts beside the report
    Grow(CommonArguments),
    /// Runs the floor, what the kernel alone costs, until it is killed
    Floor,
}

#[derive(clap::Args)]
struct RunArguments {
    #[command(flatten)]
    common: CommonArguments,
    /// Only scenarios whose line holds this text, for example "Fan-out" or "compressed"
    #[arg(long, default_value = "")]
    only: String,
    /// Subscribers of a fan-out
    #[arg(long)]
    subscribers: Option<usize>,
}

#[derive(clap::Args)]
struct CommonArguments {
    /// The dunlin binary
    #[arg(long)]
    dunlin: PathBuf,
    /// The official server's binary; left out: not measured
    #[arg(long)]
    official: Option<PathBuf>,
    /// Some seconds instead of many minutes: to see that everything arrives, not for figures
    #[arg(long)]
    quick: bool,
    /// Rounds; in each, every server has its turn
    #[arg(long)]
    rounds: Option<usize>,
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
        Command::Grow(arguments) => grow(&arguments),
    }
}

fn run(arguments: RunArguments) -> anyhow::Result<()> {
    let common = arguments.common;
    let mut effort = if common.quick { Effort::QUICK } else { Effort::FULL };
    effort.rounds = common.rounds.unwrap_or(effort.rounds);
    effort.subscribers = arguments.subscribers.unwrap_or(effort.subscribers);
    let programs = common.programs()?;
    let head = machine::head(&programs, effort.rounds, "cargo xtask bench", &common.commit);
    let mut suite = Suite::new(programs, effort, arguments.only)?;
    let result = suite.run();
    let tables = report::markdown(suite.rows());
    print!("{head}{tables}");
    result?;
    match &common.out {
        Some(file) => write(file, &(head + &figures::write(suite.rows(), file)? + &tables)),
        None => Ok(()),
    }
}

fn grow(arguments: &CommonArguments) -> anyhow::Result<()> {
    let rounds = arguments.rounds.unwrap_or(if arguments.quick { 1 } else { 3 });
    let programs = arguments.programs()?;
    let command = "cargo xtask bench --growth";
    let head = machine::head(&programs, rounds, command, &arguments.commit);
    let text = head + &growth::run(&programs, rounds, arguments.quick, arguments.out.as_deref())?;
    print!("{text}");
    arguments.out.as_ref().map_or(Ok(()), |file| write(file, &text))
}

fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

impl CommonArguments {
    fn programs(&self) -> anyhow::Result<Programs> {
        Programs::new(self.dunlin.clone(), self.official.clone())
    }
}
