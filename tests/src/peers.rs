//! The programs of others that the tests use, as `cargo xtask test` has installed them.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// One entry of `target/peers/peers.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer {
    /// Installed at this path.
    Path(PathBuf),
    /// Not on this machine, with the reason.
    Missing(String),
}

/// The root of the workspace, where `target/peers` is looked for.
pub fn workspace_root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Looks up a peer: `nats-server`, `node`, `node_modules`, `react_dashboard`, `python`, `chromium`, `certutil`, `nginx`, `haproxy` or
/// `nats-cli`.
pub fn peer(name: &str) -> Peer {
    let file = workspace_root().join("target/peers/peers.json");
    let Ok(text) = fs::read_to_string(&file) else {
        return Peer::Missing(format!("{} does not exist: run `cargo xtask test`", file.display()));
    };
    let list: Value = match serde_json::from_str(&text) {
        Ok(list) => list,
        Err(error) => return Peer::Missing(format!("{} is not JSON: {error}", file.display())),
    };
    match (list[name]["path"].as_str(), list[name]["missing"].as_str()) {
        (Some(path), _) if Path::new(path).exists() => Peer::Path(path.into()),
        (Some(path), _) => Peer::Missing(format!("{path} does not exist")),
        (None, Some(reason)) => Peer::Missing(reason.to_owned()),
        (None, None) => Peer::Missing(format!("{} does not name it", file.display())),
    }
}

/// Notes in `target/peers/skipped.txt` that `test` did not run, and why. Continuous integration counts that a failure.
///
/// # Panics
/// If the note cannot be written: a skip that nobody hears of would look like a pass.
pub fn skip(test: &str, reason: &str) {
    let folder = workspace_root().join("target/peers");
    fs::create_dir_all(&folder).expect("target/peers can be made");
    let file = OpenOptions::new().create(true).append(true).open(folder.join("skipped.txt"));
    // One write, so that lines of tests that run side by side do not mix.
    file.and_then(|mut file| file.write_all(format!("{test}: {reason}\n").as_bytes()))
        .expect("skipped.txt is writable");
    println!("skipped {test}: {reason}");
}
