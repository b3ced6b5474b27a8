use core::fmt;

use crate::scan::{Scan, scan};
use crate::{LEN_MAX, SubjectError};

/// What a message is published to: tokens separated by dots, each of them literal.
///
/// Every token has at least one byte, and no byte is a space, TAB, CR, LF or FF. All other bytes are allowed, UTF-8 and
/// control bytes among them, and upper case differs from lower case. A token `*` or `>` is no wildcard here: NATS
/// delivers a message for `foo.*` to the filters that match a token of the one byte `*`, which only wildcards do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject<'a>(&'a [u8]);

impl<'a> Subject<'a> {
    /// Checks the bytes.
    pub fn parse(bytes: &'a [u8]) -> Result<Subject<'a>, SubjectError> {
        check(bytes)?;
        Ok(Subject(bytes))
    }

    /// The tokens, first to last: one at least.
    pub fn tokens(self) -> impl Iterator<Item = &'a [u8]> + Clone {
        tokens(self.0)
    }

    /// The whole subject.
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Whether no token is `*` or `>`. Servers refuse other subjects from clients that asked for pedantic checks.
    pub fn is_literal(self) -> bool {
        is_literal(self.0)
    }
}

impl fmt::Debug for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subject(\"{}\")", self.0.escape_ascii())
    }
}

/// The rules that subjects and filters share.
pub(crate) fn check(bytes: &[u8]) -> Result<(), SubjectError> {
    let Some(&last) = bytes.last() else {
        return Err(SubjectError::Empty);
    };
    if bytes.len() > LEN_MAX {
        return Err(SubjectError::TooLong);
    }
    let mut after_dot = true;
    for block in bytes.chunks(64) {
        let Scan { dots, low } = scan(block, |_, _| {});
        if low && block.iter().any(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'\x0c')) {
            return Err(SubjectError::Whitespace);
        }
        if dots & (dots << 1 | u64::from(after_dot)) != 0 {
            return Err(SubjectError::EmptyToken);
        }
        after_dot = dots >> 63 != 0;
    }
    if last == b'.' {
        return Err(SubjectError::EmptyToken);
    }
    Ok(())
}

pub(crate) fn tokens(bytes: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    bytes.split(|&byte| byte == b'.')
}

pub(crate) fn is_literal(bytes: &[u8]) -> bool {
    !tokens(bytes).any(is_wildcard)
}

pub(crate) fn is_wildcard(token: &[u8]) -> bool {
    matches!(token, b"*" | b">")
}
