//! Where a message repeats itself: LZ77, lazy by a byte, over a table of hashed positions.
//!
//! The table holds positions as `u16` and is never cleared for a message. Positions go on from message to message, and an
//! entry below the position of the message's first byte is of an earlier message:
//!
//! ```text
//!   position: 0 (no entry) .. | earlier messages | this message | free .. 65535
//!                               0 < entry < floor  floor      next
//! ```
//! Only when the positions are used up, once in 64 KiB of input, the table is cleared (between messages) or slid by half
//! (within one). What a message compresses to never depends on the messages before it.

use alloc::boxed::Box;

use crate::symbols::{MATCH_LEN_MAX, MATCH_LEN_MIN};

/// Base-2 logarithm of the number of slots.
const TABLE_BITS: u32 = 13;
/// The most bytes of a block that begin a literal or match; the last match may go over it.
pub(crate) const BLOCK_LEN_MAX: usize = POSITIONS / 2 - MATCH_LEN_MAX;
/// The most matches of a block.
const SEQUENCES_MAX: usize = 3072;
const POSITIONS: usize = 1 << 16;
/// A match of so many bytes is taken without a look at the next byte.
const LAZY_LEN: usize = 16;
/// After so many bytes without a match (as base-2 logarithm), every second position is looked at, and so on.
const SKIP_BITS: usize = 6;

/// Literals, and a match behind them. The last one of a block has none: its length is 0.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sequence {
    pub(crate) literals: u16,
    pub(crate) length: u16,
    pub(crate) distance: u16,
}

#[derive(Clone, Copy, Debug)]
struct Match {
    length: usize,
    distance: usize,
}

/// Finds the matches of one message after the other.
pub(crate) struct Matcher {
    table: Box<[u16; 1 << TABLE_BITS]>,
    sequences: Box<[Sequence; SEQUENCES_MAX]>,
    /// The position of the next block's first byte.
    next: usize,
    /// The lowest position of this message: at least 1.
    floor: usize,
    window: usize,
}

impl Matcher {
    /// `window` is the largest distance.
    pub(crate) fn new(window: usize) -> Self {
        Self {
            table: Box::new([0; 1 << TABLE_BITS]),
            sequences: Box::new([Sequence::default(); SEQUENCES_MAX]),
            next: 1,
            floor: 1,
            window,
        }
    }

    /// Matches of blocks from now on reach back to here at most. The message has `len` bytes.
    pub(crate) fn begin_message(&mut self, len: usize) {
        if self.next + len.min(BLOCK_LEN_MAX + MATCH_LEN_MAX) > POSITIONS {
            self.table.fill(0);
            self.next = 1;
        }
        self.floor = self.next;
    }

    /// Cuts the next block off `message`, which goes on at `start`: its length and its sequences.
    pub(crate) fn next_block(&mut self, message: &[u8], start: usize) -> (usize, &[Sequence]) {
        let len = (message.len() - start).min(BLOCK_LEN_MAX);
        if self.next + (message.len() - start).min(BLOCK_LEN_MAX + MATCH_LEN_MAX) > POSITIONS {
            self.slide();
        }
        // Position of an index into the message, both modulo 2^64.
        let bias = self.next.wrapping_sub(start);
        let (mut at, mut anchor, mut count) = (start, start, 0);
        let end = start + len;
        while at < end && count < SEQUENCES_MAX - 1 {
            let Some(mut found) = self.longest(message, at, bias) else {
                at += 1 + ((at - anchor) >> SKIP_BITS);
                continue;
            };
            // A longer match one byte later is worth a literal.
            while found.length < LAZY_LEN && at + 1 < end {
                match self.longest(message, at + 1, bias) {
                    Some(later) if later.length > found.length => {
                        found = later;
                        at += 1;
                    }
                    _ => break,
                }
            }
            let Match { length, distance } = found;
            self.sequences[count] =
                Sequence { literals: (at - anchor) as u16, length: length as u16, distance: distance as u16 };
            count += 1;
            anchor = at + length;
            for inside in at + 1..anchor {
                let Some(word) = word(message, inside) else { break };
                self.table[hash(word)] = inside.wrapping_add(bias) as u16;
            }
            at = anchor;
        }
        let block_end = if count == SEQUENCES_MAX - 1 { anchor } else { end.max(anchor) };
        self.sequences[count] = Sequence { literals: (block_end - anchor) as u16, ..Sequence::default() };
        self.next += block_end - start;
        (block_end - start, &self.sequences[..=count])
    }

    /// The match of the bytes at `at` with the last ones like them, if there is one, and takes their place in the table.
    #[inline]
    fn longest(&mut self, message: &[u8], at: usize, bias: usize) -> Option<Match> {
        let word = word(message, at)?;
        let slot = &mut self.table[hash(word)];
        let position = at.wrapping_add(bias);
        let entry = usize::from(*slot);
        *slot = position as u16;
        debug_assert!(entry < position, "no position is looked at twice");
        let distance = position - entry;
        if entry < self.floor || distance > self.window || self::word(message, at - distance) != Some(word) {
            return None;
        }
        let rest = &message[at + MATCH_LEN_MIN..message.len().min(at + MATCH_LEN_MAX)];
        let length = MATCH_LEN_MIN + common_len(rest, &message[at - distance + MATCH_LEN_MIN..]);
        Some(Match { length, distance })
    }

    /// Makes room for a block behind the window.
    fn slide(&mut self) {
        let by = self.next - POSITIONS / 2;
        for entry in self.table.iter_mut() {
            *entry = entry.saturating_sub(by as u16);
        }
        self.next -= by;
        self.floor = self.floor.saturating_sub(by).max(1);
    }
}

fn word(message: &[u8], at: usize) -> Option<u32> {
    message.get(at..)?.first_chunk().copied().map(u32::from_le_bytes)
}

fn hash(word: u32) -> usize {
    (word.wrapping_mul(0x9e37_79b1) >> (32 - TABLE_BITS)) as usize
}

/// How many bytes from the first on are the same in both; `one` is not the longer one.
fn common_len(one: &[u8], other: &[u8]) -> usize {
    let (words, _) = one.as_chunks::<8>();
    let (others, _) = other.as_chunks::<8>();
    let mut len = 0;
    for (a, b) in words.iter().zip(others) {
        let differ = u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b);
        if differ != 0 {
            return len + (differ.trailing_zeros() / 8) as usize;
        }
        len += 8;
    }
    len + one[len..].iter().zip(&other[len..]).take_while(|(a, b)| a == b).count()
}
