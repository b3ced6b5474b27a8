use alloc::vec::Vec;

use crate::{ParseError, args};

const VERSION: &[u8] = b"NATS/1.0";

/// A header block, checked: `NATS/1.0[ <status>[ <text>]]`, then lines of `Key: value`, then an empty line; each ends
/// with CR LF. Servers need not look into it; those who do get all of it or an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderBlock<'b> {
    status: Option<Status<'b>>,
    lines: &'b [u8],
}

/// What a server says instead of a payload, such as `503` for no responders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status<'b> {
    /// Three digits, 0 to 999.
    pub code: u16,
    /// The text after it, without the blanks around it; it can be empty.
    pub text: &'b [u8],
}

impl<'b> HeaderBlock<'b> {
    /// Checks a block whole: from its version line up to its empty line, which must be its end.
    pub fn parse(block: &'b [u8]) -> Result<HeaderBlock<'b>, ParseError> {
        let (first, lines) = next_line(block).ok_or(ParseError::HeaderVersion)?;
        let rest = first.strip_prefix(VERSION).ok_or(ParseError::HeaderVersion)?;
        check_value(rest).map_err(|_| ParseError::HeaderStatus)?;
        let status = parse_status(rest)?;
        let mut left = lines;
        loop {
            let Some((line, rest)) = next_line(left) else {
                let cut_off = memchr::memchr(b'\n', left).is_none();
                return Err(if cut_off { ParseError::HeaderEnd } else { ParseError::HeaderLine });
            };
            if line.is_empty() {
                let end = if rest.is_empty() { Ok(()) } else { Err(ParseError::HeaderEnd) };
                return end.map(|()| HeaderBlock { status, lines });
            }
            split_line(line).ok_or(ParseError::HeaderLine)?;
            left = rest;
        }
    }

    /// The status of the version line, if it has one.
    pub fn status(&self) -> Option<Status<'b>> {
        self.status
    }

    /// The headers in their order; keys can repeat.
    pub fn iter(&self) -> Headers<'b> {
        Headers { lines: self.lines }
    }

    /// The first value of `key`. Keys are case-sensitive in NATS.
    pub fn get(&self, key: &[u8]) -> Option<&'b [u8]> {
        self.iter().find(|(name, _)| *name == key).map(|(_, value)| value)
    }
}

impl<'b> IntoIterator for HeaderBlock<'b> {
    type Item = (&'b [u8], &'b [u8]);
    type IntoIter = Headers<'b>;

    fn into_iter(self) -> Headers<'b> {
        self.iter()
    }
}

/// The (key, value) pairs of a [`HeaderBlock`]. Blanks before a value are not part of it.
#[derive(Clone, Debug)]
pub struct Headers<'b> {
    lines: &'b [u8],
}

impl<'b> Iterator for Headers<'b> {
    type Item = (&'b [u8], &'b [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (line, rest) = next_line(self.lines)?;
        self.lines = rest;
        split_line(line)
    }
}

/// Writes a header block at the end of a buffer.
#[derive(Debug)]
pub struct HeaderWriter<'o> {
    out: &'o mut Vec<u8>,
    start: usize,
}

impl<'o> HeaderWriter<'o> {
    /// Starts a block without status.
    pub fn new(out: &'o mut Vec<u8>) -> HeaderWriter<'o> {
        let start = out.len();
        out.extend_from_slice(VERSION);
        out.extend_from_slice(b"\r\n");
        HeaderWriter { out, start }
    }

    /// Starts a block with a status. A code over 999 is refused; nothing has been written then.
    pub fn with_status(out: &'o mut Vec<u8>, status: Status<'_>) -> Result<HeaderWriter<'o>, ParseError> {
        let start = out.len();
        if status.code > 999 {
            return Err(ParseError::HeaderStatus);
        }
        check_value(status.text)?;
        out.extend_from_slice(VERSION);
        out.push(b' ');
        out.extend(
            [status.code / 100, status.code / 10 % 10, status.code % 10].map(|digit| b'0' + digit as u8),
        );
        if !status.text.is_empty() {
            out.push(b' ');
            out.extend_from_slice(status.text);
        }
        out.extend_from_slice(b"\r\n");
        Ok(HeaderWriter { out, start })
    }

    /// Adds a header. What would break the block is refused; nothing has been written then.
    pub fn push(&mut self, key: &[u8], value: &[u8]) -> Result<(), ParseError> {
        if key.is_empty() || key.iter().any(|&byte| !byte.is_ascii_graphic() || byte == b':') {
            return Err(ParseError::HeaderName);
        }
        check_value(value)?;
        for part in [key, b": ", value, b"\r\n"] {
            self.out.extend_from_slice(part);
        }
        Ok(())
    }

    /// Ends the block, and says how many bytes it has: the header size of the op.
    pub fn finish(self) -> usize {
        self.out.extend_from_slice(b"\r\n");
        self.out.len() - self.start
    }
}

fn check_value(value: &[u8]) -> Result<(), ParseError> {
    match memchr::memchr2(b'\r', b'\n', value) {
        Some(_) => Err(ParseError::HeaderValue),
        None => Ok(()),
    }
}

/// The bytes up to the first CR LF, and what comes after it. `None`: there is no LF, or the first has no CR before it.
fn next_line(block: &[u8]) -> Option<(&[u8], &[u8])> {
    let feed = memchr::memchr(b'\n', block)?;
    let line = block.get(..feed)?.strip_suffix(b"\r")?;
    Some((line, block.get(feed + 1..)?))
}

fn split_line(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr::memchr(b':', line).filter(|&at| at > 0)?;
    let value = trim_start(line.get(colon + 1..)?);
    memchr::memchr(b'\r', line).is_none().then_some((line.get(..colon)?, value))
}

fn parse_status(rest: &[u8]) -> Result<Option<Status<'_>>, ParseError> {
    if !matches!(rest.first(), None | Some(b' ' | b'\t')) {
        return Err(ParseError::HeaderVersion);
    }
    let text = args::trim(trim_start(rest));
    if text.is_empty() {
        return Ok(None);
    }
    let (digits, text) = text.split_at_checked(3).ok_or(ParseError::HeaderStatus)?;
    let code = args::parse_size(digits).ok_or(ParseError::HeaderStatus)?;
    if !matches!(text.first(), None | Some(b' ' | b'\t')) {
        return Err(ParseError::HeaderStatus);
    }
    Ok(Some(Status { code: code as u16, text: trim_start(text) }))
}

fn trim_start(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = text {
        text = rest;
    }
    text
}
