//! Connections that say nothing: what memory each holds.

use std::net::Ipv4Addr;

use crate::link::{Desk, Link, Opening};
use crate::process;
use crate::sample::{Figure, Sample};
use crate::server::Server;
use crate::transport::Transport;

/// Opens so many connections, each with one subscription of its own, waits until the server is quiet, and tells how many bytes it has
/// grown by for each. The connections stay open in `links`, so that a larger number can follow.
pub(crate) fn run(
    server: &Server,
    transport: Transport,
    count: usize,
    base: u64,
    links: &mut Vec<Link>,
) -> anyhow::Result<Sample> {
    let mut desk = Desk::new();
    for index in links.len()..count {
        let ops = format!("SUB inbox.{index} 1\r\n");
        let mut opening = Opening::new(transport, &ops);
        // Each address has ports enough for some thousand connections.
        opening.source = Ipv4Addr::new(127, 0, 2, 1 + (index / 4000) as u8);
        links.push(Link::open(server, opening, &mut desk)?);
    }
    let resident = process::resident_when_quiet(server.pid())?;
    Ok(vec![(Figure::Resident, resident.saturating_sub(base) as f64 / count as f64)])
}
