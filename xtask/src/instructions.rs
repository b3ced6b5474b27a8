//! `instructions`: counts what fixed scenarios (`benches/cost`) execute under callgrind, and compares with the committed counts. Unlike
//! time, the counts are the same on a busy machine, so a regression shows in the change that makes it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::{peers, shell, workspace};

const FILE: &str = "benches/instructions.txt";
/// More than this far from the committed count, either way, a scenario fails. Percent.
const TOLERANCE: f64 = 3.0;
const HOW_TO_RECORD: &str = "if that is meant, `cargo xtask instructions --record` writes the counts anew";
/// The function of `dunlin-cost` that is counted, without what sets up.
const COUNTED: &str = "--toggle-collect=dunlin_cost::counted*";

#[derive(clap::Args, Default)]
pub(crate) struct Arguments {
    /// Write the counts to benches/instructions.txt instead of comparing with it
    #[arg(long)]
    record: bool,
}

/// Instructions for each operation, by scenario.
type Counts = BTreeMap<String, f64>;

/// The committed file.
#[derive(Debug, PartialEq)]
struct Record {
    /// What compiled the scenarios: another compiler has other counts.
    compiler: String,
    counts: Counts,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let valgrind = peers::valgrind()?;
    shell::run(shell::cargo().args(["build", "--release", "--package", "dunlin-cost"]))?;
    let program = workspace::cargo_target_dir()?.join("release/dunlin-cost");
    let mut counts = Counts::new();
    for line in shell::capture(&mut Command::new(&program))?.lines() {
        let (name, operations) = line.split_once(' ').context("dunlin-cost lists no operations")?;
        let operations: f64 = operations.parse()?;
        let instructions = count(&valgrind, &program, name)?;
        // As many digits as the file has.
        counts.insert(name.to_owned(), (instructions / operations * 10.0).round() / 10.0);
    }
    let counted = Record { compiler: compiler()?, counts };
    let path = workspace::root().join(FILE);
    if arguments.record {
        std::fs::write(&path, counted.write()).with_context(|| format!("cannot write {FILE}"))?;
        println!("instructions: {} scenarios recorded in {FILE}", counted.counts.len());
        return Ok(());
    }
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {FILE} (`cargo xtask instructions --record` writes it)"))?;
    let recorded = Record::read(&text)?;
    print!("{}", table(&recorded.counts, &counted.counts));
    if recorded.compiler != counted.compiler {
        println!(
            "instructions: not compared: {FILE} was recorded with {}, this is {}. `cargo xtask instructions --record` on the \
             commit before a change makes its effect visible here",
            recorded.compiler, counted.compiler
        );
        return Ok(());
    }
    let far = differences(&recorded.counts, &counted.counts);
    ensure!(far.is_empty(), "{}\n{HOW_TO_RECORD}", far.join("\n"));
    println!("instructions: {} scenarios within {TOLERANCE} % of {FILE}", counted.counts.len());
    Ok(())
}

/// The instructions that a scenario takes between the entry into the counted function and its end.
fn count(valgrind: &Path, program: &Path, name: &str) -> Result<f64> {
    let out: PathBuf = workspace::cargo_target_dir()?.join(format!("callgrind.{name}.out"));
    let (folder, file_name) =
        program.parent().zip(program.file_name()).context("the program has no folder")?;
    let mut command = Command::new(valgrind);
    // Hash seeds come from addresses on the stack, below the environment and the program's path: with always the same of those, only
    // the code moves them. What is left of chance is below 1.2 % where there are many hashes.
    command.env_clear().current_dir(folder);
    command.args(["--tool=callgrind", "--quiet", COUNTED]);
    command.arg(format!("--callgrind-out-file={}", out.display()));
    command.arg(Path::new(".").join(file_name)).arg(name);
    shell::capture(&mut command)?;
    let profile = std::fs::read(&out).with_context(|| format!("callgrind wrote no {}", out.display()))?;
    let profile = String::from_utf8_lossy(&profile);
    let total = profile.lines().find_map(|line| line.strip_prefix("totals: "));
    let total = total.with_context(|| format!("{} has no totals", out.display()))?.trim().parse()?;
    ensure!(total > 0.0, "callgrind has not found the counted function of {}", program.display());
    Ok(total)
}

/// Version and target of the compiler that cargo uses.
fn compiler() -> Result<String> {
    let program = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let text = shell::capture(Command::new(program).arg("-vV").current_dir(workspace::root()))?;
    let version = text.lines().next().context("rustc says no version")?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    Ok(format!("{version} {host}"))
}

impl Record {
    fn write(&self) -> String {
        let mut text =
            "# Instructions for each operation, as `cargo xtask instructions --record` has counted them.\n"
                .to_owned();
        text += &format!("compiler: {}\n", self.compiler);
        for (name, count) in &self.counts {
            text += &format!("{name} {count:.1}\n");
        }
        text
    }

    fn read(text: &str) -> Result<Record> {
        let mut lines = text.lines().filter(|line| !line.starts_with('#'));
        let compiler = lines.next().and_then(|line| line.strip_prefix("compiler: "));
        let compiler = compiler.with_context(|| format!("{FILE} names no compiler"))?.to_owned();
        let counts = lines.map(|line| {
            let (name, count) = line.split_once(' ').with_context(|| format!("{FILE}: no count: {line}"))?;
            let count = count.parse().with_context(|| format!("{FILE}: no number: {line}"))?;
            Ok((name.to_owned(), count))
        });
        Ok(Record { compiler, counts: counts.collect::<Result<_>>()? })
    }
}

fn percent(recorded: f64, counted: f64) -> f64 {
    (counted / recorded - 1.0) * 100.0
}

fn table(recorded: &Counts, counted: &Counts) -> String {
    let mut text = format!("{:<32} {:>10} {:>10}\n", "instructions per operation", "recorded", "now");
    for (name, &now) in counted {
        let (before, change) = match recorded.get(name) {
            Some(&before) => (format!("{before:.1}"), format!("{:+.1} %", percent(before, now))),
            None => ("-".to_owned(), "new".to_owned()),
        };
        text += &format!("{name:<32} {before:>10} {now:>10.1} {change:>8}\n");
    }
    text
}

/// What is not as it was recorded, a line each.
fn differences(recorded: &Counts, counted: &Counts) -> Vec<String> {
    let mut found = Vec::new();
    for (name, &now) in counted {
        match recorded.get(name) {
            Some(&before) if percent(before, now).abs() <= TOLERANCE => {}
            Some(&before) => found.push(format!(
                "{name} takes {now:.1} instructions, {:+.1} % of the recorded {before:.1}",
                percent(before, now)
            )),
            None => found.push(format!("{name} is not in {FILE}")),
        }
    }
    let gone = recorded.keys().filter(|name| !counted.contains_key(*name));
    found.extend(gone.map(|name| format!("{name} is in {FILE}, but there is no such scenario")));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(of: &[(&str, f64)]) -> Counts {
        of.iter().map(|&(name, count)| (name.to_owned(), count)).collect()
    }

    #[test]
    fn what_is_written_is_read() {
        let compiler = "rustc 1.95.0 (x) x86_64-unknown-linux-gnu".to_owned();
        let record = Record { compiler, counts: counts(&[("a", 12.5), ("b", 70_000.0)]) };
        assert_eq!(Record::read(&record.write()).expect("what was written"), record);
        assert!(Record::read("a 12.5\n").is_err());
    }

    #[test]
    fn three_percent_either_way_are_tolerated() {
        let recorded = counts(&[("a", 100.0)]);
        for (now, is_far) in [(100.0, false), (102.9, false), (103.1, true), (97.1, false), (96.9, true)] {
            assert_eq!(!differences(&recorded, &counts(&[("a", now)])).is_empty(), is_far, "{now}");
        }
    }

    #[test]
    fn a_new_and_a_lost_scenario_are_differences() {
        let (before, now) = (counts(&[("a", 1.0), ("b", 1.0)]), counts(&[("a", 1.0), ("c", 1.0)]));
        assert_eq!(differences(&before, &now).len(), 2);
    }
}
