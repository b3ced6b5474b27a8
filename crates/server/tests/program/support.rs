//! Running the program, and waiting for what it writes.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_dunlin");

/// What a test waits at most for one event.
const PATIENCE: Duration = Duration::from_secs(20);

/// A folder that goes away with the test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("dunlin-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs the program to its end.
pub(crate) fn run(args: &[&str]) -> Output {
    Command::new(PROGRAM).args(args).output().unwrap()
}

/// Waits until a file holds a text.
#[expect(clippy::disallowed_methods, reason = "a deadline, and a file that nothing says has grown")]
pub(crate) fn wait_for(path: &Path, text: &str) {
    let start = std::time::Instant::now();
    while !std::fs::read_to_string(path).is_ok_and(|contents| contents.contains(text)) {
        assert!(start.elapsed() < PATIENCE, "{} does not hold {text:?}", path.display());
        std::thread::yield_now();
    }
}

/// A running server, whose log is read line by line.
pub(crate) struct Server {
    child: Child,
    lines: Receiver<String>,
}

impl Server {
    /// Starts the program in `folder` and waits until it is ready.
    pub(crate) fn start(program: &Path, folder: &Folder, args: &[&str]) -> (Self, Vec<String>) {
        let mut server = Self::launch(program, folder, args);
        let lines = server.lines_until("Server is ready");
        (server, lines)
    }

    /// Starts the program in `folder`.
    pub(crate) fn launch(program: &Path, folder: &Folder, args: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.args(args).current_dir(folder.path());
        Self::spawn(command)
    }

    /// Starts the program that a command becomes.
    pub(crate) fn spawn(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    /// The lines up to the one that ends with `end`, without their pid and time.
    pub(crate) fn lines_until(&mut self, end: &str) -> Vec<String> {
        self.lines_to(end, |line| line.ends_with(end))
    }

    /// The lines up to the one that holds `part`, likewise.
    pub(crate) fn lines_with(&mut self, part: &str) -> Vec<String> {
        self.lines_to(part, |line| line.contains(part))
    }

    fn lines_to(&mut self, end: &str, is_end: impl Fn(&str) -> bool) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let line = match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => line,
                Err(error) => panic!("no line {end:?} ({error}), but {lines:#?}"),
            };
            let line = line
                .find("] [")
                .or(line.find(" ["))
                .map_or(line.clone(), |at| line[at + 1..].trim().to_owned());
            lines.push(line);
            if lines.last().is_some_and(|line| is_end(line)) {
                return lines;
            }
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end.
    pub(crate) fn wait(mut self) -> ExitStatus {
        // The log ends when the program has: only then is waiting short.
        while self.lines.recv_timeout(PATIENCE).is_ok() {}
        self.child.wait().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
