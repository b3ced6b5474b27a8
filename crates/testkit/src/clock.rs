//! Virtual time.

use core::time::Duration;

use dunlin_session::Instant;

/// The clock of a simulation: it moves only when it is told to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    now: Instant,
}

/// The time of day when a simulation starts, in seconds since 1970.
const WALL_START_S: u64 = 1_700_000_000;

impl Default for Clock {
    fn default() -> Clock {
        // Not 0, so that nothing can take a default `Instant` for the present.
        Clock { now: Instant::from_nanos(1_000_000_000) }
    }
}

impl Clock {
    /// The time.
    pub(crate) fn now(self) -> Instant {
        self.now
    }

    /// The time of day, in seconds since 1970.
    pub(crate) fn wall(self) -> u64 {
        WALL_START_S + self.now.as_nanos() / 1_000_000_000
    }

    /// Lets time pass.
    pub(crate) fn advance(&mut self, by: Duration) {
        self.now = self.now + by;
    }

    /// Lets time pass until `moment`, unless it has passed already.
    pub(crate) fn advance_to(&mut self, moment: Instant) {
        self.now = self.now.max(moment);
    }
}
