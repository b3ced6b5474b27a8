//! `slow_consumer`, at the top level and in the block `websocket`.

use dunlin_conf::Entry;
use dunlin_worker::SlowConsumer;

use super::Report;

/// What becomes of a client that does not take its messages.
pub(super) fn read(entry: &Entry, report: &mut Report) -> Option<SlowConsumer> {
    let name = report.value(entry.string())?;
    match name.to_ascii_lowercase().as_str() {
        "disconnect" => Some(SlowConsumer::Disconnect),
        "drop_oldest" => Some(SlowConsumer::DropOldest),
        "latest_per_subject" => Some(SlowConsumer::LatestPerSubject),
        _ => {
            report.error_at(
                &entry.node.place,
                format_args!(
                    "{}: {name:?} is not one of disconnect, drop_oldest, latest_per_subject",
                    entry.key
                ),
            );
            None
        }
    }
}
