//! Request-reply: requesters that wait for each answer, and one responder.

use std::fmt;
use std::os::fd::AsRawFd as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use dunlin_nats_protocol::ServerOp;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use crate::clock;
use crate::link::{Desk, Link, Opening};
use crate::payload::Payload;
use crate::sample::{Figure, Latencies, Meter, Sample};
use crate::server::Server;
use crate::transport::Transport;

const SUBJECT: &str = "prices.get";
const PAYLOAD: Payload = Payload::Text(128);
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy)]
pub(crate) struct Scenario {
    pub(crate) transport: Transport,
    pub(crate) requesters: usize,
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.requesters == 1 { "" } else { "s" };
        write!(f, "{PAYLOAD}, {} requester{plural}, {}", self.requesters, self.transport)
    }
}

/// Runs a scenario with so many requests of each requester: CPU time of the server for each, and the latency that a
/// requester sees, with the time that this program takes to answer in it.
pub(crate) fn run(server: &Server, scenario: Scenario, requests: u64) -> anyhow::Result<Sample> {
    let mut run = Run::open(server, scenario)?;
    run.requests(requests / 10 + 1)?;
    run.latencies = Latencies::default();
    let meter = Meter::start(server)?;
    run.requests(requests)?;
    let used = meter.stop()?;
    let mut sample = used.per("request", requests * scenario.requesters as u64);
    sample.push((Figure::P50, run.latencies.percentile_us(0.5)));
    sample.push((Figure::P999, run.latencies.percentile_us(0.999)));
    Ok(sample)
}

struct Requester {
    link: Link,
    /// Requests so far.
    number: u64,
    since: Instant,
}

struct Run {
    responder: Link,
    requesters: Vec<Requester>,
    desk: Desk,
    poll: Poll,
    latencies: Latencies,
}

impl Run {
    fn open(server: &Server, scenario: Scenario) -> anyhow::Result<Run> {
        let mut desk = Desk::new();
        let poll = Poll::new()?;
        let mut open = |index: usize, ops: &str| -> anyhow::Result<Link> {
            let link = Link::open(server, Opening::new(scenario.transport, ops), &mut desk)?;
            let fd = link.socket.stream().as_raw_fd();
            poll.registry().register(&mut SourceFd(&fd), Token(index), Interest::READABLE)?;
            Ok(link)
        };
        let mut requesters = Vec::new();
        for index in 0..scenario.requesters {
            let link = open(index, &format!("SUB _INBOX.{index}.* 1\r\n"))?;
            requesters.push(Requester { link, number: 0, since: clock::now() });
        }
        let responder = open(scenario.requesters, &format!("SUB {SUBJECT} 1\r\n"))?;
        Ok(Run { responder, requesters, desk, poll, latencies: Latencies::default() })
    }

    fn requests(&mut self, count: u64) -> anyhow::Result<()> {
        let mut events = Events::with_capacity(1024);
        let until = self.requesters.first().map_or(0, |requester| requester.number) + count;
        for (index, requester) in self.requesters.iter_mut().enumerate() {
            requester.ask(index)?;
        }
        let mut missing = self.requesters.len();
        while missing > 0 {
            self.poll.poll(&mut events, Some(PATIENCE))?;
            ensure!(!events.is_empty(), "a request was not answered in {} s", PATIENCE.as_secs());
            for event in &events {
                let index = event.token().0;
                if index == self.requesters.len() {
                    self.respond()?;
                    continue;
                }
                let requester = &mut self.requesters[index];
                if !requester.take_answer(&mut self.desk)? {
                    continue;
                }
                self.latencies.push(requester.since.elapsed());
                if requester.number == until {
                    missing -= 1;
                } else {
                    requester.ask(index)?;
                }
            }
        }
        Ok(())
    }

    /// Sends each request's payload back.
    fn respond(&mut self) -> anyhow::Result<()> {
        let mut answers = Vec::new();
        self.responder.read_ops(&mut self.desk, |op| {
            if let ServerOp::Msg(message) = op {
                let reply = message.reply.context("a request without a reply subject")?;
                answers.extend_from_slice(b"PUB ");
                answers.extend_from_slice(reply);
                answers.extend_from_slice(format!(" {}\r\n", message.payload.len()).as_bytes());
                answers.extend_from_slice(message.payload);
                answers.extend_from_slice(b"\r\n");
            }
            Ok(())
        })?;
        if answers.is_empty() { Ok(()) } else { self.responder.send(&answers) }
    }
}

impl Requester {
    fn ask(&mut self, index: usize) -> anyhow::Result<()> {
        let number = self.number;
        let mut op = format!("PUB {SUBJECT} _INBOX.{index}.{number} {}\r\n", PAYLOAD.len()).into_bytes();
        PAYLOAD.write(number, &mut op);
        op.extend_from_slice(b"\r\n");
        self.since = clock::now();
        self.link.send(&op)
    }

    /// Returns whether the answer has come: once, for this request, unaltered.
    fn take_answer(&mut self, desk: &mut Desk) -> anyhow::Result<bool> {
        let mut expected = Vec::new();
        PAYLOAD.write(self.number, &mut expected);
        let suffix = format!(".{}", self.number);
        let mut answers = 0;
        self.link.read_ops(desk, |op| {
            if let ServerOp::Msg(message) = op {
                let right = message.payload == expected && message.subject.ends_with(suffix.as_bytes());
                ensure!(right, "an answer is lost, doubled or altered");
                answers += 1;
            }
            Ok(())
        })?;
        ensure!(answers <= 1, "a request was answered twice");
        self.number += answers;
        Ok(answers == 1)
    }
}
