//! Scalars: quoted strings, blocks and bare words.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::cursor::{Cursor, ends_word, is_newline};
use crate::error::{Error, ErrorKind};
use crate::number::number;
use crate::value::Value;

/// A scalar, or the name of a variable to look up.
#[derive(Debug)]
pub(crate) enum Scalar {
    Value(Value),
    Variable(String),
}

/// Reads anything that is neither a map nor an array.
pub(crate) fn scalar(cursor: &mut Cursor<'_>) -> Result<Scalar, Error> {
    match cursor.peek() {
        Some('\'') => Ok(Scalar::Value(Value::String(quoted(cursor)?.to_string()))),
        Some('"') => escaped(cursor),
        Some('(') => block(cursor),
        Some('.') => Err(cursor.error_here(ErrorKind::InvalidNumber)),
        Some(c) if c == '-' || c.is_ascii_digit() => number(cursor),
        Some(c) if ends_word(c) => Err(missing_value(cursor)),
        None => Err(missing_value(cursor)),
        Some(_) => bare_text(&cursor.clone(), cursor),
    }
}

pub(crate) fn missing_value(cursor: &Cursor<'_>) -> Error {
    Error::new(ErrorKind::MissingValue, cursor.place(), "")
}

/// Reads text between two of the quote that stands here; nothing inside it is interpreted.
pub(crate) fn quoted<'t>(cursor: &mut Cursor<'t>) -> Result<&'t str, Error> {
    let start = cursor.place();
    let quote = cursor.bump();
    let text = cursor.take_while(|c| Some(c) != quote && c != '\0');
    match cursor.peek() {
        None => Err(Error::new(ErrorKind::UnterminatedString, start, "")),
        Some('\0') => Err(cursor.error_here(ErrorKind::NotText)),
        Some(_) => {
            cursor.bump();
            Ok(text)
        }
    }
}

/// `"…"` with escapes.
fn escaped(cursor: &mut Cursor<'_>) -> Result<Scalar, Error> {
    let start = cursor.place();
    cursor.bump();
    let mut text = Vec::new();
    loop {
        text.extend_from_slice(cursor.take_while(|c| !matches!(c, '"' | '\\' | '\0')).as_bytes());
        match cursor.peek() {
            None => return Err(Error::new(ErrorKind::UnterminatedString, start, "")),
            Some('"') => break,
            Some('\\') => text.push(escape(cursor)?),
            Some(_) => return Err(cursor.error_here(ErrorKind::NotText)),
        }
    }
    cursor.bump();
    match String::from_utf8(text) {
        Ok(text) => Ok(Scalar::Value(Value::String(text))),
        Err(_) => Err(Error::new(ErrorKind::NotUtf8, start, "")),
    }
}

/// `\` and what follows: one byte.
fn escape(cursor: &mut Cursor<'_>) -> Result<u8, Error> {
    let place = cursor.place();
    cursor.bump();
    let rest = cursor.rest();
    let failure = |length: usize| {
        let found: String = rest.chars().take(length).collect();
        Error::new(ErrorKind::InvalidEscape, place.clone(), found)
    };
    match cursor.bump() {
        Some('t') => Ok(b'\t'),
        Some('n') => Ok(b'\n'),
        Some('r') => Ok(b'\r'),
        Some('"') => Ok(b'"'),
        Some('\\') => Ok(b'\\'),
        Some('x') => {
            let mut digit = || cursor.bump().and_then(|c| c.to_digit(16));
            let (high, low) = (digit(), digit());
            let byte = high.zip(low).and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
            byte.ok_or_else(|| failure(3))
        }
        _ => Err(failure(1)),
    }
}

/// `(` … `)`, the `)` alone on its line. All between them is text, the new lines at both ends included.
fn block(cursor: &mut Cursor<'_>) -> Result<Scalar, Error> {
    let start = cursor.place();
    cursor.bump();
    let mut text = String::new();
    loop {
        let line = cursor.take_while(|c| c != '\n' && c != '\0');
        match cursor.peek() {
            Some('\n') => {}
            Some(_) => return Err(cursor.error_here(ErrorKind::NotText)),
            None => return Err(Error::new(ErrorKind::UnterminatedBlock, start, "")),
        }
        text.push_str(line);
        text.push('\n');
        cursor.bump();
        if let Some(after) = cursor.rest().strip_prefix(')')
            && after.chars().next().is_none_or(is_newline)
        {
            cursor.bump();
            return Ok(Scalar::Value(Value::String(text)));
        }
    }
}

/// Reads on to the end of a bare word, of which the part from `start` to `cursor` is read already. A word that holds no escape
/// may be a boolean or a variable. A `'` ends a bare word too and belongs to it no more.
pub(crate) fn bare_text(start: &Cursor<'_>, cursor: &mut Cursor<'_>) -> Result<Scalar, Error> {
    let head = &start.rest()[..start.rest().len() - cursor.rest().len()];
    let mut text = head.as_bytes().to_vec();
    let mut plain = true;
    loop {
        text.extend_from_slice(
            cursor.take_while(|c| !ends_word(c) && !matches!(c, '\'' | '\\' | '\0')).as_bytes(),
        );
        match cursor.peek() {
            Some('\\') => text.push(escape(cursor)?),
            Some('\'') => {
                plain = false;
                cursor.bump();
                break;
            }
            Some('\0') => return Err(cursor.error_here(ErrorKind::NotText)),
            _ => break,
        }
        plain = false;
    }
    let Ok(text) = String::from_utf8(text) else {
        return Err(Error::new(ErrorKind::NotUtf8, start.place(), ""));
    };
    Ok(if plain { word_value(text) } else { Scalar::Value(Value::String(text)) })
}

fn word_value(text: String) -> Scalar {
    if let Some(name) = text.strip_prefix('$') {
        // The prefix of a bcrypt hash; nats-server takes it literally, so that such passwords need no quotes.
        if !name.starts_with("2a$") {
            return Scalar::Variable(name.to_string());
        }
    }
    let is = |words: [&str; 3]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    Scalar::Value(if is(["true", "yes", "on"]) {
        Value::Boolean(true)
    } else if is(["false", "no", "off"]) {
        Value::Boolean(false)
    } else {
        Value::String(text)
    })
}
