//! Requests to monitoring, and their answers.

use core::fmt::Write as _;

use dunlin_session::Instant;

use crate::connection::{Connection, Stage};
use crate::ending::Ending;
use crate::http::http_date;
use crate::http_head::Head;
use crate::{ConnId, Worker};

/// A request to the monitoring listener. It is answered with [`Worker::respond`].
#[derive(Clone, Debug)]
pub struct MonitorRequest {
    /// Who asked.
    pub conn: ConnId,
    /// Path and query.
    pub target: String,
    is_head: bool,
    keeps_alive: bool,
    version_minor: u8,
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

impl Worker {
    /// Asks monitoring, and keeps what the peer has sent behind the request until the answer is there.
    pub(crate) fn ask_monitor(&mut self, id: ConnId, head: &Head<'_>, rest: &[u8]) {
        let request = MonitorRequest {
            conn: id,
            target: head.target.to_owned(),
            is_head: head.method == "HEAD",
            keeps_alive: head.keeps_alive(),
            version_minor: head.version_minor,
        };
        if let Some(conn) = self.conns.get_mut(id) {
            conn.awaits_response = true;
            conn.deadline = Instant::NEVER;
            conn.raw = rest.to_vec();
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
        let waits = |conn: &&mut Connection| conn.awaits_response && conn.stage == Stage::Open;
        let Some(conn) = self.conns.get_mut(request.conn).filter(waits) else { return };
        conn.awaits_response = false;
        conn.deadline = idle_until;
        conn.write_response(request, response, &date);
        let next = core::mem::take(&mut conn.raw);
        let is_last = !request.keeps_alive || (conn.input_ended && next.is_empty());
        self.touch(request.conn);
        if is_last {
            return self.end(request.conn, Ending::Http);
        }
        self.arm(request.conn);
        // A further request may have come in the meantime.
        self.handle_http(request.conn, &next);
        self.set_readable(request.conn, false);
    }
}

impl Connection {
    fn write_response(&mut self, request: &MonitorRequest, response: &MonitorResponse, date: &str) {
        let mut head = String::new();
        let reason = match response.status {
            200 => "OK",
            400 => "Bad Request",
            404 => "Not Found",
            _ => "Error",
        };
        // Writing to a String cannot fail.
        let _ = write!(
            head,
            "HTTP/1.1 {} {reason}\r\nAccess-Control-Allow-Origin: *\r\nContent-Type: {}\r\nDate: {date}\r\nContent-Length: {}\r\n",
            response.status,
            response.content_type,
            response.body.len(),
        );
        head.push_str(match (request.keeps_alive, request.version_minor) {
            (false, _) => "Connection: close\r\n\r\n",
            (true, 0) => "Connection: keep-alive\r\n\r\n",
            (true, _) => "\r\n",
        });
        if !request.is_head {
            head.push_str(&response.body);
        }
        self.head.extend_from_slice(head.as_bytes());
    }
}
