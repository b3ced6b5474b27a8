//! Addresses and ports.

use dunlin_conf::{Entry, Value};

use super::{ListenPort, Report};

/// A port: -1 for any, otherwise 1 to 65535. 0 stands for the default, which is `None`.
pub(super) fn port(entry: &Entry, report: &mut Report) -> Option<ListenPort> {
    let number = report.number(entry, -1, i64::from(u16::MAX))?;
    from_number(number)
}

fn from_number(number: i64) -> Option<ListenPort> {
    match u16::try_from(number) {
        Ok(0) => None,
        Ok(port) => Some(ListenPort::Fixed(port)),
        Err(_) => Some(ListenPort::Random),
    }
}

/// `host:port`, `:port` or a bare port.
pub(super) fn listen(entry: &Entry, report: &mut Report) -> Option<(Option<String>, Option<ListenPort>)> {
    if let Value::Integer(_) = entry.node.value {
        return port(entry, report).map(|port| (None, Some(port)));
    }
    let text = report.value(entry.string())?;
    match split(text) {
        Some((host, port)) => Some((host, from_number(port))),
        None => {
            let place = &entry.node.place;
            report.error_at(place, format_args!("{}: {text:?} is not of the form host:port", entry.key));
            None
        }
    }
}

/// Splits `host:port`; the host may be empty or, if it holds colons, stand in `[ ]`.
fn split(text: &str) -> Option<(Option<String>, i64)> {
    let (host, port) = text.rsplit_once(':')?;
    let host = match host.strip_prefix('[') {
        Some(inner) => inner.strip_suffix(']')?,
        None if host.contains([':', ']']) => return None,
        None => host,
    };
    let port: i64 = port.parse().ok().filter(|port| (-1..=i64::from(u16::MAX)).contains(port))?;
    Some(((!host.is_empty()).then(|| host.to_owned()), port))
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn addresses() {
        let host = |host: &str| Some(host.to_owned());
        for (text, expected) in [
            ("127.0.0.1:4222", Some((host("127.0.0.1"), 4222))),
            (":4222", Some((None, 4222))),
            ("localhost:-1", Some((host("localhost"), -1))),
            ("[::1]:80", Some((host("::1"), 80))),
            ("::1:80", None),
            ("[::1:80", None),
            ("x", None),
            ("x:y", None),
            ("x:65536", None),
            ("x:-2", None),
        ] {
            assert_eq!(split(text), expected, "{text}");
        }
    }
}
