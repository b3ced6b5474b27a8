//! What this process uses of the machine.

use std::time::Duration;

/// Memory and CPU time so far.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Usage {
    pub(crate) resident_bytes: u64,
    cpu: Duration,
}

impl Usage {
    /// The CPU time as percent of one core over the time `since_start`.
    pub(crate) fn cpu_percent(&self, since_start: Duration) -> f64 {
        let percent = 100.0 * self.cpu.as_secs_f64() / since_start.as_secs_f64().max(0.001);
        (percent * 10.0).round() / 10.0
    }
}

/// The process's own account, from `/proc`; zeros where there is none.
pub(crate) fn usage() -> Usage {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split(' ').nth(1).and_then(|text| text.parse().ok()).unwrap_or(0);
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name in brackets may hold blanks; utime and stime are fields 14 and 15 (proc(5)).
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 =
        after_name.split_whitespace().skip(11).take(2).filter_map(|text| text.parse::<u64>().ok()).sum();
    let ticks_per_second = rustix::param::clock_ticks_per_second();
    Usage {
        resident_bytes: pages * rustix::param::page_size() as u64,
        cpu: Duration::from_secs_f64(ticks as f64 / ticks_per_second.max(1) as f64),
    }
}

/// The cores that the process may use.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
