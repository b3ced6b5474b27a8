//! What is wrong with a configuration, all of it at once.

use std::fmt::Display;
use std::time::Duration;

use dunlin_conf::{Entry, Error, Place};

/// Something that the operator should know and that does not keep the server from starting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The line, with file, line and column where it comes from a file.
    pub text: String,
    /// A check (`-t`) fails on it, as it does with nats-server. Not so for what dunlin does not serve yet.
    pub fails_check: bool,
}

/// The mistakes and warnings found so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Why the server does not start, a line each.
    pub errors: Vec<String>,
    /// What else to say.
    pub warnings: Vec<Warning>,
}

impl Report {
    /// Adds a mistake.
    pub fn error(&mut self, text: impl Display) {
        self.errors.push(text.to_string());
    }

    /// Adds a warning that a check lets pass.
    pub fn warn(&mut self, text: impl Display) {
        self.warnings.push(Warning { text: text.to_string(), fails_check: false });
    }

    /// Adds a warning that fails a check.
    pub fn warn_strictly(&mut self, text: impl Display) {
        self.warnings.push(Warning { text: text.to_string(), fails_check: true });
    }

    pub(super) fn error_at(&mut self, place: &Place, text: impl Display) {
        self.error(format_args!("{place}: {text}"));
    }

    pub(super) fn warn_at(&mut self, place: &Place, text: impl Display) {
        self.warn(format_args!("{place}: {text}"));
    }

    /// The value, or the mistake noted.
    pub(super) fn value<T>(&mut self, result: Result<T, Error>) -> Option<T> {
        result.map_err(|error| self.error(error)).ok()
    }

    /// Sets `target` to a value that is right.
    pub(super) fn set<T>(&mut self, target: &mut T, result: Result<T, Error>) {
        if let Some(value) = self.value(result) {
            *target = value;
        }
    }

    /// Text that is not empty.
    pub(super) fn text(&mut self, entry: &Entry) -> Option<String> {
        self.value(entry.string()).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// A whole number from `min` to `max`.
    pub(super) fn number(&mut self, entry: &Entry, min: i64, max: i64) -> Option<i64> {
        let value = self.value(entry.integer())?;
        if (min..=max).contains(&value) {
            return Some(value);
        }
        let (place, key) = (&entry.node.place, &entry.key);
        if max == i64::MAX {
            self.error_at(place, format_args!("{key}: {value} is less than {min}"));
        } else {
            self.error_at(place, format_args!("{key}: {value} is not between {min} and {max}"));
        }
        None
    }

    /// A limit in bytes or pieces, at most `max`; 0 stands for the default.
    pub(super) fn limit(&mut self, entry: &Entry, max: i64, target: &mut usize) {
        if let Some(value) = self.number(entry, 0, max)
            && value > 0
        {
            *target = usize::try_from(value).unwrap_or(usize::MAX);
        }
    }

    /// A duration of zero or more, and whether it is a bare number of seconds.
    pub(super) fn duration_or_seconds(&mut self, entry: &Entry) -> Option<(Duration, bool)> {
        let span = self.value(entry.duration())?;
        if let Ok(nanoseconds) = u64::try_from(span.nanoseconds) {
            return Some((Duration::from_nanos(nanoseconds), span.bare_seconds));
        }
        self.error_at(&entry.node.place, format_args!("{}: a duration cannot be negative", entry.key));
        None
    }

    /// A duration of zero or more. A bare number of seconds calls for a warning.
    pub(super) fn duration(&mut self, entry: &Entry) -> Option<Duration> {
        let (duration, is_bare) = self.duration_or_seconds(entry)?;
        if is_bare {
            let (place, key, seconds) = (&entry.node.place, &entry.key, duration.as_secs());
            // `2m` without quotes is the size 2000000.
            let trap = if seconds >= 1_000_000 { " (an `m` needs quotes: \"2m\")" } else { "" };
            self.warn_strictly(format_args!(
                "{place}: {key}: {seconds} is read as seconds: write a duration with its unit, as in \"{seconds}s\"{trap}"
            ));
        }
        Some(duration)
    }

    /// A duration where 0 stands for the default.
    pub(super) fn timer(&mut self, entry: &Entry, target: &mut Duration) {
        if let Some(duration) = self.duration(entry).filter(|duration| !duration.is_zero()) {
            *target = duration;
        }
    }

    /// A key that nobody knows.
    pub(super) fn unknown(&mut self, entry: &Entry, block: &str) {
        if entry.is_variable() {
            return;
        }
        let hint = if entry.key.contains(['{', '[', '"']) { " (put a blank after the key)" } else { "" };
        let within = if block.is_empty() { String::new() } else { format!(" in the block {block}") };
        self.error_at(&entry.key_place, format_args!("unknown field {:?}{within}{hint}", entry.key));
    }
}
