//! Where the figures are from.

use std::fs;

use crate::server::{Kind, Programs};

/// The head of a report: what ran where and how.
pub(crate) fn head(programs: &Programs, rounds: usize, command: &str, commit: &str) -> String {
    let versions: Vec<String> = Kind::ALL.into_iter().filter_map(|kind| programs.version(kind)).collect();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!(
        "# Server benchmarks\n\n\
         `{command}` measures this; [how](README.md). CPU time is that of the server's process, user and system; \
         median (lowest – highest) of {} interleaved rounds. Below 1.00, dunlin costs less.\n\n\
         - Servers: {}\n- Commit: {commit}\n- Machine: {}, {cores} cores for servers and generator together\n- Kernel: {}\n",
        rounds,
        versions.join("; "),
        cpu_model(),
        first_line("/proc/sys/kernel/osrelease"),
    )
}

fn cpu_model() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or_else(|| "unknown".to_owned(), |(_, name)| name.trim().to_owned())
}

fn first_line(path: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().next().unwrap_or("unknown").to_owned()
}
