//! The list of `Forwarded` (RFC 7239 §4).

use alloc::string::String;
use alloc::vec::Vec;

use crate::address::Address;
use crate::resolve::Scheme;

/// The most elements of a line. A line with more is malformed: nobody stands behind so many proxies.
const ELEMENTS_MAX: usize = 64;

/// What a proxy says of the request that it got.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Element {
    /// `for`, where that is an address: it may be missing, `unknown`, or a name that the proxy made up (`_hidden`).
    pub(crate) address: Option<Address>,
    /// `proto`.
    pub(crate) scheme: Option<Scheme>,
}

/// The elements of a line in their order; `None` for a line that does not follow the grammar.
pub(crate) fn parse_line(line: &[u8]) -> Option<Vec<Element>> {
    let mut rest = Rest(core::str::from_utf8(line).ok()?);
    let mut elements = Vec::new();
    loop {
        rest.skip_blanks();
        let pairs = rest.element()?;
        // Empty elements of a list do not count (RFC 9110 §5.6.1).
        elements.extend(pairs);
        if elements.len() > ELEMENTS_MAX {
            return None;
        }
        if rest.0.is_empty() {
            return Some(elements);
        }
        if !rest.take(',') {
            return None;
        }
    }
}

/// What is still to be read of a line.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    /// `[ pair ] *( ";" [ pair ] )`, with blanks around the semicolons, which many write. `Some(None)`: no pair at all.
    fn element(&mut self) -> Option<Option<Element>> {
        let (mut element, mut seen) = (Element::default(), Vec::new());
        loop {
            if let Some(name) = self.token() {
                if !self.take('=') {
                    return None;
                }
                let value = self.value()?;
                // RFC 7239 §4: no parameter more than once for a hop.
                if seen.iter().any(|other: &&str| other.eq_ignore_ascii_case(name)) {
                    return None;
                }
                seen.push(name);
                if name.eq_ignore_ascii_case("for") {
                    element.address = Address::parse(&value);
                } else if name.eq_ignore_ascii_case("proto") {
                    element.scheme = Scheme::parse(&value);
                }
            }
            self.skip_blanks();
            if !self.take(';') {
                return Some((!seen.is_empty()).then_some(element));
            }
            self.skip_blanks();
        }
    }

    /// `token / quoted-string` (RFC 9110 §5.6.2 and §5.6.4).
    fn value(&mut self) -> Option<String> {
        if !self.take('"') {
            return self.token().map(String::from);
        }
        let mut value = String::new();
        let mut characters = self.0.char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    self.0 = &self.0[at + 1..];
                    return Some(value);
                }
                '\\' => value.push(characters.next()?.1),
                _ => value.push(character),
            }
        }
        None
    }

    fn token(&mut self) -> Option<&'a str> {
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        let len = self.0.bytes().position(|byte| !is_token(byte)).unwrap_or(self.0.len());
        let (token, rest) = self.0.split_at(len);
        self.0 = rest;
        (len > 0).then_some(token)
    }

    fn take(&mut self, character: char) -> bool {
        match self.0.strip_prefix(character) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn skip_blanks(&mut self) {
        self.0 = self.0.trim_start_matches([' ', '\t']);
    }
}
