use core::fmt;

/// Why bytes are not a subject or not a filter: the first rule they break.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum SubjectError {
    /// There are no bytes, hence no token.
    Empty,
    /// There are more than [`LEN_MAX`](crate::LEN_MAX) bytes.
    TooLong,
    /// A token is empty: the bytes begin or end with a dot, or have two in a row.
    EmptyToken,
    /// A space, TAB, CR, LF or FF, which end a token of the protocol.
    Whitespace,
    /// A filter has the token `>` somewhere else than at its end.
    TailNotLast,
}

impl fmt::Display for SubjectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SubjectError::Empty => "subject is empty",
            SubjectError::TooLong => "subject is longer than 65535 bytes",
            SubjectError::EmptyToken => "subject has an empty token",
            SubjectError::Whitespace => "subject has white space in it",
            SubjectError::TailNotLast => "wildcard '>' is not the last token",
        })
    }
}

impl core::error::Error for SubjectError {}
