//! Configuration files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use dunlin_conf::{Included, LoadError, Sources, decode, parse};
use sha2::{Digest, Sha256};

use super::{Config, Report, top};

/// A configuration file that was read.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings. Where the report holds mistakes, those keys have their defaults.
    pub config: Config,
    /// Mistakes and warnings.
    pub report: Report,
}

/// Reads a configuration file, its includes and the environment variables that it names, over the defaults.
///
/// Mistakes in the text end the reading; those in values and keys are all collected. Whether the settings fit each other is
/// [`Config::validate`]'s to say.
pub fn load(path: &Path) -> Loaded {
    let mut config = Config { config_file: Some(path.to_owned()), ..Config::default() };
    let mut report = Report::default();
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) => {
            report.error(format_args!("cannot read {}: {}", path.display(), reason(&error)));
            return Loaded { config, report };
        }
    };
    let name = path.to_string_lossy();
    let document = match parse(&name, &decode(&text), &mut Machine) {
        Ok(document) => document,
        Err(error) => {
            report.error(error);
            return Loaded { config, report };
        }
    };
    if document.root().is_empty() {
        report.warn_strictly(format_args!("{name}: config has no values or is empty"));
    }
    top::read(document.root(), &mut config, &mut report);
    config.config_digest = digest(document.canonical().as_bytes());
    Loaded { config, report }
}

/// The digest in the form that nats-server shows.
fn digest(canonical: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::from("sha256:");
    for byte in Sha256::digest(canonical) {
        // Writing to a String does not fail.
        _ = write!(text, "{byte:02x}");
    }
    text
}

/// The files and the environment of this machine.
struct Machine;

impl Sources for Machine {
    fn include(&mut self, from: &str, path: &str) -> Result<Included, LoadError> {
        let folder = Path::new(from).parent().unwrap_or(Path::new(""));
        // As nats-server: a path from the root is one from this folder too. Only where there is none is it what it looks like.
        let inside: PathBuf = folder.join(path.trim_start_matches('/'));
        let path = if inside.exists() { inside } else { folder.join(path) };
        let text = fs::read(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => LoadError::NotFound,
            io::ErrorKind::PermissionDenied => LoadError::PermissionDenied,
            _ => LoadError::Unreadable,
        })?;
        Ok(Included { name: path.to_string_lossy().into_owned(), text })
    }

    fn variable(&mut self, name: &str) -> Option<String> {
        // A name with `=` or NUL in it makes std panic on some systems, and is none.
        if name.is_empty() || name.contains(['=', '\0']) {
            return None;
        }
        std::env::var(name).ok()
    }
}

/// The reason of an error without its number.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}
