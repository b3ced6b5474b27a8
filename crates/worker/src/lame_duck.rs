//! Leaving without haste (nats: lame duck mode).

use core::time::Duration;

use dunlin_session::{CloseReason, Instant};

use crate::Worker;
use crate::connection::Stage;
use crate::ending::Ending;

/// Clients are closed at most this far apart.
const STEP_MAX: Duration = Duration::from_secs(1);

/// When the next client is closed, and how long until the one after.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LameDuck {
    pub next: Instant,
    step: Duration,
}

impl Worker {
    /// Tells the clients that the server is going, and closes them one by one: the first after `grace`, the last before
    /// `duration` has passed. The worker is done when [`Worker::connections`] is 0.
    pub fn start_lame_duck(&mut self, now: Instant, grace: Duration, duration: Duration) {
        self.now = now;
        let clients = u32::try_from(self.connections()).unwrap_or(u32::MAX).max(1);
        let step = (duration.saturating_sub(grace) / clients).min(STEP_MAX);
        self.lame_duck = Some(LameDuck { next: now + grace, step });
        let open = self.conns.iter().filter(|conn| conn.stage == Stage::Open);
        for id in open.map(|conn| conn.id).collect::<Vec<_>>() {
            self.with_session(id, |session, router| session.handle_lame_duck(router));
        }
    }

    pub(crate) fn run_lame_duck(&mut self) {
        while let Some(LameDuck { next, step }) = self.lame_duck {
            if next > self.now {
                return;
            }
            let open = self.conns.iter().find(|conn| conn.stage == Stage::Open).map(|conn| conn.id);
            let Some(id) = open else {
                self.lame_duck = None;
                return;
            };
            self.end(id, Ending::Session(CloseReason::ServerShutdown));
            self.lame_duck = Some(LameDuck { next: next + step.max(Duration::from_nanos(1)), step });
        }
    }
}
