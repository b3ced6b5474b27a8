//! The committed table of known differences, `known.txt`.
//!
//! An entry is one or more `## exchange name` lines, a reason (`# …` lines), an `official` block and a `dunlin` block;
//! transcript lines are indented. An `official, or less` block also stands for transcripts in which the official
//! server closes before it has sent the last lines: it loses them now and then. Without a `dunlin` block dunlin must
//! send the whole of it.

use std::fs;

/// What each server is expected to send in one exchange.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    pub(crate) name: String,
    pub(crate) reason: String,
    pub(crate) official: String,
    pub(crate) or_less: bool,
    pub(crate) dunlin: String,
}

impl Known {
    /// Whether the official server may send this.
    pub(crate) fn allows_official(&self, transcript: &str) -> bool {
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        let (whole, got) = (lines(&self.official), lines(transcript));
        if !self.or_less {
            return whole == got;
        }
        // All but "closed" at the end.
        whole.last() == got.last() && !got.is_empty() && whole.starts_with(&got[..got.len() - 1])
    }
}

/// All entries, one per exchange.
pub(crate) fn table() -> Vec<Known> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/differential/known.txt");
    parse(&fs::read_to_string(path).expect("a committed file"))
}

/// The entry of one exchange.
pub(crate) fn find(name: &str) -> Option<Known> {
    table().into_iter().find(|known| known.name == name)
}

fn parse(text: &str) -> Vec<Known> {
    let mut all = Vec::new();
    for entry in text.split("\n\n").filter(|entry| entry.contains("## ")) {
        let (mut names, mut known, mut blocks) = (Vec::new(), Known::default(), Vec::new());
        for line in entry.lines() {
            if let Some(name) = line.strip_prefix("## ") {
                names.push(name.to_owned());
            } else if let Some(reason) = line.strip_prefix("# ") {
                known.reason.push_str(reason);
            } else if let Some(line) = line.strip_prefix("  ") {
                let (_, lines): &mut (&str, Vec<&str>) = blocks.last_mut().expect("a block has a heading");
                lines.push(line);
            } else {
                blocks.push((line, Vec::new()));
            }
        }
        for (heading, lines) in blocks {
            match heading {
                "official" => known.official = lines.join("\n"),
                "official, or less" => (known.official, known.or_less) = (lines.join("\n"), true),
                "dunlin" => known.dunlin = lines.join("\n"),
                other => panic!("known.txt: {other:?} is no heading"),
            }
        }
        if known.or_less && known.dunlin.is_empty() {
            known.dunlin.clone_from(&known.official);
        }
        assert!(!known.reason.is_empty(), "known.txt: {names:?} has no reason");
        assert!(
            !known.official.is_empty() && !known.dunlin.is_empty(),
            "known.txt: {names:?} lacks a transcript"
        );
        all.extend(names.into_iter().map(|name| Known { name, ..known.clone() }));
    }
    all
}
