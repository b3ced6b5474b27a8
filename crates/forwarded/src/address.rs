//! The address of a hop.

use core::net::{IpAddr, Ipv6Addr, SocketAddr};

/// An address in a header, and the port where one is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Address {
    /// An IPv4 address that was written as IPv6 (`::ffff:192.0.2.1`) is IPv4 here.
    pub(crate) ip: IpAddr,
    pub(crate) port: Option<u16>,
}

impl Address {
    fn new(ip: IpAddr, port: Option<u16>) -> Address {
        Address { ip: ip.to_canonical(), port }
    }

    /// `192.0.2.1`, `192.0.2.1:80`, `[2001:db8::1]` and `[2001:db8::1]:80`: what both headers allow.
    pub(crate) fn parse(text: &str) -> Option<Address> {
        let bracketed = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
        if let Some(ip) = bracketed.and_then(|text| text.parse::<Ipv6Addr>().ok()) {
            return Some(Address::new(ip.into(), None));
        }
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Some(Address::new(address.ip(), Some(address.port())));
        }
        text.parse().ok().filter(IpAddr::is_ipv4).map(|ip| Address::new(ip, None))
    }
}
