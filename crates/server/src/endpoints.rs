//! Where a server listens: from hosts and ports to addresses.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};

use dunlin_worker::{Door, Doors, Listener};

use crate::config::{Config, Host, LOOPBACK, ListenPort, UnixSocketConfig};
use crate::net::{Endpoint, Endpoints, Place};
use crate::server::StartError;

/// The addresses that a server listens on, with their ports. `0.0.0.0` stands for all of the machine, IPv4 and IPv6.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// For NATS clients.
    pub nats: Vec<SocketAddr>,
    /// For WebSocket clients.
    pub websocket: Vec<SocketAddr>,
    /// For monitoring.
    pub monitor: Vec<SocketAddr>,
}

impl Addresses {
    pub(crate) fn of(endpoints: &Endpoints) -> Addresses {
        let of = |kind| [endpoints.addresses(kind), endpoints.addresses(Listener::Shared)].concat();
        Addresses {
            nats: endpoints.addresses(Listener::Nats),
            websocket: of(Listener::WebSocket),
            monitor: of(Listener::Monitor),
        }
    }
}

/// The listeners that a configuration asks for.
pub(crate) fn endpoints(config: &Config) -> Result<Vec<Endpoint>, StartError> {
    let tcp = |host, port| resolve(host, port).map(Place::Tcp);
    let mut endpoints = vec![(Listener::Nats, tcp(&config.host, config.port)?)];
    let is_shared = config.has_shared_port();
    if let Some(websocket) = &config.websocket {
        let kind = if is_shared { Listener::Shared } else { Listener::WebSocket };
        if websocket.port != ListenPort::Closed {
            endpoints.push((kind, tcp(&websocket.host, websocket.port)?));
        }
        if let Some(UnixSocketConfig { path, mode }) = &websocket.unix_socket {
            endpoints.push((Listener::WebSocket, Place::Unix(path.clone(), *mode)));
        }
    }
    if let Some(http) = config.http.as_ref().filter(|_| !is_shared) {
        endpoints.push((Listener::Monitor, tcp(&http.host, http.port)?));
    }
    Ok(endpoints)
}

/// The listeners as those are told of them who come to the wrong one.
pub(crate) fn doors(config: &Config, addresses: &Addresses) -> Doors {
    let door = |addresses: &[SocketAddr], is_tls| {
        let is_local = addresses.iter().all(|address| address.ip().to_canonical().is_loopback());
        addresses.first().map(|address| Door { port: address.port(), is_local, is_tls })
    };
    let (http, websocket) = (config.http.as_ref(), config.websocket.as_ref());
    Doors {
        nats: door(&addresses.nats, config.tls.is_some()),
        websocket: door(&addresses.websocket, websocket.is_some_and(|websocket| websocket.tls.is_some())),
        monitoring: door(&addresses.monitor, http.is_some_and(|http| http.is_tls)),
        monitoring_path: http.map_or_else(String::new, |http| http.base_path.clone()),
    }
}

/// The addresses of a host, those of IPv4 first.
fn resolve(host: &str, port: ListenPort) -> Result<Vec<SocketAddr>, StartError> {
    let port = match port {
        ListenPort::Fixed(port) => port,
        ListenPort::Random | ListenPort::Closed => 0,
    };
    let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    match Host::of(host) {
        Host::Any => Ok(vec![any]),
        Host::Address(ip) => Ok(vec![(ip, port).into()]),
        Host::Loopback => Ok(LOOPBACK.map(|ip| (ip, port).into()).to_vec()),
        Host::Name(name) => {
            let failed = |error| StartError::Resolve { host: host.to_owned(), error };
            let mut addrs: Vec<SocketAddr> =
                (name, port).to_socket_addrs().map_err(failed)?.map(canonical).collect();
            addrs.sort_by_key(SocketAddr::is_ipv6);
            addrs.dedup();
            if addrs.iter().any(|addr| addr.ip().is_unspecified()) {
                return Ok(vec![any]);
            }
            if addrs.is_empty() { Err(failed(io::ErrorKind::NotFound.into())) } else { Ok(addrs) }
        }
    }
}

/// An IPv4 address as such. One of IPv6 keeps its zone.
fn canonical(addr: SocketAddr) -> SocketAddr {
    match addr.ip().to_canonical() {
        ip @ IpAddr::V4(_) => (ip, addr.port()).into(),
        IpAddr::V6(_) => addr,
    }
}
