//! A worker and its turn.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use dunlin_auth::{Credentials, Identity};
use dunlin_broker::{Arena, ListId, Lists, RouteCache, Subscriptions};
use dunlin_session::{Capabilities, Client, CloseReason, Dialect, Instant, Peer};
use fastrand::Rng;

use crate::auth::AuthRequest;
use crate::backlog::Kept;
use crate::client_address::Standing;
use crate::connection::{Connection, Connections, Framing, Stage, Traffic, Transport};
use crate::encodings::Encodings;
use crate::ending::Ending;
use crate::inflate::Inflation;
use crate::lame_duck::LameDuck;
use crate::neighbours::{Lag, Neighbours};
use crate::overflow::{Gate, Waiting};
use crate::proxy_header::HEADER_TIMEOUT;
use crate::snapshot::{ClosedSnapshot, Counters};
use crate::timers::Timers;
use crate::tls::Security;
use crate::{Accepted, ConnId, Crossing, Listener, MonitorRequest, Shared, Wire, WorkerConfig};

/// The longest that a connection lives on after its last words were written, in seconds.
const LINGER_S: u64 = 2;

/// A turn whose messages and texts have grown to this many bytes is flushed before it reads on.
const TURN_BYTES_MAX: usize = 1 << 20;
/// A turn with this many distinct delivery lists is flushed before it reads on.
const TURN_LISTS_MAX: usize = 1 << 16;

/// One worker: a set of connections, and what happens to them in turns. See the crate's description.
pub struct Worker {
    pub(crate) index: u8,
    pub(crate) workers: usize,
    pub(crate) config: Arc<WorkerConfig>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) rng: Rng,
    pub(crate) now: Instant,
    pub(crate) turn_began: Instant,
    /// The time in which sockets were looked at.
    pub(crate) attended: Instant,
    pub(crate) wall: u64,

    pub(crate) conns: Connections,
    pub(crate) subs: Subscriptions,
    pub(crate) routes: RouteCache,
    pub(crate) timers: Timers,
    /// Connections whose sessions have an earlier deadline than they had.
    pub(crate) rescheduled: Vec<ConnId>,
    /// Connections that have something to read.
    pub(crate) ready: VecDeque<ConnId>,
    /// Connections that are not read for a while, because their targets are far behind.
    pub(crate) held: Vec<ConnId>,
    /// When the first of them is to be looked at.
    pub(crate) held_until: Instant,
    /// Publishers that wait for targets for which too much waits.
    pub(crate) overflown: Vec<Waiting>,
    /// Connections whose socket takes bytes again.
    writable: Vec<ConnId>,
    inbox: VecDeque<Crossing>,
    pub(crate) lame_duck: Option<LameDuck>,
    pub(crate) neighbours: Neighbours,

    // The turn.
    pub(crate) arena: Arena,
    pub(crate) lists: Lists,
    pub(crate) dirty: Vec<ConnId>,
    /// A list of the turn has grown so long that it should be written before it grows on.
    pub(crate) has_long_list: bool,
    /// The targets of the message under way for which it is too much.
    pub(crate) overflowing: Vec<Weak<Gate>>,
    /// The message of the turn that was kept beyond it last, by its index.
    pub(crate) kept_last: Option<(u32, Kept)>,
    pub(crate) encodings: Encodings,
    pub(crate) inflation: Inflation,
    pub(crate) outbox: Vec<Crossing>,
    /// How many messages have been sent on their way.
    pub(crate) messages: u64,
    pub(crate) read_buffer: Vec<u8>,
    pub(crate) monitor_requests: Vec<MonitorRequest>,
    pub(crate) auth_requests: Vec<AuthRequest>,
    pub(crate) verdicts: Vec<(ConnId, Option<Identity>)>,

    pub(crate) counters: Counters,
    /// The clients that went last, for monitoring.
    pub(crate) closed: VecDeque<ClosedSnapshot>,
}

impl Worker {
    /// A worker without connections: number `index` of `workers`.
    ///
    /// `seed` drives the choices between queue members and the spread of first pings.
    pub fn new(
        index: u8,
        workers: usize,
        config: Arc<WorkerConfig>,
        shared: Arc<Shared>,
        seed: u64,
    ) -> Worker {
        let mut encodings = Encodings::default();
        encodings.set_compression(config.websocket.compression.unwrap_or_default());
        Worker {
            index,
            workers,
            config,
            shared,
            rng: Rng::with_seed(seed),
            now: Instant::default(),
            turn_began: Instant::default(),
            attended: Instant::default(),
            wall: 0,
            conns: Connections::default(),
            subs: Subscriptions::new(index),
            routes: RouteCache::new(workers),
            timers: Timers::default(),
            rescheduled: Vec::new(),
            ready: VecDeque::new(),
            held: Vec::new(),
            held_until: Instant::NEVER,
            overflown: Vec::new(),
            writable: Vec::new(),
            inbox: VecDeque::new(),
            lame_duck: None,
            neighbours: Neighbours::default(),
            arena: Arena::default(),
            lists: Lists::default(),
            dirty: Vec::new(),
            has_long_list: false,
            overflowing: Vec::new(),
            kept_last: None,
            encodings,
            inflation: Inflation::default(),
            messages: 0,
            outbox: (0..workers).map(|_| Crossing::default()).collect(),
            read_buffer: Vec::new(),
            monitor_requests: Vec::new(),
            auth_requests: Vec::new(),
            verdicts: Vec::new(),
            counters: Counters::default(),
            closed: VecDeque::new(),
        }
    }

    /// Takes a connection in. It is greeted in the next turn.
    pub fn open(&mut self, now: Instant, accepted: Accepted) -> ConnId {
        self.now = now;
        let transport = match accepted.listener {
            Listener::Nats => Transport::Raw,
            Listener::WebSocket | Listener::Monitor | Listener::Shared => Transport::Http,
        };
        let policy = self.config.policy(accepted.listener);
        let awaits_proxy_header = policy.is_some_and(|policy| policy.wants_header(accepted.peer.ip()));
        let id = self.conns.insert(|id| Connection {
            id,
            peer: accepted.peer,
            via: None,
            listener: accepted.listener,
            awaits_proxy_header,
            standing: Standing::Uncounted,
            client_id: 0,
            opened: now,
            last_activity: now,
            stage: Stage::Open,
            ending: None,
            deadline: now + HEADER_TIMEOUT,
            armed: Instant::NEVER,
            admitted: false,
            security: Security::Unread,
            tls: None,
            transport,
            raw: Vec::new(),
            carry: Vec::new(),
            session: None,
            is_ready: false,
            is_deferred: false,
            is_finished: false,
            input_ended: false,
            held_until: Instant::default(),
            waits_for_neighbours: false,
            awaits_response: false,
            awaits_verdict: false,
            frame_pings_out: 0,
            capabilities: Capabilities { headers: false, echo: true, no_responders: false },
            dialect: Dialect::Nats,
            framing: Framing::Raw,
            compressor: None,
            inflater: None,
            subscriptions: None,
            subscription_count: 0,
            list: ListId::EMPTY,
            head: Vec::new(),
            is_dirty: false,
            out: None,
            backlog: None,
            traffic: Traffic::default(),
            rates: None,
        });
        if awaits_proxy_header {
            self.arm(id);
        } else {
            self.begin(id);
        }
        id
    }

    /// Starts with what the listener is for, once it is known where the connection comes from.
    pub(crate) fn begin(&mut self, id: ConnId) {
        let now = self.now;
        let Some(conn) = self.conns.get_mut(id) else { return };
        let (security, deadline, greets) = self.config.beginning(conn.listener, now);
        conn.security = security;
        conn.deadline = deadline;
        self.count_at_once(id);
        if greets {
            self.start_nats_client(id);
        }
        self.arm(id);
    }

    /// Starts the session of a client that has not had to ask for it.
    pub(crate) fn start_nats_client(&mut self, id: ConnId) {
        let admission = self.admit_handshake(id);
        self.start_client(id, Credentials::default());
        if let Err(reason) = admission {
            self.end(id, Ending::Session(reason));
        }
    }

    /// Starts the session of a NATS client, whose stream begins now. `presented`: what is known already of who it is.
    pub(crate) fn start_client(&mut self, id: ConnId, presented: Credentials) {
        let certificate = self.certificate(id);
        let presented = Credentials { certificate, ..presented };
        let now = self.now;
        let admitted = self.shared.admit_client(self.config.connections_max);
        let Some(conn) = self.conns.get_mut(id) else { return };
        let limits = self.config.policy(conn.listener).map(|policy| &policy.limits);
        conn.rates = limits.filter(|limits| limits.has_rates()).map(|_| Box::default());
        conn.client_id = self.shared.next_client_id();
        let config = match conn.listener {
            Listener::WebSocket => &self.config.websocket.client,
            Listener::Nats | Listener::Monitor | Listener::Shared => &self.config.client,
        };
        let peer = Peer { client_id: conn.client_id, ip: conn.peer.ip(), jitter: self.rng.u64(..) };
        let client = Client::with_credentials(Arc::clone(config), peer, now, presented);
        conn.session = Some(Box::new(client));
        conn.admitted = admitted;
        self.counters.connections_total += 1;
        tracing::debug!("{} - Client connection created", conn.label());
        self.with_session(id, |session, router| session.handle_open(router));
        if !admitted {
            self.end(id, Ending::Session(CloseReason::MaxConnections));
        }
    }

    /// Says that a connection has something to read. `finished`: the peer will send nothing more.
    ///
    /// The worker reads until a read returns less than it asked for (or, of a finished peer, `Ok(0)`), and has to be told
    /// again when more comes.
    pub fn set_readable(&mut self, id: ConnId, finished: bool) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        conn.is_finished |= finished;
        if !conn.is_ready {
            conn.is_ready = true;
            self.ready.push_back(id);
        }
    }

    /// Says that a connection's socket takes bytes again.
    pub fn set_writable(&mut self, id: ConnId) {
        if self.conns.get_mut(id).is_some_and(|conn| conn.out.is_some()) {
            self.writable.push(id);
        }
    }

    /// Takes messages that another worker has handed over. They are delivered in the next turn.
    pub fn receive(&mut self, crossing: Crossing) {
        self.inbox.push_back(crossing);
    }

    /// When the next turn is due, should nothing happen before.
    pub fn next_deadline(&self) -> Instant {
        let has_work = !self.inbox.is_empty() || !self.dirty.is_empty() || !self.verdicts.is_empty();
        let is_reading = !self.ready.is_empty();
        if has_work || (is_reading && self.neighbours.most() < Lag::FarBehind) {
            return self.now;
        }
        let again = self.held_until.min(self.neighbours.next_look(self.now, is_reading));
        let leave = self.lame_duck.map_or(Instant::NEVER, |lame_duck| lame_duck.next);
        self.timers.next().min(again).min(leave)
    }

    /// One turn: timers, full sockets, messages from other workers, one read of each ready connection, and one write to
    /// each connection that gets something.
    ///
    /// `wall` is the time of day in seconds since 1970, for HTTP dates.
    pub fn turn<W: Wire>(&mut self, now: Instant, wall: u64, wire: &mut W) {
        self.now = now;
        self.wall = wall;
        self.attend();
        self.run_timers(wire);
        self.run_lame_duck();
        for id in core::mem::take(&mut self.writable) {
            self.drain(id, wire);
        }
        while let Some(crossing) = self.inbox.pop_front() {
            self.deliver_crossing(crossing, wire);
        }
        self.handle_verdicts(wire);
        self.release_held();
        self.release_waiting(wire);
        let reads = if self.neighbours.most() == Lag::FarBehind { 0 } else { self.ready.len() };
        for _ in 0..reads {
            let Some(id) = self.ready.pop_front() else { break };
            self.read(id, wire);
            if self.is_full() {
                self.flush(wire);
            }
        }
        self.flush(wire);
        while let Some(id) = self.rescheduled.pop() {
            self.arm(id);
        }
        self.timers.drop_stale(|armed, id| self.conns.find(id).is_none_or(|conn| conn.armed != armed));
    }

    /// The turn holds as much as it may: it is flushed before it goes on.
    pub(crate) fn is_full(&self) -> bool {
        self.has_long_list || self.arena.bytes_len() > TURN_BYTES_MAX || self.lists.len() > TURN_LISTS_MAX
    }

    /// Puts a connection aside that is not to be read yet.
    pub(crate) fn put_aside(&mut self, id: ConnId, until: Instant) {
        self.held_until = self.held_until.min(until);
        self.held.push(id);
    }

    fn release_held(&mut self) {
        if self.held_until > self.now {
            return;
        }
        self.held_until = Instant::NEVER;
        self.release_overflown();
        for id in core::mem::take(&mut self.held) {
            match self.conns.get_mut(id) {
                Some(conn) if conn.held_until > self.now => {
                    let until = conn.held_until;
                    self.put_aside(id, until);
                }
                Some(_) => self.ready.push_back(id),
                None => {}
            }
        }
    }

    fn run_timers<W: Wire>(&mut self, wire: &mut W) {
        while let Some((armed, id)) = self.timers.pop(self.now) {
            let now = self.now;
            let Some(conn) = self.conns.get_mut(id).filter(|conn| conn.armed == armed) else { continue };
            conn.armed = Instant::NEVER;
            let waited = conn.out.as_ref().and_then(|out| out.waiting_since());
            let write_deadline = self.config.write_deadline(conn.listener);
            if conn.next_deadline(write_deadline) > now {
                // It was active since: its deadline has moved.
            } else if conn.deadline <= now {
                self.handle_deadline(id, wire);
            } else if waited.is_some_and(|since| since + write_deadline <= now) {
                self.end(id, Ending::Session(CloseReason::SlowConsumerDeadline));
            } else {
                let is_waiting = conn.waits_for_neighbours && self.neighbours.any_behind();
                let is_held = conn.held_until > now || is_waiting;
                let result = self.with_session(id, |session, router| {
                    if is_held {
                        // That nothing came is the worker's own doing.
                        session.handle_input(now, &[], router)?;
                    }
                    session.handle_timeout(now, router)
                });
                if let Some(Err(reason)) = result {
                    self.end(id, Ending::Session(reason));
                }
            }
            self.arm(id);
        }
    }

    fn handle_deadline<W: Wire>(&mut self, id: ConnId, wire: &mut W) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        let deadline = core::mem::replace(&mut conn.deadline, Instant::NEVER);
        match conn.stage {
            Stage::Open if conn.awaits_proxy_header => self.handle_proxy_header_timeout(id),
            Stage::Open if !conn.is_settled() => self.handle_tls_deadline(id),
            Stage::Open if conn.is_open_websocket() => self.handle_frame_ping_deadline(id, deadline),
            Stage::Open | Stage::Ending => self.handle_http_timeout(id),
            Stage::Draining | Stage::Lingering => self.remove(id, wire),
        }
    }

    /// Sees to it that the worker looks at a connection when its next deadline passes.
    pub(crate) fn arm(&mut self, id: ConnId) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        let deadline = conn.next_deadline(self.config.write_deadline(conn.listener));
        if deadline < conn.armed {
            conn.armed = deadline;
            self.timers.insert(deadline, id);
        }
    }

    /// Ends a connection: its subscriptions go now, its last words go out with the flush.
    pub(crate) fn end(&mut self, id: ConnId, ending: Ending) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        if conn.stage != Stage::Open {
            return;
        }
        tracing::debug!("{} - Client connection closed: {}", conn.label(), ending.text());
        conn.stage = Stage::Ending;
        if let Some(out) = &mut conn.out {
            // Nobody waits for it any more.
            out.respite = None;
        }
        if conn.held_until > self.now {
            // What it still sends is read and dropped.
            conn.held_until = self.now;
            self.held_until = self.now;
        }
        if let Ending::Session(CloseReason::SlowConsumerPending | CloseReason::SlowConsumerDeadline) = ending
        {
            // What the peer did not take is dropped, so that its memory comes back, and it is told why.
            conn.list = ListId::EMPTY;
            if let Some(out) = &mut conn.out {
                out.drop_unbegun();
            }
            conn.backlog = None;
            self.counters.slow_consumers += 1;
            tracing::info!("{} - {}: {} bytes waiting", conn.label(), ending.text(), conn.pending());
        }
        if ending == Ending::Session(CloseReason::StaleConnection) {
            self.counters.stale_connections += 1;
        }
        self.release_backlog(id);
        let Some(conn) = self.conns.get_mut(id) else { return };
        // Not asked of `session`: that one is away while it is the session's own command that ends the connection.
        let text = ending.wire_text().filter(|_| conn.can_be_told());
        conn.ending = Some(ending);
        if core::mem::take(&mut conn.awaits_verdict) {
            // What the peer has sent in the meantime is read and dropped, as always at the end.
            self.set_readable(id, false);
        }
        self.unsubscribe_all(id);
        if let Some(text) = text {
            let mut line = Vec::new();
            dunlin_nats_protocol::encode_err(text, &mut line);
            self.reply(id, &line);
        }
        self.touch(id);
    }

    /// Puts a connection into the list of those to flush.
    pub(crate) fn touch(&mut self, id: ConnId) {
        if let Some(conn) = self.conns.get_mut(id)
            && !conn.is_dirty
        {
            conn.is_dirty = true;
            self.dirty.push(id);
        }
    }

    /// Starts the time that a connection may linger.
    pub(crate) fn linger(&mut self, id: ConnId) {
        let until = self.now + core::time::Duration::from_secs(LINGER_S);
        if let Some(conn) = self.conns.get_mut(id) {
            conn.deadline = until;
        }
        self.arm(id);
    }

    /// Lets go of a connection.
    pub(crate) fn remove<W: Wire>(&mut self, id: ConnId, wire: &mut W) {
        self.unsubscribe_all(id);
        if let Some(mut conn) = self.conns.remove(id) {
            self.remember(&conn);
            self.uncount(&conn);
            if let Some(rates) = &mut conn.rates {
                rates.leave(&self.shared.users);
            }
            if conn.admitted {
                self.shared.dismiss_client();
            }
            wire.close(id);
        }
    }

    /// Ends every connection, because the server stops: clients on WebSocket are told (1001). The caller goes on with
    /// turns until [`Worker::connections`] is 0 or its patience ends.
    pub fn shut_down(&mut self, now: Instant) {
        self.now = now;
        for id in self.conns.ids() {
            self.end(id, Ending::Session(CloseReason::ServerShutdown));
        }
    }

    /// How many connections the worker has.
    pub fn connections(&self) -> usize {
        self.conns.iter().count()
    }
}
