//! What a listener believes of its peers, and how much it lets them do: `proxy_protocol`, `trusted_proxies` and `limits`, at the
//! top level and inside `websocket`.

use std::time::Duration;

use dunlin_conf::Entry;
use dunlin_forwarded::{Network, TrustedProxies};
use dunlin_worker::{OverRate, PeerLimits, PeerPolicy, PublishLimits};

use super::Report;

/// The settings of one level. What `websocket` does not set, it has from the top level.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerConfig {
    /// `proxy_protocol`: connections begin with a PROXY protocol header. Each listener has its own.
    pub proxy_protocol: bool,
    /// `trusted_proxies`: exactly these are believed. Without it, proxies on the same machine are.
    pub trusted_proxies: Option<Vec<Network>>,
    /// `limits`.
    pub limits: LimitsConfig,
}

/// The `limits` block. 0 is no limit, and takes away that of the top level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimitsConfig {
    /// `connections_per_address`, at a time. An IPv6 address stands for its /64.
    pub connections_per_address: Option<u32>,
    /// `handshakes_per_second` of one address.
    pub handshakes_per_second: Option<u32>,
    /// `publish_messages_per_second` of one connection.
    pub publish_messages_per_second: Option<u64>,
    /// `publish_bytes_per_second` of one connection: payloads and headers.
    pub publish_bytes_per_second: Option<u64>,
    /// `user_publish_messages_per_second`, of all connections of a user together.
    pub user_publish_messages_per_second: Option<u64>,
    /// `user_publish_bytes_per_second`, likewise.
    pub user_publish_bytes_per_second: Option<u64>,
    /// `burst`: the time whose worth of a rate may come at once, 1 s by default.
    pub burst: Option<Duration>,
    /// `over_rate`: what happens to a publisher that is too fast: `slow`, the default, or `close`.
    pub over_rate: Option<OverRate>,
}

impl PeerConfig {
    /// Reads a key; says whether it is one of these.
    pub(super) fn read(&mut self, key: &str, entry: &Entry, report: &mut Report) -> bool {
        match key {
            "proxy_protocol" => report.set(&mut self.proxy_protocol, entry.boolean()),
            "trusted_proxies" => self.trusted_proxies = networks(entry, report),
            "limits" => self.limits = LimitsConfig::read(entry, report),
            _ => return false,
        }
        true
    }

    /// What holds, with `base` for what is not set here.
    pub(crate) fn policy(&self, base: &PeerConfig) -> PeerPolicy {
        let networks = self.trusted_proxies.as_ref().or(base.trusted_proxies.as_ref());
        PeerPolicy {
            proxy_protocol: self.proxy_protocol,
            trusted_proxies: networks
                .map_or_else(TrustedProxies::default, |networks| TrustedProxies::new(networks.clone())),
            limits: self.limits.over(&base.limits),
        }
    }
}

fn networks(entry: &Entry, report: &mut Report) -> Option<Vec<Network>> {
    let mut networks = Vec::new();
    for text in report.value(entry.strings())? {
        match text.parse() {
            Ok(network) => networks.push(network),
            Err(error) => {
                report.error_at(&entry.node.place, format_args!("{}: {text:?}: {error}", entry.key));
            }
        }
    }
    Some(networks)
}

impl LimitsConfig {
    fn read(entry: &Entry, report: &mut Report) -> LimitsConfig {
        let mut limits = LimitsConfig::default();
        let Some(block) = report.value(entry.map()) else { return limits };
        for entry in block {
            let count = |report: &mut Report| {
                report.number(entry, 0, i64::from(u32::MAX)).and_then(|number| u32::try_from(number).ok())
            };
            let rate = |report: &mut Report| {
                report.number(entry, 0, i64::MAX).and_then(|number| u64::try_from(number).ok())
            };
            match entry.key.to_ascii_lowercase().as_str() {
                "connections_per_address" => limits.connections_per_address = count(report),
                "handshakes_per_second" => limits.handshakes_per_second = count(report),
                "publish_messages_per_second" => limits.publish_messages_per_second = rate(report),
                "publish_bytes_per_second" => limits.publish_bytes_per_second = rate(report),
                "user_publish_messages_per_second" => limits.user_publish_messages_per_second = rate(report),
                "user_publish_bytes_per_second" => limits.user_publish_bytes_per_second = rate(report),
                "burst" => limits.burst = report.duration(entry),
                "over_rate" => limits.over_rate = over_rate(entry, report),
                _ => report.unknown(entry, "limits"),
            }
        }
        limits
    }

    fn over(&self, base: &LimitsConfig) -> PeerLimits {
        let default = PeerLimits::default();
        PeerLimits {
            connections_per_address: self
                .connections_per_address
                .or(base.connections_per_address)
                .unwrap_or(default.connections_per_address),
            handshakes_per_second: self
                .handshakes_per_second
                .or(base.handshakes_per_second)
                .unwrap_or(default.handshakes_per_second),
            publish: PublishLimits {
                messages_per_second: self
                    .publish_messages_per_second
                    .or(base.publish_messages_per_second)
                    .unwrap_or(0),
                bytes_per_second: self
                    .publish_bytes_per_second
                    .or(base.publish_bytes_per_second)
                    .unwrap_or(0),
            },
            user_publish: PublishLimits {
                messages_per_second: self
                    .user_publish_messages_per_second
                    .or(base.user_publish_messages_per_second)
                    .unwrap_or(0),
                bytes_per_second: self
                    .user_publish_bytes_per_second
                    .or(base.user_publish_bytes_per_second)
                    .unwrap_or(0),
            },
            burst: self.burst.or(base.burst).unwrap_or(default.burst),
            over_rate: self.over_rate.or(base.over_rate).unwrap_or(default.over_rate),
        }
    }
}

fn over_rate(entry: &Entry, report: &mut Report) -> Option<OverRate> {
    match report.value(entry.string())?.to_ascii_lowercase().as_str() {
        "slow" => Some(OverRate::Slow),
        "close" => Some(OverRate::Close),
        other => {
            report.error_at(&entry.node.place, format_args!("over_rate: {other:?} is not slow or close"));
            None
        }
    }
}
