//! From an HTTP request to a WebSocket connection.

use dunlin_forwarded::Scheme;
use dunlin_permessage_deflate::{Compressor, Config as DeflateConfig, Params, Role as DeflateRole};
use dunlin_websocket::handshake::{Accepted, OriginRefusal, Request};
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
pub(crate) struct Refusal {
    pub status: u16,
    /// For the log.
    pub reason: String,
    /// For the peer, where the status does not say it all.
    pub text: Option<String>,
    /// The peer may not try again on the same connection.
    pub is_final: bool,
}

impl Refusal {
    /// A refusal after which the peer may try again.
    fn new(status: u16, reason: String) -> Refusal {
        Refusal { status, reason, text: None, is_final: false }
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
        if let Err(refusal) = check_path(head).and_then(|()| self.check_host(head)) {
            return self.refuse_upgrade(id, head, &refusal.before(has_rest));
        }
        if head.is_plain() {
            return self.show_front_page(id, head, !has_rest);
        }
        match self.check_upgrade(id, head, has_rest) {
            Ok(accepted) => self.open_websocket(id, head, accepted),
            Err(refusal) => self.refuse_upgrade(id, head, &refusal.before(has_rest)),
        }
    }

    fn check_upgrade(&self, id: ConnId, head: &Head<'_>, has_rest: bool) -> Result<Accepted, Refusal> {
        // A proxy that speaks HTTP/1.0 to its servers, as nginx does unless told otherwise, passes on what a browser has asked for
        // in 1.1 (RFC 6455 §4.1).
        let request = Request { method: head.method, version_minor: 1, headers: head.pairs() };
        let accepted = request.accept().map_err(|error| Refusal::new(error.status(), error.to_string()))?;
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
            let refusal = Refusal::last(500, "a configured header cannot be sent".into());
            return self.refuse_upgrade(id, head, &refusal);
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
        let WebSocketConfig { origins, reach, .. } = &self.config.websocket;
        let is_https = self.is_https(id, head);
        reach.check(&head.pairs(), head.host).map_err(|refusal| {
            let origin = named_origin(head);
            let (page, example) = match refusal {
                OriginRefusal::NotLoopback => (format!("pages of {origin}"), &*origin),
                _ => ("pages that hide where they come from".to_owned(), "https://app.example.com"),
            };
            Refusal {
                text: Some(format!(
                    "{page} may not connect to this demonstration server, which takes those of this machine only \
                     (http://localhost:3000): start it with -c and a file that has \
                     websocket {{ port: 8080, no_tls: true, allowed_origins: [\"{example}\"] }}"
                )),
                ..Refusal::new(403, format!("{refusal} ({origin}): see allowed_origins"))
            }
        })?;
        origins.check(&head.pairs(), head.host, is_https).map_err(|refusal| match named_origin(head) {
            origin if origin.is_empty() => Refusal::new(403, refusal.to_string()),
            origin => Refusal::new(403, format!("{refusal} ({origin})")),
        })
    }

    /// Whether the server may be called by this name: not where it is there for its own machine, and a page has had its own name
    /// resolve to it.
    fn check_host(&self, head: &Head<'_>) -> Result<(), Refusal> {
        self.config.websocket.reach.check_host(head.host).map_err(|refusal| Refusal {
            text: Some(format!(
                "this demonstration server is called localhost or 127.0.0.1, not {:?}: start it with -c and a file that has \
                 websocket {{ port: 8080, no_tls: true }}",
                head.host
            )),
            ..Refusal::new(403, format!("{refusal} ({:?})", head.host))
        })
    }

    /// Whether the client sees `wss://`: the scheme that `same_origin` compares.
    pub(crate) fn is_https(&self, id: ConnId, head: &Head<'_>) -> bool {
        let is_tls = self.conns.find(id).is_some_and(|conn| conn.tls.is_some());
        self.client_scheme(id, head).map_or(is_tls, |scheme| scheme == Scheme::Https)
    }
}

impl Refusal {
    /// The same of a request that more has come behind: where the next one begins is not certain.
    fn before(self, has_rest: bool) -> Refusal {
        Refusal { is_final: self.is_final || has_rest, ..self }
    }
}

/// Paths that are for other protocols.
fn check_path(head: &Head<'_>) -> Result<(), Refusal> {
    let path = head.target.split('?').next().unwrap_or_default();
    for kind in ["mqtt", "leafnode"] {
        if path.strip_suffix(kind).is_some_and(|start| start.ends_with('/')) {
            return Err(Refusal::new(404, format!("{kind} websocket endpoint not enabled")));
        }
    }
    Ok(())
}

/// The origin that a request names, for people: escaped and cut, because it is a stranger's text.
fn named_origin(head: &Head<'_>) -> String {
    let named = ["Origin", "Sec-WebSocket-Origin"].iter().flat_map(|name| head.values(name));
    let origin = named.map(<[u8]>::trim_ascii).find(|origin| !origin.is_empty()).unwrap_or_default();
    origin[..origin.len().min(128)].escape_ascii().to_string()
}
