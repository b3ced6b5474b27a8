//! What a worker shows of itself.

use std::net::SocketAddr;

use dunlin_session::{CloseReason, Description, Instant};

use crate::connection::{Connection, Listener};
use crate::ending::Ending;
use crate::{ConnId, TlsInfo, Worker};

/// What a worker has counted since it started. Payloads with headers, without control lines.
#[derive(Clone, Copy, Default, Debug)]
pub struct Counters {
    /// Clients, gone ones included.
    pub connections_total: u64,
    /// Messages published by clients.
    pub in_msgs: u64,
    /// Their bytes.
    pub in_bytes: u64,
    /// Messages delivered to clients.
    pub out_msgs: u64,
    /// Their bytes.
    pub out_bytes: u64,
    /// Messages that clients lost because they did not take them.
    pub dropped_msgs: u64,
    /// Clients cut off because they did not take their messages.
    pub slow_consumers: u64,
    /// Clients cut off because they did not answer pings.
    pub stale_connections: u64,
    /// Connections refused because their address had as many as it may have.
    pub address_refusals: u64,
    /// Connections and requests refused because they came too fast from one address.
    pub handshake_refusals: u64,
    /// How often a publisher that was too fast was held back.
    pub publish_holds: u64,
    /// Publishers closed because they were too fast.
    pub publish_closures: u64,
    /// Connections closed because no good PROXY protocol header came.
    pub proxy_header_errors: u64,
}

/// How a client is connected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConnectionKind {
    /// NATS on TCP.
    Nats,
    /// NATS on WebSocket.
    WebSocket,
}

/// A client, as monitoring shows it.
#[derive(Clone, Debug)]
pub struct ConnectionSnapshot {
    /// Its number (nats: `cid`).
    pub client_id: u64,
    /// How it is connected.
    pub kind: ConnectionKind,
    /// Where it comes from; the port is 0 where a proxy does not tell it.
    pub peer: SocketAddr,
    /// When it came.
    pub opened: Instant,
    /// When it last sent something.
    pub last_activity: Instant,
    /// Its round-trip time in nanoseconds.
    pub rtt: Option<u64>,
    /// Bytes that wait for it.
    pub pending: usize,
    /// How often it was held back because it published too fast.
    pub publish_holds: u64,
    /// Messages it published.
    pub in_msgs: u64,
    /// Their bytes.
    pub in_bytes: u64,
    /// Messages it got.
    pub out_msgs: u64,
    /// Their bytes.
    pub out_bytes: u64,
    /// Messages that it lost because it did not take them.
    pub dropped_msgs: u64,
    /// The name it gave itself.
    pub name: Option<String>,
    /// The language of its library.
    pub lang: Option<String>,
    /// The version of its library.
    pub version: Option<String>,
    /// The user that it was let in as.
    pub user: Option<String>,
    /// What its TLS handshake has agreed on; `None`: it is not encrypted.
    pub tls: Option<TlsInfo>,
    /// How many subscriptions it has.
    pub subscription_count: u32,
    /// Its subscriptions, where they were asked for.
    pub subscriptions: Vec<SubscriptionSnapshot>,
}

/// A subscription, as monitoring shows it.
#[derive(Clone, Debug)]
pub struct SubscriptionSnapshot {
    /// The filter.
    pub subject: String,
    /// The queue group.
    pub queue: Option<String>,
    /// The client's name for it.
    pub sid: String,
    /// Messages delivered.
    pub msgs: u64,
    /// Ends after this many; 0: never.
    pub max: u64,
}

/// A client that has gone.
#[derive(Clone, Debug)]
pub struct ClosedSnapshot {
    /// As it was.
    pub connection: ConnectionSnapshot,
    /// When it went.
    pub stopped: Instant,
    /// Why (nats: /connz `reason`).
    pub reason: &'static str,
}

/// What a [`WorkerSnapshot`] is to hold besides the counters and the clients.
#[derive(Clone, Copy, Default, Debug)]
pub struct SnapshotOptions {
    /// Each client's subscriptions.
    pub subscriptions: bool,
    /// The clients that have gone.
    pub closed: bool,
}

/// The state of a worker at one moment.
#[derive(Clone, Default, Debug)]
pub struct WorkerSnapshot {
    /// What it has counted.
    pub counters: Counters,
    /// Its clients.
    pub connections: Vec<ConnectionSnapshot>,
    /// The clients that went last.
    pub closed: Vec<ClosedSnapshot>,
    /// How many subscriptions they have.
    pub subscriptions: usize,
}

impl Worker {
    /// How many bytes a connection has reserved for what its peer has sent and is not complete: a request, a frame's header,
    /// a NATS op. 0 for an idle one, and for one that has gone.
    pub fn incomplete_input(&self, id: ConnId) -> usize {
        self.conns.find(id).map_or(0, |conn| conn.raw.capacity() + conn.carry.capacity())
    }

    /// The worker's state.
    pub fn snapshot(&self, options: SnapshotOptions) -> WorkerSnapshot {
        let clients = self.conns.iter().filter(|conn| conn.session.is_some());
        let closed = if options.closed { self.closed.iter().cloned().collect() } else { Vec::new() };
        WorkerSnapshot {
            counters: self.counters,
            connections: clients.map(|conn| self.connection_snapshot(conn, options.subscriptions)).collect(),
            closed,
            subscriptions: self.subs.len(),
        }
    }

    /// Remembers a client that goes.
    pub(crate) fn remember(&mut self, conn: &Connection) {
        if conn.session.is_none() || self.config.closed_max == 0 {
            return;
        }
        while self.closed.len() >= self.config.closed_max {
            self.closed.pop_front();
        }
        let connection = self.connection_snapshot(conn, false);
        let reason = conn.ending.as_ref().map_or(CloseReason::ClientClosed.text(), Ending::text);
        self.closed.push_back(ClosedSnapshot { connection, stopped: self.now, reason });
    }

    fn connection_snapshot(&self, conn: &Connection, detail: bool) -> ConnectionSnapshot {
        let description =
            conn.session.as_ref().map_or_else(Description::default, |session| session.description());
        let owned = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        let subscriptions = self.subs.of(conn.subscriptions.filter(|_| detail)).map(|slot| {
            let sub = self.subs.get(slot);
            let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            SubscriptionSnapshot {
                subject: lossy(sub.filter()),
                queue: sub.queue().map(lossy),
                sid: lossy(self.subs.sids.text(&sub.sid)),
                msgs: sub.delivered,
                max: sub.max,
            }
        });
        ConnectionSnapshot {
            client_id: conn.client_id,
            kind: match conn.listener {
                Listener::WebSocket => ConnectionKind::WebSocket,
                Listener::Nats | Listener::Monitor | Listener::Shared => ConnectionKind::Nats,
            },
            peer: conn.peer,
            opened: conn.opened,
            last_activity: conn.last_activity,
            rtt: description.rtt,
            pending: conn.pending(),
            publish_holds: conn.rates.as_ref().map_or(0, |rates| rates.slowed),
            in_msgs: conn.traffic.in_msgs,
            in_bytes: conn.traffic.in_bytes,
            out_msgs: conn.traffic.out_msgs,
            out_bytes: conn.traffic.out_bytes,
            dropped_msgs: conn.traffic.dropped_msgs,
            name: owned(description.name),
            lang: owned(description.lang),
            version: owned(description.version),
            user: owned(description.user),
            tls: conn.tls.as_deref().cloned(),
            subscription_count: conn.subscription_count,
            subscriptions: subscriptions.collect(),
        }
    }

    pub(crate) fn subscription_count(&self, id: ConnId) -> usize {
        self.conns.find(id).map_or(0, |conn| conn.subscription_count as usize)
    }
}
