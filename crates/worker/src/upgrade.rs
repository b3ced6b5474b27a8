//! From an HTTP request to a WebSocket connection.

use dunlin_forwarded::Scheme;
use dunlin_permessage_deflate::{Compressor, Config as DeflateConfig, Params, Role as DeflateRole};
use dunlin_websocket::handshake::{Accepted, HandshakeError, Request};
use dunlin_websocket::{Assembler, Limits, Masking, Role};

use crate::connection::{Connection, Framing, Listener, Transport};
use crate::http_head::Head;
use crate::inflate::Inflater;
use crate::{CompressionConfig, ConnId, WebSocketConfig, Worker};

/// What a request asks for, besides WebSocket.
struct Wishes {
    /// The client will not mask its frames (nats: `Nats-No-Masking`).
    no_masking: bool,
    is_browser: bool,
    /// The browser is Safari, which fails at compressed messages in several frames.
    is_safari: bool,
}

impl Wishes {
    fn of(head: &Head<'_>, config: &WebSocketConfig) -> Wishes {
        let agent = head.values("User-Agent").next().unwrap_or_default();
        let names = |name: &[u8]| memchr::memmem::find(agent, name).is_some();
        let is_browser = agent.starts_with(b"Mozilla/");
        Wishes {
            no_masking: config.no_masking && head.values("Nats-No-Masking").next() == Some(b"true"),
            is_browser,
            is_safari: is_browser && names(b"Version/") && names(b"Safari/"),
        }
    }

    fn framing(&self, compression: Option<&Params>) -> Framing {
        match compression {
            Some(params) => Framing::Deflated {
                window_bits: params.server_window_bits(),
                split: self.is_browser && !self.is_safari,
            },
            None if self.is_browser => Framing::Browser,
            None => Framing::Message,
        }
    }
}

/// What is agreed on compression, if anything: the first offer that keeps the rules (RFC 7692 §5).
fn negotiate(head: &Head<'_>, config: CompressionConfig) -> Option<Params> {
    let config = DeflateConfig {
        server_no_context_takeover: !config.context_takeover,
        client_no_context_takeover: !config.context_takeover,
        server_max_window_bits: config.window_bits_max,
        client_max_window_bits: config.window_bits_max,
    };
    // Bytes that are no text are no offer, and make the whole header malformed.
    let lines = head.values("Sec-WebSocket-Extensions").map(|line| core::str::from_utf8(line).unwrap_or("?"));
    Params::negotiate_lines(lines, &config)
}

impl Connection {
    /// Gives the connection what it needs where a context is kept from message to message.
    fn keep_contexts(&mut self, params: &Params, level: u8) {
        if !params.server_no_context_takeover {
            self.compressor = Some(Box::new(Compressor::new(params, DeflateRole::Server, level)));
        }
        if !params.client_no_context_takeover {
            self.inflater = Some(Inflater::with_context(params));
        }
    }
}

/// Why a request for WebSocket is refused.
struct Refusal {
    status: u16,
    /// For the log.
    reason: String,
    /// The peer may not try again on the same connection.
    is_final: bool,
}

impl Refusal {
    /// A refusal after which the peer may try again.
    fn new(status: u16, reason: String) -> Refusal {
        Refusal { status, reason, is_final: false }
    }

    fn last(status: u16, reason: String) -> Refusal {
        Refusal { is_final: true, ..Refusal::new(status, reason) }
    }
}

impl Worker {
    /// Accepts or refuses a request for WebSocket. `has_rest`: the peer has sent more than the request.
    pub(crate) fn upgrade(&mut self, id: ConnId, head: &Head<'_>, has_rest: bool) {
        if let Err(reason) = self.admit_request(id, head) {
            return self.refuse_peer(id, reason);
        }
        match self.check_upgrade(id, head, has_rest) {
            Ok(accepted) => self.open_websocket(id, head, accepted),
            Err(Refusal { status, reason, is_final }) => {
                self.refuse_upgrade(id, head, status, &reason, !is_final && !has_rest);
            }
        }
    }

    fn check_upgrade(&self, id: ConnId, head: &Head<'_>, has_rest: bool) -> Result<Accepted, Refusal> {
        let path = head.target.split('?').next().unwrap_or_default();
        for kind in ["mqtt", "leafnode"] {
            if path.strip_suffix(kind).is_some_and(|start| start.ends_with('/')) {
                return Err(Refusal::new(404, format!("{kind} websocket endpoint not enabled")));
            }
        }
        let request =
            Request { method: head.method, version_minor: head.version_minor, headers: head.pairs() };
        let accepted = request.accept().map_err(|error| match error {
            HandshakeError::HttpVersion => Refusal::last(error.status(), error.to_string()),
            _ => Refusal::new(error.status(), error.to_string()),
        })?;
        self.check_origin(id, head)?;
        if head.has_body() {
            return Err(Refusal::last(400, "a request for websocket has no body".into()));
        }
        if has_rest {
            return Err(Refusal::last(400, "client sent data before handshake is complete".into()));
        }
        Ok(accepted)
    }

    fn open_websocket(&mut self, id: ConnId, head: &Head<'_>, accepted: Accepted) {
        let wishes = Wishes::of(head, &self.config.websocket);
        let configured =
            self.config.websocket.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let compression = self.config.websocket.compression;
        let params = compression.and_then(|config| negotiate(head, config));
        let extensions = params.map(|params| {
            let mut answer = Vec::new();
            params.write_response(&mut answer);
            String::from_utf8_lossy(&answer).into_owned()
        });
        let extensions = extensions.as_deref().map(|answer| ("Sec-WebSocket-Extensions", answer));
        let no_masking = wishes.no_masking.then_some(("Nats-No-Masking", "true"));
        let extra: Vec<(&str, &str)> = extensions.into_iter().chain(no_masking).chain(configured).collect();
        let Some(conn) = self.conns.get_mut(id) else { return };
        if accepted.write_response(&extra, &mut conn.head).is_err() {
            // The configured headers are checked when the configuration is read.
            return self.refuse_upgrade(id, head, 500, "a configured header cannot be sent", false);
        }
        let masking = if wishes.no_masking { Masking::Forbidden } else { Masking::Required };
        let assembler = Assembler::new(Role::Server, Limits::UNLIMITED).with_masking(masking);
        conn.transport = Transport::WebSocket(assembler.with_utf8(false).with_rsv1(params.is_some()));
        conn.framing = wishes.framing(params.as_ref());
        if let (Some(params), Some(config)) = (&params, compression) {
            conn.keep_contexts(params, config.level);
        }
        conn.listener = Listener::WebSocket;
        let cookies = &self.config.websocket.cookies;
        let presented = cookies.credentials(head.values("Cookie"));
        self.start_client(id, presented);
        self.schedule_frame_ping(id);
        self.arm(id);
    }

    /// Whether the page that the request comes from may connect.
    fn check_origin(&self, id: ConnId, head: &Head<'_>) -> Result<(), Refusal> {
        let origins = &self.config.websocket.origins;
        origins.check(&head.pairs(), head.host, self.is_https(id, head)).map_err(|refusal| {
            let named = ["Origin", "Sec-WebSocket-Origin"].iter().flat_map(|name| head.values(name));
            match named.map(<[u8]>::trim_ascii).find(|origin| !origin.is_empty()) {
                // The operator has to know which origin it was. Escaped and cut: it is a stranger's text.
                Some(origin) => {
                    let origin = origin[..origin.len().min(128)].escape_ascii();
                    Refusal::new(403, format!("{refusal} ({origin})"))
                }
                None => Refusal::new(403, refusal.to_string()),
            }
        })
    }

    /// Whether the client sees `wss://`: the scheme that `same_origin` compares.
    fn is_https(&self, id: ConnId, head: &Head<'_>) -> bool {
        let is_tls = self.conns.find(id).is_some_and(|conn| conn.tls.is_some());
        self.client_scheme(id, head).map_or(is_tls, |scheme| scheme == Scheme::Https)
    }
}
