//! Fan-out: one publisher, many subscribers of one subject.
//!
//! Every subscriber's every message is checked. A compressed WebSocket message is inflated once for all subscribers that get
//! the same compressed bytes, which is as good as inflating it for each, because no context is kept.

use std::fmt;
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use crate::clock;
use crate::expected::{Checker, Sent};
use crate::link::{Desk, Link, Opening};
use crate::payload::Payload;
use crate::sample::{Figure, Latencies, Meter, Sample};
use crate::server::Server;
use crate::transport::Transport;

const SUBJECT: &str = "dashboard.machines";
/// Nothing takes so long; the machine may be busy with something else.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who is connected, and what they get.
#[derive(Clone, Copy)]
pub(crate) struct Scenario {
    pub(crate) subscribers: usize,
    pub(crate) payload: Payload,
    pub(crate) transport: Transport,
    /// Each subscriber numbers its subscription otherwise, so that no two get the same bytes.
    pub(crate) different_sids: bool,
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Scenario { subscribers, payload, transport, .. } = self;
        write!(f, "{payload} to {subscribers} {transport}")?;
        if self.different_sids { write!(f, ", different sids") } else { Ok(()) }
    }
}

/// When messages are sent.
#[derive(Clone, Copy)]
pub(crate) enum Pattern {
    /// Many messages in one write; the next ones when all subscribers have these.
    Bursts { messages: u64, count: u64 },
    /// One message; the next one when all subscribers have it.
    OneByOne { count: u64 },
    /// So many messages a second, whatever has arrived.
    Rate { per_second: u64, count: u64 },
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pattern::Bursts { messages, .. } => write!(f, "bursts of {messages}"),
            Pattern::OneByOne { .. } => write!(f, "one by one"),
            Pattern::Rate { per_second, .. } => write!(f, "{per_second} messages a second"),
        }
    }
}

/// Runs a scenario: CPU time and bytes on the wire for each delivery, and at a fixed rate the latency.
pub(crate) fn run(server: &Server, scenario: Scenario, pattern: Pattern) -> anyhow::Result<Sample> {
    let mut run = Run::open(server, scenario, SUBJECT)?;
    // The first tenth warms up.
    match pattern {
        Pattern::Bursts { messages, count } => {
            run.closed_loop(count / 10 + 1, messages)?;
            run.measured(server, |run| run.closed_loop(count, messages))
        }
        Pattern::OneByOne { count } => {
            run.closed_loop(count / 10 + 1, 1)?;
            run.measured(server, |run| run.closed_loop(count, 1))
        }
        Pattern::Rate { per_second, count } => {
            run.fixed_rate(count / 10 + 1, per_second)?;
            run.latencies = Latencies::default();
            let mut sample = run.measured(server, |run| run.fixed_rate(count, per_second))?;
            sample.push((Figure::P50, run.latencies.percentile_us(0.5)));
            sample.push((Figure::P999, run.latencies.percentile_us(0.999)));
            Ok(sample)
        }
    }
}

struct Subscriber {
    link: Link,
    checker: Checker,
}

/// The connections of one subject.
pub(crate) struct Run {
    subject: String,
    subscribers: Vec<Subscriber>,
    publisher: Link,
    desk: Desk,
    sent: Sent,
    poll: Poll,
    /// Subscribers that do not have all of a burst yet.
    missing: usize,
    /// At a fixed rate: when each message since `timed_from` was due. Else empty.
    due: Vec<Instant>,
    timed_from: u64,
    latencies: Latencies,
}

impl Run {
    pub(crate) fn open(server: &Server, scenario: Scenario, subject: &str) -> anyhow::Result<Run> {
        let Scenario { subscribers: count, payload, transport, different_sids } = scenario;
        let mut desk = Desk::new();
        let poll = Poll::new()?;
        let mut subscribers = Vec::new();
        for index in 0..count {
            let sid = if different_sids { 1 + index as u64 } else { 1 };
            let ops = format!("SUB {subject} {sid}\r\n");
            let mut opening = Opening::new(transport, &ops);
            opening.source = source(index);
            let link = Link::open(server, opening, &mut desk)?;
            let stream = link.socket.stream();
            stream.set_nonblocking(true)?;
            let fd = stream.as_raw_fd();
            poll.registry().register(&mut SourceFd(&fd), Token(index), Interest::READABLE)?;
            subscribers.push(Subscriber { link, checker: Checker::new(subject, sid, payload) });
        }
        // The publisher is a plain one: what it costs is the same in every scenario.
        let plain = if transport.websocket { Transport::WEBSOCKET } else { Transport::TCP };
        let opening = Opening::new(Transport { tls: transport.tls, ..plain }, "");
        let publisher = Link::open(server, opening, &mut desk)?;
        let (sent, latencies) = (Sent::new(payload), Latencies::default());
        Ok(Run {
            subject: subject.to_owned(),
            subscribers,
            publisher,
            desk,
            sent,
            poll,
            missing: 0,
            due: Vec::new(),
            timed_from: 0,
            latencies,
        })
    }

    /// Does `work` and tells what a delivery in it has cost.
    fn measured(
        &mut self,
        server: &Server,
        work: impl FnOnce(&mut Run) -> anyhow::Result<()>,
    ) -> anyhow::Result<Sample> {
        let (sent, received, frames) = (self.sent.count(), self.received(), self.frames());
        let meter = Meter::start(server)?;
        work(self)?;
        let used = meter.stop()?;
        let deliveries = (self.sent.count() - sent) * self.subscribers.len() as u64;
        let bytes = (self.received() - received) as f64;
        let mut sample = used.per("delivery", deliveries);
        sample.push((Figure::WireBytes, bytes / deliveries as f64));
        let frames = self.frames() - frames;
        if frames > 0 {
            sample.push((Figure::PerFrame, deliveries as f64 / frames as f64));
        }
        Ok(sample)
    }

    /// WebSocket messages that have come to all subscribers.
    fn frames(&self) -> u64 {
        self.subscribers.iter().map(|subscriber| subscriber.link.messages).sum()
    }

    /// Bytes that have come over the wire to all subscribers.
    fn received(&self) -> u64 {
        self.subscribers.iter().map(|subscriber| subscriber.link.socket.received).sum()
    }

    fn publish(&mut self, messages: u64) -> anyhow::Result<()> {
        let mut ops = Vec::new();
        for _ in 0..messages {
            let body = self.sent.push();
            ops.extend_from_slice(format!("PUB {} {}\r\n", self.subject, body.len() - 2).as_bytes());
            ops.extend_from_slice(body);
        }
        self.publisher.send(&ops)
    }

    /// Sends so many messages in one write.
    pub(crate) fn start_burst(&mut self, messages: u64) -> anyhow::Result<()> {
        self.missing = self.subscribers.len();
        self.publish(messages)
    }

    /// Waits until all subscribers have the burst that was started last.
    pub(crate) fn finish_burst(&mut self, events: &mut Events) -> anyhow::Result<()> {
        while self.missing > 0 {
            self.wait(events)?;
            for event in &*events {
                self.missing -= usize::from(self.drain(event.token())?);
            }
        }
        self.sent.forget();
        Ok(())
    }

    fn closed_loop(&mut self, count: u64, messages: u64) -> anyhow::Result<()> {
        let mut events = Events::with_capacity(1024);
        for _ in 0..count {
            self.start_burst(messages)?;
            self.finish_burst(&mut events)?;
        }
        Ok(())
    }

    fn fixed_rate(&mut self, count: u64, per_second: u64) -> anyhow::Result<()> {
        let period = Duration::from_nanos(1_000_000_000 / per_second);
        let start = clock::now();
        let timer = clock::timer(period)?;
        let token = Token(self.subscribers.len());
        self.poll.registry().register(&mut SourceFd(&timer.as_raw_fd()), token, Interest::READABLE)?;
        (self.timed_from, self.due) = (self.sent.count(), Vec::new());
        let mut events = Events::with_capacity(1024);
        let mut missing = self.subscribers.len();
        while missing > 0 {
            self.wait(&mut events)?;
            for event in &events {
                if event.token() != token {
                    missing -= usize::from(self.drain(event.token())? && self.due.len() as u64 == count);
                    continue;
                }
                for _ in 0..clock::expirations(&timer)?.min(count - self.due.len() as u64) {
                    self.due.push(start + period * (self.due.len() as u32 + 1));
                    self.publish(1)?;
                }
            }
        }
        self.poll.registry().deregister(&mut SourceFd(&timer.as_raw_fd()))?;
        self.due.clear();
        self.sent.forget();
        Ok(())
    }

    fn wait(&mut self, events: &mut Events) -> anyhow::Result<()> {
        self.poll.poll(events, Some(PATIENCE))?;
        ensure!(!events.is_empty(), "messages did not arrive in {} s", PATIENCE.as_secs());
        Ok(())
    }

    /// Reads all that is there for one subscriber. Returns whether that has brought it the last message.
    fn drain(&mut self, token: Token) -> anyhow::Result<bool> {
        let Subscriber { link, checker } = self.subscribers.get_mut(token.0).context("a token of ours")?;
        let before = checker.received();
        while link.read(&mut self.desk, |bytes| checker.check(bytes, &self.sent))? {}
        if !self.due.is_empty() && checker.received() > before {
            let now = clock::now();
            for number in before..checker.received() {
                let due = self.due[(number - self.timed_from) as usize];
                self.latencies.push(now.saturating_duration_since(due));
            }
        }
        Ok(checker.received() > before && checker.received() == self.sent.count())
    }
}

/// Loopback addresses in turn: each has ports enough for some thousand connections.
pub(crate) fn source(index: usize) -> Ipv4Addr {
    const CONNECTIONS: usize = 5000;
    let number = 1 + (index / CONNECTIONS) as u8;
    Ipv4Addr::new(127, 0, 0, number)
}
