//! Values as the types that a program wants.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use crate::duration::parse_duration;
use crate::error::{Error, ErrorKind};
use crate::value::{Entry, Map, Node, Value};

/// A duration, and how it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timespan {
    /// Its length.
    pub nanoseconds: i64,
    /// Whether it was written as a bare number of seconds, which nats-server takes with a warning.
    pub bare_seconds: bool,
}

impl Node {
    /// The value if it is `true` or `false`.
    ///
    /// # Errors
    /// [`ErrorKind::ExpectedBoolean`].
    pub fn boolean(&self) -> Result<bool, Error> {
        match self.value {
            Value::Boolean(value) => Ok(value),
            _ => Err(self.mismatch(ErrorKind::ExpectedBoolean)),
        }
    }

    /// The value if it is a whole number. Sizes such as `64mb` are whole numbers.
    ///
    /// # Errors
    /// [`ErrorKind::ExpectedInteger`].
    pub fn integer(&self) -> Result<i64, Error> {
        match self.value {
            Value::Integer(value) => Ok(value),
            _ => Err(self.mismatch(ErrorKind::ExpectedInteger)),
        }
    }

    /// The value if it is a number of either kind.
    ///
    /// # Errors
    /// [`ErrorKind::ExpectedNumber`].
    pub fn number(&self) -> Result<f64, Error> {
        match self.value {
            Value::Float(value) => Ok(value),
            #[expect(clippy::cast_precision_loss, reason = "numbers of seconds are far below 2^53")]
            Value::Integer(value) => Ok(value as f64),
            _ => Err(self.mismatch(ErrorKind::ExpectedNumber)),
        }
    }

    /// The value if it is text.
    ///
    /// # Errors
    /// [`ErrorKind::ExpectedString`].
    pub fn string(&self) -> Result<&str, Error> {
        match &self.value {
            Value::String(text) => Ok(text),
            _ => Err(self.mismatch(ErrorKind::ExpectedString)),
        }
    }

    /// The values if this is a list.
    ///
    /// # Errors
    /// [`ErrorKind::ExpectedArray`].
    pub fn array(&self) -> Result<&[Node], Error> {
        match &self.value {
            Value::Array(nodes) => Ok(nodes),
            _ => Err(self.mismatch(ErrorKind::ExpectedArray)),
        }
    }

    /// The entries if this is a map.
    ///
    /// # Errors
    /// [`ErrorKind::ExpectedMap`].
    pub fn map(&self) -> Result<&Map, Error> {
        match &self.value {
            Value::Map(map) => Ok(map),
            _ => Err(self.mismatch(ErrorKind::ExpectedMap)),
        }
    }

    /// Text, or a list of texts, as a list.
    ///
    /// # Errors
    /// [`ErrorKind::ExpectedStrings`], for a value inside a list [`ErrorKind::ExpectedString`].
    pub fn strings(&self) -> Result<Vec<&str>, Error> {
        match &self.value {
            Value::String(text) => Ok(vec![text.as_str()]),
            Value::Array(nodes) => nodes.iter().map(Node::string).collect(),
            _ => Err(self.mismatch(ErrorKind::ExpectedStrings)),
        }
    }

    /// A duration: text in the notation of Go, or a whole number of seconds.
    ///
    /// # Errors
    /// [`ErrorKind::ExpectedDuration`] and those of [`parse_duration`].
    pub fn duration(&self) -> Result<Timespan, Error> {
        match &self.value {
            Value::String(text) => match parse_duration(text) {
                Ok(nanoseconds) => Ok(Timespan { nanoseconds, bare_seconds: false }),
                Err(kind) => Err(Error::new(kind, self.place.clone(), text.as_str())),
            },
            Value::Integer(seconds) => match seconds.checked_mul(1_000_000_000) {
                Some(nanoseconds) => Ok(Timespan { nanoseconds, bare_seconds: true }),
                None => {
                    Err(Error::new(ErrorKind::DurationOutOfRange, self.place.clone(), seconds.to_string()))
                }
            },
            _ => Err(self.mismatch(ErrorKind::ExpectedDuration)),
        }
    }

    /// What stands here, in the words of an error message: `text "x"`, `the number 5`, `a block`.
    pub fn description(&self) -> String {
        match &self.value {
            Value::String(text) => format!("the text {:?}", shortened(text)),
            Value::Integer(value) => format!("the number {value}"),
            Value::Float(value) => format!("the number {value}"),
            Value::Boolean(value) => format!("the boolean {value}"),
            Value::DateTime(value) => format!("the date {value}"),
            Value::Array(_) => String::from("a list [ ... ]"),
            Value::Map(_) => String::from("a block { ... }"),
        }
    }

    fn mismatch(&self, kind: ErrorKind) -> Error {
        Error::new(kind, self.place.clone(), self.description())
    }
}

/// The same as for [`Node`], with the key in the errors.
impl Entry {
    /// See [`Node::boolean`].
    ///
    /// # Errors
    /// Those of [`Node::boolean`].
    pub fn boolean(&self) -> Result<bool, Error> {
        self.named(self.node.boolean())
    }

    /// See [`Node::integer`].
    ///
    /// # Errors
    /// Those of [`Node::integer`].
    pub fn integer(&self) -> Result<i64, Error> {
        self.named(self.node.integer())
    }

    /// See [`Node::number`].
    ///
    /// # Errors
    /// Those of [`Node::number`].
    pub fn number(&self) -> Result<f64, Error> {
        self.named(self.node.number())
    }

    /// See [`Node::string`].
    ///
    /// # Errors
    /// Those of [`Node::string`].
    pub fn string(&self) -> Result<&str, Error> {
        self.named(self.node.string())
    }

    /// See [`Node::array`].
    ///
    /// # Errors
    /// Those of [`Node::array`].
    pub fn array(&self) -> Result<&[Node], Error> {
        self.named(self.node.array())
    }

    /// See [`Node::map`].
    ///
    /// # Errors
    /// Those of [`Node::map`].
    pub fn map(&self) -> Result<&Map, Error> {
        self.named(self.node.map())
    }

    /// See [`Node::strings`].
    ///
    /// # Errors
    /// Those of [`Node::strings`].
    pub fn strings(&self) -> Result<Vec<&str>, Error> {
        self.named(self.node.strings())
    }

    /// See [`Node::duration`].
    ///
    /// # Errors
    /// Those of [`Node::duration`].
    pub fn duration(&self) -> Result<Timespan, Error> {
        self.named(self.node.duration())
    }

    fn named<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        result.map_err(|mut error| {
            error.key.clone_from(&self.key);
            error
        })
    }
}

/// Text for a message: whole lines of key material are of no use there.
fn shortened(text: &str) -> String {
    const CHARACTERS_MAX: usize = 40;
    match text.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => String::from(text),
    }
}
