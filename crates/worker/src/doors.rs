//! The server's listeners, for those who have come to the wrong one.

use core::fmt::Write as _;
use std::net::IpAddr;

use crate::Listener;

/// A listener.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Door {
    /// Its port.
    pub port: u16,
    /// It listens for this machine alone.
    pub is_local: bool,
    /// It speaks TLS.
    pub is_tls: bool,
}

/// Where the server listens.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Doors {
    /// For NATS clients on TCP.
    pub nats: Option<Door>,
    /// For WebSocket.
    pub websocket: Option<Door>,
    /// For monitoring.
    pub monitoring: Option<Door>,
    /// What precedes the paths of monitoring, without a `/` at the end (nats: `http_base_path`).
    pub monitoring_path: String,
}

impl Door {
    /// Whether it is open to `peer`: what listens for this machine alone is no news for others.
    pub(crate) fn is_open_to(&self, peer: IpAddr) -> bool {
        !self.is_local || peer.to_canonical().is_loopback()
    }
}

impl Doors {
    /// What the port of `listener` is for, and where `peer` finds the others. One line without quotes.
    pub(crate) fn signpost(&self, listener: Listener, peer: IpAddr) -> String {
        let (here, is_websocket, is_monitoring) = match listener {
            Listener::Nats => ("NATS clients", false, false),
            Listener::WebSocket => ("NATS over WebSocket", true, false),
            Listener::Monitor => ("monitoring over HTTP", false, true),
            Listener::Shared => ("NATS over WebSocket, and for monitoring over HTTP", true, true),
        };
        let mut text = format!("This port is for {here}.");
        let open = |door: &Option<Door>, is_here: bool| door.filter(|door| !is_here && door.is_open_to(peer));
        // Writing to a String cannot fail.
        if let Some(door) = open(&self.nats, listener == Listener::Nats) {
            let _ = write!(text, " NATS clients connect to port {}.", door.port);
        }
        if let Some(door) = open(&self.websocket, is_websocket) {
            let scheme = if door.is_tls { "wss" } else { "ws" };
            let _ = write!(text, " WebSocket is on port {} ({scheme}://).", door.port);
        }
        if let Some(door) = open(&self.monitoring, is_monitoring) {
            let scheme = if door.is_tls { "https" } else { "http" };
            let _ = write!(text, " Monitoring is on port {} ({scheme}://).", door.port);
        }
        text
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{Door, Doors};
    use crate::Listener;

    #[test]
    fn each_port_names_the_others() {
        let door = |port, is_local, is_tls| Some(Door { port, is_local, is_tls });
        let doors = Doors {
            nats: door(4222, false, false),
            websocket: door(443, false, true),
            monitoring: door(8222, true, false),
            ..Doors::default()
        };
        let here = "::ffff:127.0.0.1".parse().unwrap();
        let text = |listener| doors.signpost(listener, here);
        assert_eq!(
            text(Listener::Nats),
            "This port is for NATS clients. WebSocket is on port 443 (wss://). Monitoring is on port 8222 (http://)."
        );
        assert_eq!(
            text(Listener::WebSocket),
            "This port is for NATS over WebSocket. NATS clients connect to port 4222. \
             Monitoring is on port 8222 (http://)."
        );
        assert_eq!(
            text(Listener::Shared),
            "This port is for NATS over WebSocket, and for monitoring over HTTP. NATS clients connect to port 4222."
        );
        // What a stranger cannot reach, it is not told of.
        let elsewhere = doors.signpost(Listener::WebSocket, "192.0.2.1".parse().unwrap());
        assert_eq!(elsewhere, "This port is for NATS over WebSocket. NATS clients connect to port 4222.");
        assert_eq!(Doors::default().signpost(Listener::Nats, here), "This port is for NATS clients.");
    }
}
