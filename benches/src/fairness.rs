//! A thousand quiet clients, and a publisher that floods the server they share: what they notice of it.
//!
//! Each client in its turn, by the clock, publishes a message to itself. Its latency is counted from when it was due, so what is
//! sent late because this program had no core counts too.

use std::collections::VecDeque;
use std::fmt;
use std::os::fd::AsRawFd as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use crate::clock;
use crate::expected::{Checker, Sent};
use crate::flood::Flood;
use crate::link::{Desk, Link, Opening};
use crate::payload::Payload;
use crate::sample::{Figure, Latencies, Meter, Sample};
use crate::server::Server;
use crate::transport::Transport;

const PAYLOAD: Payload = Payload::Text(128);
/// Messages a second of all quiet clients together.
const PER_SECOND: u64 = 400;
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy)]
pub(crate) struct Scenario {
    pub(crate) clients: usize,
    pub(crate) flood: Flood,
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} quiet clients, {}", self.clients, self.flood)
    }
}

/// Runs a scenario with so many messages of the quiet clients: their latency, and what the flood got through.
pub(crate) fn run(server: &Server, scenario: Scenario, messages: u64) -> anyhow::Result<Sample> {
    let mut quiet = Quiet::open(server, scenario.clients)?;
    let published = server.published()?;
    let flooding = scenario.flood.start(server)?;
    // Servers ping each new client once, a moment after it came: as long as the measurement itself, and none of that falls into it.
    quiet.at_rate(messages)?;
    quiet.latencies = Latencies::default();
    let (meter, before) = (Meter::start(server)?, flooding.messages());
    quiet.at_rate(messages)?;
    let (used, flooded) = (meter.stop()?, flooding.messages() - before);
    let sent = flooding.stop()? + 2 * messages;
    if let (Some(before), Some(after)) = (published, server.published()?) {
        ensure!(after - before == sent, "{sent} messages were sent, and {} arrived", after - before);
    }
    let mut sample = Sample::new();
    if scenario.flood.publishes() {
        sample.extend(used.per("message of the flood", flooded));
        sample.push((Figure::Rate, flooded as f64 / used.seconds));
    }
    sample.push((Figure::P50, quiet.latencies.percentile_us(0.5)));
    sample.push((Figure::P99, quiet.latencies.percentile_us(0.99)));
    Ok(sample)
}

struct Client {
    link: Link,
    checker: Checker,
    sent: Sent,
    /// Of the messages that have not come back.
    due: VecDeque<Instant>,
}

struct Quiet {
    clients: Vec<Client>,
    desk: Desk,
    poll: Poll,
    /// Whose turn it is.
    next: usize,
    latencies: Latencies,
}

impl Quiet {
    fn open(server: &Server, count: usize) -> anyhow::Result<Quiet> {
        let (mut desk, poll) = (Desk::new(), Poll::new()?);
        let mut clients = Vec::new();
        for index in 0..count {
            let subject = subject(index);
            let ops = format!("SUB {subject} 1\r\n");
            let link = Link::open(server, Opening::new(Transport::WEBSOCKET, &ops), &mut desk)?;
            let stream = link.socket.stream();
            stream.set_nonblocking(true)?;
            let fd = stream.as_raw_fd();
            poll.registry().register(&mut SourceFd(&fd), Token(index), Interest::READABLE)?;
            let (checker, sent) = (Checker::new(&subject, 1, PAYLOAD), Sent::new(PAYLOAD));
            clients.push(Client { link, checker, sent, due: VecDeque::new() });
        }
        Ok(Quiet { clients, desk, poll, next: 0, latencies: Latencies::default() })
    }

    /// So many messages by the clock, until all are back.
    fn at_rate(&mut self, count: u64) -> anyhow::Result<()> {
        let period = Duration::from_nanos(1_000_000_000 / PER_SECOND);
        let start = clock::now();
        let timer = clock::timer(period)?;
        let token = Token(self.clients.len());
        self.poll.registry().register(&mut SourceFd(&timer.as_raw_fd()), token, Interest::READABLE)?;
        let mut events = Events::with_capacity(1024);
        let (mut sent, mut missing) = (0, count);
        while missing > 0 {
            self.poll.poll(&mut events, Some(PATIENCE))?;
            ensure!(start.elapsed() < PATIENCE, "messages did not come back in {} s", PATIENCE.as_secs());
            for event in &events {
                if event.token() != token {
                    missing -= self.drain(event.token())?;
                    continue;
                }
                for _ in 0..clock::expirations(&timer)?.min(count - sent) {
                    sent += 1;
                    self.publish(start + period * sent as u32)?;
                }
            }
        }
        self.poll.registry().deregister(&mut SourceFd(&timer.as_raw_fd()))?;
        Ok(())
    }

    fn publish(&mut self, due: Instant) -> anyhow::Result<()> {
        let index = self.next;
        self.next = (index + 1) % self.clients.len();
        let client = &mut self.clients[index];
        let mut op = format!("PUB {} {}\r\n", subject(index), PAYLOAD.len()).into_bytes();
        op.extend_from_slice(client.sent.push());
        client.due.push_back(due);
        // One message is little enough for the socket's buffer.
        client.link.send(&op)
    }

    /// Reads all that is there for one client. Returns how many messages have come back.
    fn drain(&mut self, token: Token) -> anyhow::Result<u64> {
        let Client { link, checker, sent, due } = self.clients.get_mut(token.0).context("a token of ours")?;
        let before = checker.received();
        while link.read(&mut self.desk, |bytes| checker.check(bytes, sent))? {}
        let now = clock::now();
        let count = checker.received() - before;
        for due in due.drain(..usize::try_from(count)?) {
            self.latencies.push(now.saturating_duration_since(due));
        }
        if due.is_empty() {
            sent.forget();
        }
        Ok(count)
    }
}

fn subject(client: usize) -> String {
    format!("quiet.{client}")
}
