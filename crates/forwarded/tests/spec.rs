//! The rules, a row each.
#![allow(missing_docs, clippy::unwrap_used)]

use dunlin_forwarded::{Fields, Network, NetworkError, Scheme, TrustedProxies, resolve};

/// The proxies of the tables: this machine and two networks.
fn trusted() -> TrustedProxies {
    let list = ["127.0.0.1", "10.0.0.0/8", "2001:db8:1::/48"];
    TrustedProxies::new(list.into_iter().map(|text| text.parse().unwrap()).collect())
}

/// Header lines such as `f: for=192.0.2.1`, with `x` for X-Forwarded-For, `p` for X-Forwarded-Proto and `f` for Forwarded.
/// The answer: address and port, scheme, in the form `192.0.2.1:80 https`.
fn answer(peer: &str, lines: &[&str], trusted: &TrustedProxies) -> String {
    let of = |letter: &str| -> Vec<&[u8]> {
        lines
            .iter()
            .filter_map(|line| line.strip_prefix(letter)?.strip_prefix(": "))
            .map(str::as_bytes)
            .collect()
    };
    let fields = Fields { x_forwarded_for: &of("x"), x_forwarded_proto: &of("p"), forwarded: &of("f") };
    let client = resolve(peer.parse().unwrap(), &fields, trusted);
    assert_eq!(client.is_forwarded, client.ip != peer.parse::<std::net::IpAddr>().unwrap().to_canonical());
    let port = client.port.map_or(String::new(), |port| format!(":{port}"));
    let scheme = match client.scheme {
        None => "",
        Some(Scheme::Http) => " http",
        Some(Scheme::Https) => " https",
    };
    format!("{}{port}{scheme}", client.ip)
}

fn check(rows: &[(&[&str], &str)]) {
    for (lines, expected) in rows {
        assert_eq!(answer("127.0.0.1", lines, &trusted()), *expected, "{lines:?}");
        // Whoever is not trusted is not believed, whatever he writes.
        assert_eq!(answer("192.0.2.66", lines, &trusted()), "192.0.2.66", "{lines:?}");
    }
}

#[test]
fn x_forwarded_for_is_read_from_the_right_past_trusted_hops() {
    check(&[
        (&[], "127.0.0.1"),
        (&["x: 203.0.113.195"], "203.0.113.195"),
        (&["x: 203.0.113.195, 198.51.100.178"], "198.51.100.178"),
        (&["x: 203.0.113.195, 10.0.0.7"], "203.0.113.195"),
        (&["x: 203.0.113.195, 10.0.0.7, 10.9.9.9"], "203.0.113.195"),
        (&["x: 1.1.1.1, 203.0.113.195, 10.0.0.7"], "203.0.113.195"),
        // All are proxies: the first of them has sent it itself.
        (&["x: 10.0.0.8, 10.0.0.7"], "10.0.0.8"),
        // Several lines are one list.
        (&["x: 203.0.113.195", "x: 10.0.0.7"], "203.0.113.195"),
        (&["x: 203.0.113.195", "x: 198.51.100.178"], "198.51.100.178"),
        (&["x: 203.0.113.195,10.0.0.8", "x: 10.0.0.7"], "203.0.113.195"),
        // Blanks and empty entries.
        (&["x:   203.0.113.195 ,\t10.0.0.7  "], "203.0.113.195"),
        (&["x: 203.0.113.195,, 10.0.0.7,"], "203.0.113.195"),
        (&["x: "], "127.0.0.1"),
        (&["x: ,,"], "127.0.0.1"),
    ]);
}

#[test]
fn x_forwarded_for_takes_addresses_in_all_their_forms() {
    check(&[
        (&["x: 203.0.113.195:41352"], "203.0.113.195:41352"),
        (&["x: 2001:db8::7"], "2001:db8::7"),
        (&["x: [2001:db8::7]"], "2001:db8::7"),
        (&["x: [2001:db8::7]:41352"], "2001:db8::7:41352"),
        (&["x: ::ffff:203.0.113.195"], "203.0.113.195"),
        (&["x: [::ffff:203.0.113.195]:80"], "203.0.113.195:80"),
        (&["x: 203.0.113.195, 2001:db8:1::5"], "203.0.113.195"),
        (&["x: 203.0.113.195, [2001:db8:1::5]:443"], "203.0.113.195"),
        (&["x: 203.0.113.195, ::ffff:10.0.0.7"], "203.0.113.195"),
        (&["x: 203.0.113.195, 10.0.0.7:80"], "203.0.113.195"),
    ]);
}

#[test]
fn what_is_no_address_ends_the_walk_at_the_last_good_one() {
    for garbage in [
        "unknown",
        "_hidden",
        "localhost",
        "203.0.113",
        "203.0.113.1.5",
        "203.0.113.256",
        "0203.0.113.1",
        "203.0.113.1:",
        "203.0.113.1:65536",
        "203.0.113.1:x",
        "203.0.113.1 203.0.113.2",
        "[203.0.113.1]",
        "[2001:db8::7",
        "2001:db8::7]",
        "[2001:db8::7]80",
        "2001:db8::g",
        "\"203.0.113.1\"",
        "for=203.0.113.1",
        "203.0.113.1/32",
        "\u{1}",
        "\u{e4}",
        ":",
    ] {
        check(&[
            (&[&format!("x: {garbage}")], "127.0.0.1"),
            (&[&format!("x: 203.0.113.195, {garbage}")], "127.0.0.1"),
            (&[&format!("x: 203.0.113.195, {garbage}, 10.0.0.7")], "10.0.0.7"),
            (&[&format!("x: {garbage}, 203.0.113.195, 10.0.0.7")], "203.0.113.195"),
        ]);
    }
}

#[test]
fn forwarded_follows_rfc_7239() {
    check(&[
        // The examples of RFC 7239 §4 and §7.1.
        (&["f: for=\"_gazonk\""], "127.0.0.1"),
        (&["f: For=\"[2001:db8:cafe::17]:4711\""], "2001:db8:cafe::17:4711"),
        (&["f: for=192.0.2.60;proto=http;by=203.0.113.43"], "192.0.2.60 http"),
        (&["f: for=192.0.2.43, for=198.51.100.17"], "198.51.100.17"),
        (&["f: for=192.0.2.43,for=\"[2001:db8:cafe::17]\",for=unknown"], "127.0.0.1"),
        (&["f: for=192.0.2.43, for=\"[2001:db8:cafe::17]\""], "2001:db8:cafe::17"),
        (&["f: for=_hidden, for=_SEVKISEK"], "127.0.0.1"),
        // Through trusted hops, over lines.
        (&["f: for=192.0.2.43, for=10.0.0.7"], "192.0.2.43"),
        (&["f: for=192.0.2.43", "f: for=10.0.0.7"], "192.0.2.43"),
        (&["f: for=192.0.2.43;proto=https, for=10.0.0.7;proto=http"], "192.0.2.43 https"),
        (&["f: for=192.0.2.43, for=10.0.0.7;proto=http"], "192.0.2.43"),
        (&["f: for=unknown;proto=https, for=10.0.0.7;proto=http"], "10.0.0.7 https"),
        (&["f: proto=https"], "127.0.0.1 https"),
        // Quoted strings (RFC 9110 §5.6.4) may hold commas and semicolons, and are the same as tokens.
        (&["f: for=\"192.0.2.43\";host=\"a,b;for=10.0.0.9\""], "192.0.2.43"),
        (&["f: host=\"say \\\"hi\\\", for=1.2.3.4\";for=192.0.2.43"], "192.0.2.43"),
        (&["f: for=\"192.0.2.43:80\";proto=\"HTTPS\""], "192.0.2.43:80 https"),
        (&["f: for=\"\\192.0.2.43\""], "192.0.2.43"),
        // Ports that are hidden hide the node as well.
        (&["f: for=\"192.0.2.43:_port\""], "127.0.0.1"),
        // Parameters nobody knows, empty pairs and elements, blanks.
        (&["f: secret=xyz;for=192.0.2.43"], "192.0.2.43"),
        (&["f: ;for=192.0.2.43;;proto=https;"], "192.0.2.43 https"),
        (&["f: for=192.0.2.43 ; proto=https"], "192.0.2.43 https"),
        (&["f: , ,for=192.0.2.43 ,\t,"], "192.0.2.43"),
        (&["f: for=192.0.2.43;proto=ftp"], "192.0.2.43"),
    ]);
}

#[test]
fn a_line_of_forwarded_that_breaks_the_grammar_ends_the_walk() {
    for garbage in [
        "for",
        "for=",
        "for= 192.0.2.43",
        "for =192.0.2.43",
        "=192.0.2.43",
        "for=192.0.2.43:80",
        "for=[2001:db8::7]",
        "for=\"192.0.2.43",
        "for=\"192.0.2.43\\",
        "for=192.0.2.43;for=192.0.2.43",
        "for=192.0.2.43 for=1.2.3.4",
        "192.0.2.43",
        "for=\"192.0.2.43\"x",
        "for=192.0.2.43\u{0}",
    ] {
        check(&[
            (&[&format!("f: {garbage}")], "127.0.0.1"),
            (&[&format!("f: {garbage}"), "f: for=10.0.0.7"], "10.0.0.7"),
            (&[&format!("f: {garbage}"), "f: for=203.0.113.9, for=10.0.0.7"], "203.0.113.9"),
        ]);
    }
    let long = format!("f: {}for=192.0.2.43", "for=10.0.0.7,".repeat(64));
    check(&[(&[&long], "127.0.0.1")]);
    let longest = format!("f: for=192.0.2.43{}", ",for=10.0.0.7".repeat(63));
    check(&[(&[&longest], "192.0.2.43")]);
}

#[test]
fn two_headers_are_believed_only_where_they_agree() {
    check(&[
        (&["x: 203.0.113.195", "f: for=203.0.113.195"], "203.0.113.195"),
        (&["x: 203.0.113.195", "f: for=\"203.0.113.195:80\";proto=https"], "203.0.113.195:80 https"),
        (&["x: 203.0.113.195", "p: http", "f: for=203.0.113.195;proto=https"], "203.0.113.195"),
        (&["x: 203.0.113.195", "p: https", "f: for=203.0.113.195;proto=https"], "203.0.113.195 https"),
        (&["x: 203.0.113.195", "p: https", "f: for=203.0.113.195"], "203.0.113.195 https"),
        (&["x: 203.0.113.195", "f: for=198.51.100.178;proto=https"], "127.0.0.1"),
        (&["x: 203.0.113.195", "p: https", "f: for=unknown"], "127.0.0.1"),
        (&["x: 203.0.113.195", "f: garbage"], "127.0.0.1"),
        (&["x: unknown", "f: for=203.0.113.195"], "127.0.0.1"),
        // The peer's own address in one of them is not what the other says, which is nothing.
        (&["x: unknown", "f: for=\"127.0.0.1:4\""], "127.0.0.1"),
        (&["x: 127.0.0.1:4", "f: for=unknown"], "127.0.0.1"),
    ]);
}

#[test]
fn the_scheme_is_that_of_the_clients_place_in_the_list() {
    check(&[
        (&["p: https"], "127.0.0.1 https"),
        (&["p: HTTPS", "x: 203.0.113.195"], "203.0.113.195 https"),
        (&["p: wss", "x: 203.0.113.195"], "203.0.113.195 https"),
        (&["p: ws", "x: 203.0.113.195"], "203.0.113.195 http"),
        (&["p: gopher", "x: 203.0.113.195"], "203.0.113.195"),
        (&["p: https, http", "x: 203.0.113.195, 10.0.0.7"], "203.0.113.195 https"),
        (&["p: https", "p: http", "x: 203.0.113.195, 10.0.0.7"], "203.0.113.195 https"),
        (&["p: http, https", "x: 1.1.1.1, 203.0.113.195"], "203.0.113.195 https"),
        // Of another length: the peer's own word.
        (&["p: https, http", "x: 203.0.113.195"], "203.0.113.195 http"),
        (&["p: https", "x: 203.0.113.195, 10.0.0.7"], "203.0.113.195 https"),
        (&["p: ", "x: 203.0.113.195"], "203.0.113.195"),
    ]);
}

#[test]
fn without_a_list_only_this_machine_is_trusted() {
    let default = TrustedProxies::default();
    let lines = ["x: 203.0.113.195, 198.51.100.178"];
    for (peer, expected) in [
        ("127.0.0.1", "198.51.100.178"),
        ("127.8.9.10", "198.51.100.178"),
        ("::1", "198.51.100.178"),
        ("::ffff:127.0.0.1", "198.51.100.178"),
        ("10.0.0.1", "10.0.0.1"),
        ("192.168.0.1", "192.168.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
    ] {
        assert_eq!(answer(peer, &lines, &default), expected, "{peer}");
    }
    assert_eq!(answer("127.0.0.1", &["x: 203.0.113.195, 127.0.0.1"], &default), "203.0.113.195");
    assert_eq!(default.networks(), None);
}

#[test]
fn a_list_is_exact() {
    let of = |list: &[&str]| TrustedProxies::new(list.iter().map(|text| text.parse().unwrap()).collect());
    for (list, ip, expected) in [
        (&["10.0.0.0/8"][..], "127.0.0.1", false),
        (&[], "127.0.0.1", false),
        (&["10.0.0.0/8"], "10.255.255.255", true),
        (&["10.0.0.0/8"], "11.0.0.0", false),
        (&["10.0.0.0/8"], "::ffff:10.1.2.3", true),
        (&["::ffff:10.0.0.0/104"], "10.1.2.3", true),
        (&["::ffff:10.1.2.3"], "10.1.2.3", true),
        (&["10.1.2.3/8"], "10.200.0.1", true),
        (&["192.0.2.1"], "192.0.2.1", true),
        (&["192.0.2.1"], "192.0.2.2", false),
        (&["0.0.0.0/0"], "203.0.113.1", true),
        (&["0.0.0.0/0"], "2001:db8::1", false),
        (&["::/0"], "2001:db8::1", true),
        (&["::/0"], "203.0.113.1", false),
        (&["2001:db8::/33"], "2001:db8:7fff::1", true),
        (&["2001:db8::/33"], "2001:db8:8000::1", false),
        (&["192.0.2.1", "2001:db8::1"], "2001:db8::1", true),
    ] {
        assert_eq!(of(list).trusts(ip.parse().unwrap()), expected, "{list:?} {ip}");
    }
}

#[test]
fn networks() {
    for (text, expected) in [
        ("10.0.0.0/8", Ok("10.0.0.0/8")),
        ("10.9.9.9/8", Ok("10.0.0.0/8")),
        ("10.0.0.1", Ok("10.0.0.1/32")),
        ("::1", Ok("::1/128")),
        ("2001:DB8::/32", Ok("2001:db8::/32")),
        ("::ffff:10.0.0.0/104", Ok("10.0.0.0/8")),
        ("", Err(NetworkError::Address)),
        ("localhost", Err(NetworkError::Address)),
        ("10.0.0/8", Err(NetworkError::Address)),
        ("[::1]", Err(NetworkError::Address)),
        ("10.0.0.1:80", Err(NetworkError::Address)),
        ("10.0.0.0/33", Err(NetworkError::PrefixLength)),
        ("::/129", Err(NetworkError::PrefixLength)),
        ("10.0.0.0/", Err(NetworkError::PrefixLength)),
        ("10.0.0.0/+8", Err(NetworkError::PrefixLength)),
        ("10.0.0.0/255.0.0.0", Err(NetworkError::PrefixLength)),
        ("10.0.0.0/8/8", Err(NetworkError::PrefixLength)),
    ] {
        let parsed = text.parse::<Network>().map(|network| network.to_string());
        assert_eq!(parsed, expected.map(str::to_owned), "{text:?}");
    }
}
