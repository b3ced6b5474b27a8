//! What one run of a scenario gave.

use std::time::{Duration, Instant};

use crate::clock;
use crate::process;
use crate::server::Server;

pub(crate) type Sample = Vec<(Figure, f64)>;

/// What a number says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Figure {
    /// CPU time of the server in microseconds, for each of these.
    Cpu(&'static str),
    /// Bytes on the wire for each delivery, to the subscriber.
    WireBytes,
    /// Latency in microseconds that half of the operations did not exceed.
    P50,
    /// … that 999 of 1000 did not exceed.
    P999,
    /// Operations in a second of wall time.
    Rate,
    /// Resident memory of the server in bytes, for each connection.
    Resident,
}

impl Figure {
    pub(crate) fn name(self) -> String {
        match self {
            Figure::Cpu(operation) => format!("CPU µs per {operation}"),
            Figure::WireBytes => "bytes per delivery".to_owned(),
            Figure::P50 => "p50 in µs".to_owned(),
            Figure::P999 => "p99.9 in µs".to_owned(),
            Figure::Rate => "a second".to_owned(),
            Figure::Resident => "bytes per connection".to_owned(),
        }
    }

    /// The table that it belongs to, beside the main one of its group.
    pub(crate) fn table(self) -> Option<&'static str> {
        match self {
            Figure::Cpu(_) | Figure::Resident => None,
            Figure::WireBytes => Some("bytes on the wire"),
            Figure::P50 | Figure::P999 => Some("latency"),
            Figure::Rate => Some("wall-clock rate"),
        }
    }
}

/// Counts what a server uses from now on.
pub(crate) struct Meter {
    pid: u32,
    cpu_ns: u64,
    start: Instant,
}

/// What it used.
pub(crate) struct Used {
    pub(crate) cpu_us: f64,
    pub(crate) seconds: f64,
}

impl Meter {
    pub(crate) fn start(server: &Server) -> anyhow::Result<Meter> {
        let pid = server.pid();
        Ok(Meter { pid, cpu_ns: process::cpu_ns(pid)?, start: clock::now() })
    }

    pub(crate) fn stop(&self) -> anyhow::Result<Used> {
        let seconds = self.start.elapsed().as_secs_f64();
        Ok(Used { cpu_us: (process::cpu_ns(self.pid)? - self.cpu_ns) as f64 / 1000.0, seconds })
    }
}

/// Latencies of single operations.
#[derive(Default)]
pub(crate) struct Latencies(Vec<Duration>);

impl Latencies {
    pub(crate) fn push(&mut self, latency: Duration) {
        self.0.push(latency);
    }

    /// The latency that this share of the operations did not exceed, in microseconds.
    pub(crate) fn percentile_us(&mut self, share: f64) -> f64 {
        self.0.sort_unstable();
        let last = self.0.len().saturating_sub(1);
        let index = (share * last as f64).ceil() as usize;
        self.0.get(index.min(last)).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles() {
        let mut latencies = Latencies::default();
        for us in (0..=1000).rev() {
            latencies.push(Duration::from_micros(us));
        }
        for (share, us) in [(0.0, 0.0), (0.5, 500.0), (0.999, 999.0), (1.0, 1000.0)] {
            assert!((latencies.percentile_us(share) - us).abs() < 1e-6, "{share}");
        }
        assert!(Latencies::default().percentile_us(0.5).is_nan());
    }
}
