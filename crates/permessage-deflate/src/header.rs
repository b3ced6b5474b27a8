//! The header of a dynamic block: the lengths of its codes, themselves in a code (RFC 1951 §3.2.7).

use crate::bit_writer::BitWriter;
use crate::huffman::{Builder, CodeBook};
use crate::symbols::{DISTANCES, LITERALS};

/// Symbols of the code for code lengths: 0 to 15 are lengths, the others repeat.
pub(crate) const LENS: usize = 19;
const LEN_CODE_MAX: usize = 7;
pub(crate) const REPEAT: u8 = 16;
const ZEROS: u8 = 17;
const MANY_ZEROS: u8 = 18;
/// The order in which the lengths of the code for code lengths come.
pub(crate) const ORDER: [u8; LENS] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// A symbol of the code for code lengths, and the bits behind it.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    symbol: u8,
    extra: u8,
}

/// A header that is ready to be written.
pub(crate) struct Header {
    runs: [Run; LITERALS + DISTANCES],
    run_count: usize,
    counts: [u16; LENS],
    book: CodeBook<LENS>,
    literals: usize,
    distances: usize,
    /// How many entries of `ORDER` are written: 4 at least.
    order_len: usize,
}

impl Header {
    pub(crate) fn new() -> Self {
        Self {
            runs: [Run::default(); LITERALS + DISTANCES],
            run_count: 0,
            counts: [0; LENS],
            book: CodeBook::new(),
            literals: 0,
            distances: 0,
            order_len: 0,
        }
    }

    /// Prepares the header for these codes. Returns how many bits it has.
    pub(crate) fn prepare(
        &mut self,
        literals: &CodeBook<LITERALS>,
        distances: &CodeBook<DISTANCES>,
        builder: &mut Builder,
    ) -> usize {
        self.literals = literals.len();
        self.distances = distances.len();
        self.run_count = 0;
        self.counts.fill(0);
        self.find_runs(literals, distances);
        if self.counts.iter().filter(|&&count| count > 0).count() < 2 {
            // One code alone is incomplete, and not every decoder takes that here.
            self.counts[0] += 1;
            self.counts[1] += 1;
        }
        self.book.build(&self.counts, LEN_CODE_MAX, builder);
        let is_used = |&symbol: &u8| self.counts[usize::from(symbol)] > 0;
        self.order_len = ORDER.iter().rposition(is_used).map_or(0, |last| last + 1).max(4);
        let runs_len: usize = self
            .book
            .symbols()
            .map(|symbol| {
                usize::from(self.counts[symbol])
                    * usize::from(self.book.codes[symbol].len + extra_len(symbol as u8))
            })
            .sum();
        5 + 5 + 4 + 3 * self.order_len + runs_len
    }

    /// How many code lengths of 0 could be added, for 3 bits each.
    pub(crate) fn spare(&self) -> usize {
        LENS - self.order_len
    }

    /// Writes what has been prepared, with `spare` code lengths more than needed.
    pub(crate) fn write<'a>(&self, spare: usize, mut writer: BitWriter<'a>) -> BitWriter<'a> {
        let order_len = self.order_len + spare;
        writer.put(self.literals as u64 - 257, 5);
        writer.put(self.distances as u64 - 1, 5);
        writer.put(order_len as u64 - 4, 4);
        writer.flush();
        for &symbol in &ORDER[..order_len] {
            let symbol = usize::from(symbol);
            let len = if self.counts[symbol] > 0 { self.book.codes[symbol].len } else { 0 };
            writer.put(u64::from(len), 3);
            writer.flush();
        }
        for run in &self.runs[..self.run_count] {
            let code = self.book.codes[usize::from(run.symbol)];
            writer.put(u64::from(code.bits), code.len);
            writer.put(u64::from(run.extra), extra_len(run.symbol));
            writer.flush();
        }
        writer
    }

    /// Runs may go from the literals over to the distances.
    fn find_runs(&mut self, literals: &CodeBook<LITERALS>, distances: &CodeBook<DISTANCES>) {
        let (first_distance, mut next) = (literals.len(), 0);
        let literals = literals.symbols().map(|symbol| (symbol, literals.codes[symbol].len));
        let distances =
            distances.symbols().map(|symbol| (first_distance + symbol, distances.codes[symbol].len));
        // The length that may be repeated, and how often.
        let (mut last, mut repeats) = (0, 0);
        for (at, len) in literals.chain(distances) {
            if at == next && len == last {
                repeats += 1;
            } else {
                self.add_repeats(last, repeats);
                self.add_zeros(at - next);
                self.add(len, 0);
                (last, repeats) = (len, 0);
            }
            next = at + 1;
        }
        self.add_repeats(last, repeats);
    }

    fn add_zeros(&mut self, mut count: usize) {
        while count >= 11 {
            let run = count.min(138);
            self.add(MANY_ZEROS, run - 11);
            count -= run;
        }
        if count >= 3 {
            self.add(ZEROS, count - 3);
            count = 0;
        }
        for _ in 0..count {
            self.add(0, 0);
        }
    }

    fn add_repeats(&mut self, len: u8, mut count: usize) {
        while count >= 3 {
            let run = count.min(6);
            self.add(REPEAT, run - 3);
            count -= run;
        }
        for _ in 0..count {
            self.add(len, 0);
        }
    }

    fn add(&mut self, symbol: u8, extra: usize) {
        self.runs[self.run_count] = Run { symbol, extra: extra as u8 };
        self.run_count += 1;
        self.counts[usize::from(symbol)] += 1;
    }
}

/// Bits that follow a symbol of the code for code lengths.
fn extra_len(symbol: u8) -> u8 {
    match symbol {
        REPEAT => 2,
        ZEROS => 3,
        MANY_ZEROS => 7,
        _ => 0,
    }
}
