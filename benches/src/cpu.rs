//! CPU time of another process.

use std::fs;

use anyhow::Context as _;

/// The CPU time that all threads of a process have used so far, in nanoseconds. From the scheduler's own count, which is
/// finer than the ticks of `/proc/PID/stat`.
pub(crate) fn time_ns(pid: u32) -> anyhow::Result<u64> {
    let mut sum = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task")).context("the server has ended")? {
        let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
        sum +=
            text.split(' ').next().and_then(|ns| ns.parse::<u64>().ok()).context("schedstat has no time")?;
    }
    Ok(sum)
}
