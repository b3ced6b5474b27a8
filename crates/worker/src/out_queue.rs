//! What a socket did not take.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use dunlin_session::Instant;

/// A part of an encoding that waits for one connection. The bytes are shared with all connections that wait for them.
struct Chunk {
    bytes: Arc<[u8]>,
    written: usize,
    since: Instant,
}

/// The output that waits for a connection whose socket is full, as references to shared encodings. A chunk ends at the
/// end of an op and of a frame.
#[derive(Default)]
pub(crate) struct OutQueue {
    chunks: VecDeque<Chunk>,
    pending: usize,
}

impl OutQueue {
    /// How many bytes wait.
    pub(crate) fn pending(&self) -> usize {
        self.pending
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Since when the first byte has waited.
    pub(crate) fn waiting_since(&self) -> Option<Instant> {
        self.chunks.front().map(|chunk| chunk.since)
    }

    /// Appends what follows the first `written` bytes.
    pub(crate) fn push(&mut self, bytes: Arc<[u8]>, written: usize, now: Instant) {
        self.pending += bytes.len() - written;
        self.chunks.push_back(Chunk { bytes, written, since: now });
    }

    /// Drops what has not been begun: the peer gets a whole frame and a whole op, and then whatever is pushed next.
    pub(crate) fn drop_unbegun(&mut self) {
        self.chunks.retain(|chunk| chunk.written > 0);
        self.pending = self.chunks.iter().map(|chunk| chunk.bytes.len() - chunk.written).sum();
    }

    /// Writes until the queue is empty (`Ok(true)`) or the socket is full (`Ok(false)`).
    pub(crate) fn write(&mut self, mut write: impl FnMut(&[u8]) -> io::Result<usize>) -> io::Result<bool> {
        while let Some(chunk) = self.chunks.front_mut() {
            match write(&chunk.bytes[chunk.written..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => {
                    chunk.written += n;
                    self.pending -= n;
                    if chunk.written == chunk.bytes.len() {
                        self.chunks.pop_front();
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}
