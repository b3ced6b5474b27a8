//! What a server is told: typed, plain data. [`Config::default`] is what `nats-server` does without a configuration.
//!
//! [`load`] reads a configuration file into it. Each block of the file has a module of its own here.
//!
//! Keys that nobody knows are mistakes. Of those that nats-server knows and dunlin does not serve yet ([`unserved`]), most are
//! accepted with a warning. Refused are those that close a server off (`permissions`, `accounts` with users, `operator`
//! and their like, also inside `websocket`, and on the command line): a server that ignored them would be open where
//! its operator believes it closed.

mod advertise;
mod authorization;
mod compression;
mod file;
mod host;
mod labels;
mod listen;
mod peers;
mod reload;
mod report;
mod slow_consumer;
mod tls;
mod top;
mod unserved;
mod validate;
mod websocket;
mod written;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use dunlin_websocket::handshake::{OriginPattern, Reach};

pub(crate) use advertise::Advertised;
pub use authorization::AuthorizationConfig;
pub use dunlin_worker::{CompressionConfig, CookieNames, SlowConsumer};
pub use file::{Loaded, load};
pub(crate) use host::{Host, LOOPBACK};
pub use peers::{LimitsConfig, PeerConfig};
pub use reload::{Change, changes};
pub use report::{Report, Warning};
pub use tls::{CertificateFiles, HandshakeFirst, TlsConfig, TlsVersion};
pub use unserved::{Unserved, unserved};

/// The port of a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListenPort {
    /// This one.
    Fixed(u16),
    /// Any free one (`-1` in files and on the command line).
    Random,
    /// None: there is a Unix socket instead.
    Closed,
}

/// The settings of a server.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// `server_name`: without blanks. Without one, the server's ID is its name.
    pub server_name: Option<String>,
    /// `server_tags`, in lower case.
    pub tags: Vec<String>,
    /// `server_metadata`.
    pub metadata: BTreeMap<String, String>,
    /// `host`: where NATS clients connect. `0.0.0.0`, `::` and an empty one are all addresses of the machine, IPv4 and IPv6.
    pub host: String,
    /// `port` for NATS clients.
    pub port: ListenPort,
    /// `client_advertise`: the `host:port` that INFO gives in the place of the listener's own.
    pub client_advertise: Option<String>,
    /// `tls`: how NATS clients are encrypted, and monitoring with `https`.
    pub tls: Option<TlsConfig>,
    /// `tls {}` with `allow_non_tls`: a proxy in front of the server speaks TLS with NATS clients, and INFO says that there is TLS.
    pub tls_in_front: bool,
    /// `allow_non_tls`: NATS clients may go on without TLS as well.
    pub allow_non_tls: bool,
    /// `http`, `http_port`, `https`, `https_port`: the monitoring listener.
    pub http: Option<HttpConfig>,
    /// `http_base_path` as the file says it. [`Config::complete`] hands it to the listener, which flags may have opened.
    pub http_base_path: String,
    /// `websocket`: the listener of WebSocket clients.
    pub websocket: Option<WebSocketConfig>,
    /// `authorization`: who may connect.
    pub authorization: AuthorizationConfig,
    /// `no_auth_user`: the user that a client without credentials is.
    pub no_auth_user: Option<String>,
    /// `proxy_protocol` of NATS clients, and `trusted_proxies` and `limits` of all.
    pub peers: PeerConfig,
    /// `max_control_line`, in bytes.
    pub max_control_line: usize,
    /// `max_payload`, in bytes; `None` (-1 in a file) where [`Config::payload_max`] is the only limit.
    pub max_payload: Option<usize>,
    /// `max_pending`: the bytes that may wait for one connection.
    pub max_pending: usize,
    /// `max_connections`; 0 refuses all.
    pub max_connections: usize,
    /// `max_subscriptions` of one connection; 0 is no limit.
    pub max_subscriptions: usize,
    /// `max_sub_tokens`: tokens in the subject of a subscription.
    pub max_sub_tokens: Option<u8>,
    /// `max_closed_clients`: how many closed connections `/connz` remembers.
    pub max_closed_clients: usize,
    /// `ping_interval`.
    pub ping_interval: Duration,
    /// `ping_max`: unanswered pings.
    pub ping_max: u32,
    /// `write_deadline`.
    pub write_deadline: Duration,
    /// `slow_consumer` (dunlin's own): what becomes of a client that does not take its messages.
    pub slow_consumer: SlowConsumer,
    /// `lame_duck_duration`: the time over which clients are sent away.
    pub lame_duck_duration: Duration,
    /// `lame_duck_grace_period`: the time before the first of them is.
    pub lame_duck_grace_period: Duration,
    /// `no_header_support`.
    pub no_header_support: bool,
    /// The settings of the log.
    pub log: LogConfig,
    /// `pid_file`.
    pub pid_file: Option<PathBuf>,
    /// `ports_file_dir`.
    pub ports_file_dir: Option<PathBuf>,
    /// `workers` (dunlin's own): threads that serve connections. Without it, one for each core.
    pub workers: Option<usize>,
    /// The file this comes from.
    pub config_file: Option<PathBuf>,
    /// `sha256:…` over what the file says, comments and layout apart; empty without a file.
    pub config_digest: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            server_name: None,
            tags: Vec::new(),
            metadata: BTreeMap::new(),
            host: "0.0.0.0".to_owned(),
            port: ListenPort::Fixed(4222),
            client_advertise: None,
            tls: None,
            tls_in_front: false,
            allow_non_tls: false,
            http: None,
            http_base_path: String::new(),
            websocket: None,
            authorization: AuthorizationConfig::default(),
            no_auth_user: None,
            peers: PeerConfig::default(),
            max_control_line: 4096,
            max_payload: Some(1 << 20),
            max_pending: 64 << 20,
            max_connections: 64 << 10,
            max_subscriptions: 0,
            max_sub_tokens: None,
            max_closed_clients: 10_000,
            ping_interval: Duration::from_secs(120),
            ping_max: 2,
            write_deadline: Duration::from_secs(10),
            slow_consumer: SlowConsumer::Disconnect,
            lame_duck_duration: Duration::from_secs(120),
            lame_duck_grace_period: Duration::from_secs(10),
            no_header_support: false,
            log: LogConfig::default(),
            pid_file: None,
            ports_file_dir: None,
            workers: None,
            config_file: None,
            config_digest: String::new(),
        }
    }
}

impl Config {
    /// What `dunlin` alone starts with: NATS and WebSocket for the clients of this machine, and not for pages of the web.
    pub fn development() -> Self {
        let host = "127.0.0.1".to_owned();
        let websocket = WebSocketConfig {
            host: host.clone(),
            port: ListenPort::Fixed(8080),
            no_tls: true,
            reach: Reach::ThisMachine,
            ..WebSocketConfig::default()
        };
        Self { host, websocket: Some(websocket), ..Self::default() }
    }

    /// The bytes that one message may have. Where `max_payload` is -1, that is what may wait for one connection, up to 2 GiB: what
    /// is longer would be read, and then reach nobody.
    pub fn payload_max(&self) -> usize {
        const MAX: usize = i32::MAX as usize;
        self.max_payload.unwrap_or(self.max_pending.min(MAX))
    }

    /// `max_payload` as INFO and `/varz` say it: -1 is none.
    pub(crate) fn announced_payload_max(&self) -> i64 {
        self.max_payload.map_or(-1, |bytes| i64::try_from(bytes).unwrap_or(i64::MAX))
    }
}

/// The monitoring listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpConfig {
    /// The host to listen on; empty where nobody has written one: that of the clients, or the one whose port it shares.
    pub host: String,
    /// The port.
    pub port: ListenPort,
    /// It is `https`: the top-level `tls` holds.
    pub is_tls: bool,
    /// `http_base_path`: what precedes every path, without a `/` at the end; empty for none.
    pub base_path: String,
}

/// A Unix socket to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnixSocketConfig {
    /// Its path.
    pub path: PathBuf,
    /// `unix_mode`: the permissions of its file. Whoever may write to it may connect.
    pub mode: u32,
}

/// The `websocket` block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebSocketConfig {
    /// The host to listen on; empty where nobody has written one: all addresses, or those of monitoring on the same port.
    pub host: String,
    /// The port.
    pub port: ListenPort,
    /// `unix_socket`, or a `listen` that begins with `unix:`: a path to listen on, for a proxy on the same machine.
    pub unix_socket: Option<UnixSocketConfig>,
    /// `advertise`: the `host[:port]` for lists of servers.
    pub advertise: Option<String>,
    /// `tls`: `wss://` instead of `ws://`.
    pub tls: Option<TlsConfig>,
    /// `no_tls`: the operator has agreed to plain `ws://`.
    pub no_tls: bool,
    /// `same_origin`: a request with an `Origin` must have that of its `Host`.
    pub same_origin: bool,
    /// `allowed_origins`: also `https://*.example.com`, all sub-domains at any depth. Empty allows all.
    pub allowed_origins: Vec<OriginPattern>,
    /// From where pages may come, and by which name. No key says so: it is the demonstration's.
    pub reach: Reach,
    /// `require_origin` (dunlin's own): a request must have an `Origin`.
    pub require_origin: bool,
    /// `handshake_timeout`. nats-server has none by default, and lets silent peers stay for ever; here it is 10 s, and 0 in a
    /// file stands for the default.
    pub handshake_timeout: Duration,
    /// `compression`: how messages are compressed where a client offers permessage-deflate; `None` agrees to no offer.
    pub compression: Option<CompressionConfig>,
    /// `slow_consumer` of WebSocket clients, where it is another than the server's.
    pub slow_consumer: Option<SlowConsumer>,
    /// `authorization`: a user or a token in the place of what holds for all clients. It has no users.
    pub authorization: AuthorizationConfig,
    /// `no_auth_user`, in the place of that of all clients.
    pub no_auth_user: Option<String>,
    /// `user_cookie`, `pass_cookie`, `token_cookie`.
    pub cookies: CookieNames,
    /// `headers`: more headers for the 101 response.
    pub headers: Vec<(String, String)>,
    /// `ping_interval` of WebSocket clients, where it is another than the server's.
    pub ping_interval: Option<Duration>,
    /// `ws_ping_interval` (dunlin's own): how long a client may be silent before it is sent a ping of WebSocket itself, for
    /// proxies that look for those. `None`, and 0 in a file: it is sent none.
    pub ws_ping_interval: Option<Duration>,
    /// `no_masking` (of the guide; nats-server has it always on): a client that asks for it with `Nats-No-Masking: true`
    /// sends its frames without a mask. `false` makes masks mandatory for all, and the header is not echoed.
    pub no_masking: bool,
    /// `proxy_protocol`, `trusted_proxies` and `limits` of its own.
    pub peers: PeerConfig,
}

impl Default for WebSocketConfig {
    fn default() -> Self {
        Self {
            host: String::new(),
            port: ListenPort::Random,
            unix_socket: None,
            advertise: None,
            tls: None,
            no_tls: false,
            same_origin: false,
            allowed_origins: Vec::new(),
            reach: Reach::Everywhere,
            require_origin: false,
            handshake_timeout: Duration::from_secs(10),
            compression: None,
            slow_consumer: None,
            authorization: AuthorizationConfig::default(),
            no_auth_user: None,
            cookies: CookieNames::default(),
            headers: Vec::new(),
            ping_interval: None,
            ws_ping_interval: None,
            no_masking: true,
            peers: PeerConfig::default(),
        }
    }
}

/// The log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// `debug`.
    pub debug: bool,
    /// `trace`: the protocol lines of every client.
    pub trace: bool,
    /// `trace_verbose`: those of the system account too.
    pub trace_verbose: bool,
    /// `logtime`: lines carry date and time.
    pub logtime: bool,
    /// `logtime_utc`: in UTC, not in the machine's time zone.
    pub logtime_utc: bool,
    /// `log_file`; without it, the log goes to standard error.
    pub file: Option<PathBuf>,
    /// `log_size_limit`, in bytes: a longer file is set aside. 0 is no limit.
    pub size_limit: u64,
    /// `log_max_num`: how many files are kept, the current one counted. 0 is no limit.
    pub max_num: usize,
    /// `max_traced_msg_len`: bytes of a payload shown in traces. 0 is no limit.
    pub max_traced_msg_len: usize,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            debug: false,
            trace: false,
            trace_verbose: false,
            logtime: true,
            logtime_utc: false,
            file: None,
            size_limit: 0,
            max_num: 0,
            max_traced_msg_len: 0,
        }
    }
}
