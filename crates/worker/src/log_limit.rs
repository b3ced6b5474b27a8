//! How often strangers may fill the log.

use core::fmt;
use core::time::Duration;

use dunlin_session::Instant;

/// One line in this time, in the long run.
const STEP: Duration = Duration::from_secs(1);
/// As many lines may come at once.
const BURST: u32 = 20;

/// A limit for log lines that anybody who reaches a port can cause: a flood of them must not fill the disk.
#[derive(Default)]
pub(crate) struct LogLimit {
    /// When all lines that were let through are paid off.
    paid_off: Instant,
    left_out: u64,
}

/// How many lines were left out before one that is let through; for its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct LeftOut(u64);

impl LogLimit {
    /// Whether a line has its place in the log. `None`: it is counted, and may be shown to those who debug.
    pub(crate) fn admit(&mut self, now: Instant) -> Option<LeftOut> {
        if self.paid_off > now + STEP * (BURST - 1) {
            self.left_out += 1;
            return None;
        }
        self.paid_off = self.paid_off.max(now) + STEP;
        Some(LeftOut(core::mem::take(&mut self.left_out)))
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            1 => f.write_str(" (1 line of this kind was left out before)"),
            n => write!(f, " ({n} lines of this kind were left out before)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BURST, LeftOut, LogLimit, STEP};
    use dunlin_session::Instant;

    #[test]
    fn a_flood_is_a_few_lines_and_a_number() {
        let mut limit = LogLimit::default();
        let start = Instant::from_nanos(5_000_000_000);
        for _ in 0..BURST {
            assert_eq!(limit.admit(start), Some(LeftOut(0)));
        }
        for _ in 0..1000 {
            assert_eq!(limit.admit(start), None);
        }
        assert_eq!(limit.admit(start + STEP), Some(LeftOut(1000)));
        assert_eq!(limit.admit(start + STEP), None);
        let text = limit.admit(start + STEP * 3).map(|left_out| left_out.to_string());
        assert_eq!(text.as_deref(), Some(" (1 line of this kind was left out before)"));
        let later = start + STEP * 100;
        assert!((0..BURST).all(|_| limit.admit(later) == Some(LeftOut(0))));
        assert_eq!(limit.admit(later), None);
    }
}
