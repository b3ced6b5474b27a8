//! How log lines name a connection.

use core::fmt;
use std::net::SocketAddr;

use crate::connection::{Connection, Listener};

/// A connection in a log line: `127.0.0.1:41352 - cid:6`, and `wid:6` on WebSocket (nats: log prefixes).
pub(crate) struct Label {
    peer: SocketAddr,
    listener: Listener,
    client_id: u64,
}

impl Connection {
    pub(crate) fn label(&self) -> Label {
        Label { peer: self.peer, listener: self.listener, client_id: self.client_id }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Label { peer, listener, client_id } = self;
        match listener {
            Listener::Nats => write!(f, "{peer} - cid:{client_id}"),
            Listener::WebSocket => write!(f, "{peer} - wid:{client_id}"),
            Listener::Monitor => write!(f, "{peer} - http"),
        }
    }
}
