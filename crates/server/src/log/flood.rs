//! Lines that a peer can cause as often as it likes: past a number in a second they are counted, not written, so that nobody
//! fills the disk from outside.

use std::collections::HashMap;

use tracing::callsite::Identifier;
use tracing::{Level, Metadata};

/// The lines of one kind that are written in a second.
const LINES_MAX: u32 = 100;

/// What the peers have caused so far, by the place in the program that says it.
#[derive(Default)]
pub(super) struct Flood(HashMap<Identifier, Kind>);

#[derive(Default)]
struct Kind {
    second: i64,
    lines: u32,
    left_out: u64,
}

/// What becomes of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Admission {
    Whole,
    /// It is the last one of its kind in this second.
    Last,
    /// Others of its kind were left out before it.
    After(u64),
    LeftOut,
}

impl Flood {
    /// What becomes of a line that is said at `second`.
    pub(super) fn admit(&mut self, line: &Metadata<'_>, second: i64) -> Admission {
        let is_of_peers =
            ["dunlin_worker", "dunlin_server::net"].iter().any(|part| line.target().starts_with(part));
        // Who asks for more to read gets all of it.
        if !is_of_peers || *line.level() > Level::INFO {
            return Admission::Whole;
        }
        self.0.entry(line.callsite()).or_default().admit(second)
    }
}

impl Kind {
    fn admit(&mut self, second: i64) -> Admission {
        if self.second != second {
            (self.second, self.lines) = (second, 0);
        }
        if self.lines == LINES_MAX {
            self.left_out += 1;
            return Admission::LeftOut;
        }
        self.lines += 1;
        match std::mem::take(&mut self.left_out) {
            0 if self.lines == LINES_MAX => Admission::Last,
            0 => Admission::Whole,
            left_out => Admission::After(left_out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Admission, Kind, LINES_MAX};

    #[test]
    fn a_flood_is_counted() {
        let mut kind = Kind::default();
        for line in 1..LINES_MAX {
            assert_eq!(kind.admit(7), Admission::Whole, "{line}");
        }
        assert_eq!(kind.admit(7), Admission::Last);
        for _ in 0..500 {
            assert_eq!(kind.admit(7), Admission::LeftOut);
        }
        assert_eq!(kind.admit(9), Admission::After(500));
        assert_eq!(kind.admit(9), Admission::Whole);
    }
}
