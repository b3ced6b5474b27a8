//! The log, in the form of nats-server: `[pid] 2026/11/21 19:35:10.663797 [INF] text`.
//!
//! Events come through `tracing`. Of an event, its message and its fields are written; spans are not known.

mod file;
mod flood;

use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use dunlin_server::config::LogConfig;
use file::LogFile;
use flood::{Admission, Flood};
use jiff::tz::TimeZone;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber, span};

/// The target of events that end the program: they show as `FTL`.
pub(crate) const FATAL: &str = "fatal";

/// The log. Clones are the same log.
#[derive(Clone)]
pub(crate) struct Log {
    state: Arc<Mutex<State>>,
}

struct State {
    config: LogConfig,
    output: Output,
    time_zone: TimeZone,
    flood: Flood,
}

enum Output {
    StandardError { colours: bool },
    File(LogFile),
}

impl Log {
    /// Opens the log.
    ///
    /// # Errors
    ///
    /// The file cannot be opened for writing, and why.
    pub(crate) fn open(config: &LogConfig) -> Result<Self, String> {
        Ok(Self { state: Arc::new(Mutex::new(State::open(config)?)) })
    }

    /// Makes this the log of the whole program.
    pub(crate) fn install(&self) {
        // Nobody else sets one; if it were so, that one stays.
        _ = tracing::subscriber::set_global_default(self.clone());
    }

    /// Goes on as `other`.
    pub(crate) fn become_other(&self, other: Self) {
        if let Some(other) = Arc::into_inner(other.state) {
            *self.lock() = other.into_inner().unwrap_or_else(PoisonError::into_inner);
            tracing::callsite::rebuild_interest_cache();
        }
    }

    /// Opens the file anew: somebody has moved it away.
    pub(crate) fn reopen(&self) {
        let result = match &mut self.lock().output {
            Output::File(file) => Some(file.reopen()),
            Output::StandardError { .. } => None,
        };
        match result {
            Some(Ok(())) => tracing::info!("File log re-opened"),
            Some(Err(error)) => tracing::error!("the log file cannot be opened again: {error}"),
            None => tracing::info!("File log re-open ignored, not a file logger"),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn level(&self) -> LevelFilter {
        let config = &self.lock().config;
        match (config.trace, config.debug) {
            (true, _) => LevelFilter::TRACE,
            (false, true) => LevelFilter::DEBUG,
            (false, false) => LevelFilter::INFO,
        }
    }
}

impl State {
    fn open(config: &LogConfig) -> Result<Self, String> {
        let output = match &config.file {
            Some(path) => Output::File(
                LogFile::open(path, config.size_limit, config.max_num)
                    .map_err(|error| format!("the log file {} cannot be opened: {error}", path.display()))?,
            ),
            None => Output::StandardError { colours: io::stderr().is_terminal() },
        };
        let time_zone = if config.logtime_utc { TimeZone::UTC } else { TimeZone::system() };
        Ok(Self { config: config.clone(), output, time_zone, flood: Flood::default() })
    }

    fn write(&mut self, label: Label, text: &str) {
        let now = jiff::Timestamp::now();
        let mut line = format!("[{}] ", std::process::id());
        if self.config.logtime {
            // Writing to a String does not fail.
            _ = write!(line, "{} ", now.to_zoned(self.time_zone.clone()).strftime("%Y/%m/%d %H:%M:%S%.6f"));
        }
        match &mut self.output {
            Output::StandardError { colours } => {
                let (start, end) = if *colours { (label.colour(), "\x1b[0m") } else { ("", "") };
                _ = writeln!(line, "[{start}{}{end}] {text}", label.text());
                // There is nowhere to say that this fails.
                _ = io::stderr().lock().write_all(line.as_bytes());
            }
            Output::File(file) => {
                _ = writeln!(line, "[{}] {text}", label.text());
                file.write(line.as_bytes(), &now.to_zoned(self.time_zone.clone()));
            }
        }
    }
}

impl Subscriber for Log {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.enabled(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && *metadata.level() <= self.level()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level())
    }

    fn event(&self, event: &Event<'_>) {
        // Debug and trace are two switches: -V alone shows no debug lines.
        let (level, mut state) = (event.metadata().level(), self.lock());
        if *level == Level::DEBUG && !state.config.debug {
            return;
        }
        let mut text = Text::default();
        event.record(&mut text);
        let mut text = text.message + &text.fields;
        match state.flood.admit(event.metadata(), &text, jiff::Timestamp::now().as_second()) {
            Admission::Whole => {}
            Admission::Last => text += " (more of this kind are left out for a second)",
            Admission::After(count) => text += &format!(" ({count} of this kind were left out before)"),
            Admission::LeftOut => return,
        }
        let label = if event.metadata().target() == FATAL { Label::Fatal } else { Label::of(*level) };
        state.write(label, &text);
    }

    fn new_span(&self, _span: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _span: &span::Id, _values: &span::Record<'_>) {}

    fn record_follows_from(&self, _span: &span::Id, _follows: &span::Id) {}

    fn enter(&self, _span: &span::Id) {}

    fn exit(&self, _span: &span::Id) {}
}

#[derive(Clone, Copy)]
enum Label {
    Fatal,
    Error,
    Warning,
    Info,
    Debug,
    Trace,
}

impl Label {
    fn of(level: Level) -> Self {
        match level {
            Level::ERROR => Self::Error,
            Level::WARN => Self::Warning,
            Level::INFO => Self::Info,
            Level::DEBUG => Self::Debug,
            Level::TRACE => Self::Trace,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Fatal => "FTL",
            Self::Error => "ERR",
            Self::Warning => "WRN",
            Self::Info => "INF",
            Self::Debug => "DBG",
            Self::Trace => "TRC",
        }
    }

    /// The colours that nats-server uses.
    fn colour(self) -> &'static str {
        match self {
            Self::Fatal | Self::Error => "\x1b[31m",
            Self::Warning => "\x1b[0;93m",
            Self::Info => "\x1b[32m",
            Self::Debug => "\x1b[36m",
            Self::Trace => "\x1b[33m",
        }
    }
}

/// The message of an event, and its fields as ` name=value`.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a String does not fail.
        if field.name() == "message" {
            _ = write!(self.message, "{value:?}");
        } else {
            _ = write!(self.fields, " {}={value:?}", field.name());
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.message.push_str(value);
        } else {
            _ = write!(self.fields, " {}={value}", field.name());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Log, LogConfig};

    #[test]
    fn what_peers_cause_does_not_fill_the_disk() {
        let path = std::env::temp_dir().join(format!("dunlin-flood-{}.log", std::process::id()));
        let log =
            Log::open(&LogConfig { file: Some(path.clone()), ..LogConfig::default() }).expect("a folder");
        tracing::subscriber::with_default(log, || {
            for number in 0..10_000 {
                tracing::error!(target: "dunlin_worker::tls", "handshake {number}");
                if number % 100 == 0 {
                    tracing::info!(target: "dunlin", "our own {number}");
                }
            }
        });
        let text = std::fs::read_to_string(&path).expect("it was written");
        let count = |part| text.lines().filter(|line| line.contains(part)).count();
        assert_eq!(count("our own"), 100);
        // As many as for the seconds that this may have taken.
        assert!((20..2_000).contains(&count("handshake")), "{}", count("handshake"));
        assert!(text.contains(" (more of this kind are left out for a second)\n"));
        std::fs::remove_file(path).expect("it is there");
    }
}
