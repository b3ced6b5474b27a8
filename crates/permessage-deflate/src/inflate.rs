//! Inflates DEFLATE blocks (RFC 1951), with any cut of the input and of the output.
//!
//! ```text
//!   history:  the window before `out`    out:  [ inflated in this call | free ]
//!                                              0                       at
//! ```
//! Output goes straight into the caller's buffer, so a message that one call takes in and gives out costs no copy of it.

mod bits;
mod block;
mod copy;
mod history;
mod lengths;
mod table;

use alloc::boxed::Box;

pub(crate) use bits::{Bits, Kept};
pub(crate) use history::History;

use block::Codes;
pub(crate) use block::ROUND_LEN_MAX;
use copy::Match;
use lengths::CodeLengths;
use table::{DistanceTable, FIXED_DISTANCES, FIXED_LITERALS, LiteralTable};

/// The data is no DEFLATE stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InvalidData;

/// Why the inflater stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// All input is taken in, and all that it says is written.
    NeedsInput,
    /// There is no room for what comes next.
    OutputFull,
}

/// Where in a block the next bits are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before the three bits of a block (§3.2.3).
    Head,
    /// Before the length of a stored block (§3.2.4).
    StoredLen,
    /// Before so many stored bytes.
    Stored(u16),
    /// In the code lengths of a dynamic block (§3.2.7).
    CodeLengths,
    /// In the symbols of a block with the fixed code (§3.2.6), or with its own.
    Fixed,
    Dynamic,
}

/// The state of a stream.
pub(crate) struct Inflate {
    place: Place,
    is_final: bool,
    /// What did not fit of a match.
    rest: Match,
    dynamic: Box<Dynamic>,
}

/// The codes of a dynamic block.
struct Dynamic {
    lengths: CodeLengths,
    literals: LiteralTable,
    distances: DistanceTable,
}

impl Inflate {
    pub(crate) fn new() -> Self {
        let (literals, distances) = ([0; FIXED_LITERALS.len()], [0; FIXED_DISTANCES.len()]);
        let dynamic = Box::new(Dynamic { lengths: CodeLengths::new(), literals, distances });
        Self { place: Place::Head, is_final: false, rest: Match::default(), dynamic }
    }

    /// Begins a stream. Tables stay as they are: no block is decoded with the codes of another.
    pub(crate) fn reset(&mut self) {
        self.place = Place::Head;
        self.rest = Match::default();
    }

    /// Whether a block may begin here.
    pub(crate) fn is_between_blocks(&self) -> bool {
        self.place == Place::Head
    }

    /// Inflates from `bits` to `out` from `at` on. Behind a final block the next one begins with the next byte
    /// (RFC 7692 §7.2.1). What is in `out` behind `at` may change.
    pub(crate) fn run(
        &mut self,
        bits: &mut Bits<'_>,
        out: &mut [u8],
        at: &mut usize,
        history: &History,
    ) -> Result<Stop, InvalidData> {
        loop {
            let stop = match self.place {
                Place::Head => self.head(bits)?,
                Place::StoredLen => self.stored_len(bits)?,
                Place::Stored(len) => self.stored(len, bits, out, at),
                Place::CodeLengths => self.code_lengths(bits)?,
                Place::Fixed | Place::Dynamic => self.symbols(bits, out, at, history)?,
            };
            if let Some(stop) = stop {
                return Ok(stop);
            }
        }
    }

    fn head(&mut self, bits: &mut Bits<'_>) -> Result<Option<Stop>, InvalidData> {
        let Some(head) = bits.take(3) else { return Ok(Some(Stop::NeedsInput)) };
        self.is_final = head & 1 == 1;
        self.place = match head >> 1 {
            0 => Place::StoredLen,
            1 => Place::Fixed,
            2 => {
                self.dynamic.lengths.start();
                Place::CodeLengths
            }
            _ => return Err(InvalidData),
        };
        Ok(None)
    }

    fn stored_len(&mut self, bits: &mut Bits<'_>) -> Result<Option<Stop>, InvalidData> {
        bits.align();
        let Some(lens) = bits.take(32) else { return Ok(Some(Stop::NeedsInput)) };
        let len = lens as u16;
        if len != !((lens >> 16) as u16) {
            return Err(InvalidData);
        }
        self.place = Place::Stored(len);
        Ok(None)
    }

    fn stored(&mut self, len: u16, bits: &mut Bits<'_>, out: &mut [u8], at: &mut usize) -> Option<Stop> {
        let room = (out.len() - *at).min(usize::from(len));
        let copied = bits.copy_bytes(&mut out[*at..*at + room]);
        *at += copied;
        let len = len - copied as u16; // at most `len`
        if len == 0 {
            self.end_block(bits);
            return None;
        }
        self.place = Place::Stored(len);
        Some(if copied == room { Stop::OutputFull } else { Stop::NeedsInput })
    }

    fn code_lengths(&mut self, bits: &mut Bits<'_>) -> Result<Option<Stop>, InvalidData> {
        let Dynamic { lengths, literals, distances } = &mut *self.dynamic;
        if !lengths.read(bits)? {
            return Ok(Some(Stop::NeedsInput));
        }
        lengths.build(literals, distances)?;
        self.place = Place::Dynamic;
        Ok(None)
    }

    fn symbols(
        &mut self,
        bits: &mut Bits<'_>,
        out: &mut [u8],
        at: &mut usize,
        history: &History,
    ) -> Result<Option<Stop>, InvalidData> {
        let codes = if self.place == Place::Fixed {
            Codes { literals: &FIXED_LITERALS, distances: &FIXED_DISTANCES }
        } else {
            Codes { literals: &self.dynamic.literals, distances: &self.dynamic.distances }
        };
        let stop = codes.decode(bits, out, at, history, &mut self.rest)?;
        if stop.is_none() {
            self.end_block(bits);
        }
        Ok(stop)
    }

    fn end_block(&mut self, bits: &mut Bits<'_>) {
        self.place = Place::Head;
        if self.is_final {
            bits.align();
        }
    }
}
