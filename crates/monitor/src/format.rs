//! Times, durations and numbers as Go writes them.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

/// A time, shown as RFC 3339 in UTC with up to nine digits of a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub Timestamp);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A number that shows without `.0` where it is whole, as Go's `float64` does in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Number(pub f64);

impl Number {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.fract() == 0.0 && self.0.abs() <= Self::EXACT_MAX {
            #[expect(clippy::cast_possible_truncation, reason = "whole, and within 53 bits")]
            serializer.serialize_i64(self.0 as i64)
        } else {
            serializer.serialize_f64(self.0)
        }
    }
}

/// Nanoseconds as Go's `Duration.String`: `0s`, `417µs`, `1.5ms`, `1m0.5s`, `2h45m0s`.
pub fn format_duration(nanoseconds: u64) -> String {
    const MICRO: u64 = 1_000;
    const MILLI: u64 = 1_000_000;
    const SECOND: u64 = 1_000_000_000;
    match nanoseconds {
        0 => return "0s".to_owned(),
        n if n < MICRO => return format!("{n}ns"),
        n if n < MILLI => return with_fraction(n, MICRO) + "µs",
        n if n < SECOND => return with_fraction(n, MILLI) + "ms",
        _ => {}
    }
    let minutes = nanoseconds / SECOND / 60;
    let seconds = with_fraction(nanoseconds - minutes * 60 * SECOND, SECOND) + "s";
    match (minutes / 60, minutes % 60) {
        (0, 0) => seconds,
        (0, minutes) => format!("{minutes}m{seconds}"),
        (hours, minutes) => format!("{hours}h{minutes}m{seconds}"),
    }
}

/// `value / unit`, with as many digits after the point as there are.
fn with_fraction(value: u64, unit: u64) -> String {
    let mut text = (value / unit).to_string();
    let (mut rest, mut scale) = (value % unit, unit);
    if rest > 0 {
        text.push('.');
    }
    while rest > 0 {
        scale /= 10;
        // Writing to a String does not fail.
        _ = write!(text, "{}", rest / scale);
        rest %= scale;
    }
    text
}

/// Seconds as years (of 365 days), days, hours, minutes and seconds, from the first that is not zero: `4s`, `1d0h0m5s`.
pub fn format_uptime(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let years = days / 365;
    let parts = [(years, 'y'), (days % 365, 'd'), (hours % 24, 'h'), (minutes % 60, 'm')];
    let mut text = String::new();
    for (value, unit) in parts {
        if value > 0 || !text.is_empty() {
            _ = write!(text, "{value}{unit}");
        }
    }
    _ = write!(text, "{}s", seconds % 60);
    text
}

/// The whole seconds from `start` to `end`; 0 where it is the other way round.
pub(crate) fn seconds_between(start: Time, end: Time) -> u64 {
    u64::try_from(end.0.duration_since(start.0).as_secs()).unwrap_or(0)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{Number, Time, format_duration, format_uptime};

    #[test]
    fn durations() {
        for (nanoseconds, text) in [
            (0, "0s"),
            (1, "1ns"),
            (417_000, "417µs"),
            (1_100, "1.1µs"),
            (300_659_366, "300.659366ms"),
            (1_000_000_000, "1s"),
            (60_500_000_000, "1m0.5s"),
            (9_900_000_000_000, "2h45m0s"),
            (u64::MAX, "5124095h34m33.709551615s"),
        ] {
            assert_eq!(format_duration(nanoseconds), text);
        }
    }

    #[test]
    fn uptimes() {
        for (seconds, text) in [
            (0, "0s"),
            (4, "4s"),
            (60, "1m0s"),
            (3600, "1h0m0s"),
            (86_405, "1d0h0m5s"),
            (365 * 86_400 + 2 * 86_400 + 3 * 3600 + 4 * 60 + 5, "1y2d3h4m5s"),
        ] {
            assert_eq!(format_uptime(seconds), text);
        }
    }

    #[test]
    fn json() {
        let show = |value: f64| serde_json::to_string(&Number(value)).unwrap();
        assert_eq!([show(2.0), show(0.0), show(1.5), show(-3.0)], ["2", "0", "1.5", "-3"]);
        let time = |text: &str| serde_json::to_string(&Time(text.parse().unwrap())).unwrap();
        for text in
            ["2026-11-21T21:43:41.36646329Z", "2026-11-21T21:43:41Z", "1970-01-01T00:00:00.000000001Z"]
        {
            assert_eq!(time(text), format!("{text:?}"));
        }
    }
}
