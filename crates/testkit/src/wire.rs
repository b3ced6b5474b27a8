//! The world between clients and workers: pipes that take and give a little at a time.

use std::collections::{BTreeMap, VecDeque};
use std::io;

use dunlin_session::Instant;
use dunlin_worker::{ConnId, Crossing, Lag, Wire};
use fastrand::Rng;

/// How a connection behaves.
#[derive(Clone, Copy, Debug)]
pub struct LinkSettings {
    /// The most bytes that the server has written and the client has not read.
    pub capacity: usize,
    /// One of so many reads and writes of the server moves fewer bytes than it could; 0: none.
    pub short_one_in: u32,
}

impl Default for LinkSettings {
    fn default() -> LinkSettings {
        LinkSettings { capacity: usize::MAX, short_one_in: 0 }
    }
}

/// A fault of the simulated world itself. A test plants one to see that the invariants can fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Bytes that the server writes vanish.
    DropWrite,
    /// Bytes that the server writes arrive twice.
    DuplicateWrite,
    /// A batch of messages between workers vanishes.
    DropCrossing,
    /// Two batches of messages between the same workers change places.
    SwapCrossings,
    /// A worker is not told that there is something to read.
    ForgetReadable,
    /// A worker is not told that a full pipe takes bytes again.
    ForgetWritable,
    /// One bit of what the server writes is turned over.
    FlipBit,
}

/// What a worker did in its turn, in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Event {
    /// It has read this many bytes of a client's since the connection began.
    Read { client: usize, total: u64 },
    /// It has seen the end of a client's bytes.
    Eof { client: usize },
    /// It has let go of a connection.
    Close { client: usize },
}

/// The two pipes of a connection.
pub(crate) struct Link {
    pub worker: usize,
    pub conn: ConnId,
    settings: LinkSettings,
    /// Written by the client, not read by the server.
    inbound: VecDeque<u8>,
    read_total: u64,
    /// The client writes no more.
    finished: bool,
    /// Written by the server, not read by the client.
    outbound: VecDeque<u8>,
    /// When the server said that it writes no more.
    shut_down: Option<Instant>,
    /// The network has cut the connection.
    cut: bool,
    /// The server has let go.
    closed: bool,
    /// The server has let go before either side has finished.
    abandoned: bool,
    /// Closed with unread input: what was on its way to the client is lost, as with a TCP reset.
    reset: bool,
    /// The server may give up before the client has finished: it is slow or silent on purpose.
    pub may_abandon: bool,

    // What epoll remembers (edge-triggered).
    /// The server's last read was told that there is no more, so new bytes are news.
    drained: bool,
    told_finished: bool,
    told_cut: bool,
    /// The server's last write was told that the pipe is full.
    blocked: bool,
}

/// What a client finds when it reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Readout {
    /// Nothing now.
    Nothing,
    /// So many bytes.
    Bytes(usize),
    /// The server has ended the stream.
    End,
    /// The connection is broken.
    Reset,
}

impl Link {
    /// Bytes of the client arrive at the server's socket.
    pub(crate) fn send(&mut self, bytes: impl IntoIterator<Item = u8>) {
        if !self.closed && !self.cut {
            self.inbound.extend(bytes);
        }
    }

    /// The client writes no more; it can still read.
    pub(crate) fn finish(&mut self) {
        self.finished = true;
    }

    /// The network drops the connection, with all that is on its way.
    pub(crate) fn cut(&mut self) {
        self.cut = true;
        self.inbound.clear();
        self.outbound.clear();
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.cut
    }

    /// The server has let go without saying that it writes no more.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.abandoned
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.finished
    }

    /// The client reads up to `max` bytes.
    pub(crate) fn receive(&mut self, max: usize, into: &mut Vec<u8>) -> Readout {
        let n = self.outbound.len().min(max);
        if n > 0 {
            into.extend(self.outbound.drain(..n));
            return Readout::Bytes(n);
        }
        match () {
            () if self.reset || self.cut => Readout::Reset,
            () if self.outbound.is_empty() && (self.closed || self.shut_down.is_some()) => Readout::End,
            () => Readout::Nothing,
        }
    }

    fn has_news(&self) -> bool {
        let fin = self.finished && !self.told_finished;
        let cut = self.cut && !self.told_cut;
        !self.closed && (fin || cut || (self.drained && !self.told_finished && !self.inbound.is_empty()))
    }

    fn takes_again(&self) -> bool {
        !self.closed && self.blocked && (self.cut || self.outbound.len() < self.settings.capacity)
    }
}

/// All connections, and the messages between workers.
pub(crate) struct Network {
    pub(crate) links: Vec<Link>,
    by_conn: BTreeMap<(usize, ConnId), usize>,
    /// `crossings[from][to]`: batches on their way, each with the turn that it left in.
    crossings: Vec<Vec<VecDeque<(u64, Crossing)>>>,
    pub(crate) events: Vec<Event>,
    /// Rules of [`Wire`] that a worker broke.
    pub(crate) broken: Vec<String>,
    rng: Rng,
    fault: Option<(Fault, u32)>,
    /// With so many batches on their way from it, a worker is told to read no more; with half as many, less.
    backlog_max: usize,
    pub(crate) now: Instant,
    pub(crate) turn: u64,
}

impl Network {
    /// A network of `workers`. The fault strikes at its `n`th occasion.
    pub(crate) fn new(workers: usize, backlog_max: usize, rng: Rng, fault: Option<(Fault, u32)>) -> Network {
        let queues = || (0..workers).map(|_| VecDeque::new()).collect();
        Network {
            links: Vec::new(),
            by_conn: BTreeMap::new(),
            crossings: (0..workers).map(|_| queues()).collect(),
            events: Vec::new(),
            broken: Vec::new(),
            rng,
            fault,
            backlog_max,
            now: Instant::default(),
            turn: 0,
        }
    }

    /// Adds the pipes of a connection. Clients are numbered in the order of their coming.
    pub(crate) fn connect(&mut self, worker: usize, conn: ConnId, settings: LinkSettings) -> usize {
        let client = self.links.len();
        self.links.push(Link {
            worker,
            conn,
            settings,
            inbound: VecDeque::new(),
            read_total: 0,
            finished: false,
            outbound: VecDeque::new(),
            shut_down: None,
            cut: false,
            closed: false,
            abandoned: false,
            reset: false,
            may_abandon: false,
            drained: true,
            told_finished: false,
            told_cut: false,
            blocked: false,
        });
        if self.by_conn.insert((worker, conn), client).is_some() {
            self.broken.push(format!("worker {worker} used {conn:?} twice"));
        }
        client
    }

    /// The next batch from one worker to another.
    pub(crate) fn take_crossing(&mut self, from: usize, to: usize) -> Option<Crossing> {
        let queue = &mut self.crossings[from][to];
        if queue.len() > 1 && strike(&mut self.fault, Fault::SwapCrossings) {
            queue.swap(0, 1);
        }
        let crossing = queue.pop_front().map(|(_, crossing)| crossing);
        if crossing.is_some() && strike(&mut self.fault, Fault::DropCrossing) {
            return None;
        }
        crossing
    }

    /// The turn in which the oldest batch from one worker to another left that has not been handed over.
    pub(crate) fn oldest_crossing(&self, from: usize, to: usize) -> u64 {
        self.crossings[from][to].front().map_or(u64::MAX, |(turn, _)| *turn)
    }

    /// What epoll would tell a worker of a client now: (readable, finished).
    pub(crate) fn tell_readable(&mut self, client: usize) -> Option<(ConnId, bool)> {
        let link = &mut self.links[client];
        if !link.has_news() {
            return None;
        }
        link.drained = false;
        link.told_finished |= link.finished;
        link.told_cut |= link.cut;
        let told = (link.conn, link.finished || link.cut);
        (!strike(&mut self.fault, Fault::ForgetReadable)).then_some(told)
    }

    /// Whether epoll would tell a worker now that a client's pipe takes bytes again.
    pub(crate) fn tell_writable(&mut self, client: usize) -> Option<ConnId> {
        let link = &mut self.links[client];
        if !link.takes_again() {
            return None;
        }
        link.blocked = false;
        let conn = link.conn;
        (!strike(&mut self.fault, Fault::ForgetWritable)).then_some(conn)
    }

    fn short(&mut self, client: usize, n: usize) -> usize {
        let one_in = self.links[client].settings.short_one_in;
        if n > 1 && one_in > 0 && self.rng.u32(..one_in) == 0 { self.rng.usize(1..n) } else { n }
    }
}

fn strike(fault: &mut Option<(Fault, u32)>, now: Fault) -> bool {
    match fault {
        Some((kind, 0)) if *kind == now => {
            *fault = None;
            true
        }
        Some((kind, left)) if *kind == now => {
            *left -= 1;
            false
        }
        _ => false,
    }
}

/// The [`Wire`] of one worker.
pub(crate) struct WorkerWire<'n> {
    pub network: &'n mut Network,
    pub worker: usize,
}

impl WorkerWire<'_> {
    fn client(&mut self, conn: ConnId, call: &str) -> Option<usize> {
        let client = self.network.by_conn.get(&(self.worker, conn)).copied();
        if client.is_none() {
            let worker = self.worker;
            self.network.broken.push(format!("worker {worker} calls {call} for {conn:?}, which is closed"));
        }
        client
    }
}

fn gone() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}

impl Wire for WorkerWire<'_> {
    fn read(&mut self, conn: ConnId, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(client) = self.client(conn, "read") else { return Err(gone()) };
        let network = &mut *self.network;
        let all = network.links[client].inbound.len().min(buffer.len());
        let n = network.short(client, all);
        let link = &mut network.links[client];
        if link.cut {
            return Err(gone());
        }
        if n == 0 && link.finished {
            network.events.push(Event::Eof { client });
            return Ok(0);
        }
        link.drained |= n < buffer.len();
        if n == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        if link.settings.short_one_in > 0 && network.rng.u8(..) < 4 {
            link.drained = false;
            return Err(io::ErrorKind::Interrupted.into());
        }
        for (place, byte) in buffer.iter_mut().zip(link.inbound.drain(..n)) {
            *place = byte;
        }
        link.read_total += n as u64;
        network.events.push(Event::Read { client, total: link.read_total });
        Ok(n)
    }

    fn write(&mut self, conn: ConnId, bytes: &[u8]) -> io::Result<usize> {
        let Some(client) = self.client(conn, "write") else { return Err(gone()) };
        let network = &mut *self.network;
        let link = &network.links[client];
        if link.cut {
            return Err(gone());
        }
        if link.shut_down.is_some() || bytes.is_empty() {
            network.broken.push(format!("client {client}: write after shutdown_write, or of nothing"));
        }
        let space = link.settings.capacity - link.outbound.len().min(link.settings.capacity);
        let n = network.short(client, space.min(bytes.len()));
        // Now and then a pipe says that it is full though it is not quite.
        let full = n == 0 || (network.links[client].settings.short_one_in > 0 && network.rng.u8(..) < 8);
        let link = &mut network.links[client];
        if full {
            link.blocked = true;
            return Err(io::ErrorKind::WouldBlock.into());
        }
        if !strike(&mut network.fault, Fault::DropWrite) {
            link.outbound.extend(&bytes[..n]);
        }
        if strike(&mut network.fault, Fault::DuplicateWrite) {
            link.outbound.extend(&bytes[..n]);
        }
        if strike(&mut network.fault, Fault::FlipBit)
            && let Some(byte) = link.outbound.back_mut()
        {
            *byte ^= 4;
        }
        Ok(n)
    }

    fn shutdown_write(&mut self, conn: ConnId) {
        let Some(client) = self.client(conn, "shutdown_write") else { return };
        let now = self.network.now;
        let link = &mut self.network.links[client];
        if link.shut_down.replace(now).is_some() {
            self.network.broken.push(format!("client {client}: shutdown_write twice"));
        }
    }

    fn close(&mut self, conn: ConnId) {
        let Some(client) = self.client(conn, "close") else { return };
        let network = &mut *self.network;
        network.by_conn.remove(&(self.worker, conn));
        network.events.push(Event::Close { client });
        let link = &mut network.links[client];
        let lingered = link.shut_down.is_some_and(|since| (network.now - since).as_secs() >= 2);
        if !link.finished && !link.cut && !lingered && !link.may_abandon {
            network
                .broken
                .push(format!("client {client}: closed before it has finished, and without lingering"));
        }
        link.closed = true;
        link.abandoned = link.shut_down.is_none() && !link.finished;
        if !link.inbound.is_empty() {
            link.reset = true;
            link.outbound.clear();
        }
    }

    fn hand_over(&mut self, worker: usize, crossing: Crossing) {
        let network = &mut *self.network;
        if worker == self.worker {
            network.broken.push(format!("worker {worker} hands messages to itself"));
        }
        network.crossings[self.worker][worker].push_back((network.turn, crossing));
    }

    fn lag(&self, worker: usize) -> Lag {
        let max = self.network.backlog_max;
        match self.network.crossings[self.worker][worker].len() {
            len if len >= max => Lag::FarBehind,
            len if len >= max / 2 => Lag::Behind,
            _ => Lag::None,
        }
    }
}
