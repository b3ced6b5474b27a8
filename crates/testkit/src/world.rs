//! Workers, clients and what is between them.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::sync::Arc;

use dunlin_auth::{ConnectionType, Rules};
use dunlin_nats_protocol::{Info, Limits};
use dunlin_session::{ClientConfig, Instant};
use dunlin_websocket::handshake::{OriginPolicy, Reach};
use dunlin_worker::{
    Accepted, CompressionConfig, CookieNames, Doors, Listener, PeerPolicy, Shared, SlowConsumer,
    WebSocketConfig, Worker, WorkerConfig,
};
use fastrand::Rng;

use crate::check::Reaction;
use crate::clock::Clock;
use crate::failure::{ensure, violated};
use crate::model::{Ending, Model, Moment};
use crate::op::{Message, Op};
use crate::peer::{Farewell, Peer, Phase};
use crate::script::Script;
use crate::wire::{Event, Fault, LinkSettings, Network, WorkerWire};
use crate::{Violation, WebSocketSettings};

/// The server of a simulation, and how its world behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How many workers there are, 1 or more.
    pub workers: usize,
    /// nats: `max_pending`
    pub pending_max: usize,
    /// nats: `write_deadline`
    pub write_deadline: Duration,
    /// nats: `ping_interval`
    pub ping_interval: Duration,
    /// nats: `ping_max`
    pub pings_out_max: u32,
    /// nats: `max_connections`
    pub connections_max: usize,
    /// nats: `max_subscriptions`
    pub subscriptions_max: usize,
    /// nats: websocket `handshake_timeout`
    pub handshake_timeout: Duration,
    /// What becomes of clients that do not read.
    pub slow_consumer: SlowConsumer,
    /// What is agreed with clients that offer compression.
    pub compression: Option<CompressionConfig>,
    /// How all peers are treated.
    pub peers: PeerPolicy,
    /// With so many batches of messages on their way to another worker, a worker is told to read no more, and with half as many
    /// to hold back who publishes to that one.
    pub backlog_max: usize,
    /// What goes wrong on purpose: which fault, and after how many occasions.
    pub fault: Option<(Fault, u32)>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            workers: 1,
            pending_max: 64 << 20,
            write_deadline: Duration::from_secs(3600),
            ping_interval: Duration::from_secs(120),
            pings_out_max: 2,
            connections_max: 1000,
            subscriptions_max: 0,
            handshake_timeout: Duration::from_secs(60),
            slow_consumer: SlowConsumer::Disconnect,
            compression: Some(CompressionConfig::default()),
            peers: PeerPolicy::default(),
            backlog_max: usize::MAX,
            fault: None,
        }
    }
}

impl Settings {
    fn worker_config(&self) -> WorkerConfig {
        let client = Arc::new(ClientConfig {
            limits: Limits::default(),
            subscriptions_max: self.subscriptions_max,
            subscription_tokens_max: None,
            ping_interval: self.ping_interval,
            pings_out_max: self.pings_out_max,
            auth: Rules::open(),
            auth_timeout: Duration::from_secs(2),
            connection: ConnectionType::Standard,
            info: Info { headers: true, max_payload: 1 << 20, version: "2.15.0".into(), ..Info::default() },
        });
        let websocket = WebSocketConfig {
            client: Arc::clone(&client),
            cookies: CookieNames::default(),
            handshake_timeout: self.handshake_timeout,
            headers: vec![("X-Test".into(), "yes".into())],
            compression: self.compression,
            origins: OriginPolicy::default(),
            reach: Reach::default(),
            no_masking: true,
            frame_ping_interval: None,
            tls: None,
            slow_consumer: self.slow_consumer,
            peers: self.peers.clone(),
        };
        WorkerConfig {
            client,
            websocket,
            tls: None,
            monitor_tls: None,
            peers: self.peers.clone(),
            pending_max: self.pending_max,
            write_deadline: self.write_deadline,
            slow_consumer: self.slow_consumer,
            connections_max: self.connections_max,
            closed_max: 10,
            doors: Doors::default(),
        }
    }
}

/// Something goes on for longer than it can: more rounds than this are needed to come to rest.
const ROUNDS_MAX: usize = 20_000;

/// A server and its clients.
pub struct World {
    pub(crate) clock: Clock,
    pub(crate) rng: Rng,
    shared: Arc<Shared>,
    pub(crate) workers: Vec<Worker>,
    /// Something has happened that the worker has to look at.
    awake: Vec<bool>,
    crossings_are_held: bool,
    pub(crate) network: Network,
    pub(crate) peers: Vec<Peer>,
    pub(crate) model: Model,
    turns: u64,
    /// What happened, if somebody wants to read it.
    pub(crate) trace: Option<Vec<String>>,
}

macro_rules! note {
    ($world:expr, $($arg:tt)*) => {
        if let Some(trace) = &mut $world.trace {
            let at = $world.clock.now().as_nanos();
            trace.push(format!("{at:>12} {}", format_args!($($arg)*)));
        }
    };
}

impl World {
    /// A server without clients. Everything that happens follows from the seed.
    pub fn new(seed: u64, settings: &Settings) -> World {
        let mut rng = Rng::with_seed(seed);
        let shared = Arc::new(Shared::with_seed(rng.u64(..)));
        let config = Arc::new(settings.worker_config());
        let worker = |index| {
            let seed = rng.u64(..);
            Worker::new(index as u8, settings.workers, Arc::clone(&config), Arc::clone(&shared), seed)
        };
        let workers = (0..settings.workers).map(worker).collect();
        World {
            clock: Clock::default(),
            shared,
            workers,
            awake: vec![false; settings.workers],
            crossings_are_held: false,
            network: Network::new(settings.workers, settings.backlog_max, rng.fork(), settings.fault),
            peers: Vec::new(),
            model: Model::new(settings.subscriptions_max),
            turns: 0,
            trace: None,
            rng,
        }
    }

    /// From now on keeps a line for everything that happens.
    pub fn keep_trace(&mut self) {
        self.trace = Some(Vec::new());
    }

    /// What has happened since [`World::keep_trace`].
    pub fn trace(&self) -> &[String] {
        self.trace.as_deref().unwrap_or_default()
    }

    /// Connects a client, and returns its number.
    pub fn connect(
        &mut self,
        worker: usize,
        websocket: Option<WebSocketSettings>,
        link: LinkSettings,
    ) -> Result<usize, Violation> {
        let listener = if websocket.is_some() { Listener::WebSocket } else { Listener::Nats };
        let client = self.accept(worker, listener, link);
        note!(self, "client {client} connects to worker {worker}: {websocket:?} {link:?}");
        self.peers.push(Peer::new(client, websocket, Script::silent(client), &mut self.rng)?);
        Ok(client)
    }

    /// Connects somebody to the WebSocket listener who sends what [`World::send_bytes`] is given.
    pub fn connect_stranger(&mut self, worker: usize) -> usize {
        let client = self.accept(worker, Listener::WebSocket, LinkSettings::default());
        let at = self.moment(worker);
        self.model.lose(client, &at);
        self.network.links[client].may_abandon = true;
        self.peers.push(Peer::stranger(client));
        client
    }

    fn accept(&mut self, worker: usize, listener: Listener, link: LinkSettings) -> usize {
        let client = self.peers.len();
        let peer = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 10_000 + client as u16);
        let conn = self.workers[worker].open(self.clock.now(), Accepted { listener, peer });
        self.network.connect(worker, conn, link);
        self.model.connect(worker);
        self.awake[worker] = true;
        client
    }

    /// Puts bytes that are no op into what a client writes. The model knows nothing of them.
    pub fn send_bytes(&mut self, client: usize, bytes: &[u8]) {
        self.peers[client].push(bytes);
    }

    /// What a stranger has got, and whether the stream has ended.
    pub fn heard(&self, client: usize) -> (&[u8], bool) {
        (self.peers[client].heard(), self.peers[client].phase == Phase::Over)
    }

    /// A message of a client's, to be sent with [`Op::Publish`]. Its payload is the message's tag and as many bytes as asked
    /// for.
    pub fn message(&mut self, publisher: usize, subject: &str, reply: Option<&str>, filler: usize) -> Op {
        let id = self.model.messages.len() as u64;
        let mut payload = crate::op::tag(id);
        payload.push(b' ');
        payload.resize(payload.len() + filler, b'x');
        let (subject, reply) = (subject.into(), reply.map(Into::into));
        self.model.messages.push(Message { publisher, subject, reply, header_len: None, payload });
        Op::Publish(id)
    }

    /// Puts ops into a client's stream.
    pub fn submit(&mut self, client: usize, ops: &[Op]) {
        for op in ops {
            note!(self, "client {client} says {}", op.describe(&self.model.messages));
        }
        self.peers[client].submit(ops, &mut self.model, &mut self.rng);
    }

    /// Ends a client's connection.
    pub fn leave(&mut self, client: usize, farewell: Farewell, abruptly: bool) {
        note!(self, "client {client} leaves: {farewell:?}, abruptly: {abruptly}");
        if farewell == Farewell::Cut {
            let at = self.moment(self.network.links[client].worker);
            self.model.lose(client, &at);
            self.network.links[client].cut();
            self.peers[client].script.over = true;
        } else {
            self.peers[client].leave(farewell, abruptly, &mut self.model, &mut self.rng);
        }
    }

    /// From now on a client does not read.
    pub fn pause(&mut self, client: usize) {
        self.peers[client].paused = true;
    }

    /// A client reads again.
    pub fn resume(&mut self, client: usize) {
        self.peers[client].paused = false;
    }

    /// From now on a client does not answer PING.
    pub fn mute(&mut self, client: usize) {
        self.peers[client].mute = true;
    }

    /// From now on the server may end a client with this `-ERR` and a close frame of this code, may drop what it has not
    /// taken, and may let go of it.
    pub fn expect_end(&mut self, client: usize, text: Option<&'static str>, close_code: u16) {
        let at = self.moment(self.network.links[client].worker);
        self.model.allow_end(client, Ending { text, close_code: Some(close_code) }, &at);
        self.network.links[client].may_abandon = true;
    }

    /// Whether a client's stream from the server has ended, with its last words.
    pub fn has_ended(&self, client: usize) -> bool {
        self.peers[client].phase == Phase::Over && self.model.conns[client].has_ended
    }

    /// How many messages a client has got.
    pub fn received(&self, client: usize) -> u64 {
        self.model.subs.iter().filter(|sub| sub.client == client).map(|sub| sub.received).sum()
    }

    /// The time.
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// A worker.
    pub fn worker(&self, worker: usize) -> &Worker {
        &self.workers[worker]
    }

    /// When a worker has to take its turn, should nothing happen before.
    pub fn next_deadline(&self) -> Instant {
        self.workers.iter().map(Worker::next_deadline).min().unwrap_or(Instant::NEVER)
    }

    /// Stops the server: every client is told.
    pub fn shut_down(&mut self) {
        note!(self, "the server shuts down");
        for worker in 0..self.workers.len() {
            self.workers[worker].shut_down(self.clock.now());
            self.awake[worker] = true;
        }
        for client in 0..self.peers.len() {
            let at = self.moment(self.network.links[client].worker);
            self.model.end(client, Ending { text: None, close_code: Some(1001) }, &at);
        }
    }

    /// Stops the server without haste: clients are told, and sent away one by one (nats: lame duck mode).
    pub fn start_lame_duck(&mut self, grace: Duration, duration: Duration) {
        note!(self, "the server becomes a lame duck");
        for worker in 0..self.workers.len() {
            self.workers[worker].start_lame_duck(self.clock.now(), grace, duration);
            self.awake[worker] = true;
        }
    }

    fn moment(&self, worker: usize) -> Moment {
        let workers = 0..self.workers.len();
        let settled =
            workers.map(|from| self.network.oldest_crossing(from, worker).min(self.turns)).collect();
        Moment { turn: self.turns, settled }
    }

    /// A client writes what it has, up to `max` bytes.
    pub(crate) fn write(&mut self, client: usize, max: usize) -> usize {
        self.peers[client].write(max, &mut self.network.links[client])
    }

    /// A client reads up to `max` bytes, and reacts.
    pub(crate) fn read(&mut self, client: usize, max: usize) -> Result<usize, Violation> {
        let peer = &mut self.peers[client];
        if peer.paused {
            return Ok(0);
        }
        let (n, reactions) = peer.read(max, &mut self.network.links[client], &mut self.model)?;
        for reaction in reactions {
            match reaction {
                Reaction::Pong if !self.peers[client].mute => self.submit(client, &[Op::Pong]),
                Reaction::Answer(id) => self.answer(client, id),
                Reaction::None | Reaction::Pong => {}
            }
        }
        Ok(n)
    }

    fn answer(&mut self, client: usize, id: u64) {
        let script = &mut self.peers[client].script;
        if script.over || self.rng.u32(..100) >= script.answering {
            return;
        }
        let Some(reply) = self.model.messages[id as usize].reply.clone() else { return };
        let op = script.answer(&reply, &mut self.model.messages, &mut self.rng);
        self.submit(client, &[op]);
    }

    /// Lets messages between workers wait, or cross again.
    pub fn hold_crossings(&mut self, held: bool) {
        self.crossings_are_held = held;
    }

    /// Hands the next batch of messages from one worker over to another.
    pub(crate) fn cross(&mut self, from: usize, to: usize) -> bool {
        if self.crossings_are_held {
            return false;
        }
        let Some(crossing) = self.network.take_crossing(from, to) else { return false };
        note!(self, "messages cross from worker {from} to {to}: about {} bytes", crossing.bytes_len());
        self.workers[to].receive(crossing);
        self.awake[to] = true;
        true
    }

    /// Tells a worker what epoll would. Each piece of news waits with one chance in `late`; 0: none waits.
    pub(crate) fn tell(&mut self, worker: usize, late: u32) {
        for client in 0..self.network.links.len() {
            if self.network.links[client].worker != worker || (late > 0 && self.rng.u32(..late) == 0) {
                continue;
            }
            if let Some((conn, finished)) = self.network.tell_readable(client) {
                self.workers[worker].set_readable(conn, finished);
                self.awake[worker] = true;
            }
            if let Some(conn) = self.network.tell_writable(client) {
                self.workers[worker].set_writable(conn);
                self.awake[worker] = true;
            }
        }
    }

    /// Whether the worker has a reason to take its turn.
    pub(crate) fn is_awake(&self, worker: usize) -> bool {
        self.awake[worker] || self.workers[worker].next_deadline() <= self.clock.now()
    }

    /// A worker takes its turn.
    pub(crate) fn turn(&mut self, worker: usize) -> Result<(), Violation> {
        self.turns += 1;
        self.network.turn = self.turns;
        self.network.now = self.clock.now();
        self.awake[worker] = false;
        let mut wire = WorkerWire { network: &mut self.network, worker };
        self.workers[worker].turn(self.clock.now(), self.clock.wall(), &mut wire);
        if let Some(broken) = self.network.broken.first() {
            violated!("{broken}");
        }
        let at = self.moment(worker);
        for event in core::mem::take(&mut self.network.events) {
            note!(self, "turn {} of worker {worker}: {event:?}", self.turns);
            match event {
                Event::Read { client, total } => self.model.handle_read(client, total, &at),
                Event::Eof { client } => self.model.handle_eof(client, &at),
                Event::Close { client } => self.model.handle_close(client, &at),
            }
        }
        Ok(())
    }

    /// Lets everything happen that happens without time passing. Reads that a worker holds back for some milliseconds are left.
    pub fn settle(&mut self) -> Result<(), Violation> {
        for _ in 0..ROUNDS_MAX {
            let mut progress = false;
            for client in 0..self.peers.len() {
                let max = if self.rng.u8(..4) == 0 { self.rng.usize(1..2000) } else { usize::MAX };
                progress |= self.write(client, max) + self.read(client, max)? > 0;
            }
            for (from, to) in self.pairs() {
                while self.cross(from, to) {
                    progress = true;
                }
            }
            for worker in 0..self.workers.len() {
                self.tell(worker, 0);
                if self.is_awake(worker) {
                    self.turn(worker)?;
                    progress = true;
                }
            }
            if !progress {
                return Ok(());
            }
        }
        violated!("it does not come to rest")
    }

    pub(crate) fn pairs(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let workers = self.workers.len();
        (0..workers).flat_map(move |from| (0..workers).map(move |to| (from, to)))
    }

    fn check_rest(&self) -> Result<(), Violation> {
        for peer in self.peers.iter().filter(|peer| !peer.paused) {
            peer.check_rest()?;
        }
        Ok(())
    }

    /// Lets time pass, and everything happen that falls due, deadline by deadline.
    pub fn pass(&mut self, time: Duration) -> Result<(), Violation> {
        let until = self.clock.now() + time;
        self.settle()?;
        while self.next_deadline() <= until {
            self.clock.advance_to(self.next_deadline());
            self.settle()?;
        }
        self.clock.advance_to(until);
        self.settle()
    }

    /// At rest: everybody has got what they had to get, and the server knows nobody it need not know.
    pub fn check_complete(&self) -> Result<(), Violation> {
        self.check_rest()?;
        self.model.check_complete()?;
        let (has, (least, most)) = (self.shared.interest.len(), self.model.live_subs());
        ensure!(has >= least && has <= most, "the server has {has} subscriptions, not {least} to {most}");
        Ok(())
    }

    /// All clients leave, each in its own way; then nothing may be left of them.
    pub fn tear_down(&mut self) -> Result<(), Violation> {
        for client in 0..self.peers.len() {
            self.peers[client].paused = false;
            if !self.network.links[client].is_finished() && !self.network.links[client].is_cut() {
                let farewell = match self.rng.u8(..3) {
                    0 => Farewell::Cut,
                    1 => Farewell::CloseFrame(Some(1000)),
                    _ => Farewell::HalfClose,
                };
                let abruptly = self.rng.bool();
                self.leave(client, farewell, abruptly);
            }
        }
        // Publishers that are held back take a moment to be noticed.
        self.pass(Duration::from_millis(10))?;
        self.check_empty()
    }

    /// After all clients have left: the server has forgotten them.
    pub fn check_empty(&mut self) -> Result<(), Violation> {
        for (index, worker) in self.workers.iter().enumerate() {
            let left = worker.connections();
            ensure!(left == 0, "worker {index} has {left} connections after all clients have left");
        }
        ensure!(self.shared.interest.is_empty(), "the interest is not empty after all clients have left");
        // Deadlines of those who have left may still stand; they have to come to nothing.
        for _ in 0..ROUNDS_MAX {
            let next = self.next_deadline();
            if next == Instant::NEVER {
                return Ok(());
            }
            self.clock.advance_to(next);
            for worker in 0..self.workers.len() {
                self.turn(worker)?;
            }
        }
        violated!("the workers have deadlines after all clients have left")
    }

    /// A number that two runs of the same seed have in common.
    pub fn digest(&self) -> u64 {
        self.peers.iter().fold(self.turns, |digest, peer| digest.rotate_left(7) ^ peer.digest)
    }
}

pub(crate) use note;
