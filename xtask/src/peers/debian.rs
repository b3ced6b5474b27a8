//! Programs that come as packages of Debian.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::Outcome;
use crate::{shell, workspace};

/// The names that each program has, and the packages of Debian that it comes in: a browser, `certutil`, which tells it whom to
/// trust, and proxies.
const PROGRAMS: [(&str, &[&str], &[&str]); 4] = [
    ("chromium", &["chromium", "chromium-browser"], &["chromium", "fonts-liberation"]),
    ("certutil", &["certutil"], &["libnss3-tools"]),
    ("nginx", &["nginx"], &["nginx-light"]),
    ("haproxy", &["haproxy"], &["haproxy"]),
];

pub(super) fn install() -> Vec<Outcome> {
    PROGRAMS.map(|(name, names, packages)| (name, find_or_install(name, names, packages))).into()
}

/// The program that has one of `names`, installed from `packages` where it is missing.
pub(super) fn find_or_install(name: &str, names: &[&str], packages: &[&str]) -> Result<PathBuf> {
    find(names).or_else(|_| install_packages(name, packages).and_then(|()| find(names)))
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
