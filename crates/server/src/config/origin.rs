//! Origins of web pages.

use core::fmt;

/// An origin (RFC 6454): scheme, host and port of a page.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    /// `https`, not `http`.
    pub is_https: bool,
    /// The host in lower case, an IPv6 address without its brackets.
    pub host: String,
    /// The port; that of the scheme where none is written.
    pub port: u16,
}

/// Why a text is no origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OriginError {
    /// It does not start with `http://` or `https://`.
    Scheme,
    /// It names no host.
    Host,
    /// The port is not a number from 1 to 65535.
    Port,
}

impl fmt::Display for OriginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "allowed origins must be absolute URLs with http or https scheme",
            Self::Host => "host is required",
            Self::Port => "the port is not a number from 1 to 65535",
        })
    }
}

impl core::error::Error for OriginError {}

impl Origin {
    /// Reads `scheme://host[:port]`; what follows the host is not looked at.
    ///
    /// # Errors
    /// See [`OriginError`].
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        let (scheme, rest) = text.split_once("://").ok_or(OriginError::Scheme)?;
        let is_https = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err(OriginError::Scheme),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (host, port) = match authority.strip_prefix('[') {
            Some(inside) => inside.split_once(']').ok_or(OriginError::Host)?,
            None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
        };
        if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c.is_control() || c == '@') {
            return Err(OriginError::Host);
        }
        let port = match port.strip_prefix(':') {
            Some(digits) => digits.parse().ok().filter(|port| *port > 0).ok_or(OriginError::Port)?,
            None if port.is_empty() => {
                if is_https {
                    443
                } else {
                    80
                }
            }
            None => return Err(OriginError::Port),
        };
        Ok(Self { is_https, host: host.to_ascii_lowercase(), port })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_https { "https" } else { "http" };
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        write!(f, "{scheme}://{open}{}{close}", self.host)?;
        match (self.is_https, self.port) {
            (true, 443) | (false, 80) => Ok(()),
            (_, port) => write!(f, ":{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Origin, OriginError};

    #[test]
    fn origins() {
        for (text, expected) in [
            ("https://App.example.com", Ok("https://app.example.com")),
            ("https://a.example:443/x", Ok("https://a.example")),
            ("http://localhost:3000", Ok("http://localhost:3000")),
            ("HTTP://[::1]:80", Ok("http://[::1]")),
            ("foo", Err(OriginError::Scheme)),
            ("ftp://foo", Err(OriginError::Scheme)),
            ("https://", Err(OriginError::Host)),
            ("https:///x", Err(OriginError::Host)),
            ("https://u@h", Err(OriginError::Host)),
            ("http://a:0", Err(OriginError::Port)),
            ("http://a:b", Err(OriginError::Port)),
            ("http://[::1]x", Err(OriginError::Port)),
        ] {
            let shown = Origin::parse(text).map(|origin| origin.to_string());
            assert_eq!(shown, expected.map(str::to_owned), "{text}");
        }
    }
}
