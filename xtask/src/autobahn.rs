//! `autobahn`: the Autobahn test suite against the echo example, compared with what `conformance/expected.json` says.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::json;

use crate::{peers, shell, workspace};

const EXPECTED: &str = "conformance/expected.json";
/// The name of the echo program in the reports of the suite.
const AGENT: &str = "dunlin";
/// All but the compressed messages of 12 and 13, a thousand to a case, of which the smallest of each kind and one larger must
/// do: about a minute.
const QUICK: [&str; 22] = [
    "1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*", "12.1.1", "12.1.10", "12.2.1", "12.3.1",
    "12.4.1", "12.5.1", "13.1.1", "13.2.1", "13.3.1", "13.4.1", "13.5.1", "13.6.1", "13.7.1",
];

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only these cases, for example 6.* (may be given several times; all 517 without it)
    #[arg(long, value_name = "GLOB", conflicts_with = "quick")]
    cases: Vec<String>,
    /// Only the quick subset that continuous integration runs
    #[arg(long)]
    pub(crate) quick: bool,
    /// Test the server that listens at this URL, instead of the echo example
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

impl Arguments {
    pub(crate) fn quick() -> Arguments {
        Arguments { cases: Vec::new(), quick: true, url: None }
    }

    fn patterns(&self) -> Vec<String> {
        match (self.quick, self.cases.is_empty()) {
            (true, _) => QUICK.map(str::to_owned).to_vec(),
            (false, true) => vec!["*".to_owned()],
            (false, false) => self.cases.clone(),
        }
    }
}

/// What a case came to: how the peer behaved, and how it closed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Outcome {
    behavior: String,
    #[serde(rename = "behaviorClose")]
    close: String,
    /// Why a case may come to anything but OK; the suite's own reports have none.
    reason: Option<String>,
}

type Outcomes = BTreeMap<String, Outcome>;

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let suite = match peers::autobahn() {
        Ok(suite) => suite,
        // A developer's machine may lack Python 2; the gate may not.
        Err(error) if !workspace::in_ci() => {
            println!("autobahn: skipped: {error:#}");
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    let text = fs::read_to_string(workspace::root().join(EXPECTED))
        .with_context(|| format!("cannot read {EXPECTED}"))?;
    let expected: Outcomes =
        serde_json::from_str(&text).with_context(|| format!("{EXPECTED} is malformed"))?;
    let patterns = arguments.patterns();
    let found = match &arguments.url {
        Some(url) => run_suite(&suite, url, &patterns)?,
        None => {
            let echo = Echo::start()?;
            run_suite(&suite, &echo.url, &patterns)?
        }
    };
    let differences = compare(&expected, &found, &patterns);
    for difference in &differences {
        println!("autobahn: {difference}");
    }
    let strict = found.values().filter(|outcome| outcome.behavior == "OK").count();
    println!(
        "autobahn: {} cases, {strict} OK, {} others, {} unexpected",
        found.len(),
        found.len() - strict,
        differences.len()
    );
    ensure!(
        differences.is_empty(),
        "the result is not that of {EXPECTED}; reports are in {}",
        reports()?.display()
    );
    Ok(())
}

/// The echo example, while it runs.
struct Echo {
    child: Child,
    url: String,
}

impl Echo {
    fn start() -> Result<Echo> {
        shell::run(shell::cargo().args([
            "build",
            "--release",
            "--package",
            "dunlin-examples",
            "--bin",
            "echo",
        ]))?;
        let program = workspace::cargo_target_dir()?.join("release/echo");
        let mut child = Command::new(program)
            .args(["--listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the echo example")?;
        let mut output = BufReader::new(child.stdout.take().context("its output is piped")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        // What it prints later must not fill the pipe.
        std::thread::spawn(move || output.read_to_end(&mut Vec::new()));
        let mut echo = Echo { child, url: String::new() };
        let address = line.split_whitespace().find_map(|word| word.rsplit_once("127.0.0.1:"));
        let port = address.map(|(_, port)| port.trim_end_matches(|c: char| !c.is_ascii_digit()));
        let port = port.with_context(|| format!("the echo example named no address: {line:?}"))?;
        echo.url = format!("ws://127.0.0.1:{port}");
        Ok(echo)
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        // If it has ended by itself, the suite has reported that already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The folder of the suite's reports, one file a case.
fn reports() -> Result<PathBuf> {
    Ok(workspace::cargo_target_dir()?.join("autobahn"))
}

fn run_suite(suite: &Path, url: &str, patterns: &[String]) -> Result<Outcomes> {
    let reports = reports()?;
    shell::remove(&reports)?;
    fs::create_dir_all(&reports)?;
    let log = reports.join("wstest.txt");
    let configuration = reports.join("configuration.json");
    let text = json!({
        "outdir": reports,
        "servers": [{ "agent": AGENT, "url": url }],
        "cases": patterns,
        "exclude-cases": [],
        "exclude-agent-cases": {},
    });
    fs::write(&configuration, text.to_string())?;
    let mut command = Command::new(suite);
    command.env("PYTHONWARNINGS", "ignore").args(["--mode", "fuzzingclient", "--spec"]).arg(&configuration);
    shell::run_logged(&mut command, &log)?;
    let index = reports.join("index.json");
    let text = fs::read_to_string(&index)
        .with_context(|| format!("no result was written (see {})", log.display()))?;
    let mut index: BTreeMap<String, Outcomes> =
        serde_json::from_str(&text).context("index.json is malformed")?;
    index
        .remove(AGENT)
        .with_context(|| format!("the suite reached no server at {url} (see {})", log.display()))
}

fn compare(expected: &Outcomes, found: &Outcomes, patterns: &[String]) -> Vec<String> {
    let mut differences = Vec::new();
    for (case, outcome) in found {
        let Some(known) = expected.get(case) else {
            differences.push(format!("case {case} is not in {EXPECTED}"));
            continue;
        };
        if (&known.behavior, &known.close) != (&outcome.behavior, &outcome.close) {
            differences.push(format!(
                "case {case}: {} / close {}, but {} / close {} is expected",
                outcome.behavior, outcome.close, known.behavior, known.close
            ));
        }
    }
    for (case, known) in expected {
        let chosen = patterns.iter().any(|pattern| matches(pattern, case));
        if chosen && !found.contains_key(case) {
            differences.push(format!("case {case} has not been run"));
        }
        if known.behavior != "OK" && known.reason.is_none() {
            differences.push(format!(
                "case {case} is expected to be {} without a reason in {EXPECTED}",
                known.behavior
            ));
        }
    }
    differences
}

/// Whether a pattern of the suite chooses a case: `6.*` and `*` stand for all that start so.
fn matches(pattern: &str, case: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == case, |start| case.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(list: &[(&str, &str, Option<&str>)]) -> Outcomes {
        let outcome = |&(case, behavior, reason): &(&str, &str, Option<&str>)| {
            let reason = reason.map(str::to_owned);
            (case.to_owned(), Outcome { behavior: behavior.to_owned(), close: "OK".to_owned(), reason })
        };
        list.iter().map(outcome).collect()
    }

    fn differences(
        expected: &[(&str, &str, Option<&str>)],
        found: &[(&str, &str, Option<&str>)],
    ) -> Vec<String> {
        compare(&outcomes(expected), &outcomes(found), &["6.*".to_owned()])
    }

    #[test]
    fn the_same_result_has_no_differences() {
        let expected = [("1.1.1", "OK", None), ("6.1.1", "OK", None), ("6.4.1", "NON-STRICT", Some("why"))];
        assert_eq!(
            differences(&expected, &[("6.1.1", "OK", None), ("6.4.1", "NON-STRICT", None)]),
            Vec::<String>::new()
        );
    }

    #[test]
    fn every_kind_of_difference_is_named() {
        let expected = [("6.1.1", "OK", None), ("6.1.2", "OK", None), ("6.4.1", "NON-STRICT", None)];
        let found = [("6.1.1", "FAILED", None), ("6.4.1", "NON-STRICT", None), ("6.9", "OK", None)];
        assert_eq!(
            differences(&expected, &found),
            [
                "case 6.1.1: FAILED / close OK, but OK / close OK is expected",
                "case 6.9 is not in conformance/expected.json",
                "case 6.1.2 has not been run",
                "case 6.4.1 is expected to be NON-STRICT without a reason in conformance/expected.json",
            ]
        );
    }
}
