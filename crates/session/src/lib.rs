//! Protocol sessions: the state of one peer, as a machine without I/O.
//!
//! A [`Session`] takes the plain byte stream of its peer and turns it into [`Commands`]: publish, subscribe,
//! unsubscribe, reply. It never sees a socket, a frame, a clock or another session. [`Client`] is the session of a NATS
//! client; other protocols implement the same trait.

use std::sync::Arc;

use dunlin_auth::{Certificate, Identity};

mod client;
mod client_auth;
mod client_trace;
mod close_reason;
mod commands;
mod dialect;
mod keep_alive;
mod time;

pub use client::{Client, ClientConfig, Peer};
pub use close_reason::CloseReason;
pub use commands::{Capabilities, Commands};
pub use dialect::{Delivery, Dialect};
pub use time::Instant;

/// The protocol state of one peer.
///
/// The driver calls [`Session::handle_open`] once, then [`Session::handle_input`] for whatever arrives and
/// [`Session::handle_timeout`] whenever [`Session::poll_timeout`] has passed. An `Err` ends the connection: the driver
/// sends the reason's last words and closes.
pub trait Session {
    /// The peer is there: greet it.
    fn handle_open(&mut self, commands: &mut dyn Commands);

    /// Handles the whole ops at the start of `input`, and returns how many bytes they took. What is left is the start of
    /// an op: the driver keeps it, and hands it in again with what follows.
    fn handle_input(
        &mut self,
        now: Instant,
        input: &[u8],
        commands: &mut dyn Commands,
    ) -> Result<usize, CloseReason>;

    /// The length of the op that the bytes left over by [`Session::handle_input`] begin, where that is known already.
    fn op_len(&self) -> Option<usize>;

    /// The time of [`Session::poll_timeout`] has come.
    fn handle_timeout(&mut self, now: Instant, commands: &mut dyn Commands) -> Result<(), CloseReason>;

    /// When to call [`Session::handle_timeout`].
    fn poll_timeout(&self) -> Instant;

    /// The server is about to stop: tell the peer, if it understands that.
    fn handle_lame_duck(&mut self, commands: &mut dyn Commands);

    /// It is settled whether the connection is encrypted, after the session has begun: only now the peer can go on.
    fn handle_settled(&mut self, now: Instant);

    /// The transport has verified a certificate of the peer, after the session has begun.
    fn handle_certificate(&mut self, certificate: Certificate);

    /// What came of a check that the session asked for ([`Commands::authenticate`]): who the peer is, or that it is not who it
    /// says. Until then the driver hands in no input.
    fn handle_verdict(
        &mut self,
        identity: Option<Identity>,
        commands: &mut dyn Commands,
    ) -> Result<(), CloseReason>;

    /// From now on `config` holds. An `Err`: under it, the peer would not have been let in.
    fn set_config(
        &mut self,
        config: &Arc<ClientConfig>,
        commands: &mut dyn Commands,
    ) -> Result<(), CloseReason>;

    /// How deliveries to this session are written.
    fn dialect(&self) -> Dialect;

    /// What monitoring shows of the peer.
    fn description(&self) -> Description<'_>;
}

/// What a session tells monitoring.
#[derive(Clone, Copy, Debug, Default)]
pub struct Description<'a> {
    /// The name that the client gave itself.
    pub name: Option<&'a str>,
    /// The language of the client's library.
    pub lang: Option<&'a str>,
    /// The version of the client's library.
    pub version: Option<&'a str>,
    /// The round-trip time of the last PING that was answered, in nanoseconds.
    pub rtt: Option<u64>,
    /// The user that it was let in as.
    pub user: Option<&'a str>,
}
