//! The file that holds the process ID, for supervisors and `--signal`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A written pid file. It goes away at the end, unless another server has taken it over by then.
pub(crate) struct PidFile {
    path: PathBuf,
    text: String,
}

impl PidFile {
    /// Writes the bare number.
    pub(crate) fn write(path: &Path) -> io::Result<Self> {
        let text = std::process::id().to_string();
        fs::write(path, &text)?;
        Ok(Self { path: path.to_owned(), text })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Deletes the file if it is still ours.
    pub(crate) fn remove(self) {
        if fs::read_to_string(&self.path).is_ok_and(|text| text == self.text) {
            // It may be gone, or its folder closed: nothing depends on it.
            _ = fs::remove_file(&self.path);
        }
    }
}
