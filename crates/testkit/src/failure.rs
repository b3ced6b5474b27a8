//! What a simulation found.

use core::fmt;

/// An invariant that does not hold, in words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation(pub String);

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for Violation {}

/// Returns with a [`Violation`] made like `format!`.
macro_rules! violated {
    ($($arg:tt)*) => { return Err(crate::Violation(format!($($arg)*))) };
}

/// Returns with a [`Violation`] unless a condition holds.
macro_rules! ensure {
    ($condition:expr, $($arg:tt)*) => { if !$condition { violated!($($arg)*) } };
}

pub(crate) use {ensure, violated};

/// Bytes as text, with escapes, and the middle of long ones left out.
pub(crate) fn show(bytes: &[u8]) -> String {
    const MAX: usize = 96;
    match bytes.len() {
        0..=MAX => format!("\"{}\"", bytes.escape_ascii()),
        len => format!("\"{}\"... ({len} bytes)", bytes[..MAX].escape_ascii()),
    }
}
