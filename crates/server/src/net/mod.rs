//! The edge: sockets, threads and clocks around the workers.
//!
//! One thread accepts and deals connections out; each worker has a thread of its own with its own `mio::Poll`. Threads
//! talk through [`mailbox::Mailbox`]es only.

mod accept_pause;
mod acceptor;
mod auth_threads;
mod clock;
mod collection;
mod listener;
mod mailbox;
mod network;
mod socket;
mod sockets;
mod unix_socket;
mod worker_thread;

pub(crate) use clock::Clock;
pub(crate) use listener::ListenSocket;
pub(crate) use network::{Endpoint, Endpoints, Network, NetworkConfig, Place};
pub(crate) use socket::Socket;
pub(crate) use unix_socket::UnixSocket;
