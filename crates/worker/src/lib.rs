//! The worker turn: the heart of the server, without I/O.
//!
//! A [`Worker`] owns connections. It shares nothing with the other workers but the interest, and lives in turns
//! ([`Worker::turn`]): read every connection that has something, route what they publish, and write to each connection
//! once. Sockets are behind [`Wire`], time is an argument: the same code runs on real sockets in the server and on
//! scripted peers in the simulation.
//!
//! The way of the bytes through a turn:
//!
//! ```text
//! Wire::read -> transport (HTTP head, WebSocket frames) -> session -> Commands
//!            -> route -> delivery lists  ──┐ (messages for other workers cross once, before anything is written)
//! Wire::write <- framing <- encoding  <────┘ (once for each distinct list and framing)
//! ```

mod addresses;
mod auth;
mod backlog;
mod catch_up;
mod client_address;
mod config;
mod connection;
mod cookies;
mod crossing;
mod doors;
mod encodings;
mod ending;
mod flush;
mod frame_ping;
mod framing;
mod front_page;
mod http;
mod http_head;
mod inflate;
mod input;
mod label;
mod lame_duck;
mod monitor_request;
mod neighbours;
mod out_queue;
mod overflow;
mod parts;
mod peer_policy;
mod proxy_header;
mod publish_rate;
mod rate;
mod reload;
mod routing;
mod snapshot;
mod timers;
mod tls;
mod turn;
mod upgrade;
mod wire;
mod wrong_door;

pub use auth::AuthRequest;
pub use backlog::SlowConsumer;
pub use config::{CompressionConfig, Shared, WebSocketConfig, WorkerConfig};
pub use connection::{Accepted, ConnId, Listener};
pub use cookies::CookieNames;
pub use crossing::Crossing;
pub use doors::{Door, Doors};
pub use monitor_request::{MonitorRequest, MonitorResponse};
pub use neighbours::Lag;
pub use peer_policy::{OverRate, PeerLimits, PeerPolicy, PublishLimits};
pub use snapshot::{
    ClosedSnapshot, ConnectionKind, ConnectionSnapshot, Counters, SnapshotOptions, SubscriptionSnapshot,
    WorkerSnapshot,
};
pub use tls::{PeerCertificate, TlsInfo, TlsPolicy, TlsStart};
pub use turn::Worker;
pub use wire::Wire;
