//! What was inflated before the output of this call, as far back as distances may reach (RFC 1951 §2).

use alloc::vec::Vec;

/// The least that is reserved, unless the window is smaller.
const LEN_MIN: usize = 1024;

/// The last bytes before the output, at most a window of them. It grows as they come, and then is a ring.
pub(crate) struct History {
    ring: Vec<u8>,
    /// Where the oldest byte lies, and the next one goes, once the ring is full.
    oldest: usize,
    window: usize,
}

impl History {
    pub(crate) fn new(window: usize) -> Self {
        Self { ring: Vec::new(), oldest: 0, window }
    }

    pub(crate) fn len(&self) -> usize {
        self.ring.len()
    }

    /// The largest distance that there may be.
    pub(crate) fn window(&self) -> usize {
        self.window
    }

    /// Forgets everything and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.ring.clear();
        self.oldest = 0;
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let mut bytes = &bytes[bytes.len().saturating_sub(self.window)..];
        if bytes.len() == self.window {
            self.clear();
        }
        let room = bytes.len().min(self.window - self.ring.len());
        if room > 0 {
            let (head, rest) = bytes.split_at(room);
            self.append(head);
            bytes = rest;
        }
        let (head, rest) = bytes.split_at(bytes.len().min(self.window - self.oldest));
        self.ring[self.oldest..self.oldest + head.len()].copy_from_slice(head);
        self.ring[..rest.len()].copy_from_slice(rest);
        self.oldest = (self.oldest + bytes.len()) % self.window;
    }

    fn append(&mut self, bytes: &[u8]) {
        let len = self.ring.len() + bytes.len();
        if len > self.ring.capacity() {
            // Windows are powers of two.
            let capacity = len.next_power_of_two().max(LEN_MIN).min(self.window);
            self.ring.reserve_exact(capacity - self.ring.len());
        }
        self.ring.extend_from_slice(bytes);
    }

    /// What begins `back` bytes before the end, if there is so much and `len` bytes lie in one piece: first those up to the end,
    /// then any.
    pub(crate) fn piece(&self, back: usize, len: usize) -> Option<&[u8]> {
        let start = self.oldest + self.ring.len().checked_sub(back)?;
        let start = start.checked_sub(self.ring.len()).unwrap_or(start);
        self.ring.get(start..start + len)
    }

    /// Copies what begins `back` bytes before the end. `out` is not longer than that, and `back` at most [`History::len`].
    pub(crate) fn copy(&self, back: usize, out: &mut [u8]) {
        // The ring begins at 0 until it is full.
        let start = self.oldest + self.ring.len() - back;
        let (newest, oldest) = self.ring.split_at(self.oldest);
        if let Some(start) = start.checked_sub(self.ring.len()) {
            out.copy_from_slice(&newest[start..start + out.len()]);
            return;
        }
        let before = &oldest[start - self.oldest..];
        let len = before.len().min(out.len());
        let (head, rest) = out.split_at_mut(len);
        head.copy_from_slice(&before[..len]);
        rest.copy_from_slice(&newest[..rest.len()]);
    }
}
