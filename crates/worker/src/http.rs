//! Connections that speak HTTP: those to monitoring, and those that are not WebSocket yet.

use dunlin_session::CloseReason;
use dunlin_websocket::handshake::{Body, status_text, write_refusal_with_body};

use crate::client_address::Standing;
use crate::connection::{Listener, Transport};
use crate::ending::Ending;
use crate::front_page::{FrontPage, PAGE_POLICY};
use crate::http_head::{Head, storage};
use crate::upgrade::Refusal;
use crate::wrong_door::Speech;
use crate::{ConnId, Worker};

impl Worker {
    /// Handles the bytes of a connection that speaks HTTP: one request, which is answered before the next is looked at.
    pub(crate) fn handle_http(&mut self, id: ConnId, bytes: &[u8]) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        if conn.awaits_response || conn.out.is_some() {
            conn.raw = bytes.to_vec();
            return;
        }
        let mut storage = storage();
        match Head::parse(bytes, &mut storage) {
            Ok(None) if conn.input_ended => self.end(id, Ending::Http),
            Ok(None) => conn.raw = bytes.to_vec(),
            Ok(Some((head, len))) => self.handle_request(id, &head, &bytes[len..]),
            Err(error) => match Speech::before_http(bytes) {
                Some(speech) => self.turn_away_from_http(id, speech),
                None => self.refuse_http(id, error.status(), &error.to_string()),
            },
        }
    }

    fn handle_request(&mut self, id: ConnId, head: &Head<'_>, rest: &[u8]) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        let is_upgrade = match conn.listener {
            Listener::WebSocket | Listener::Nats => true,
            Listener::Monitor => false,
            Listener::Shared => head.asks_for_websocket(),
        };
        if is_upgrade {
            self.upgrade(id, head, !rest.is_empty());
        } else {
            if conn.listener == Listener::Monitor && head.asks_for_websocket() {
                // It is answered as any request: there may be a page of that name.
                self.log_speech(id, Speech::WebSocket);
            }
            self.ask_monitor(id, head, rest);
        }
    }

    /// All that was written to a connection that speaks HTTP is gone: the next request has its turn.
    pub(crate) fn resume_http(&mut self, id: ConnId) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        if matches!(conn.transport, Transport::Http) && !conn.raw.is_empty() && !conn.awaits_response {
            let bytes = core::mem::take(&mut conn.raw);
            self.handle_http(id, &bytes);
            self.set_readable(id, false);
        }
    }

    /// A peer that has not finished its request, or has asked for nothing more, in time.
    pub(crate) fn handle_http_timeout(&mut self, id: ConnId) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        let is_silent = conn.raw.is_empty();
        if is_silent && matches!(conn.listener, Listener::Monitor | Listener::Shared) {
            return self.end(id, Ending::Http);
        }
        if conn.standing == Standing::Refused && self.admit_handshake(id).is_err() {
            return self.refuse_peer(id, CloseReason::AddressConnections);
        }
        if !is_silent {
            return self.refuse_http(id, 408, "the request did not arrive in time");
        }
        // A NATS client waits for INFO like this.
        let text = format!("nothing arrived in time. {}", self.signpost(id));
        self.refuse_http(id, 408, &text);
    }

    /// Answers what is no request that could be answered, and ends the connection.
    fn refuse_http(&mut self, id: ConnId, status: u16, reason: &str) {
        if self.conns.get_mut(id).is_some_and(|conn| conn.listener == Listener::WebSocket) {
            self.log_handshake_error(id, reason);
        }
        self.answer_http(id, status, reason);
    }

    /// Answers with a status and the reason for it, and ends the connection.
    pub(crate) fn answer_http(&mut self, id: ConnId, status: u16, reason: &str) {
        let text = format!("{}: {reason}", status_text(status));
        self.write_refusal(id, status, &[("Connection", "close")], Body::plain(&text));
        self.end(id, Ending::Http);
    }

    /// Answers a request for WebSocket with a status. The connection goes on where the request allows that and the refusal is
    /// not final.
    pub(crate) fn refuse_upgrade(&mut self, id: ConnId, head: &Head<'_>, refusal: &Refusal) {
        let Refusal { status, reason, text, is_final } = refusal;
        self.log_handshake_error(id, reason);
        let body = Body::plain(text.as_deref().unwrap_or(status_text(*status)));
        self.answer_request(id, head, *status, &[], body, !is_final);
    }

    /// Answers a request to the port for WebSocket that is about something else: a person, or a program that looks whether
    /// somebody is there. Browsers that ask whether a page may do more get no leave.
    pub(crate) fn show_front_page(&mut self, id: ConnId, head: &Head<'_>, may_go_on: bool) {
        let is_tls = self.is_https(id, head);
        let Some(conn) = self.conns.get_mut(id) else { return };
        let page = FrontPage { host: head.host, is_tls, peer: conn.peer.ip(), doors: &self.config.doors };
        let is_html = head.accepts_html();
        let text = if is_html { page.html() } else { page.text() };
        let body = if is_html { Body::html(&text) } else { Body::plain(&text) };
        self.log_handshake_error(id, "the request does not ask for websocket");
        let extra = [("Cache-Control", "no-store"), ("Content-Security-Policy", PAGE_POLICY)];
        match head.method {
            "GET" | "HEAD" => {
                let extra = [&[("Upgrade", "websocket")], &extra[..]].concat();
                self.answer_request(id, head, 426, &extra, body, may_go_on);
            }
            _ => {
                let extra = [&[("Allow", "GET, HEAD")], &extra[..]].concat();
                self.answer_request(id, head, 405, &extra, body, may_go_on);
            }
        }
    }

    /// Answers a request. The connection goes on where the request allows that and `may_go_on`.
    fn answer_request(
        &mut self,
        id: ConnId,
        head: &Head<'_>,
        status: u16,
        extra: &[(&str, &str)],
        body: Body<'_>,
        may_go_on: bool,
    ) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        let goes_on = may_go_on && !conn.input_ended && head.keeps_alive();
        let start = conn.head.len();
        // Who sends `Upgrade` names it in `Connection` (RFC 9110 §7.8).
        let connection: &[_] = match (status, goes_on) {
            (426, true) => &[("Connection", "Upgrade")],
            (426, false) => &[("Connection", "Upgrade, close")],
            (_, true) => &[],
            (_, false) => &[("Connection", "close")],
        };
        self.write_refusal(id, status, &[extra, connection].concat(), body);
        if let Some(conn) = self.conns.get_mut(id).filter(|_| head.method == "HEAD") {
            let body = memchr::memmem::find(&conn.head[start..], b"\r\n\r\n").map(|end| start + end + 4);
            conn.head.truncate(body.unwrap_or(usize::MAX));
        }
        if !goes_on {
            self.end(id, Ending::Http);
        }
    }

    /// Answers a peer that is over a limit of its address, and ends the connection. Those who are told so often are not worth a
    /// line in the log each.
    pub(crate) fn refuse_peer(&mut self, id: ConnId, reason: CloseReason) {
        let text = match reason {
            CloseReason::AddressConnections => "too many connections from this address",
            _ => "too many handshakes from this address",
        };
        self.write_refusal(id, 429, &[("Retry-After", "1"), ("Connection", "close")], Body::plain(text));
        self.end(id, Ending::Http);
    }

    fn log_handshake_error(&mut self, id: ConnId, reason: &str) {
        if let Some(conn) = self.conns.get_mut(id) {
            let origin = conn.origin();
            tracing::error!("{origin} - websocket handshake error: {reason}");
        }
    }

    fn write_refusal(&mut self, id: ConnId, status: u16, more: &[(&str, &str)], body: Body<'_>) {
        let refusal = self.refusal(status, more, body);
        let Some(conn) = self.conns.get_mut(id) else { return };
        conn.head.extend_from_slice(&refusal);
        self.touch(id);
    }

    /// A refusal with the date of this turn.
    pub(crate) fn refusal(&self, status: u16, more: &[(&str, &str)], body: Body<'_>) -> Vec<u8> {
        let date = http_date(self.wall);
        let extra = [&[("Date", date.as_str())], more].concat();
        let mut refusal = Vec::new();
        // These headers hold nothing that could not be sent.
        let _ = write_refusal_with_body(status, &extra, body, &mut refusal);
        refusal
    }
}

/// The date as HTTP writes it (RFC 9110 §5.6.7), of a time in seconds since 1970.
pub(crate) fn http_date(wall: u64) -> String {
    let timestamp = jiff::Timestamp::from_second(i64::try_from(wall).unwrap_or(0)).unwrap_or_default();
    jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&timestamp).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #[test]
    fn dates_are_those_of_http() {
        assert_eq!(super::http_date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}
