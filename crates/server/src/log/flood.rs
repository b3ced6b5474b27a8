//! Lines that a peer can cause as often as it likes: past a number in a second they are counted, not written, so that nobody
//! fills the disk from outside.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use tracing::callsite::Identifier;
use tracing::{Level, Metadata};

/// The lines of one text that are written in a second.
const SAME_MAX: u32 = 20;

/// The lines of one place in the program that are written in a second, whatever peers make it say.
const LINES_MAX: u32 = 200;

/// What the peers have caused so far, by the place in the program that says it.
#[derive(Default)]
pub(super) struct Flood {
    kinds: HashMap<Identifier, Kind>,
    hasher: RandomState,
}

#[derive(Default)]
struct Kind {
    second: i64,
    lines: u32,
    /// The lines of each text in this second.
    texts: HashMap<u64, u32>,
    left_out: u64,
}

/// What becomes of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Admission {
    Whole,
    /// It is the last one of its kind in this second.
    Last,
    /// Others of its place were left out before it.
    After(u64),
    LeftOut,
}

impl Flood {
    /// What becomes of a line that is said at `second`.
    pub(super) fn admit(&mut self, line: &Metadata<'_>, text: &str, second: i64) -> Admission {
        let is_of_peers =
            ["dunlin_worker", "dunlin_server::net"].iter().any(|part| line.target().starts_with(part));
        // Who asks for more to read gets all of it.
        if !is_of_peers || *line.level() > Level::INFO {
            return Admission::Whole;
        }
        // Ports, numbers of connections and addresses do not make it another one.
        let text: String = text.chars().filter(|c| !c.is_ascii_digit()).collect();
        self.kinds.entry(line.callsite()).or_default().admit(self.hasher.hash_one(text), second)
    }
}

impl Kind {
    fn admit(&mut self, text: u64, second: i64) -> Admission {
        if self.second != second {
            (self.second, self.lines) = (second, 0);
            self.texts.clear();
        }
        if self.lines == LINES_MAX {
            self.left_out += 1;
            return Admission::LeftOut;
        }
        // No more texts than lines are kept.
        let same = self.texts.entry(text).or_default();
        if *same == SAME_MAX {
            self.left_out += 1;
            return Admission::LeftOut;
        }
        *same += 1;
        self.lines += 1;
        if *same == SAME_MAX || self.lines == LINES_MAX {
            return Admission::Last;
        }
        match std::mem::take(&mut self.left_out) {
            0 => Admission::Whole,
            left_out => Admission::After(left_out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Admission, Kind, LINES_MAX, SAME_MAX};

    #[test]
    fn a_flood_is_counted() {
        let mut kind = Kind::default();
        for line in 1..SAME_MAX {
            assert_eq!(kind.admit(1, 7), Admission::Whole, "{line}");
        }
        assert_eq!(kind.admit(1, 7), Admission::Last);
        for _ in 0..500 {
            assert_eq!(kind.admit(1, 7), Admission::LeftOut);
        }
        // Another text is not lost among them.
        assert_eq!(kind.admit(2, 7), Admission::After(500));
        assert_eq!(kind.admit(1, 8), Admission::Whole);
    }

    #[test]
    fn texts_that_differ_are_a_flood_too() {
        let mut kind = Kind::default();
        let admitted = (0..5000).filter(|text| kind.admit(*text, 7) != Admission::LeftOut).count();
        assert_eq!((admitted, kind.texts.len()), (LINES_MAX as usize, LINES_MAX as usize));
        assert_eq!(kind.admit(0, 8), Admission::After(5000 - u64::from(LINES_MAX)));
        assert_eq!(kind.texts.len(), 1);
    }
}
