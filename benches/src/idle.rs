//! Connections that say nothing: what memory each holds.

use std::net::Ipv4Addr;

use crate::link::{Desk, Link, Opening};
use crate::server::Server;
use crate::transport::Transport;

/// Opens connections until there are so many, each with one subscription of its own.
pub(crate) fn open(
    server: &Server,
    transport: Transport,
    count: usize,
    links: &mut Vec<Link>,
) -> anyhow::Result<()> {
    let mut desk = Desk::new();
    for index in links.len()..count {
        let ops = format!("SUB inbox.{index} 1\r\n");
        let mut opening = Opening::new(transport, &ops);
        // Each address has ports enough for some thousand connections.
        opening.source = Ipv4Addr::new(127, 0, 2, 1 + (index / 4000) as u8);
        links.push(Link::open(server, opening, &mut desk)?);
    }
    Ok(())
}
