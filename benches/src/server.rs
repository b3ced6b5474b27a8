//! The servers that are measured.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, ensure};

use crate::certs::Certificates;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Dunlin,
    Official,
    /// See [`crate::floor`].
    Floor,
}

impl Kind {
    /// In the order of the report.
    pub(crate) const ALL: [Kind; 3] = [Kind::Dunlin, Kind::Official, Kind::Floor];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Dunlin => "dunlin",
            Kind::Official => "official",
            Kind::Floor => "floor",
        }
    }
}

/// What servers are started from.
pub(crate) struct Programs {
    dunlin: PathBuf,
    official: Option<PathBuf>,
    folder: Folder,
    certificates: Certificates,
}

impl Programs {
    pub(crate) fn new(dunlin: PathBuf, official: Option<PathBuf>) -> anyhow::Result<Programs> {
        let folder = Folder::create()?;
        let certificates = Certificates::create(&folder.0)?;
        Ok(Programs { dunlin, official, folder, certificates })
    }

    /// What a server says to `--version`; the floor says nothing.
    pub(crate) fn version(&self, kind: Kind) -> Option<String> {
        let output = Command::new(self.path(kind)?).arg("--version").output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn path(&self, kind: Kind) -> Option<&Path> {
        match kind {
            Kind::Dunlin => Some(&self.dunlin),
            Kind::Official => self.official.as_deref(),
            Kind::Floor => None,
        }
    }

    /// Whether there is a server of this kind. The floor knows no TLS.
    pub(crate) fn has(&self, kind: Kind, tls: bool) -> bool {
        if kind == Kind::Floor { !tls } else { self.path(kind).is_some() }
    }

    /// Starts one server of each kind that there is, with the same configuration.
    pub(crate) fn start_all(&self, tls: bool) -> anyhow::Result<Vec<Server>> {
        let kinds = Kind::ALL.into_iter().filter(|&kind| self.has(kind, tls));
        kinds.map(|kind| self.start(kind, tls)).collect()
    }

    pub(crate) fn start(&self, kind: Kind, tls: bool) -> anyhow::Result<Server> {
        let command = self.command(kind, if tls { "tls.conf" } else { "clear.conf" }, &self.config(tls))?;
        Server::start(kind, command, tls.then(|| self.certificates.clone()))
    }

    /// Starts a server without TLS whose connections are served by so many threads: dunlin's `workers`, and the cores that
    /// the official server's runtime uses at the same time.
    pub(crate) fn start_with_workers(&self, kind: Kind, workers: usize) -> anyhow::Result<Server> {
        let mut config = self.config(false);
        if kind == Kind::Dunlin {
            config += &format!("workers: {workers}\n");
        }
        let mut command = self.command(kind, "workers.conf", &config)?;
        command.env("GOMAXPROCS", workers.to_string());
        let mut server = Server::start(kind, command, None)?;
        server.workers = Some(workers);
        Ok(server)
    }

    fn command(&self, kind: Kind, file: &str, config: &str) -> anyhow::Result<Command> {
        let mut command = match self.path(kind) {
            None => {
                let mut command = Command::new(std::env::current_exe()?);
                command.arg("floor");
                command
            }
            Some(program) => {
                let file = self.folder.0.join(file);
                std::fs::write(&file, config)?;
                let mut command = Command::new(program);
                command.arg("-c").arg(file);
                command
            }
        };
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        Ok(command)
    }

    /// The same for all. Pings are far apart, so that none falls into a measurement.
    fn config(&self, tls: bool) -> String {
        let security = if tls {
            let file = |path: &Path| path.display().to_string();
            let (certificate, key) = (file(&self.certificates.certificate), file(&self.certificates.key));
            format!("tls {{ cert_file: \"{certificate}\", key_file: \"{key}\" }}")
        } else {
            "no_tls: true".to_owned()
        };
        format!(
            "listen: \"127.0.0.1:-1\"\nhttp: \"127.0.0.1:-1\"\nping_interval: \"30m\"\n\
             websocket {{\n  host: \"127.0.0.1\"\n  port: -1\n  {security}\n  compression: true\n}}\n"
        )
    }
}

/// A running server. It is stopped when dropped.
pub(crate) struct Server {
    pub(crate) kind: Kind,
    nats: SocketAddr,
    websocket: SocketAddr,
    /// Of `/varz`; the floor has none.
    monitoring: Option<SocketAddr>,
    /// Where it was started with a certain number: what its threads do is counted.
    pub(crate) workers: Option<usize>,
    certificates: Option<Certificates>,
    child: Child,
}

impl Server {
    fn start(kind: Kind, mut command: Command, certificates: Option<Certificates>) -> anyhow::Result<Server> {
        let name = kind.name();
        let mut child = command.spawn().with_context(|| format!("{name} cannot be started"))?;
        let stderr = child.stderr.take().context("stderr is piped")?;
        let mut lines = BufReader::new(stderr).lines();
        let mut log = Vec::new();
        for line in lines.by_ref().map_while(Result::ok) {
            let ready = line.contains("Server is ready");
            log.push(line);
            if ready {
                break;
            }
        }
        let address = |text: &str| {
            log.iter().find_map(|line| line.split_once(text)?.1.trim().parse::<SocketAddr>().ok())
        };
        let scheme = if certificates.is_some() { "wss" } else { "ws" };
        let found = (
            address("Listening for client connections on "),
            address(&format!("Listening for websocket clients on {scheme}://")),
        );
        let (Some(nats), Some(websocket)) = found else {
            // It may have ended already.
            let _ = child.kill();
            let _ = child.wait();
            anyhow::bail!("{name} did not get ready; its log:\n{}", log.join("\n"));
        };
        let monitoring = address("Starting http monitor on ");
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Server { kind, nats, websocket, monitoring, workers: None, certificates, child })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn address(&self, websocket: bool) -> SocketAddr {
        if websocket { self.websocket } else { self.nats }
    }

    pub(crate) fn certificates(&self) -> anyhow::Result<&Certificates> {
        self.certificates.as_ref().context("this server was started without TLS")
    }

    /// How many messages clients have published, as the server counts them; `None` for the floor.
    pub(crate) fn published(&self) -> anyhow::Result<Option<u64>> {
        let Some(address) = self.monitoring else { return Ok(None) };
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(b"GET /varz HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (_, body) = answer.split_once("\r\n\r\n").context("/varz has no body")?;
        let json: serde_json::Value = serde_json::from_str(body).context("/varz is no JSON")?;
        json["in_msgs"].as_u64().context("/varz has no in_msgs").map(Some)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A temporary folder for configurations and certificates. It is removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn create() -> anyhow::Result<Folder> {
        let path = std::env::temp_dir().join(format!("dunlin-bench-{}", std::process::id()));
        std::fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        ensure!(path.is_dir(), "{} is no folder", path.display());
        Ok(Folder(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left in a temporary folder harms nobody.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
