//! The tree of values.

use alloc::string::String;
use alloc::vec::Vec;

use crate::datetime::DateTime;
use crate::place::Place;

/// A value, without its position.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Text: quoted, bare or a block.
    String(String),
    /// A whole number, its size suffix already applied.
    Integer(i64),
    /// A number with a point. Never NaN nor infinite.
    Float(f64),
    /// `true`, `yes`, `on` and their opposites.
    Boolean(bool),
    /// A date with its time, UTC.
    DateTime(DateTime),
    /// `[ … ]`; the types may be mixed.
    Array(Vec<Node>),
    /// `{ … }`.
    Map(Map),
}

/// A value and where it stands. A value that came through a variable stands where the variable is used.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// The position of its first character.
    pub place: Place,
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key as written (the server compares keys without regard to ASCII case).
    pub key: String,
    /// The position of the key.
    pub key_place: Place,
    /// The value.
    pub node: Node,
    pub(crate) used_as_variable: bool,
}

impl Entry {
    /// Whether a `$key` took its value from here: such a key need not be one that the program knows.
    pub fn is_variable(&self) -> bool {
        self.used_as_variable
    }
}

/// The entries of a `{ … }` or of a whole file, in the order of the text; each exact key once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Map {
    entries: Vec<Entry>,
}

impl Map {
    /// The last entry whose key equals `key` but for ASCII case.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().rev().find(|entry| entry.key.eq_ignore_ascii_case(key))
    }

    /// The entries in order.
    pub fn iter(&self) -> core::slice::Iter<'_, Entry> {
        self.entries.iter()
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl FromIterator<Entry> for Map {
    /// The caller sees to it that each exact key comes once.
    fn from_iter<I: IntoIterator<Item = Entry>>(entries: I) -> Self {
        Self { entries: entries.into_iter().collect() }
    }
}

impl<'a> IntoIterator for &'a Map {
    type Item = &'a Entry;
    type IntoIter = core::slice::Iter<'a, Entry>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.iter()
    }
}

impl IntoIterator for Map {
    type Item = Entry;
    type IntoIter = alloc::vec::IntoIter<Entry>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

/// A whole configuration, its includes merged in.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    pub(crate) root: Map,
}

impl Document {
    /// The top level.
    pub fn root(&self) -> &Map {
        &self.root
    }

    /// Gives the top level away.
    pub fn into_root(self) -> Map {
        self.root
    }
}
