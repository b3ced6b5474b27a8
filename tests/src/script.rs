//! Scripts in other languages that drive real clients.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::Deadline;

/// A running script. Every line of its stdout is a check that passed (`ok …`) or a wish (`do …`).
#[derive(Debug)]
pub struct Script {
    child: Child,
    stdin: ChildStdin,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Script {
    /// Starts `program` with `args` and environment variables.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start<A: AsRef<OsStr>>(program: &OsStr, args: &[A], vars: &[(&str, &OsStr)]) -> Script {
        let mut child = Command::new(program)
            .args(args)
            .envs(vars.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", program.display()));
        let stdin = child.stdin.take().expect("a piped stdin");
        let stdout = child.stdout.take().expect("a piped stdout");
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Script { child, stdin, lines, seen: Vec::new() }
    }

    /// The next line of stdout, or `None` when the script has ended.
    ///
    /// # Panics
    /// If a minute passes without one.
    pub fn line(&mut self) -> Option<String> {
        let left = Deadline::after(Duration::from_secs(60)).left().unwrap_or_default();
        match self.lines.recv_timeout(left) {
            Ok(line) => {
                println!("{line}");
                self.seen.push(line.clone());
                Some(line)
            }
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("the script hangs after:\n{}", self.seen.join("\n")),
        }
    }

    /// Answers the script with one line on its stdin.
    ///
    /// # Panics
    /// If the script does not listen any more.
    pub fn answer(&mut self, text: &str) {
        writeln!(self.stdin, "{text}").expect("the script reads its stdin");
    }

    /// Waits for the end, and returns the names of the checks that passed.
    ///
    /// # Panics
    /// If the script exits with a failure.
    pub fn finish(mut self) -> Vec<String> {
        while self.line().is_some() {}
        let status = self.child.wait().expect("our own child");
        assert!(status.success(), "the script ends with {status} after:\n{}", self.seen.join("\n"));
        self.seen.iter().filter_map(|line| line.strip_prefix("ok ")).map(str::to_owned).collect()
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
