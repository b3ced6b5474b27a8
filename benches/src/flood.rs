//! A publisher that sends as fast as the server takes it, from a thread of its own.
//!
//! The bytes are encoded beforehand, and writes block: only the server's backpressure slows it.

use std::fmt;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use dunlin_nats_protocol::ServerOp;

use crate::expected::{Checker, Sent};
use crate::link::{Desk, Link, Opening};
use crate::payload::Payload;
use crate::server::Server;
use crate::transport::Transport;

const SUBJECT: &str = "flood";
const PAYLOAD: Payload = Payload::Text(128);
/// Messages in one write, about 300 KB. The next write has the same ones.
const BATCH: u64 = 2000;
/// Batches that may be on their way to the subscriber: a sixth of what servers let wait for a connection before they cut it
/// (`max_pending`, 64 MiB). The publisher waits for the subscriber in these large steps, so that no server has to cut it.
const BATCHES_AHEAD: usize = 32;
const PATIENCE: Duration = Duration::from_secs(60);

/// What keeps the machine busy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flood {
    None,
    /// Two threads that copy memory: one in the place of the publisher, one in that of the server's thread that serves it.
    /// The server has nothing to do with it: what a client waits here, it waits for a core.
    Elsewhere,
    /// Nobody subscribes to what is published.
    Unheard,
    /// One subscriber gets everything, and checks it.
    Heard,
}

impl fmt::Display for Flood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Flood::None => "no flood",
            Flood::Elsewhere => "no flood, two other threads busy",
            Flood::Unheard => "a flood without subscribers",
            Flood::Heard => "a flood to one subscriber",
        })
    }
}

impl Flood {
    /// Whether messages go to the server.
    pub(crate) fn publishes(self) -> bool {
        matches!(self, Flood::Unheard | Flood::Heard)
    }

    pub(crate) fn start(self, server: &Server) -> anyhow::Result<Flooding> {
        let gauge = Arc::new(Gauge::default());
        let own = || Arc::clone(&gauge);
        let threads = match self {
            Flood::None => Vec::new(),
            Flood::Elsewhere => [own(), own()].map(|gauge| thread::spawn(move || copy(&gauge))).into(),
            Flood::Unheard => {
                let (publisher, gauge) = (open(server, "")?, own());
                vec![thread::spawn(move || publish(publisher, &gauge, None))]
            }
            Flood::Heard => {
                let (subscriber, publisher) =
                    (open(server, &format!("SUB {SUBJECT} 1\r\n"))?, open(server, "")?);
                let (announce, announced) = sync_channel(BATCHES_AHEAD);
                let gauge = own();
                vec![
                    thread::spawn(move || publish(publisher, &gauge, Some(&announce))),
                    thread::spawn(move || take(subscriber, &announced)),
                ]
            }
        };
        Ok(Flooding { gauge, threads })
    }
}

/// A flood under way. It ends when dropped.
pub(crate) struct Flooding {
    gauge: Arc<Gauge>,
    threads: Vec<JoinHandle<anyhow::Result<()>>>,
}

/// What the threads and those who started them tell each other.
#[derive(Default)]
struct Gauge {
    stop: AtomicBool,
    /// What the publisher has written.
    batches: AtomicU64,
}

impl Flooding {
    /// How many messages have been written so far, to the nearest batch.
    pub(crate) fn messages(&self) -> u64 {
        self.gauge.batches.load(Ordering::Relaxed) * BATCH
    }

    /// Ends the flood. Returns how many messages it had, once the server has handled and the subscriber got all of them.
    pub(crate) fn stop(mut self) -> anyhow::Result<u64> {
        self.gauge.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().expect("a thread of the flood returns its errors").context("the flood failed")?;
        }
        Ok(self.messages())
    }
}

impl Drop for Flooding {
    fn drop(&mut self) {
        self.gauge.stop.store(true, Ordering::Relaxed);
    }
}

fn open(server: &Server, ops: &str) -> anyhow::Result<Link> {
    let link = Link::open(server, Opening::new(Transport::TCP, ops), &mut Desk::new())?;
    link.socket.stream().set_read_timeout(Some(PATIENCE))?;
    link.socket.stream().set_write_timeout(Some(PATIENCE))?;
    Ok(link)
}

/// The bytes of one write.
fn batch() -> Vec<u8> {
    let mut ops = Vec::new();
    for number in 0..BATCH {
        ops.extend_from_slice(format!("PUB {SUBJECT} {}\r\n", PAYLOAD.len()).as_bytes());
        PAYLOAD.write(number, &mut ops);
        ops.extend_from_slice(b"\r\n");
    }
    ops
}

fn copy(gauge: &Gauge) -> anyhow::Result<()> {
    let from = batch();
    let mut to = vec![0; from.len()];
    while !gauge.stop.load(Ordering::Relaxed) {
        to.copy_from_slice(&from);
        black_box(&mut to);
    }
    Ok(())
}

fn publish(mut link: Link, gauge: &Gauge, announce: Option<&SyncSender<()>>) -> anyhow::Result<()> {
    let ops = batch();
    while !gauge.stop.load(Ordering::Relaxed) {
        if let Some(announce) = announce {
            announce.send(()).context("the subscriber is gone")?;
        }
        link.send_encoded(&ops)?;
        gauge.batches.fetch_add(1, Ordering::Relaxed);
    }
    link.send(b"PING\r\n")?;
    link.wait_for_pong(&mut Desk::new())
}

/// Takes each batch that is announced, and nothing else.
fn take(mut link: Link, announced: &Receiver<()>) -> anyhow::Result<()> {
    let mut desk = Desk::new();
    let sent = Sent::repeated(PAYLOAD, BATCH);
    let mut checker = Checker::new(SUBJECT, 1, PAYLOAD);
    let mut expected = 0;
    while announced.recv().is_ok() {
        expected += BATCH;
        while checker.received() < expected {
            let mut came = false;
            link.read(&mut desk, |bytes| {
                came = true;
                checker.check(bytes, &sent)
            })?;
            ensure!(came, "messages did not arrive in {} s", PATIENCE.as_secs());
        }
    }
    ensure!(checker.received() == expected, "{} messages came of {expected}", checker.received());
    link.send(b"PING\r\n")?;
    let mut done = false;
    while !done {
        link.read_ops(&mut desk, |op| {
            match op {
                ServerOp::Msg(_) => bail!("a message came that was not sent"),
                op => done |= matches!(op, ServerOp::Pong),
            }
            Ok(())
        })?;
    }
    Ok(())
}
