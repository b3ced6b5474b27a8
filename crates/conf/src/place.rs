//! Where something stands in a configuration.

use alloc::sync::Arc;
use core::fmt;

/// The position of a key or a value. Shown as `file:line:column`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The name of the file as [`crate::Sources`] gave it, or `$NAME` for text out of an environment variable.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

impl Place {
    /// The start of a file: for what concerns the file as a whole.
    pub fn start_of(file: &str) -> Self {
        Self { file: Arc::from(file), line: 1, column: 1 }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}
