//! Messages of many subjects to many subscriptions: each reaches exactly those that match it, once and in order.

use std::fmt;
use std::os::fd::AsRawFd as _;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use dunlin_nats_protocol::ServerOp;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use crate::fanout::source;
use crate::interest::{Filter, Plan, subject};
use crate::link::{Desk, Link, Opening};
use crate::payload::Payload;
use crate::process;
use crate::sample::{Figure, Meter, Sample};
use crate::server::Server;

const PAYLOAD: Payload = Payload::Text(128);
const PATIENCE: Duration = Duration::from_secs(60);
/// Messages in one write; the next ones when all subscribers have these.
const BURST: u64 = 100;

/// Who subscribes to what.
#[derive(Clone, Copy)]
pub(crate) enum Scenario {
    /// One subject and one queue group: each message goes to one member.
    QueueGroup { members: usize },
    /// Ten subscriptions match each subject: six name it, four have wildcards.
    Wildcards { subjects: u64 },
    /// As [`Scenario::Wildcards`], while others change two of their subscriptions for each message that is published.
    Churn { subjects: u64 },
    /// One subscription for each subject.
    Distinct { subjects: u64 },
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scenario::QueueGroup { members } => write!(f, "queue group of {members}"),
            Scenario::Wildcards { subjects } => write!(f, "{subjects} subjects, 10 subscriptions each"),
            Scenario::Churn { subjects } => {
                write!(f, "{subjects} subjects, 10 subscriptions each, 2 changes a message")
            }
            Scenario::Distinct { subjects } => write!(f, "{subjects} subjects, one subscription each"),
        }
    }
}

/// Runs a scenario with so many messages: CPU time for each.
pub(crate) fn run(server: &Server, scenario: Scenario, messages: u64) -> anyhow::Result<Sample> {
    let mut run = Run::open(server, scenario)?;
    let bursts = messages / BURST + 1;
    run.bursts(bursts / 10 + 1)?;
    let meter = Meter::start(server)?;
    run.bursts(bursts)?;
    Ok(meter.stop()?.per("message", bursts * BURST))
}

/// Runs a scenario on a fresh server: also CPU time and memory for each subscription.
pub(crate) fn run_with_memory(
    server: &Server,
    scenario: Scenario,
    messages: u64,
    quiet_quarters: u32,
) -> anyhow::Result<Sample> {
    let base = process::resident_when_quiet(server.pid(), quiet_quarters)?;
    let meter = Meter::start(server)?;
    let mut run = Run::open(server, scenario)?;
    let subscriptions = run.listeners.iter().map(|listener| listener.subscriptions.len() as u64).sum();
    let mut sample = meter.stop()?.per("subscription", subscriptions);
    let resident = process::resident_when_quiet(server.pid(), quiet_quarters)?;
    let each = resident.saturating_sub(base) as f64 / subscriptions as f64;
    sample.push((Figure::Resident("subscription"), each));

    let bursts = messages / BURST + 1;
    run.bursts(bursts / 10 + 1)?;
    let meter = Meter::start(server)?;
    run.bursts(bursts)?;
    sample.extend(meter.stop()?.per("message", bursts * BURST));
    Ok(sample)
}

struct Listener {
    link: Link,
    subscriptions: Vec<Subscription>,
    /// It changes its subscriptions all the time: what it gets is checked, but not counted on.
    changes: bool,
    pongs: u64,
}

struct Subscription {
    filter: Filter,
    /// No message with a lower number may come.
    next: u64,
}

struct Run {
    listeners: Vec<Listener>,
    publisher: Link,
    desk: Desk,
    poll: Poll,
    subjects: u64,
    /// The number of the next message.
    next: u64,
    tally: Tally,
}

impl Run {
    fn open(server: &Server, scenario: Scenario) -> anyhow::Result<Run> {
        let Plan { transport, subjects, group, filters, changing, deliveries } = Plan::of(scenario);
        let (mut desk, poll) = (Desk::new(), Poll::new()?);
        let mut listeners = Vec::new();
        let still = filters.len() - changing;
        for (index, filters) in filters.into_iter().enumerate() {
            let mut ops = String::new();
            for (at, filter) in filters.iter().enumerate() {
                ops += &format!("SUB {filter} {group}{}\r\n", at + 1);
            }
            let opening = Opening { source: source(index), ..Opening::new(transport, &ops) };
            let link = Link::open(server, opening, &mut desk)?;
            let stream = link.socket.stream();
            stream.set_nonblocking(true)?;
            let fd = stream.as_raw_fd();
            poll.registry().register(&mut SourceFd(&fd), Token(index), Interest::READABLE)?;
            let subscriptions = filters.into_iter().map(|filter| Subscription { filter, next: 0 }).collect();
            listeners.push(Listener { link, subscriptions, changes: index >= still, pongs: 0 });
        }
        let publisher = Link::open(server, Opening::new(transport, ""), &mut desk)?;
        let tally = Tally { deliveries, first: 0, counts: Vec::new() };
        Ok(Run { listeners, publisher, desk, poll, subjects, next: 0, tally })
    }

    fn bursts(&mut self, count: u64) -> anyhow::Result<()> {
        let mut events = Events::with_capacity(1024);
        for _ in 0..count {
            let mut missing = self.start_burst()?;
            while missing > 0 {
                self.poll.poll(&mut events, Some(PATIENCE))?;
                ensure!(!events.is_empty(), "messages did not arrive in {} s", PATIENCE.as_secs());
                for event in &events {
                    let listener = self.listeners.get_mut(event.token().0).context("a token of ours")?;
                    missing -= listener.drain(&mut self.desk, (self.subjects, self.next), &mut self.tally)?;
                }
            }
        }
        Ok(())
    }

    /// Returns how many deliveries and answers are to come.
    fn start_burst(&mut self) -> anyhow::Result<u64> {
        self.tally.first = self.next;
        self.tally.counts.clear();
        self.tally.counts.resize(BURST as usize, 0);
        let mut missing = BURST * self.tally.deliveries;
        for listener in self.listeners.iter_mut().filter(|listener| listener.changes) {
            listener.renew()?;
            missing += 1;
        }
        let mut ops = Vec::new();
        for number in self.next..self.next + BURST {
            let subject = subject(number, self.subjects);
            ops.extend_from_slice(format!("PUB {subject} {}\r\n", PAYLOAD.len()).as_bytes());
            PAYLOAD.write(number, &mut ops);
            ops.extend_from_slice(b"\r\n");
        }
        self.next += BURST;
        self.publisher.send(&ops)?;
        Ok(missing)
    }
}

impl Listener {
    /// Unsubscribes and subscribes again to all. It is little enough for the socket's buffer.
    fn renew(&mut self) -> anyhow::Result<()> {
        let mut ops = String::new();
        for (at, subscription) in self.subscriptions.iter().enumerate() {
            let sid = at + 1;
            ops += &format!("UNSUB {sid}\r\nSUB {} {sid}\r\n", subscription.filter);
        }
        self.link.send((ops + "PING\r\n").as_bytes())
    }

    /// Reads all that is there. Returns how many of the awaited deliveries and answers it was.
    fn drain(
        &mut self,
        desk: &mut Desk,
        (subjects, sent): (u64, u64),
        tally: &mut Tally,
    ) -> anyhow::Result<u64> {
        let Listener { link, subscriptions, changes, pongs } = self;
        let mut arrived = 0;
        let mut expected = Vec::new();
        let mut take = |op: ServerOp<'_>| -> anyhow::Result<()> {
            let message = match op {
                ServerOp::Msg(message) => message,
                ServerOp::Pong => {
                    *pongs += 1;
                    arrived += 1;
                    return Ok(());
                }
                _ => return Ok(()),
            };
            let subscription = number_of(message.sid)
                .and_then(|sid| subscriptions.get_mut(usize::try_from(sid).ok()?.checked_sub(1)?));
            let subscription = subscription.context("a delivery to no subscription of ours")?;
            let number = message.payload.get(..16).and_then(number_of).context("an altered payload")?;
            expected.clear();
            PAYLOAD.write(number, &mut expected);
            ensure!(message.payload == expected && number < sent, "message {number} is altered");
            let named = subject(number, subjects);
            ensure!(message.subject == named.as_bytes(), "message {number} has another's subject");
            ensure!(subscription.filter.takes(number, subjects), "message {number} went to a stranger");
            ensure!(number >= subscription.next, "message {number} came twice or late");
            subscription.next = number + 1;
            if !*changes {
                tally.count(number)?;
                arrived += 1;
            }
            Ok(())
        };
        while link.read_ops(desk, &mut take)? {}
        Ok(arrived)
    }
}

/// How many subscriptions each message of the burst has reached.
struct Tally {
    /// How many it is to reach.
    deliveries: u64,
    first: u64,
    counts: Vec<u64>,
}

impl Tally {
    fn count(&mut self, number: u64) -> anyhow::Result<()> {
        let index = number.checked_sub(self.first).and_then(|index| usize::try_from(index).ok());
        let count = index.and_then(|index| self.counts.get_mut(index));
        let count = count.with_context(|| format!("message {number} came again after its burst"))?;
        *count += 1;
        ensure!(*count <= self.deliveries, "message {number} came more than {} times", self.deliveries);
        Ok(())
    }
}

fn number_of(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_too_many_is_found() {
        let mut tally = Tally { deliveries: 2, first: 100, counts: vec![0; 3] };
        for (number, good) in [(100, true), (100, true), (101, true), (100, false), (99, false), (103, false)]
        {
            assert_eq!(tally.count(number).is_ok(), good, "{number}");
        }
    }
}
