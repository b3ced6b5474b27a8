//! What a listener believes of its peers, and how much it lets them do.

use core::time::Duration;

use dunlin_forwarded::TrustedProxies;

/// How a listener treats its peers. The default believes proxies on the same machine, and limits nothing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PeerPolicy {
    /// A PROXY protocol header comes before anything else, also before TLS. Where `trusted_proxies` has a list, it comes from the
    /// peers in it, and others come without.
    pub proxy_protocol: bool,
    /// Whose word is believed about where a request or a connection comes from.
    pub trusted_proxies: TrustedProxies,
    /// How much one address, connection or user may do.
    pub limits: PeerLimits,
}

impl PeerPolicy {
    /// Whether a peer has to begin with a PROXY protocol header. Without a list of proxies, that is everybody.
    pub(crate) fn wants_header(&self, ip: core::net::IpAddr) -> bool {
        let is_listed = self.trusted_proxies.networks().is_none() || self.trusted_proxies.trusts(ip);
        self.proxy_protocol && is_listed
    }
}

/// Limits for peers that nobody vouches for. 0 is no limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PeerLimits {
    /// Connections of one address to a listener at a time. An IPv6 address stands for its /64.
    pub connections_per_address: u32,
    /// Connections and upgrade requests of one address to a listener in a second.
    pub handshakes_per_second: u32,
    /// What one connection may publish.
    pub publish: PublishLimits,
    /// What all connections of one user may publish together. Clients without a user are one user.
    pub user_publish: PublishLimits,
    /// The time whose worth of a rate may come at once.
    pub burst: Duration,
    /// What happens to a publisher that is too fast.
    pub over_rate: OverRate,
}

impl Default for PeerLimits {
    fn default() -> PeerLimits {
        PeerLimits {
            connections_per_address: 0,
            handshakes_per_second: 0,
            publish: PublishLimits::default(),
            user_publish: PublishLimits::default(),
            burst: Duration::from_secs(1),
            over_rate: OverRate::Slow,
        }
    }
}

/// A rate of publishing. 0 is no limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PublishLimits {
    /// Messages in a second.
    pub messages_per_second: u64,
    /// Bytes of payloads and headers in a second.
    pub bytes_per_second: u64,
}

impl PublishLimits {
    pub(crate) fn is_off(&self) -> bool {
        *self == PublishLimits::default()
    }
}

/// What happens to a publisher that is too fast.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum OverRate {
    /// It is not read for a while: nothing is lost, and its own socket tells it to slow down.
    #[default]
    Slow,
    /// It is told (`-ERR 'maximum publish rate exceeded'`) and closed.
    Close,
}
