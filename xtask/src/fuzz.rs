//! `fuzz`: builds the libFuzzer targets on the stable toolchain and runs each for a while.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::{shell, workspace};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How long each target runs
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// Keep inputs that reached new code: merge the smallest set of them into the committed corpus
    #[arg(long)]
    merge: bool,
    /// Only this target; all without it
    target: Option<String>,
}

impl Arguments {
    /// Every target, so long each.
    pub(crate) fn all(seconds: u32) -> Arguments {
        Arguments { seconds, merge: false, target: None }
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let mut targets = targets()?;
    if let Some(only) = &arguments.target {
        if !targets.contains(only) {
            bail!("there is no fuzz target {only}; there are {}", targets.join(", "));
        }
        targets.retain(|target| target == only);
    }
    let programs = workspace::cargo_target_dir()?.join("fuzz");
    let triple = host()?;
    build(&programs, &triple, &targets)?;
    let folder = programs.join(triple).join("release");
    let mut broken = Vec::new();
    for target in &targets {
        if let Err(error) =
            fuzz(&folder.join(target), target, &programs.join("corpus").join(target), arguments)
        {
            println!("fuzz target {target}: {error:#}");
            broken.push(target.as_str());
        }
    }
    if broken.is_empty() { Ok(()) } else { bail!("fuzz targets found something: {}", broken.join(", ")) }
}

/// The names of the files in `fuzz_targets`.
fn targets() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(workspace::root().join("fuzz/fuzz_targets"))? {
        let path = entry?.path();
        names.extend(path.file_stem().and_then(|name| name.to_str()).map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

fn host() -> Result<String> {
    let text = shell::capture(Command::new("rustc").arg("-vV").current_dir(workspace::root()))?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc -vV names no host")?.to_owned())
}

fn build(target_dir: &Path, triple: &str, targets: &[String]) -> Result<()> {
    // LLVM's coverage instrumentation as cargo-fuzz switches it on, without a sanitizer, which would need nightly. The
    // crates of the workspace forbid unsafe code, so an address sanitizer would have little to find.
    let flags = [
        "--cfg=fuzzing",
        "-Cpasses=sancov-module",
        "-Cllvm-args=-sanitizer-coverage-level=4",
        "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
        "-Cllvm-args=-sanitizer-coverage-pc-table",
        "-Cllvm-args=-sanitizer-coverage-trace-compares",
        "-Cllvm-args=-simplifycfg-branch-fold-threshold=0",
        "-Cdebug-assertions",
        "-Coverflow-checks",
    ];
    let mut cargo = shell::cargo();
    // With an explicit target the flags do not reach build scripts, which are linked without libFuzzer.
    cargo
        .args(["build", "--package", "dunlin-fuzz", "--release", "--target", triple, "--target-dir"])
        .arg(target_dir);
    for target in targets {
        cargo.args(["--bin", target]);
    }
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
    cargo.env("CARGO_PROFILE_RELEASE_LTO", "off").env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
    shell::run(&mut cargo)
}

/// Runs one target on a scratch copy of its corpus; what makes it fail is saved in `fuzz/artifacts`.
fn fuzz(program: &Path, target: &str, scratch: &Path, arguments: &Arguments) -> Result<()> {
    let corpus = workspace::root().join("fuzz/corpus").join(target);
    let artifacts = workspace::root().join("fuzz/artifacts").join(target);
    fs::create_dir_all(&artifacts)?;
    fs::create_dir_all(&corpus)?;
    shell::remove(scratch)?;
    fs::create_dir_all(scratch)?;
    let mut command = Command::new(program);
    command.arg(format!("-artifact_prefix={}/", artifacts.display()));
    command.args(["-timeout=10", "-rss_limit_mb=4096", "-print_final_stats=1"]);
    let dictionary = workspace::root().join("fuzz/dictionaries").join(format!("{target}.txt"));
    if dictionary.exists() {
        command.arg(format!("-dict={}", dictionary.display()));
    }
    command.arg(format!("-max_total_time={}", arguments.seconds));
    let log = scratch.with_extension("txt");
    shell::remove(&log)?;
    // New inputs go to the first folder; the second is only read.
    let result = shell::run_logged(command.arg(scratch).arg(&corpus), &log);
    let report = fs::read(&log)?;
    let report = String::from_utf8_lossy(&report);
    if result.is_err() {
        // All but the progress.
        for line in report.lines().filter(|line| !line.starts_with('#')) {
            println!("   {target}: {line}");
        }
    }
    // The first line tells what the corpus covers, the last what has been covered in the end.
    for line in report.lines().filter(|line| line.contains("INITED") || line.contains("DONE")) {
        println!("   {target}: {line}");
    }
    result?;
    if arguments.merge {
        // The fewest inputs that reach the same: half as many as `-merge` takes.
        shell::run_logged(Command::new(program).arg("-set_cover_merge=1").arg(&corpus).arg(scratch), &log)?;
    }
    Ok(())
}
