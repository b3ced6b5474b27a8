//! RFC 6454 as far as a WebSocket server needs it, and the policies of RFC 6455 §10.2.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use dunlin_websocket::handshake::{Origin, OriginError, OriginPattern, OriginPolicy, OriginRefusal, Reach};

#[test]
fn origins() {
    for (text, expected) in [
        ("https://App.example.com", Ok("https://app.example.com")),
        ("https://a.example:443/x", Ok("https://a.example")),
        ("https://a.example:80", Ok("https://a.example:80")),
        ("http://a.example:443?x", Ok("http://a.example:443")),
        ("http://localhost:3000/", Ok("http://localhost:3000")),
        ("http://my_machine", Ok("http://my_machine")),
        ("http://127.0.0.1:08", Ok("http://127.0.0.1:8")),
        ("HTTP://[::1]:80", Ok("http://[::1]")),
        ("https://[0:0:0::0:1]:8443", Ok("https://[::1]:8443")),
        ("foo", Err(OriginError::Scheme)),
        ("null", Err(OriginError::Scheme)),
        ("", Err(OriginError::Scheme)),
        ("ftp://foo", Err(OriginError::Scheme)),
        ("//foo", Err(OriginError::Scheme)),
        ("chrome-extension://abc", Err(OriginError::Scheme)),
        ("https://", Err(OriginError::HostMissing)),
        ("https:///x", Err(OriginError::HostMissing)),
        ("https://:80", Err(OriginError::HostMissing)),
        ("https://u@h", Err(OriginError::Host)),
        ("https://a b", Err(OriginError::Host)),
        ("https://a.example\\@evil.example", Err(OriginError::Host)),
        ("https://a,b", Err(OriginError::Host)),
        ("https://.a", Err(OriginError::Host)),
        ("https://*.a", Err(OriginError::Host)),
        ("https://[::1", Err(OriginError::Host)),
        ("https://[::g]", Err(OriginError::Host)),
        ("https://[a.example]", Err(OriginError::Host)),
        ("https://b\u{fc}cher.example", Err(OriginError::HostNotAscii)),
        ("http://a:0", Err(OriginError::Port)),
        ("http://a:", Err(OriginError::Port)),
        ("http://a:b", Err(OriginError::Port)),
        ("http://a:+80", Err(OriginError::Port)),
        ("http://a:80:80", Err(OriginError::Port)),
        ("http://a:65536", Err(OriginError::Port)),
        ("http://[::1]x", Err(OriginError::Port)),
    ] {
        let shown = Origin::parse(text).map(|origin| origin.to_string());
        assert_eq!(shown, expected.map(str::to_owned), "{text}");
    }
}

#[test]
fn what_is_shown_can_be_read() {
    for text in ["https://a.example", "http://a:443", "https://[::1]:80", "http://1.2.3.4:8080"] {
        let origin = Origin::parse(text).unwrap();
        assert_eq!(Origin::parse(&origin.to_string()), Ok(origin));
        assert_eq!(OriginPattern::parse(text).unwrap().to_string(), text);
    }
    assert_eq!(OriginPattern::parse("HTTPS://*.A.example:443/").unwrap().to_string(), "https://*.a.example");
}

#[test]
fn patterns_that_are_refused() {
    for (text, expected) in [
        ("https://*", OriginError::Wildcard),
        ("https://*.", OriginError::Wildcard),
        ("https://*.:80", OriginError::Wildcard),
        ("https://*example.com", OriginError::Wildcard),
        ("https://a*.example.com", OriginError::Wildcard),
        ("https://a.*.example.com", OriginError::Wildcard),
        ("https://*.*.example.com", OriginError::Wildcard),
        ("https://example.*", OriginError::Wildcard),
        ("https://*.example.com/*", OriginError::Wildcard),
        ("https://a.example.com/*.x", OriginError::Wildcard),
        ("https://*.0.0.1", OriginError::Wildcard),
        ("https://*.[::1]", OriginError::Wildcard),
        ("https://*.a.example:*", OriginError::Wildcard),
        ("*", OriginError::Wildcard),
        ("*.example.com", OriginError::Scheme),
        ("*://a.example.com", OriginError::Wildcard),
        ("https://*..example.com", OriginError::Host),
        ("https://*.example.com:0", OriginError::Port),
        ("wss://*.example.com", OriginError::Scheme),
        ("example.com", OriginError::Scheme),
    ] {
        assert_eq!(OriginPattern::parse(text), Err(expected), "{text}");
    }
}

#[test]
fn what_a_pattern_matches() {
    for (pattern, origin, expected) in [
        ("https://app.example.com", "https://app.example.com", true),
        ("https://app.example.com", "https://APP.example.com:443", true),
        ("https://app.example.com", "http://app.example.com", false),
        ("https://app.example.com", "http://app.example.com:443", false),
        ("https://app.example.com", "https://app.example.com:8443", false),
        ("https://app.example.com", "https://app.example.com.", false),
        ("https://app.example.com", "https://app.example.com.evil.example", false),
        ("https://app.example.com", "https://x.app.example.com", false),
        ("https://*.example.com", "https://app.example.com", true),
        ("https://*.example.com", "https://a.b.c.example.com", true),
        ("https://*.example.com", "https://example.com", false),
        ("https://*.example.com", "https://evilexample.com", false),
        ("https://*.example.com", "https://app.example.com.evil.example", false),
        ("https://*.example.com", "http://app.example.com", false),
        ("https://*.example.com", "https://app.example.com:444", false),
        ("https://*.example.com:444", "https://app.example.com:444", true),
        ("http://*.localhost:3000", "http://a.localhost:3000", true),
        ("http://[::1]:3000", "http://[0:0::1]:3000", true),
    ] {
        let found = OriginPattern::parse(pattern).unwrap().matches(&Origin::parse(origin).unwrap());
        assert_eq!(found, expected, "{pattern} {origin}");
    }
}

/// What a policy says of the `name: value` lines of a request to `host`.
fn check(policy: &OriginPolicy, lines: &str, host: &str, is_https: bool) -> Result<(), OriginRefusal> {
    let headers = lines.lines().map(|line| line.split_once(':').unwrap());
    policy.check(&headers.map(|(name, value)| (name, value.as_bytes())), host, is_https)
}

#[test]
fn without_a_policy_everybody_is_let_in() {
    for lines in ["", "Origin: null", "Origin: https://a\nOrigin: https://b", "Origin: garbage"] {
        assert_eq!(check(&OriginPolicy::default(), lines, "h", false), Ok(()), "{lines}");
    }
}

#[test]
fn same_origin() {
    let policy = OriginPolicy { same: true, ..OriginPolicy::default() };
    for (lines, host, is_https, expected) in [
        ("", "a.example", false, Ok(())),
        ("Origin:", "a.example", false, Ok(())),
        ("Origin: http://a.example", "a.example", false, Ok(())),
        ("Origin: http://A.example", "a.EXAMPLE:80", false, Ok(())),
        ("Origin: https://a.example", "a.example:443", true, Ok(())),
        ("Origin: https://a.example", "a.example", false, Err(OriginRefusal::NotSame)),
        ("Origin: http://a.example", "a.example", true, Err(OriginRefusal::NotSame)),
        ("Origin: http://a.example:8080", "a.example:8080", false, Ok(())),
        ("Origin: http://a.example:8080", "a.example", false, Err(OriginRefusal::NotSame)),
        ("Origin: http://b.example", "a.example", false, Err(OriginRefusal::NotSame)),
        ("Origin: http://[::1]:9", "[0::1]:9", false, Ok(())),
        ("Origin: http://a.example", "a.example, b.example", false, Err(OriginRefusal::NotSame)),
        ("Origin: http://a.example", "", false, Err(OriginRefusal::NotSame)),
        ("Origin: null", "a.example", false, Err(OriginRefusal::Malformed)),
        ("Origin: garbage", "a.example", false, Err(OriginRefusal::Malformed)),
        ("Origin: \u{fffd}", "a.example", false, Err(OriginRefusal::Malformed)),
        ("Sec-WebSocket-Origin: http://a.example", "a.example", false, Ok(())),
        ("Sec-WebSocket-Origin: http://b", "a.example", false, Err(OriginRefusal::NotSame)),
        ("Origin: http://a.example\nSec-WebSocket-Origin: http://b", "a.example", false, Ok(())),
        ("Origin:\nSec-WebSocket-Origin: http://b", "a.example", false, Err(OriginRefusal::NotSame)),
        ("origin: http://a.example\nORIGIN: http://b", "a.example", false, Err(OriginRefusal::Repeated)),
    ] {
        assert_eq!(check(&policy, lines, host, is_https), expected, "{lines} to {host}, TLS {is_https}");
    }
}

fn allowed() -> Vec<OriginPattern> {
    ["https://app.example.com", "https://*.dash.example"]
        .map(|text| OriginPattern::parse(text).unwrap())
        .into()
}

#[test]
fn allowed_origins() {
    let policy = OriginPolicy { allowed: allowed(), ..OriginPolicy::default() };
    for (lines, expected) in [
        ("", Ok(())),
        ("Origin: https://app.example.com", Ok(())),
        ("Origin: https://x.dash.example", Ok(())),
        ("Origin: https://dash.example", Err(OriginRefusal::NotAllowed)),
        ("Origin: http://app.example.com", Err(OriginRefusal::NotAllowed)),
        ("Origin: null", Err(OriginRefusal::Malformed)),
    ] {
        assert_eq!(check(&policy, lines, "h", false), expected, "{lines}");
    }
    let headers = [("Origin", &b"https://app.example.com\xff"[..])];
    assert_eq!(policy.check(&headers.iter().copied(), "h", false), Err(OriginRefusal::Malformed));
}

#[test]
fn both_must_pass() {
    let policy = OriginPolicy { same: true, allowed: allowed(), required: false };
    for (origin, host, expected) in [
        ("https://app.example.com", "app.example.com", Ok(())),
        ("https://app.example.com", "x.dash.example", Err(OriginRefusal::NotSame)),
        ("https://evil.example", "evil.example", Err(OriginRefusal::NotAllowed)),
    ] {
        assert_eq!(check(&policy, &format!("Origin: {origin}"), host, true), expected, "{origin} to {host}");
    }
}

#[test]
fn an_origin_can_be_required() {
    let policy = OriginPolicy { required: true, ..OriginPolicy::default() };
    for (lines, expected) in [
        ("", Err(OriginRefusal::Missing)),
        ("Origin:", Err(OriginRefusal::Missing)),
        ("Origin: http://anywhere.example", Ok(())),
        ("Sec-WebSocket-Origin: http://anywhere.example", Ok(())),
        ("Origin: null", Err(OriginRefusal::Malformed)),
        ("Origin: http://a\nOrigin: http://a", Err(OriginRefusal::Repeated)),
    ] {
        assert_eq!(check(&policy, lines, "h", false), expected, "{lines}");
    }
    let policy = OriginPolicy { required: true, allowed: allowed(), same: false };
    assert_eq!(check(&policy, "", "h", false), Err(OriginRefusal::Missing));
}

#[test]
fn what_is_of_this_machine() {
    for (authority, expected) in [
        ("localhost", true),
        ("LocalHost:3000", true),
        ("localhost.:3000", true),
        ("app.localhost:5173", true),
        ("a.b.localhost", true),
        ("127.0.0.1:8080", true),
        ("127.255.255.254", true),
        ("[::1]", true),
        ("[0:0:0:0:0:0:0:1]:3000", true),
        ("[::ffff:127.0.0.1]:3000", true),
        ("evil.example", false),
        ("localhost.evil.example", false),
        ("localhost.example", false),
        ("evillocalhost", false),
        ("local", false),
        ("128.0.0.1", false),
        ("0.0.0.0:8080", false),
        ("127.0.0.1.evil.example", false),
        ("127.evil.example", false),
        ("192.168.1.2:3000", false),
        ("10.0.0.1", false),
        ("[::]", false),
        ("[::2]", false),
        ("[fe80::1]", false),
        ("[::ffff:10.0.0.1]", false),
        ("[2001:db8::1]", false),
        ("machine:3000", false),
    ] {
        let origin = Origin::from_authority(false, authority).unwrap();
        assert_eq!(origin.is_loopback(), expected, "{authority}");
        let refused = if expected { Ok(()) } else { Err(OriginRefusal::HostNotLoopback) };
        assert_eq!(Reach::ThisMachine.check_host(authority), refused, "{authority}");
        assert_eq!(Reach::Everywhere.check_host(authority), Ok(()));
    }
    for host in ["", ":8080", "localhost:x", "a b", "[::1", "localhost@evil.example"] {
        assert_eq!(Reach::ThisMachine.check_host(host), Err(OriginRefusal::HostNotLoopback), "{host}");
    }
}

#[test]
fn only_pages_of_this_machine() {
    use OriginRefusal::*;
    for (lines, host, expected) in [
        ("", "127.0.0.1:8080", Ok(())),
        ("Origin:", "localhost:8080", Ok(())),
        ("Origin: http://localhost:3000", "127.0.0.1:8080", Ok(())),
        ("Origin: https://app.localhost", "[::1]:8080", Ok(())),
        ("Origin: http://[::1]:5173", "localhost", Ok(())),
        ("Origin: http://127.0.0.1", "localhost", Ok(())),
        ("Origin: https://evil.example", "127.0.0.1:8080", Err(NotLoopback)),
        ("Origin: https://localhost.evil.example", "localhost:8080", Err(NotLoopback)),
        ("Origin: http://192.168.1.2:3000", "localhost:8080", Err(NotLoopback)),
        ("Sec-WebSocket-Origin: https://evil.example", "localhost:8080", Err(NotLoopback)),
        ("Origin: null", "127.0.0.1:8080", Err(Malformed)),
        ("Origin: file://", "127.0.0.1:8080", Err(Malformed)),
        ("Origin: chrome-extension://abc", "127.0.0.1:8080", Err(Malformed)),
        ("Origin: http://localhost\nOrigin: http://localhost", "localhost", Err(Repeated)),
        // A name that resolves to this machine all of a sudden: the page is of the same origin then.
        ("Origin: http://evil.example:8080", "evil.example:8080", Err(HostNotLoopback)),
        ("", "evil.example:8080", Err(HostNotLoopback)),
    ] {
        let headers = lines.lines().map(|line| line.split_once(':').unwrap());
        let headers = headers.map(|(name, value)| (name, value.as_bytes()));
        assert_eq!(Reach::ThisMachine.check(&headers, host), expected, "{lines} to {host}");
        assert_eq!(Reach::Everywhere.check(&headers, host), Ok(()), "{lines} to {host}");
    }
}

#[test]
fn texts() {
    assert_eq!(OriginRefusal::NotSame.to_string(), "origin not allowed: not same origin");
    assert_eq!(OriginRefusal::NotAllowed.to_string(), "origin not allowed: not in the allowed list");
    let shown = |text| OriginPattern::parse(text).unwrap_err().to_string();
    assert_eq!(shown("ftp://foo"), "allowed origins must be absolute URLs with http or https scheme");
    assert_eq!(shown("https://a*"), "a * can only stand for sub-domains, as in https://*.example.com");
}
