//! The clock of a running server: the one place that reads it.
#![allow(clippy::disallowed_methods, reason = "this is where time enters")]

use std::time::{SystemTime, UNIX_EPOCH};

use dunlin_session::Instant;

/// Counts from the moment it was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: std::time::Instant,
    wall_start: SystemTime,
}

impl Clock {
    pub(crate) fn start() -> Clock {
        Clock { start: std::time::Instant::now(), wall_start: SystemTime::now() }
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::from_nanos(u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    /// The time of day at `instant`.
    pub(crate) fn wall(&self, instant: Instant) -> SystemTime {
        self.wall_start + (instant - Instant::default())
    }

    /// The time of day at `instant`, in seconds since 1970.
    pub(crate) fn wall_seconds(&self, instant: Instant) -> u64 {
        self.wall(instant).duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }
}
