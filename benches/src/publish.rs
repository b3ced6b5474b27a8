//! Publishers without subscribers: what reading, unmasking, inflating and parsing cost.
//!
//! The bytes are encoded before the clock starts. That every message has arrived is the server's own count (`/varz`), and
//! that it has understood them the answer to a `PING` behind them.

use std::fmt;

use anyhow::ensure;

use crate::deflate::Deflater;
use crate::link::{Desk, Link, Opening, encode_frame};
use crate::payload::Payload;
use crate::sample::{Meter, Sample};
use crate::server::Server;
use crate::transport::Transport;

const SUBJECT: &str = "sensors.readings";

#[derive(Clone, Copy)]
pub(crate) struct Scenario {
    pub(crate) transport: Transport,
    pub(crate) payload: Payload,
    /// Messages in one WebSocket message; on TCP there is no such thing.
    pub(crate) per_frame: u64,
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} over {}", self.payload, self.transport)?;
        match self.per_frame {
            _ if !self.transport.websocket => Ok(()),
            1 => write!(f, ", one a frame"),
            count => write!(f, ", {count} a frame"),
        }
    }
}

/// Messages in one write.
const BATCH: u64 = 100;
/// Different batches, sent in turn.
const BATCHES: u64 = 16;
/// Batches between two `PING`s.
const WINDOW: u64 = 8;

/// Messages of one window.
pub(crate) const WINDOW_MESSAGES: u64 = WINDOW * BATCH;

/// Runs a scenario with so many messages: CPU time for each.
pub(crate) fn run(server: &Server, scenario: Scenario, messages: u64) -> anyhow::Result<Sample> {
    let mut publisher = Publisher::open(server, scenario)?;
    let mut send = |windows: u64| -> anyhow::Result<()> {
        for _ in 0..windows {
            publisher.send()?;
            publisher.wait()?;
        }
        Ok(())
    };
    let windows = messages / WINDOW_MESSAGES + 1;
    send(windows / 10 + 1)?;
    let published = server.published()?;
    let meter = Meter::start(server)?;
    send(windows)?;
    let used = meter.stop()?;
    let sent = windows * WINDOW_MESSAGES;
    if let (Some(before), Some(after)) = (published, server.published()?) {
        ensure!(after - before == sent, "{sent} messages were sent, and {} arrived", after - before);
    }
    Ok(used.per("message", sent))
}

/// A connection that publishes, in windows that end with a `PING`.
pub(crate) struct Publisher {
    link: Link,
    desk: Desk,
    batches: Vec<Vec<u8>>,
    /// The batch that is sent next.
    next: usize,
    /// A `PING` has no answer yet.
    waits: bool,
}

impl Publisher {
    pub(crate) fn open(server: &Server, scenario: Scenario) -> anyhow::Result<Publisher> {
        let mut desk = Desk::new();
        let link = Link::open(server, Opening::new(scenario.transport, ""), &mut desk)?;
        let batches = (0..BATCHES).map(|number| batch(scenario, number)).collect::<Result<_, _>>()?;
        Ok(Publisher { link, desk, batches, next: 0, waits: false })
    }

    /// Sends one window.
    pub(crate) fn send(&mut self) -> anyhow::Result<()> {
        for _ in 0..WINDOW {
            self.link.send_encoded(&self.batches[self.next])?;
            self.next = (self.next + 1) % self.batches.len();
        }
        self.waits = true;
        self.link.send(b"PING\r\n")
    }

    /// Waits until the server has handled what was sent.
    pub(crate) fn wait(&mut self) -> anyhow::Result<()> {
        if std::mem::take(&mut self.waits) { self.link.wait_for_pong(&mut self.desk) } else { Ok(()) }
    }
}

/// The bytes of one write.
fn batch(scenario: Scenario, number: u64) -> anyhow::Result<Vec<u8>> {
    let Scenario { transport, payload, per_frame } = scenario;
    let mut deflater = Deflater::new();
    let mut out = Vec::new();
    let mut ops = Vec::new();
    for message in 1..=BATCH {
        ops.extend_from_slice(format!("PUB {SUBJECT} {}\r\n", payload.len()).as_bytes());
        payload.write(number * BATCH + message, &mut ops);
        ops.extend_from_slice(b"\r\n");
        if message % per_frame != 0 {
            continue;
        }
        if !transport.websocket {
            out.append(&mut ops);
        } else if transport.compressed {
            encode_frame(&deflater.compress(&ops)?, true, &mut out);
        } else {
            encode_frame(&ops, false, &mut out);
        }
        ops.clear();
    }
    ensure!(ops.is_empty(), "a batch is whole frames");
    Ok(out)
}
