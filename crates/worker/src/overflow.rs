//! Targets for which more waits than `max_pending`, and that take it: they get a respite, and their publishers wait.
//!
//! How much waits for a socket says little of its reader where one message may be as long as `max_pending`, or several
//! publishers have one under way. What tells is that the socket takes bytes, and how fast.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::sync::{Arc, Weak};

use dunlin_session::Instant;

use crate::connection::{Connection, Stage};
use crate::out_queue::OutQueue;
use crate::routing::HOLD_STEP;
use crate::{ConnId, Worker};

/// A socket that has taken nothing for this long has no reader. Less would blame readers for a busy machine.
const IDLE_MAX: Duration = Duration::from_millis(250);

/// What a respite lasts besides the time that the bytes need: a client may pause, or its machine be busy.
const PAUSE_MAX: Duration = Duration::from_millis(500);

/// So much of a turn counts for that at most: during a turn, no socket is asked whether it takes bytes again.
const TURN_MAX: Duration = Duration::from_millis(20);

/// What is too much has to go at this rate, in bytes for each [`HOLD_STEP`]: half of that to which publishers are slowed before
/// it comes to that, since a reader that unmasks, inflates or decrypts on a busy machine does not do more.
const STEP_BYTES: u64 = 32 << 10;

/// Until when publishers wait for a target that has a respite, in whichever worker they are. It belongs to the target, and ends
/// with it.
#[derive(Debug)]
pub(crate) struct Gate(AtomicU64);

impl Gate {
    fn is_closed(&self, now: Instant) -> bool {
        Instant::from_nanos(self.0.load(Ordering::Relaxed)) > now
    }
}

/// A target may have more waiting than `max_pending`.
pub(crate) struct Respite {
    /// Until then.
    end: Instant,
    gate: Arc<Gate>,
}

impl Respite {
    /// The target takes bytes, or may be about to: its publishers wait a little more.
    fn go_on(&self, now: Instant) {
        let until = self.end.min(now + IDLE_MAX);
        self.gate.0.store(until.as_nanos(), Ordering::Relaxed);
    }
}

/// A publisher that is not read while its targets have a respite.
pub(crate) struct Waiting {
    publisher: ConnId,
    targets: Vec<Weak<Gate>>,
    /// Until when it would not be read otherwise.
    held_until: Instant,
}

/// More than so much has to go before a target has caught up (nats: a producer is held back above it).
pub(crate) fn mark(pending_max: usize) -> usize {
    pending_max / 4 * 3
}

/// The time in which a target takes `bytes`, at least.
fn time_for(bytes: u64) -> Duration {
    let step = u64::try_from(HOLD_STEP.as_nanos()).unwrap_or(u64::MAX);
    Duration::from_nanos(bytes.saturating_mul(step) / STEP_BYTES)
}

impl OutQueue {
    /// Asks for the respite of a connection for which `excess` bytes wait above the mark, the last `len` of which have just
    /// come. `None`: its time is over.
    fn respite(&mut self, now: Instant, excess: u64, len: usize) -> Option<Weak<Gate>> {
        let end = match &self.respite {
            None => now + PAUSE_MAX + time_for(excess),
            Some(respite) if respite.end <= now => return None,
            Some(respite) => respite.end + time_for(len as u64),
        };
        let new = || Respite { end, gate: Arc::new(Gate(AtomicU64::new(0))) };
        let respite = self.respite.get_or_insert_with(new);
        respite.end = end;
        respite.go_on(now);
        Some(Arc::downgrade(&respite.gate))
    }

    /// Whether more may wait than `max_pending` at the moment.
    pub(crate) fn has_respite(&self, now: Instant) -> bool {
        self.respite.as_ref().is_some_and(|respite| respite.end > now)
    }

    /// The socket was asked to take what waits. `true`: the connection has caught up, and needs its respite no longer.
    pub(crate) fn end_respite(&mut self, now: Instant, has_taken: bool, pending_max: usize) -> bool {
        if self.pending() <= mark(pending_max) {
            return self.respite.take().is_some();
        }
        if let Some(respite) = self.respite.as_ref().filter(|_| has_taken) {
            respite.go_on(now);
        }
        false
    }
}

impl Worker {
    /// Whether a message of `len` bytes may be put on the list of a connection although that is too much with it. Its
    /// publisher has to wait then. `own`: that is the connection itself.
    #[cold]
    pub(crate) fn may_overflow(&mut self, id: ConnId, list_len: u64, len: usize, own: bool) -> bool {
        let is_short = len <= self.config.pending_max - mark(self.config.pending_max);
        let out = self.conns.find(id).and_then(|conn| conn.out.as_ref());
        if own && is_short && !out.is_some_and(|out| out.has_respite(self.now)) {
            // It was slowed before it came to that, and nobody else is to blame.
            return false;
        }
        let Some(gate) = self.respite(id, list_len, len) else { return false };
        if !self.overflowing.last().is_some_and(|last| last.ptr_eq(&gate)) {
            self.overflowing.push(gate);
        }
        true
    }

    /// The same for words of the server's own. Most are answers, so it is the connection itself that waits: one that asks
    /// faster than it reads gets no more time for that.
    #[cold]
    pub(crate) fn may_reply(&mut self, id: ConnId, list_len: u64) -> bool {
        let Some(gate) = self.respite(id, list_len, 0) else { return false };
        self.wait_for_targets(id, vec![gate]);
        true
    }

    fn respite(&mut self, id: ConnId, list_len: u64, len: usize) -> Option<Weak<Gate>> {
        let out = self.conns.get_mut(id)?.out.as_mut()?;
        if self.attended - out.last_taken > IDLE_MAX {
            return None;
        }
        let excess = (out.pending() as u64 + list_len).saturating_sub(mark(self.config.pending_max) as u64);
        out.respite(self.now, excess, len)
    }

    /// Counts the time since the last turn began as time in which the sockets were looked at.
    pub(crate) fn attend(&mut self) {
        let passed = self.now - core::mem::replace(&mut self.turn_began, self.now);
        self.attended = self.attended + passed.min(TURN_MAX);
    }

    /// Has a publisher wait until its targets have caught up, or gone, or had their time.
    pub(crate) fn wait_for_targets(&mut self, publisher: ConnId, targets: Vec<Weak<Gate>>) {
        let open = |conn: &&mut Connection| conn.stage == Stage::Open;
        let Some(conn) = self.conns.get_mut(publisher).filter(open) else { return };
        if let Some(waiting) = self.overflown.iter_mut().find(|waiting| waiting.publisher == publisher) {
            return waiting.targets.extend(targets);
        }
        let held_until = core::mem::replace(&mut conn.held_until, Instant::NEVER);
        self.overflown.push(Waiting { publisher, targets, held_until });
        self.held_until = self.held_until.min(self.now + HOLD_STEP);
    }

    /// Lets publishers go on that need not wait for their targets any more.
    pub(crate) fn release_overflown(&mut self) {
        let now = self.now;
        let (overflown, conns) = (&mut self.overflown, &mut self.conns);
        overflown.retain_mut(|waiting| {
            waiting.targets.retain(|target| target.upgrade().is_some_and(|gate| gate.is_closed(now)));
            if !waiting.targets.is_empty() {
                return true;
            }
            if let Some(conn) = conns.get_mut(waiting.publisher)
                && conn.held_until == Instant::NEVER
            {
                conn.held_until = waiting.held_until;
            }
            false
        });
        if !self.overflown.is_empty() {
            self.held_until = self.held_until.min(now + HOLD_STEP);
        }
    }
}
