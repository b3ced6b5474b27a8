//! The library face: a server that is started, asked for its addresses, and stopped.

use core::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dunlin_auth::{ConnectionType, Rules};
use dunlin_nats_protocol::{Info, Limits};
use dunlin_session::ClientConfig;
use dunlin_websocket::handshake::{OriginPolicy, Reach};
use dunlin_worker::{CookieNames, Listener, PeerPolicy, WebSocketConfig, WorkerConfig, WorkerSnapshot};

use crate::config::{self, Advertised, Change, Config, changes};
use crate::endpoints::{Addresses, doors, endpoints};
use crate::monitoring::Monitoring;
use crate::net::{Clock, Endpoints, Network, NetworkConfig};
use crate::process;
use crate::tls::{TlsError, TlsServers, policy};

/// The version of `nats-server` whose behaviour clients may expect: they choose their features by it.
pub const NATS_VERSION: &str = "2.15.0";

/// The level of the JetStream API that goes with this version, which is said whether JetStream is on or not.
const API_LEVEL: u32 = 5;

/// The most workers that a server can have.
const WORKERS_MAX: usize = 256;

/// A NATS server.
///
/// ```
/// use dunlin_server::{Server, config::Config, config::ListenPort};
///
/// let config = Config { host: "127.0.0.1".into(), port: ListenPort::Random, ..Config::default() };
/// let server = Server::start(config)?;
/// println!("NATS clients: {:?}", server.nats_addr());
/// server.shutdown();
/// server.wait();
/// # Ok::<(), dunlin_server::StartError>(())
/// ```
pub struct Server;

/// A running server. It goes on when the handle is dropped.
pub struct Handle {
    network: Mutex<Network>,
    config: Mutex<Config>,
    identity: Identity,
    monitoring: Arc<Monitoring>,
    addresses: Addresses,
}

/// A server that has its ports, and accepts no connections yet.
pub struct Bound {
    config: Config,
    clock: Clock,
    identity: Identity,
    tls: Arc<TlsServers>,
    endpoints: Endpoints,
    addresses: Addresses,
}

/// Why a server did not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// A host name has no address.
    Resolve {
        /// The host, as configured.
        host: String,
        /// The reason.
        error: io::Error,
    },
    /// An address cannot be listened on.
    Bind {
        /// What for: `client`, `websocket`, `http`, or `http and websocket`.
        listener: &'static str,
        /// The address, or `unix:` and the path.
        place: String,
        /// The reason.
        error: io::Error,
    },
    /// TLS cannot be served as configured.
    Tls {
        /// The block: `tls` or `websocket tls`.
        block: &'static str,
        /// The reason.
        error: TlsError,
    },
    /// The system has no randomness for keys.
    Random,
    /// A thread or its event queue could not be made.
    Threads(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Resolve { host, error } => write!(f, "cannot resolve host {host:?}: {error}"),
            StartError::Bind { listener, place, error } => {
                write!(f, "cannot listen for {listener} connections on {place}: {error}")
            }
            StartError::Tls { block, error } => write!(f, "{block}: {error}"),
            StartError::Random => f.write_str("the system gives no random numbers"),
            StartError::Threads(error) => write!(f, "cannot start a thread: {error}"),
        }
    }
}

impl core::error::Error for StartError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            StartError::Resolve { error, .. }
            | StartError::Bind { error, .. }
            | StartError::Threads(error) => Some(error),
            StartError::Tls { error, .. } => Some(error),
            StartError::Random => None,
        }
    }
}

/// Why a reload has changed nothing.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReloadError {
    /// A change that needs a restart.
    NeedsRestart(Change),
    /// TLS cannot be served as configured.
    Tls {
        /// The block: `tls` or `websocket tls`.
        block: &'static str,
        /// The reason.
        error: TlsError,
    },
}

impl fmt::Display for ReloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReloadError::NeedsRestart(Change { key, old, new, .. }) => {
                write!(f, "config reload not supported for {key}: old={old}, new={new}")
            }
            ReloadError::Tls { block, error } => write!(f, "{block}: {error}"),
        }
    }
}

impl core::error::Error for ReloadError {}

impl Server {
    /// Binds the listeners, starts the workers and accepts. When this returns, clients can connect.
    ///
    /// # Errors
    ///
    /// See [`StartError`].
    pub fn start(config: Config) -> Result<Handle, StartError> {
        Server::bind(config)?.start()
    }

    /// Binds the listeners, and goes no further: for those who have something to do before the first client comes.
    ///
    /// # Errors
    ///
    /// See [`StartError`].
    pub fn bind(mut config: Config) -> Result<Bound, StartError> {
        config.complete();
        let clock = Clock::start();
        let identity = Identity::new()?;
        let tls = TlsServers::load(&config).map_err(|(block, error)| StartError::Tls { block, error })?;
        let endpoints = Endpoints::bind(&endpoints(&config)?).map_err(|((kind, place), error)| {
            StartError::Bind { listener: listener_name(kind), place: place.to_string(), error }
        })?;
        let addresses = Addresses::of(&endpoints);
        Ok(Bound { config, clock, identity, tls: Arc::new(tls), endpoints, addresses })
    }
}

impl Bound {
    /// Where the server listens.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Starts the workers and accepts. When this returns, clients can connect.
    ///
    /// # Errors
    ///
    /// See [`StartError`].
    pub fn start(self) -> Result<Handle, StartError> {
        let Bound { config, clock, identity, tls, endpoints, addresses } = self;
        let workers = worker_count(&config);
        let worker = worker_config(&config, &identity, &addresses);
        let monitoring = Arc::new(Monitoring::new(
            &config,
            worker.client.info.clone(),
            &addresses,
            Arc::clone(&tls),
            clock,
            workers,
        ));
        let render = {
            let monitoring = Arc::clone(&monitoring);
            Arc::new(move |target: &str, parts: &[WorkerSnapshot]| monitoring.respond(target, parts))
        };
        let network_config =
            NetworkConfig { workers, worker: Arc::new(worker), tls, render, clock, seed: identity.seed };
        let network = Network::start(endpoints, &network_config).map_err(StartError::Threads)?;
        Ok(Handle {
            network: Mutex::new(network),
            config: Mutex::new(config),
            identity,
            monitoring,
            addresses,
        })
    }
}

impl Handle {
    /// Where the server listens.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Where NATS clients connect; the first address, if there are several.
    pub fn nats_addr(&self) -> Option<SocketAddr> {
        self.addresses.nats.first().copied()
    }

    /// Where WebSocket clients connect, likewise.
    pub fn websocket_addr(&self) -> Option<SocketAddr> {
        self.addresses.websocket.first().copied()
    }

    /// Where monitoring answers, likewise.
    pub fn monitor_addr(&self) -> Option<SocketAddr> {
        self.addresses.monitor.first().copied()
    }

    /// The server's unique name: a public nkey.
    pub fn server_id(&self) -> &str {
        &self.identity.server_id
    }

    /// Takes over the settings that differ from those so far, for connections that are there too. All or nothing.
    ///
    /// # Errors
    ///
    /// See [`ReloadError`]. Nothing has been taken over then.
    pub fn reload(&self, mut config: Config) -> Result<Vec<Change>, ReloadError> {
        config.complete();
        let mut current = self.config.lock().unwrap_or_else(PoisonError::into_inner);
        let changes = changes(&current, &config);
        if let Some(change) = changes.iter().find(|change| !change.reloadable) {
            return Err(ReloadError::NeedsRestart(change.clone()));
        }
        let tls = TlsServers::load(&config).map_err(|(block, error)| ReloadError::Tls { block, error })?;
        let tls = Arc::new(tls);
        let worker = Arc::new(worker_config(&config, &self.identity, &self.addresses));
        self.network().reconfigure(&worker, &tls);
        self.monitoring.set_config(&config, worker.client.info.clone(), tls);
        *current = config;
        Ok(changes)
    }

    /// Leaves without haste (nats: lame duck mode): the listeners close, clients are told, and are closed one by one over
    /// `lame_duck_duration`. Returns at once; [`Handle::wait`] returns when the last has gone.
    pub fn lame_duck(&self) {
        let config = self.config.lock().unwrap_or_else(PoisonError::into_inner);
        self.network().start_lame_duck(config.lame_duck_grace_period, config.lame_duck_duration);
    }

    fn network(&self) -> MutexGuard<'_, Network> {
        self.network.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes all listeners and connections: clients on WebSocket are told (1001). Returns at once.
    pub fn shutdown(&self) {
        self.network().shut_down();
    }

    /// Waits until the server has stopped. Other threads can go on using the handle.
    pub fn wait(&self) {
        let threads = self.network().take_threads();
        for thread in threads {
            // A thread that panicked has said so itself.
            let _ = thread.join();
        }
    }
}

/// What names a server, made anew at each start.
struct Identity {
    server_id: String,
    seed: u64,
}

impl Identity {
    fn new() -> Result<Identity, StartError> {
        let mut seed = [0; 8];
        getrandom::fill(&mut seed).map_err(|_| StartError::Random)?;
        Ok(Identity { server_id: nkeys::KeyPair::new_server().public_key(), seed: u64::from_le_bytes(seed) })
    }
}

fn listener_name(kind: Listener) -> &'static str {
    match kind {
        Listener::Nats => "client",
        Listener::WebSocket => "websocket",
        Listener::Monitor => "http",
        Listener::Shared => "http and websocket",
    }
}

fn worker_count(config: &Config) -> usize {
    config.workers.unwrap_or_else(process::cores).clamp(1, WORKERS_MAX)
}

fn worker_config(config: &Config, identity: &Identity, addresses: &Addresses) -> WorkerConfig {
    let mut client = client_config(config, identity, &config.host, &addresses.nats, config.ping_interval);
    if let Some(advertised) = config.client_advertise.as_deref().and_then(Advertised::parse) {
        client.info.host = advertised.host.map_or(client.info.host, str::to_owned);
        client.info.port = advertised.port.unwrap_or(client.info.port);
    }
    let tls = config.tls.as_ref().map(|tls| policy(tls, config.allow_non_tls));
    client.info.tls_available = tls.is_some() || config.tls_in_front;
    client.info.tls_required = tls.is_some_and(|tls| !tls.is_optional);
    client.info.tls_verify = config.tls.as_ref().is_some_and(|tls| tls.verify);
    (client.auth, client.auth_timeout) = config.nats_rules();
    // As nats-server: clients over TCP are not asked for credentials where they may do without; those on WebSocket are.
    client.info.auth_required = client.auth.is_required() && !client.auth.has_no_auth_user();
    let ws = config.websocket.as_ref();
    let ws_ping = ws.and_then(|ws| ws.ping_interval).unwrap_or(config.ping_interval);
    let ws_host = ws.map_or("", |ws| &ws.host);
    let mut ws_client = client_config(config, identity, ws_host, &addresses.websocket, ws_ping);
    let ws_tls = ws.and_then(|ws| ws.tls.as_ref());
    ws_client.info.tls_available = ws_tls.is_some();
    ws_client.info.tls_required = ws_tls.is_some();
    ws_client.info.tls_verify = ws_tls.is_some_and(|tls| tls.verify);
    (ws_client.auth, ws_client.auth_timeout) = config.websocket_rules();
    ws_client.info.auth_required = ws_client.auth.is_required();
    ws_client.connection = ConnectionType::WebSocket;
    WorkerConfig {
        client: Arc::new(client),
        websocket: WebSocketConfig {
            client: Arc::new(ws_client),
            cookies: ws.map_or_else(CookieNames::default, |ws| ws.cookies.clone()),
            handshake_timeout: ws.map_or(Duration::from_secs(10), |ws| ws.handshake_timeout),
            headers: ws.map_or_else(Vec::new, |ws| ws.headers.clone()),
            slow_consumer: ws.and_then(|ws| ws.slow_consumer).unwrap_or(config.slow_consumer),
            compression: ws.and_then(|ws| ws.compression),
            origins: ws.map_or_else(OriginPolicy::default, origin_policy),
            reach: ws.map_or(Reach::Everywhere, |ws| ws.reach),
            no_masking: ws.is_some_and(|ws| ws.no_masking),
            frame_ping_interval: ws.and_then(|ws| ws.ws_ping_interval),
            tls: ws_tls.map(|tls| policy(tls, false)),
            peers: ws.map_or_else(PeerPolicy::default, |ws| ws.peers.policy(&config.peers)),
        },
        tls,
        monitor_tls: config
            .tls
            .as_ref()
            .filter(|_| config.http.as_ref().is_some_and(|http| http.is_tls))
            .map(|tls| policy(tls, false)),
        peers: config.peers.policy(&config.peers),
        pending_max: config.max_pending,
        write_deadline: config.write_deadline,
        slow_consumer: config.slow_consumer,
        connections_max: config.max_connections,
        closed_max: config.max_closed_clients / worker_count(config),
        doors: doors(config, addresses),
    }
}

fn origin_policy(websocket: &config::WebSocketConfig) -> OriginPolicy {
    OriginPolicy {
        same: websocket.same_origin,
        allowed: websocket.allowed_origins.clone(),
        required: websocket.require_origin,
    }
}

fn client_config(
    config: &Config,
    identity: &Identity,
    host: &str,
    addrs: &[SocketAddr],
    ping_interval: Duration,
) -> ClientConfig {
    let info = Info {
        server_id: identity.server_id.clone(),
        server_name: config.server_name.clone().unwrap_or_else(|| identity.server_id.clone()),
        version: NATS_VERSION.into(),
        proto: 1,
        git_commit: String::new(),
        // Some clients and tools expect the field: it names the compiler.
        go: concat!("rust/dunlin ", env!("CARGO_PKG_VERSION")).into(),
        host: host.to_owned(),
        port: addrs.first().map_or(0, SocketAddr::port),
        headers: !config.no_header_support,
        max_payload: config.announced_payload_max(),
        api_lvl: API_LEVEL,
        ..Info::default()
    };
    ClientConfig {
        limits: Limits { control_line_max: config.max_control_line, payload_max: config.payload_max() },
        subscriptions_max: config.max_subscriptions,
        subscription_tokens_max: config.max_sub_tokens.map(usize::from),
        ping_interval,
        pings_out_max: config.ping_max,
        auth: Rules::open(),
        auth_timeout: Duration::ZERO,
        connection: ConnectionType::Standard,
        info,
    }
}
