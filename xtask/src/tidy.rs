//! `tidy`: the rules of this project that no compiler knows.

mod edges;
mod reachable;
mod size;
mod sleeps;
mod words;

use std::fmt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::{shell, workspace};

#[derive(clap::Args, Default)]
pub(crate) struct Arguments {
    /// Lower the numbers of the size ratchet to what is there now; it never raises one
    #[arg(long)]
    lower: bool,
}

/// A broken rule: where, which, and what to do.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    file: String,
    line: usize,
    rule: &'static str,
    advice: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: [{}] {}", self.file, self.line, self.rule, self.advice)
    }
}

/// A text file of the workspace.
struct Source {
    /// Relative to the root, with `/` between the parts.
    path: String,
    text: String,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let sources = sources()?;
    let packages = packages(&sources)?;
    let mut findings = edges::check(&packages);
    findings.extend(reachable::check(&sources, &packages));
    findings.extend(size::check(&sources, arguments.lower)?);
    findings.extend(sources.iter().flat_map(sleeps::check));
    findings.extend(sources.iter().flat_map(words::check));
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    if !findings.is_empty() {
        bail!("tidy has {} findings", findings.len());
    }
    Ok(())
}

/// Every text file that is tracked, or would be once added.
fn sources() -> Result<Vec<Source>> {
    let list = shell::capture(
        Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(workspace::root()),
    )?;
    let mut sources = Vec::new();
    for path in list.split_terminator('\0') {
        // A file that is listed but gone has been deleted and not committed yet. What is not UTF-8 is data.
        if let Ok(text) = std::fs::read_to_string(workspace::root().join(path)) {
            sources.push(Source { path: path.to_owned(), text });
        }
    }
    Ok(sources)
}

/// A package of the workspace, or one beside it.
struct Package {
    name: String,
    /// Its manifest, relative to the root.
    manifest: String,
    manifest_text: String,
    dependencies: Vec<Dependency>,
    /// The root file of each crate, relative to the root of the workspace.
    crate_roots: Vec<String>,
}

struct Dependency {
    name: String,
    dev: bool,
}

/// All packages of all tracked manifests: those that the workspace excludes are read on their own.
fn packages(sources: &[Source]) -> Result<Vec<Package>> {
    let root = workspace::root();
    let mut packages: Vec<Package> = Vec::new();
    let manifests =
        sources.iter().filter(|source| source.path == "Cargo.toml" || source.path.ends_with("/Cargo.toml"));
    for manifest in manifests {
        if packages.iter().any(|package| package.manifest == manifest.path) {
            continue;
        }
        let metadata = workspace::metadata(&root.join(&manifest.path))?;
        for package in metadata["packages"].as_array().context("cargo metadata names no packages")? {
            let package = Package::read(package)?;
            // The manifest of a workspace names packages that one of its members may have named before.
            if !packages.iter().any(|known| known.manifest == package.manifest) {
                packages.push(package);
            }
        }
    }
    Ok(packages)
}

impl Package {
    fn read(json: &Value) -> Result<Package> {
        let text = |value: &Value| value.as_str().map(str::to_owned).context("cargo metadata lacks a text");
        let list = |value: &Value| value.as_array().cloned().context("cargo metadata lacks a list");
        let manifest = PathBuf::from(text(&json["manifest_path"])?);
        let dependencies = list(&json["dependencies"])?;
        let targets = list(&json["targets"])?;
        Ok(Package {
            name: text(&json["name"])?,
            manifest_text: std::fs::read_to_string(&manifest)?,
            manifest: relative(&manifest),
            dependencies: dependencies
                .iter()
                .map(|json| Ok(Dependency { name: text(&json["name"])?, dev: json["kind"] == "dev" }))
                .collect::<Result<_>>()?,
            crate_roots: targets
                .iter()
                .map(|json| Ok(relative(&PathBuf::from(text(&json["src_path"])?))))
                .collect::<Result<_>>()?,
        })
    }
}

fn relative(path: &std::path::Path) -> String {
    path.strip_prefix(workspace::root()).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

/// The line of `text`, counted from 1, that holds `needle` first; 1 if none does.
fn line_of(text: &str, needle: &str) -> usize {
    text.lines().position(|line| line.contains(needle)).map_or(1, |index| index + 1)
}
