//! What to do where the system has nothing left for another connection: try again, ever less often, and say so, but not each
//! time.

use std::time::Duration;

use dunlin_session::Instant;

/// The time before the first try, which doubles with each that fails (nats: the same).
const RETRY_MIN: Duration = Duration::from_millis(10);
const RETRY_MAX: Duration = Duration::from_secs(1);

/// The time between two lines in the log, which doubles with each line as long as it goes on.
const SILENCE_MIN: Duration = Duration::from_secs(10);
const SILENCE_MAX: Duration = Duration::from_secs(320);

/// The pause in accepting, if there is one, and what the log knows of it.
#[derive(Default)]
pub(super) struct AcceptPause {
    /// The time between the tries; zero where connections are accepted.
    delay: Duration,
    next_try: Instant,
    /// When connections ceased to be accepted.
    since: Instant,
    /// When the log was told of it last, and how long it will not be told again.
    said: Option<(Instant, Duration)>,
    /// The log has not been told of its end.
    is_open: bool,
    /// The tries that failed since then.
    unsaid: u64,
}

impl AcceptPause {
    /// Whether there is one.
    pub(super) fn is_on(&self) -> bool {
        !self.delay.is_zero()
    }

    /// How long no try is to be made.
    pub(super) fn left(&self, now: Instant) -> Option<Duration> {
        self.is_on().then(|| self.next_try - now)
    }

    /// A try has failed; `has_accepted` says whether only after some that did not. Returns a line for the log.
    pub(super) fn fail(&mut self, now: Instant, has_accepted: bool, reason: &str) -> Option<String> {
        if !self.is_on() {
            self.since = now;
        }
        self.delay = if has_accepted { RETRY_MIN } else { (self.delay * 2).clamp(RETRY_MIN, RETRY_MAX) };
        self.next_try = now + self.delay;
        let line = match self.said {
            Some((at, silence)) if now - at < silence => {
                self.unsaid += 1;
                return None;
            }
            Some((at, _)) if self.unsaid > 0 => {
                let (tries, seconds) = (self.unsaid + 1, (now - at).as_secs());
                format!("cannot accept connections: {reason}: {tries} more times in {seconds} s")
            }
            _ => format!("cannot accept connections: {reason}: trying again"),
        };
        let silence = match self.said {
            Some((_, silence)) if self.is_open => (silence * 2).min(SILENCE_MAX),
            _ => SILENCE_MIN,
        };
        (self.said, self.unsaid, self.is_open) = (Some((now, silence)), 0, true);
        Some(line)
    }

    /// All that waited is accepted. Returns a line for the log if that knows of the pause.
    pub(super) fn end(&mut self, now: Instant) -> Option<String> {
        self.delay = Duration::ZERO;
        let is_known = core::mem::take(&mut self.is_open);
        let seconds = (now - self.since).as_secs_f64();
        is_known.then(|| format!("connections are accepted again, after {seconds:.1} s"))
    }
}

#[cfg(test)]
mod tests {
    use super::{AcceptPause, Duration, Instant};

    fn at(millis: u64) -> Instant {
        Instant::default() + Duration::from_millis(millis)
    }

    #[test]
    fn tries_become_rare_and_lines_rarer() {
        let (mut pause, mut now, mut lines) = (AcceptPause::default(), 0, Vec::new());
        assert!(!pause.is_on() && pause.left(at(0)).is_none());
        let mut delays = Vec::new();
        while now < 75_000 {
            lines.extend(pause.fail(at(now), false, "full"));
            let delay = pause.left(at(now)).unwrap_or_default().as_millis() as u64;
            delays.push(delay);
            now += delay;
        }
        assert_eq!(delays[..9], [10, 20, 40, 80, 160, 320, 640, 1000, 1000]);
        let expected = [
            "cannot accept connections: full: trying again",
            "cannot accept connections: full: 16 more times in 10 s",
            "cannot accept connections: full: 20 more times in 20 s",
            "cannot accept connections: full: 40 more times in 40 s",
        ];
        assert_eq!(lines, expected);
        assert_eq!(pause.end(at(75_500)).as_deref(), Some("connections are accepted again, after 75.5 s"));
        assert!(!pause.is_on());
    }

    #[test]
    fn coming_and_going_is_said_once_in_a_while() {
        let mut pause = AcceptPause::default();
        let mut lines = Vec::new();
        for round in 0..25 {
            let now = round * 1000;
            lines.extend(pause.fail(at(now), round % 2 == 0, "full"));
            lines.extend(pause.end(at(now + 10)));
        }
        let expected = [
            "cannot accept connections: full: trying again",
            "connections are accepted again, after 0.0 s",
            "cannot accept connections: full: 10 more times in 10 s",
            "connections are accepted again, after 0.0 s",
            "cannot accept connections: full: 10 more times in 10 s",
            "connections are accepted again, after 0.0 s",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_try_that_was_of_use_is_soon_made_again() {
        let mut pause = AcceptPause::default();
        for _ in 0..10 {
            pause.fail(at(0), false, "full");
        }
        pause.fail(at(0), true, "full");
        assert_eq!(pause.left(at(0)), Some(Duration::from_millis(10)));
    }
}
