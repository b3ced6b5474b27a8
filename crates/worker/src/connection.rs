//! The connections of a worker.

use std::net::SocketAddr;

use dunlin_broker::ListId;
use dunlin_permessage_deflate::Compressor;
use dunlin_session::{Capabilities, Dialect, Instant, Session};
use dunlin_websocket::Assembler;

use crate::backlog::Backlog;
use crate::client_address::{Standing, Via};
use crate::ending::Ending;
use crate::inflate::Inflater;
use crate::out_queue::OutQueue;
use crate::rate::PublishRates;
use crate::tls::{Security, TlsInfo};

/// Names a connection of a worker. An id is never used twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ConnId {
    /// The slot: small, dense, used again after a close.
    pub slot: u32,
    /// Tells the tenants of a slot apart.
    pub generation: u32,
}

/// What a connection was accepted for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Listener {
    /// NATS clients on TCP.
    Nats,
    /// NATS clients on WebSocket.
    WebSocket,
    /// Monitoring over HTTP.
    Monitor,
    /// WebSocket for requests that ask for it, monitoring for all others. A connection that has become a WebSocket counts as
    /// one of that listener.
    Shared,
}

/// A connection that a listener has accepted.
#[derive(Clone, Copy, Debug)]
pub struct Accepted {
    /// The listener.
    pub listener: Listener,
    /// The address of the socket's peer.
    pub peer: SocketAddr,
}

/// How bytes become the session's stream.
pub(crate) enum Transport {
    /// They are the stream.
    Raw,
    /// An HTTP head comes first.
    Http,
    /// The payload of WebSocket messages is the stream.
    WebSocket(Assembler),
}

/// How encodings become bytes on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Framing {
    /// As they are.
    Raw,
    /// One binary WebSocket message of one frame.
    Message,
    /// Binary WebSocket messages of at most 4096 bytes, which browsers handle with less delay.
    Browser,
    /// One binary WebSocket message, compressed where it is long enough.
    Deflated {
        /// The window that was agreed.
        window_bits: u8,
        /// Frames are of at most 4096 bytes.
        split: bool,
    },
}

/// How far a connection has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stage {
    /// It works.
    Open,
    /// Its last words go out with this flush.
    Ending,
    /// Its last words wait for the socket.
    Draining,
    /// All is written. What the peer still sends is read and dropped until it closes, because closing with unread input
    /// would make the kernel take back what was written.
    Lingering,
}

/// What is counted for each connection. Payloads with headers, without control lines.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Traffic {
    pub in_msgs: u64,
    pub in_bytes: u64,
    pub out_msgs: u64,
    pub out_bytes: u64,
    /// Messages that it lost because it did not take them.
    pub dropped_msgs: u64,
}

/// A connection. While it is idle it owns no buffer.
pub(crate) struct Connection {
    pub id: ConnId,
    /// Where it comes from, as far as that is believed: behind a proxy, not the socket's peer.
    pub peer: SocketAddr,
    /// How it came from there.
    pub via: Option<Box<Via>>,
    pub listener: Listener,
    /// A PROXY protocol header comes first.
    pub awaits_proxy_header: bool,
    pub standing: Standing,
    /// Its number as a client (nats: `cid`); 0 before it is one.
    pub client_id: u64,
    pub opened: Instant,
    pub last_activity: Instant,
    pub stage: Stage,
    pub ending: Option<Ending>,
    /// The end of the TLS handshake, of the opening handshake, or of the lingering.
    pub deadline: Instant,
    /// When the timer for it runs out: earlier entries of the timers are stale.
    pub armed: Instant,
    /// Counted against the server's `max_connections`.
    pub admitted: bool,

    pub security: Security,
    /// What the TLS handshake has agreed on.
    pub tls: Option<Box<TlsInfo>>,
    pub transport: Transport,
    /// Bytes of a frame header, control frame or HTTP head that is not complete.
    pub raw: Vec<u8>,
    /// Bytes of an op that is not complete.
    pub carry: Vec<u8>,
    pub session: Option<Box<dyn Session + Send>>,
    /// It stands in the worker's queue of connections to read.
    pub is_ready: bool,
    /// `raw` holds bytes that are to be handled before more is read.
    pub is_deferred: bool,
    /// The peer has finished: read until that is seen.
    pub is_finished: bool,
    /// All that the peer has sent is read: closing now takes nothing back of what was written.
    pub input_ended: bool,
    /// Not read before this moment, because its targets are far behind.
    pub held_until: Instant,
    /// It has published to a worker that was behind, and is not read while one is.
    pub waits_for_neighbours: bool,
    /// A monitoring request that has not been answered.
    pub awaits_response: bool,
    /// Who its client is is being checked. It is not read until that is known.
    pub awaits_verdict: bool,
    /// WebSocket pings since the peer last sent something.
    pub frame_pings_out: u8,

    pub capabilities: Capabilities,
    pub dialect: Dialect,
    pub framing: Framing,
    /// Compresses what it gets, where its context is kept from message to message.
    pub compressor: Option<Box<Compressor>>,
    /// Inflates the compressed message under way; for good, where its context is kept.
    pub inflater: Option<Box<Inflater>>,
    /// The first of its subscriptions, which are chained.
    pub subscriptions: Option<u32>,
    pub subscription_count: u32,

    /// What this turn delivers to it.
    pub list: ListId,
    /// Bytes that go out before the list: control frames and HTTP.
    pub head: Vec<u8>,
    /// It stands in the worker's list of connections to flush.
    pub is_dirty: bool,
    pub out: Option<Box<OutQueue>>,
    /// What waits behind `out`, where it may lose messages.
    pub backlog: Option<Box<Backlog>>,
    pub traffic: Traffic,
    /// What it publishes, where that is limited.
    pub rates: Option<Box<PublishRates>>,
}

impl Connection {
    /// How many bytes wait for its socket.
    pub(crate) fn pending(&self) -> usize {
        let backlog = self.backlog.as_ref().map_or(0, |backlog| backlog.pending());
        self.out.as_ref().map_or(0, |out| out.pending() + backlog)
    }

    /// Whether too much waits for it, with a list of `list_len` bytes behind what its socket did not take: it needs a respite. A
    /// turn is flushed before its lists grow that long; `list_len` alone is too much only where one op has made it so, for more
    /// than two subscriptions.
    pub(crate) fn is_over(&self, list_len: u64, pending_max: usize) -> bool {
        let pending_max = pending_max as u64;
        match &self.out {
            Some(_) => self.pending() as u64 + list_len > pending_max,
            None => list_len > 3 * pending_max,
        }
    }

    /// It is encrypted, or plain for good.
    pub(crate) fn is_settled(&self) -> bool {
        matches!(self.security, Security::Unread | Security::Settled)
    }

    /// It takes the last words of a session: it does not speak HTTP, is in no TLS handshake, and has said where it comes from.
    pub(crate) fn can_be_told(&self) -> bool {
        let is_http = matches!(self.transport, Transport::Http);
        !is_http && self.security != Security::Handshaking && !self.awaits_proxy_header
    }

    /// When the worker has to look at it next.
    pub(crate) fn next_deadline(&self, write_deadline: core::time::Duration) -> Instant {
        // Before the TLS handshake is over, nothing can be said.
        let can_ping = self.stage == Stage::Open && self.is_settled();
        let session = self.session.as_ref().filter(|_| can_ping);
        let ping = session.map_or(Instant::NEVER, |session| session.poll_timeout());
        let waiting = self.out.as_ref().and_then(|out| out.waiting_since());
        let write =
            waiting.filter(|_| self.stage == Stage::Open).map_or(Instant::NEVER, |t| t + write_deadline);
        self.deadline.min(ping).min(write)
    }
}

enum Slot {
    Taken(Box<Connection>),
    Free { generation: u32 },
}

/// The connections of a worker, by slot.
#[derive(Default)]
pub(crate) struct Connections {
    slots: Vec<Slot>,
    free: Vec<u32>,
}

impl Connections {
    /// Puts a connection into a slot. `make` gets its id.
    pub(crate) fn insert(&mut self, make: impl FnOnce(ConnId) -> Connection) -> ConnId {
        let slot = self.free.pop().unwrap_or(self.slots.len() as u32);
        let generation = match self.slots.get(slot as usize) {
            Some(Slot::Free { generation }) => *generation,
            _ => 0,
        };
        let id = ConnId { slot, generation };
        let taken = Slot::Taken(Box::new(make(id)));
        match self.slots.get_mut(slot as usize) {
            Some(place) => *place = taken,
            None => self.slots.push(taken),
        }
        id
    }

    /// The connection with this id, unless it has gone.
    pub(crate) fn get_mut(&mut self, id: ConnId) -> Option<&mut Connection> {
        self.at(id.slot).filter(|conn| conn.id == id)
    }

    /// The connection in a slot.
    #[inline]
    pub(crate) fn at(&mut self, slot: u32) -> Option<&mut Connection> {
        match self.slots.get_mut(slot as usize) {
            Some(Slot::Taken(conn)) => Some(conn),
            _ => None,
        }
    }

    /// The connection with this id, unless it has gone.
    pub(crate) fn find(&self, id: ConnId) -> Option<&Connection> {
        match self.slots.get(id.slot as usize) {
            Some(Slot::Taken(conn)) if conn.id == id => Some(conn),
            _ => None,
        }
    }

    pub(crate) fn remove(&mut self, id: ConnId) -> Option<Box<Connection>> {
        self.get_mut(id)?;
        let generation = id.generation.wrapping_add(1);
        let place = self.slots.get_mut(id.slot as usize)?;
        let Slot::Taken(conn) = core::mem::replace(place, Slot::Free { generation }) else { return None };
        self.free.push(id.slot);
        Some(conn)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Connection> {
        self.slots.iter().filter_map(|slot| match slot {
            Slot::Taken(conn) => Some(&**conn),
            Slot::Free { .. } => None,
        })
    }

    pub(crate) fn ids(&self) -> Vec<ConnId> {
        self.iter().map(|conn| conn.id).collect()
    }
}
