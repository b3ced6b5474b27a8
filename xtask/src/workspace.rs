//! Where things are: the root of the workspace, cargo's output, the peers.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::shell;

/// The crates of layer 0 that are published on their own and must work without `std`.
pub(crate) const NO_STD_CRATES: [&str; 6] = [
    "dunlin-websocket",
    "dunlin-permessage-deflate",
    "dunlin-nats-protocol",
    "dunlin-subject",
    "dunlin-proxy-protocol",
    "dunlin-forwarded",
];

/// The root of the workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the workspace")
}

/// Where the programs of others are installed. Always inside the workspace, since the tests look for it there.
pub(crate) fn peers_dir() -> PathBuf {
    root().join("target/peers")
}

/// The folder that cargo builds into.
pub(crate) fn cargo_target_dir() -> Result<PathBuf> {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    if let Some(folder) = FOLDER.get() {
        return Ok(folder.clone());
    }
    let metadata = metadata(&root().join("Cargo.toml"))?;
    let folder = metadata["target_directory"].as_str().context("cargo metadata names no target_directory")?;
    Ok(FOLDER.get_or_init(|| folder.into()).clone())
}

/// What `cargo metadata` says of the packages of one workspace, dependencies unresolved.
pub(crate) fn metadata(manifest: &Path) -> Result<Value> {
    let text = shell::capture(
        shell::cargo().args(["metadata", "--no-deps", "--format-version=1", "--manifest-path"]).arg(manifest),
    )?;
    serde_json::from_str(&text).context("cargo metadata printed no JSON")
}

/// Whether this is a run of continuous integration, where a skipped test is a failure.
pub(crate) fn in_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false" && value != "0")
}
