//! The npm packages of the tests: the JavaScript clients and the driver of the browser.

use std::process::Command;

use super::{Outcome, Stamp};
use crate::{shell, workspace};

pub(super) fn install() -> Vec<Outcome> {
    let modules = shell::find("node").and_then(|node| {
        let npm = shell::find("npm")?;
        let version = shell::capture(Command::new(&node).arg("--version"))?;
        let folder = workspace::root().join("tests/js");
        Stamp::new("node_modules")
            .text(&version)
            .file("tests/js/package.json")?
            .file("tests/js/package-lock.json")?
            .install(&folder.join("node_modules"), |log| {
                let mut command = Command::new(npm);
                // No package that is used here needs its install script.
                command.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&folder);
                shell::run_logged(&mut command, log)
            })
    });
    vec![("node", shell::find("node")), ("node_modules", modules)]
}
