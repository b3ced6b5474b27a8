//! What the threads of a process have used, each by itself: how work is shared, and what it waits for.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context as _;

use crate::process::schedstat;

/// What each thread of a process has used so far, by its number.
pub(crate) struct Threads(BTreeMap<u32, Thread>);

#[derive(Clone, Copy, Default)]
struct Thread {
    cpu_ns: u64,
    /// Time in which it could have run, but had no core.
    waited_ns: u64,
    /// How many times it gave up its core because it had to wait for something.
    voluntary: u64,
    /// How many times its core was taken away.
    involuntary: u64,
}

/// What all of them used between two moments.
#[derive(Debug, PartialEq)]
pub(crate) struct ThreadsUsed {
    /// The part of the process's CPU time that the busiest thread had.
    pub(crate) busiest_share: f64,
    pub(crate) waited_us: f64,
    pub(crate) voluntary: u64,
    pub(crate) involuntary: u64,
}

impl Threads {
    pub(crate) fn of(pid: u32) -> anyhow::Result<Threads> {
        let mut threads = BTreeMap::new();
        for task in fs::read_dir(format!("/proc/{pid}/task")).context("the server has ended")? {
            let task = task?;
            let number = task.file_name().to_string_lossy().parse().context("a thread has a number")?;
            // A thread may end meanwhile.
            if let Ok(thread) = Thread::read(&task.path()) {
                threads.insert(number, thread);
            }
        }
        Ok(Threads(threads))
    }

    /// What they used since `before`. Threads that have ended meanwhile are not counted.
    pub(crate) fn since(&self, before: &Threads) -> ThreadsUsed {
        let used = || {
            self.0.iter().map(|(number, now)| {
                let then = before.0.get(number).copied().unwrap_or_default();
                now.since(then)
            })
        };
        let sum = |count: fn(Thread) -> u64| used().map(count).sum::<u64>();
        let busiest = used().map(|thread| thread.cpu_ns).max().unwrap_or(0);
        ThreadsUsed {
            busiest_share: busiest as f64 / sum(|thread| thread.cpu_ns) as f64,
            waited_us: sum(|thread| thread.waited_ns) as f64 / 1000.0,
            voluntary: sum(|thread| thread.voluntary),
            involuntary: sum(|thread| thread.involuntary),
        }
    }
}

impl Thread {
    fn read(task: &Path) -> anyhow::Result<Thread> {
        let (cpu_ns, waited_ns) = schedstat(task)?;
        let status = fs::read_to_string(task.join("status"))?;
        let count = |name: &str| -> anyhow::Result<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.with_context(|| format!("status has no {name}"))?.trim().parse().context("no number")
        };
        let (voluntary, involuntary) =
            (count("voluntary_ctxt_switches:")?, count("nonvoluntary_ctxt_switches:")?);
        Ok(Thread { cpu_ns, waited_ns, voluntary, involuntary })
    }

    fn since(self, then: Thread) -> Thread {
        Thread {
            cpu_ns: self.cpu_ns - then.cpu_ns,
            waited_ns: self.waited_ns - then.waited_ns,
            voluntary: self.voluntary - then.voluntary,
            involuntary: self.involuntary - then.involuntary,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn threads(all: &[(u32, [u64; 4])]) -> Threads {
        let thread = |&(number, [cpu_ns, waited_ns, voluntary, involuntary]): &(u32, [u64; 4])| {
            (number, Thread { cpu_ns, waited_ns, voluntary, involuntary })
        };
        Threads(all.iter().map(thread).collect())
    }

    #[test]
    fn what_came_before_is_taken_off_each_thread() {
        let before = threads(&[(1, [9000, 500, 7, 1]), (2, [100, 0, 0, 0]), (3, [4000, 10, 10, 10])]);
        // Thread 3 has ended, thread 4 is new.
        let after = threads(&[(1, [9100, 1500, 9, 1]), (2, [400, 1000, 1, 5]), (4, [100, 0, 1, 0])]);
        let used = ThreadsUsed { busiest_share: 0.6, waited_us: 2.0, voluntary: 4, involuntary: 5 };
        assert_eq!(after.since(&before), used);
    }

    #[test]
    fn this_process_can_be_read() {
        let threads = Threads::of(std::process::id()).expect("it runs");
        assert!(threads.0.contains_key(&std::process::id()), "the main thread has the number of the process");
        let used = threads.since(&Threads(BTreeMap::new()));
        assert!(used.busiest_share > 0.0 && used.busiest_share <= 1.0, "{used:?}");
        assert!(used.voluntary + used.involuntary > 0, "{used:?}");
    }
}
