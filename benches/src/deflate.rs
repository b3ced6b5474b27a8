//! Compressed messages without context takeover, by a library that no server here uses for its own output.

use anyhow::{Context as _, anyhow, ensure};
use hashbrown::HashMap;
use zlib_rs::{Deflate, DeflateFlush, Inflate, InflateFlush};

/// What ends a sync flush and is not sent (RFC 7692 §7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// Compresses messages at level 2, the first one with codes made for the message, so that what it writes is about as long as what
/// servers write.
pub(crate) struct Deflater(Deflate);

impl Deflater {
    pub(crate) fn new() -> Deflater {
        Deflater(Deflate::new(2, false, 15))
    }

    pub(crate) fn compress(&mut self, message: &[u8]) -> anyhow::Result<Vec<u8>> {
        self.0.reset();
        let mut out = vec![0; message.len() + message.len() / 8 + 64];
        let result = self.0.compress(message, &mut out, DeflateFlush::SyncFlush);
        result.map_err(|error| anyhow!("zlib cannot compress: {}", error.as_str()))?;
        out.truncate(usize::try_from(self.0.total_out())?);
        ensure!(out.ends_with(&TAIL), "the output buffer was too small");
        out.truncate(out.len() - TAIL.len());
        Ok(out)
    }
}

/// Inflates messages, each distinct one once: a message is what its compressed bytes say, whoever gets them. That is only so
/// because no context is kept.
pub(crate) struct Inflater {
    inflate: Inflate,
    scratch: Vec<u8>,
    known: HashMap<Vec<u8>, Vec<u8>, foldhash::fast::RandomState>,
    known_len: usize,
}

/// How many bytes are remembered.
const KNOWN_LEN_MAX: usize = 64 << 20;
/// No message of ours is longer: the largest burst.
const MESSAGE_LEN_MAX: usize = 16 << 20;

impl Inflater {
    pub(crate) fn new() -> Inflater {
        Inflater {
            inflate: Inflate::new(false, 15),
            scratch: Vec::new(),
            known: HashMap::default(),
            known_len: 0,
        }
    }

    /// The message whose compressed form is `compressed`.
    pub(crate) fn message(&mut self, compressed: &[u8]) -> anyhow::Result<&[u8]> {
        if !self.known.contains_key(compressed) {
            self.learn(compressed)?;
        }
        self.known.get(compressed).map(Vec::as_slice).context("learnt just now")
    }

    fn learn(&mut self, compressed: &[u8]) -> anyhow::Result<()> {
        if self.known_len > KNOWN_LEN_MAX {
            self.known.clear();
            self.known_len = 0;
        }
        self.inflate.reset(false);
        let mut input = compressed.to_vec();
        input.extend_from_slice(&TAIL);
        loop {
            let (read, written) = (self.inflate.total_in() as usize, self.inflate.total_out() as usize);
            if written == self.scratch.len() {
                ensure!(written < MESSAGE_LEN_MAX, "a compressed message is longer than what was sent");
                self.scratch.resize((2 * written).max(64 << 10), 0);
            }
            let output = &mut self.scratch[written..];
            let result = self.inflate.decompress(&input[read..], output, InflateFlush::SyncFlush);
            result.map_err(|error| anyhow!("a compressed message is damaged: {}", error.as_str()))?;
            let (all_read, room) = (
                self.inflate.total_in() as usize == input.len(),
                (self.inflate.total_out() as usize) < self.scratch.len(),
            );
            if all_read && room {
                break;
            }
            let moved =
                self.inflate.total_in() as usize > read || self.inflate.total_out() as usize > written;
            ensure!(moved || !room, "a compressed message ends in the middle");
        }
        let message = self.scratch[..self.inflate.total_out() as usize].to_vec();
        input.truncate(compressed.len());
        self.known_len += input.len() + message.len();
        self.known.insert(input, message);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compressed_can_be_inflated_again_and_again() {
        let mut deflater = Deflater::new();
        let mut inflater = Inflater::new();
        for len in [1, 100, 65_536, 300_000] {
            let message: Vec<u8> = (0..len).map(|at: usize| (at * at % 251) as u8).collect();
            let compressed = deflater.compress(&message).expect("it fits");
            for _ in 0..2 {
                assert_eq!(inflater.message(&compressed).expect("our own"), message, "{len}");
            }
        }
        assert_eq!(inflater.known.len(), 4);
    }

    #[test]
    fn damage_is_found() {
        let message = b"abcdefgh".repeat(100);
        let compressed = Deflater::new().compress(&message).expect("it fits");
        let mut inflater = Inflater::new();
        // There is no block type 3.
        assert!(inflater.message(&[0x07]).is_err());
        let half = inflater.message(&compressed[..compressed.len() / 2]);
        assert!(half.is_err() || half.is_ok_and(|half| half != message));
    }
}
