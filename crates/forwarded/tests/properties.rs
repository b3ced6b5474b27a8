//! What holds for all lists.
#![allow(missing_docs, clippy::unwrap_used)]

use std::net::IpAddr;

use dunlin_forwarded::{Client, Fields, TrustedProxies, resolve};
use proptest::prelude::*;

fn trusted() -> TrustedProxies {
    TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()])
}

/// A hop: a proxy, a stranger, or something that is no address.
fn hops() -> impl Strategy<Value = Vec<Result<IpAddr, &'static str>>> {
    let hop = prop_oneof![
        4 => any::<u8>().prop_map(|n| Ok(IpAddr::from([10, 0, 0, n]))),
        2 => any::<u16>().prop_map(|n| Ok(IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, n]))),
        2 => any::<u8>().prop_map(|n| Ok(IpAddr::from([203, 0, 113, n]))),
        1 => prop_oneof![Just(Err("unknown")), Just(Err("_x")), Just(Err("?"))],
    ];
    proptest::collection::vec(hop, 1..8)
}

/// The rule, without any parsing.
fn naive(peer: IpAddr, hops: &[Result<IpAddr, &str>]) -> IpAddr {
    let mut at = peer;
    for hop in hops.iter().rev() {
        if !trusted().trusts(at) {
            break;
        }
        match hop {
            Ok(ip) => at = *ip,
            Err(_) => break,
        }
    }
    at
}

/// Divides a list into lines.
fn lines(items: &[String], breaks: u8) -> Vec<String> {
    let mut lines = vec![String::new()];
    for (index, item) in items.iter().enumerate() {
        let line = lines.last_mut().unwrap();
        line.push_str(if line.is_empty() { "" } else { ", " });
        line.push_str(item);
        if breaks >> (index % 8) & 1 == 1 && index + 1 < items.len() {
            lines.push(String::new());
        }
    }
    lines
}

fn ask(peer: IpAddr, list: &[String], forwarded: &[String]) -> Client {
    let bytes =
        |lines: &[String]| -> Vec<Vec<u8>> { lines.iter().map(|line| line.clone().into_bytes()).collect() };
    let (list, forwarded) = (bytes(list), bytes(forwarded));
    let list: Vec<&[u8]> = list.iter().map(Vec::as_slice).collect();
    let forwarded: Vec<&[u8]> = forwarded.iter().map(Vec::as_slice).collect();
    let fields = Fields { x_forwarded_for: &list, forwarded: &forwarded, x_forwarded_proto: &[] };
    resolve(peer, &fields, &trusted())
}

proptest! {
    #[test]
    fn both_headers_lead_to_the_client(hops in hops(), breaks in any::<u8>(), is_trusted in any::<bool>()) {
        let peer = if is_trusted { IpAddr::from([10, 1, 1, 1]) } else { IpAddr::from([192, 0, 2, 1]) };
        let expected = naive(peer, &hops);
        let list: Vec<String> = hops.iter().map(|hop| match hop {
            Ok(ip) => ip.to_string(),
            Err(text) => (*text).to_owned(),
        }).collect();
        let forwarded: Vec<String> = hops.iter().map(|hop| match hop {
            Ok(ip @ IpAddr::V4(_)) => format!("for={ip}"),
            Ok(ip @ IpAddr::V6(_)) => format!("proto=https;For=\"[{ip}]\""),
            Err("?") => "by=_x".to_owned(),
            Err(text) => format!("for={text}"),
        }).collect();
        let (list, forwarded) = (lines(&list, breaks), lines(&forwarded, breaks.rotate_left(3)));
        prop_assert_eq!(ask(peer, &list, &[]).ip, expected);
        prop_assert_eq!(ask(peer, &[], &forwarded).ip, expected);
        prop_assert_eq!(ask(peer, &list, &forwarded).ip, expected);
    }

    #[test]
    fn what_strangers_send_does_not_move_the_answer(invented in "[ -~]{0,40}", hops in hops()) {
        // Behind a stranger's entry, whatever he sent before it is not looked at.
        let peer = IpAddr::from([10, 1, 1, 1]);
        let stranger = IpAddr::from([203, 0, 113, 7]);
        let behind: Vec<String> = hops.iter().flatten().filter(|ip| trusted().trusts(**ip)).map(|ip| ip.to_string()).collect();
        let list = [vec![invented, stranger.to_string()], behind].concat().join(", ");
        prop_assert_eq!(ask(peer, &[list], &[]).ip, stranger);
    }

    #[test]
    fn no_bytes_make_it_panic(list in ".{0,60}", forwarded in "[-a-z0-9=;, \\\\\"\\[\\]:.]{0,60}") {
        ask(IpAddr::from([10, 1, 1, 1]), &[list], &[forwarded]);
    }
}
