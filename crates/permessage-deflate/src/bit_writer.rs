//! Bits into bytes, the lowest first (RFC 1951 §3.1.1).

/// Bits that do not fill a byte yet.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pending {
    bits: u64,
    len: u32,
}

impl Pending {
    /// Less than 8.
    pub(crate) fn len(self) -> usize {
        self.len as usize
    }
}

/// Writes into space that has been counted before: 8 bytes more than what comes.
pub(crate) struct BitWriter<'a> {
    space: &'a mut [u8],
    at: usize,
    bits: u64,
    len: u32,
}

impl<'a> BitWriter<'a> {
    pub(crate) fn new(space: &'a mut [u8], pending: Pending) -> Self {
        Self { space, at: 0, bits: pending.bits, len: pending.len }
    }

    /// Adds the `count` lowest bits of `bits`, all others being 0. Between two flushes at most 56 bits fit.
    #[inline]
    pub(crate) fn put(&mut self, bits: u64, count: u8) {
        debug_assert!(self.len + u32::from(count) < 64 && bits >> count == 0);
        self.bits |= bits << self.len;
        self.len += u32::from(count);
    }

    /// Stores the whole bytes. Less than 8 bits stay.
    #[inline]
    pub(crate) fn flush(&mut self) {
        self.space[self.at..self.at + 8].copy_from_slice(&self.bits.to_le_bytes());
        let bytes = self.len / 8;
        self.at += bytes as usize;
        self.bits >>= bytes * 8;
        self.len %= 8;
    }

    /// Fills the byte up with zeros.
    pub(crate) fn align(&mut self) {
        self.flush();
        self.len = self.len.next_multiple_of(8);
        self.flush();
    }

    /// Adds whole bytes at the beginning of a byte.
    pub(crate) fn put_bytes(&mut self, bytes: &[u8]) {
        self.flush();
        debug_assert_eq!(self.len, 0);
        self.space[self.at..self.at + bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
    }

    /// How many whole bytes are written, and what is left.
    pub(crate) fn finish(mut self) -> (usize, Pending) {
        self.flush();
        (self.at, Pending { bits: self.bits, len: self.len })
    }
}
