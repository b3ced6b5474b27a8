//! Where included files and environment variables come from.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// The caller's side: the crate itself opens no file and reads no environment.
pub trait Sources {
    /// Loads the file that `include path` names inside the file `from` (a name that [`Sources`] itself or the caller of
    /// [`crate::parse`] gave). In NATS configurations `path` is relative to the folder of `from`.
    ///
    /// # Errors
    /// The reason why the file cannot be read.
    fn include(&mut self, from: &str, path: &str) -> Result<Included, LoadError>;

    /// The text of an environment variable, if it is set.
    fn variable(&mut self, name: &str) -> Option<String>;
}

/// A file to include.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Included {
    /// Its name in messages. Two files are the same, and an include a cycle, when this name is the same.
    pub name: String,
    /// Its contents; see [`decode`].
    pub text: Vec<u8>,
}

/// The contents of a file as [`crate::parse`] takes them. Bytes that are not UTF-8 become NUL, which is a mistake with a position
/// wherever it stands but in a comment: files are found whose comments have umlauts of older days.
pub fn decode(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = core::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend((!chunk.invalid().is_empty()).then_some('\0'));
    }
    Cow::Owned(text)
}

/// Why a file could not be loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadError {
    /// There is no such file.
    NotFound,
    /// It may not be read.
    PermissionDenied,
    /// It cannot be read for another reason (it is a folder, the disk fails).
    Unreadable,
    /// The caller has no files: [`NoSources`].
    Unsupported,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFound => "there is no such file",
            Self::PermissionDenied => "permission denied",
            Self::Unreadable => "the file cannot be read",
            Self::Unsupported => "includes are not available here",
        })
    }
}

impl core::error::Error for LoadError {}

/// No files and no environment.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSources;

impl Sources for NoSources {
    fn include(&mut self, _from: &str, _path: &str) -> Result<Included, LoadError> {
        Err(LoadError::Unsupported)
    }

    fn variable(&mut self, _name: &str) -> Option<String> {
        None
    }
}
