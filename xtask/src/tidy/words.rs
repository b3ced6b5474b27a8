//! Words that no file of this project may hold.

use super::{Finding, Source};

/// A banned word, in the files whose names end in one of `ends` (all, where there is none).
struct Ban {
    rule: &'static str,
    words: &'static [&'static str],
    ends: &'static [&'static str],
    advice: &'static str,
}

// The words are written in pieces, since this file is checked too.
const BANS: [Ban; 4] = [
    Ban {
        rule: "no-registry-host",
        words: &[
            concat!("registry.", "npmjs.org"),
            concat!("files.", "pythonhosted.org"),
            concat!("pypi", ".org/simple"),
            concat!("proxy.", "golang.org"),
            concat!("sum.", "golang.org"),
            concat!("index.", "crates.io"),
            concat!("static.", "crates.io"),
            concat!("deb.", "debian.org"),
            concat!("repo.", "maven.apache.org"),
        ],
        ends: &[],
        advice: "leave the registry to the settings of whoever runs this; name packages only",
    },
    Ban {
        rule: "no-machine-path",
        words: &[
            concat!("/ro", "ot/"),
            concat!("/wo", "rk/"),
            concat!("/ho", "me/"),
            concat!("/opt/", "wheels"),
        ],
        ends: &[],
        advice: "this path exists on one machine only: derive it, or take it from the environment",
    },
    Ban {
        rule: "no-ignored-test",
        words: &[concat!("#[", "ignore")],
        ends: &[".rs"],
        advice: "run the test, or delete it; one that needs a missing program skips itself and says so",
    },
    Ban {
        rule: "no-stub",
        words: &[concat!("todo", "!("), concat!("unimplemented", "!(")],
        ends: &[".rs"],
        advice: "write what is missing, or leave the caller out until it is needed",
    },
];

pub(super) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for ban in &BANS {
        if !ban.ends.is_empty() && !ban.ends.iter().any(|end| source.path.ends_with(end)) {
            continue;
        }
        for (index, line) in source.text.lines().enumerate() {
            if let Some(word) = ban.words.iter().find(|word| holds(line, word)) {
                let advice = format!("{word}: {}", ban.advice);
                findings.push(Finding { file: source.path.clone(), line: index + 1, rule: ban.rule, advice });
            }
        }
    }
    findings
}

/// Whether `line` holds `word`, where a path must start: `a/word/` and `$X/word/` are relative to something else.
fn holds(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !word.starts_with('/') || !before.is_some_and(|c| c.is_alphanumeric() || "._-}>)*\\".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(path: &str, text: &str) -> Vec<(&'static str, usize)> {
        let source = Source { path: path.to_owned(), text: text.to_owned() };
        check(&source).into_iter().map(|finding| (finding.rule, finding.line)).collect()
    }

    #[test]
    fn each_banned_word_is_found_at_its_line() {
        for ban in &BANS {
            for word in ban.words {
                assert_eq!(rules("a.rs", &format!("ok\n  {word}x\n")), [(ban.rule, 2)], "{word}");
            }
        }
    }

    #[test]
    fn words_of_rust_are_free_in_prose() {
        assert_eq!(rules("README.md", concat!("no `todo", "!()` here")), Vec::new());
    }

    #[test]
    fn a_folder_of_that_name_elsewhere_is_no_machine_path() {
        let path = concat!("/wo", "rk/");
        assert_eq!(rules("a.md", &format!("target{path}x $ROOT{path}y")), []);
        assert_eq!(rules("a.md", &format!("in `{path}x`")), [("no-machine-path", 1)]);
    }
}
