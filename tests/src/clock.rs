//! The one place of this package that reads a clock.

use std::time::{Duration, Instant};

/// A point in time by which something must have happened.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// The deadline `duration` from now.
    #[expect(clippy::disallowed_methods, reason = "black-box tests wait in real time")]
    pub fn after(duration: Duration) -> Deadline {
        Deadline(Instant::now() + duration)
    }

    /// The deadline of every wait that has no reason for another: long, because the machine may be busy, and
    /// reached only by a test that fails.
    pub fn usual() -> Deadline {
        Deadline::after(Duration::from_secs(15))
    }

    /// The time that is left, or `None` once the deadline has passed.
    #[expect(clippy::disallowed_methods, reason = "black-box tests wait in real time")]
    pub fn left(self) -> Option<Duration> {
        self.0.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }
}
