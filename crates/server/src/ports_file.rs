//! The file that tells a test harness where the server listens: `<program>_<pid>.ports`.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use dunlin_server::Handle;
use dunlin_server::config::Config;
use serde::Serialize;

/// What nats-server writes; empty lists are left out.
#[derive(Serialize)]
struct Ports {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    nats: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    monitoring: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    websocket: Vec<String>,
}

/// A written ports file.
pub(crate) struct PortsFile {
    path: PathBuf,
}

impl PortsFile {
    /// Writes the file into `folder`. A reader never sees half of it.
    pub(crate) fn write(folder: &Path, program: &str, config: &Config, server: &Handle) -> io::Result<Self> {
        let is_https = config.http.as_ref().is_some_and(|http| http.is_tls);
        let is_wss = config.websocket.as_ref().is_some_and(|websocket| websocket.tls.is_some());
        let name = format!("{program}_{}.ports", std::process::id());
        let ports = Ports {
            nats: urls(
                if config.tls.is_some() && !config.allow_non_tls { "tls" } else { "nats" },
                server.nats_addr(),
            ),
            monitoring: urls(if is_https { "https" } else { "http" }, server.monitor_addr()),
            websocket: urls(if is_wss { "wss" } else { "ws" }, server.websocket_addr()),
        };
        let text = serde_json::to_string(&ports).map_err(io::Error::other)?;
        let path = folder.join(&name);
        let unfinished = folder.join(format!(".{name}"));
        fs::write(&unfinished, text)?;
        fs::rename(&unfinished, &path)?;
        Ok(Self { path })
    }

    /// Deletes the file.
    pub(crate) fn remove(self) {
        // Somebody may have done so already.
        _ = fs::remove_file(&self.path);
    }
}

/// A listener on all addresses is reached at those of this machine; nats-server names each. The loopback one is always there.
fn urls(scheme: &str, addr: Option<SocketAddr>) -> Vec<String> {
    addr.iter().map(|addr| format!("{scheme}://{}", reachable(*addr))).collect()
}

/// The address with the unspecified one replaced by loopback, to which one can connect everywhere.
pub(crate) fn reachable(addr: SocketAddr) -> SocketAddr {
    let ip = match addr {
        SocketAddr::V4(addr) if addr.ip().is_unspecified() => std::net::Ipv4Addr::LOCALHOST.into(),
        SocketAddr::V6(addr) if addr.ip().is_unspecified() => std::net::Ipv6Addr::LOCALHOST.into(),
        _ => addr.ip(),
    };
    SocketAddr::new(ip, addr.port())
}
