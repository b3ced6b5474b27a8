//! What can be wrong with a configuration.

use alloc::string::String;
use core::fmt;

use crate::place::Place;

/// One mistake: what, where and in which words. Shown as `file:line:column: key: text`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The rule that is broken.
    pub kind: ErrorKind,
    /// Where.
    pub place: Place,
    /// The key whose value is wrong; empty where the text cannot be read at all.
    pub key: String,
    /// The words at fault: a character, a name or a value.
    pub found: String,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, place: Place, found: impl Into<String>) -> Self {
        Self { kind, place, key: String::new(), found: found.into() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key.escape_debug())?;
        }
        self.kind.describe(&self.found, f)
    }
}

impl core::error::Error for Error {}

/// The rules of the language and of its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Escapes (`\xff`) make a text that is not UTF-8.
    NotUtf8,
    /// A NUL byte stands outside a comment, or one that [`crate::decode`] put there for bytes that are not UTF-8.
    NotText,
    /// A file is longer than [`crate::Limits::file_bytes`].
    FileTooLong,
    /// `=` or `:` where a key must stand.
    SeparatorWithoutKey,
    /// `,` or `;` where a key or a value must stand.
    UnexpectedTerminator,
    /// `}` or `]` that closes nothing.
    UnexpectedClose,
    /// `{` where a key must stand.
    UnexpectedOpen,
    /// A key with no value after it.
    MissingValue,
    /// A value begins on the line after `=` or `:` (allowed inside `{ }` only).
    ValueOnNextLine,
    /// Something follows a value on the same line.
    TextAfterValue,
    /// A quoted key, string or path has no closing quote.
    UnterminatedString,
    /// A block `( … )` has no `)` alone on a line.
    UnterminatedBlock,
    /// A map has no `}`.
    UnterminatedMap,
    /// An array has no `]`.
    UnterminatedArray,
    /// A backslash is followed by something that is not an escape.
    InvalidEscape,
    /// `-` or `.` without the digits that a number needs there.
    InvalidNumber,
    /// A size suffix that does not exist.
    InvalidSize,
    /// A number that does not fit 64 bits.
    NumberOutOfRange,
    /// Digits and `-` that are not a date of the form `2006-01-02T15:04:05Z`.
    InvalidDateTime,
    /// `$NAME` is neither an earlier key of an enclosing map nor in the environment.
    VariableNotFound,
    /// Environment variables that refer to each other in a circle.
    VariableCycle,
    /// Maps and arrays nest deeper than [`crate::Limits::depth`].
    TooDeep,
    /// The tree is larger than [`crate::Limits::values`].
    TooManyValues,
    /// Includes nest deeper than [`crate::Limits::include_depth`].
    IncludeTooDeep,
    /// More includes than [`crate::Limits::includes`].
    TooManyIncludes,
    /// A file includes itself, directly or through others.
    IncludeCycle,
    /// The included file does not exist.
    IncludeNotFound,
    /// The included file may not be read.
    IncludeDenied,
    /// The included file cannot be read.
    IncludeUnreadable,
    /// The value has another type than `true`/`false`.
    ExpectedBoolean,
    /// The value has another type than a whole number.
    ExpectedInteger,
    /// The value has another type than a number.
    ExpectedNumber,
    /// The value has another type than text.
    ExpectedString,
    /// The value has another type than a map.
    ExpectedMap,
    /// The value has another type than an array.
    ExpectedArray,
    /// The value is neither text nor an array of texts.
    ExpectedStrings,
    /// The value is not a duration.
    ExpectedDuration,
    /// Text that is no duration.
    InvalidDuration,
    /// A duration without a unit.
    DurationWithoutUnit,
    /// A duration beyond 292 years.
    DurationOutOfRange,
}

impl ErrorKind {
    /// The sentence for a person: what is wrong and, where that is not plain, what to do.
    fn describe(self, found: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUtf8
            | Self::NotText
            | Self::FileTooLong
            | Self::TooDeep
            | Self::TooManyValues
            | Self::IncludeTooDeep
            | Self::TooManyIncludes => f.write_str(self.limit_text()),
            Self::ExpectedBoolean
            | Self::ExpectedInteger
            | Self::ExpectedNumber
            | Self::ExpectedString
            | Self::ExpectedMap
            | Self::ExpectedArray
            | Self::ExpectedStrings
            | Self::ExpectedDuration => write!(f, "expected {}, found {found}", self.expected_text()),
            Self::InvalidDuration => {
                write!(f, "{found:?} is not a duration: write for example \"2s\" or \"1m30s\"")
            }
            Self::DurationWithoutUnit => {
                write!(f, "{found:?} lacks a unit (ns us ms s m h): write for example \"2s\"")
            }
            Self::DurationOutOfRange => write!(f, "the duration {found:?} is too long"),
            Self::VariableNotFound => {
                let name = found.escape_debug();
                write!(
                    f,
                    "variable ${name} not found: no earlier key and no environment variable has this name"
                )?;
                if found.starts_with("2b$") || found.starts_with("2y$") {
                    f.write_str(" (if this is a bcrypt hash, put it in quotes)")?;
                }
                Ok(())
            }
            Self::VariableCycle => {
                write!(f, "the environment variable ${} refers to itself", found.escape_debug())
            }
            Self::IncludeCycle => write!(f, "{found:?} includes itself"),
            Self::IncludeNotFound => write!(f, "cannot include {found:?}: there is no such file"),
            Self::IncludeDenied => write!(f, "cannot include {found:?}: permission denied"),
            Self::IncludeUnreadable => write!(f, "cannot include {found:?}: the file cannot be read"),
            _ => self.describe_syntax(found, f),
        }
    }

    fn describe_syntax(self, found: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SeparatorWithoutKey => write!(f, "expected a key, found {found:?}"),
            Self::UnexpectedTerminator => {
                write!(f, "unexpected {found:?}: nothing stands before it, remove it")
            }
            Self::UnexpectedClose => {
                write!(f, "unexpected {found:?}: nothing is open here that it could close")
            }
            Self::UnexpectedOpen => write!(f, "expected a key, found {found:?}: name the block"),
            Self::MissingValue if found.is_empty() => f.write_str("a value is missing here"),
            Self::MissingValue => write!(f, "the key {found:?} has no value"),
            Self::ValueOnNextLine => f.write_str("a value must start on the line of its key"),
            Self::TextAfterValue => {
                write!(
                    f,
                    "unexpected {found:?} after a value: end the value with a new line or a comma, or put it in quotes"
                )
            }
            Self::UnterminatedString => f.write_str("the quote that opens here is never closed"),
            Self::UnterminatedBlock => f.write_str(
                "the block that opens here is never closed: it ends at a line that holds `)` alone",
            ),
            Self::UnterminatedMap => f.write_str("the `{` that opens here is never closed"),
            Self::UnterminatedArray => f.write_str("the `[` that opens here is never closed"),
            Self::InvalidEscape => {
                let found = found.escape_debug();
                write!(
                    f,
                    "unknown escape \"\\{found}\": allowed are \\t \\n \\r \\\" \\\\ and \\x with two hex digits"
                )
            }
            Self::InvalidNumber => {
                write!(f, "{found:?} is not a number: digits must stand after `-` and on both sides of `.`")
            }
            Self::InvalidSize => write!(
                f,
                "{found:?} is not a size: the suffixes are k m g t p e (1000) and kb mb gb tb pb eb (1024)"
            ),
            Self::NumberOutOfRange => write!(f, "the number {found} is too large"),
            Self::InvalidDateTime => {
                write!(
                    f,
                    "{found:?} is not a date of the form 2006-01-02T15:04:05Z: put other text that starts like this in quotes"
                )
            }
            _ => write!(f, "{found}"),
        }
    }

    fn limit_text(self) -> &'static str {
        match self {
            Self::NotUtf8 => "the text is not UTF-8",
            Self::NotText => "a byte stands here that is no text: it is NUL or not UTF-8",
            Self::FileTooLong => "the file is too long for a configuration",
            Self::TooDeep => "maps and arrays are nested too deeply",
            Self::TooManyValues => "the configuration holds too many values",
            Self::IncludeTooDeep => "includes are nested too deeply",
            _ => "too many files are included",
        }
    }

    fn expected_text(self) -> &'static str {
        match self {
            Self::ExpectedBoolean => "true or false (without quotes)",
            Self::ExpectedInteger => "a whole number (without quotes)",
            Self::ExpectedNumber => "a number (without quotes)",
            Self::ExpectedString => "text",
            Self::ExpectedMap => "a block { ... }",
            Self::ExpectedArray => "a list [ ... ]",
            Self::ExpectedStrings => "text or a list of texts",
            _ => "a duration such as \"2s\"",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.describe("…", f)
    }
}

impl core::error::Error for ErrorKind {}
