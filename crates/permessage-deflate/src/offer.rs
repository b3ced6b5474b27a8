//! The grammar of `Sec-WebSocket-Extensions` (RFC 6455 §9.1) and the parameters of one `permessage-deflate` element.
//!
//! ```text
//! extension-list  = 1#extension
//! extension       = extension-token *( ";" extension-param )
//! extension-param = token [ "=" ( token | quoted-string ) ]
//! ```
//! The list rule is that of RFC 2616 §2.1: empty elements are allowed, and so is white space around every separator.
//! A quoted value must be a token once its escapes are removed.

use crate::error::NegotiationError;

/// The parameters of one element, as the peer wrote them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parameters {
    pub(crate) server_no_context_takeover: bool,
    pub(crate) client_no_context_takeover: bool,
    pub(crate) server_max_window_bits: Option<u8>,
    /// The outer option: whether it is there. The inner: its value, which an offer may leave out.
    pub(crate) client_max_window_bits: Option<Option<u8>>,
}

/// The header does not follow the grammar.
#[derive(Debug)]
pub(crate) struct Malformed;

/// Calls `element` for each `permessage-deflate` of the header, with its parameters or the first rule that they break,
/// and `None` for each other extension. Returns how many extensions there were.
pub(crate) fn parse_extensions(
    header: &str,
    mut element: impl FnMut(Option<Result<Parameters, NegotiationError>>),
) -> Result<usize, Malformed> {
    let mut scanner = Scanner { rest: header.as_bytes() };
    let mut count = 0;
    loop {
        scanner.skip_space();
        if scanner.rest.is_empty() {
            return Ok(count);
        }
        if scanner.skip(b',') {
            continue;
        }
        element(parse_element(&mut scanner)?);
        count += 1;
        if !scanner.skip(b',') && !scanner.rest.is_empty() {
            return Err(Malformed);
        }
    }
}

fn parse_element(
    scanner: &mut Scanner<'_>,
) -> Result<Option<Result<Parameters, NegotiationError>>, Malformed> {
    let is_deflate = scanner.token()?.eq_ignore_ascii_case(b"permessage-deflate");
    let mut parameters = Parameters::default();
    let mut verdict = Ok(());
    scanner.skip_space();
    while scanner.skip(b';') {
        scanner.skip_space();
        let name = scanner.token()?;
        scanner.skip_space();
        let mut value = None;
        if scanner.skip(b'=') {
            scanner.skip_space();
            value = Some(scanner.value()?);
            scanner.skip_space();
        }
        if is_deflate && verdict.is_ok() {
            verdict = parameters.add(name, value);
        }
    }
    Ok(is_deflate.then(|| verdict.map(|()| parameters)))
}

impl Parameters {
    fn add(&mut self, name: &[u8], value: Option<Value<'_>>) -> Result<(), NegotiationError> {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        if is("server_no_context_takeover") {
            set_flag(&mut self.server_no_context_takeover, value)
        } else if is("client_no_context_takeover") {
            set_flag(&mut self.client_no_context_takeover, value)
        } else if is("server_max_window_bits") {
            let value = value.ok_or(NegotiationError::MissingValue)?;
            set_once(&mut self.server_max_window_bits, value.window_bits()?)
        } else if is("client_max_window_bits") {
            let bits = value.map(Value::window_bits).transpose()?;
            set_once(&mut self.client_max_window_bits, bits)
        } else {
            Err(NegotiationError::UnknownParameter)
        }
    }
}

fn set_flag(flag: &mut bool, value: Option<Value<'_>>) -> Result<(), NegotiationError> {
    if value.is_some() {
        return Err(NegotiationError::UnexpectedValue);
    }
    if *flag {
        return Err(NegotiationError::DuplicateParameter);
    }
    *flag = true;
    Ok(())
}

fn set_once<T>(slot: &mut Option<T>, value: T) -> Result<(), NegotiationError> {
    if slot.is_some() {
        return Err(NegotiationError::DuplicateParameter);
    }
    *slot = Some(value);
    Ok(())
}

/// A parameter's value: a token, or the inside of a quoted string with its escapes still in place.
#[derive(Clone, Copy)]
struct Value<'a> {
    raw: &'a [u8],
    quoted: bool,
}

impl<'a> Value<'a> {
    /// The value with its escapes removed.
    fn bytes(self) -> impl Iterator<Item = u8> + 'a {
        let mut raw = self.raw.iter().copied();
        core::iter::from_fn(move || match raw.next() {
            Some(b'\\') if self.quoted => raw.next(),
            byte => byte,
        })
    }

    fn window_bits(self) -> Result<u8, NegotiationError> {
        let mut bytes = self.bytes();
        match (bytes.next(), bytes.next(), bytes.next()) {
            (Some(digit @ b'8'..=b'9'), None, None) => Ok(digit - b'0'),
            (Some(b'1'), Some(digit @ b'0'..=b'5'), None) => Ok(10 + digit - b'0'),
            _ => Err(NegotiationError::InvalidWindowBits),
        }
    }
}

struct Scanner<'a> {
    rest: &'a [u8],
}

impl<'a> Scanner<'a> {
    fn skip(&mut self, byte: u8) -> bool {
        match self.rest.split_first() {
            Some((&first, rest)) if first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn skip_space(&mut self) {
        while self.skip(b' ') || self.skip(b'\t') {}
    }

    fn token(&mut self) -> Result<&'a [u8], Malformed> {
        let len = self.rest.iter().take_while(|&&byte| is_token_byte(byte)).count();
        if len == 0 {
            return Err(Malformed);
        }
        let (token, rest) = self.rest.split_at(len);
        self.rest = rest;
        Ok(token)
    }

    fn value(&mut self) -> Result<Value<'a>, Malformed> {
        if !self.skip(b'"') {
            return Ok(Value { raw: self.token()?, quoted: false });
        }
        let mut len = 0;
        loop {
            match self.rest.get(len) {
                None => return Err(Malformed),
                Some(b'"') => break,
                Some(b'\\') => len += 2,
                Some(_) => len += 1,
            }
        }
        let value = Value { raw: &self.rest[..len], quoted: true };
        self.rest = &self.rest[len + 1..];
        if len == 0 || !value.bytes().all(is_token_byte) {
            return Err(Malformed);
        }
        Ok(value)
    }
}

/// RFC 2616 §2.2: any ASCII character except controls and separators.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
