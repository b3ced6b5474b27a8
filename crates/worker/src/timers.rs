//! The deadlines of a worker's connections.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use dunlin_session::Instant;

use crate::ConnId;

/// Deadlines in the order in which they pass.
///
/// A connection's entry is not moved when the connection is active: it is asked again when the deadline has passed. Only a
/// deadline earlier than the one it is armed for makes a second entry, and the first is stale then.
#[derive(Default)]
pub(crate) struct Timers {
    heap: BinaryHeap<Reverse<(Instant, ConnId)>>,
}

impl Timers {
    pub(crate) fn insert(&mut self, deadline: Instant, conn: ConnId) {
        if deadline != Instant::NEVER {
            self.heap.push(Reverse((deadline, conn)));
        }
    }

    /// The next connection whose deadline has passed.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<(Instant, ConnId)> {
        let Reverse((deadline, _)) = *self.heap.peek()?;
        (deadline <= now).then(|| self.heap.pop().map(|Reverse(entry)| entry)).flatten()
    }

    /// Drops entries that are stale, up to the first that is not: nobody has to wake up for them.
    pub(crate) fn drop_stale(&mut self, mut is_stale: impl FnMut(Instant, ConnId) -> bool) {
        while let Some(&Reverse((deadline, id))) = self.heap.peek()
            && is_stale(deadline, id)
        {
            self.heap.pop();
        }
    }

    /// When the next deadline passes.
    pub(crate) fn next(&self) -> Instant {
        self.heap.peek().map_or(Instant::NEVER, |Reverse((deadline, _))| *deadline)
    }
}
