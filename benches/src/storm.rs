//! All clients lose their connections at the same moment, and all come back at once.

use std::fmt;
use std::net::Ipv4Addr;

use anyhow::Context as _;

use crate::expected::{Checker, Sent};
use crate::link::{Desk, Link, Opening};
use crate::payload::Payload;
use crate::sample::{Figure, Meter, Sample};
use crate::server::Server;
use crate::transport::Transport;

const SUBJECT: &str = "alarms";
const PAYLOAD: Payload = Payload::Text(128);

#[derive(Clone, Copy)]
pub(crate) struct Scenario {
    pub(crate) transport: Transport,
    pub(crate) clients: usize,
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} clients come back", self.clients, self.transport)
    }
}

/// Runs a scenario: CPU time for each client that went and came back, and how long it took until all were.
pub(crate) fn run(server: &Server, scenario: Scenario) -> anyhow::Result<Sample> {
    let mut desk = Desk::new();
    let links = all_at_once(server, scenario, &mut desk)?;
    let meter = Meter::start(server)?;
    for link in links {
        link.socket.close()?;
    }
    let links = all_at_once(server, scenario, &mut desk)?;
    let used = meter.stop()?;
    everybody_gets_a_message(server, scenario, links, &mut desk)?;
    let mut sample = used.per("client", scenario.clients as u64);
    sample.push((Figure::Seconds("until all are back"), used.seconds));
    Ok(sample)
}

/// Every client takes each step before any takes the next one, so that the server has all of them at the same time.
fn all_at_once(server: &Server, scenario: Scenario, desk: &mut Desk) -> anyhow::Result<Vec<Link>> {
    let ops = format!("SUB {SUBJECT} 1\r\n");
    let mut links = Vec::with_capacity(scenario.clients);
    for index in 0..scenario.clients {
        let mut opening = Opening::new(scenario.transport, "");
        // Closed connections keep their ports for a minute: many addresses have ports enough.
        opening.source = Ipv4Addr::new(127, 0, 3, 1 + (index % 250) as u8);
        links.push(Link::connect(server, opening)?);
    }
    for link in &mut links {
        link.introduce(&ops, desk)?;
    }
    for link in &mut links {
        link.settle(desk)?;
    }
    Ok(links)
}

fn everybody_gets_a_message(
    server: &Server,
    scenario: Scenario,
    links: Vec<Link>,
    desk: &mut Desk,
) -> anyhow::Result<()> {
    let mut publisher = Link::open(server, Opening::new(scenario.transport, ""), desk)?;
    let mut sent = Sent::new(PAYLOAD);
    let body = sent.push();
    let mut op = format!("PUB {SUBJECT} {}\r\n", PAYLOAD.len()).into_bytes();
    op.extend_from_slice(body);
    publisher.send(&op)?;
    for (index, mut link) in links.into_iter().enumerate() {
        let mut checker = Checker::new(SUBJECT, 1, PAYLOAD);
        while checker.received() == 0 {
            link.read(desk, |bytes| checker.check(bytes, &sent))
                .with_context(|| format!("client {index} is not subscribed again"))?;
        }
    }
    Ok(())
}
