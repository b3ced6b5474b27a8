//! The short way for ops with payload that are there whole and written as almost every client writes them: one blank
//! between arguments, CR LF after the line. It says `None` to everything else, errors too, and
//! [`Progress::advance`](crate::progress::Progress::advance) decides. It stores nothing, and what it takes `advance` would
//! take as well.

use crate::Limits;
use crate::progress::Parts;

/// An op with payload whose verb has three letters, and the one with `H` before it that has headers too.
#[derive(Clone, Copy)]
pub(crate) struct Family {
    pub(crate) verb: &'static [u8; 3],
    pub(crate) with_sid: bool,
}

impl Family {
    /// Takes an op of this family off the front of `buf`.
    #[inline(always)]
    pub(crate) fn parse<'b>(self, buf: &'b [u8], limits: Limits) -> Option<Parts<'b>> {
        // Four bytes in one comparison. Clearing bit 5 makes letters upper case, and nothing else a letter.
        const UPPER: u32 = 0xdfdf_dfdf;
        let [a, b, c] = *self.verb;
        let (first, rest) = buf.split_first_chunk()?;
        let word = u32::from_be_bytes(*first);
        // A call for each form, so that each is compiled with its constants.
        if word & (UPPER << 8 | 0xff) == u32::from_be_bytes([a, b, c, b' ']) {
            return parse(buf, rest, self.with_sid, false, limits);
        }
        if word & UPPER == u32::from_be_bytes([b'H', a, b, c]) {
            let [b' ', rest @ ..] = rest else { return None };
            return parse(buf, rest, self.with_sid, true, limits);
        }
        None
    }
}

#[inline(always)]
fn parse<'b>(
    buf: &'b [u8],
    argument: &'b [u8],
    with_sid: bool,
    with_headers: bool,
    limits: Limits,
) -> Option<Parts<'b>> {
    let (subject, rest) = token(argument)?;
    let (sid, rest) = if with_sid { token(rest)? } else { (&[][..], rest) };
    // A reply subject can start with digits, or be nothing else: whether there is one shows at the end of the line.
    let (reply, Sizes { header_len, total, rest }) = match sizes(rest, with_headers) {
        Some(sizes) => (None, sizes),
        None => {
            let (reply, rest) = token(rest)?;
            (Some(reply), sizes(rest, with_headers)?)
        }
    };
    let line_len = argument.len() - rest.len() - "\r\n".len();
    if line_len > limits.control_line_max || total as usize > limits.payload_max || header_len > total {
        return None;
    }
    let (payload, end) = rest.split_at_checked(total as usize)?;
    let rest = line_end(end)?;
    Some(Parts {
        subject,
        sid,
        reply,
        payload,
        header_len: header_len as usize,
        with_headers,
        len: buf.len() - rest.len(),
    })
}

struct Sizes<'b> {
    header_len: u32,
    total: u32,
    rest: &'b [u8],
}

/// Reads the sizes that end a control line, and what comes after the line.
#[inline(always)]
fn sizes(rest: &[u8], with_headers: bool) -> Option<Sizes<'_>> {
    let (mut header_len, mut rest) = (0, rest);
    if with_headers {
        let (size, after) = size(rest)?;
        let (b' ' | b'\t', after) = after.split_first()? else { return None };
        (header_len, rest) = (size, after);
    }
    let (total, rest) = size(rest)?;
    let rest = line_end(rest)?;
    Some(Sizes { header_len, total, rest })
}

#[inline(always)]
fn line_end(rest: &[u8]) -> Option<&[u8]> {
    let (end, rest) = rest.split_first_chunk()?;
    (end == b"\r\n").then_some(rest)
}

/// Reads 1 to 9 digits. Byte by byte: sizes are short, and the processor guesses their end well, while the position of the
/// next op waits for the value.
#[inline(always)]
fn size(rest: &[u8]) -> Option<(u32, &[u8])> {
    let mut size = 0u32;
    for (i, byte) in rest.iter().enumerate().take(10) {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return if i > 0 { Some((size, rest.get(i..)?)) } else { None };
        }
        size = size.wrapping_mul(10).wrapping_add(u32::from(digit));
    }
    None
}

/// Takes an argument and the one blank after it.
///
/// The bytes that can end an argument are those of 0x20 and less, and rare: they are found eight bytes at a time.
#[inline(always)]
fn token(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut left = rest;
    while let Some((chunk, after)) = left.split_first_chunk() {
        let word = u64::from_le_bytes(*chunk);
        let low = low_bytes(word);
        if low != 0 {
            let bit = low.trailing_zeros() & !7;
            let len = rest.len() - left.len() + bit as usize / 8;
            let blank = matches!((word >> bit) as u8, b' ' | b'\t');
            let after = rest.get(len + 1..)?;
            return if blank && len > 0 { Some((rest.get(..len)?, after)) } else { None };
        }
        left = after;
    }
    None
}

/// Sets the high bit of each byte of `word` that is 0x20 or less. Bytes above the lowest of them can be marked wrongly.
#[inline(always)]
fn low_bytes(word: u64) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    word.wrapping_sub(ONES * 0x21) & !word & (ONES * 0x80)
}
