//! The clock of the generator. What is claimed is counted in CPU time; wall time gives latencies and rates.

use std::time::Instant;

#[expect(clippy::disallowed_methods, reason = "a generator that sends on time and measures latency")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
