//! Interim.
#![allow(missing_docs)]
use std::time::Duration;
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListenPort { Fixed(u16), Random }
#[derive(Clone, Debug)]
pub struct WsConfig { pub host: String, pub port: ListenPort, pub handshake_timeout: Duration, pub headers: Vec<(String, String)>, pub ping_interval: Option<Duration> }
#[derive(Clone, Debug)]
pub struct HttpConfig { pub host: String, pub port: ListenPort }
#[derive(Clone, Debug)]
pub struct Config { pub server_name: Option<String>, pub host: String, pub port: ListenPort, pub websocket: Option<WsConfig>, pub http: Option<HttpConfig>, pub max_control_line: usize, pub max_payload: usize, pub max_pending: usize, pub max_connections: usize, pub max_subscriptions: usize, pub max_sub_tokens: Option<u8>, pub ping_interval: Duration, pub ping_max: u32, pub write_deadline: Duration, pub no_header_support: bool, pub workers: Option<usize> }
impl Default for Config { fn default() -> Config { Config { server_name: None, host: "0.0.0.0".into(), port: ListenPort::Fixed(4222), websocket: None, http: None, max_control_line: 4096, max_payload: 1<<20, max_pending: 64<<20, max_connections: 65536, max_subscriptions: 0, max_sub_tokens: None, ping_interval: Duration::from_secs(120), ping_max: 2, write_deadline: Duration::from_secs(10), no_header_support: false, workers: None } } }
