//! Settings as one would write them in a file: what the log says of a change, an operator can search for and type.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use dunlin_forwarded::Network;
use dunlin_websocket::handshake::OriginPattern;
use dunlin_worker::OverRate;

use super::{CompressionConfig, HandshakeFirst, ListenPort, SlowConsumer, TlsVersion};

/// The value of a key.
pub(super) trait Written {
    /// The value in the language of files.
    fn written(&self) -> String;
}

macro_rules! as_displayed {
    ($($type:ty),+) => {
        $(impl Written for $type {
            fn written(&self) -> String {
                self.to_string()
            }
        })+
    };
}

as_displayed!(bool, u8, u32, i64, u64, usize);

macro_rules! as_text {
    ($($type:ty: $value:ident => $text:expr),+ $(,)?) => {
        $(impl Written for $type {
            fn written(&self) -> String {
                let $value = self;
                quoted(&$text)
            }
        })+
    };
}

as_text!(
    String: text => text,
    PathBuf: path => path.to_string_lossy(),
    OriginPattern: origin => origin.to_string(),
    Network: network => network.to_string(),
    Duration: duration => spelled(*duration),
    TlsVersion: version => match version {
        TlsVersion::V1_2 => "1.2",
        TlsVersion::V1_3 => "1.3",
    },
);

/// A secret.
pub(super) struct Hidden;

impl Written for Hidden {
    fn written(&self) -> String {
        "[REDACTED]".to_owned()
    }
}

/// A duration that is written as a number of seconds.
#[derive(PartialEq)]
pub(super) struct Seconds(pub(super) Duration);

impl Written for Seconds {
    fn written(&self) -> String {
        self.0.as_secs_f64().to_string()
    }
}

/// A block that can be switched off.
#[derive(PartialEq)]
pub(super) struct Switched<T>(pub(super) Option<T>);

impl<T: Written> Written for Switched<T> {
    fn written(&self) -> String {
        self.0.as_ref().map_or_else(|| "false".to_owned(), Written::written)
    }
}

impl<T: Written> Written for Option<T> {
    /// What nobody has written has no value.
    fn written(&self) -> String {
        self.as_ref().map_or_else(|| "none".to_owned(), Written::written)
    }
}

impl<T: Written> Written for Vec<T> {
    fn written(&self) -> String {
        let values: Vec<String> = self.iter().map(Written::written).collect();
        format!("[{}]", values.join(", "))
    }
}

impl<T: Written> Written for BTreeMap<String, T> {
    fn written(&self) -> String {
        let entries: Vec<String> =
            self.iter().map(|(key, value)| format!("{key}: {}", value.written())).collect();
        if entries.is_empty() { "{ }".to_owned() } else { format!("{{ {} }}", entries.join(", ")) }
    }
}

impl Written for ListenPort {
    fn written(&self) -> String {
        match self {
            ListenPort::Fixed(port) => port.to_string(),
            ListenPort::Random => "-1".to_owned(),
            ListenPort::Closed => "none".to_owned(),
        }
    }
}

impl Written for SlowConsumer {
    fn written(&self) -> String {
        match self {
            SlowConsumer::Disconnect => "disconnect",
            SlowConsumer::DropOldest => "drop_oldest",
            SlowConsumer::LatestPerSubject => "latest_per_subject",
        }
        .to_owned()
    }
}

impl Written for OverRate {
    fn written(&self) -> String {
        match self {
            OverRate::Slow => "slow",
            OverRate::Close => "close",
        }
        .to_owned()
    }
}

impl Written for HandshakeFirst {
    fn written(&self) -> String {
        match self {
            HandshakeFirst::No => "false".to_owned(),
            HandshakeFirst::Yes => "true".to_owned(),
            HandshakeFirst::Auto(delay) => delay.written(),
        }
    }
}

impl Written for CompressionConfig {
    /// `true`, or a block with what is not as by default.
    fn written(&self) -> String {
        let CompressionConfig { context_takeover, window_bits_max, level, threshold } = self;
        let default = CompressionConfig::default();
        let keys = [
            ("context_takeover", context_takeover.written(), default.context_takeover.written()),
            ("max_window_bits", window_bits_max.written(), default.window_bits_max.written()),
            ("level", level.written(), default.level.written()),
            ("threshold", threshold.written(), default.threshold.written()),
        ];
        let others: Vec<String> = keys
            .iter()
            .filter(|(_, value, default)| value != default)
            .map(|(key, value, _)| format!("{key}: {value}"))
            .collect();
        if others.is_empty() { "true".to_owned() } else { format!("{{ {} }}", others.join(", ")) }
    }
}

fn quoted(text: &str) -> String {
    // With the escapes of the language.
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// `1m30s`: a number for each unit that there is.
fn spelled(duration: Duration) -> String {
    let mut left = duration.as_nanos();
    let mut text = String::new();
    for (unit, nanoseconds) in [
        ("h", 3_600_000_000_000),
        ("m", 60_000_000_000),
        ("s", 1_000_000_000),
        ("ms", 1_000_000),
        ("us", 1_000),
        ("ns", 1),
    ] {
        let count = left / nanoseconds;
        left %= nanoseconds;
        if count > 0 {
            text += &format!("{count}{unit}");
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use dunlin_conf::parse_duration;

    use super::{CompressionConfig, Duration, ListenPort, PathBuf, Written};

    #[test]
    fn durations_are_read_as_they_were_written() {
        for (nanoseconds, expected) in [
            (0, "0s"),
            (120_000_000_000, "2m"),
            (90_000_000_000, "1m30s"),
            (1_500_000_000, "1s500ms"),
            (50_000_000, "50ms"),
            (3_600_000_000_001, "1h1ns"),
            (86_400_000_000_000, "24h"),
        ] {
            assert_eq!(Duration::from_nanos(nanoseconds).written(), format!("\"{expected}\""));
            assert_eq!(parse_duration(expected).ok(), i64::try_from(nanoseconds).ok());
        }
    }

    #[test]
    fn values() {
        let compression = CompressionConfig { level: 6, threshold: 200, ..CompressionConfig::default() };
        for (value, expected) in [
            (&true as &dyn Written, "true"),
            (&Some(5_u32), "5"),
            (&None::<String>, "none"),
            (&"a \"b\" \\".to_owned(), r#""a \"b\" \\""#),
            (&Some(PathBuf::from("/a/b.log")), "\"/a/b.log\""),
            (&vec!["a".to_owned(), "b".to_owned()], "[\"a\", \"b\"]"),
            (&[ListenPort::Random, ListenPort::Fixed(80)].to_vec(), "[-1, 80]"),
            (&Some(CompressionConfig::default()), "true"),
            (&compression, "{ level: 6, threshold: 200 }"),
        ] {
            assert_eq!(value.written(), expected);
        }
    }
}
