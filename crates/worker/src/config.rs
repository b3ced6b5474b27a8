//! What a worker is told when it is made.

use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::Arc;

use dunlin_broker::Interest;
use dunlin_session::{ClientConfig, Instant};
use dunlin_websocket::handshake::{OriginPolicy, Reach};

use crate::addresses::Addresses;
use crate::rate::Users;
use crate::{CookieNames, Doors, Listener, PeerPolicy, SlowConsumer, TlsPolicy};

/// The settings of a worker. All workers of a server have the same.
#[derive(Clone, Debug)]
pub struct WorkerConfig {
    /// What NATS clients on TCP are told and allowed.
    pub client: Arc<ClientConfig>,
    /// What NATS clients on WebSocket are told and allowed.
    pub websocket: WebSocketConfig,
    /// How NATS clients on TCP come to be encrypted; `None`: not at all.
    pub tls: Option<TlsPolicy>,
    /// The same for monitoring.
    pub monitor_tls: Option<TlsPolicy>,
    /// How peers of the NATS listener are treated.
    pub peers: PeerPolicy,
    /// The most bytes that may wait for one connection (nats: `max_pending`).
    pub pending_max: usize,
    /// The longest time that output may wait (nats: `write_deadline`).
    pub write_deadline: Duration,
    /// What becomes of NATS clients on TCP that do not take their messages.
    pub slow_consumer: SlowConsumer,
    /// The most connections of the server; 0 refuses all (nats: `max_connections`).
    pub connections_max: usize,
    /// How many closed connections the worker remembers for monitoring.
    pub closed_max: usize,
    /// Where the server listens.
    pub doors: Doors,
}

impl WorkerConfig {
    /// What becomes of clients of `listener` that do not take their messages.
    pub(crate) fn slow_consumer(&self, listener: Listener) -> SlowConsumer {
        match listener {
            Listener::WebSocket => self.websocket.slow_consumer,
            Listener::Nats | Listener::Monitor | Listener::Shared => self.slow_consumer,
        }
    }

    /// How long output may wait for a client of `listener`: without end where it may lose messages instead.
    pub(crate) fn write_deadline(&self, listener: Listener) -> Duration {
        match self.slow_consumer(listener) {
            SlowConsumer::Disconnect => self.write_deadline,
            SlowConsumer::DropOldest | SlowConsumer::LatestPerSubject => Duration::MAX,
        }
    }
}

/// The settings of the WebSocket listener.
#[derive(Clone, Debug)]
pub struct WebSocketConfig {
    /// What its clients are told and allowed.
    pub client: Arc<ClientConfig>,
    /// The longest time from the connection to the end of the opening handshake. A peer that is silent for as long is
    /// told so (status 408) and closed.
    pub handshake_timeout: Duration,
    /// The names of the cookies that hold credentials.
    pub cookies: CookieNames,
    /// Headers that the 101 response carries besides its own.
    pub headers: Vec<(String, String)>,
    /// What becomes of its clients that do not take their messages.
    pub slow_consumer: SlowConsumer,
    /// How peers of the listener are treated.
    pub peers: PeerPolicy,
    /// permessage-deflate (RFC 7692); `None`: it is not agreed to.
    pub compression: Option<CompressionConfig>,
    /// Which pages may connect.
    pub origins: OriginPolicy,
    /// From where clients may come.
    pub reach: Reach,
    /// A client that asks for it (nats: `Nats-No-Masking: true`) sends its frames without a mask. Without this, all must mask.
    pub no_masking: bool,
    /// How long a client may be silent before it is sent a WebSocket ping; `None`: it is sent none. As many may go
    /// unanswered as PINGs of NATS.
    pub frame_ping_interval: Option<Duration>,
    /// How its connections come to be encrypted; `None`: not at all.
    pub tls: Option<TlsPolicy>,
}

/// How messages on WebSocket are compressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CompressionConfig {
    /// A client may keep its context from message to message, in both directions. That saves bytes and costs memory: a
    /// compressor and a decompressor for each such client.
    pub context_takeover: bool,
    /// The largest window, as base-2 logarithm of bytes: 8 to 15.
    pub window_bits_max: u8,
    /// 1 is fast, 9 is small.
    pub level: u8,
    /// What a flush writes is compressed if it is longer than this many bytes.
    pub threshold: usize,
}

impl Default for CompressionConfig {
    /// As nats-server: no contexts, the full window, the fast level, and nothing of 64 bytes or less.
    fn default() -> CompressionConfig {
        CompressionConfig { context_takeover: false, window_bits_max: 15, level: 1, threshold: 64 }
    }
}

/// What all workers of a server share.
pub struct Shared {
    /// Who wants which subjects.
    pub interest: Interest,
    clients: AtomicUsize,
    client_ids: AtomicU64,
    /// The second that runs, and the TLS handshakes that began in it.
    handshakes: AtomicU64,
    /// What each address has, where that is limited.
    pub(crate) addresses: Addresses,
    /// What each user publishes, where that is limited.
    pub(crate) users: Users,
}

impl Shared {
    /// The state of a server that has no clients. `seed` keys the hash tables.
    pub fn with_seed(seed: u64) -> Shared {
        Shared {
            interest: Interest::with_seed(seed),
            clients: AtomicUsize::new(0),
            client_ids: AtomicU64::new(0),
            handshakes: AtomicU64::new(0),
            addresses: Addresses::default(),
            users: Users::default(),
        }
    }

    /// The number of the next connection (nats: INFO `client_id`).
    pub(crate) fn next_client_id(&self) -> u64 {
        self.client_ids.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Counts one client more, or returns `false` where there are `max` already.
    pub(crate) fn admit_client(&self, max: usize) -> bool {
        self.clients
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| (n < max).then_some(n + 1))
            .is_ok()
    }

    /// Counts one TLS handshake more, or returns `false` where there were `max` in this second already.
    pub(crate) fn admit_handshake(&self, now: Instant, max: u32) -> bool {
        let second = (now - Instant::default()).as_secs() & u64::from(u32::MAX);
        let admit = |counted: u64| {
            let count = if counted >> 32 == second { counted & u64::from(u32::MAX) } else { 0 };
            (count < u64::from(max)).then(|| second << 32 | (count + 1))
        };
        self.handshakes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, admit).is_ok()
    }

    /// Counts one client less where there are more than `max`; the caller closes it.
    pub(crate) fn dismiss_surplus(&self, max: usize) -> bool {
        self.clients.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| (n > max).then(|| n - 1)).is_ok()
    }

    /// Counts one client less.
    pub(crate) fn dismiss_client(&self) {
        self.clients.fetch_sub(1, Ordering::Relaxed);
    }
}
