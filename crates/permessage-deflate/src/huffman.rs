//! Huffman codes of limited length (RFC 1951 §3.2.2).

use crate::symbols::{Code, LITERALS};

/// The longest code of literals and of distances (RFC 1951 §3.2.7).
pub(crate) const CODE_LEN_MAX: usize = 15;

/// Space to build codes in.
pub(crate) struct Builder {
    /// Symbols that occur, as `count << 16 | symbol`, rarest first.
    used: [u32; LITERALS],
    /// The counts, then the parents, then the depths of the tree's nodes.
    tree: [u32; LITERALS],
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self { used: [0; LITERALS], tree: [0; LITERALS] }
    }

    /// Makes the best code of at most `len_max` bits for symbols that occur `counts` times. At least two symbols get a
    /// code, if there are so many (decoders refuse a code that is not complete), and those that do not occur have `len` 0.
    pub(crate) fn build(&mut self, counts: &[u16], len_max: usize, codes: &mut [Code]) {
        let mut n = 0;
        for (symbol, &count) in counts.iter().enumerate() {
            self.used[n] = u32::from(count) << 16 | symbol as u32;
            n += usize::from(count != 0);
            codes[symbol] = Code::default();
        }
        let used = &mut self.used[..n];
        if let [] | [_] = used {
            // The code of one bit that stays alone is the one incomplete code that decoders take.
            let symbol = used.first().map_or(0, |&only| only as u16);
            codes[usize::from(symbol)].len = 1;
            return;
        }
        used.sort_unstable();
        let tree = &mut self.tree[..n];
        for (node, &symbol) in tree.iter_mut().zip(used.iter()) {
            *node = symbol >> 16;
        }
        depths(tree);
        let lens = limited(tree, len_max);
        // The rarest symbols get the longest codes.
        let mut rest = &used[..];
        for len in (1..=len_max).rev() {
            let (these, shorter) = rest.split_at(usize::from(lens[len]));
            for &symbol in these {
                codes[symbol as usize & 0xffff].len = len as u8;
            }
            rest = shorter;
        }
        number(codes, &lens);
    }
}

/// From counts in rising order to the depths of a tree of least cost, in falling order (Moffat and Katajainen, "In-place
/// calculation of minimum-redundancy codes", 1995).
fn depths(tree: &mut [u32]) {
    let n = tree.len();
    // Pairs the two least nodes: leaves from `leaf` on, inner nodes from `root` on. An inner node leaves its parent behind.
    let (mut root, mut leaf) = (0, 0);
    for next in 0..n - 1 {
        let mut sum = 0;
        for _ in 0..2 {
            if leaf >= n || (root < next && tree[root] < tree[leaf]) {
                sum += tree[root];
                tree[root] = next as u32;
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
        tree[node] = tree[tree[node] as usize] + 1;
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
fn limited(depths: &[u32], len_max: usize) -> [u16; CODE_LEN_MAX + 1] {
    let mut lens = [0; CODE_LEN_MAX + 1];
    for &depth in depths {
        lens[len_max.min(depth as usize)] += 1;
    }
    if depths[0] as usize <= len_max {
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

/// Gives codes to lengths (RFC 1951 §3.2.2).
fn number(codes: &mut [Code], lens: &[u16; CODE_LEN_MAX + 1]) {
    let mut next = [0; CODE_LEN_MAX + 1];
    for len in 1..CODE_LEN_MAX {
        next[len + 1] = (next[len] + lens[len]) << 1;
    }
    for code in codes {
        if code.len > 0 {
            let bits: &mut u16 = &mut next[usize::from(code.len)];
            code.bits = bits.reverse_bits() >> (16 - code.len);
            *bits = bits.wrapping_add(1);
        }
    }
}
