//! The header of a dynamic block: the lengths of its codes, themselves in a code (RFC 1951 §3.2.7).

use crate::bit_writer::BitWriter;
use crate::huffman::Builder;
use crate::symbols::{Code, DISTANCES, LITERALS};

/// Symbols of the code for code lengths: 0 to 15 are lengths, the others repeat.
const LENS: usize = 19;
const LEN_CODE_MAX: usize = 7;
const REPEAT: u8 = 16;
const ZEROS: u8 = 17;
const MANY_ZEROS: u8 = 18;
/// The order in which the lengths of the code for code lengths come.
const ORDER: [u8; LENS] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

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
    codes: [Code; LENS],
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
            codes: [Code::default(); LENS],
            literals: 0,
            distances: 0,
            order_len: 0,
        }
    }

    /// Prepares the header for these codes. Returns how many bits it has.
    pub(crate) fn prepare(&mut self, literals: &[Code], distances: &[Code], builder: &mut Builder) -> usize {
        self.literals = used(literals).max(257);
        self.distances = used(distances).max(1);
        self.run_count = 0;
        self.counts.fill(0);
        self.find_runs(&literals[..self.literals], &distances[..self.distances]);
        if self.counts.iter().filter(|&&count| count > 0).count() < 2 {
            // One code alone is incomplete, and not every decoder takes that here.
            self.counts[0] += 1;
            self.counts[1] += 1;
        }
        builder.build(&self.counts, LEN_CODE_MAX, &mut self.codes);
        let is_used = |&symbol: &u8| self.codes[usize::from(symbol)].len > 0;
        self.order_len = ORDER.iter().rposition(is_used).map_or(0, |last| last + 1).max(4);
        let runs = self.runs[..self.run_count].iter();
        let runs_len: usize = runs
            .map(|run| usize::from(self.codes[usize::from(run.symbol)].len + extra_len(run.symbol)))
            .sum();
        5 + 5 + 4 + 3 * self.order_len + runs_len
    }

    /// How many code lengths of 0 could be added, for 3 bits each.
    pub(crate) fn spare(&self) -> usize {
        LENS - self.order_len
    }

    /// Writes what has been prepared, with `spare` code lengths more than needed.
    pub(crate) fn write(&self, spare: usize, writer: &mut BitWriter<'_>) {
        let order_len = self.order_len + spare;
        writer.put(self.literals as u64 - 257, 5);
        writer.put(self.distances as u64 - 1, 5);
        writer.put(order_len as u64 - 4, 4);
        writer.flush();
        for &symbol in &ORDER[..order_len] {
            writer.put(u64::from(self.codes[usize::from(symbol)].len), 3);
            writer.flush();
        }
        for run in &self.runs[..self.run_count] {
            let code = self.codes[usize::from(run.symbol)];
            writer.put(u64::from(code.bits), code.len);
            writer.put(u64::from(run.extra), extra_len(run.symbol));
            writer.flush();
        }
    }

    /// Runs may go from the literals over to the distances.
    fn find_runs(&mut self, literals: &[Code], distances: &[Code]) {
        let mut lens = literals.iter().chain(distances).map(|code| code.len).peekable();
        while let Some(len) = lens.next() {
            let mut count = 1;
            while lens.next_if_eq(&len).is_some() {
                count += 1;
            }
            if len == 0 {
                self.add_zeros(count);
            } else {
                self.add(len, 0);
                self.add_repeats(len, count - 1);
            }
        }
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

fn used(codes: &[Code]) -> usize {
    codes.iter().rposition(|code| code.len > 0).map_or(0, |last| last + 1)
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
