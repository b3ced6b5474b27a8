//! A position in a text.

use alloc::string::ToString;
use alloc::sync::Arc;

use crate::error::{Error, ErrorKind};
use crate::place::Place;

/// Walks over one text and knows line and column.
#[derive(Clone)]
pub(crate) struct Cursor<'t> {
    rest: &'t str,
    file: Arc<str>,
    line: u32,
    column: u32,
}

impl<'t> Cursor<'t> {
    pub(crate) fn new(file: Arc<str>, text: &'t str) -> Self {
        Self { rest: text, file, line: 1, column: 1 }
    }

    pub(crate) fn file(&self) -> &Arc<str> {
        &self.file
    }

    pub(crate) fn place(&self) -> Place {
        Place { file: self.file.clone(), line: self.line, column: self.column }
    }

    /// What is still to be read.
    pub(crate) fn rest(&self) -> &'t str {
        self.rest
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    pub(crate) fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.rest = &self.rest[next.len_utf8()..];
        if next == '\n' {
            self.line = self.line.saturating_add(1);
            self.column = 1;
        } else {
            self.column = self.column.saturating_add(1);
        }
        Some(next)
    }

    /// Reads `expected` if it comes next.
    pub(crate) fn eat(&mut self, expected: char) -> bool {
        let found = self.peek() == Some(expected);
        if found {
            self.bump();
        }
        found
    }

    /// Reads characters as long as `wanted` says so.
    pub(crate) fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'t str {
        let start = self.rest;
        while self.peek().is_some_and(&wanted) {
            self.bump();
        }
        &start[..start.len() - self.rest.len()]
    }

    /// Skips blanks and tabs.
    pub(crate) fn skip_blanks(&mut self) {
        self.take_while(is_blank);
    }

    /// Skips a comment, up to the end of its line, if one starts here.
    pub(crate) fn skip_comment(&mut self) -> bool {
        let found = self.rest.starts_with('#') || self.rest.starts_with("//");
        if found {
            self.take_while(|c| !is_newline(c));
        }
        found
    }

    /// Skips white space of every kind, new lines and comments.
    pub(crate) fn skip_space_and_comments(&mut self) {
        loop {
            self.take_while(char::is_whitespace);
            if !self.skip_comment() {
                return;
            }
        }
    }

    /// An error at this position about the next character.
    pub(crate) fn error_here(&self, kind: ErrorKind) -> Error {
        let kind = if self.peek() == Some('\0') { ErrorKind::NotText } else { kind };
        match self.peek() {
            Some(next) => Error::new(kind, self.place(), next.to_string()),
            None => Error::new(kind, self.place(), "the end of the text"),
        }
    }
}

pub(crate) fn is_blank(c: char) -> bool {
    c == ' ' || c == '\t'
}

pub(crate) fn is_newline(c: char) -> bool {
    c == '\n' || c == '\r'
}

/// What ends a bare word.
pub(crate) fn ends_word(c: char) -> bool {
    is_blank(c) || is_newline(c) || matches!(c, ';' | ',' | ']' | '}')
}
