//! Chromium, as the system packages it, and `certutil`, which tells it whom to trust.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::Outcome;
use crate::{shell, workspace};

/// The names that each program has, and the packages of Debian that it comes in.
const PROGRAMS: [(&str, &[&str], &[&str]); 2] = [
    ("chromium", &["chromium", "chromium-browser"], &["chromium", "fonts-liberation"]),
    ("certutil", &["certutil"], &["libnss3-tools"]),
];

pub(super) fn install() -> Vec<Outcome> {
    let find_or_install = |(name, names, packages)| {
        let found = find(names).or_else(|_| install_packages(name, packages).and_then(|()| find(names)));
        (name, found)
    };
    PROGRAMS.map(find_or_install).into()
}

fn install_packages(name: &str, packages: &[&str]) -> Result<()> {
    let apt = shell::find("apt-get")
        .with_context(|| format!("{name} is not installed, and this system has no apt-get"))?;
    let user = shell::capture(Command::new("id").arg("-u"))?;
    ensure!(user.trim() == "0", "{name} is not installed, and only root can install Debian's");
    println!("   installing {name}");
    let log = workspace::peers_dir().join(format!("log/{name}.txt"));
    shell::remove(&log)?;
    for arguments in [&["update"][..], &[&["install", "--yes", "--no-install-recommends"], packages].concat()]
    {
        let mut command = Command::new(&apt);
        command
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(["-o", "DPkg::Lock::Timeout=120"])
            .args(arguments);
        shell::run_logged(&mut command, &log)?;
    }
    Ok(())
}

fn find(names: &[&str]) -> Result<PathBuf> {
    let mut found = names.iter().map(|name| shell::find(name));
    found.find(Result::is_ok).unwrap_or_else(|| shell::find(names[0]))
}
