//! Compares the transcripts of two servers.

use std::fs;
use std::thread;

use dunlin_tests::{Kind, ServerProcess, skip, workspace_root};

use super::exchange::Exchange;
use super::known;
use super::run::run;

/// Runs all exchanges of an area against both servers and fails with every difference that is not known.
///
/// The transcripts are left in `target/differential` for people to read.
pub(crate) fn compare(area: &str, exchanges: &[Exchange]) {
    if let Err(reason) = Kind::Official.program() {
        return skip(&format!("differential::{area}"), &reason);
    }
    let (ours, theirs) = thread::scope(|scope| {
        let ours = scope.spawn(|| transcripts(Kind::under_test(), exchanges));
        let theirs = transcripts(Kind::Official, exchanges);
        (ours.join(), theirs)
    });
    let Ok(ours) = ours else { panic!("the run against {:?} failed; see above", Kind::under_test()) };
    write(area, Kind::Official, exchanges, &theirs);
    if Kind::under_test() != Kind::Official {
        write(area, Kind::under_test(), exchanges, &ours);
    }
    let findings: Vec<String> = exchanges
        .iter()
        .zip(ours.iter().zip(&theirs))
        .filter_map(|(exchange, (ours, theirs))| judge(&exchange.name, ours, theirs))
        .collect();
    assert!(findings.is_empty(), "{} findings in {area}\n\n{}", findings.len(), findings.join("\n\n"));
}

/// The transcripts of all exchanges; those in a row with the same configuration share a server.
fn transcripts(kind: Kind, exchanges: &[Exchange]) -> Vec<String> {
    let mut all = Vec::new();
    for group in exchanges.chunk_by(|one, next| one.conf == next.conf) {
        let server = ServerProcess::start(kind, group[0].conf, &[]);
        all.extend(group.iter().map(|exchange| run(exchange, server.addresses())));
    }
    all
}

/// What is wrong with the two transcripts of an exchange, if anything is.
fn judge(name: &str, ours: &str, theirs: &str) -> Option<String> {
    let Some(known) = known::find(name) else {
        let differ = ours != theirs;
        return differ.then(|| format!("## {name}\nofficial\n{}\ndunlin\n{}", indent(theirs), indent(ours)));
    };
    if !known.allows_official(theirs) {
        return Some(format!(
            "## {name}\nknown.txt expects another transcript\nofficial\n{}",
            indent(theirs)
        ));
    }
    let right = match Kind::under_test() {
        Kind::Dunlin => known.dunlin == ours,
        Kind::Official => known.allows_official(ours),
    };
    (!right).then(|| {
        let (expected, reason) = (indent(&known.dunlin), known.reason);
        format!("## {name}\nknown.txt expects ({reason})\n{expected}\nand this came\n{}", indent(ours))
    })
}

fn indent(transcript: &str) -> String {
    transcript.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

fn write(area: &str, kind: Kind, exchanges: &[Exchange], transcripts: &[String]) {
    let folder = workspace_root().join("target/differential");
    fs::create_dir_all(&folder).unwrap();
    let text: String = exchanges
        .iter()
        .zip(transcripts)
        .map(|(exchange, transcript)| format!("## {}\n{}\n\n", exchange.name, indent(transcript)))
        .collect();
    let kind = if kind == Kind::Dunlin { "dunlin" } else { "official" };
    fs::write(folder.join(format!("{area}.{kind}.txt")), text).unwrap();
}
