//! From an HTTP request to a WebSocket connection.

use dunlin_session::Instant;
use dunlin_websocket::handshake::{HandshakeError, Request};
use dunlin_websocket::{Assembler, Limits, Masking, Role};

use crate::connection::{Framing, Transport};
use crate::http::Head;
use crate::{ConnId, Worker};

/// What a request asks for, besides WebSocket.
struct Wishes {
    /// The client will not mask its frames (nats: `Nats-No-Masking`).
    no_masking: bool,
    framing: Framing,
}

impl Wishes {
    fn of(head: &Head<'_>) -> Wishes {
        let agent = head.values("User-Agent").next().unwrap_or_default();
        Wishes {
            no_masking: head.values("Nats-No-Masking").next() == Some(b"true"),
            framing: if agent.starts_with(b"Mozilla/") { Framing::Browser } else { Framing::Message },
        }
    }
}

impl Worker {
    /// Accepts or refuses a request on the WebSocket listener. After a refusal the peer may try again on the same
    /// connection.
    pub(crate) fn upgrade(&mut self, id: ConnId, head: &Head<'_>) {
        let path = head.target.split('?').next().unwrap_or_default();
        if path.ends_with("/mqtt") {
            return self.refuse_request(id, head, 404, "mqtt websocket endpoint not enabled", true);
        }
        if path.ends_with("/leafnode") {
            return self.refuse_request(id, head, 404, "leafnode websocket endpoint not enabled", true);
        }
        let headers = head.headers.iter().map(|header| (header.name, header.value));
        let request = Request { method: head.method, version_minor: head.version_minor, headers };
        let accepted = match request.accept() {
            Ok(accepted) => accepted,
            Err(error) => {
                // What is wrong with HTTP itself ends the connection; the rest of the checks may be tried again.
                let is_http = match error {
                    HandshakeError::HttpVersion | HandshakeError::HostRepeated => true,
                    HandshakeError::HostMissing => head.values("Host").next().is_none(),
                    _ => false,
                };
                return self.refuse_request(id, head, error.status(), &error.to_string(), !is_http);
            }
        };
        if head.has_rest {
            return self.refuse_http(id, 400, "client sent data before handshake is complete");
        }
        let wishes = Wishes::of(head);
        let configured =
            self.config.websocket.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let no_masking = wishes.no_masking.then_some(("Nats-No-Masking", "true"));
        let extra: Vec<(&str, &str)> = no_masking.into_iter().chain(configured).collect();
        let Some(conn) = self.conns.get_mut(id) else { return };
        if accepted.write_response(&extra, &mut conn.head).is_err() {
            // The configured headers are checked when the configuration is read.
            return self.refuse_http(id, 500, "a configured header cannot be sent");
        }
        let masking = if wishes.no_masking { Masking::Forbidden } else { Masking::Required };
        let assembler = Assembler::new(Role::Server, Limits::UNLIMITED).with_masking(masking);
        conn.transport = Transport::WebSocket(assembler.with_utf8(false));
        conn.framing = wishes.framing;
        conn.deadline = Instant::NEVER;
        self.start_client(id);
        self.arm(id);
    }
}
