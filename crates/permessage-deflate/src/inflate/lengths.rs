//! The code lengths of a dynamic block, themselves in a code (RFC 1951 §3.2.7).

use super::InvalidData;
use super::bits::Bits;
use super::table::{
    self, CODE_LEN_MAX, Counts, DISTANCE_BITS, DISTANCE_SYMBOLS, DistanceTable, Entry, LITERAL_BITS,
    LITERAL_SYMBOLS, LiteralTable, META_BITS, META_SYMBOLS, MetaTable, meta_entry,
};
use crate::header::{LENS, ORDER, REPEAT};
use crate::symbols::{DISTANCES, END_OF_BLOCK, LITERALS};

/// Zeros are most of the code lengths, so only the other ones are kept.
pub(crate) struct CodeLengths {
    place: Place,
    literal_count: u16,
    /// Literals and distances.
    total: u16,
    done: Done,
    meta: MetaTable,
    meta_lens: [u8; LENS],
    used: [Used; LITERALS + DISTANCES],
    /// Of literals, and of distances.
    counts: [Counts; 2],
}

/// How far the lengths are known.
#[derive(Clone, Copy, Debug, Default)]
struct Done {
    /// The symbol whose length comes next; distances are behind the literals.
    next: u16,
    /// What may be repeated.
    last: u8,
    /// How many lengths are not zero.
    used_count: u16,
}

/// A symbol, and the length of its code in the lowest four bits.
#[derive(Clone, Copy, Debug, Default)]
struct Used(u16);

impl Used {
    #[inline(always)]
    fn new(symbol: u16, len: u8) -> Self {
        Self(symbol << 4 | u16::from(len))
    }

    fn symbol(self) -> u16 {
        self.0 >> 4
    }

    fn len(self) -> usize {
        usize::from(self.0 & 15)
    }
}

/// Of the symbols that repeat a length: how often at least, and how many bits say how much more.
const REPEATS: [(u16, u32); 3] = [(3, 2), (3, 3), (11, 7)];
const META_EXTRA_MAX: u32 = 7;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// HLIT, HDIST and HCLEN.
    Sizes,
    /// The lengths of the code for code lengths: the next one of so many.
    Meta {
        next: u8,
        count: u8,
    },
    Lengths,
}

impl CodeLengths {
    pub(crate) fn new() -> Self {
        Self {
            place: Place::Sizes,
            literal_count: 0,
            total: 0,
            done: Done::default(),
            meta: [0; 1 << META_BITS],
            meta_lens: [0; LENS],
            used: [Used::default(); LITERALS + DISTANCES],
            counts: [[0; CODE_LEN_MAX + 1]; 2],
        }
    }

    /// Begins a block.
    pub(crate) fn start(&mut self) {
        self.place = Place::Sizes;
        self.done = Done::default();
        self.meta_lens = [0; LENS];
        self.counts = [[0; CODE_LEN_MAX + 1]; 2];
    }

    /// Says whether all lengths are there; else there is no more input.
    pub(crate) fn read(&mut self, bits: &mut Bits<'_>) -> Result<bool, InvalidData> {
        loop {
            match self.place {
                Place::Sizes => {
                    let Some(sizes) = bits.take(14) else { return Ok(false) };
                    self.literal_count = 257 + (sizes & 31) as u16;
                    let distance_count = 1 + (sizes >> 5 & 31) as u16;
                    if usize::from(self.literal_count) > LITERALS || usize::from(distance_count) > DISTANCES {
                        return Err(InvalidData);
                    }
                    self.total = self.literal_count + distance_count;
                    self.place = Place::Meta { next: 0, count: 4 + (sizes >> 10) as u8 };
                }
                Place::Meta { next, count } if next < count => {
                    let Some(len) = bits.take(3) else { return Ok(false) };
                    self.meta_lens[usize::from(ORDER[usize::from(next)])] = len as u8;
                    self.place = Place::Meta { next: next + 1, count };
                }
                Place::Meta { .. } => {
                    self.build_meta()?;
                    self.place = Place::Lengths;
                }
                Place::Lengths => return self.read_lengths(bits),
            }
        }
    }

    /// Builds the tables of the block.
    pub(crate) fn build(
        &self,
        literals: &mut LiteralTable,
        distances: &mut DistanceTable,
    ) -> Result<(), InvalidData> {
        let used = &self.used[..usize::from(self.done.used_count)];
        let [literal_counts, distance_counts] = &self.counts;
        let literal_count = usize::from(literal_counts.iter().sum::<u16>());
        let (used_literals, used_distances) = used.split_at(literal_count);
        let end = used_literals.iter().rev().find(|used| usize::from(used.symbol()) <= END_OF_BLOCK);
        if end.is_none_or(|used| usize::from(used.symbol()) < END_OF_BLOCK) {
            return Err(InvalidData);
        }
        let mut symbols = [0; LITERALS];
        sort(used_literals, 0, literal_counts, &mut symbols);
        let symbols_used = &symbols[..used_literals.len()];
        table::build(literals, LITERAL_BITS, literal_counts, symbols_used, &LITERAL_SYMBOLS)?;
        sort(used_distances, self.literal_count, distance_counts, &mut symbols);
        let symbols_used = &symbols[..used_distances.len()];
        table::build(distances, DISTANCE_BITS, distance_counts, symbols_used, &DISTANCE_SYMBOLS)
    }

    fn build_meta(&mut self) -> Result<(), InvalidData> {
        let mut counts = [0; CODE_LEN_MAX + 1];
        let mut used = [Used::default(); LENS];
        let mut used_count = 0;
        for (symbol, &len) in self.meta_lens.iter().enumerate() {
            if len > 0 {
                used[used_count] = Used::new(symbol as u16, len);
                used_count += 1;
                counts[usize::from(len)] += 1;
            }
        }
        let mut symbols = [0; LENS];
        sort(&used[..used_count], 0, &counts, &mut symbols);
        // Less than two codes are incomplete, and make no sense here: zlib refuses one, and the length 0 without end that
        // it reads where there are none.
        if used_count < 2 {
            return Err(InvalidData);
        }
        table::build(&mut self.meta, META_BITS, &counts, &symbols[..used_count], &META_SYMBOLS)
    }

    fn read_lengths(&mut self, bits: &mut Bits<'_>) -> Result<bool, InvalidData> {
        // Copies, which can live in registers.
        let (mut ready, mut done) = (*bits, self.done);
        let mut is_short = false;
        while done.next < self.total {
            ready.refill();
            let entry = meta_entry(&self.meta, ready.peek());
            let symbol = entry.value(0) as u8;
            if ready.count() < entry.bits() + META_EXTRA_MAX && !has_all(ready, entry) {
                is_short = true;
                break;
            }
            ready.skip(entry.bits());
            if symbol < REPEAT {
                self.push(&mut done, symbol, 1);
                continue;
            }
            let (times_min, extra_len) = REPEATS[usize::from(symbol - REPEAT)];
            let times = times_min + (ready.peek() & ((1 << extra_len) - 1)) as u16;
            ready.skip(extra_len);
            if times > self.total - done.next || symbol == REPEAT && done.next == 0 {
                return Err(InvalidData);
            }
            let len = if symbol == REPEAT { done.last } else { 0 };
            self.push(&mut done, len, times);
        }
        (*bits, self.done) = (ready, done);
        Ok(!is_short)
    }

    /// So many symbols have this length.
    #[inline(always)]
    fn push(&mut self, done: &mut Done, len: u8, times: u16) {
        let end = done.next + times;
        done.last = len;
        if len > 0 {
            for symbol in done.next..end {
                self.used[usize::from(done.used_count)] = Used::new(symbol, len);
                done.used_count += 1;
                self.counts[usize::from(symbol >= self.literal_count)][usize::from(len)] += 1;
            }
        }
        done.next = end;
    }
}

/// Whether a symbol and its extra bits are ready.
fn has_all(bits: Bits<'_>, entry: Entry) -> bool {
    let symbol = entry.value(0) as u8;
    let extra_len = symbol.checked_sub(REPEAT).map_or(0, |repeat| REPEATS[usize::from(repeat)].1);
    entry.bits() + extra_len <= bits.count()
}

/// The symbols of `used`, whose numbers begin with `first`, in the order of their codes: by length, then by number.
fn sort(used: &[Used], first: u16, counts: &Counts, symbols: &mut [u16]) {
    let mut starts = [0; CODE_LEN_MAX + 1];
    for len in 1..CODE_LEN_MAX {
        starts[len + 1] = starts[len] + counts[len];
    }
    for used in used {
        let start = &mut starts[used.len()];
        symbols[usize::from(*start)] = used.symbol() - first;
        *start += 1;
    }
}
