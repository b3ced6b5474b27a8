//! The servers that are measured.

use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::Context as _;

/// A running server. It is stopped when dropped.
pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) port: u16,
    child: Child,
}

impl Server {
    /// dunlin, as it comes.
    pub(crate) fn dunlin(binary: &Path) -> anyhow::Result<Server> {
        Server::with_config("dunlin", binary, 14222)
    }

    /// The official server.
    pub(crate) fn official(binary: &Path) -> anyhow::Result<Server> {
        Server::with_config("official", binary, 14322)
    }

    /// The floor, as a process of its own.
    pub(crate) fn floor() -> anyhow::Result<Server> {
        let port = 14422;
        let program = std::env::current_exe()?;
        let mut command = Command::new(program);
        command.args(["floor", &port.to_string()]);
        Server::start("floor", command, port)
    }

    /// Both get the same configuration.
    fn with_config(name: &'static str, binary: &Path, port: u16) -> anyhow::Result<Server> {
        let file = std::env::temp_dir().join(format!("dunlin-bench-{}-{port}.conf", std::process::id()));
        let websocket = port + 1;
        let text = format!(
            "listen: \"127.0.0.1:{port}\"\nwebsocket {{ listen: \"127.0.0.1:{websocket}\", no_tls: true }}\n"
        );
        std::fs::write(&file, text)?;
        let mut command = Command::new(binary);
        command.arg("-c").arg(&file);
        Server::start(name, command, port)
    }

    fn start(name: &'static str, mut command: Command, port: u16) -> anyhow::Result<Server> {
        let mut child =
            command.stderr(Stdio::piped()).spawn().with_context(|| format!("{name} cannot be started"))?;
        let stderr = child.stderr.take().context("stderr is piped")?;
        let mut lines = BufReader::new(stderr).lines();
        let ready = lines.by_ref().any(|line| line.is_ok_and(|line| line.contains("Server is ready")));
        anyhow::ensure!(ready, "{name} did not become ready");
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Server { name, port, child })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A connection to the NATS or the WebSocket listener.
    pub(crate) fn connect(&self, websocket: bool) -> anyhow::Result<TcpStream> {
        let stream = TcpStream::connect(("127.0.0.1", self.port + u16::from(websocket)))?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
