//! Which addresses are those of proxies whose word is believed.

use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;
use core::str::FromStr;

use ipnet::IpNet;

/// A range of addresses: `10.0.0.0/8`, `2001:db8::/32`, or a single address.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Network(IpNet);

/// Why a text is no range of addresses.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum NetworkError {
    /// What stands before the `/`, or all of it, is no IPv4 or IPv6 address.
    Address,
    /// What stands behind the `/` is no number from 0 to the number of bits of the address.
    PrefixLength,
}

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NetworkError::Address => "expected an IP address or a range such as 10.0.0.0/8",
            NetworkError::PrefixLength => "the number behind the / must be from 0 to 32 (IPv4) or 128 (IPv6)",
        })
    }
}

impl core::error::Error for NetworkError {}

impl FromStr for Network {
    type Err = NetworkError;

    /// Bits behind the prefix are taken as 0: `10.1.2.3/8` is `10.0.0.0/8`.
    fn from_str(text: &str) -> Result<Network, NetworkError> {
        let (address, len) = match text.split_once('/') {
            Some((address, len)) => (address, Some(len)),
            None => (text, None),
        };
        let ip: IpAddr = address.parse().map_err(|_| NetworkError::Address)?;
        let bits = if ip.is_ipv4() { 32 } else { 128 };
        let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok());
        let len = len.map_or(Some(bits), |text| number(text).flatten()).ok_or(NetworkError::PrefixLength)?;
        // Addresses are compared as IPv4 where they are that, however they were written.
        let (ip, len) = match ip.to_canonical() {
            canonical if ip.is_ipv6() && canonical.is_ipv4() && (96..=128).contains(&len) => {
                (canonical, len - 96)
            }
            _ => (ip, len),
        };
        let net = IpNet::new(ip, len).map_err(|_| NetworkError::PrefixLength)?;
        Ok(Network(net.trunc()))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The proxies whose word is believed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TrustedProxies {
    networks: Option<Vec<Network>>,
}

impl TrustedProxies {
    /// Exactly these. Not even a proxy on the same machine is trusted unless it is among them. The default, without a list, is
    /// to trust the loopback addresses.
    pub fn new(networks: Vec<Network>) -> TrustedProxies {
        TrustedProxies { networks: Some(networks) }
    }

    /// Whether the word of this address is believed. IPv4 written as IPv6 is IPv4.
    pub fn trusts(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        match &self.networks {
            Some(networks) => networks.iter().any(|network| network.0.contains(&ip)),
            None => ip.is_loopback(),
        }
    }

    /// The list; `None` for the default.
    pub fn networks(&self) -> Option<&[Network]> {
        self.networks.as_deref()
    }
}
