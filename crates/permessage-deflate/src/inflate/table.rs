//! Tables that decode Huffman codes (RFC 1951 §3.2.2): a first level by the next bits, and behind it tables for longer codes.
//!
//! ```text
//!   entry:  bit 31        it is a literal
//!           bits 16..=30  the literal, the first length or distance of the symbol, or where the further table begins
//!           bit 15        it is none of literal, length and distance:
//!           bit 14          a further table, which is indexed by as many bits as bits 8..=11 say
//!           bit 13          the end of the block
//!                           (neither of them: no code at all)
//!           bits 8..=11   bits of the code, at this level
//!           bits 0..=7    the same, and the extra bits of the symbol with them
//! ```

use super::InvalidData;
use crate::symbols::{FIXED_DISTANCE_LEN, LENGTHS, distance_extra_len, fixed_literal_len};

/// Bits that index the first level.
pub(crate) const LITERAL_BITS: u32 = 10;
pub(crate) const DISTANCE_BITS: u32 = 8;
pub(crate) const META_BITS: u32 = 7;

/// The most entries that codes of 288 and 32 symbols, of 15 bits at most, can take (zlib's `enough 288 10 15`).
pub(crate) type LiteralTable = [u32; 1334];
pub(crate) type DistanceTable = [u32; 402];
/// For the code of code lengths, which has 7 bits at most.
pub(crate) type MetaTable = [u32; 128];

pub(crate) const CODE_LEN_MAX: usize = 15;
/// How many codes there are of each length.
pub(crate) type Counts = [u16; CODE_LEN_MAX + 1];

const LITERAL: u32 = 1 << 31;
const EXCEPTION: u32 = 1 << 15;
const FURTHER: u32 = 1 << 14;
const END: u32 = 1 << 13;
/// Where no code leads.
const NO_CODE: u32 = EXCEPTION | 1 << 8 | 1;

/// What the next bits mean.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry(u32);

impl Entry {
    #[inline(always)]
    pub(crate) fn is_literal(self) -> bool {
        self.0 & LITERAL != 0
    }

    #[inline(always)]
    pub(crate) fn literal(self) -> u8 {
        (self.0 >> 16) as u8
    }

    /// A length or a distance, or, for code lengths, the symbol.
    #[inline(always)]
    pub(crate) fn is_value(self) -> bool {
        self.0 & EXCEPTION == 0
    }

    #[inline(always)]
    pub(crate) fn is_further(self) -> bool {
        self.0 & FURTHER != 0
    }

    #[inline(always)]
    pub(crate) fn is_end(self) -> bool {
        self.0 & END != 0
    }

    /// Bits of the code and behind it.
    #[inline(always)]
    pub(crate) fn bits(self) -> u32 {
        self.0 & 0xff
    }

    /// The first value of the symbol, and what the extra bits add to it.
    #[inline(always)]
    pub(crate) fn value(self, bits: u64) -> usize {
        let extra = (bits & ((1 << (self.bits() & 63)) - 1)) >> (self.0 >> 8 & 15);
        (self.0 >> 16) as usize + extra as usize
    }

    /// The entry of the further table, by the bits behind those of the first level.
    #[inline(always)]
    pub(crate) fn follow(self, table: &[u32], bits: u64) -> Self {
        let at = (self.0 >> 16) as usize + (bits & ((1 << (self.0 >> 8 & 15)) - 1)) as usize;
        Self(table[at])
    }
}

#[inline(always)]
pub(crate) fn literal_entry(table: &LiteralTable, bits: u64) -> Entry {
    Entry(table[(bits & ((1 << LITERAL_BITS) - 1)) as usize])
}

#[inline(always)]
pub(crate) fn distance_entry(table: &DistanceTable, bits: u64) -> Entry {
    Entry(table[(bits & ((1 << DISTANCE_BITS) - 1)) as usize])
}

#[inline(always)]
pub(crate) fn meta_entry(table: &MetaTable, bits: u64) -> Entry {
    Entry(table[(bits & ((1 << META_BITS) - 1)) as usize])
}

/// Entries of the symbols without the lengths of their codes.
pub(crate) const LITERAL_SYMBOLS: [u32; 288] = {
    let mut entries = [EXCEPTION; 288];
    let mut symbol = 0;
    while symbol < 256 {
        entries[symbol] = LITERAL | (symbol as u32) << 16;
        symbol += 1;
    }
    entries[256] = EXCEPTION | END;
    // 286 and 287 have codes in the fixed code, but no meaning (§3.2.6).
    while symbol < 285 {
        let (first, extra_len) = LENGTHS[symbol - 256];
        symbol += 1;
        entries[symbol] = (first as u32 + 3) << 16 | extra_len as u32;
    }
    entries
};
pub(crate) const DISTANCE_SYMBOLS: [u32; 32] = {
    let mut entries = [EXCEPTION; 32];
    let (mut symbol, mut first) = (0, 1);
    // As above: 30 and 31.
    while symbol < 30 {
        let extra_len = distance_extra_len(symbol) as u32;
        entries[symbol] = first << 16 | extra_len;
        first += 1 << extra_len;
        symbol += 1;
    }
    entries
};
pub(crate) const META_SYMBOLS: [u32; 19] = {
    let mut entries = [0; 19];
    let mut symbol = 0;
    while symbol < 19 {
        entries[symbol] = (symbol as u32) << 16;
        symbol += 1;
    }
    entries
};

/// The tables of the fixed code (§3.2.6).
pub(crate) static FIXED_LITERALS: LiteralTable = {
    let mut table = [0; 1334];
    let mut symbols = [0; 288];
    let mut counts = [0; CODE_LEN_MAX + 1];
    let (mut len, mut count) = (7, 0);
    while len <= 9 {
        let mut symbol = 0;
        while symbol < 288 {
            if fixed_literal_len(symbol) == len {
                symbols[count] = symbol as u16;
                counts[len as usize] += 1;
                count += 1;
            }
            symbol += 1;
        }
        len += 1;
    }
    assert!(build(&mut table, LITERAL_BITS, &counts, &symbols, &LITERAL_SYMBOLS).is_ok());
    table
};
pub(crate) static FIXED_DISTANCES: DistanceTable = {
    let mut table = [0; 402];
    let mut symbols = [0; 32];
    let mut counts = [0; CODE_LEN_MAX + 1];
    while (counts[FIXED_DISTANCE_LEN as usize] as usize) < symbols.len() {
        let symbol = counts[FIXED_DISTANCE_LEN as usize];
        symbols[symbol as usize] = symbol;
        counts[FIXED_DISTANCE_LEN as usize] += 1;
    }
    assert!(build(&mut table, DISTANCE_BITS, &counts, &symbols, &DISTANCE_SYMBOLS).is_ok());
    table
};

/// Builds the table of the code that has `counts[len]` codes of each length, for `symbols` in the order of their codes.
///
/// # Errors
/// There are more codes than their lengths allow, or bits that mean nothing, except behind the one code of one bit, or none
/// at all, that §3.2.7 allows.
//
// Symbols come in the order of their codes, so each code is the one before, and one more from its highest bit down, since
// codes come with their first bit lowest. A table for `len` bits, twice, is the table for `len + 1` bits as far as the
// codes up to `len` go. All entries are written, if the code is complete.
#[inline(never)]
pub(crate) const fn build(
    table: &mut [u32],
    table_bits: u32,
    counts: &Counts,
    symbols: &[u16],
    entries: &[u32],
) -> Result<(), InvalidData> {
    match unused_codes(counts) {
        Err(error) => return Err(error),
        Ok(0) => {}
        Ok(_) => return build_incomplete(table, table_bits, counts, symbols, entries),
    }
    let (mut code, mut next, mut len, mut size) = (0, 0, 0, 1);
    loop {
        len += 1;
        let (filled, rest) = table.split_at_mut(size);
        rest.split_at_mut(size).0.copy_from_slice(filled);
        size *= 2;
        let mut count = counts[len as usize];
        while count > 0 {
            table[code] = entries[symbols[next] as usize] + len * 257;
            next += 1;
            if code == size - 1 {
                double(table, size, 1 << table_bits);
                return Ok(());
            }
            code = successor(code, size);
            count -= 1;
        }
        if len == table_bits {
            build_further(table, table_bits, counts, symbols.split_at(next).1, entries, code);
            return Ok(());
        }
    }
}

/// The code behind `code`, which is not the last one, among those of one length: there are `size` of them.
const fn successor(code: usize, size: usize) -> usize {
    let bit = 1 << (code ^ (size - 1)).ilog2();
    code & (bit - 1) | bit
}

const fn double(table: &mut [u32], mut size: usize, end: usize) {
    while size < end {
        let (filled, rest) = table.split_at_mut(size);
        rest.split_at_mut(size).0.copy_from_slice(filled);
        size *= 2;
    }
}

/// The tables behind the first level, for `symbols` from `code` on.
const fn build_further(
    table: &mut [u32],
    table_bits: u32,
    counts: &Counts,
    symbols: &[u16],
    entries: &[u32],
    mut code: usize,
) {
    let first_mask = (1 << table_bits) - 1;
    let (mut len, mut count, mut next) = (table_bits as usize, 0, 0);
    let (mut prefix, mut start, mut end) = (usize::MAX, 0, 1 << table_bits);
    while next < symbols.len() {
        while count == 0 {
            len += 1;
            count = counts[len] as usize;
        }
        if code & first_mask != prefix {
            prefix = code & first_mask;
            start = end;
            let bits = further_bits(len, table_bits as usize, count, counts);
            end = start + (1 << bits);
            table[prefix] = (start as u32) << 16 | EXCEPTION | FURTHER | (bits as u32) << 8 | table_bits;
        }
        let entry = entries[symbols[next] as usize] + (len as u32 - table_bits) * 257;
        let mut at = start + (code >> table_bits);
        while at < end {
            table[at] = entry;
            at += 1 << (len - table_bits as usize);
        }
        next += 1;
        count -= 1;
        if next < symbols.len() {
            code = successor(code, 1 << len);
        }
    }
}

/// How many bits a further table needs whose first code has `len` bits: until `count` codes and longer ones fill it.
const fn further_bits(len: usize, table_bits: usize, count: usize, counts: &Counts) -> usize {
    let (mut bits, mut used) = (len - table_bits, count);
    while used < 1 << bits {
        bits += 1;
        used = used * 2 + counts[table_bits + bits] as usize;
    }
    bits
}

/// The one code of one bit, or no code: the rest leads nowhere, which is an error only for who goes there.
const fn build_incomplete(
    table: &mut [u32],
    table_bits: u32,
    counts: &Counts,
    symbols: &[u16],
    entries: &[u32],
) -> Result<(), InvalidData> {
    let mut len = 2;
    while len <= CODE_LEN_MAX {
        if counts[len] > 0 {
            return Err(InvalidData);
        }
        len += 1;
    }
    table[0] = if counts[1] == 1 { entries[symbols[0] as usize] + 257 } else { NO_CODE };
    table[1] = NO_CODE;
    double(table, 2, 1 << table_bits);
    Ok(())
}

/// How many codes of 15 bits are left.
const fn unused_codes(counts: &Counts) -> Result<u32, InvalidData> {
    let (mut left, mut len) = (1, 1);
    while len <= CODE_LEN_MAX {
        left = left * 2 - counts[len] as i32;
        if left < 0 {
            return Err(InvalidData);
        }
        len += 1;
    }
    Ok(left as u32)
}
