//! Bits out of bytes, the lowest first (RFC 1951 §3.1.1).

/// Bits that stay from one piece of the input to the next: less than 64.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Kept {
    value: u64,
    count: u32,
}

impl Kept {
    pub(crate) fn is_empty(self) -> bool {
        self.count == 0
    }
}

/// A piece of the input behind the bits that are left of the one before.
///
/// ```text
///   value:  [ nothing yet, or the first bits of `rest` once more | count bits that come next ]
///           bit 63                                                                       bit 0
/// ```
/// So a refill may put whole words in, and count whole bytes only.
#[derive(Clone, Copy)]
pub(crate) struct Bits<'a> {
    rest: &'a [u8],
    value: u64,
    count: u32,
}

impl<'a> Bits<'a> {
    pub(crate) fn new(kept: Kept, input: &'a [u8]) -> Self {
        Self { rest: input, value: kept.value, count: kept.count }
    }

    /// What stays for the next piece, and the bytes that have not been looked at.
    pub(crate) fn end(self) -> (Kept, &'a [u8]) {
        let value = self.value & ((1 << self.count) - 1);
        (Kept { value, count: self.count }, self.rest)
    }

    /// Makes 56 bits or more ready, or all that there are.
    #[inline(always)]
    pub(crate) fn refill(&mut self) {
        if let Some(word) = self.rest.first_chunk() {
            self.value |= u64::from_le_bytes(*word) << self.count;
            self.rest = &self.rest[(63 - self.count) as usize / 8..];
            self.count |= 56;
        } else {
            self.refill_rest();
        }
    }

    fn refill_rest(&mut self) {
        let taken = self.rest.len().min((63 - self.count) as usize / 8);
        for &byte in &self.rest[..taken] {
            self.value = self.value & ((1 << self.count) - 1) | u64::from(byte) << self.count;
            self.count += 8;
        }
        self.rest = &self.rest[taken..];
    }

    /// The next bits, the first one lowest. Only [`Bits::count`] of them are sure.
    #[inline(always)]
    pub(crate) fn peek(&self) -> u64 {
        self.value
    }

    /// How many bits are ready.
    #[inline(always)]
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// Passes over bits that are ready: less than 64.
    #[inline(always)]
    pub(crate) fn skip(&mut self, count: u32) {
        debug_assert!(count <= self.count);
        self.value >>= count & 63;
        self.count -= count;
    }

    /// The next `count` bits, at most 32, or nothing as long as they are not all there.
    #[inline]
    pub(crate) fn take(&mut self, count: u32) -> Option<u32> {
        if self.count < count {
            self.refill();
            if self.count < count {
                return None;
            }
        }
        let value = self.value & ((1 << count) - 1);
        self.skip(count);
        Some(value as u32)
    }

    /// Passes over what is left of a byte.
    pub(crate) fn align(&mut self) {
        self.skip(self.count % 8);
    }

    /// Moves whole bytes to the front of `out`, from the beginning of a byte on. Returns how many.
    pub(crate) fn copy_bytes(&mut self, out: &mut [u8]) -> usize {
        let mut at = 0;
        while self.count > 0 && at < out.len() {
            out[at] = self.value as u8;
            self.skip(8);
            at += 1;
        }
        if self.count > 0 {
            return at;
        }
        self.value = 0;
        let len = self.rest.len().min(out.len() - at);
        let (bytes, rest) = self.rest.split_at(len);
        out[at..at + len].copy_from_slice(bytes);
        self.rest = rest;
        at + len
    }
}
