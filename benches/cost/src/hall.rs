//! A worker and its clients, on a wire in memory that allocates nothing while messages pass.

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::io;
use std::sync::Arc;

use dunlin_auth::{ConnectionType, Rules};
use dunlin_nats_protocol::{Info, Limits};
use dunlin_permessage_deflate::{MessageCompressor, Params, Role};
use dunlin_session::{ClientConfig, Instant};
use dunlin_websocket::handshake::{OriginPolicy, Reach};
use dunlin_websocket::{MaskKey, OpCode, encode_frame};
use dunlin_worker::{
    Accepted, CompressionConfig, ConnId, CookieNames, Crossing, Doors, Listener, PeerPolicy, Shared,
    SlowConsumer, WebSocketConfig, Wire, Worker, WorkerConfig,
};

const KEY: MaskKey = MaskKey([0x37, 0xfa, 0x21, 0x3d]);
/// The payload is compressed (RFC 7692 §6).
const RSV1: u8 = 0x40;
const WALL: u64 = 1_700_000_000;
const SEED: u64 = 7;

/// How a client speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// NATS on TCP.
    Tcp,
    /// On WebSocket.
    Plain,
    /// On WebSocket, with permessage-deflate and no context kept.
    Compressed,
}

/// A client of a [`Hall`].
#[derive(Clone, Copy, Debug)]
pub struct Client {
    kind: Kind,
    conn: ConnId,
}

/// One worker with clients.
pub struct Hall {
    worker: Worker,
    net: Net,
}

impl Hall {
    /// A worker without clients.
    pub fn new() -> Hall {
        let shared = Arc::new(Shared::with_seed(SEED));
        Hall { worker: Worker::new(0, 1, Arc::new(config()), shared, SEED), net: Net::default() }
    }

    /// Connects a client, which then sends `ops`, and takes what it gets for that.
    pub fn connect(&mut self, kind: Kind, ops: &str) -> Client {
        let listener = if kind == Kind::Tcp { Listener::Nats } else { Listener::WebSocket };
        let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 4000));
        let conn = self.worker.open(Instant::default(), Accepted { listener, peer });
        self.net.links.resize_with(self.net.links.len().max(conn.slot as usize + 1), Link::default);
        let client = Client { kind, conn };
        if kind != Kind::Tcp {
            self.net.links[conn.slot as usize].received = Some(Vec::new());
            self.send(client, handshake(kind).as_bytes());
            let answer = self.net.links[conn.slot as usize].received.take().unwrap_or_default();
            let answer = String::from_utf8_lossy(&answer);
            assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
            assert_eq!(answer.contains("permessage-deflate"), kind == Kind::Compressed, "{answer}");
        }
        let ops = format!("CONNECT {{\"verbose\":false,\"headers\":true}}\r\n{ops}PING\r\n");
        let before = self.written(client).0;
        let wire = client.encode(ops.as_bytes());
        self.send(client, &wire);
        assert!(self.written(client).0 > before, "no answer to PING");
        client
    }

    /// One turn, in which no time passes and the worker reads `wire` of a client ([`Client::encode`]), and everybody gets what follows.
    pub fn send(&mut self, client: Client, wire: &[u8]) {
        let link = &mut self.net.links[client.conn.slot as usize];
        link.input.clear();
        link.input.extend_from_slice(wire);
        link.taken = 0;
        self.turns(client);
    }

    /// As [`Hall::send`], of what was sent last.
    pub fn send_again(&mut self, client: Client) {
        self.net.links[client.conn.slot as usize].taken = 0;
        self.turns(client);
    }

    fn turns(&mut self, client: Client) {
        self.worker.set_readable(client.conn, false);
        self.worker.turn(Instant::default(), WALL, &mut self.net);
        let link = &self.net.links[client.conn.slot as usize];
        assert_eq!(link.taken, link.input.len(), "more than one turn can read");
    }

    /// How often a client was written to, and how many bytes.
    pub fn written(&self, client: Client) -> (u64, u64) {
        let link = &self.net.links[client.conn.slot as usize];
        (link.writes, link.bytes)
    }

    /// Makes room for `n` clients, so that their coming makes the wire grow no more.
    pub fn reserve_links(&mut self, n: usize) {
        self.net.links.resize_with(n, Link::default);
    }

    /// Frees the bytes that clients have sent: they are the wire's, not the worker's.
    pub fn forget_sent(&mut self) {
        for link in &mut self.net.links {
            (link.input, link.taken) = (Vec::new(), 0);
        }
    }
}

impl Default for Hall {
    fn default() -> Hall {
        Hall::new()
    }
}

impl Client {
    /// `ops` as this client sends them: on WebSocket, one masked frame.
    pub fn encode(self, ops: &[u8]) -> Vec<u8> {
        if self.kind == Kind::Tcp {
            return ops.to_vec();
        }
        let mut wire = Vec::new();
        let mut compressed = Vec::new();
        let payload = if self.kind == Kind::Compressed {
            MessageCompressor::new(&Params::default(), Role::Client).compress(ops, &mut compressed);
            &compressed
        } else {
            ops
        };
        encode_frame(OpCode::Binary, payload, Some(KEY), &mut wire)
            .expect("a binary frame can have any length");
        if self.kind == Kind::Compressed {
            wire[0] |= RSV1;
        }
        wire
    }
}

fn handshake(kind: Kind) -> String {
    let offer = match kind {
        Kind::Compressed => {
            "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n"
        }
        Kind::Tcp | Kind::Plain => "",
    };
    format!(
        "GET / HTTP/1.1\r\nHost: hall\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{offer}\r\n"
    )
}

fn config() -> WorkerConfig {
    let client = Arc::new(ClientConfig {
        limits: Limits::default(),
        subscriptions_max: usize::MAX,
        subscription_tokens_max: None,
        ping_interval: Duration::from_secs(120),
        pings_out_max: 2,
        auth: Rules::open(),
        auth_timeout: Duration::from_secs(2),
        connection: ConnectionType::Standard,
        info: Info { headers: true, max_payload: 1 << 20, version: "2.15.0".into(), ..Info::default() },
    });
    let websocket = WebSocketConfig {
        client: Arc::clone(&client),
        cookies: CookieNames::default(),
        handshake_timeout: Duration::from_secs(2),
        headers: Vec::new(),
        compression: Some(CompressionConfig::default()),
        origins: OriginPolicy::default(),
        reach: Reach::default(),
        no_masking: false,
        frame_ping_interval: None,
        tls: None,
        slow_consumer: SlowConsumer::Disconnect,
        peers: PeerPolicy::default(),
    };
    WorkerConfig {
        client,
        websocket,
        tls: None,
        monitor_tls: None,
        peers: PeerPolicy::default(),
        pending_max: 64 << 20,
        write_deadline: Duration::from_secs(10),
        slow_consumer: SlowConsumer::Disconnect,
        connections_max: 1 << 16,
        closed_max: 0,
        doors: Doors::default(),
    }
}

#[derive(Default)]
struct Link {
    input: Vec<u8>,
    taken: usize,
    writes: u64,
    bytes: u64,
    /// What was written, where that is of interest.
    received: Option<Vec<u8>>,
}

/// A link for each slot. Sockets always take everything.
#[derive(Default)]
struct Net {
    links: Vec<Link>,
}

impl Wire for Net {
    fn read(&mut self, conn: ConnId, buffer: &mut [u8]) -> io::Result<usize> {
        let link = &mut self.links[conn.slot as usize];
        let rest = &link.input[link.taken..];
        let n = rest.len().min(buffer.len());
        if n == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        buffer[..n].copy_from_slice(&rest[..n]);
        link.taken += n;
        Ok(n)
    }

    fn write(&mut self, conn: ConnId, bytes: &[u8]) -> io::Result<usize> {
        let link = &mut self.links[conn.slot as usize];
        link.writes += 1;
        link.bytes += bytes.len() as u64;
        if let Some(received) = &mut link.received {
            received.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn shutdown_write(&mut self, conn: ConnId) {
        unreachable!("the server ends {conn:?}, which has done nothing wrong");
    }

    fn close(&mut self, conn: ConnId) {
        unreachable!("the server closes {conn:?}, which has done nothing wrong");
    }

    fn hand_over(&mut self, worker: usize, _: Crossing) {
        unreachable!("there is no worker {worker}");
    }
}
