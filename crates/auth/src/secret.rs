//! Passwords and tokens as the server keeps them.

use core::fmt;

use subtle::ConstantTimeEq as _;

/// A password or token as a configuration has it: clear text, or a bcrypt hash. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

impl Secret {
    /// The secret of this text, which is a hash if it [looks like one](is_bcrypt).
    pub fn new(text: impl Into<Box<str>>) -> Secret {
        Secret(text.into())
    }

    /// Whether it is a hash.
    pub fn is_hash(&self) -> bool {
        is_bcrypt(&self.0)
    }

    /// Whether anybody knows it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `given` is this secret, where that can be said at once: in clear text, in a time that does not depend on where
    /// they differ. `None`: [`Secret::verify`] takes long.
    pub(crate) fn compare(&self, given: &str) -> Option<bool> {
        (!self.is_hash()).then(|| self.0.as_bytes().ct_eq(given.as_bytes()).into())
    }

    /// Whether `given` is this secret. For a hash this takes as long as its cost demands: of the order of 100 ms. Of `given`,
    /// the first 72 bytes count, as bcrypt has it.
    pub(crate) fn verify(&self, given: &str) -> bool {
        // A hash that is none matches nothing.
        self.compare(given).unwrap_or_else(|| bcrypt::verify(given, &self.0).unwrap_or(false))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[REDACTED]")
    }
}

/// Whether a configured password or token is a bcrypt hash: `$2a$`, `$2b$`, `$2x$` or `$2y$`, and a cost of two digits
/// (nats: `^\$2[abxy]\$\d{2}\$`).
pub fn is_bcrypt(text: &str) -> bool {
    matches!(
        text.as_bytes(),
        [b'$', b'2', b'a' | b'b' | b'x' | b'y', b'$', b'0'..=b'9', b'0'..=b'9', b'$', ..]
    )
}
