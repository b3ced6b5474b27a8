//! Black-box tests: real sockets, real clients. One binary, a file per area.
#![allow(clippy::unwrap_used, missing_docs)]

mod auth;
mod browser;
mod client_address;
mod clients_auth;
mod clients_cli;
mod clients_node;
mod clients_python;
mod clients_rust;
mod clients_tls;
mod compression;
mod configuration;
mod differential;
mod front_door;
mod guide;
mod harness;
#[cfg(target_os = "linux")]
mod hostile;
mod keep_alive;
mod last_words;
mod peer_limits;
mod proxies;
mod slow_consumer;
mod support;
mod tls;
mod unix_socket;
