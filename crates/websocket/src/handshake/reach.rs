//! Servers that are there for the programs and pages of their own machine.
//!
//! WebSockets know no CORS: a browser connects any page to any server, also to one that listens on a loopback address, and
//! says only where the page comes from (RFC 6455 §10.2). A page whose own name has been made to resolve to that address
//! (DNS rebinding) is of the same origin as the server; what tells then is the name that the request goes to.

use core::net::{Ipv4Addr, Ipv6Addr};

use super::origin::{Origin, OriginRefusal, parsed_origin};

/// From where clients come.
///
/// ```
/// use dunlin_websocket::handshake::{OriginRefusal, Reach};
///
/// let check = |origin: &str, host: &str| {
///     let headers = [("Origin", origin.as_bytes())];
///     Reach::ThisMachine.check(&headers.iter().copied(), host)
/// };
/// assert_eq!(check("http://localhost:3000", "127.0.0.1:8080"), Ok(()));
/// assert_eq!(check("https://evil.example", "127.0.0.1:8080"), Err(OriginRefusal::NotLoopback));
/// assert_eq!(check("http://localhost:3000", "evil.example"), Err(OriginRefusal::HostNotLoopback));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Reach {
    /// From anywhere.
    #[default]
    Everywhere,
    /// From this machine: where a request names an origin, that one is loopback, and so is the `Host` that it goes to.
    ThisMachine,
}

impl Reach {
    /// Checks a request for WebSocket that went to `host[:port]`.
    ///
    /// # Errors
    ///
    /// [`OriginRefusal::HostNotLoopback`], then the first that holds of [`OriginRefusal::Repeated`],
    /// [`OriginRefusal::Malformed`] (`null` too) and [`OriginRefusal::NotLoopback`].
    pub fn check<'a, H>(self, headers: &H, host: &str) -> Result<(), OriginRefusal>
    where
        H: Iterator<Item = (&'a str, &'a [u8])> + Clone,
    {
        self.check_host(host)?;
        match self {
            Reach::Everywhere => Ok(()),
            Reach::ThisMachine => match parsed_origin(headers)? {
                Some(origin) if !origin.is_loopback() => Err(OriginRefusal::NotLoopback),
                _ => Ok(()),
            },
        }
    }

    /// Checks a request that is not for WebSocket.
    ///
    /// # Errors
    ///
    /// [`OriginRefusal::HostNotLoopback`].
    pub fn check_host(self, host: &str) -> Result<(), OriginRefusal> {
        let is_loopback = || Origin::from_authority(false, host).is_ok_and(|origin| origin.is_loopback());
        match self {
            Reach::ThisMachine if !is_loopback() => Err(OriginRefusal::HostNotLoopback),
            _ => Ok(()),
        }
    }
}

impl Origin {
    /// Whether the page comes from this machine, whatever its port: from `localhost` or a name below it (RFC 6761 §6.3), from
    /// 127.0.0.0/8, or from `[::1]`.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let name = self.host.strip_suffix('.').unwrap_or(&self.host);
        name == "localhost"
            || name.ends_with(".localhost")
            || self.host.parse().is_ok_and(|ip: Ipv4Addr| ip.is_loopback())
            || self.host.parse().is_ok_and(|ip: Ipv6Addr| ip.to_canonical().is_loopback())
    }
}
