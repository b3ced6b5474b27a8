//! No test waits by sleeping: too short on a slow machine, too long on every other.

use super::{Finding, Source};

const RULE: &str = "no-sleep";

pub(super) fn check(source: &Source) -> Vec<Finding> {
    if !applies(&source.path) {
        return Vec::new();
    }
    let sleeps = |line: &str| {
        let code = line.split("//").next().unwrap_or_default();
        ["thread::sleep", "time::sleep", "time.sleep(", "asyncio.sleep("]
            .iter()
            .any(|word| code.contains(word))
    };
    let lines = source.text.lines().enumerate().filter(|(_, line)| sleeps(line));
    lines
        .map(|(index, _)| Finding {
            file: source.path.clone(),
            line: index + 1,
            rule: RULE,
            advice: "wait for the event itself, with one deadline for the whole test; in the simulation move the virtual clock"
                .to_owned(),
        })
        .collect()
}

fn applies(path: &str) -> bool {
    let code = [".rs", ".py"].iter().any(|end| path.ends_with(end));
    let folder = |name: &str| path.starts_with(name) || path.contains(&format!("/{name}"));
    code && (folder("tests/") || folder("testkit/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        let source = Source { path: path.to_owned(), text: text.to_owned() };
        check(&source).into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn a_sleep_in_a_test_is_found() {
        assert_eq!(lines("tests/src/a.rs", "fn a() {\n    std::thread::sleep(d);\n}\n"), [2]);
        assert_eq!(lines("crates/testkit/src/a.rs", "tokio::time::sleep(d).await;"), [1]);
        assert_eq!(lines("crates/server/tests/a.rs", "use std::thread::sleep;"), [1]);
        assert_eq!(lines("tests/python/a.py", "await asyncio.sleep(1)"), [1]);
    }

    #[test]
    fn comments_and_other_folders_are_not_tests() {
        assert_eq!(lines("tests/src/a.rs", "// not thread::sleep"), Vec::<usize>::new());
        assert_eq!(lines("crates/server/src/a.rs", "std::thread::sleep(d);"), Vec::<usize>::new());
    }
}
