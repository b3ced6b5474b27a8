use core::fmt;

use crate::subject::{check, is_literal, tokens};
use crate::{Subject, SubjectError};

/// What a subscription asks for: a subject that may hold wildcards.
///
/// The token `*` matches any one token. The token `>` is the last one and matches one or more tokens. They are wildcards
/// as whole tokens only: `foo*` and `a.*x` are literal. Otherwise the rules are those of [`Subject`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Filter<'a>(&'a [u8]);

impl<'a> Filter<'a> {
    /// Checks the bytes.
    pub fn parse(bytes: &'a [u8]) -> Result<Filter<'a>, SubjectError> {
        check(bytes)?;
        if bytes.starts_with(b">.") || bytes.windows(3).any(|window| window == b".>.") {
            return Err(SubjectError::TailNotLast);
        }
        Ok(Filter(bytes))
    }

    /// For bytes that are the bytes of a filter.
    pub(crate) fn of_checked(bytes: &'a [u8]) -> Filter<'a> {
        Filter(bytes)
    }

    /// The tokens, first to last: one at least.
    pub fn tokens(self) -> impl Iterator<Item = &'a [u8]> + Clone {
        tokens(self.0)
    }

    /// The whole filter.
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Whether there is no wildcard.
    pub fn is_literal(self) -> bool {
        is_literal(self.0)
    }

    /// Whether the last token is `>`.
    pub(crate) fn has_tail(self) -> bool {
        self.0 == b">" || self.0.ends_with(b".>")
    }

    /// The number of tokens, wildcards included.
    pub fn token_count(self) -> usize {
        tokens(self.0).count()
    }

    /// Whether `subject` matches: the plain rule, token by token, which [`Sublist`](crate::Sublist) does faster for many.
    pub fn matches(self, subject: Subject<'_>) -> bool {
        let mut theirs = subject.tokens();
        for ours in self.tokens() {
            match (ours, theirs.next()) {
                (_, None) => return false,
                (b">", Some(_)) => return true,
                (b"*", Some(_)) => {}
                // A published `*` or `>` is not equal to any literal token, as no filter has such a literal.
                (ours, Some(theirs)) if ours != theirs => return false,
                _ => {}
            }
        }
        theirs.next().is_none()
    }

    /// Whether every subject that this filter matches is matched by `other` too.
    pub fn is_subset_of(self, other: Filter<'_>) -> bool {
        let mut ours = self.tokens();
        for theirs in other.tokens() {
            match (ours.next(), theirs) {
                (None, _) => return false,
                (Some(_), b">") => return true,
                (Some(b">"), _) => return false,
                (Some(_), b"*") => {}
                (Some(ours), theirs) if ours != theirs => return false,
                _ => {}
            }
        }
        ours.next().is_none()
    }

    /// Whether some subject is matched by both filters.
    pub fn overlaps(self, other: Filter<'_>) -> bool {
        let (mut ours, mut theirs) = (self.tokens(), other.tokens());
        loop {
            match (ours.next(), theirs.next()) {
                (None, None) => return true,
                (None, Some(_)) | (Some(_), None) => return false,
                (Some(b">"), Some(_)) | (Some(_), Some(b">")) => return true,
                (Some(b"*"), Some(_)) | (Some(_), Some(b"*")) => {}
                (Some(a), Some(b)) if a != b => return false,
                _ => {}
            }
        }
    }
}

impl fmt::Debug for Filter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Filter(\"{}\")", self.0.escape_ascii())
    }
}
