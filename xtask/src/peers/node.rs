//! The npm packages of the tests (the JavaScript clients, the driver of the browser) and of the example that they build.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use super::{Outcome, Stamp};
use crate::{shell, workspace};

pub(super) fn install() -> Vec<Outcome> {
    vec![
        ("node", shell::find("node")),
        ("node_modules", packages("node_modules", "tests/js")),
        ("react_dashboard", packages("react_dashboard", "examples/react-dashboard")),
    ]
}

/// The packages that the lock file of `folder` names.
fn packages(name: &'static str, folder: &str) -> Result<PathBuf> {
    let node = shell::find("node")?;
    let npm = shell::find("npm")?;
    let version = shell::capture(Command::new(&node).arg("--version"))?;
    let path = workspace::root().join(folder);
    Stamp::new(name)
        .text(&version)
        .file(&format!("{folder}/package.json"))?
        .file(&format!("{folder}/package-lock.json"))?
        .install(&path.join("node_modules"), |log| {
            let mut command = Command::new(npm);
            // No package that is used here needs its install script.
            command.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&path);
            shell::run_logged(&mut command, log)
        })
}
