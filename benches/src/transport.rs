//! How a client is connected.

use std::fmt;

/// The layers between a client and a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Transport {
    pub(crate) tls: bool,
    /// NATS in WebSocket frames; else bare on TCP.
    pub(crate) websocket: bool,
    /// `permessage-deflate` without context takeover in both directions.
    pub(crate) compressed: bool,
    /// The client says that it is a browser: it gets frames of at most 4096 bytes.
    pub(crate) browser: bool,
}

impl Transport {
    pub(crate) const TCP: Transport =
        Transport { tls: false, websocket: false, compressed: false, browser: false };
    pub(crate) const WEBSOCKET: Transport = Transport { websocket: true, ..Transport::TCP };
    pub(crate) const COMPRESSED: Transport = Transport { compressed: true, ..Transport::WEBSOCKET };
    pub(crate) const BROWSER: Transport = Transport { browser: true, ..Transport::WEBSOCKET };
    pub(crate) const BROWSER_COMPRESSED: Transport = Transport { browser: true, ..Transport::COMPRESSED };
    pub(crate) const TLS: Transport = Transport { tls: true, ..Transport::WEBSOCKET };
    pub(crate) const TLS_COMPRESSED: Transport = Transport { tls: true, ..Transport::COMPRESSED };
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (self.browser, "browser"),
            (self.compressed, "compressed"),
            (self.tls, "TLS"),
            (self.websocket, "WebSocket"),
            (!self.websocket, "TCP"),
        ];
        let names: Vec<&str> = parts.iter().filter(|(is, _)| *is).map(|&(_, name)| name).collect();
        f.pad(&names.join(" "))
    }
}
