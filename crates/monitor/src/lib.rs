//! Monitoring: what a server knows of itself as the JSON of nats-server 2.15's `/varz`, `/connz` and `/healthz`.
//!
//! This crate knows no socket and no clock. The server fills a [`Snapshot`] and hands it to [`respond()`] with the target of a
//! request; back come status, content type and body. Names, order, omission and formats of the fields are those of the
//! official server, as are the texts for bad parameters.
//!
//! ```
//! use dunlin_monitor::{Snapshot, Varz, respond};
//!
//! let now = "2026-11-21T19:35:14.5Z".parse().unwrap();
//! let varz = Varz { server_id: "NDUNLIN".into(), ..Varz::default() };
//! let snapshot = Snapshot { varz, connections: Vec::new(), closed: Vec::new(), now };
//!
//! let response = respond("/connz?limit=5", "", &snapshot);
//! assert_eq!(response.status, 200);
//! assert!(response.body.contains("\"now\": \"2026-11-21T19:35:14.5Z\""));
//! assert_eq!(respond("/connz?limit=x", "", &snapshot).status, 400);
//! ```

#![forbid(unsafe_code)]

mod connz;
mod error;
mod format;
mod healthz;
mod json;
mod query;
mod respond;
mod varz;

pub use connz::{
    Connection, ConnectionState, Connz, ConnzOptions, Kind, PeerCert, Sort, State, Subscription,
    SubscriptionsWanted,
};
pub use error::{BadParameter, Parameter};
pub use format::{Number, Time, format_duration, format_uptime};
pub use healthz::Healthz;
pub use query::Query;
pub use respond::{Path, RequestCounts, Response, Snapshot, respond, route};
pub use varz::{ByKind, DiskIoWait, Limits, Section, Varz, WebSocketVarz};
