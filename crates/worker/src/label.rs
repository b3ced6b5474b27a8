//! How log lines name a connection.

use core::fmt;
use std::net::SocketAddr;

use crate::connection::{Connection, Listener};

/// Where a connection comes from: `127.0.0.1:41352`. Behind a proxy, the client comes first: `203.0.113.195/127.0.0.1:41352`,
/// with its port if that is known.
#[derive(Clone, Copy)]
pub(crate) struct Origin {
    peer: SocketAddr,
    socket: Option<SocketAddr>,
}

/// A connection in a log line: `127.0.0.1:41352 - cid:6`, and `wid:6` on WebSocket (nats: log prefixes).
pub(crate) struct Label {
    origin: Origin,
    listener: Listener,
    client_id: u64,
}

impl Connection {
    pub(crate) fn origin(&self) -> Origin {
        Origin { peer: self.peer, socket: self.via.as_ref().map(|via| via.socket) }
    }

    pub(crate) fn label(&self) -> Label {
        Label { origin: self.origin(), listener: self.listener, client_id: self.client_id }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Origin { peer, socket } = self;
        match socket {
            Some(socket) if peer.port() == 0 => write!(f, "{}/{socket}", peer.ip()),
            Some(socket) => write!(f, "{peer}/{socket}"),
            None => write!(f, "{peer}"),
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Label { origin, listener, client_id } = self;
        match listener {
            Listener::Nats => write!(f, "{origin} - cid:{client_id}"),
            Listener::WebSocket => write!(f, "{origin} - wid:{client_id}"),
            Listener::Monitor | Listener::Shared => write!(f, "{origin} - http"),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::Origin;

    #[test]
    fn a_client_behind_a_proxy_comes_first() {
        let text = |peer: &str, socket: Option<&str>| {
            let origin =
                Origin { peer: peer.parse().unwrap(), socket: socket.map(|socket| socket.parse().unwrap()) };
            origin.to_string()
        };
        let proxy = Some("127.0.0.1:41352");
        assert_eq!(text("127.0.0.1:41352", None), "127.0.0.1:41352");
        assert_eq!(text("203.0.113.195:0", proxy), "203.0.113.195/127.0.0.1:41352");
        assert_eq!(text("203.0.113.195:80", proxy), "203.0.113.195:80/127.0.0.1:41352");
        assert_eq!(text("[2001:db8::1]:0", Some("[::1]:5")), "2001:db8::1/[::1]:5");
    }
}
