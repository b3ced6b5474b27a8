//! Huffman codes of limited length (RFC 1951 §3.2.2).

use crate::symbols::{Code, LITERALS};

/// The longest code of literals and of distances (RFC 1951 §3.2.7).
pub(crate) const CODE_LEN_MAX: usize = 15;
/// Below this count, symbols are sorted by counting them once more.
const SMALL_COUNTS: usize = 256;

/// So many counts are looked at together.
const GROUP: usize = 8;

/// A code for the symbols that occur; the codes of all others mean nothing.
pub(crate) struct CodeBook<const N: usize> {
    pub(crate) codes: [Code; N],
    /// The symbols that have a code, in rising order.
    symbols: [u16; N],
    symbol_count: usize,
}

impl<const N: usize> CodeBook<N> {
    pub(crate) const fn new() -> Self {
        Self { codes: [Code { bits: 0, len: 0 }; N], symbols: [0; N], symbol_count: 0 }
    }

    /// The symbols that have a code, in rising order. There is at least one.
    pub(crate) fn symbols(&self) -> impl DoubleEndedIterator<Item = usize> {
        self.symbols[..self.symbol_count].iter().map(|&symbol| usize::from(symbol))
    }

    /// How many symbols there are up to the last one that has a code.
    pub(crate) fn len(&self) -> usize {
        self.symbols().next_back().map_or(0, |last| last + 1)
    }

    /// Makes the best code of at most `len_max` bits for symbols that occur `counts` times.
    ///
    /// Where just one symbol occurs, or none, one gets a code of one bit: the only incomplete code that all decoders take,
    /// if it is not for code lengths.
    pub(crate) fn build(&mut self, counts: &[u16; N], len_max: usize, builder: &mut Builder) {
        let largest = self.collect(counts);
        if self.symbol_count < 2 {
            let symbol = if self.symbol_count == 0 { 0 } else { self.symbols[0] };
            self.symbols[0] = symbol;
            self.symbol_count = 1;
            self.codes[usize::from(symbol)] = Code { bits: 0, len: 1 };
            return;
        }
        let symbols = &self.symbols[..self.symbol_count];
        builder.sort(counts, symbols, usize::from(largest));
        let lens = builder.lens(counts, symbols.len(), len_max);
        // The rarest symbols get the longest codes.
        let mut rest = &builder.sorted[..symbols.len()];
        for len in (1..=len_max).rev() {
            let (these, shorter) = rest.split_at(usize::from(lens[len]));
            for &symbol in these {
                self.codes[usize::from(symbol)].len = len as u8;
            }
            rest = shorter;
        }
        // RFC 1951 §3.2.2.
        let mut next = [0u16; CODE_LEN_MAX + 1];
        for len in 1..CODE_LEN_MAX {
            next[len + 1] = (next[len] + lens[len]) << 1;
        }
        for &symbol in symbols {
            let code = &mut self.codes[usize::from(symbol)];
            let bits = &mut next[usize::from(code.len)];
            code.bits = reversed(*bits) >> (16 - code.len);
            *bits = bits.wrapping_add(1);
        }
    }

    /// Lists the symbols that occur. Returns the largest count.
    fn collect(&mut self, counts: &[u16; N]) -> u16 {
        self.symbol_count = 0;
        let mut largest = 0;
        for (group, first) in counts.chunks(GROUP).zip((0..).step_by(GROUP)) {
            // Of 286 symbols most messages have less than 100.
            if group == [0; GROUP] {
                continue;
            }
            for (&count, symbol) in group.iter().zip(first..) {
                self.symbols[self.symbol_count] = symbol;
                self.symbol_count += usize::from(count != 0);
                largest = largest.max(count);
            }
        }
        largest
    }
}

/// As `u16::reverse_bits`, which takes several times as long without an instruction of its own.
fn reversed(bits: u16) -> u16 {
    let [low, high] = bits.to_le_bytes();
    u16::from_le_bytes([REVERSED[usize::from(high)], REVERSED[usize::from(low)]])
}

const REVERSED: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).reverse_bits();
        byte += 1;
    }
    table
};

/// Space to build codes in.
pub(crate) struct Builder {
    /// The symbols that occur, the rarest first.
    sorted: [u16; LITERALS],
    /// Their counts, then the parents, then the depths of the tree's nodes.
    tree: [u16; LITERALS],
    starts: [u16; SMALL_COUNTS + 1],
}

impl Builder {
    pub(crate) const fn new() -> Self {
        Self { sorted: [0; LITERALS], tree: [0; LITERALS], starts: [0; SMALL_COUNTS + 1] }
    }

    fn sort(&mut self, counts: &[u16], symbols: &[u16], largest: usize) {
        let sorted = &mut self.sorted[..symbols.len()];
        if largest >= SMALL_COUNTS {
            sorted.copy_from_slice(symbols);
            sorted.sort_unstable_by_key(|&symbol| (counts[usize::from(symbol)], symbol));
            return;
        }
        // Where the symbols of each count begin.
        let starts = &mut self.starts[..largest + 2];
        starts.fill(0);
        for &symbol in symbols {
            starts[usize::from(counts[usize::from(symbol)]) + 1] += 1;
        }
        let mut sum = 0;
        for start in starts.iter_mut() {
            sum += *start;
            *start = sum;
        }
        for &symbol in symbols {
            let start = &mut starts[usize::from(counts[usize::from(symbol)])];
            sorted[usize::from(*start)] = symbol;
            *start += 1;
        }
    }

    /// How many codes there are of each length.
    fn lens(&mut self, counts: &[u16], symbol_count: usize, len_max: usize) -> [u16; CODE_LEN_MAX + 1] {
        let tree = &mut self.tree[..symbol_count];
        for (node, &symbol) in tree.iter_mut().zip(&self.sorted) {
            *node = counts[usize::from(symbol)];
        }
        depths(tree);
        limited(tree, len_max)
    }
}

/// From counts in rising order to the depths of a tree of least cost, in falling order (Moffat and Katajainen, "In-place
/// calculation of minimum-redundancy codes", 1995). The sum of the counts must fit.
fn depths(tree: &mut [u16]) {
    let n = tree.len();
    // Pairs the two least nodes: leaves from `leaf` on, inner nodes from `root` on. An inner node leaves its parent behind.
    let (mut root, mut leaf) = (0, 0);
    for next in 0..n - 1 {
        let mut sum = 0;
        for _ in 0..2 {
            if leaf >= n || (root < next && tree[root] < tree[leaf]) {
                sum += tree[root];
                tree[root] = next as u16;
                root += 1;
            } else {
                sum += tree[leaf];
                leaf += 1;
            }
        }
        tree[next] = sum;
    }
    // Depths of the inner nodes, from the root down.
    tree[n - 2] = 0;
    for node in (0..n - 2).rev() {
        tree[node] = tree[usize::from(tree[node])] + 1;
    }
    // Depths of the leaves: what room the inner nodes leave on each level.
    let (mut available, mut depth) = (1, 0);
    let (mut inner, mut next) = (n - 1, n);
    while available > 0 {
        let mut nodes = 0;
        while inner > 0 && tree[inner - 1] == depth {
            nodes += 1;
            inner -= 1;
        }
        for _ in nodes..available {
            next -= 1;
            tree[next] = depth;
        }
        available = 2 * nodes;
        depth += 1;
    }
}

/// How many codes there are of each length, none longer than `len_max`, for the depths of a complete tree.
fn limited(depths: &[u16], len_max: usize) -> [u16; CODE_LEN_MAX + 1] {
    let mut lens = [0; CODE_LEN_MAX + 1];
    for &depth in depths {
        lens[len_max.min(usize::from(depth))] += 1;
    }
    if usize::from(depths[0]) <= len_max {
        return lens;
    }
    // Codes that were cut take more room than there is. In units of the longest code:
    let mut room: u32 = (1..=len_max).map(|len| u32::from(lens[len]) << (len_max - len)).sum();
    while room > 1 << len_max {
        // One of the longest moves up beside a shorter one, which becomes a bit longer: one unit is freed.
        lens[len_max] -= 1;
        for len in (1..len_max).rev() {
            if lens[len] > 0 {
                lens[len] -= 1;
                lens[len + 1] += 2;
                break;
            }
        }
        room -= 1;
    }
    lens
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Builds a code and checks that it is complete, within the limit, and never longer for what occurs more often.
    fn check(counts: &[u16; 40], len_max: usize) -> [u8; 40] {
        let mut book = CodeBook::new();
        book.build(counts, len_max, &mut Builder::new());
        let mut lens = [0; 40];
        for symbol in book.symbols() {
            lens[symbol] = book.codes[symbol].len;
        }
        let room: u32 =
            lens.iter().filter(|&&len| len > 0).map(|&len| 1 << (len_max - usize::from(len))).sum();
        assert_eq!(room, 1 << len_max);
        for (one, &count) in counts.iter().enumerate() {
            assert_eq!(lens[one] > 0, count > 0);
            for (other, &other_count) in counts.iter().enumerate() {
                assert!(count <= other_count || other_count == 0 || lens[one] <= lens[other]);
            }
        }
        lens
    }

    /// Counts that make the deepest tree there is.
    fn fibonacci(symbols: usize) -> [u16; 40] {
        let (mut counts, mut next) = ([0; 40], (1, 1));
        for count in &mut counts[..symbols] {
            *count = next.0;
            next = (next.1, next.0 + next.1);
        }
        counts
    }

    #[test]
    fn codes_are_complete_and_limited() {
        for symbols in 2..=21 {
            let lens = check(&fibonacci(symbols), CODE_LEN_MAX);
            assert_eq!(usize::from(lens[0]), (symbols - 1).min(CODE_LEN_MAX));
            check(&fibonacci(symbols), 7);
        }
        for symbols in 2..=40 {
            let mut counts = [0; 40];
            counts[..symbols].fill(1);
            check(&counts, 7);
            counts[symbols / 2] = 300;
            check(&counts, CODE_LEN_MAX);
        }
    }

    #[test]
    fn one_symbol_or_none_has_one_bit() {
        let mut book = CodeBook::new();
        for (counts, symbol) in [([0, 0, 7, 0], 2), ([0; 4], 0)] {
            book.build(&counts, CODE_LEN_MAX, &mut Builder::new());
            assert!(book.symbols().eq([symbol]));
            assert_eq!((book.codes[symbol].bits, book.codes[symbol].len), (0, 1));
        }
    }

    #[test]
    fn bits_are_reversed() {
        for bits in 0..=u16::MAX {
            assert_eq!(reversed(bits), bits.reverse_bits());
        }
    }
}
