//! The clock of the generator. What is claimed is counted in CPU time; wall time gives latencies and rates.

use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};
use rustix::time::{timerfd_create, timerfd_settime};

#[expect(clippy::disallowed_methods, reason = "a generator that sends on time and measures latency")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// A timer that comes up at each multiple of `period` from now.
pub(crate) fn timer(period: Duration) -> io::Result<OwnedFd> {
    let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
    let time = Timespec { tv_sec: period.as_secs() as i64, tv_nsec: i64::from(period.subsec_nanos()) };
    timerfd_settime(&timer, TimerfdTimerFlags::empty(), &Itimerspec { it_interval: time, it_value: time })?;
    Ok(timer)
}

/// How many times the timer has come up since it was asked last.
pub(crate) fn expirations(timer: &OwnedFd) -> anyhow::Result<u64> {
    let mut count = [0; 8];
    match rustix::io::read(timer, &mut count) {
        Ok(_) => Ok(u64::from_ne_bytes(count)),
        Err(rustix::io::Errno::AGAIN) => Ok(0),
        Err(error) => Err(error.into()),
    }
}
