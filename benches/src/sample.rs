//! What one run of a scenario gave.

use std::time::{Duration, Instant};

use crate::clock;
use crate::process;
use crate::server::Server;

/// Figures by name; the names hold the units.
pub(crate) type Sample = Vec<(&'static str, f64)>;

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
