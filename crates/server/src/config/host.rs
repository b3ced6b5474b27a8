//! The hosts of listeners.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The loopback addresses of both families.
pub(crate) const LOOPBACK: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

/// What a host says before any name server is asked.
#[derive(Debug)]
pub(crate) enum Host<'a> {
    /// Every address of the machine, IPv4 and IPv6: `0.0.0.0`, `::` and no host at all are the same, as with nats-server.
    Any,
    /// An address, and no other.
    Address(IpAddr),
    /// `localhost`: [`LOOPBACK`], whatever a file or a name server says (RFC 6761 §6.3).
    Loopback,
    /// A name.
    Name(&'a str),
}

impl Host<'_> {
    pub(crate) fn of(text: &str) -> Host<'_> {
        let text = without_brackets(text);
        match text.parse().map(|ip: IpAddr| ip.to_canonical()) {
            Ok(ip) if ip.is_unspecified() => Host::Any,
            Ok(ip) => Host::Address(ip),
            Err(_) if text.is_empty() => Host::Any,
            Err(_) if text.trim_end_matches('.').eq_ignore_ascii_case("localhost") => Host::Loopback,
            Err(_) => Host::Name(text),
        }
    }

    /// Whether a port of the one is a port of the other. Of names this cannot be said: their listeners find out.
    pub(crate) fn overlaps(&self, other: &Host<'_>) -> bool {
        let is_any = matches!(self, Host::Any) || matches!(other, Host::Any);
        is_any || self.stands_for(other) || other.stands_for(self)
    }

    /// Whether a listener here does for one there: it is the same host, or `localhost` for one of its addresses.
    pub(crate) fn stands_for(&self, other: &Host<'_>) -> bool {
        match (self, other) {
            (Host::Any, Host::Any) | (Host::Loopback, Host::Loopback) => true,
            (Host::Address(one), Host::Address(other)) => one == other,
            (Host::Loopback, Host::Address(ip)) => LOOPBACK.contains(ip),
            (Host::Name(one), Host::Name(other)) => one.eq_ignore_ascii_case(other),
            _ => false,
        }
    }
}

/// An IPv6 address may stand in `[ ]` as it does in front of a port.
pub(super) fn without_brackets(text: &str) -> &str {
    text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::Host;

    #[test]
    fn hosts() {
        for (one, other, overlaps, stands_for) in [
            ("", "0.0.0.0", true, true),
            ("::", "0.0.0.0", true, true),
            ("[::]", "0:0:0:0:0:0:0:0", true, true),
            ("::ffff:0.0.0.0", "", true, true),
            ("0.0.0.0", "10.0.0.1", true, false),
            ("10.0.0.1", "::", true, false),
            ("name", "", true, false),
            ("10.0.0.1", "::ffff:10.0.0.1", true, true),
            ("10.0.0.1", "10.0.0.2", false, false),
            ("[::1]", "::1", true, true),
            ("::1", "127.0.0.1", false, false),
            ("localhost", "LOCALHOST.", true, true),
            ("localhost", "::1", true, true),
            ("127.0.0.1", "localhost", true, false),
            ("localhost", "127.0.0.2", false, false),
            ("name.example", "Name.Example", true, true),
            ("name.example", "10.0.0.1", false, false),
        ] {
            let (host, with) = (Host::of(one), Host::of(other));
            assert_eq!(host.overlaps(&with), overlaps, "{one} {other}");
            assert_eq!(with.overlaps(&host), overlaps, "{other} {one}");
            assert_eq!(host.stands_for(&with), stands_for, "{one} {other}");
        }
    }
}
