//! What another process uses: CPU time and memory.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;

/// The CPU time (user and system) that all threads of a process have used so far, in nanoseconds. From the scheduler's own
/// count, which is finer than the ticks of `/proc/PID/stat`.
pub(crate) fn cpu_ns(pid: u32) -> anyhow::Result<u64> {
    let mut sum = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task")).context("the server has ended")? {
        // A thread may end meanwhile.
        sum += schedstat(&task?.path()).map_or(0, |(cpu_ns, _)| cpu_ns);
    }
    Ok(sum)
}

/// How long a thread has run so far, and how long it could have run but had no core, in nanoseconds. `task` is its folder in
/// `/proc`.
pub(crate) fn schedstat(task: &Path) -> anyhow::Result<(u64, u64)> {
    let text = fs::read_to_string(task.join("schedstat")).context("the thread has ended")?;
    let mut numbers = text.split_ascii_whitespace().map_while(|number| number.parse().ok());
    numbers.next().zip(numbers.next()).context("schedstat has no times")
}

/// The CPU time (user and system) that this process has used so far, ended threads included, in nanoseconds.
pub(crate) fn own_cpu_ns() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// The resident memory of a process in bytes. What the kernel keeps for its sockets is not in it.
pub(crate) fn resident(pid: u32) -> anyhow::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).context("the server has ended")?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("status has no VmRSS")?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().context("VmRSS is no number")?;
    Ok(kib * 1024)
}

/// How long a process is watched to see whether it still works.
const WATCH: Duration = Duration::from_millis(250);
const WATCHES_MAX: u32 = 40;

/// The resident memory of a process in bytes once it has become quiet: for so many quarters of a second it has used less
/// than one percent of a core, and its memory has changed by less than one percent. After ten seconds whatever it is.
pub(crate) fn resident_when_quiet(pid: u32, quarters: u32) -> anyhow::Result<u64> {
    let mut last = (cpu_ns(pid)?, resident(pid)?);
    let mut quiet = 0;
    for _ in 0..WATCHES_MAX {
        wait(WATCH);
        let now = (cpu_ns(pid)?, resident(pid)?);
        let works = u128::from(now.0 - last.0) * 100 > WATCH.as_nanos();
        let grows = now.1.abs_diff(last.1) * 100 > last.1;
        quiet = if works || grows { 0 } else { quiet + 1 };
        last = now;
        if quiet == quarters {
            break;
        }
    }
    Ok(last.1)
}

#[expect(clippy::disallowed_methods, reason = "no event tells that another process has become quiet")]
fn wait(duration: Duration) {
    std::thread::sleep(duration);
}

/// Lets this process and the servers that it starts open as many files as the system allows. Returns how many.
pub(crate) fn raise_open_files() -> anyhow::Result<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(1 << 20);
    setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum: limit.maximum })
        .context("the limit of open files cannot be raised to its own maximum")?;
    Ok(most)
}
