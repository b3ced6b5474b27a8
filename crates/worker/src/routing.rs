//! From commands to delivery lists.

use core::time::Duration;
use std::sync::{Arc, Weak};

use dunlin_auth::Check;
use dunlin_broker::{Item, Message, NewSubscription, Route, Sid, Target};
use dunlin_nats_protocol::encode_no_responders;
use dunlin_session::{Capabilities, CloseReason, Commands, Delivery, Dialect, Session};
use dunlin_subject::Filter;

use crate::connection::Stage;
use crate::crossing::{Origin, Recipients};
use crate::ending::Ending;
use crate::overflow::{Gate, mark};
use crate::{ConnId, Crossing, Wire, Worker};

/// A publisher whose target is far behind is not read for this long. It is looked at anew each time, so a target that
/// never catches up slows it down until the target is cut off, and never stops it for good.
pub(crate) const HOLD_STEP: Duration = Duration::from_millis(5);

/// Carries out the commands of one connection's session.
pub(crate) struct Router<'w> {
    worker: &'w mut Worker,
    id: ConnId,
}

impl Worker {
    /// Calls a connection's session with a [`Router`] for its commands.
    pub(crate) fn with_session<R>(
        &mut self,
        id: ConnId,
        call: impl FnOnce(&mut (dyn Session + Send), &mut Router<'_>) -> R,
    ) -> Option<R> {
        let mut session = self.conns.get_mut(id)?.session.take()?;
        let result = call(&mut *session, &mut Router { worker: self, id });
        // Sessions end connections, but only the turn removes them.
        if let Some(conn) = self.conns.get_mut(id) {
            conn.session = Some(session);
        }
        Some(result)
    }

    /// Appends bytes of the server's own to what a connection gets in this turn.
    pub(crate) fn reply(&mut self, id: ConnId, text: &[u8]) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        if let Some(backlog) = &mut conn.backlog {
            if !backlog.push_text(text, self.config.pending_max) {
                self.end(id, Ending::Session(CloseReason::SlowConsumerPending));
            }
            return;
        }
        let list_len = self.lists.encoded_len(conn.list) + text.len() as u64;
        let conn = if conn.stage != Stage::Open || !conn.is_over(list_len, self.config.pending_max) {
            conn
        } else if self.may_reply(id, list_len) {
            let Some(conn) = self.conns.get_mut(id) else { return };
            conn
        } else {
            return self.end(id, Ending::Session(CloseReason::SlowConsumerPending));
        };
        tracing::trace!("{} - ->> [{}]", conn.label(), text.trim_ascii_end().escape_ascii());
        let item = self.arena.push_text(text);
        conn.list = self.lists.append(conn.list, item, Sid::NONE, text.len());
        self.has_long_list |= list_len > self.config.pending_max as u64 / 2;
        self.touch(id);
    }

    pub(crate) fn unsubscribe_all(&mut self, id: ConnId) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        while let Some(slot) = conn.subscriptions {
            self.subs.remove(slot, &mut conn.subscriptions, &self.shared.interest);
        }
        conn.subscription_count = 0;
    }

    fn end_subscription(&mut self, slot: u32) {
        let Some(conn) = self.conns.at(self.subs.get(slot).conn) else { return };
        self.subs.remove(slot, &mut conn.subscriptions, &self.shared.interest);
        conn.subscription_count -= 1;
    }

    /// Delivers what other workers' connections have published.
    pub(crate) fn deliver_crossing<W: Wire>(&mut self, crossing: Crossing, wire: &mut W) {
        for (id, targets) in crossing.stalled {
            self.hold(id, targets);
        }
        for passage in crossing.passages {
            let message = crossing.messages.message(passage.message);
            let route = &crossing.routes[passage.route as usize];
            let mut sending = self.sending(message, route, passage.origin);
            match passage.to {
                Recipients::Plain => {
                    self.deliver_plain(&mut sending);
                }
                Recipients::Member { group, member, tried } => {
                    self.deliver_to_group(&mut sending, group as usize, member as usize, tried as usize);
                }
            }
            self.report_stall(&sending);
            if self.is_full() {
                self.flush(wire);
            }
        }
    }

    /// Delivers to the plain targets of this worker; returns whether any got it.
    fn deliver_plain(&mut self, sending: &mut Sending<'_>) -> bool {
        let mut delivered = false;
        for &target in sending.route.plain(usize::from(self.index)) {
            delivered |= self.deliver(sending, target);
        }
        delivered
    }

    /// Delivers to one member of a queue group: to `member`, or the next in the ring that can take it. `tried` members
    /// before it could not.
    fn deliver_to_group(
        &mut self,
        sending: &mut Sending<'_>,
        group: usize,
        member: usize,
        tried: usize,
    ) -> bool {
        let route = sending.route;
        let members = route.group(group);
        for step in 0..members.len().saturating_sub(tried) {
            let at = (member + step) % members.len();
            let target = members[at];
            if target.worker() == usize::from(self.index) {
                if self.deliver(sending, target) {
                    return true;
                }
            } else {
                let to = Recipients::Member {
                    group: group as u32,
                    member: at as u32,
                    tried: (tried + step) as u32,
                };
                self.pass_on(sending, target.worker(), to);
                return true;
            }
        }
        false
    }

    fn pass_on(&mut self, sending: &mut Sending<'_>, worker: usize, to: Recipients) {
        let Some(crossing) = self.outbox.get_mut(worker) else { return };
        sending.is_ahead |= self.neighbours.is_behind(worker);
        crossing.push(sending.message, sending.number, sending.route, sending.origin, to);
    }

    #[inline]
    fn sending<'a>(&mut self, message: Message<'a>, route: &'a Arc<Route>, origin: Origin) -> Sending<'a> {
        self.messages += 1;
        let number = self.messages;
        Sending { message, route, origin, stored: None, number, is_stalled: false, is_ahead: false }
    }

    /// Puts a message on the list of one target. `false`: the target is gone, or does not want its own messages.
    #[inline]
    fn deliver(&mut self, sending: &mut Sending<'_>, target: Target) -> bool {
        let Some(sub) = self.subs.target_mut(target) else { return false };
        let Some(conn) = self.conns.at(sub.conn) else { return false };
        let Origin { worker, conn: publisher, echo } = sending.origin;
        let own = worker == self.index && publisher == conn.id;
        if conn.stage != Stage::Open || (own && !echo) {
            return false;
        }
        let stored = match sending.stored {
            Some(stored) => stored,
            None => *sending.stored.insert(Stored::new(self.arena.push(sending.message), sending.message)),
        };
        let headers = conn.capabilities.headers || !stored.has_headers;
        let (len, payload) = if headers { stored.whole } else { stored.headerless };
        let (id, sid) = (conn.id, sub.sid);
        let conn = if conn.out.is_none() {
            conn
        } else if self.keep_back(id, sid, stored.index, headers).is_some() {
            self.count_delivery(target.slot());
            return true;
        } else {
            let Some(conn) = self.conns.at(id.slot) else { return false };
            conn
        };
        let len = len + self.subs.sids.text_len(sid);
        let list = self.lists.append(conn.list, Item::message(stored.index, headers), sid, len);
        let list_len = self.lists.encoded_len(list);
        let conn = if !conn.is_over(list_len, self.config.pending_max) {
            conn
        } else if self.may_overflow(id, list_len, len, own) {
            sending.is_stalled = true;
            let Some(conn) = self.conns.at(id.slot) else { return false };
            conn
        } else {
            self.end(id, Ending::Session(CloseReason::SlowConsumerPending));
            return false;
        };
        self.has_long_list |= list_len > self.config.pending_max as u64 / 2;
        let pending = conn.pending();
        // Nats: a producer is held back while a target has more than three quarters of max_pending waiting.
        sending.is_stalled |= pending > mark(self.config.pending_max);
        tracing::trace!("{} - ->> {}", conn.label(), sending.trace(self.subs.sids.text(&sid)));
        conn.list = list;
        conn.traffic.out_msgs += 1;
        conn.traffic.out_bytes += payload as u64;
        self.counters.out_msgs += 1;
        self.counters.out_bytes += payload as u64;
        if !conn.is_dirty {
            conn.is_dirty = true;
            self.dirty.push(id);
        }
        self.count_delivery(target.slot());
        true
    }

    #[inline]
    fn count_delivery(&mut self, slot: u32) {
        let sub = self.subs.get_mut(slot);
        sub.delivered += 1;
        if sub.max != 0 && sub.delivered >= sub.max {
            self.end_subscription(slot);
        }
    }

    #[inline]
    fn report_stall(&mut self, sending: &Sending<'_>) {
        if sending.is_stalled || sending.is_ahead {
            self.hold_back(sending.origin, sending.is_stalled, sending.is_ahead);
        }
    }

    /// Has a publisher wait whose targets, or whose targets' worker, are behind.
    #[cold]
    fn hold_back(&mut self, origin: Origin, is_stalled: bool, is_ahead: bool) {
        let Origin { worker, conn: id, .. } = origin;
        let targets = core::mem::take(&mut self.overflowing);
        if worker != self.index {
            if is_stalled && let Some(crossing) = self.outbox.get_mut(usize::from(worker)) {
                crossing.stalled.push((id, targets));
            }
            return;
        }
        if is_stalled {
            self.hold(id, targets);
        }
        if is_ahead && let Some(conn) = self.conns.get_mut(id) {
            conn.waits_for_neighbours = true;
        }
    }

    /// Does not read a connection for a while, or while targets of it have a respite.
    fn hold(&mut self, id: ConnId, targets: Vec<Weak<Gate>>) {
        if !targets.is_empty() {
            return self.wait_for_targets(id, targets);
        }
        let until = self.now + HOLD_STEP;
        if let Some(conn) = self.conns.get_mut(id) {
            conn.held_until = conn.held_until.max(until);
        }
    }
}

/// A message on its way to its targets in this worker.
struct Sending<'a> {
    message: Message<'a>,
    route: &'a Arc<Route>,
    origin: Origin,
    /// Where it stands in the arena, once a target wants it.
    stored: Option<Stored>,
    /// Counts the messages that this worker has sent on their way.
    number: u64,
    /// A target is far behind.
    is_stalled: bool,
    /// A worker with targets is behind.
    is_ahead: bool,
}

impl Sending<'_> {
    fn trace(&self, sid: &[u8]) -> impl core::fmt::Display {
        let Message { subject, payload, .. } = self.message;
        format!("[MSG {} {} {}]", subject.escape_ascii(), sid.escape_ascii(), payload.len())
    }
}

/// A message in the arena, with what every delivery of it has in common.
#[derive(Clone, Copy)]
struct Stored {
    index: u32,
    has_headers: bool,
    /// Encoded length but for the sid, and payload length.
    whole: (usize, usize),
    /// The same for subscribers without headers.
    headerless: (usize, usize),
}

impl Stored {
    fn new(index: u32, message: Message<'_>) -> Stored {
        let len = |headers| Dialect::Nats.encoded_len(Delivery { message, headers, sid: b"" });
        let payload = message.payload.len();
        let headerless = payload - message.header_len.unwrap_or(0).min(payload);
        Stored {
            index,
            has_headers: message.header_len.is_some_and(|len| len > 0),
            whole: (len(true), payload),
            headerless: (len(false), headerless),
        }
    }
}

impl Commands for Router<'_> {
    fn trace(&mut self, op: &str) {
        if let Some(conn) = self.worker.conns.get_mut(self.id) {
            tracing::trace!("{} - <<- [{op}]", conn.label());
        }
    }

    fn reply(&mut self, text: &[u8]) {
        self.worker.reply(self.id, text);
    }

    fn authenticate(&mut self, check: Check) {
        self.worker.request_check(self.id, check);
    }

    fn authentication_error(&mut self, claim: Option<&str>) {
        if let Some(conn) = self.worker.conns.get_mut(self.id) {
            let claim = claim.map_or_else(String::new, |claim| format!(" - {claim}"));
            tracing::error!("{} - authentication error{claim}", conn.label());
        }
    }

    fn set_capabilities(&mut self, capabilities: Capabilities) {
        if let Some(conn) = self.worker.conns.get_mut(self.id) {
            conn.capabilities = capabilities;
        }
    }

    fn publish(&mut self, message: Message<'_>) {
        let worker = &mut *self.worker;
        let route = worker.routes.route(message.subject, &worker.shared.interest);
        let bytes = message.payload.len() as u64;
        worker.counters.in_msgs += 1;
        worker.counters.in_bytes += bytes;
        let Some(conn) = worker.conns.get_mut(self.id) else { return };
        conn.traffic.in_msgs += 1;
        conn.traffic.in_bytes += bytes;
        let Capabilities { echo, no_responders, .. } = conn.capabilities;
        let origin = Origin { worker: worker.index, conn: self.id, echo };
        let mut sending = worker.sending(message, &route, origin);
        let mut delivered = worker.deliver_plain(&mut sending);
        for other in 0..worker.workers {
            if other != usize::from(worker.index) && !route.plain(other).is_empty() {
                worker.pass_on(&mut sending, other, Recipients::Plain);
                delivered = true;
            }
        }
        for group in 0..route.groups() {
            let first = worker.rng.usize(..route.group(group).len().max(1));
            delivered |= worker.deliver_to_group(&mut sending, group, first, 0);
        }
        worker.report_stall(&sending);
        if let Some(reply) = message.reply.filter(|_| no_responders && !delivered) {
            self.tell_no_responders(reply, message.subject);
        }
    }

    fn subscribe(&mut self, filter: Filter<'_>, queue: Option<&[u8]>, sid: &[u8]) {
        let worker = &mut *self.worker;
        let Some(conn) = worker.conns.get_mut(self.id) else { return };
        let new = NewSubscription { conn: self.id.slot, filter, queue, sid };
        if worker.subs.add(new, &mut conn.subscriptions, &worker.shared.interest).is_ok() {
            conn.subscription_count += 1;
        }
    }

    fn unsubscribe(&mut self, sid: &[u8], max: Option<u64>) {
        let worker = &mut *self.worker;
        let Some(slot) = worker.subs.find(self.id.slot, sid) else { return };
        let sub = worker.subs.get_mut(slot);
        match max {
            Some(max) if max > sub.delivered => sub.max = max,
            _ => worker.end_subscription(slot),
        }
    }

    fn unsubscribe_all(&mut self) {
        self.worker.unsubscribe_all(self.id);
    }

    fn subscriptions(&self) -> usize {
        self.worker.subscription_count(self.id)
    }

    fn reschedule(&mut self) {
        self.worker.rescheduled.push(self.id);
    }

    fn is_full(&self) -> bool {
        // Once its own commands have ended the connection, the session is to hear no more.
        let is_over = self.worker.conns.find(self.id).is_none_or(|conn| conn.stage != Stage::Open);
        is_over || self.worker.is_full()
    }
}

impl Router<'_> {
    /// Answers a request that nobody got with status 503, on the requester's own subscription to the reply subject.
    fn tell_no_responders(&mut self, reply: &[u8], subject: &[u8]) {
        let worker = &mut *self.worker;
        let route = worker.routes.route(reply, &worker.shared.interest);
        let own = route.plain(usize::from(worker.index)).iter().find_map(|&target| {
            let sub = worker.subs.target_mut(target)?;
            (sub.conn == self.id.slot).then_some(sub.sid)
        });
        let Some(sid) = own else { return };
        let mut text = Vec::new();
        encode_no_responders(reply, worker.subs.sids.text(&sid), subject, &mut text);
        worker.reply(self.id, &text);
    }
}
