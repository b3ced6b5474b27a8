//! What a socket did not take.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use dunlin_session::Instant;

use crate::overflow::Respite;

/// A part of an encoding that waits for one connection. The bytes are shared with all connections that wait for them.
struct Chunk {
    bytes: Arc<[u8]>,
    written: usize,
    since: Instant,
}

/// The output that waits for a connection whose socket is full, as references to shared encodings. A chunk ends at the
/// end of an op and of a frame.
pub(crate) struct OutQueue {
    chunks: VecDeque<Chunk>,
    pending: usize,
    /// When the socket last took something, in the time in which it was looked at.
    pub(crate) last_taken: Instant,
    /// For how long more may wait than `max_pending`.
    pub(crate) respite: Option<Respite>,
}

impl OutQueue {
    /// For a socket that has taken something just now, and then no more.
    pub(crate) fn new(now: Instant) -> OutQueue {
        OutQueue { chunks: VecDeque::new(), pending: 0, last_taken: now, respite: None }
    }

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
    pub(crate) fn write(
        &mut self,
        now: Instant,
        mut write: impl FnMut(&[u8]) -> io::Result<usize>,
    ) -> io::Result<bool> {
        while let Some(chunk) = self.chunks.front_mut() {
            match write(&chunk.bytes[chunk.written..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => {
                    self.last_taken = now;
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
