//! `bench`: what a server costs beside the official one; with `--crates` the criterion benches of the protocol crates, with `--compare`
//! those crates beside published rivals.

use std::process::Command;

use anyhow::{Context as _, Result};

use crate::{peers, shell, workspace};

#[derive(clap::Args, Default)]
#[command(group = clap::ArgGroup::new("kind"))]
pub(crate) struct Arguments {
    /// How cost grows with subscribers, payload, subscriptions and idle connections (ten minutes)
    #[arg(long, group = "kind")]
    growth: bool,
    /// The criterion benches of the protocol crates
    #[arg(long, group = "kind")]
    crates: bool,
    /// With --crates: only this package, for example dunlin-websocket
    #[arg(long, short, requires = "crates")]
    package: Option<String>,
    /// The protocol crates beside published rivals: time, throughput, instructions
    #[arg(long, group = "kind")]
    compare: bool,
    /// A minute, not optimised, without figures: does everything arrive?
    #[arg(long, conflicts_with_all = ["crates", "compare"])]
    quick: bool,
    /// Write the tables and charts to docs/benchmarks/NAME.md (NAME-growth.md with --growth)
    #[arg(long, default_value = "local", conflicts_with_all = ["quick", "crates", "compare"])]
    name: String,
    /// Passed on to dunlin-bench (for example --only Idle, or --rounds 8), or to criterion (a filter, or for example --save-baseline NAME)
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if arguments.crates {
        crates(arguments)
    } else if arguments.compare {
        let folder = workspace::root().join("benches/compare");
        shell::run(shell::cargo().arg("bench").arg("--").args(&arguments.rest).current_dir(folder))
    } else {
        server(arguments)
    }
}

fn crates(arguments: &Arguments) -> Result<()> {
    let all = workspace::NO_STD_CRATES.map(str::to_owned).to_vec();
    let packages = arguments.package.clone().map_or(all, |package| vec![package]);
    let mut command = shell::cargo();
    command.args(["bench", "--all-features", "--bench", "*"]);
    for package in &packages {
        command.args(["--package", package]);
    }
    shell::run(command.arg("--").args(&arguments.rest))
}

/// Runs all scenarios and curves of the server bench for a moment: does everything arrive, on every server?
pub(crate) fn smoke() -> Result<()> {
    for growth in [false, true] {
        server(&Arguments { growth, quick: true, ..Arguments::default() })?;
    }
    Ok(())
}

fn server(arguments: &Arguments) -> Result<()> {
    let official = peers::official_server()?;
    let profile = if arguments.quick { "dev" } else { "release" };
    let packages = ["--package", "dunlin-server", "--package", "dunlin-bench"];
    shell::run(shell::cargo().args(["build", "--bins", "--profile", profile]).args(packages))?;
    let folder = workspace::cargo_target_dir()?.join(if arguments.quick { "debug" } else { "release" });
    let mut command = Command::new(folder.join("dunlin-bench"));
    command
        .arg(if arguments.growth { "grow" } else { "run" })
        .arg("--dunlin")
        .arg(folder.join("dunlin"))
        .arg("--official")
        .arg(official);
    command.args(["--commit", &commit()?]);
    if arguments.quick {
        command.arg("--quick");
    } else {
        let folder = workspace::root().join("docs/benchmarks");
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let growth = if arguments.growth { "-growth" } else { "" };
        command.arg("--out").arg(folder.join(format!("{}{growth}.md", arguments.name)));
    }
    shell::run(command.args(&arguments.rest))
}

/// What the servers are built from.
fn commit() -> Result<String> {
    let mut command = Command::new("git");
    let text =
        shell::capture(command.args(["describe", "--always", "--dirty"]).current_dir(workspace::root()))?;
    Ok(text.trim().to_owned())
}
