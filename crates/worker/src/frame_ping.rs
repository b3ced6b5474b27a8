//! WebSocket's own pings (RFC 6455 §5.5.2), for proxies that close what shows none. Off unless configured.
//!
//! They are timed by the connection's deadline, which nothing else needs once it is a WebSocket. What the peer sends moves
//! no timer: the time of its last bytes is looked at when the deadline has passed.

use dunlin_session::{CloseReason, Instant};
use dunlin_websocket::{OpCode, encode_frame};

use crate::connection::{Connection, Stage, Transport};
use crate::ending::Ending;
use crate::{ConnId, Worker};

impl Connection {
    pub(crate) fn is_open_websocket(&self) -> bool {
        self.stage == Stage::Open && matches!(self.transport, Transport::WebSocket(_))
    }
}

impl Worker {
    /// Sets when a connection is pinged next, as the settings now say.
    pub(crate) fn schedule_frame_ping(&mut self, id: ConnId) {
        let interval = self.config.websocket.frame_ping_interval;
        if let Some(conn) = self.conns.get_mut(id).filter(|conn| conn.is_open_websocket()) {
            conn.frame_pings_out = 0;
            conn.deadline = interval.map_or(Instant::NEVER, |interval| conn.last_activity + interval);
        }
    }

    /// The peer has been silent for an interval, unless it has sent something since the `deadline`, now passed, was set.
    pub(crate) fn handle_frame_ping_deadline(&mut self, id: ConnId, deadline: Instant) {
        let Some(interval) = self.config.websocket.frame_ping_interval else { return };
        let pings_out_max = self.config.websocket.client.pings_out_max;
        let now = self.now;
        let Some(conn) = self.conns.get_mut(id) else { return };
        if conn.last_activity + interval > now {
            return self.schedule_frame_ping(id);
        }
        if conn.last_activity + interval > deadline {
            // It has answered the last ping, though that is an interval ago by now.
            conn.frame_pings_out = 0;
        }
        if u32::from(conn.frame_pings_out) >= pings_out_max {
            return self.end(id, Ending::Session(CloseReason::StaleConnection));
        }
        conn.frame_pings_out = conn.frame_pings_out.saturating_add(1);
        conn.deadline = now + interval;
        // An empty payload fits into a ping.
        let _ = encode_frame(OpCode::Ping, b"", None, &mut conn.head);
        self.touch(id);
    }
}
