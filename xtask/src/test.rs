//! `test`: every test of the workspace, with what they need installed first.

use std::fs;

use anyhow::{Context as _, Result, bail};

use crate::{peers, shell, workspace};

/// How many stories of the simulation continuous integration plays; elsewhere its own default holds.
const CI_SEEDS: &str = "20000";

pub(crate) fn run() -> Result<()> {
    shell::step("peers", peers::run)?;
    run_tests(&[], &[])
}

/// Runs those tests of the workspace that `targets` names (all, where it is empty), then reports the tests that skipped themselves.
pub(crate) fn run_tests(targets: &[&str], rest: &[String]) -> Result<()> {
    let skipped = workspace::peers_dir().join("skipped.txt");
    fs::write(&skipped, "").with_context(|| format!("cannot write {}", skipped.display()))?;
    // The black-box tests start the program. It is built together with the tests, so that both share their dependencies, and
    // with the dev profile, which is optimised enough for them.
    let with = if targets.is_empty() { &["--tests"] } else { targets };
    let everything = ["--workspace", "--all-features"];
    shell::run(shell::cargo().arg("build").args(everything).args(["--bin", "dunlin"]).args(with))?;
    let program = workspace::cargo_target_dir()?.join("debug/dunlin");
    let mut command = shell::cargo();
    command.env("DUNLIN_BIN", program).arg("test").args(everything).arg("--no-fail-fast").args(targets);
    if workspace::in_ci() {
        command.env("DUNLIN_SEEDS", CI_SEEDS);
    }
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
