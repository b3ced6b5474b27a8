//! The load: who sends what when, and what it cost the server.

use std::fmt;
use std::os::fd::AsRawFd as _;

use anyhow::Context as _;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use crate::cpu;
use crate::server::Server;
use crate::subscriber::{Link, SUBJECT, payload};

/// Who is connected.
#[derive(Clone, Copy)]
pub(crate) struct Scenario {
    pub(crate) subscribers: usize,
    pub(crate) payload: usize,
    pub(crate) websocket: bool,
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let transport = if self.websocket { "WebSocket" } else { "TCP" };
        write!(f, "fan-out of {} B to {} {transport} subscribers", self.payload, self.subscribers)
    }
}

/// When messages are sent. The next ones go out when all subscribers have all of those before.
#[derive(Clone, Copy)]
pub(crate) enum Pattern {
    /// Many messages in one write.
    Bursts { messages: u64, count: u64 },
    /// One message at a time.
    OneByOne { count: u64 },
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Pattern::Bursts { .. } => "bursts",
            Pattern::OneByOne { .. } => "one by one",
        })
    }
}

/// Runs a scenario and returns the server's CPU time per delivery in microseconds.
pub(crate) fn run(server: &Server, scenario: Scenario, pattern: Pattern) -> anyhow::Result<f64> {
    let subscribe = format!("SUB {SUBJECT} 1\r\n");
    let open = |ops| Link::open(server.connect(scenario.websocket)?, scenario.websocket, ops);
    let mut links = (0..scenario.subscribers).map(|_| open(&subscribe)).collect::<Result<Vec<_>, _>>()?;
    let mut publisher = open("")?;
    let mut poll = Poll::new()?;
    for (index, link) in links.iter().enumerate() {
        link.stream.set_nonblocking(true)?;
        let fd = link.stream.as_raw_fd();
        poll.registry().register(&mut SourceFd(&fd), Token(index), Interest::READABLE)?;
    }
    let (messages, count) = match pattern {
        Pattern::Bursts { messages, count } => (messages, count),
        Pattern::OneByOne { count } => (1, count),
    };
    let mut events = Events::with_capacity(1024);
    let mut sent = 0;
    let mut before = 0;
    // The first tenth warms up.
    let warm_up = count / 10 + 1;
    for step in 0..count + warm_up {
        if step == warm_up {
            before = cpu::time_ns(server.pid())?;
        }
        let mut ops = Vec::new();
        for number in sent..sent + messages {
            ops.extend_from_slice(format!("PUB {SUBJECT} {}\r\n", scenario.payload).as_bytes());
            ops.extend_from_slice(&payload(number, scenario.payload));
            ops.extend_from_slice(b"\r\n");
        }
        publisher.send(&ops)?;
        sent += messages;
        let mut missing = links.len();
        while missing > 0 {
            poll.poll(&mut events, Some(std::time::Duration::from_secs(10)))?;
            anyhow::ensure!(!events.is_empty(), "messages did not arrive: {missing} subscribers still wait");
            for event in &events {
                let link = links.get_mut(event.token().0).context("a token of ours")?;
                if drain(link, scenario.payload)? && link.received == sent {
                    missing -= 1;
                }
            }
        }
    }
    let used = cpu::time_ns(server.pid())? - before;
    Ok(used as f64 / 1000.0 / (count * messages * links.len() as u64) as f64)
}

/// Reads all that is there. Returns whether any message came.
fn drain(link: &mut Link, payload_len: usize) -> anyhow::Result<bool> {
    let before = link.received;
    loop {
        match link.read(Some(payload_len)) {
            Ok(()) => {}
            Err(error) => match error.downcast_ref::<std::io::Error>().map(std::io::Error::kind) {
                Some(std::io::ErrorKind::WouldBlock) => return Ok(link.received > before),
                _ => return Err(error),
            },
        }
    }
}
