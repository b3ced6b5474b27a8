//! From the peer back to the client.

use core::net::IpAddr;

use crate::address::Address;
use crate::forwarded;
use crate::trusted::TrustedProxies;
use crate::x_forwarded_for::{entries_from_right, parse_entry};

/// The values of a request's header fields, line by line in their order. Their length is for the reader of the request to
/// limit; the time taken here grows with it and no faster.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fields<'a> {
    /// `X-Forwarded-For`.
    pub x_forwarded_for: &'a [&'a [u8]],
    /// `X-Forwarded-Proto`.
    pub x_forwarded_proto: &'a [&'a [u8]],
    /// `Forwarded`.
    pub forwarded: &'a [&'a [u8]],
}

/// Who sent a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Client {
    /// The address: that of the peer where nothing further is believed. IPv4 is always IPv4, however it was written.
    pub ip: IpAddr,
    /// The port that belongs to the address, where a header tells.
    pub port: Option<u16>,
    /// What the client spoke to the first trusted proxy. `None`: nobody who is trusted has said so.
    pub scheme: Option<Scheme>,
    /// The address is from a header, and not the peer's.
    pub is_forwarded: bool,
}

/// What a client speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scheme {
    /// `http`, or `ws`.
    Http,
    /// `https`, or `wss`.
    Https,
}

impl Scheme {
    pub(crate) fn parse(text: &str) -> Option<Scheme> {
        let is = |name: &str| text.eq_ignore_ascii_case(name);
        if is("https") || is("wss") {
            Some(Scheme::Https)
        } else if is("http") || is("ws") {
            Some(Scheme::Http)
        } else {
            None
        }
    }
}

/// How far a walk has come.
#[derive(Clone, Copy, Debug)]
struct Walk {
    ip: IpAddr,
    port: Option<u16>,
    /// Steps taken from the peer.
    steps: usize,
}

impl Walk {
    fn start(peer: IpAddr) -> Walk {
        Walk { ip: peer, port: None, steps: 0 }
    }

    fn step(&mut self, address: Address) {
        *self = Walk { ip: address.ip, port: address.port, steps: self.steps + 1 };
    }

    fn is_forwarded(self) -> bool {
        self.steps > 0
    }

    fn client(self, scheme: Option<Scheme>) -> Client {
        Client { ip: self.ip, port: self.port, scheme, is_forwarded: self.is_forwarded() }
    }
}

/// Finds out who sent a request that came from `peer`. See the crate's README for the rules.
pub fn resolve(peer: IpAddr, fields: &Fields<'_>, trusted: &TrustedProxies) -> Client {
    let start = Walk::start(peer.to_canonical());
    if !trusted.trusts(start.ip) {
        return start.client(None);
    }
    let list = walk_list(start, fields.x_forwarded_for, trusted);
    let (forwarded, scheme) = walk_forwarded(start, fields.forwarded, trusted);
    let listed_scheme = scheme_of(fields, list.steps);
    match (fields.x_forwarded_for.is_empty(), fields.forwarded.is_empty()) {
        (_, true) => list.client(listed_scheme),
        (true, false) => forwarded.client(scheme.or(listed_scheme)),
        // A header that says nothing does not agree with one that names the peer itself.
        (false, false) if list.ip == forwarded.ip && list.is_forwarded() == forwarded.is_forwarded() => {
            let scheme = match (scheme, listed_scheme) {
                (Some(one), Some(other)) => (one == other).then_some(one),
                (one, other) => one.or(other),
            };
            Walk { port: list.port.or(forwarded.port), ..list }.client(scheme)
        }
        (false, false) => start.client(None),
    }
}

fn walk_list(start: Walk, lines: &[&[u8]], trusted: &TrustedProxies) -> Walk {
    let mut walk = start;
    for entry in entries_from_right(lines) {
        let Some(address) = parse_entry(entry) else { break };
        walk.step(address);
        if !trusted.trusts(address.ip) {
            break;
        }
    }
    walk
}

/// The walk, and the scheme in the last element of it.
fn walk_forwarded(start: Walk, lines: &[&[u8]], trusted: &TrustedProxies) -> (Walk, Option<Scheme>) {
    let (mut walk, mut scheme) = (start, None);
    for line in lines.iter().rev() {
        let Some(elements) = forwarded::parse_line(line) else { break };
        for element in elements.iter().rev() {
            // The word of a trusted hop, also where it does not tell the address.
            scheme = element.scheme;
            let Some(address) = element.address else { return (walk, scheme) };
            walk.step(address);
            if !trusted.trusts(address.ip) {
                return (walk, scheme);
            }
        }
    }
    (walk, scheme)
}

/// `X-Forwarded-Proto` is one value, or a list. Where it is as long as that of the addresses, the value at the client's place
/// is taken, and else the last, which is the peer's own word.
fn scheme_of(fields: &Fields<'_>, steps: usize) -> Option<Scheme> {
    let schemes = || entries_from_right(fields.x_forwarded_proto);
    let is_aligned = schemes().count() == entries_from_right(fields.x_forwarded_for).count();
    let at = if is_aligned { steps.saturating_sub(1) } else { 0 };
    schemes().nth(at).and_then(Scheme::parse)
}
