//! What one run of a scenario gave.

use std::time::{Duration, Instant};

use crate::clock;
use crate::process;
use crate::server::Server;
use crate::threads::{Threads, ThreadsUsed};

pub(crate) type Sample = Vec<(Figure, f64)>;

/// What a number says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Figure {
    /// CPU time of the server in microseconds, for each of these.
    Cpu(&'static str),
    /// CPU time of this program in microseconds, for each of these: what making and checking the messages took.
    Generator(&'static str),
    /// Messages that one WebSocket message carries to a subscriber.
    PerFrame,
    /// Bytes on the wire for each delivery, to the subscriber.
    WireBytes,
    /// Latency in microseconds that half of the operations did not exceed.
    P50,
    /// … that 99 of 100 did not exceed.
    P99,
    /// … that 999 of 1000 did not exceed.
    P999,
    /// Operations in a second of wall time.
    Rate,
    /// How many times the throughput of one worker two would have, if the generator had cores of its own. Computed.
    SpeedUp,
    /// The part of the process's CPU time that its busiest thread had.
    BusiestShare,
    /// Microseconds for each of these in which threads of the server could have run, but had no core.
    Waited(&'static str),
    /// How many times threads of the server gave up their core to wait for something, in 1,000 of these.
    Voluntary(&'static str),
    /// How many times a core was taken from them, in 1,000 of these.
    Involuntary(&'static str),
    /// Wall time in seconds, until what this says.
    Seconds(&'static str),
    /// Resident memory of the server in bytes, for each of these.
    Resident(&'static str),
}

impl Figure {
    pub(crate) fn name(self) -> String {
        match self {
            Figure::Cpu(operation) => format!("CPU µs per {operation}"),
            Figure::Generator(operation) => format!("generator's CPU µs per {operation}"),
            Figure::PerFrame => "messages per frame".to_owned(),
            Figure::WireBytes => "bytes per delivery".to_owned(),
            Figure::P50 => "p50 in µs".to_owned(),
            Figure::P99 => "p99 in µs".to_owned(),
            Figure::P999 => "p99.9 in µs".to_owned(),
            Figure::Rate => "a second".to_owned(),
            Figure::SpeedUp => "times the throughput of one worker with cores to spare".to_owned(),
            Figure::BusiestShare => "busiest thread's share of the CPU time".to_owned(),
            Figure::Waited(operation) => format!("µs ready without a core per {operation}"),
            Figure::Voluntary(operation) => format!("waits per 1,000 {}", plural(operation)),
            Figure::Involuntary(operation) => format!("cores lost per 1,000 {}", plural(operation)),
            Figure::Seconds(until) => format!("seconds {until}"),
            Figure::Resident(of) => format!("bytes per {of}"),
        }
    }

    /// The table that it belongs to, beside the main one of its group.
    pub(crate) fn table(self) -> Option<&'static str> {
        match self {
            Figure::Cpu(_) | Figure::Resident(_) | Figure::SpeedUp => None,
            Figure::BusiestShare | Figure::Waited(_) | Figure::Voluntary(_) | Figure::Involuntary(_) => {
                Some("the server's threads")
            }
            Figure::Generator(_) => Some("the generator's part"),
            Figure::WireBytes | Figure::PerFrame => Some("bytes on the wire"),
            Figure::P50 | Figure::P99 | Figure::P999 => Some("latency"),
            Figure::Rate | Figure::Seconds(_) => Some("wall clock"),
        }
    }
}

fn plural(noun: &str) -> String {
    noun.strip_suffix('y').map_or_else(|| format!("{noun}s"), |stem| format!("{stem}ies"))
}

/// Counts what a server uses from now on.
pub(crate) struct Meter {
    pid: u32,
    cpu_ns: u64,
    generator_ns: u64,
    /// Where the number of threads is what the scenario is about.
    threads: Option<Threads>,
    start: Instant,
}

/// What it used.
pub(crate) struct Used {
    pub(crate) cpu_us: f64,
    /// CPU time of this program.
    pub(crate) generator_us: f64,
    pub(crate) seconds: f64,
    threads: Option<ThreadsUsed>,
}

impl Meter {
    pub(crate) fn start(server: &Server) -> anyhow::Result<Meter> {
        let pid = server.pid();
        let generator_ns = process::own_cpu_ns();
        let threads = server.workers.map(|_| Threads::of(pid)).transpose()?;
        Ok(Meter { pid, cpu_ns: process::cpu_ns(pid)?, generator_ns, threads, start: clock::now() })
    }

    pub(crate) fn stop(&self) -> anyhow::Result<Used> {
        let seconds = self.start.elapsed().as_secs_f64();
        let cpu_us = (process::cpu_ns(self.pid)? - self.cpu_ns) as f64 / 1000.0;
        let generator_us = (process::own_cpu_ns() - self.generator_ns) as f64 / 1000.0;
        let since = |before: &Threads| anyhow::Ok(Threads::of(self.pid)?.since(before));
        let threads = self.threads.as_ref().map(since).transpose()?;
        Ok(Used { cpu_us, generator_us, seconds, threads })
    }
}

impl Used {
    /// The CPU time of both sides for each of so many operations; what the threads did, where that was counted.
    pub(crate) fn per(&self, operation: &'static str, count: u64) -> Sample {
        let count = count as f64;
        let mut sample = vec![
            (Figure::Cpu(operation), self.cpu_us / count),
            (Figure::Generator(operation), self.generator_us / count),
        ];
        if let Some(threads) = &self.threads {
            sample.extend([
                (Figure::Rate, count / self.seconds),
                (Figure::BusiestShare, threads.busiest_share),
                (Figure::Waited(operation), threads.waited_us / count),
                (Figure::Voluntary(operation), 1000.0 * threads.voluntary as f64 / count),
                (Figure::Involuntary(operation), 1000.0 * threads.involuntary as f64 / count),
            ]);
        }
        sample
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
