//! Scalars that start with a digit or `-`: integers, sizes, floats, dates, and the strings that begin like them.

use alloc::string::ToString;

use crate::cursor::{Cursor, ends_word};
use crate::datetime::{self, DateTime};
use crate::error::{Error, ErrorKind};
use crate::scalar::{Scalar, bare_text};
use crate::value::Value;

/// Reads a scalar whose first character is an ASCII digit or `-`.
pub(crate) fn number(cursor: &mut Cursor<'_>) -> Result<Scalar, Error> {
    let start = cursor.clone();
    let negative = cursor.eat('-');
    let digits = cursor.take_while(|c| c.is_ascii_digit()).len();
    if digits == 0 {
        return Err(Error::new(ErrorKind::InvalidNumber, start.place(), word(&start)));
    }
    match cursor.peek() {
        Some('-') if !negative => date(&start, cursor, digits),
        Some('.') => fraction(&start, cursor),
        Some(c) if is_suffix(c) => size(&start, cursor),
        None => integer(&start, cursor),
        Some(c) if ends_word(c) || negative => integer(&start, cursor),
        Some(_) => bare_text(&start, cursor),
    }
}

fn is_suffix(c: char) -> bool {
    matches!(c.to_ascii_lowercase(), 'k' | 'm' | 'g' | 't' | 'p' | 'e')
}

/// The text from `start` to `end`.
fn between<'t>(start: &Cursor<'t>, end: &Cursor<'t>) -> &'t str {
    &start.rest()[..start.rest().len() - end.rest().len()]
}

/// The whole word at `start`, for messages.
fn word<'t>(start: &Cursor<'t>) -> &'t str {
    start.clone().take_while(|c| !ends_word(c))
}

fn integer(start: &Cursor<'_>, end: &Cursor<'_>) -> Result<Scalar, Error> {
    let text = between(start, end);
    match text.parse() {
        Ok(value) => Ok(Scalar::Value(Value::Integer(value))),
        Err(_) => Err(Error::new(ErrorKind::NumberOutOfRange, start.place(), text)),
    }
}

/// Digits and a suffix letter. As the official lexer: if no terminator follows (`1m30s`), all of it is a string.
fn size(start: &Cursor<'_>, cursor: &mut Cursor<'_>) -> Result<Scalar, Error> {
    let digits = between(start, cursor);
    let from_suffix = cursor.clone();
    cursor.bump();
    cursor.take_while(|c| matches!(c, 'b' | 'B' | 'i' | 'I'));
    match cursor.peek() {
        // `[1k]` is the text `1k` to the official server: kept, since lists of names are what such lists are.
        Some(c) if !ends_word(c) || c == ']' => return bare_text(start, cursor),
        _ => {}
    }
    let failure = |kind| Error::new(kind, start.place(), between(start, cursor));
    let unit = unit(between(&from_suffix, cursor)).ok_or_else(|| failure(ErrorKind::InvalidSize))?;
    let value = digits.parse::<i64>().ok().and_then(|number| number.checked_mul(unit));
    value
        .map(|value| Scalar::Value(Value::Integer(value)))
        .ok_or_else(|| failure(ErrorKind::NumberOutOfRange))
}

fn unit(suffix: &str) -> Option<i64> {
    let suffix = suffix.to_ascii_lowercase();
    let (power, tail) = match suffix.split_at(1) {
        ("k", tail) => (1, tail),
        ("m", tail) => (2, tail),
        ("g", tail) => (3, tail),
        ("t", tail) => (4, tail),
        ("p", tail) => (5, tail),
        ("e", tail) => (6, tail),
        _ => return None,
    };
    match tail {
        "" => 1000_i64.checked_pow(power),
        "b" | "i" | "ib" => 1024_i64.checked_pow(power),
        _ => None,
    }
}

/// Digits and a point: a float, or an address such as `127.0.0.1:4222` if a second point follows.
fn fraction(start: &Cursor<'_>, cursor: &mut Cursor<'_>) -> Result<Scalar, Error> {
    cursor.bump();
    if cursor.take_while(|c| c.is_ascii_digit()).is_empty() {
        return Err(Error::new(ErrorKind::InvalidNumber, start.place(), word(start)));
    }
    if cursor.peek() == Some('.') {
        cursor.take_while(|c| c.is_ascii_digit() || matches!(c, '.' | ':' | '-'));
        return Ok(Scalar::Value(Value::String(between(start, cursor).to_string())));
    }
    let text = between(start, cursor);
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(Scalar::Value(Value::Float(value))),
        _ => Err(Error::new(ErrorKind::NumberOutOfRange, start.place(), text)),
    }
}

fn date(start: &Cursor<'_>, cursor: &mut Cursor<'_>, digits: usize) -> Result<Scalar, Error> {
    let text = start.rest().get(..datetime::LENGTH).filter(|_| digits == 4);
    match text.and_then(DateTime::parse) {
        Some(date) => {
            for _ in digits..datetime::LENGTH {
                cursor.bump();
            }
            Ok(Scalar::Value(Value::DateTime(date)))
        }
        None => Err(Error::new(ErrorKind::InvalidDateTime, start.place(), word(start))),
    }
}
