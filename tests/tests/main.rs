//! Black-box tests: real sockets, real clients. One binary, a file per area.
#![allow(clippy::unwrap_used, missing_docs)]

mod auth;
mod browser;
mod clients_cli;
mod clients_node;
mod clients_python;
mod clients_rust;
mod compression;
mod differential;
mod front_door;
mod harness;
mod last_words;
mod slow_consumer;
mod support;
mod tls;
