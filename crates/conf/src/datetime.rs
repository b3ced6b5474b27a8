//! Dates.

use core::fmt;

/// A date and time of day in UTC, as written: `2006-01-02T15:04:05Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DateTime {
    /// The year, 0 to 9999.
    pub year: u16,
    /// The month, 1 to 12.
    pub month: u8,
    /// The day, from 1 to the length of the month.
    pub day: u8,
    /// The hour, 0 to 23.
    pub hour: u8,
    /// The minute, 0 to 59.
    pub minute: u8,
    /// The second, 0 to 59.
    pub second: u8,
}

/// The length of `2006-01-02T15:04:05Z`.
pub(crate) const LENGTH: usize = 20;

impl DateTime {
    /// Reads exactly `YYYY-MM-DDTHH:MM:SSZ`; `None` where the form or a range is wrong.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != LENGTH {
            return None;
        }
        for (at, expected) in [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'Z')] {
            if bytes[at] != expected {
                return None;
            }
        }
        let two = |at: usize| number(&bytes[at..at + 2]).and_then(|n| u8::try_from(n).ok());
        let (year, month, day) = (number(&bytes[..4])?, two(5)?, two(8)?);
        let (hour, minute, second) = (two(11)?, two(14)?, two(17)?);
        let valid = (1..=days_in(year, month)).contains(&day) && hour < 24 && minute < 60 && second < 60;
        valid.then_some(Self { year, month, day, hour, minute, second })
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    pub fn unix_seconds(&self) -> i64 {
        // Days from civil: years are counted from March, so that the leap day is the last of the year.
        let (month, day) = (i64::from(self.month), i64::from(self.day));
        let year = i64::from(self.year) - i64::from(month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let days = era * 146_097 + day_of_era - 719_468;
        days * 86_400 + i64::from(self.hour) * 3600 + i64::from(self.minute) * 60 + i64::from(self.second)
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, month, day, hour, minute, second } = self;
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

fn number(digits: &[u8]) -> Option<u16> {
    digits.iter().try_fold(0_u16, |sum, byte| match byte {
        b'0'..=b'9' => Some(sum * 10 + u16::from(byte - b'0')),
        _ => None,
    })
}

/// The days of a month, 0 where there is no such month.
fn days_in(year: u16, month: u8) -> u8 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::DateTime;
    use alloc::string::ToString;

    #[test]
    fn seconds() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2006-01-02T15:04:05Z", 1_136_214_245),
            ("2000-02-29T23:59:59Z", 951_868_799),
            ("1969-12-31T23:59:59Z", -1),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
            ("0000-03-01T00:00:00Z", -62_162_035_200),
        ] {
            let date = DateTime::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(date.unix_seconds(), seconds, "{text}");
            assert_eq!(date.to_string(), text);
        }
    }

    #[test]
    fn refused() {
        for text in [
            "2006-13-02T15:04:05Z",
            "2006-00-02T15:04:05Z",
            "2006-02-29T15:04:05Z",
            "1900-02-29T00:00:00Z",
            "2006-01-32T15:04:05Z",
            "2006-01-02T24:04:05Z",
            "2006-01-02T15:60:05Z",
            "2006-01-02T15:04:60Z",
            "2006-01-02T15:04:05",
            "2006-01-02 15:04:05Z",
            "+006-01-02T15:04:05Z",
            "",
        ] {
            assert_eq!(DateTime::parse(text), None, "{text}");
        }
    }
}
