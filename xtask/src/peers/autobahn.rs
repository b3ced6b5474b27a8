//! The Autobahn test suite: a Python 2 program, so it needs an interpreter of that age and packages of that time.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::{Stamp, lock};
use crate::{shell, workspace};

const REQUIREMENTS: &str = "conformance/requirements.txt";
/// The last release that makes environments for Python 2.
const VIRTUALENV: &str = "virtualenv==20.15.1";

/// The program `wstest`.
pub(crate) fn install() -> Result<PathBuf> {
    let _lock = lock("autobahn")?;
    let python = python2()?;
    let folder = workspace::peers_dir().join("autobahn");
    let program = folder.join("env/bin/wstest");
    Stamp::new("autobahn").text(VIRTUALENV).file(REQUIREMENTS)?.install(&program, |log| {
        shell::remove(&folder)?;
        let tool = folder.join("virtualenv");
        let mut command = pip(&python);
        shell::run_logged(command.args([VIRTUALENV, "--target"]).arg(&tool), log)?;
        let mut virtualenv = Command::new(&python);
        virtualenv.env("PYTHONPATH", &tool).args(["-m", "virtualenv", "--no-periodic-update", "--python"]);
        shell::run_logged(virtualenv.arg(&python).arg(folder.join("env")), log)?;
        let mut command = pip(&folder.join("env/bin/python"));
        shell::run_logged(
            command.args(["--no-deps", "--requirement"]).arg(workspace::root().join(REQUIREMENTS)),
            log,
        )
    })
}

fn python2() -> Result<PathBuf> {
    let pyenv = std::env::var_os("PYENV_ROOT").map(PathBuf::from);
    let pyenv = pyenv.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".pyenv")));
    let installed =
        pyenv.map(|root| root.join("versions/2.7.18/bin/python")).filter(|program| program.is_file());
    installed
        .map_or_else(|| shell::find("python2.7"), Ok)
        .context("the Autobahn suite needs Python 2.7 (pyenv install 2.7.18)")
}

fn pip(python: &Path) -> Command {
    let mut command = Command::new(python);
    command.args(["-m", "pip", "install", "--disable-pip-version-check"]);
    command
}
