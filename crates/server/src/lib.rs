//! dunlin: a NATS server whose first citizen is WebSocket.
//!
//! This crate is the edge: sockets, threads, clocks, files and signals. What a server *does* lies in the crates below:
//! `dunlin-worker` (the turn), `dunlin-session` (protocols), `dunlin-broker` (routing).

pub mod config;
mod endpoints;
mod monitoring;
mod net;
mod process;
mod server;
mod tls;

pub use endpoints::Addresses;
pub use server::{Bound, Handle, NATS_VERSION, ReloadError, Server, StartError};
pub use tls::{TlsError, TlsWarning};
