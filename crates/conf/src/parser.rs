//! Maps, arrays, variables and includes.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::cursor::{Cursor, ends_word, is_blank, is_newline};
use crate::error::{Error, ErrorKind};
use crate::limits::Limits;
use crate::place::Place;
use crate::scalar::{Scalar, missing_value, quoted, scalar};
use crate::sources::{LoadError, Sources, decode};
use crate::value::{Document, Entry, Map, Node, Value};

/// Reads a configuration with the default [`Limits`]. `name` is the file's name in messages, and what [`Sources::include`] gets
/// as `from`.
///
/// # Errors
/// The first mistake in the text, with its position.
pub fn parse(name: &str, text: &str, sources: &mut dyn Sources) -> Result<Document, Error> {
    parse_with_limits(name, text, sources, &Limits::default())
}

/// Reads a configuration within the given limits; see [`parse`].
///
/// # Errors
/// The first mistake in the text, with its position.
pub fn parse_with_limits(
    name: &str,
    text: &str,
    sources: &mut dyn Sources,
    limits: &Limits,
) -> Result<Document, Error> {
    let mut shared = Shared {
        sources,
        limits: *limits,
        files: Vec::new(),
        environment: Vec::new(),
        includes: 0,
        values: 0,
    };
    let root = shared.file(Arc::from(name), text)?;
    Ok(Document { root })
}

/// What the parsers of all files and environment variables share.
struct Shared<'s> {
    sources: &'s mut dyn Sources,
    limits: Limits,
    /// The files being read, each including the next.
    files: Vec<Arc<str>>,
    /// The environment variables being read, each referring to the next.
    environment: Vec<String>,
    includes: usize,
    values: usize,
}

impl Shared<'_> {
    fn file(&mut self, name: Arc<str>, text: &str) -> Result<Map, Error> {
        if text.len() > self.limits.file_bytes {
            return Err(Error::new(ErrorKind::FileTooLong, Place::start_of(&name), ""));
        }
        self.files.push(name.clone());
        // A byte order mark is no character of the configuration.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut parser =
            Parser { shared: self, cursor: Cursor::new(name, text), scopes: Vec::new(), depth: 0 };
        parser.scopes.push(Scope::default());
        parser.entries(Kind::Top, &parser.cursor.place())?;
        let root = parser.scopes.pop().unwrap_or_default().finish();
        self.files.pop();
        Ok(root)
    }

    /// The value that the text of an environment variable stands for.
    fn environment(&mut self, name: &str, reference: &Place) -> Result<Option<Value>, Error> {
        if self.environment.iter().any(|open| open == name) {
            return Err(Error::new(ErrorKind::VariableCycle, reference.clone(), name));
        }
        let Some(text) = self.sources.variable(name) else { return Ok(None) };
        let file: Arc<str> = Arc::from(alloc::format!("${name}").as_str());
        if text.len() > self.limits.file_bytes {
            return Err(Error::new(ErrorKind::FileTooLong, Place::start_of(&file), ""));
        }
        if text.trim_matches(is_blank).is_empty() {
            return Ok(Some(Value::String(String::new())));
        }
        // One level is one recursion of this function.
        if self.environment.len() >= self.limits.include_depth {
            return Err(Error::new(ErrorKind::TooDeep, reference.clone(), ""));
        }
        self.environment.push(name.to_owned());
        let mut parser =
            Parser { shared: self, cursor: Cursor::new(file, &text), scopes: Vec::new(), depth: 0 };
        let node = parser.first_value()?;
        self.environment.pop();
        Ok(Some(node.value))
    }
}

/// Reads one text.
struct Parser<'p, 's, 't> {
    shared: &'p mut Shared<'s>,
    cursor: Cursor<'t>,
    /// The maps around this position, the innermost last: where variables are looked up.
    scopes: Vec<Scope>,
    depth: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A file, ended by its end.
    Top,
    /// `{ … }` at the top level of a file: its entries are those of the file.
    Block,
    /// `{ … }` as a value.
    Map,
}

impl Parser<'_, '_, '_> {
    /// Reads a text that is the value of a key at the top level, as nats-server does with the environment: what ends the value
    /// there ends it here, and what follows must be entries, of which nothing becomes.
    fn first_value(&mut self) -> Result<Node, Error> {
        self.cursor.skip_blanks();
        if self.cursor.peek().is_some_and(is_newline) {
            return Err(self.cursor.error_here(ErrorKind::ValueOnNextLine));
        }
        let node = self.value()?;
        self.scopes.push(Scope::default());
        self.ends_map(Kind::Top, &node.place)?;
        self.entries(Kind::Top, &node.place)?;
        self.scopes.pop();
        Ok(node)
    }

    /// Reads the entries of a map up to its end into the innermost scope. `opened` is where the map starts.
    fn entries(&mut self, kind: Kind, opened: &Place) -> Result<(), Error> {
        loop {
            self.cursor.skip_space_and_comments();
            let Some(next) = self.cursor.peek() else {
                return match kind {
                    Kind::Top => Ok(()),
                    Kind::Block | Kind::Map => {
                        Err(Error::new(ErrorKind::UnterminatedMap, opened.clone(), ""))
                    }
                };
            };
            match next {
                '}' if kind != Kind::Top => {
                    self.cursor.bump();
                    return Ok(());
                }
                // As nats-server: one `}` too many at the very end does no harm.
                '}' if self.cursor.rest()[1..].trim().is_empty() => return Ok(()),
                '}' | ']' => return Err(self.cursor.error_here(ErrorKind::UnexpectedClose)),
                '{' if kind != Kind::Map => {
                    let opened = self.cursor.place();
                    self.cursor.bump();
                    self.nested(&opened, |parser| parser.entries(Kind::Block, &opened))?;
                    continue;
                }
                '{' => return Err(self.cursor.error_here(ErrorKind::UnexpectedOpen)),
                '=' | ':' => return Err(self.cursor.error_here(ErrorKind::SeparatorWithoutKey)),
                ',' | ';' => return Err(self.cursor.error_here(ErrorKind::UnexpectedTerminator)),
                '\0' => return Err(self.cursor.error_here(ErrorKind::NotText)),
                _ => self.entry(kind)?,
            }
            if self.ends_map(kind, opened)? {
                return Ok(());
            }
        }
    }

    /// What follows a value: says whether that ends the map.
    fn ends_map(&mut self, kind: Kind, opened: &Place) -> Result<bool, Error> {
        self.cursor.skip_blanks();
        self.cursor.skip_comment();
        match self.cursor.peek() {
            None if kind == Kind::Top => return Ok(false),
            None => return Err(Error::new(ErrorKind::UnterminatedMap, opened.clone(), "")),
            Some('}') => {
                self.cursor.bump();
                // At the top level a `}` after a value is one more terminator, as in nats-server.
                return Ok(kind != Kind::Top);
            }
            Some(c) if is_newline(c) || matches!(c, ',' | ';') => {}
            Some(_) => return Err(self.cursor.error_here(ErrorKind::TextAfterValue)),
        }
        self.cursor.bump();
        Ok(false)
    }

    /// Reads a key and its value, or an include.
    fn entry(&mut self, kind: Kind) -> Result<(), Error> {
        let key_place = self.cursor.place();
        let key = if matches!(self.cursor.peek(), Some('"' | '\'')) {
            quoted(&mut self.cursor)?
        } else {
            let key = self.cursor.take_while(|c| !c.is_whitespace() && !matches!(c, '=' | ':' | '\0'));
            if key.eq_ignore_ascii_case("include") && self.cursor.peek().is_some_and(char::is_whitespace) {
                return self.include();
            }
            key
        };
        self.cursor.take_while(char::is_whitespace);
        let separated = self.cursor.eat('=') || self.cursor.eat(':');
        if separated {
            match kind {
                Kind::Top => self.cursor.skip_blanks(),
                Kind::Block | Kind::Map => _ = self.cursor.take_while(char::is_whitespace),
            }
        }
        match self.cursor.peek() {
            Some('\0') => return Err(self.cursor.error_here(ErrorKind::NotText)),
            Some(c) if separated && is_newline(c) => {
                return Err(self.cursor.error_here(ErrorKind::ValueOnNextLine));
            }
            Some(c) if !ends_word(c) => {}
            _ => return Err(Error::new(ErrorKind::MissingValue, key_place, key)),
        }
        let node = self.value()?;
        self.set(Entry { key: key.to_owned(), key_place, node, used_as_variable: false });
        Ok(())
    }

    fn set(&mut self, entry: Entry) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.set(entry);
        }
    }

    /// Reads a value of any type.
    fn value(&mut self) -> Result<Node, Error> {
        self.cursor.skip_blanks();
        let place = self.cursor.place();
        self.count(1, &place)?;
        let value = match self.cursor.peek() {
            Some('{') => {
                self.cursor.bump();
                self.nested(&place, |parser| {
                    parser.scopes.push(Scope::default());
                    parser.entries(Kind::Map, &place)?;
                    Ok(Value::Map(parser.scopes.pop().unwrap_or_default().finish()))
                })?
            }
            Some('[') => {
                self.cursor.bump();
                self.nested(&place, |parser| Ok(Value::Array(parser.array(&place)?)))?
            }
            _ => match scalar(&mut self.cursor)? {
                Scalar::Value(value) => value,
                Scalar::Variable(name) => self.variable(&name, &place)?,
            },
        };
        Ok(Node { value, place })
    }

    /// Reads the values of an array, whose `[` is read already.
    fn array(&mut self, opened: &Place) -> Result<Vec<Node>, Error> {
        let mut values = Vec::new();
        loop {
            self.cursor.skip_space_and_comments();
            match self.cursor.peek() {
                None => return Err(Error::new(ErrorKind::UnterminatedArray, opened.clone(), "")),
                Some(']') => {
                    self.cursor.bump();
                    return Ok(values);
                }
                Some(',' | ';') => return Err(self.cursor.error_here(ErrorKind::UnexpectedTerminator)),
                Some('}') => return Err(self.cursor.error_here(ErrorKind::UnexpectedClose)),
                Some(_) => values.push(self.value()?),
            }
            self.cursor.skip_blanks();
            self.cursor.skip_comment();
            match self.cursor.peek() {
                None | Some(']') => {}
                Some(c) if c == ',' || is_newline(c) => _ = self.cursor.bump(),
                Some(_) => return Err(self.cursor.error_here(ErrorKind::TextAfterValue)),
            }
        }
    }

    /// The value of `$name`: an earlier key of an enclosing map, from the inside outward, then the environment.
    fn variable(&mut self, name: &str, place: &Place) -> Result<Value, Error> {
        let found = self.scopes.iter_mut().rev().find_map(|scope| scope.variable(name));
        let value = match found.cloned() {
            Some(value) => value,
            None => match self.shared.environment(name, place)? {
                Some(value) => value,
                None => return Err(Error::new(ErrorKind::VariableNotFound, place.clone(), name)),
            },
        };
        let (values, depth) = extent(&value);
        if self.depth + depth > self.shared.limits.depth {
            return Err(Error::new(ErrorKind::TooDeep, place.clone(), ""));
        }
        self.count(values, place)?;
        Ok(value)
    }

    /// Reads the path after `include` and merges the keys of that file into this map.
    fn include(&mut self) -> Result<(), Error> {
        self.cursor.skip_blanks();
        let place = self.cursor.place();
        let path = match self.cursor.peek() {
            Some('"' | '\'') => quoted(&mut self.cursor)?,
            Some('[' | '{' | '(') => return Err(self.cursor.error_here(ErrorKind::TextAfterValue)),
            _ => {
                let path = self
                    .cursor
                    .take_while(|c| !is_blank(c) && !is_newline(c) && !matches!(c, ';' | '}' | '\'' | '\0'));
                self.cursor.eat('\'');
                path
            }
        };
        if path.is_empty() {
            return Err(missing_value(&self.cursor));
        }
        let failure = |kind| Error::new(kind, place.clone(), path);
        let limits = self.shared.limits;
        self.shared.includes += 1;
        if self.shared.includes > limits.includes {
            return Err(failure(ErrorKind::TooManyIncludes));
        }
        if self.shared.files.len() > limits.include_depth {
            return Err(failure(ErrorKind::IncludeTooDeep));
        }
        let included = self.shared.sources.include(self.cursor.file(), path).map_err(|error| {
            failure(match error {
                LoadError::NotFound => ErrorKind::IncludeNotFound,
                LoadError::PermissionDenied => ErrorKind::IncludeDenied,
                LoadError::Unreadable | LoadError::Unsupported => ErrorKind::IncludeUnreadable,
            })
        })?;
        if self.shared.files.iter().any(|open| **open == *included.name) {
            return Err(failure(ErrorKind::IncludeCycle));
        }
        let name: Arc<str> = Arc::from(included.name);
        for entry in self.shared.file(name, &decode(&included.text))? {
            self.set(entry);
        }
        Ok(())
    }

    /// Goes one level deeper.
    fn nested<T>(
        &mut self,
        place: &Place,
        inner: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if self.depth >= self.shared.limits.depth {
            return Err(Error::new(ErrorKind::TooDeep, place.clone(), ""));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    fn count(&mut self, values: usize, place: &Place) -> Result<(), Error> {
        self.shared.values += values;
        if self.shared.values > self.shared.limits.values {
            return Err(Error::new(ErrorKind::TooManyValues, place.clone(), ""));
        }
        Ok(())
    }
}

/// How many values a value holds inside itself, and how deep they nest. The recursion is bounded by [`Limits::depth`], which every value in a
/// tree keeps.
fn extent(value: &Value) -> (usize, usize) {
    let (mut values, mut depth) = (0, 0);
    let mut add = |node: &Node| {
        let inner = extent(&node.value);
        values += 1 + inner.0;
        depth = depth.max(inner.1);
    };
    match value {
        Value::Array(nodes) => nodes.iter().for_each(&mut add),
        Value::Map(map) => map.iter().for_each(|entry| add(&entry.node)),
        _ => return (0, 0),
    }
    (values, depth + 1)
}

/// A map under construction.
#[derive(Default)]
struct Scope {
    /// In the order of the text; `None` where a later entry has the same key.
    entries: Vec<Option<Entry>>,
    by_key: BTreeMap<String, usize>,
}

impl Scope {
    fn set(&mut self, entry: Entry) {
        if let Some(earlier) = self.by_key.insert(entry.key.to_string(), self.entries.len()) {
            self.entries[earlier] = None;
        }
        self.entries.push(Some(entry));
    }

    /// The value of exactly this key, which is marked as used by a variable.
    fn variable(&mut self, key: &str) -> Option<&Value> {
        let entry = self.entries[*self.by_key.get(key)?].as_mut()?;
        entry.used_as_variable = true;
        Some(&entry.node.value)
    }

    fn finish(self) -> Map {
        self.entries.into_iter().flatten().collect()
    }
}
