//! New connections: TCP, TLS where wanted, the WebSocket upgrade, `CONNECT`, `PING`, `PONG`, close.

use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::thread;

use anyhow::{Context as _, ensure};
use rustls::ClientConfig;

use crate::link::{Desk, Link, Opening};
use crate::sample::{Figure, Meter, Sample};
use crate::server::Server;
use crate::transport::Transport;

#[derive(Clone, Copy)]
pub(crate) struct Scenario {
    pub(crate) transport: Transport,
    /// TLS sessions are resumed; else each is new.
    pub(crate) resume: bool,
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.transport.fmt(f)?;
        f.write_str(match (self.transport.tls, self.resume) {
            (false, _) => "",
            (true, false) => ", full handshake",
            (true, true) => ", resumed",
        })
    }
}

/// Clients that open and close connections at the same time.
const CLIENTS: u8 = 4;

/// Opens and closes at least so many connections: CPU time for each, and how many there were in a second.
pub(crate) fn run(server: &Server, scenario: Scenario, count: u64) -> anyhow::Result<Sample> {
    let mut clients: Vec<Client> =
        (1..=CLIENTS).map(|number| Client::new(server, scenario, number)).collect::<anyhow::Result<_>>()?;
    let each = count.div_ceil(u64::from(CLIENTS));
    // Also gives each client a session to resume.
    all_together(&mut clients, |client| client.open(server, each.div_ceil(10)))?;
    let meter = Meter::start(server)?;
    all_together(&mut clients, |client| client.open_as_wished(server, each))?;
    let used = meter.stop()?;
    let count = each * u64::from(CLIENTS);
    let mut sample = used.per("connection", count);
    sample.push((Figure::Rate, count as f64 / used.seconds));
    Ok(sample)
}

fn all_together(
    clients: &mut [Client],
    act: impl Fn(&mut Client) -> anyhow::Result<()> + Copy + Send,
) -> anyhow::Result<()> {
    thread::scope(|scope| {
        let threads: Vec<_> = clients.iter_mut().map(|client| scope.spawn(move || act(client))).collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("a client returns its errors"))
    })
    .context("a client failed")
}

/// One client with sessions of its own: with shared ones a client could find that the others have taken them all.
struct Client {
    scenario: Scenario,
    source: Ipv4Addr,
    resuming: Option<Arc<ClientConfig>>,
    desk: Desk,
}

impl Client {
    fn new(server: &Server, scenario: Scenario, number: u8) -> anyhow::Result<Client> {
        let resuming = if scenario.resume { Some(server.certificates()?.resuming()) } else { None };
        // Closed connections keep their ports for a minute.
        let source = Ipv4Addr::new(127, 0, 1, number);
        Ok(Client { scenario, source, resuming, desk: Desk::new() })
    }

    fn open(&mut self, server: &Server, count: u64) -> anyhow::Result<()> {
        (0..count).try_for_each(|_| self.link(server)?.socket.close().map_err(Into::into))
    }

    /// The same, but each TLS session has to be new or resumed as the scenario says.
    fn open_as_wished(&mut self, server: &Server, count: u64) -> anyhow::Result<()> {
        for _ in 0..count {
            let link = self.link(server)?;
            let resumed = link.socket.is_resumed();
            ensure!(resumed == self.scenario.resume, "a TLS session was resumed or new against our wish");
            link.socket.close()?;
        }
        Ok(())
    }

    fn link(&mut self, server: &Server) -> anyhow::Result<Link> {
        let mut opening = Opening::new(self.scenario.transport, "");
        opening.source = self.source;
        opening.tls = self.resuming.as_ref();
        Link::open(server, opening, &mut self.desk)
    }
}
