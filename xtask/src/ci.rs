//! `ci`: the whole gate, the same on a laptop as in continuous integration. The tests come last, so that the output ends with their
//! lines.

use std::path::PathBuf;
use std::process::Command;
use std::thread;

use anyhow::{Context as _, Result};

use crate::shell::step;
use crate::{autobahn, bench, fuzz, instructions, no_std, peers, shell, test, tidy, workspace};

const CARGO_DENY: &str = "cargo-deny@0.20.2";
const FUZZ_SECONDS: u32 = 5;

pub(crate) fn run() -> Result<()> {
    step("fmt", fmt)?;
    step("tidy", || tidy::run(&tidy::Arguments::default()))?;
    thread::scope(|scope| {
        // Downloads, and builds of programs of others, while this machine lints.
        let tools = scope.spawn(|| peers::run().and_then(|()| peers::autobahn().map(drop)));
        step("clippy", clippy)?;
        step("docs", docs)?;
        step("package", package)?;
        step("no-std", no_std::run)?;
        step("deny", deny)?;
        step("fuzz", || fuzz::run(&fuzz::Arguments::all(FUZZ_SECONDS)))?;
        step("tools", || tools.join().expect("an installer returns its errors"))?;
        step("autobahn", || autobahn::run(&autobahn::Arguments::quick()))
    })?;
    step("instructions", || instructions::run(&instructions::Arguments::default()))?;
    step("server bench", bench::smoke)?;
    test::run()
}

fn fmt() -> Result<()> {
    shell::run(shell::cargo().args(["fmt", "--all", "--check"]))?;
    // Not in the workspace, so not among "all".
    shell::run(shell::cargo().args(["fmt", "--manifest-path", "xtask/no-std/Cargo.toml", "--check"]))
}

fn clippy() -> Result<()> {
    let arguments = ["clippy", "--workspace", "--all-targets", "--all-features", "--", "-Dwarnings"];
    shell::run(shell::cargo().args(arguments))
}

fn docs() -> Result<()> {
    let mut command = shell::cargo();
    shell::run(command.env("RUSTDOCFLAGS", "-Dwarnings").args([
        "doc",
        "--workspace",
        "--no-deps",
        "--all-features",
    ]))
}

/// Packs the protocol crates and builds each from its package, as its users would get it. Nothing is published.
fn package() -> Result<()> {
    let mut command = shell::cargo();
    // Uncommitted changes are no fault before a commit.
    command.args(["package", "--allow-dirty"]);
    for name in workspace::NO_STD_CRATES {
        command.args(["--package", name]);
    }
    shell::run(&mut command)
}

fn deny() -> Result<()> {
    let program = cargo_deny()?;
    // Not the advisories, which change by themselves.
    shell::run(Command::new(program).current_dir(workspace::root()).args([
        "--all-features",
        "check",
        "bans",
        "licenses",
        "sources",
    ]))
}

/// Installs the pinned cargo-deny into `target/tools`, once. Without optimisation: it builds in a third of the time and runs once.
fn cargo_deny() -> Result<PathBuf> {
    let folder = workspace::root().join("target/tools");
    let program = folder.join("bin/cargo-deny");
    let version = CARGO_DENY.split_once('@').map_or("", |(_, version)| version);
    let installed = shell::capture(Command::new(&program).arg("--version")).unwrap_or_default();
    if installed.split_whitespace().last() != Some(version) {
        let mut command = shell::cargo();
        command.args(["install", "--locked", "--debug", "--root"]).arg(&folder).arg(CARGO_DENY);
        command.env("CARGO_PROFILE_DEV_DEBUG", "0").env("CARGO_TARGET_DIR", folder.join("build"));
        shell::run(&mut command).context("cargo-deny cannot be installed")?;
        // Only the program is needed again.
        shell::remove(&folder.join("build"))?;
    }
    Ok(program)
}
