//! New connections: TCP, TLS where wanted, the WebSocket upgrade, `CONNECT`, `PING`, `PONG`, close.

use std::fmt;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use anyhow::{Context as _, ensure};

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

/// Connections that are being made at the same time.
const CLIENTS: u8 = 4;

/// Opens and closes so many connections: CPU time for each, and how many there were in a second.
pub(crate) fn run(server: &Server, scenario: Scenario, count: u64) -> anyhow::Result<Sample> {
    // Also gives each client a session to resume.
    all_clients(server, scenario, count / 10 + u64::from(CLIENTS), false)?;
    let meter = Meter::start(server)?;
    all_clients(server, scenario, count, true)?;
    let used = meter.stop()?;
    let mut sample = used.per("connection", count);
    sample.push((Figure::Rate, count as f64 / used.seconds));
    Ok(sample)
}

fn all_clients(server: &Server, scenario: Scenario, count: u64, must_resume: bool) -> anyhow::Result<()> {
    let next = AtomicU64::new(0);
    let client = |number: u8| -> anyhow::Result<()> {
        let mut desk = Desk::new();
        while next.fetch_add(1, Ordering::Relaxed) < count {
            let mut opening = Opening::new(scenario.transport, "");
            // Closed connections keep their ports for a minute.
            opening.source = Ipv4Addr::new(127, 0, 1, number);
            opening.resume = scenario.resume;
            let link = Link::open(server, opening, &mut desk)?;
            let as_wished = !must_resume || link.socket.is_resumed() == scenario.resume;
            ensure!(as_wished, "a TLS session was resumed or new against our wish");
            link.socket.close()?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let clients: Vec<_> = (1..=CLIENTS).map(|number| scope.spawn(move || client(number))).collect();
        clients.into_iter().try_for_each(|client| client.join().expect("a client returns its errors"))
    })
    .context("a client failed")
}
