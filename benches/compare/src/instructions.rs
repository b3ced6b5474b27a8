//! Counts the instructions of an engine: this program runs itself under callgrind.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::group::ITEMS;

/// The first argument of a child, before group and engine.
pub const COUNT: &str = "--count";

/// Instructions for one item. `None`: it was not counted.
pub fn count(folder: &Path, group: &str, engine: &str) -> Option<f64> {
    let out = folder.join("callgrind.out");
    // That of another engine must not be taken for this one's.
    let _ = std::fs::remove_file(&out);
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--quiet", "--toggle-collect=compare::group::counted*"]);
    command.arg(format!("--callgrind-out-file={}", out.display()));
    command.arg(std::env::current_exe().ok()?).args([COUNT, group, engine]);
    let output = command.stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let items: f64 = text.lines().find_map(|line| line.strip_prefix(ITEMS))?.parse().ok()?;
    let profile = std::fs::read(out).ok()?;
    let profile = String::from_utf8_lossy(&profile);
    let total: f64 = profile.lines().find_map(|line| line.strip_prefix("totals: "))?.trim().parse().ok()?;
    Some(total / items)
}

/// Valgrind is there.
pub fn can_count() -> bool {
    Command::new("valgrind")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
