//! New settings for a worker that is running.

use std::sync::Arc;

use dunlin_session::{CloseReason, Instant};

use crate::connection::Listener;
use crate::ending::Ending;
use crate::{Worker, WorkerConfig};

impl Worker {
    /// From now on `config` holds, for the connections that are there too. Where it allows fewer connections than there
    /// are, the surplus is closed.
    pub fn set_config(&mut self, now: Instant, config: Arc<WorkerConfig>) {
        self.now = now;
        self.config = config;
        self.encodings.set_compression(self.config.websocket.compression.unwrap_or_default());
        for id in self.conns.ids() {
            let Some(conn) = self.conns.get_mut(id) else { continue };
            let client = match conn.listener {
                Listener::WebSocket => &self.config.websocket.client,
                Listener::Nats | Listener::Monitor | Listener::Shared => &self.config.client,
            };
            let client = Arc::clone(client);
            let result = self.with_session(id, |session, router| session.set_config(&client, router));
            if let Some(Err(reason)) = result {
                self.end(id, Ending::Session(reason));
            }
            let Some(conn) = self.conns.get_mut(id) else { continue };
            if conn.admitted && self.shared.dismiss_surplus(self.config.connections_max) {
                conn.admitted = false;
                self.end(id, Ending::Session(CloseReason::MaxConnections));
            }
            self.schedule_frame_ping(id);
            self.arm(id);
        }
    }
}
