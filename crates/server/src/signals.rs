//! `--signal`: tells a running server what to do.

use std::fs;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};

/// Sends what `request` says: `signal` or `signal=pid`, where the pid is a number, a number with `*` at its end (all that start
/// so), or a file that holds one. Without one, the process that runs under the name `program`.
pub(crate) fn send(program: &str, request: &str) -> Result<(), String> {
    let (name, target) = match request.split_once('=') {
        Some((name, target)) => (name, Some(target).filter(|target| !target.is_empty())),
        None => (request, None),
    };
    let signal = by_name(name).ok_or_else(|| format!("unknown signal {name:?}"))?;
    for pid in targets(program, target)? {
        let sent = Pid::from_raw(pid).ok_or(Errno::SRCH).and_then(|pid| kill_process(pid, signal));
        sent.map_err(|error| {
            let reason = match error {
                Errno::SRCH => "no such process".to_owned(),
                Errno::PERM => "operation not permitted".to_owned(),
                error => error.to_string(),
            };
            format!("signal {name:?} {pid}: {reason}")
        })?;
    }
    Ok(())
}

fn by_name(name: &str) -> Option<Signal> {
    Some(match name {
        "stop" => Signal::KILL,
        "quit" => Signal::INT,
        "term" => Signal::TERM,
        "reopen" => Signal::USR1,
        "reload" => Signal::HUP,
        "ldm" => Signal::USR2,
        _ => return None,
    })
}

fn targets(program: &str, target: Option<&str>) -> Result<Vec<i32>, String> {
    if let Some(prefix) = target.and_then(|target| target.strip_suffix('*')) {
        let pids: Vec<i32> =
            running(program).into_iter().filter(|pid| pid.to_string().starts_with(prefix)).collect();
        return if pids.is_empty() { Err(format!("no {program} processes running")) } else { Ok(pids) };
    }
    if let Some(target) = target {
        let text = if target.bytes().all(|byte| byte.is_ascii_digit()) {
            target.to_owned()
        } else {
            fs::read_to_string(target).map_err(|_| format!("invalid pid: {target}"))?
        };
        // 0 and below would mean groups of processes.
        let pid = text.trim().parse().ok().filter(|pid| *pid > 0);
        return pid.map(|pid| vec![pid]).ok_or_else(|| format!("invalid pid: {}", text.trim()));
    }
    let pids = running(program);
    match pids.len() {
        0 => Err(format!("no {program} processes running")),
        1 => Ok(pids),
        _ => {
            let list: Vec<String> = pids.iter().map(i32::to_string).collect();
            Err(format!("multiple {program} processes running:\n{}", list.join("\n")))
        }
    }
}

/// The other processes that were started under this name.
fn running(program: &str) -> Vec<i32> {
    let own = std::process::id();
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let mut pids: Vec<i32> = processes
        .flatten()
        .filter_map(|process| {
            let pid: i32 = process.file_name().to_str()?.parse().ok()?;
            let arguments = fs::read(process.path().join("cmdline")).ok()?;
            let first = arguments.split(|byte| *byte == 0).next()?;
            let name = first.rsplit(|byte| *byte == b'/').next()?;
            (name == program.as_bytes() && u32::try_from(pid) != Ok(own)).then_some(pid)
        })
        .collect();
    pids.sort_unstable();
    pids
}
