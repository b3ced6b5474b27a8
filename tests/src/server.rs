//! Server processes: dunlin or the official server, started the way their users start them.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::{env, fs, thread};

pub use rustix::process::Signal;

use crate::{Deadline, Peer, TempDir, peer};

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Dunlin.
    Dunlin,
    /// The official `nats-server`.
    Official,
}

impl Kind {
    /// The server that the tests are about: dunlin, unless `DUNLIN_TEST_KIND=official` asks to prove the tests
    /// themselves on the official server.
    ///
    /// # Panics
    /// If the variable has another value.
    pub fn under_test() -> Kind {
        match env::var("DUNLIN_TEST_KIND").as_deref() {
            Err(_) | Ok("dunlin") => Kind::Dunlin,
            Ok("official") => Kind::Official,
            Ok(other) => panic!("DUNLIN_TEST_KIND is {other:?}, not dunlin or official"),
        }
    }

    /// The program, or the reason why it is not there.
    ///
    /// # Errors
    /// If the official server is not installed. Dunlin that has not been built is a mistake, and panics.
    pub fn program(self) -> Result<PathBuf, String> {
        match self {
            Kind::Dunlin => Ok(dunlin_program()),
            Kind::Official => match peer("nats-server") {
                Peer::Path(path) => Ok(path),
                Peer::Missing(reason) => Err(reason),
            },
        }
    }
}

/// `DUNLIN_BIN`, else the program that cargo has built beside this test.
fn dunlin_program() -> PathBuf {
    if let Some(path) = env::var_os("DUNLIN_BIN") {
        return path.into();
    }
    let test = env::current_exe().expect("a running test has a path");
    // <target>/<profile>/deps/blackbox-…
    let profile = test.parent().and_then(Path::parent).expect("cargo's folders");
    let path = profile.join("dunlin");
    let release = if profile.ends_with("release") { " --release" } else { "" };
    assert!(
        path.exists(),
        "{} is missing: build it with `cargo build -p dunlin-server{release}`, or name one in DUNLIN_BIN",
        path.display()
    );
    path
}

/// Where a server listens.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    /// NATS over TCP.
    pub nats: SocketAddr,
    /// NATS over WebSocket.
    pub websocket: SocketAddr,
    /// Monitoring over HTTP.
    pub monitoring: SocketAddr,
}

/// A running server. It is killed on drop, and then prints its log if the test has failed.
#[derive(Debug)]
pub struct ServerProcess {
    program: PathBuf,
    conf: String,
    args: Vec<String>,
    dir: TempDir,
    child: Child,
    log: Log,
    addresses: Addresses,
    /// It was started on these ports, not on any free ones.
    fixed: Option<Addresses>,
}

impl ServerProcess {
    /// Starts a server with `conf` on free ports of the loopback address, and waits until it is ready.
    ///
    /// Listeners for NATS, monitoring and WebSocket are added to the configuration. A configuration that wants to
    /// write one itself puts `{port}`, `{http_port}` or `{ws_port}` where the number belongs. `{free_port}` stands for the
    /// number of a free port, the same in all places: for monitoring (`http_port: {free_port}`), WebSocket, or both.
    ///
    /// # Panics
    /// If the program is missing, exits, or is not ready in time; the message has its log.
    pub fn start(kind: Kind, conf: &str, args: &[&str]) -> ServerProcess {
        let program = kind.program().expect("callers ask for the official server only where it is installed");
        ServerProcess::start_program(&program, conf, args)
    }

    /// [`ServerProcess::start`] for a program of any name.
    ///
    /// # Panics
    /// As `start` does.
    pub fn start_program(program: &Path, conf: &str, args: &[&str]) -> ServerProcess {
        let dir = TempDir::new();
        let conf = with_listeners(conf);
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let (child, log, addresses) = launch(program, &dir, &conf, &args, None);
        ServerProcess { program: program.to_owned(), conf, args, dir, child, log, addresses, fixed: None }
    }

    /// Where it listens.
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// `nats://host:port`.
    pub fn nats_url(&self) -> String {
        format!("nats://{}", self.addresses.nats)
    }

    /// `ws://host:port`, or `wss://host:port`.
    pub fn websocket_url(&self) -> String {
        let tls = self.log().contains("Listening for websocket clients on wss://");
        format!("{}://{}", if tls { "wss" } else { "ws" }, self.addresses.websocket)
    }

    /// The folder of its configuration (`server.conf`) and its ports file.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a log line that contains `text`, from the start of the process on.
    ///
    /// # Panics
    /// If there is none in time.
    pub fn wait_for_log(&self, text: &str) -> String {
        self.log.wait_for(text, Deadline::usual()).unwrap_or_else(|| {
            panic!("no log line with {text:?}; the log:\n{}", self.log.text());
        })
    }

    /// The log so far.
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// Sends a signal.
    ///
    /// # Panics
    /// If the process is gone.
    pub fn signal(&self, signal: Signal) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, signal).expect("the server runs");
    }

    /// Gives it another configuration, written as for [`ServerProcess::start`], and returns what it logs of that: a line for
    /// each change, or why it did not take it over.
    ///
    /// # Panics
    /// If it says nothing in time.
    pub fn reload(&mut self, conf: &str) -> Vec<String> {
        self.conf = with_listeners(conf);
        write_conf(&self.dir, &self.conf, self.fixed);
        let before = self.log.len();
        self.signal(Signal::HUP);
        let deadline = Deadline::usual();
        let ends = ["Reloaded server configuration", "Failed to reload server configuration"];
        let line = self.log.wait_for_any(before, &ends, deadline).unwrap_or_else(|| {
            panic!("no answer to SIGHUP; the log:\n{}", self.log.text());
        });
        let lines = self.log.lines_from(before);
        lines.into_iter().filter(|one| one.contains("eload") || *one == line).collect()
    }

    /// Waits until the process has ended by itself: its log ends, and then its status is there.
    ///
    /// # Panics
    /// If it does not end in time.
    pub fn wait_for_exit(&mut self) -> ExitStatus {
        assert!(
            self.log.wait_for_end(Deadline::usual()),
            "the server runs on; the log:\n{}",
            self.log.text()
        );
        self.child.wait().expect("our own child")
    }

    /// Ends the process as a supervisor would (SIGTERM) and waits for it.
    ///
    /// # Panics
    /// If it does not end in time.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait_for_exit()
    }

    /// Kills it at once, so that its clients see the connection break.
    ///
    /// # Panics
    /// If it cannot be killed.
    pub fn kill(&mut self) {
        self.child.kill().expect("our own child");
        self.child.wait().expect("our own child");
    }

    /// Starts a stopped server again, on the same ports.
    ///
    /// # Panics
    /// As [`ServerProcess::start`] does.
    pub fn start_again(&mut self) {
        let (child, log, addresses) =
            launch(&self.program, &self.dir, &self.conf, &self.args, Some(self.addresses));
        self.child = child;
        self.log = log;
        self.fixed = Some(self.addresses);
        self.addresses = addresses;
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("--- log of {}\n{}---", self.program.display(), self.log.text());
        }
    }
}

fn with_listeners(conf: &str) -> String {
    let mut whole = String::new();
    let takes_free_port = conf.contains("{free_port}");
    for (mark, block) in [
        ("{port}", "listen: \"127.0.0.1:{port}\"\n"),
        ("{http_port}", "http: \"127.0.0.1:{http_port}\"\n"),
        ("{ws_port}", "websocket { listen: \"127.0.0.1:{ws_port}\", no_tls: true }\n"),
    ] {
        let is_written = match mark {
            "{http_port}" => conf.contains("http_port") || conf.contains("https_port"),
            "{ws_port}" => conf.contains(mark) || takes_free_port,
            _ => conf.contains(mark),
        };
        if !is_written {
            whole.push_str(block);
        }
    }
    if !takes_free_port {
        return whole + conf;
    }
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let port = free.expect("a free port of the loopback address").port();
    (whole + conf).replace("{free_port}", &port.to_string())
}

fn launch(
    program: &Path,
    dir: &TempDir,
    conf: &str,
    args: &[String],
    again: Option<Addresses>,
) -> (Child, Log, Addresses) {
    let file = write_conf(dir, conf, again);
    let mut child = Command::new(program)
        .arg("-c")
        .arg(&file)
        .arg("--ports_file_dir")
        .arg(dir.path())
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{} does not start: {error}", program.display()));
    let log = Log::follow(child.stderr.take().expect("a piped stderr"));
    if log.wait_for("Server is ready", Deadline::usual()).is_none() {
        let _ = child.kill();
        let _ = child.wait();
        panic!("{} did not get ready; its log:\n{}", program.display(), log.text());
    }
    // On a Unix socket there is none.
    let has_websocket_port = !conf.contains("listen: \"unix:");
    let addresses = Addresses {
        nats: log.address(&["Listening for client connections on "]),
        websocket: if has_websocket_port {
            log.address(&[
                "Listening for websocket clients on ws://",
                "Listening for websocket clients on wss://",
            ])
        } else {
            SocketAddr::from(([127, 0, 0, 1], 0))
        },
        monitoring: log.address(&["Starting http monitor on ", "Starting https monitor on "]),
    };
    (child, log, addresses)
}

/// Writes the configuration with its ports: those of `fixed`, or any free ones.
fn write_conf(dir: &TempDir, conf: &str, fixed: Option<Addresses>) -> PathBuf {
    let port = |address: fn(Addresses) -> SocketAddr| fixed.map_or(-1, |all| i32::from(address(all).port()));
    let conf = conf
        .replace("{port}", &port(|all| all.nats).to_string())
        .replace("{http_port}", &port(|all| all.monitoring).to_string())
        .replace("{ws_port}", &port(|all| all.websocket).to_string());
    let file = dir.path().join("server.conf");
    fs::write(&file, &conf).expect("our own folder");
    file
}

/// The lines that a process has written to stderr.
#[derive(Debug, Clone, Default)]
struct Log(Arc<(Mutex<Lines>, Condvar)>);

#[derive(Debug, Default)]
struct Lines {
    lines: Vec<String>,
    ended: bool,
}

impl Log {
    fn follow(stderr: impl std::io::Read + Send + 'static) -> Log {
        let log = Log::default();
        let ours = log.clone();
        thread::spawn(move || {
            for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
                ours.lock().lines.push(String::from_utf8_lossy(&line).into_owned());
                ours.0.1.notify_all();
            }
            ours.lock().ended = true;
            ours.0.1.notify_all();
        });
        log
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.0.0.lock().expect("no thread panics with the log")
    }

    fn text(&self) -> String {
        self.lock().lines.join("\n") + "\n"
    }

    fn len(&self) -> usize {
        self.lock().lines.len()
    }

    fn lines_from(&self, start: usize) -> Vec<String> {
        self.lock().lines[start..].to_vec()
    }

    fn wait_for(&self, text: &str, deadline: Deadline) -> Option<String> {
        self.wait_for_any(0, &[text], deadline)
    }

    /// The first line from number `start` on that contains one of `texts`.
    fn wait_for_any(&self, start: usize, texts: &[&str], deadline: Deadline) -> Option<String> {
        let mut lines = self.lock();
        loop {
            let mut new = lines.lines[start..].iter();
            if let Some(line) = new.find(|line| texts.iter().any(|text| line.contains(text))) {
                return Some(line.clone());
            }
            if lines.ended {
                return None;
            }
            lines = self.0.1.wait_timeout(lines, deadline.left()?).expect("no thread panics with the log").0;
        }
    }

    fn wait_for_end(&self, deadline: Deadline) -> bool {
        let mut lines = self.lock();
        while !lines.ended {
            let Some(left) = deadline.left() else { return false };
            lines = self.0.1.wait_timeout(lines, left).expect("no thread panics with the log").0;
        }
        true
    }

    /// The address that follows one of `texts` in the log of a server that is ready.
    fn address(&self, texts: &[&str]) -> SocketAddr {
        let lines = self.lock();
        let address =
            |line: &String| texts.iter().find_map(|text| line.split_once(text)?.1.trim().parse().ok());
        let found = lines.lines.iter().find_map(address);
        found
            .unwrap_or_else(|| panic!("no log line {texts:?}<address>; the log:\n{}", lines.lines.join("\n")))
    }
}
