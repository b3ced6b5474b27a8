//! `test`: every test of the workspace, with what they need installed first.

use std::fs;

use anyhow::{Context as _, Result, bail};

use crate::{peers, shell, workspace};

pub(crate) fn run() -> Result<()> {
    shell::step("peers", peers::run)?;
    run_tests(&["--workspace"], &[])
}

/// Runs `cargo test` over the packages that `selection` names, then reports the tests that skipped themselves.
pub(crate) fn run_tests(selection: &[&str], rest: &[String]) -> Result<()> {
    let skipped = workspace::peers_dir().join("skipped.txt");
    fs::write(&skipped, "").with_context(|| format!("cannot write {}", skipped.display()))?;
    // The black-box tests start the program, so it must be built, and with the features that the tests are built
    // with, so that both share their dependencies. The dev profile is optimised enough for them.
    shell::run(shell::cargo().args(["build", "--workspace", "--all-features", "--bin", "dunlin"]))?;
    let program = workspace::cargo_target_dir()?.join("debug/dunlin");
    let mut command = shell::cargo();
    command.env("DUNLIN_BIN", program).args(["test", "--all-features", "--no-fail-fast"]).args(selection);
    let result = shell::run(command.arg("--").args(rest));

    let report =
        fs::read_to_string(&skipped).with_context(|| format!("cannot read {}", skipped.display()))?;
    if report.is_empty() {
        return result;
    }
    println!("\nTests skipped because of what this machine lacks:");
    for line in report.lines() {
        println!("  {line}");
    }
    result?;
    if workspace::in_ci() {
        bail!("tests were skipped, which continuous integration counts as a failure");
    }
    Ok(())
}
