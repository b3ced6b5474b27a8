//! TLS for all listeners of a server.

use dunlin_worker::{Listener, TlsPolicy, TlsStart};

use super::{Application, TlsError, TlsServer};
use crate::config::{Config, HandshakeFirst, TlsConfig};

/// TLS for each kind of listener that has it.
#[derive(Clone, Default, Debug)]
pub(crate) struct TlsServers {
    pub(crate) nats: Option<TlsServer>,
    pub(crate) websocket: Option<TlsServer>,
    pub(crate) monitor: Option<TlsServer>,
}

impl TlsServers {
    /// Reads the files of all `tls` blocks.
    ///
    /// # Errors
    ///
    /// The block, `tls` or `websocket tls`, and what is wrong with it.
    pub(crate) fn load(config: &Config) -> Result<TlsServers, (&'static str, TlsError)> {
        let load = |block, tls: Option<&TlsConfig>, application| {
            tls.map(|tls| TlsServer::load(tls, application).map_err(|error| (block, error))).transpose()
        };
        let websocket = config.websocket.as_ref().and_then(|websocket| websocket.tls.as_ref());
        // As with nats-server, whoever looks at monitoring needs no certificate.
        let monitor = config.tls.clone().filter(|_| config.http.as_ref().is_some_and(|http| http.is_tls));
        let monitor = monitor.map(|tls| TlsConfig { verify: false, ..tls });
        Ok(TlsServers {
            nats: load("tls", config.tls.as_ref(), Application::Nats)?,
            websocket: load("websocket tls", websocket, Application::Http)?,
            monitor: load("tls", monitor.as_ref(), Application::Http)?,
        })
    }

    /// What a new connection of a listener is served with.
    pub(crate) fn server(&self, listener: Listener) -> Option<&TlsServer> {
        match listener {
            Listener::Nats => self.nats.as_ref(),
            // Monitoring on a shared port has the certificate of `websocket`.
            Listener::WebSocket | Listener::Shared => self.websocket.as_ref(),
            Listener::Monitor => self.monitor.as_ref(),
        }
    }
}

/// How the worker comes to encrypt the connections of a listener with this block.
pub(crate) fn policy(config: &TlsConfig, is_optional: bool) -> TlsPolicy {
    let start = match config.handshake_first {
        HandshakeFirst::No => TlsStart::AfterInfo,
        HandshakeFirst::Yes => TlsStart::First,
        HandshakeFirst::Auto(delay) => TlsStart::FirstWithin(delay),
    };
    TlsPolicy {
        start,
        timeout: config.timeout,
        // As with nats-server, a handshake that has to come first is not optional.
        is_optional: is_optional && start != TlsStart::First,
        rate_max: config.connection_rate_limit,
    }
}
