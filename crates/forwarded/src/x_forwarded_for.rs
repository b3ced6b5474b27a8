//! The lists of `X-Forwarded-For` and `X-Forwarded-Proto`.

use core::net::IpAddr;

use crate::address::Address;

/// The entries of a list that may stand on several lines, from the last to the first. Empty entries do not count
/// (RFC 9110 §5.6.1). An entry that is not ASCII text comes as text that means nothing.
pub(crate) fn entries_from_right<'a>(lines: &'a [&'a [u8]]) -> impl Iterator<Item = &'a str> {
    let entries = lines.iter().rev().flat_map(|line| line.rsplit(|&byte| byte == b','));
    entries
        .map(<[u8]>::trim_ascii)
        .filter(|entry| !entry.is_empty())
        .map(|entry| core::str::from_utf8(entry).unwrap_or("?"))
}

/// An entry of `X-Forwarded-For`: an address with or without a port; IPv6 also without brackets.
pub(crate) fn parse_entry(text: &str) -> Option<Address> {
    let bare = || text.parse::<IpAddr>().ok().map(|ip| Address { ip: ip.to_canonical(), port: None });
    Address::parse(text).or_else(bare)
}
