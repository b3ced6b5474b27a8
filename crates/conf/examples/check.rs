//! Reads a configuration file, prints its canonical form, or says what is wrong: `cargo run --example check -- server.conf`.

use std::path::Path;
use std::process::ExitCode;

use dunlin_conf::{Included, LoadError, Sources, parse};

/// Files of this machine, and the environment of this process.
struct Machine;

impl Sources for Machine {
    fn include(&mut self, from: &str, path: &str) -> Result<Included, LoadError> {
        let path = Path::new(from).with_file_name(path);
        let text = std::fs::read(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => LoadError::NotFound,
            std::io::ErrorKind::PermissionDenied => LoadError::PermissionDenied,
            _ => LoadError::Unreadable,
        })?;
        Ok(Included { name: path.to_string_lossy().into_owned(), text })
    }

    fn variable(&mut self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

fn main() -> ExitCode {
    let Some(file) = std::env::args().nth(1) else {
        eprintln!("usage: check FILE");
        return ExitCode::FAILURE;
    };
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("{file}: {error}");
            return ExitCode::FAILURE;
        }
    };
    match parse(&file, &text, &mut Machine) {
        Ok(document) => {
            print!("{}", document.canonical());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
