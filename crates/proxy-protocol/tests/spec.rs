//! The clauses of the specification, a row each.
#![allow(missing_docs, clippy::unwrap_used)]

use dunlin_proxy_protocol::{HEADER_LEN_MAX, Header, HeaderError, Origin, Version};

fn origin_of(source: &str, destination: &str) -> Origin {
    match source.parse() {
        Ok(source) => Origin::Tcp4 { source, destination: destination.parse().unwrap() },
        Err(_) => Origin::Tcp6 { source: source.parse().unwrap(), destination: destination.parse().unwrap() },
    }
}

/// A header of version 2.
fn binary(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
    let len = u16::try_from(body.len()).unwrap().to_be_bytes();
    [&b"\r\n\r\n\0\r\nQUIT\n"[..], &[command, family], &len, body].concat()
}

const TCP4_BODY: [u8; 12] = [203, 0, 113, 195, 10, 0, 0, 1, 0xa1, 0x88, 0x01, 0xbb];

fn tcp6_body() -> Vec<u8> {
    let ip = |text: &str| text.parse::<std::net::Ipv6Addr>().unwrap().octets();
    [&ip("2001:db8::7")[..], &ip("2001:db8::1"), &[0xa1, 0x88, 0x01, 0xbb]].concat()
}

/// Whole headers, and what they say.
fn good() -> Vec<(&'static str, Vec<u8>, Version, Origin)> {
    let v4 = origin_of("203.0.113.195:41352", "10.0.0.1:443");
    let v6 = origin_of("[2001:db8::7]:41352", "[2001:db8::1]:443");
    let with_fields = [&TCP4_BODY[..], &[0x04, 0, 3, 1, 2, 3, 0x20, 0xff, 0xff]].concat();
    let longest_v6 = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    let longest = format!("PROXY UNKNOWN {longest_v6} {longest_v6} 65535 65535\r\n");
    assert_eq!(longest.len(), 107);
    let v1 = |text: &str| text.as_bytes().to_vec();
    vec![
        ("TCP4", v1("PROXY TCP4 203.0.113.195 10.0.0.1 41352 443\r\n"), Version::V1, v4),
        ("TCP6", v1("PROXY TCP6 2001:db8::7 2001:db8::1 41352 443\r\n"), Version::V1, v6),
        (
            "TCP6 of a mapped IPv4 address",
            v1("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n"),
            Version::V1,
            origin_of("[::ffff:192.0.2.1]:1", "[::1]:2"),
        ),
        (
            "the smallest and the largest port",
            v1("PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n"),
            Version::V1,
            origin_of("0.0.0.0:0", "255.255.255.255:65535"),
        ),
        ("UNKNOWN alone", v1("PROXY UNKNOWN\r\n"), Version::V1, Origin::Unknown),
        ("UNKNOWN with anything behind it", v1("PROXY UNKNOWN what ever\r\n"), Version::V1, Origin::Unknown),
        ("the longest line", longest.into_bytes(), Version::V1, Origin::Unknown),
        ("TCP over IPv4", binary(0x21, 0x11, &TCP4_BODY), Version::V2, v4),
        ("TCP over IPv6", binary(0x21, 0x21, &tcp6_body()), Version::V2, v6),
        ("further fields are skipped, and not read", binary(0x21, 0x11, &with_fields), Version::V2, v4),
        ("LOCAL", binary(0x20, 0x00, &[]), Version::V2, Origin::Local),
        ("the addresses of LOCAL are ignored", binary(0x20, 0x11, &TCP4_BODY), Version::V2, Origin::Local),
        ("LOCAL of any family", binary(0x20, 0xff, b"x"), Version::V2, Origin::Local),
        ("an unspecified family", binary(0x21, 0x00, &[]), Version::V2, Origin::Unknown),
        ("an unspecified family with fields", binary(0x21, 0x00, b"abc"), Version::V2, Origin::Unknown),
        ("a Unix socket", binary(0x21, 0x31, &[b'/'; 216]), Version::V2, Origin::Unknown),
        ("the longest header", binary(0x21, 0x00, &[0; 4096]), Version::V2, Origin::Unknown),
    ]
}

#[test]
fn headers() {
    for (name, bytes, version, origin) in good() {
        assert_eq!(Header::parse(&bytes), Ok(Some((Header { version, origin }, bytes.len()))), "{name}");
    }
}

#[test]
fn what_follows_a_header_is_left_alone() {
    for (name, bytes, version, origin) in good() {
        let followed = [&bytes[..], b"PROXY TCP4 1.1.1.1 2.2.2.2 3 4\r\n"].concat();
        assert_eq!(Header::parse(&followed), Ok(Some((Header { version, origin }, bytes.len()))), "{name}");
    }
}

#[test]
fn every_start_of_a_header_asks_for_more() {
    for (name, bytes, ..) in good() {
        assert!(bytes.len() <= HEADER_LEN_MAX, "{name}");
        for len in 0..bytes.len() {
            assert_eq!(Header::parse(&bytes[..len]), Ok(None), "{name}, {len} bytes");
        }
    }
}

/// What is refused, how many of its bytes are needed to see it, and why.
fn bad() -> Vec<(&'static str, Vec<u8>, usize, HeaderError)> {
    use HeaderError as E;
    let v1 = |text: &str| text.as_bytes().to_vec();
    let mut rows = vec![
        ("another protocol", v1("GET / HTTP/1.1\r\n"), 1, E::Missing),
        ("an op of a client without a proxy", v1("PING\r\n"), 2, E::Missing),
        ("lower case", v1("proxy TCP4 1.1.1.1 2.2.2.2 3 4\r\n"), 1, E::Missing),
        ("half of the signature", b"\r\n\r\n\0\r\nQUIT\r".to_vec(), 12, E::Missing),
        ("a line of 108 bytes", [&b"PROXY UNKNOWN"[..], &[b'x'; 93], b"\r\n"].concat(), 107, E::LineTooLong),
        ("a new version", binary(0x31, 0x11, &TCP4_BODY), 13, E::Version),
        ("a new command", binary(0x22, 0x11, &TCP4_BODY), 13, E::Command),
        ("datagrams", binary(0x21, 0x12, &TCP4_BODY), 14, E::Family),
        ("datagrams on a Unix socket", binary(0x21, 0x32, &[0; 216]), 14, E::Family),
        ("a new family", binary(0x21, 0x41, &TCP4_BODY), 14, E::Family),
        ("IPv4 cut off", binary(0x21, 0x11, &TCP4_BODY[..11]), 16, E::TooShort),
        ("IPv6 cut off", binary(0x21, 0x21, &tcp6_body()[..35]), 16, E::TooShort),
        ("a Unix path cut off", binary(0x21, 0x31, &[0; 215]), 16, E::TooShort),
        ("a longer header than is accepted", binary(0x21, 0x11, &[0; 4097]), 16, E::TooLong),
        ("a long header of LOCAL", binary(0x20, 0x00, &[0; 65535]), 16, E::TooLong),
    ];
    // Of a line, the first wrong thing is told when all of it is there.
    for (text, error) in [
        ("PROXY TCP4 1.1.1.1 2.2.2.2 3 4\n", E::LineEnd),
        ("PROXY \n", E::LineEnd),
        ("PROXY \r\n", E::Protocol),
        ("PROXY TCP5 1.1.1.1 2.2.2.2 3 4\r\n", E::Protocol),
        ("PROXY tcp4 1.1.1.1 2.2.2.2 3 4\r\n", E::Protocol),
        ("PROXY UNKNOWNS\r\n", E::Protocol),
        ("PROXY  TCP4 1.1.1.1 2.2.2.2 3 4\r\n", E::Protocol),
        ("PROXY TCP4\r\n", E::Fields),
        ("PROXY TCP4 1.1.1.1 2.2.2.2 3\r\n", E::Fields),
        ("PROXY TCP4 1.1.1.1 2.2.2.2 3 4 5\r\n", E::Fields),
        ("PROXY TCP4 1.1.1.1 2.2.2.2 3 4 \r\n", E::Fields),
        ("PROXY TCP4 1.1.1.1  2.2.2.2 3 4\r\n", E::Fields),
        ("PROXY TCP4 1.1.1 2.2.2.2 3 4\r\n", E::Address),
        ("PROXY TCP4 1.1.1.256 2.2.2.2 3 4\r\n", E::Address),
        ("PROXY TCP4 01.1.1.1 2.2.2.2 3 4\r\n", E::Address),
        ("PROXY TCP4 1.1.1.1 ::2 3 4\r\n", E::Address),
        ("PROXY TCP4 ::1 2.2.2.2 3 4\r\n", E::Address),
        ("PROXY TCP6 1.1.1.1 ::2 3 4\r\n", E::Address),
        ("PROXY TCP6 [::1] ::2 3 4\r\n", E::Address),
        ("PROXY TCP6 fe80::1%eth0 ::2 3 4\r\n", E::Address),
        ("PROXY TCP4 1.1.1.1 2.2.2.2 65536 4\r\n", E::Port),
        ("PROXY TCP4 1.1.1.1 2.2.2.2 3 -4\r\n", E::Port),
        ("PROXY TCP4 1.1.1.1 2.2.2.2 +3 4\r\n", E::Port),
        ("PROXY TCP4 1.1.1.1 2.2.2.2 03 4\r\n", E::Port),
        ("PROXY TCP4 1.1.1.1 2.2.2.2 3 4\r\r\n", E::Port),
        ("PROXY TCP4 1.1.1.1 2.2.2.2 3 x\r\n", E::Port),
    ] {
        rows.push((text, v1(text), text.len(), error));
    }
    rows
}

#[test]
fn a_refusal_comes_with_the_first_byte_that_allows_it_and_stays() {
    for (name, bytes, needed, error) in bad() {
        for len in 0..=bytes.len() {
            let expected = if len < needed { Ok(None) } else { Err(error) };
            assert_eq!(Header::parse(&bytes[..len]), expected, "{name}, {len} bytes");
        }
    }
}

#[test]
fn texts_name_the_version_and_what_is_wrong() {
    assert_eq!(HeaderError::Port.to_string(), "version 1: a port is not a number from 0 to 65535");
    assert_eq!(HeaderError::TooLong.to_string(), "version 2: the header is longer than 4112 bytes");
    assert_eq!(HEADER_LEN_MAX, 4112);
}
