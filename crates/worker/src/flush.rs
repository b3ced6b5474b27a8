//! From delivery lists to the sockets.

use std::io;
use std::sync::Arc;

use dunlin_broker::ListId;
use dunlin_session::CloseReason;

use crate::connection::{Connection, Stage, Transport};
use crate::encodings::Source;
use crate::ending::Ending;
use crate::out_queue::OutQueue;
use crate::{ConnId, Wire, Worker};

/// What the arena keeps reserved between turns, in bytes: what a full turn takes. A worker that gives memory back after
/// each full turn pays for the page faults of the next one: a fifth of its time with messages of 1 KiB.
const ARENA_KEEP: usize = 1 << 20;
/// What the lists keep reserved between turns.
const LISTS_KEEP: usize = 4096;

impl Worker {
    /// Hands over what has targets in other workers, then writes to every connection that gets something, once. In this
    /// order: a client that sees its PONG knows that what it published before has left.
    pub(crate) fn flush<W: Wire>(&mut self, wire: &mut W) {
        let mut has_handed_over = false;
        for (worker, crossing) in self.outbox.iter_mut().enumerate() {
            if !crossing.is_empty() {
                wire.hand_over(worker, core::mem::take(crossing));
                has_handed_over = true;
            }
        }
        if has_handed_over {
            self.neighbours.update(self.workers, wire);
        }
        if self.dirty.is_empty() {
            return self.forget_turn();
        }
        // Flushing can end a connection, which puts it into the list again.
        let mut at = 0;
        while let Some(&id) = self.dirty.get(at) {
            self.flush_connection(id, wire);
            at += 1;
        }
        self.dirty.clear();
        self.forget_turn();
    }

    fn forget_turn(&mut self) {
        if self.arena.bytes_len() > 0 || !self.lists.is_empty() {
            self.arena.clear(ARENA_KEEP);
            self.lists.clear(LISTS_KEEP);
            self.has_long_list = false;
            self.kept_last = None;
            self.encodings.clear();
        }
        self.subs.sids.sweep();
    }

    pub(crate) fn flush_connection<W: Wire>(&mut self, id: ConnId, wire: &mut W) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        conn.is_dirty = false;
        let list = core::mem::replace(&mut conn.list, ListId::EMPTY);
        if conn.stage == Stage::Open && conn.head.is_empty() && conn.compressor.is_none() {
            return self.flush_list(id, list, wire);
        }
        let head = core::mem::take(&mut conn.head);
        let is_ending = conn.stage == Stage::Ending;
        let close =
            conn.ending.clone().filter(|_| is_ending && matches!(conn.transport, Transport::WebSocket(_)));
        let bytes = self.own_bytes(id, list, head, close.as_ref());
        if self.write_own(id, bytes, wire).is_err() {
            return self.lose(id, CloseReason::WriteError, wire);
        }
        if is_ending {
            self.finish(id, wire);
        }
    }

    /// Writes a list that may be shared with other connections.
    fn flush_list<W: Wire>(&mut self, id: ConnId, list: ListId, wire: &mut W) {
        if list == ListId::EMPTY {
            return;
        }
        let source = Source { arena: &self.arena, lists: &self.lists, sids: &self.subs.sids };
        let Some(conn) = self.conns.get_mut(id) else { return };
        let encoding = self.encodings.encode(list, conn.dialect, conn.framing, source);
        if let Some(out) = &mut conn.out {
            out.push(self.encodings.keep(encoding), 0, self.now);
            return;
        }
        let bytes = self.encodings.bytes(encoding);
        match write_now(bytes, id, wire) {
            Ok(n) if n == bytes.len() => {}
            Ok(n) => {
                let kept = self.encodings.keep(encoding);
                self.wait(id, kept, n);
            }
            Err(_) => self.lose(id, CloseReason::WriteError, wire),
        }
    }

    /// The bytes of a connection that shares nothing: it says something of its own (HTTP, control frames, its last words), or
    /// has a compression context of its own.
    fn own_bytes(&mut self, id: ConnId, list: ListId, head: Vec<u8>, close: Option<&Ending>) -> Vec<u8> {
        let mut bytes = head;
        if list != ListId::EMPTY
            && let Some(conn) = self.conns.get_mut(id)
        {
            let source = Source { arena: &self.arena, lists: &self.lists, sids: &self.subs.sids };
            if let Some(compressor) = &mut conn.compressor {
                let mut plain = Vec::new();
                self.encodings.encode_plain(list, conn.dialect, source, &mut plain);
                self.encodings.frame(&plain, conn.framing, Some(compressor), &mut bytes);
            } else {
                let encoding = self.encodings.encode(list, conn.dialect, conn.framing, source);
                bytes.extend_from_slice(self.encodings.bytes(encoding));
            }
        }
        if let Some(ending) = close {
            ending.encode_close_frame(&mut bytes);
        }
        bytes
    }

    pub(crate) fn write_own<W: Wire>(&mut self, id: ConnId, bytes: Vec<u8>, wire: &mut W) -> io::Result<()> {
        let Some(conn) = self.conns.get_mut(id) else { return Ok(()) };
        if bytes.is_empty() {
            return Ok(());
        }
        if let Some(out) = &mut conn.out {
            out.push(bytes.into(), 0, self.now);
            return Ok(());
        }
        let n = write_now(&bytes, id, wire)?;
        if n < bytes.len() {
            self.wait(id, bytes.into(), n);
        }
        Ok(())
    }

    /// Lets what the socket did not take wait.
    fn wait(&mut self, id: ConnId, bytes: Arc<[u8]>, written: usize) {
        let (now, attended) = (self.now, self.attended);
        if let Some(conn) = self.conns.get_mut(id) {
            conn.out.get_or_insert_with(|| Box::new(OutQueue::new(attended))).push(bytes, written, now);
        }
        self.arm(id);
    }

    /// Writes what waits for a connection, as far as its socket takes it.
    pub(crate) fn drain<W: Wire>(&mut self, id: ConnId, wire: &mut W) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        let Some(out) = &mut conn.out else { return };
        let before = out.pending();
        let result = out.write(self.attended, |bytes| wire.write(id, bytes));
        if out.end_respite(self.now, out.pending() < before, self.config.pending_max) {
            // Who has waited for it is looked at in this turn.
            self.held_until = self.now;
        }
        match result {
            Ok(true) => {
                conn.out = None;
                if conn.stage == Stage::Draining {
                    self.finish(id, wire);
                } else if conn.backlog.is_some() {
                    self.catch_up(id, wire);
                } else {
                    self.resume_http(id);
                }
            }
            Ok(false) => {}
            Err(_) => self.lose(id, CloseReason::WriteError, wire),
        }
    }

    /// Goes on with the end of a connection whose last words are said, or wait for the socket.
    fn finish<W: Wire>(&mut self, id: ConnId, wire: &mut W) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        if !conn.is_written() {
            conn.stage = Stage::Draining;
            self.linger(id);
        } else if conn.input_ended || !conn.ending.as_ref().is_some_and(Ending::has_listener) {
            self.remove(id, wire);
        } else {
            conn.stage = Stage::Lingering;
            wire.shutdown_write(id);
            self.linger(id);
        }
    }
}

impl Connection {
    fn is_written(&self) -> bool {
        self.out.as_ref().is_none_or(|out| out.is_empty())
    }
}

/// Writes as much as the socket takes now.
fn write_now<W: Wire>(bytes: &[u8], id: ConnId, wire: &mut W) -> io::Result<usize> {
    let mut written = 0;
    while written < bytes.len() {
        match wire.write(id, &bytes[written..]) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => written += n,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(written)
}
