//! All that a connection can send, from its first byte: PROXY header, TLS, HTTP, WebSocket frames, compression, NATS.
//!
//! The first three bytes choose the listener, how the input is written and ends, and how it is cut; the rest is the wire as it
//! stands or a script for it (`script`). A worker with that one connection gets it whole, and another one in pieces:
//! what the peer sees is the same. It is the same, too, whether messages come compressed or not.

mod outcome;
mod pipe;
mod script;

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::sync::Arc;

use dunlin_auth::{ConnectionType, Rules};
use dunlin_nats_protocol::{Info, Limits};
use dunlin_session::{ClientConfig, Instant};
use dunlin_websocket::handshake::{OriginPolicy, Reach};
use dunlin_worker::{
    Accepted, CompressionConfig, ConnId, CookieNames, Doors, Listener, MonitorResponse, PeerPolicy, Shared,
    SlowConsumer, TlsPolicy, TlsStart, WebSocketConfig, Worker, WorkerConfig,
};

use outcome::Outcome;
use pipe::Pipe;

/// The longest wire. Less than what would make a request head too long only together with what follows it, and so short that the
/// pongs for all pings in it fit into one turn.
const WIRE_LEN_MAX: usize = 12 << 10;

const PAYLOAD_MAX: usize = 1024;
const CONTROL_LINE_MAX: usize = 4096;

/// What a connection may own beside what its peer has sent: an incomplete NATS op, which may have come compressed, in a
/// buffer that grows by doubling.
const OWNED_MAX: usize = 2 * (PAYLOAD_MAX + CONTROL_LINE_MAX);

/// More turns for one piece of input than anything can need.
const TURNS_MAX: usize = 100_000;

/// Long enough for every deadline of a peer that says nothing more.
const LONG: Duration = Duration::from_secs(10);

/// Runs one input.
pub fn run(data: &[u8]) {
    let &[door, manner, cut, ref rest @ ..] = data else { return };
    let setting = Setting { door, manner };
    let mut wire = if manner & 1 == 0 { rest.to_vec() } else { script::write(rest, false) };
    wire.truncate(WIRE_LEN_MAX);
    if setting.sends_ahead() {
        // What is sent behind a request in the same read is refused, so here cuts make a difference.
        converse(&setting, &pieces(&wire, cut));
        return;
    }
    let parts = behind_heads(&wire);
    let whole = converse(&setting, &parts);
    let cut: Vec<&[u8]> = parts.iter().flat_map(|part| pieces(part, cut)).collect();
    whole.expect_same(&converse(&setting, &cut));
    if manner & 1 != 0 && script::is_regular(rest) {
        let plain = script::write(rest, true);
        if wire.len().max(plain.len()) < WIRE_LEN_MAX {
            whole.expect_same_as_plain(&converse(&setting, &behind_heads(&plain)));
        }
    }
}

/// How the connection is set, and what its peer does.
struct Setting {
    door: u8,
    manner: u8,
}

impl Setting {
    fn listener(&self) -> Listener {
        [Listener::WebSocket, Listener::Nats, Listener::Shared, Listener::Monitor][usize::from(self.door & 3)]
    }

    fn tls(&self) -> Option<TlsPolicy> {
        let start = match self.door >> 2 & 3 {
            0 | 1 => return None,
            2 => TlsStart::AfterInfo,
            _ => TlsStart::First,
        };
        let is_optional = self.manner & 0x40 != 0;
        Some(TlsPolicy { start, timeout: Duration::from_secs(2), is_optional, rate_max: 0 })
    }

    fn wants_proxy_header(&self) -> bool {
        self.door & 0x10 != 0
    }

    fn compression(&self) -> Option<CompressionConfig> {
        let usual = CompressionConfig::default();
        match self.door >> 5 & 3 {
            0 => None,
            1 => Some(usual),
            2 => Some(CompressionConfig { context_takeover: true, ..usual }),
            _ => Some(CompressionConfig { threshold: 0, level: 6, ..usual }),
        }
    }

    /// The peer falls silent before it goes.
    fn falls_silent(&self) -> bool {
        self.manner & 2 != 0
    }

    /// The peer's socket takes a little at a time.
    fn reads_slowly(&self) -> bool {
        self.manner & 4 != 0
    }

    fn sends_ahead(&self) -> bool {
        self.manner & 8 != 0
    }

    /// The end of the stream is there when the last piece is read.
    fn ends_at_once(&self) -> bool {
        self.manner & 0x10 != 0
    }

    fn all_must_mask(&self) -> bool {
        self.manner & 0x20 != 0
    }

    fn config(&self) -> WorkerConfig {
        let limits = Limits { control_line_max: CONTROL_LINE_MAX, payload_max: PAYLOAD_MAX };
        let client = Arc::new(ClientConfig {
            limits,
            subscriptions_max: 8,
            subscription_tokens_max: None,
            ping_interval: Duration::from_secs(3600),
            pings_out_max: 2,
            auth: Rules::open(),
            auth_timeout: Duration::from_secs(2),
            connection: ConnectionType::Standard,
            info: Info { headers: true, max_payload: PAYLOAD_MAX as i64, ..Info::default() },
        });
        let peers = PeerPolicy { proxy_protocol: self.wants_proxy_header(), ..PeerPolicy::default() };
        let websocket = WebSocketConfig {
            client: Arc::clone(&client),
            cookies: CookieNames::default(),
            handshake_timeout: Duration::from_secs(2),
            headers: Vec::new(),
            compression: self.compression(),
            origins: OriginPolicy::default(),
            reach: Reach::default(),
            no_masking: !self.all_must_mask(),
            frame_ping_interval: None,
            tls: self.tls(),
            slow_consumer: SlowConsumer::Disconnect,
            peers: peers.clone(),
        };
        WorkerConfig {
            client,
            websocket,
            tls: self.tls(),
            monitor_tls: self.tls(),
            peers,
            pending_max: 1 << 30,
            write_deadline: Duration::from_secs(3600),
            slow_consumer: SlowConsumer::Disconnect,
            connections_max: 1,
            closed_max: 1,
            doors: Doors::default(),
        }
    }
}

/// `wire` with a cut behind each request head that it may hold.
fn behind_heads(wire: &[u8]) -> Vec<&[u8]> {
    let (mut parts, mut start) = (Vec::new(), 0);
    for end in 1..=wire.len() {
        if wire[start..end].ends_with(b"\n\r\n") || wire[start..end].ends_with(b"\n\n") {
            parts.push(&wire[start..end]);
            start = end;
        }
    }
    if start < wire.len() {
        parts.push(&wire[start..]);
    }
    parts
}

/// `wire` in pieces of 1 to 64 bytes, other ones for each `seed`; of one byte each for 0.
fn pieces(mut wire: &[u8], seed: u8) -> Vec<&[u8]> {
    let (mut pieces, mut state) = (Vec::new(), u32::from(seed));
    while !wire.is_empty() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let len = if seed == 0 { 1 } else { 1 + (state >> 16) as usize % (1 << (state >> 29).min(6)) };
        let (piece, rest) = wire.split_at(len.min(wire.len()));
        pieces.push(piece);
        wire = rest;
    }
    pieces
}

/// A connection from its beginning to its end, with a turn for each piece.
fn converse(setting: &Setting, pieces: &[&[u8]]) -> Outcome {
    let mut room = Room::new(setting);
    let (last, before) = pieces.split_last().map_or((&[][..], pieces), |(last, before)| (*last, before));
    for piece in before {
        room.pipe.send(piece);
        room.settle();
    }
    room.pipe.send(last);
    if setting.ends_at_once() {
        room.pipe.finish();
    }
    room.settle();
    if setting.falls_silent() {
        room.wait();
    }
    room.pipe.finish();
    room.settle();
    room.wait();
    assert_eq!(room.worker.connections(), 0, "it has gone");
    Outcome::of(&room.pipe.written, setting.listener())
}

/// A worker and its one connection.
struct Room {
    worker: Worker,
    conn: ConnId,
    pipe: Pipe,
    now: Instant,
}

impl Room {
    fn new(setting: &Setting) -> Room {
        let shared = Arc::new(Shared::with_seed(7));
        let mut worker = Worker::new(0, 1, Arc::new(setting.config()), shared, 7);
        let now = Instant::from_nanos(1_000_000_000);
        let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 4711));
        let conn = worker.open(now, Accepted { listener: setting.listener(), peer });
        let pipe = Pipe::new(conn, setting.reads_slowly());
        let mut room = Room { worker, conn, pipe, now };
        room.settle();
        room
    }

    /// Turns until there is nothing to do before more time has passed.
    fn settle(&mut self) {
        for _ in 0..TURNS_MAX {
            if let Some(finished) = self.pipe.tell_readable() {
                self.worker.set_readable(self.conn, finished);
            }
            if self.pipe.tell_writable() {
                self.worker.set_writable(self.conn);
            }
            self.worker.turn(self.now, 784_111_777, &mut self.pipe);
            let owned = self.worker.incomplete_input(self.conn);
            assert!(owned <= self.pipe.sent() + OWNED_MAX, "it owns {owned} bytes");
            for request in self.worker.take_monitor_requests() {
                let body = request.target.clone();
                let response = MonitorResponse { status: 200, content_type: "text/plain", body };
                self.worker.respond(self.now, &request, &response);
            }
            if self.worker.next_deadline() > self.now && !self.pipe.has_news() {
                return;
            }
        }
        panic!("it finds no rest");
    }

    fn wait(&mut self) {
        for _ in 0..3 {
            self.now = self.now + LONG;
            self.settle();
        }
    }
}
