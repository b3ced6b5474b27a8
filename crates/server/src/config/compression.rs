//! `compression`, in the block `websocket`: `true`, `false`, or a block of its own.

use dunlin_conf::{Entry, Value};
use dunlin_worker::CompressionConfig;

use super::Report;

/// The longest threshold: longer flushes are always worth compressing.
const THRESHOLD_MAX: i64 = 1 << 20;

/// What is agreed with clients that offer permessage-deflate; `None`: nothing.
pub(super) fn read(entry: &Entry, report: &mut Report) -> Option<CompressionConfig> {
    if !matches!(entry.node.value, Value::Map(_)) {
        return report.value(entry.boolean())?.then(CompressionConfig::default);
    }
    let mut compression = CompressionConfig::default();
    for entry in report.value(entry.map())? {
        match entry.key.to_ascii_lowercase().as_str() {
            "context_takeover" => report.set(&mut compression.context_takeover, entry.boolean()),
            "max_window_bits" => {
                if let Some(bits) = report.number(entry, 8, 15).and_then(|bits| u8::try_from(bits).ok()) {
                    compression.window_bits_max = bits;
                }
            }
            "level" => {
                if let Some(level) = report.number(entry, 1, 9).and_then(|level| u8::try_from(level).ok()) {
                    compression.level = level;
                }
            }
            "threshold" => {
                if let Some(bytes) =
                    report.number(entry, 0, THRESHOLD_MAX).and_then(|bytes| usize::try_from(bytes).ok())
                {
                    compression.threshold = bytes;
                }
            }
            _ => report.unknown(entry, "compression"),
        }
    }
    Some(compression)
}
