//! The symbols of a block (RFC 1951 §3.2.3): a loop for where there is plenty of input and room, and single steps for the rest.

use super::bits::Bits;
use super::copy::{self, Match};
use super::history::History;
use super::table::{
    DISTANCE_BITS, DistanceTable, Entry, LITERAL_BITS, LiteralTable, distance_entry, literal_entry,
};
use super::{InvalidData, Stop};

/// The most bits that a match takes: codes of 15 bits, 5 bits more of the length and 13 of the distance.
const MATCH_BITS_MAX: u32 = 48;
const MATCH_LEN_MAX: usize = 258;
/// The most literals that one round of the loop decodes before a match.
const LITERALS_MAX: usize = 3;
/// Room for one round.
pub(crate) const ROUND_LEN_MAX: usize = LITERALS_MAX + MATCH_LEN_MAX + copy::ROOM;

/// The codes of a block.
#[derive(Clone, Copy)]
pub(crate) struct Codes<'a> {
    pub(crate) literals: &'a LiteralTable,
    pub(crate) distances: &'a DistanceTable,
}

/// What a step came to.
enum Step {
    Literal(u8),
    Match(Match),
    End,
}

impl Codes<'_> {
    /// Decodes up to the end of the block, or a reason to stop. `rest` is what did not fit of a match.
    pub(crate) fn decode(
        self,
        bits: &mut Bits<'_>,
        out: &mut [u8],
        at: &mut usize,
        history: &History,
        rest: &mut Match,
    ) -> Result<Option<Stop>, InvalidData> {
        copy_rest(rest, out, at, history)?;
        loop {
            if rest.len > 0 {
                return Ok(Some(Stop::OutputFull));
            }
            if out.len() - *at >= ROUND_LEN_MAX && self.run(bits, out, at, history)? {
                return Ok(None);
            }
            bits.refill();
            let before = *bits;
            match self.step(bits)? {
                Some(Step::Literal(literal)) => {
                    let Some(space) = out.get_mut(*at) else {
                        *bits = before;
                        return Ok(Some(Stop::OutputFull));
                    };
                    *space = literal;
                    *at += 1;
                }
                Some(Step::Match(found)) => {
                    *rest = found;
                    copy_rest(rest, out, at, history)?;
                }
                Some(Step::End) => return Ok(None),
                None => return Ok(Some(Stop::NeedsInput)),
            }
        }
    }

    /// Decodes as long as there are input and room for whatever may come. Says whether the block has ended.
    fn run(
        self,
        bits: &mut Bits<'_>,
        out: &mut [u8],
        at: &mut usize,
        history: &History,
    ) -> Result<bool, InvalidData> {
        // Copies, which can live in registers.
        let (mut ready, mut end) = (*bits, *at);
        let result = self.rounds(&mut ready, out, &mut end, history);
        (*bits, *at) = (ready, end);
        result
    }

    #[inline(always)]
    fn rounds(
        self,
        bits: &mut Bits<'_>,
        out: &mut [u8],
        at: &mut usize,
        history: &History,
    ) -> Result<bool, InvalidData> {
        while out.len() - *at >= ROUND_LEN_MAX {
            bits.refill();
            if bits.count() < MATCH_BITS_MAX {
                break;
            }
            let mut entry = literal_entry(self.literals, bits.peek());
            let mut literals = 0;
            // Three codes of the first level and one more of 15 bits are 45.
            while entry.is_literal() && literals < LITERALS_MAX {
                out[*at] = entry.literal();
                *at += 1;
                bits.skip(entry.bits());
                entry = literal_entry(self.literals, bits.peek());
                literals += 1;
            }
            if entry.is_literal() {
                continue;
            }
            if bits.count() < MATCH_BITS_MAX {
                bits.refill();
                if bits.count() < MATCH_BITS_MAX {
                    break;
                }
            }
            if entry.is_further() {
                bits.skip(LITERAL_BITS);
                entry = entry.follow(self.literals, bits.peek());
                if entry.is_literal() {
                    out[*at] = entry.literal();
                    *at += 1;
                    bits.skip(entry.bits());
                    continue;
                }
            }
            if !entry.is_value() {
                bits.skip(entry.bits());
                return if entry.is_end() { Ok(true) } else { Err(InvalidData) };
            }
            let len = entry.value(bits.peek());
            bits.skip(entry.bits());
            let mut entry = distance_entry(self.distances, bits.peek());
            if !entry.is_value() {
                if !entry.is_further() {
                    return Err(InvalidData);
                }
                bits.skip(DISTANCE_BITS);
                entry = entry.follow(self.distances, bits.peek());
                if !entry.is_value() {
                    return Err(InvalidData);
                }
            }
            let distance = entry.value(bits.peek());
            bits.skip(entry.bits());
            copy::copy_with_room(out, *at, Match { len, distance }, history)?;
            *at += len;
        }
        Ok(false)
    }

    /// Decodes one literal, match or end. As long as not all bits of it are there, it takes none.
    fn step(self, bits: &mut Bits<'_>) -> Result<Option<Step>, InvalidData> {
        let mut ahead = *bits;
        let literal = literal_entry(self.literals, ahead.peek());
        let Some(entry) = follow(literal, self.literals, LITERAL_BITS, &mut ahead) else { return Ok(None) };
        let step = if entry.is_literal() {
            ahead.skip(entry.bits());
            Step::Literal(entry.literal())
        } else if entry.is_end() {
            ahead.skip(entry.bits());
            Step::End
        } else if entry.is_value() {
            let len = entry.value(ahead.peek());
            ahead.skip(entry.bits());
            let distance = distance_entry(self.distances, ahead.peek());
            let Some(entry) = follow(distance, self.distances, DISTANCE_BITS, &mut ahead) else {
                return Ok(None);
            };
            if !entry.is_value() {
                return Err(InvalidData);
            }
            let distance = entry.value(ahead.peek());
            ahead.skip(entry.bits());
            Step::Match(Match { len, distance })
        } else {
            return Err(InvalidData);
        };
        *bits = ahead;
        Ok(Some(step))
    }
}

/// The entry of the further table if there is one, provided that all its bits are there.
fn follow(entry: Entry, table: &[u32], first_bits: u32, bits: &mut Bits<'_>) -> Option<Entry> {
    let mut entry = entry;
    if entry.is_further() {
        if bits.count() <= first_bits {
            return None;
        }
        bits.skip(first_bits);
        entry = entry.follow(table, bits.peek());
    }
    (entry.bits() <= bits.count()).then_some(entry)
}

/// Copies of a match what fits.
fn copy_rest(rest: &mut Match, out: &mut [u8], at: &mut usize, history: &History) -> Result<(), InvalidData> {
    if rest.len == 0 {
        return Ok(());
    }
    let len = rest.len.min(out.len() - *at);
    copy::copy_exactly(out, *at, Match { len, distance: rest.distance }, history)?;
    *at += len;
    rest.len -= len;
    Ok(())
}
