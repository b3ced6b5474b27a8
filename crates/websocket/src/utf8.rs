//! UTF-8 that comes in pieces (RFC 6455 §8.1).

use core::fmt;

/// The bytes are not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InvalidUtf8;

impl fmt::Display for InvalidUtf8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid utf8")
    }
}

impl core::error::Error for InvalidUtf8 {}

/// Validates UTF-8 piece by piece, and fails at the first byte with which the text can no longer become valid.
///
/// ```
/// use dunlin_websocket::Utf8;
/// let mut utf8 = Utf8::new();
/// let [a, b, c] = "€".as_bytes() else { unreachable!() };
/// assert!(utf8.push(&[*a, *b]).is_ok());
/// assert!(utf8.clone().finish().is_err(), "ends inside a character");
/// assert!(utf8.push(&[*c]).is_ok());
/// assert!(utf8.finish().is_ok());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Utf8 {
    /// How many bytes of a character are still to come.
    missing: u8,
    /// The range of the next one; only the second byte of a character has another than 80..=BF (Unicode, table 3-7).
    low: u8,
    high: u8,
}

impl Utf8 {
    /// At the start of a text.
    #[must_use]
    pub fn new() -> Utf8 {
        Utf8::default()
    }

    /// Takes the next piece of the text, which may end inside a character.
    ///
    /// # Errors
    ///
    /// [`InvalidUtf8`] if no continuation could make the text valid. The validator is of no further use then.
    #[inline]
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<(), InvalidUtf8> {
        while self.missing > 0 {
            let Some((&byte, rest)) = bytes.split_first() else { return Ok(()) };
            if !(self.low..=self.high).contains(&byte) {
                return Err(InvalidUtf8);
            }
            (self.missing, self.low, self.high) = (self.missing - 1, 0x80, 0xbf);
            bytes = rest;
        }
        match core::str::from_utf8(bytes) {
            Ok(_) => Ok(()),
            Err(error) if error.error_len().is_some() => Err(InvalidUtf8),
            Err(error) => {
                self.start_character(&bytes[error.valid_up_to()..]);
                Ok(())
            }
        }
    }

    /// Ends the text.
    ///
    /// # Errors
    ///
    /// [`InvalidUtf8`] if the text ends inside a character.
    #[inline]
    pub fn finish(self) -> Result<(), InvalidUtf8> {
        if self.missing == 0 { Ok(()) } else { Err(InvalidUtf8) }
    }

    /// Remembers a character of which only `bytes` are there, 1 to 3, known to be the start of a valid one.
    #[cold]
    fn start_character(&mut self, bytes: &[u8]) {
        let Some(&lead) = bytes.first() else { return };
        let len = match lead {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            _ => 4,
        };
        self.missing = len - bytes.len() as u8;
        (self.low, self.high) = match (lead, bytes.len()) {
            (0xe0, 1) => (0xa0, 0xbf),
            (0xed, 1) => (0x80, 0x9f),
            (0xf0, 1) => (0x90, 0xbf),
            (0xf4, 1) => (0x80, 0x8f),
            _ => (0x80, 0xbf),
        };
    }
}
