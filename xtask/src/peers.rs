//! `peers`: installs the programs of others that the tests use, and says where they are.
//!
//! Everything goes into `target/peers`, but for the browser and the proxies, which are packages of the system, and for the npm packages, which
//! Node finds only beside the scripts (`tests/js/node_modules`) and beside the example that is built with them.
//! `target/peers/peers.json` names each peer: `{"path": …}`, or `{"missing": "why"}` where this machine cannot have it. A stamp
//! beside each peer says what it was installed from, so that a second run does nothing.

mod autobahn;
mod debian;
mod go;
mod node;
mod python;

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context as _, Result};
use serde_json::{Map, json};

use crate::{shell, workspace};

pub(crate) use autobahn::install as autobahn;

/// A peer's name, and its path or the reason why it is missing.
type Outcome = (&'static str, Result<PathBuf>);

pub(crate) fn run() -> Result<()> {
    let _lock = lock("peers")?;
    let outcomes = thread::scope(|scope| {
        let installers: [fn() -> Vec<Outcome>; 4] =
            [python::install, node::install, debian::install, go::install];
        let running: Vec<_> = installers.map(|install| scope.spawn(install)).into_iter().collect();
        running
            .into_iter()
            .flat_map(|thread| thread.join().expect("an installer returns its errors"))
            .collect::<Vec<_>>()
    });
    let mut list = Map::new();
    for (name, result) in outcomes {
        let entry = match result {
            Ok(path) => json!({ "path": path }),
            Err(error) => {
                println!("   missing: {name}: {error:#}");
                json!({ "missing": format!("{error:#}") })
            }
        };
        list.insert(name.to_owned(), entry);
    }
    let file = workspace::peers_dir().join("peers.json");
    let text = serde_json::to_string_pretty(&list)? + "\n";
    fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
}

/// Installs only the official server, and says where it is.
pub(crate) fn official_server() -> Result<PathBuf> {
    let _lock = lock("peers")?;
    python::install_official_server()
}

/// The program `valgrind`.
pub(crate) fn valgrind() -> Result<PathBuf> {
    let _lock = lock("valgrind")?;
    debian::find_or_install("valgrind", &["valgrind"], &["valgrind"])
}

/// Makes `target/peers`, and keeps other runs of this program from installing the same at the same time.
fn lock(name: &str) -> Result<fs::File> {
    let folder = workspace::peers_dir();
    fs::create_dir_all(folder.join("log")).with_context(|| format!("cannot make {}", folder.display()))?;
    let file = fs::File::create(folder.join(format!("{name}.lock")))?;
    file.lock().with_context(|| format!("cannot lock {name}.lock in {}", folder.display()))?;
    Ok(file)
}

/// What a peer is installed from: when any of it changes, the peer is installed again.
struct Stamp {
    name: &'static str,
    hasher: DefaultHasher,
}

impl Stamp {
    fn new(name: &'static str) -> Stamp {
        Stamp { name, hasher: DefaultHasher::new() }
    }

    fn text(mut self, text: &str) -> Stamp {
        text.hash(&mut self.hasher);
        self
    }

    /// A file of the workspace.
    fn file(mut self, path: &str) -> Result<Stamp> {
        fs::read(workspace::root().join(path))
            .with_context(|| format!("cannot read {path}"))?
            .hash(&mut self.hasher);
        Ok(self)
    }

    /// Runs `install` unless `product` is there and was installed from the same. `install` gets the log file to write to.
    fn install(self, product: &Path, install: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
        let folder = workspace::peers_dir();
        let stamp = folder.join(format!("{}.stamp", self.name));
        let key = format!("{:016x}", self.hasher.finish());
        if product.exists() && fs::read_to_string(&stamp).is_ok_and(|text| text == key) {
            return Ok(product.to_owned());
        }
        println!("   installing {}", self.name);
        shell::remove(&stamp)?;
        let log = folder.join(format!("log/{}.txt", self.name));
        shell::remove(&log)?;
        install(&log)?;
        anyhow::ensure!(product.exists(), "{} was not installed (see {})", product.display(), log.display());
        fs::write(&stamp, key)?;
        Ok(product.to_owned())
    }
}
