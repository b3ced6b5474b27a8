//! `bench`: the criterion benches of the protocol crates, or with `--server` what a server costs beside the official one.

use std::process::Command;

use anyhow::{Context as _, Result};

use crate::{peers, shell, workspace};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Bench only this package, for example dunlin-websocket
    #[arg(long, short)]
    package: Option<String>,
    /// Bench the server beside the official one and the kernel's own cost (fifteen minutes)
    #[arg(long, conflicts_with = "package")]
    server: bool,
    /// With --server: half a minute, not optimised, without figures: does everything arrive?
    #[arg(long, requires = "server")]
    quick: bool,
    /// With --server: how cost grows with subscribers, payload, subscriptions and idle connections, instead (eight minutes)
    #[arg(long, requires = "server")]
    growth: bool,
    /// With --server: write the tables and charts to docs/benchmarks/NAME.md (NAME-growth.md with --growth)
    #[arg(long, requires = "server", conflicts_with = "quick")]
    name: Option<String>,
    /// Passed on to criterion (a filter, or for example --save-baseline NAME), or to dunlin-bench (for example --only Idle)
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if arguments.server {
        return server(arguments);
    }
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
        server(&Arguments {
            package: None,
            server: true,
            quick: true,
            growth,
            name: None,
            rest: Vec::new(),
        })?;
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
    }
    if let Some(name) = &arguments.name {
        let folder = workspace::root().join("docs/benchmarks");
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let growth = if arguments.growth { "-growth" } else { "" };
        command.arg("--out").arg(folder.join(format!("{name}{growth}.md")));
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
