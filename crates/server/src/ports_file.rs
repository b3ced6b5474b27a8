//! The file that tells a test harness where the server listens: `<program>_<pid>.ports`.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use dunlin_server::Addresses;
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
    pub(crate) fn write(
        folder: &Path,
        program: &str,
        config: &Config,
        addresses: &Addresses,
    ) -> io::Result<Self> {
        let is_tls = config.tls.is_some() && !config.allow_non_tls;
        let is_https = config.http.as_ref().is_some_and(|http| http.is_tls);
        let is_wss = config.websocket.as_ref().is_some_and(|websocket| websocket.tls.is_some());
        let name = format!("{program}_{}.ports", std::process::id());
        let ports = Ports {
            nats: urls(if is_tls { "tls" } else { "nats" }, &addresses.nats),
            monitoring: urls(if is_https { "https" } else { "http" }, &addresses.monitor),
            websocket: urls(if is_wss { "wss" } else { "ws" }, &addresses.websocket),
        };
        let text = serde_json::to_string(&ports).map_err(io::Error::other)?;
        let path = folder.join(&name);
        let unfinished = folder.join(format!(".{name}"));
        let placed = fs::write(&unfinished, text).and_then(|()| fs::rename(&unfinished, &path));
        if placed.is_err() {
            // It is of no use to anybody.
            _ = fs::remove_file(&unfinished);
        }
        placed.map(|()| Self { path })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Deletes the file.
    pub(crate) fn remove(self) {
        // Somebody may have done so already.
        _ = fs::remove_file(&self.path);
    }
}

/// A listener on all addresses is reached at those of this machine: each is named, as nats-server does.
fn urls(scheme: &str, addrs: &[SocketAddr]) -> Vec<String> {
    let url = |addr: SocketAddr| format!("{scheme}://{addr}");
    let all = |addr: &SocketAddr| match addr.ip().is_unspecified() {
        true => machine().into_iter().map(|ip| SocketAddr::new(ip, addr.port())).collect(),
        false => vec![*addr],
    };
    addrs.iter().flat_map(all).map(url).collect()
}

/// The addresses of this machine, interface by interface, as a rule those of loopback first. Those of a link only
/// (fe80::/10) are left out: they are of no use without their interface.
fn machine() -> Vec<IpAddr> {
    let mut interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    interfaces.sort_by_key(|interface| interface.index);
    let addrs: Vec<IpAddr> = interfaces.iter().map(if_addrs::Interface::ip).collect();
    if addrs.is_empty() { vec![Ipv4Addr::LOCALHOST.into()] } else { addrs }
}
