//! `no-std`: proves that the protocol crates need no `std`.
//!
//! `xtask/no-std` is a program without `std`: it brings its own panic handler. Were `std` among its dependencies, the two panic
//! handlers would clash, and it would not build. That this is so is shown by building it once with such a dependency.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use crate::{shell, workspace};

pub(crate) fn run() -> Result<()> {
    let target_dir = workspace::cargo_target_dir()?.join("no-std");
    let folder = workspace::root().join("xtask/no-std");
    // The versions of the workspace; cargo drops from the copy what is not used.
    fs::copy(workspace::root().join("Cargo.lock"), folder.join("Cargo.lock"))
        .context("cannot copy Cargo.lock")?;

    shell::run(&mut build(&target_dir))?;
    let program = target_dir.join("release/dunlin-no-std");
    // The program ends with the number of the step that went wrong, 0 if none did.
    shell::run(&mut Command::new(&program))?;

    let output = build(&target_dir).args(["--features", "std-dependency"]).output()?;
    let text = String::from_utf8_lossy(&output.stderr);
    ensure!(
        !output.status.success(),
        "the program built although a dependency uses std: the proof proves nothing"
    );
    if !text.contains("duplicate lang item") || !text.contains("panic_impl") {
        bail!("the program with a dependency on std failed for another reason:\n{text}");
    }
    println!("no-std: {} linked into a program without std, which ran", workspace::NO_STD_CRATES.join(", "));
    Ok(())
}

fn build(target_dir: &PathBuf) -> Command {
    let mut command = shell::cargo();
    command
        .args(["build", "--release", "--manifest-path", "xtask/no-std/Cargo.toml", "--target-dir"])
        .arg(target_dir);
    command
}
