//! Chromium, as the system packages it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::Outcome;
use crate::{shell, workspace};

pub(super) fn install() -> Vec<Outcome> {
    vec![("chromium", find_or_install())]
}

fn find_or_install() -> Result<PathBuf> {
    if let Ok(program) = find() {
        return Ok(program);
    }
    let apt = shell::find("apt-get").context("no Chromium is installed, and this system has no apt-get")?;
    let user = shell::capture(Command::new("id").arg("-u"))?;
    ensure!(user.trim() == "0", "no Chromium is installed, and only root can install Debian's");
    println!("   installing chromium");
    let log = workspace::peers_dir().join("log/chromium.txt");
    shell::remove(&log)?;
    for arguments in
        [&["update"][..], &["install", "--yes", "--no-install-recommends", "chromium", "fonts-liberation"]]
    {
        let mut command = Command::new(&apt);
        command
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(["-o", "DPkg::Lock::Timeout=120"])
            .args(arguments);
        shell::run_logged(&mut command, &log)?;
    }
    find()
}

fn find() -> Result<PathBuf> {
    shell::find("chromium").or_else(|error| shell::find("chromium-browser").map_err(|_| error))
}
