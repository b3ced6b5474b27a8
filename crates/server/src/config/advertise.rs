//! `client_advertise` and the `advertise` of `websocket`: where others are to find a listener.

use dunlin_conf::Entry;
use dunlin_websocket::handshake::Origin;

use super::Report;

/// What stands in the place of the listener's own address; what is `None` does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Advertised<'a> {
    pub(crate) host: Option<&'a str>,
    pub(crate) port: Option<u16>,
}

impl<'a> Advertised<'a> {
    /// Splits `host`, `host:port` or `:port`. As nats-server: an IPv6 address with a port stands in `[ ]`, and the ports 0 and
    /// -1 are the listener's own.
    pub(crate) fn parse(text: &'a str) -> Option<Advertised<'a>> {
        let text = text.trim();
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port.trim())),
            _ => (text, None),
        };
        let port = match port {
            None | Some("0" | "-1") => None,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(digits.parse().ok()?),
            Some(_) => return None,
        };
        if host.is_empty() {
            return port.map(|port| Advertised { host: None, port: Some(port) });
        }
        // What a URL can hold as its host is what an origin can.
        Origin::from_authority(false, host).ok().filter(|_| host.starts_with('[') || !host.contains(':'))?;
        let host = host.strip_prefix('[').map_or(host, |host| host.trim_end_matches(']'));
        Some(Advertised { host: Some(host), port })
    }
}

/// Reads an address to advertise.
pub(super) fn read(entry: &Entry, report: &mut Report) -> Option<String> {
    let text = report.text(entry)?;
    if let Some(mistake) = mistake(&entry.key, &text) {
        report.error_at(&entry.node.place, mistake);
        return None;
    }
    Some(text)
}

/// What is wrong with an address to advertise.
pub(super) fn mistake(key: &str, text: &str) -> Option<String> {
    let is_wrong = Advertised::parse(text).is_none();
    is_wrong.then(|| format!("{key}: {text:?} is not of the form host or host:port"))
}

#[cfg(test)]
mod tests {
    use super::Advertised;

    #[test]
    fn addresses() {
        let found = |host, port| Some(Advertised { host, port });
        for (text, expected) in [
            ("a.example", found(Some("a.example"), None)),
            ("a.example:5", found(Some("a.example"), Some(5))),
            (" a.example:5 ", found(Some("a.example"), Some(5))),
            ("a.example:0", found(Some("a.example"), None)),
            ("a.example:-1", found(Some("a.example"), None)),
            ("10.0.0.1:4222", found(Some("10.0.0.1"), Some(4222))),
            ("[::1]:5", found(Some("::1"), Some(5))),
            ("[::1]", found(Some("::1"), None)),
            (":5", found(None, Some(5))),
            ("::1", None),
            ("::1:5", None),
            ("[::1", None),
            ("a:", None),
            (":", None),
            ("a:b", None),
            ("a:+5", None),
            ("a:70000", None),
            ("http://a", None),
            ("a b", None),
        ] {
            assert_eq!(Advertised::parse(text), expected, "{text:?}");
        }
    }
}
