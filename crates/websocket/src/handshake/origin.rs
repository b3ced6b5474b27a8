//! The origins of web pages (RFC 6454), and which of them a server lets in (RFC 6455 §4.2.2, §10.2).

use alloc::borrow::ToOwned as _;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;
use core::net::Ipv6Addr;

use super::token::values;

/// An origin: scheme, host and port of a page (RFC 6454 §4).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    /// `https`, not `http`.
    pub is_https: bool,
    /// The host in lower case, an IPv6 address without its brackets.
    pub host: String,
    /// The port; that of the scheme where none is written.
    pub port: u16,
}

/// Why a text is no origin, or no pattern for origins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OriginError {
    /// It does not start with `http://` or `https://`.
    Scheme,
    /// It names no host.
    HostMissing,
    /// The host is neither a name nor an address.
    Host,
    /// The host is not ASCII. Browsers send the form that starts with `xn--`.
    HostNotAscii,
    /// The port is not a number from 1 to 65535.
    Port,
    /// A `*` stands somewhere else than for all sub-domains of a name.
    Wildcard,
}

impl fmt::Display for OriginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "allowed origins must be absolute URLs with http or https scheme",
            Self::HostMissing => "host is required",
            Self::Host => "the host is neither a name nor an IP address",
            Self::HostNotAscii => "the host must be written as browsers send it, in ASCII (xn--…)",
            Self::Port => "the port is not a number from 1 to 65535",
            Self::Wildcard => "a * can only stand for sub-domains, as in https://*.example.com",
        })
    }
}

impl core::error::Error for OriginError {}

impl Origin {
    /// Reads `scheme://host[:port]`. A path behind it is not looked at.
    ///
    /// # Errors
    ///
    /// See [`OriginError`].
    pub fn parse(text: &str) -> Result<Origin, OriginError> {
        let (scheme, rest) = text.split_once("://").ok_or(OriginError::Scheme)?;
        let is_https = match scheme {
            _ if scheme.eq_ignore_ascii_case("https") => true,
            _ if scheme.eq_ignore_ascii_case("http") => false,
            _ => return Err(OriginError::Scheme),
        };
        Origin::from_authority(is_https, rest.split(['/', '?', '#']).next().unwrap_or_default())
    }

    /// The origin of a page that was fetched over this scheme from `host[:port]`, as `Host` has it (RFC 9110 §7.2).
    ///
    /// # Errors
    ///
    /// See [`OriginError`].
    pub fn from_authority(is_https: bool, authority: &str) -> Result<Origin, OriginError> {
        let (host, port) = match authority.strip_prefix('[') {
            Some(inside) => {
                let (host, port) = inside.split_once(']').ok_or(OriginError::Host)?;
                let address: Ipv6Addr = host.parse().map_err(|_| OriginError::Host)?;
                (address.to_string(), port)
            }
            None => {
                let (host, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
                check_name(host)?;
                (host.to_ascii_lowercase(), port)
            }
        };
        let port = match port.strip_prefix(':') {
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().ok().filter(|port| *port > 0).ok_or(OriginError::Port)?
            }
            None if port.is_empty() => scheme_port(is_https),
            _ => return Err(OriginError::Port),
        };
        Ok(Origin { is_https, host, port })
    }
}

/// A name or an IPv4 address. The underscore is in no host name, and in many a name of a test machine.
fn check_name(host: &str) -> Result<(), OriginError> {
    if host.is_empty() {
        return Err(OriginError::HostMissing);
    }
    if !host.is_ascii() {
        return Err(OriginError::HostNotAscii);
    }
    let fits = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    if fits && !host.starts_with('.') { Ok(()) } else { Err(OriginError::Host) }
}

fn scheme_port(is_https: bool) -> u16 {
    if is_https { 443 } else { 80 }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_origin(self, "", f)
    }
}

fn write_origin(origin: &Origin, prefix: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let scheme = if origin.is_https { "https" } else { "http" };
    let (open, close) = if origin.host.contains(':') { ("[", "]") } else { ("", "") };
    write!(f, "{scheme}://{prefix}{open}{}{close}", origin.host)?;
    if origin.port == scheme_port(origin.is_https) { Ok(()) } else { write!(f, ":{}", origin.port) }
}

/// One origin, or with `https://*.example.com` those of all sub-domains of a name: at any depth, without the name itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OriginPattern {
    /// With a wildcard, its host is what follows `*.`.
    origin: Origin,
    is_wildcard: bool,
}

impl OriginPattern {
    /// Reads `scheme://host[:port]`, or `scheme://*.host[:port]`. A path behind it is not looked at.
    ///
    /// # Errors
    ///
    /// See [`OriginError`].
    pub fn parse(text: &str) -> Result<OriginPattern, OriginError> {
        let Some((before, after)) = text.split_once('*') else {
            return Ok(OriginPattern { origin: Origin::parse(text)?, is_wildcard: false });
        };
        let after =
            after.strip_prefix('.').filter(|rest| !rest.contains('*')).ok_or(OriginError::Wildcard)?;
        let origin = Origin::parse(&(before.to_owned() + after)).map_err(|error| match error {
            OriginError::HostMissing => OriginError::Wildcard,
            error => error,
        })?;
        // The star begins the host, and an address has no sub-domains.
        let is_number =
            origin.host.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
        if !before.ends_with("://") || is_number || origin.host.contains(':') {
            return Err(OriginError::Wildcard);
        }
        Ok(OriginPattern { origin, is_wildcard: true })
    }

    /// Whether this origin is meant.
    #[must_use]
    pub fn matches(&self, origin: &Origin) -> bool {
        let Origin { is_https, host, port } = &self.origin;
        let same_host = if self.is_wildcard {
            let sub = origin.host.strip_suffix(host.as_str()).and_then(|sub| sub.strip_suffix('.'));
            sub.is_some_and(|sub| !sub.is_empty())
        } else {
            origin.host == *host
        };
        same_host && origin.is_https == *is_https && origin.port == *port
    }
}

impl fmt::Display for OriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_origin(&self.origin, if self.is_wildcard { "*." } else { "" }, f)
    }
}

/// Which pages may open a connection. The default is all of them, and peers that are no browser.
///
/// ```
/// use dunlin_websocket::handshake::{OriginPattern, OriginPolicy, OriginRefusal};
///
/// let policy = OriginPolicy {
///     allowed: vec![OriginPattern::parse("https://*.example.com").unwrap()],
///     ..OriginPolicy::default()
/// };
/// let check = |origin: &str| {
///     let headers = [("Origin", origin.as_bytes())];
///     policy.check(&headers.iter().copied(), "nats.example.com", true)
/// };
/// assert_eq!(check("https://app.example.com"), Ok(()));
/// assert_eq!(check("https://evil.example"), Err(OriginRefusal::NotAllowed));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OriginPolicy {
    /// A page must come from the host, port and scheme that its request goes to.
    pub same: bool,
    /// A page must come from one of these; empty allows all.
    pub allowed: Vec<OriginPattern>,
    /// A request must name its origin. Without this, one that names none is let in: it does not come from a page
    /// (RFC 6455 §1.6).
    pub required: bool,
}

/// Why a request is refused for its origin, with status 403 (RFC 6455 §4.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OriginRefusal {
    /// It names no origin.
    Missing,
    /// It names several.
    Repeated,
    /// What it names is no origin, or the `null` of a page that must not show its own (RFC 6454 §7.1).
    Malformed,
    /// It is not the origin that the request goes to.
    NotSame,
    /// It is not in the list of allowed origins.
    NotAllowed,
    /// It is not one of this machine.
    NotLoopback,
    /// The request goes to a `Host` that is not this machine.
    HostNotLoopback,
}

impl fmt::Display for OriginRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "origin not allowed: the request names none",
            Self::Repeated => "origin not allowed: the request names several",
            Self::Malformed => "origin not allowed: not an origin",
            Self::NotSame => "origin not allowed: not same origin",
            Self::NotAllowed => "origin not allowed: not in the allowed list",
            Self::NotLoopback => "origin not allowed: not a page of this machine",
            Self::HostNotLoopback => "host not allowed: not a name of this machine",
        })
    }
}

impl core::error::Error for OriginRefusal {}

impl OriginPolicy {
    /// Checks the origin of a request that went to `host[:port]`, over TLS if `is_https`.
    ///
    /// # Errors
    ///
    /// See [`OriginRefusal`].
    pub fn check<'a, H>(&self, headers: &H, host: &str, is_https: bool) -> Result<(), OriginRefusal>
    where
        H: Iterator<Item = (&'a str, &'a [u8])> + Clone,
    {
        if !self.same && self.allowed.is_empty() && !self.required {
            return Ok(());
        }
        let Some(origin) = parsed_origin(headers)? else {
            return if self.required { Err(OriginRefusal::Missing) } else { Ok(()) };
        };
        if self.same && Origin::from_authority(is_https, host).as_ref() != Ok(&origin) {
            return Err(OriginRefusal::NotSame);
        }
        if !self.allowed.is_empty() && !self.allowed.iter().any(|pattern| pattern.matches(&origin)) {
            return Err(OriginRefusal::NotAllowed);
        }
        Ok(())
    }
}

/// The origin that the request names, if it does.
pub(super) fn parsed_origin<'a, H>(headers: &H) -> Result<Option<Origin>, OriginRefusal>
where
    H: Iterator<Item = (&'a str, &'a [u8])> + Clone,
{
    let Some(origin) = named_origin(headers)? else { return Ok(None) };
    let text = core::str::from_utf8(origin).map_err(|_| OriginRefusal::Malformed)?;
    Origin::parse(text).map(Some).map_err(|_| OriginRefusal::Malformed)
}

/// What the request says of its origin. Early browsers said so in `Sec-WebSocket-Origin`; an empty value says nothing.
fn named_origin<'a, H>(headers: &H) -> Result<Option<&'a [u8]>, OriginRefusal>
where
    H: Iterator<Item = (&'a str, &'a [u8])> + Clone,
{
    for name in ["Origin", "Sec-WebSocket-Origin"] {
        let mut named = values(headers, name).filter(|value| !value.is_empty());
        if let Some(origin) = named.next() {
            return if named.next().is_none() { Ok(Some(origin)) } else { Err(OriginRefusal::Repeated) };
        }
    }
    Ok(None)
}
