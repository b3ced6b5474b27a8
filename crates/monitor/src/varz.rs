//! `/varz`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::format::{Number, Time, format_uptime, seconds_between};

/// The server at one moment. Durations are in nanoseconds unless the field says otherwise. The fields stand in the order of
/// nats-server 2.15.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the fields are those of nats-server's documentation, by name")]
pub struct Varz {
    pub server_id: String,
    pub server_name: String,
    pub version: String,
    pub proto: u32,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub git_commit: String,
    pub go: String,
    pub host: String,
    pub port: u16,
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub auth_required: bool,
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub tls_required: bool,
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub tls_verify: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub ip: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub connect_urls: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ws_connect_urls: Vec<String>,
    pub max_connections: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub max_subscriptions: u64,
    pub ping_interval: u64,
    pub ping_max: u32,
    pub http_host: String,
    pub http_port: u16,
    pub http_base_path: String,
    pub https_port: u16,
    /// Seconds.
    pub auth_timeout: Number,
    pub max_control_line: u64,
    /// -1: no limit.
    pub max_payload: i64,
    pub max_pending: u64,
    pub cluster: Section,
    pub gateway: Section,
    pub leaf: Section,
    pub mqtt: Section,
    pub websocket: WebSocketVarz,
    pub jetstream: Section,
    /// Seconds.
    pub tls_timeout: Number,
    pub write_deadline: u64,
    pub start: Time,
    /// Set when the answer is made.
    pub now: Time,
    /// Set when the answer is made.
    pub uptime: String,
    /// Bytes of memory in use.
    pub mem: u64,
    pub cores: usize,
    /// The workers, which is the nearest that there is to it.
    pub gomaxprocs: usize,
    /// Percent of one core.
    pub cpu: Number,
    pub connections: u64,
    pub total_connections: u64,
    pub routes: u64,
    pub remotes: u64,
    pub leafnodes: u64,
    pub in_msgs: u64,
    pub in_bytes: u64,
    pub in_client_msgs: u64,
    pub in_client_bytes: u64,
    pub out_msgs: u64,
    pub out_bytes: u64,
    pub out_client_msgs: u64,
    pub out_client_bytes: u64,
    pub slow_consumers: u64,
    /// dunlin's own: messages that clients lost because they did not take them.
    #[serde(skip_serializing_if = "is_zero")]
    pub dropped_msgs: u64,
    pub stale_connections: u64,
    pub stalled_clients: u64,
    pub subscriptions: u64,
    /// How often each path was asked for.
    pub http_req_stats: BTreeMap<&'static str, u64>,
    pub config_load_time: Time,
    /// `sha256:…`; empty without a configuration file.
    pub config_digest: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub system_account: String,
    pub slow_consumer_stats: ByKind,
    pub stale_connection_stats: ByKind,
    pub disk_io_wait_stats: DiskIoWait,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_cert_not_after: Option<Time>,
    /// dunlin's own, and there once there is something to show.
    #[serde(skip_serializing_if = "Limits::is_empty")]
    pub limits: Limits,
}

impl Varz {
    /// The same at the time of an answer.
    pub(crate) fn at(&self, now: Time) -> Self {
        Self { now, uptime: format_uptime(seconds_between(self.start, now)), ..self.clone() }
    }
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A part of the server that is off: `{}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Section {}

/// The WebSocket listener; `{}` when it is off. After `compression` come fields that nats-server does not have.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the fields are those of nats-server's documentation, by name")]
pub struct WebSocketVarz {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub host: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub advertise: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub no_auth_user: String,
    /// Nanoseconds.
    #[serde(skip_serializing_if = "is_zero")]
    pub handshake_timeout: u64,
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_timeout: Option<Number>,
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub no_tls: bool,
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub tls_map: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tls_pinned_certs: Vec<String>,
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub same_origin: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_origins: Vec<String>,
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub compression: bool,
    /// The origin is not only checked where it is there: it must be.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub require_origin: bool,
    /// `false` where clients may not leave out their masks; nothing where they may.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_masking: Option<bool>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user_cookie: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub pass_cookie: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub token_cookie: String,
    /// The headers that every 101 response carries.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// It has its port together with monitoring.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub shared_port: bool,
    /// Nanoseconds, where it is another than the server's.
    #[serde(skip_serializing_if = "is_zero")]
    pub ping_interval: u64,
    /// Nanoseconds between pings of WebSocket itself, where there are any.
    #[serde(skip_serializing_if = "is_zero")]
    pub ws_ping_interval: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_cert_not_after: Option<Time>,
}

/// A count for each kind of connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are those of nats-server's documentation, by name")]
pub struct ByKind {
    pub clients: u64,
    pub routes: u64,
    pub gateways: u64,
    pub leafs: u64,
}

/// How often limits for peers were met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Connections refused because their address had as many as it may have.
    pub address_refusals: u64,
    /// Connections and requests refused because they came too fast from one address.
    pub handshake_refusals: u64,
    /// How often a publisher that was too fast was held back.
    pub publish_holds: u64,
    /// Publishers closed because they were too fast.
    pub publish_closures: u64,
    /// Connections closed because no good PROXY protocol header came.
    pub proxy_header_errors: u64,
}

impl Limits {
    fn is_empty(&self) -> bool {
        *self == Limits::default()
    }
}

/// How long work waited for the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are those of nats-server's documentation, by name")]
pub struct DiskIoWait {
    pub waiters: u64,
    pub waits: u64,
    pub wait_time: u64,
    pub max_wait_time: u64,
}
