//! Looking at eight bytes at a time.
//!
//! A loop over single bytes has a hard to predict branch at the end of every token, which costs more than all the rest
//! for subjects of usual length.

use crate::hash::Words;

const ONES: u64 = u64::MAX / 255;
const HIGHS: u64 = ONES * 0x80;

/// What up to 64 bytes hold.
#[derive(Clone, Copy)]
pub(crate) struct Scan {
    /// Bit n is set where byte n is a dot.
    pub(crate) dots: u64,
    /// Whether some byte is a space or less.
    pub(crate) low: bool,
}

/// Looks at up to 64 bytes, and hands each eight of them on as a word, the last one padded with zeros.
#[inline]
pub(crate) fn scan(block: &[u8], mut each: impl FnMut(usize, u64)) -> Scan {
    debug_assert!(block.len() <= 64);
    let (full, rest) = block.as_chunks::<8>();
    let (mut dots, mut low, mut count) = (0, 0, 0);
    for word in full {
        let word = u64::from_le_bytes(*word);
        each(count, word);
        // From above, so that each step needs the one before: vector code has no use for the multiplication.
        dots = dots >> 8 | dots_of(word);
        low |= low_of(word);
        count += 1;
    }
    if !rest.is_empty() {
        let word = last_word(block, rest);
        each(count, word);
        dots = dots >> 8 | dots_of(word);
        // The padding is not low.
        low |= low_of(word | u64::MAX << (8 * rest.len() % 64));
        count += 1;
    }
    Scan { dots: dots >> ((64 - 8 * count) % 64), low: low != 0 }
}

/// Up to 64 bytes as words, and where their dots are.
#[inline]
pub(crate) fn words(block: &[u8]) -> (Words, u64) {
    let mut words = [0; 10];
    let scan = scan(block, |at, word| words[at % 8] = word);
    (words, scan.dots)
}

/// The `rest` that ends `block`, padded with zeros.
#[inline]
fn last_word(block: &[u8], rest: &[u8]) -> u64 {
    match block.last_chunk::<8>() {
        Some(last) => u64::from_le_bytes(*last) >> (8 * (8 - rest.len()) % 64),
        None => rest.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte)),
    }
}

/// In the high byte, one bit for each byte that is a dot.
#[inline]
fn dots_of(word: u64) -> u64 {
    let others = word ^ (ONES * u64::from(b'.'));
    // The high bit of each byte that is zero, without carries between bytes.
    let zeros = !(((others & !HIGHS) + !HIGHS) | others | !HIGHS);
    // The product moves the eight bits side by side.
    (zeros >> 7).wrapping_mul(0x0102_0408_1020_4080) & 0xff << 56
}

/// Not zero if a byte is 0x20 or less.
#[inline]
fn low_of(word: u64) -> u64 {
    word.wrapping_sub(ONES * 0x21) & !word & HIGHS
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn every_byte_at_every_place_of_every_length() {
        for len in 0..=64 {
            for (at, byte) in (0..len).flat_map(|at| (0..=255u8).map(move |byte| (at, byte))) {
                for fill in [b'.', b'/', 0xff] {
                    let mut block: Vec<u8> = (0..len).map(|_| fill).collect();
                    block[at] = byte;
                    let mut bytes = Vec::new();
                    let scan = scan(&block, |_, word| bytes.extend_from_slice(&word.to_le_bytes()));
                    let dots = (0..len).filter(|&at| block[at] == b'.').fold(0, |dots, at| dots | 1 << at);
                    assert_eq!((scan.dots, scan.low), (dots, byte <= b' '), "{block:?}");
                    assert!(bytes.starts_with(&block) && bytes[len..].iter().all(|&pad| pad == 0));
                }
            }
        }
    }
}
