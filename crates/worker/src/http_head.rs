//! The head of an HTTP request (RFC 9112), read generously in what proxies make of it, and strictly in what two readers could
//! take for different requests.

use core::fmt;
use core::mem::MaybeUninit;

use dunlin_websocket::handshake::{has_token, tokens};

/// The longest request head, in bytes: what a stranger can make the server hold.
pub(crate) const HEAD_LEN_MAX: usize = 16 << 10;
/// The most headers of a request. Each proxy of a chain adds some.
const HEADERS_MAX: usize = 512;

/// Where the headers of a request are put.
pub(crate) struct Storage<'a> {
    headers: [MaybeUninit<httparse::Header<'a>>; HEADERS_MAX],
    /// The head, where it had to be changed to be read.
    unfolded: Vec<u8>,
}

/// Room for the headers of one request.
pub(crate) fn storage<'a>() -> Storage<'a> {
    Storage { headers: [const { MaybeUninit::uninit() }; HEADERS_MAX], unfolded: Vec::new() }
}

/// A request head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head<'a> {
    pub method: &'a str,
    /// Path and query.
    pub target: &'a str,
    /// Where the request goes to, `host[:port]`: of the target where that is a whole URL, else of `Host` (RFC 9112 §3.3).
    pub host: &'a str,
    pub version_minor: u8,
    headers: &'a [httparse::Header<'a>],
}

/// Why a request is not answered with what it asks for, whatever that is. The connection ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum HeadError {
    TooLong,
    TooManyHeaders,
    Malformed,
    Target,
    HostMissing,
    HostRepeated,
    Host,
}

impl HeadError {
    /// The status of the answer.
    pub(crate) fn status(self) -> u16 {
        match self {
            HeadError::TooLong | HeadError::TooManyHeaders => 431,
            _ => 400,
        }
    }
}

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HeadError::TooLong => "the request head is longer than 16384 bytes",
            HeadError::TooManyHeaders => "the request has more than 512 headers",
            HeadError::Malformed => "the request head is malformed",
            HeadError::Target => "the request target is neither a path nor a URL",
            HeadError::HostMissing => "missing required Host header",
            HeadError::HostRepeated => "more than one 'Host' in request",
            HeadError::Host => "malformed Host header",
        })
    }
}

impl<'a> Head<'a> {
    /// Reads a head from the start of `bytes`: it and its length, or `None` where more has to come. Whoever does not begin with
    /// a request line is not waited for.
    ///
    /// As Go's server, which many clients are tested with, it takes a line feed alone for a line's end, and joins lines that are
    /// continued. Blanks before a colon and control characters in a value are malformed.
    pub(crate) fn parse(
        bytes: &'a [u8],
        storage: &'a mut Storage<'a>,
    ) -> Result<Option<(Head<'a>, usize)>, HeadError> {
        let Storage { headers, unfolded } = storage;
        check_request_line(bytes)?;
        let Some(len) = head_len(bytes).filter(|len| *len <= HEAD_LEN_MAX) else {
            return if bytes.len() > HEAD_LEN_MAX { Err(HeadError::TooLong) } else { Ok(None) };
        };
        let bytes = unfold(&bytes[..len], unfolded);
        let mut request = httparse::Request::new(&mut []);
        match request.parse_with_uninit_headers(bytes, headers) {
            Ok(httparse::Status::Complete(end)) if end == len => {}
            Err(httparse::Error::TooManyHeaders) => return Err(HeadError::TooManyHeaders),
            Ok(_) | Err(_) => return Err(HeadError::Malformed),
        }
        let method = request.method.unwrap_or_default();
        let (authority, target) = split_target(method, request.path.unwrap_or_default())?;
        let version_minor = request.version.unwrap_or_default();
        let head = Head { method, target, host: "", version_minor, headers: request.headers };
        let host =
            authority.map_or_else(|| head.named_host(), |authority| head.named_host().and(Ok(authority)))?;
        Ok(Some((Head { host, ..head }, len)))
    }

    /// The value of `Host`: one, and only a client from before HTTP/1.1 may leave it out (RFC 9112 §3.2).
    fn named_host(&self) -> Result<&'a str, HeadError> {
        let mut hosts = self.values("Host");
        let Some(host) = hosts.next() else {
            return if self.version_minor == 0 { Ok("") } else { Err(HeadError::HostMissing) };
        };
        if hosts.next().is_some() {
            return Err(HeadError::HostRepeated);
        }
        core::str::from_utf8(host.trim_ascii()).ok().filter(|host| is_host(host)).ok_or(HeadError::Host)
    }

    /// Name and value of every header.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&'a str, &'a [u8])> + Clone + use<'a> {
        self.headers.iter().map(|header| (header.name, header.value))
    }

    /// The values of a header, in order.
    pub(crate) fn values(&self, name: &'static str) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.pairs().filter(move |(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    fn says(&self, name: &str, token: &str) -> bool {
        has_token(&self.pairs(), name, token)
    }

    /// Whether a body follows. None is read: where one ends is what request smuggling plays with.
    pub(crate) fn has_body(&self) -> bool {
        self.values("Transfer-Encoding").next().is_some()
            || self
                .values("Content-Length")
                .any(|value| value.is_empty() || value.iter().any(|digit| *digit != b'0'))
    }

    /// Whether the peer may go on to another request after this one.
    pub(crate) fn keeps_alive(&self) -> bool {
        let wishes = match self.version_minor {
            0 => self.says("Connection", "keep-alive") && !self.says("Connection", "close"),
            _ => !self.says("Connection", "close"),
        };
        wishes && !self.has_body()
    }

    /// On a port that monitoring shares with WebSocket: whether the request is for WebSocket. A request that has only its
    /// key is too, so that it is told what is wrong with the rest.
    pub(crate) fn asks_for_websocket(&self) -> bool {
        self.says("Upgrade", "websocket") || self.values("Sec-WebSocket-Key").next().is_some()
    }

    /// Whether nothing in the request is about WebSocket: it is from a browser's address bar, a health check, a crawler.
    pub(crate) fn is_plain(&self) -> bool {
        const PREFIX: &str = "Sec-WebSocket-";
        let is_of_handshake =
            |name: &str| name.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX));
        let names_it =
            |value: &[u8]| memchr::memmem::find(&value.to_ascii_lowercase(), b"websocket").is_some();
        !self.pairs().any(|(name, _)| is_of_handshake(name)) && !self.values("Upgrade").any(names_it)
    }

    /// Whether the peer shows pages to people.
    pub(crate) fn accepts_html(&self) -> bool {
        let is_html = |range: &[u8]| {
            let kind = range.split(|byte| *byte == b';').next().unwrap_or_default();
            kind.trim_ascii().eq_ignore_ascii_case(b"text/html")
        };
        tokens(&self.pairs(), "Accept").any(is_html)
    }
}

/// Where the request begins: empty lines before it are left out (RFC 9112 §2.2).
fn request_start(bytes: &[u8]) -> usize {
    bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(bytes.len())
}

/// Looks at the request line alone, as far as it is there.
fn check_request_line(bytes: &[u8]) -> Result<(), HeadError> {
    let start = request_start(bytes);
    let end = memchr::memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |len| start + len + 1);
    httparse::Request::new(&mut []).parse(&bytes[..end]).map(drop).map_err(|_| HeadError::Malformed)
}

/// The length of the head, up to and including the empty line behind it, and with those before it.
fn head_len(bytes: &[u8]) -> Option<usize> {
    let start = request_start(bytes);
    let ends = [&b"\n\r\n"[..], b"\n\n"];
    let found = ends.iter().filter_map(|end| Some(memchr::memmem::find(&bytes[start..], end)? + end.len()));
    found.min().map(|len| start + len)
}

/// Joins the lines of headers that go on in the next line, by blanks in the place of the line's end (RFC 9112 §5.2). The
/// length stays.
fn unfold<'a>(head: &'a [u8], unfolded: &'a mut Vec<u8>) -> &'a [u8] {
    let start = request_start(head);
    // What goes on the request line is no header, and stays as it is.
    let Some(line_len) = memchr::memchr(b'\n', &head[start..]) else { return head };
    let headers = start + line_len + 1;
    for end in memchr::memchr_iter(b'\n', &head[headers..]).map(|at| headers + at) {
        if !matches!(head.get(end + 1), Some(b' ' | b'\t')) {
            continue;
        }
        if unfolded.is_empty() {
            unfolded.extend_from_slice(head);
        }
        unfolded[end] = b' ';
        if head[end - 1] == b'\r' {
            unfolded[end - 1] = b' ';
        }
    }
    if unfolded.is_empty() { head } else { unfolded }
}

/// Splits the target into the authority of a URL, and path and query (RFC 9112 §3.2).
fn split_target<'a>(method: &str, target: &'a str) -> Result<(Option<&'a str>, &'a str), HeadError> {
    if target.starts_with('/') || (target == "*" && method == "OPTIONS") {
        return Ok((None, target));
    }
    let (scheme, rest) = target.split_once("://").ok_or(HeadError::Target)?;
    if !["http", "https", "ws", "wss"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return Err(HeadError::Target);
    }
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    if authority.is_empty() || !is_host(authority) {
        return Err(HeadError::Target);
    }
    Ok((Some(authority), if path.is_empty() { "/" } else { path }))
}

/// What can stand in `Host` (RFC 9110 §7.2): nothing that ends a name in a log, a URL or a list.
fn is_host(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!$%&'()*+,-.:;=[]_~".contains(&byte))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
mod tests {
    use super::{Head, HeadError, storage};

    /// What a head says: method, target, host, and whether the connection goes on.
    fn read(bytes: &[u8]) -> Result<Option<(String, String, String, bool)>, HeadError> {
        let mut storage = storage();
        let head = Head::parse(bytes, &mut storage)?;
        Ok(head.map(|(head, len)| {
            assert_eq!(len, bytes.len());
            (head.method.into(), head.target.into(), head.host.into(), head.keeps_alive())
        }))
    }

    #[test]
    fn requests() {
        for (text, target, host, goes_on) in [
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "/", "a", true),
            ("GET /x?y=http://z HTTP/1.1\r\nhOST:\t a:80 \r\n\r\n", "/x?y=http://z", "a:80", true),
            ("\r\nGET / HTTP/1.1\nHost: a\n\n", "/", "a", true),
            ("GET / HTTP/1.1\r\nHost:\r\n\r\n", "/", "", true),
            ("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "/", "[::1]:80", true),
            ("GET http://b:8/c?d HTTP/1.1\r\nHost: a\r\n\r\n", "/c?d", "b:8", true),
            ("GET HTTPS://b?d HTTP/1.1\r\nHost: a\r\n\r\n", "?d", "b", true),
            ("GET http://b HTTP/1.1\r\nHost: a\r\n\r\n", "/", "b", true),
            ("GET wss://b:9/c HTTP/1.1\r\nHost: a\r\n\r\n", "/c", "b:9", true),
            ("GET // HTTP/1.1\r\nHost: a\r\n\r\n", "//", "a", true),
            ("GET /%zz%20?a=/../b HTTP/1.1\r\nHost: a\r\n\r\n", "/%zz%20?a=/../b", "a", true),
            ("GET / HTTP/1.1\r\nhost:a\r\nX:\r\nY: \r\nCookie: b=\u{e9}\r\n\r\n", "/", "a", true),
            // Lines that go on in the next one.
            ("GET / HTTP/1.1\r\nHost:\r\n a\r\n\r\n", "/", "a", true),
            ("GET / HTTP/1.1\nX: a\n\tb\n \n c\nHost: a\n\n", "/", "a", true),
            ("GET / HTTP/1.1\r\nHost: a\r\nConnection: x,\r\n  close\r\n\r\n", "/", "a", false),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n 5\r\n\r\n", "/", "a", false),
            ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\tchunked\r\n\r\n", "/", "a", false),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 00\r\n\r\n", "/", "a", true),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", "/", "a", false),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0, 0\r\n\r\n", "/", "a", false),
            ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "*", "a", true),
            ("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n", "/", "a", false),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "/", "a", true),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n", "/", "a", false),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +0\r\n\r\n", "/", "a", false),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n", "/", "a", false),
            ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\n\r\n", "/", "a", false),
            ("GET / HTTP/1.0\r\n\r\n", "/", "", false),
            ("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "/", "", true),
        ] {
            let expected =
                (text.trim_start().split(' ').next().unwrap().into(), target.into(), host.into(), goes_on);
            assert_eq!(read(text.as_bytes()), Ok(Some(expected)), "{text:?}");
            for end in 0..text.len() {
                assert_eq!(read(&text.as_bytes()[..end]), Ok(None), "{:?}", &text[..end]);
            }
        }
    }

    #[test]
    fn what_two_readers_could_take_for_different_things_is_refused() {
        use HeadError::*;
        for (text, error) in [
            ("GET / HTTP/1.1\r\n\r\n", HostMissing),
            ("GET http://b/ HTTP/1.1\r\n\r\n", HostMissing),
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", HostRepeated),
            ("GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n", HostRepeated),
            ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", Host),
            ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", Host),
            ("GET / HTTP/1.1\r\nHost: \u{e9}\r\n\r\n", Host),
            ("GET x HTTP/1.1\r\nHost: a\r\n\r\n", Target),
            ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", Target),
            ("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", Target),
            ("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", Target),
            ("GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", Target),
            ("GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", Target),
            ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", Malformed),
            ("GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", Host),
            ("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", Host),
            ("GET / HTTP/1.1\r\n Host: a\r\n\r\n", Malformed),
            ("\n GET / HTTP/1.1\r\nHost: a\r\n\r\n", Malformed),
            ("GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", Malformed),
            ("GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", Malformed),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", Malformed),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", Malformed),
            ("GET / HTTP/1.1\r\nHost: a\r\nX(: b\r\n\r\n", Malformed),
            ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", Malformed),
            ("GET / x HTTP/1.1\r\nHost: a\r\n\r\n", Malformed),
            ("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", Malformed),
            ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", Malformed),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Malformed),
            ("GET /\r\n\r\n", Malformed),
            ("INFO {}\r\n\r\n", Malformed),
        ] {
            assert_eq!(read(text.as_bytes()), Err(error), "{text:?}");
        }
    }

    #[test]
    fn whoever_does_not_begin_with_a_request_line_is_not_waited_for() {
        for text in [
            "hello\n",
            "PING\r",
            "CONNECT {}\r\n",
            "GET / HTTP/2.0",
            "GET /\r",
            "\r\n\r\n\0",
            "\x10",
            "GET  ",
        ] {
            assert_eq!(read(text.as_bytes()), Err(HeadError::Malformed), "{text:?}");
        }
        for text in
            ["", "\r\n", "GET", "hello there", "CONNECT a:80 HTTP/1.1\r\n", "GET / HTTP/1.1\r\nno header"]
        {
            assert_eq!(read(text.as_bytes()), Ok(None), "{text:?}");
        }
    }

    #[test]
    fn limits() {
        let head = |headers: String| format!("GET / HTTP/1.1\r\nHost: a\r\n{headers}\r\n");
        assert!(read(head("X: y\r\n".repeat(511)).as_bytes()).is_ok());
        assert_eq!(read(head("X: y\r\n".repeat(512)).as_bytes()), Err(HeadError::TooManyHeaders));
        let longest = head(format!("X: {}\r\n", "y".repeat(super::HEAD_LEN_MAX - 32)));
        assert_eq!(longest.len(), super::HEAD_LEN_MAX);
        assert!(read(longest.as_bytes()).unwrap().is_some());
        assert_eq!(read(longest.replace("X: ", "X: y").as_bytes()), Err(HeadError::TooLong));
        let endless = "GET / HTTP/1.1\r\nX: ".to_owned() + &"y".repeat(super::HEAD_LEN_MAX);
        assert_eq!(read(endless.as_bytes()), Err(HeadError::TooLong));
        assert_eq!(read("\n".repeat(super::HEAD_LEN_MAX + 1).as_bytes()), Err(HeadError::TooLong));
        // What comes behind the head does not count.
        let mut storage = storage();
        let bytes = longest.clone() + &"y".repeat(super::HEAD_LEN_MAX);
        assert_eq!(Head::parse(bytes.as_bytes(), &mut storage).unwrap().unwrap().1, longest.len());
    }

    #[test]
    fn what_is_for_websocket_on_a_shared_port() {
        for (headers, expected) in [
            ("", false),
            ("Upgrade: h2c\r\n", false),
            ("Connection: Upgrade\r\n", false),
            ("Sec-WebSocket-Version: 13\r\n", false),
            ("Upgrade: h2c, WebSocket\r\n", true),
            ("upgrade: websocket\r\n", true),
            ("Sec-WebSocket-Key: x\r\n", true),
        ] {
            let text = format!("GET / HTTP/1.1\r\nHost: a\r\n{headers}\r\n");
            let mut storage = storage();
            let (head, _) = Head::parse(text.as_bytes(), &mut storage).unwrap().unwrap();
            assert_eq!(head.asks_for_websocket(), expected, "{headers}");
        }
    }

    #[test]
    fn what_has_nothing_to_do_with_websocket() {
        for (headers, is_plain, accepts_html) in [
            ("", true, false),
            ("Accept: */*\r\n", true, false),
            ("Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n", true, true),
            ("Accept: application/json\r\nAccept: TEXT/HTML;q=0.9\r\n", true, true),
            ("Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n", true, false),
            ("Upgrade: h2c, WebSocket\r\n", false, false),
            ("Upgrade: \"websocket\"\r\n", false, false),
            ("Upgrade: websocket/13\r\n", false, false),
            ("sec-websocket-version: 13\r\n", false, false),
            ("Sec-WebSocket-Key: x\r\n", false, false),
        ] {
            let text = format!("GET / HTTP/1.1\r\nHost: a\r\n{headers}\r\n");
            let mut storage = storage();
            let (head, _) = Head::parse(text.as_bytes(), &mut storage).unwrap().unwrap();
            assert_eq!((head.is_plain(), head.accepts_html()), (is_plain, accepts_html), "{headers}");
        }
    }
}
