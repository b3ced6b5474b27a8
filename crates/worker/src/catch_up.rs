//! Clients that are behind and may lose messages: keeping messages back for them, and catching up.

use std::sync::Arc;

use dunlin_broker::{Arena, Sid};
use dunlin_session::CloseReason;

use crate::{ConnId, SlowConsumer, Wire, Worker};

/// How much is encoded for a client that takes bytes again before its socket is asked for more.
const CATCH_UP_LEN: usize = 64 << 10;

impl Worker {
    /// Keeps a message for a client whose socket is full, if it may lose messages; `None`: it may not.
    pub(crate) fn keep_back(&mut self, id: ConnId, sid: Sid, index: u32, headers: bool) -> Option<()> {
        let conn = self.conns.get_mut(id)?;
        let policy = self.config.slow_consumer(conn.listener);
        if policy == SlowConsumer::Disconnect {
            return None;
        }
        let kept = match &self.kept_last {
            Some((last, kept)) if *last == index => Arc::clone(kept),
            _ => {
                let mut arena = Arena::default();
                arena.push(self.arena.message(index));
                let kept = Arc::new(arena);
                self.kept_last = Some((index, Arc::clone(&kept)));
                kept
            }
        };
        let out = conn.out.as_ref().map_or(0, |out| out.pending());
        let bytes_max = self.config.pending_max.saturating_sub(out);
        let backlog = conn.backlog.get_or_insert_default();
        let sid = self.subs.sids.text(&sid);
        let dropped = backlog.push_message(sid, headers, kept, policy, bytes_max);
        conn.traffic.dropped_msgs += dropped;
        self.counters.dropped_msgs += dropped;
        Some(())
    }

    /// Writes what waits for a client whose socket takes bytes again.
    pub(crate) fn catch_up<W: Wire>(&mut self, id: ConnId, wire: &mut W) {
        while let Some(bytes) = self.take_backlog(id, CATCH_UP_LEN) {
            if self.write_own(id, bytes, wire).is_err() {
                return self.lose(id, CloseReason::WriteError, wire);
            }
            if self.conns.get_mut(id).is_none_or(|conn| conn.out.is_some()) {
                return;
            }
        }
    }

    /// Lets what waits go the way of all output, because the connection ends.
    pub(crate) fn release_backlog(&mut self, id: ConnId) {
        let now = self.now;
        if let Some(bytes) = self.take_backlog(id, usize::MAX)
            && let Some(out) = self.conns.get_mut(id).and_then(|conn| conn.out.as_mut())
        {
            out.push(bytes.into(), 0, now);
        }
    }

    /// Frames the front of a connection's backlog, about `len_max` bytes of it. `None`: nothing is left.
    fn take_backlog(&mut self, id: ConnId, len_max: usize) -> Option<Vec<u8>> {
        let conn = self.conns.get_mut(id)?;
        let backlog = conn.backlog.as_mut()?;
        let mut plain = Vec::new();
        let (messages, payload) = backlog.take(conn.dialect, len_max, &mut plain);
        conn.traffic.out_msgs += messages;
        conn.traffic.out_bytes += payload;
        self.counters.out_msgs += messages;
        self.counters.out_bytes += payload;
        if backlog.is_empty() {
            conn.backlog = None;
        }
        let mut bytes = Vec::new();
        self.encodings.frame(&plain, conn.framing, conn.compressor.as_deref_mut(), &mut bytes);
        (!plain.is_empty()).then_some(bytes)
    }
}
