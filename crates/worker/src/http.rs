//! HTTP: the heads of requests, and monitoring's answers.

use core::fmt::Write as _;

use dunlin_session::{CloseReason, Instant};
use dunlin_websocket::handshake::{write_refusal, write_refusal_with_body};

use crate::client_address::Standing;
use crate::connection::{Connection, Listener, Stage};
use crate::ending::Ending;
use crate::{ConnId, Worker};

/// The longest request head, in bytes (status 431).
const HEAD_LEN_MAX: usize = 16 << 10;
/// The most headers of a request (status 431).
const HEADERS_MAX: usize = 64;

/// A request to the monitoring listener. It is answered with [`Worker::respond`].
#[derive(Clone, Debug)]
pub struct MonitorRequest {
    /// Who asked.
    pub conn: ConnId,
    /// Path and query.
    pub target: String,
    is_head: bool,
    keeps_alive: bool,
}

/// The answer to a [`MonitorRequest`].
#[derive(Clone, Debug)]
pub struct MonitorResponse {
    /// The status, such as 200.
    pub status: u16,
    /// The value of `Content-Type`.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

/// A parsed request head.
pub(crate) struct Head<'a> {
    pub method: &'a str,
    pub target: &'a str,
    pub version_minor: u8,
    pub headers: &'a [httparse::Header<'a>],
    /// Bytes follow: a body, or what the peer sent too soon.
    pub has_rest: bool,
}

impl<'a> Head<'a> {
    /// The values of a header, in order.
    pub(crate) fn values(&self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.headers.iter().filter(move |h| h.name.eq_ignore_ascii_case(name)).map(|h| h.value)
    }

    fn has_body(&self) -> bool {
        self.has_rest
            || self.values("Transfer-Encoding").next().is_some()
            || self.values("Content-Length").any(|value| value != b"0")
    }

    /// Whether the peer may go on to another request after this one.
    pub(crate) fn keeps_alive(&self) -> bool {
        let says = |token: &str| {
            let pairs = self.headers.iter().map(|h| (h.name, h.value));
            dunlin_websocket::handshake::has_token(&pairs, "Connection", token)
        };
        !self.has_body() && if self.version_minor == 0 { says("keep-alive") } else { !says("close") }
    }
}

impl Worker {
    /// Handles the bytes of a connection that speaks HTTP.
    pub(crate) fn handle_http(&mut self, id: ConnId, bytes: &[u8]) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        let complete = [&b"\n\r\n"[..], b"\n\n"].iter().any(|end| memchr::memmem::find(bytes, end).is_some());
        if bytes.len() > HEAD_LEN_MAX && (!complete || conn.awaits_response) {
            return self.refuse_long_head(id);
        }
        if !complete || conn.awaits_response {
            conn.raw = bytes.to_vec();
            return;
        }
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut request = httparse::Request::new(&mut headers);
        let len = match request.parse(bytes) {
            Ok(httparse::Status::Complete(len)) if len <= HEAD_LEN_MAX => len,
            Ok(_) if bytes.len() > HEAD_LEN_MAX => return self.refuse_long_head(id),
            Ok(_) => {
                // Empty lines before the request look like the end of one.
                conn.raw = bytes.to_vec();
                return;
            }
            Err(httparse::Error::TooManyHeaders) => {
                return self.refuse_http(id, 431, "the request has more than 64 headers");
            }
            Err(_) => return self.refuse_http(id, 400, "the request head is malformed"),
        };
        let head = Head {
            method: request.method.unwrap_or_default(),
            target: request.path.unwrap_or_default(),
            version_minor: request.version.unwrap_or_default(),
            headers: request.headers,
            has_rest: bytes.len() > len,
        };
        match conn.listener {
            Listener::Monitor => self.ask_monitor(id, &head),
            Listener::WebSocket | Listener::Nats => self.upgrade(id, &head),
        }
    }

    fn refuse_long_head(&mut self, id: ConnId) {
        self.refuse_http(id, 431, "the request head is longer than 16384 bytes");
    }

    /// A peer that has not finished its request, or has asked for nothing more, in time.
    pub(crate) fn handle_http_timeout(&mut self, id: ConnId) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        if conn.raw.is_empty() && conn.listener == Listener::Monitor {
            return self.end(id, Ending::Http);
        }
        if conn.standing == Standing::Refused && self.admit_handshake(id).is_err() {
            return self.refuse_peer(id, CloseReason::AddressConnections);
        }
        self.refuse_http(id, 408, "the request did not arrive in time");
    }

    /// Answers with a status, and ends the connection.
    pub(crate) fn refuse_http(&mut self, id: ConnId, status: u16, reason: &str) {
        self.write_refusal(id, status, reason, &[("Connection", "close")]);
        self.end(id, Ending::Http);
    }

    /// Answers a request with a status. The connection goes on where the request allows that and `may_go_on`.
    pub(crate) fn refuse_request(
        &mut self,
        id: ConnId,
        head: &Head<'_>,
        status: u16,
        reason: &str,
        may_go_on: bool,
    ) {
        let goes_on = may_go_on && head.keeps_alive();
        let start = self.conns.get_mut(id).map_or(0, |conn| conn.head.len());
        self.write_refusal(id, status, reason, if goes_on { &[] } else { &[("Connection", "close")] });
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
        let date = http_date(self.wall);
        let text = match reason {
            CloseReason::AddressConnections => "too many connections from this address",
            _ => "too many handshakes from this address",
        };
        let Some(conn) = self.conns.get_mut(id) else { return };
        let extra = [("Date", date.as_str()), ("Retry-After", "1"), ("Connection", "close")];
        // These headers hold nothing that could not be sent.
        let _ = write_refusal_with_body(429, &extra, text, &mut conn.head);
        self.end(id, Ending::Http);
    }

    fn write_refusal(&mut self, id: ConnId, status: u16, reason: &str, more: &[(&str, &str)]) {
        let date = http_date(self.wall);
        let Some(conn) = self.conns.get_mut(id) else { return };
        if conn.listener == Listener::WebSocket {
            tracing::error!("{} - websocket handshake error: {reason}", conn.origin());
        }
        let extra = [&[("Date", date.as_str())], more].concat();
        // These headers hold nothing that could not be sent.
        let _ = write_refusal(status, &extra, &mut conn.head);
        self.touch(id);
    }

    fn ask_monitor(&mut self, id: ConnId, head: &Head<'_>) {
        let request = MonitorRequest {
            conn: id,
            target: head.target.to_owned(),
            is_head: head.method == "HEAD",
            keeps_alive: head.keeps_alive(),
        };
        if let Some(conn) = self.conns.get_mut(id) {
            conn.awaits_response = true;
            conn.deadline = Instant::NEVER;
        }
        self.monitor_requests.push(request);
    }

    /// The monitoring requests that came in since the last call.
    pub fn take_monitor_requests(&mut self) -> Vec<MonitorRequest> {
        core::mem::take(&mut self.monitor_requests)
    }

    /// Answers a monitoring request. The answer is written in the next turn.
    pub fn respond(&mut self, now: Instant, request: &MonitorRequest, response: &MonitorResponse) {
        self.now = now;
        let date = http_date(self.wall);
        let idle_until = now + self.config.websocket.handshake_timeout;
        let Some(conn) = self.conns.get_mut(request.conn).filter(|conn| conn.awaits_response) else { return };
        conn.awaits_response = false;
        conn.deadline = idle_until;
        conn.write_response(request, response, &date);
        if request.keeps_alive {
            self.touch(request.conn);
            self.arm(request.conn);
            // A further request may have come in the meantime.
            let next = self.conns.get_mut(request.conn).map(|conn| core::mem::take(&mut conn.raw));
            self.handle_http(request.conn, &next.unwrap_or_default());
        } else {
            self.end(request.conn, Ending::Http);
        }
    }
}

impl Connection {
    fn write_response(&mut self, request: &MonitorRequest, response: &MonitorResponse, date: &str) {
        debug_assert_eq!(self.stage, Stage::Open);
        let mut head = String::new();
        let reason = if response.status == 200 { "OK" } else { "Error" };
        // Writing to a String cannot fail.
        let _ = write!(
            head,
            "HTTP/1.1 {} {reason}\r\nAccess-Control-Allow-Origin: *\r\nContent-Type: {}\r\nDate: {date}\r\nContent-Length: {}\r\n",
            response.status,
            response.content_type,
            response.body.len(),
        );
        head.push_str(if request.keeps_alive { "\r\n" } else { "Connection: close\r\n\r\n" });
        if !request.is_head {
            head.push_str(&response.body);
        }
        self.head.extend_from_slice(head.as_bytes());
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
