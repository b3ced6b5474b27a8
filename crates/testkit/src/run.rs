//! Random worlds: a seed is a whole story.

use core::time::Duration;
use std::panic::{AssertUnwindSafe, catch_unwind};

use dunlin_worker::CompressionConfig;
use fastrand::Rng;

use crate::failure::{ensure, violated};
use crate::op::Op;
use crate::peer::Farewell;
use crate::script::Script;
use crate::wire::{Fault, LinkSettings};
use crate::world::{World, note};
use crate::{Settings, Violation, WebSocketSettings};

/// How many lines of the trace a failure shows.
const TRACE_LINES: usize = 40;

/// A story of more steps than this does not end.
const STEPS_MAX: u32 = 200_000;

/// What became of a seed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// See [`World::digest`].
    pub digest: u64,
    /// How many messages were published.
    pub published: u64,
    /// How many messages were delivered.
    pub delivered: u64,
}

/// Plays the story of a seed, with a fault of the world if one is wanted.
///
/// # Errors
///
/// The first invariant that did not hold, with the end of the trace: the same story is played again to get it.
pub fn run_seed(seed: u64, fault: Option<(Fault, u32)>) -> Result<Outcome, String> {
    let violation = match play(seed, fault, false).0 {
        Ok(outcome) => return Ok(outcome),
        Err(violation) => violation,
    };
    let (result, trace) = play(seed, fault, true);
    let again = match result {
        Err(again) if again == violation => String::new(),
        other => format!("\n(played again, it ended differently: {other:?})"),
    };
    let start = trace.len().saturating_sub(TRACE_LINES);
    Err(format!(
        "seed {seed}: {violation}{again}\n\n{}\n\nReplay: DUNLIN_SEED={seed} cargo test -p dunlin-testkit every_seed",
        trace[start..].join("\n")
    ))
}

/// The trace of a seed's story from beginning to end, and how it ended.
pub fn trace_seed(seed: u64) -> (Result<Outcome, String>, Vec<String>) {
    let (result, trace) = play(seed, None, true);
    (result.map_err(|violation| violation.0), trace)
}

fn play(seed: u64, fault: Option<(Fault, u32)>, traced: bool) -> (Result<Outcome, Violation>, Vec<String>) {
    let mut rng = Rng::with_seed(seed);
    let settings = Settings {
        workers: rng.usize(1..=4),
        ping_interval: Duration::from_millis(if rng.bool() { 120_000 } else { 1 }),
        pings_out_max: u32::MAX,
        backlog_max: [2, 10, usize::MAX][rng.usize(..3)],
        compression: Some(CompressionConfig {
            context_takeover: rng.bool(),
            window_bits_max: [8, 9, 12, 15][rng.usize(..4)],
            threshold: [0, 64, 500][rng.usize(..3)],
            ..CompressionConfig::default()
        }),
        fault,
        ..Settings::default()
    };
    let mut world = World::new(rng.u64(..), &settings);
    world.trace = traced.then(Vec::new);
    let story = AssertUnwindSafe(|| Story::new(rng, &mut world).play());
    let result = catch_unwind(story).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or(panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(Violation(format!("panic: {}", text.unwrap_or_default())))
    });
    (result, world.trace.take().unwrap_or_default())
}

/// One random world on its way from the first client to the last.
struct Story<'w> {
    world: &'w mut World,
    rng: Rng,
    /// Clients still to come.
    to_come: usize,
    /// The same for all connections of this world.
    link: LinkSettings,
    /// The most bytes that move at once.
    pace: usize,
    /// One of so many steps lets a worker take its turn.
    sloth: u32,
}

impl Story<'_> {
    fn new(mut rng: Rng, world: &mut World) -> Story<'_> {
        let capacity = [20, 70, 700, 5000, 100_000, usize::MAX][rng.usize(..6)];
        Story {
            to_come: rng.usize(2..12),
            link: LinkSettings { capacity, short_one_in: [0, 2, 10][rng.usize(..3)] },
            pace: [30, 300, 5000, 200_000][rng.usize(..4)],
            sloth: rng.u32(2..12),
            rng,
            world,
        }
    }

    fn play(mut self) -> Result<Outcome, Violation> {
        let mut steps = 0;
        while self.to_come > 0 || self.world.peers.iter().any(|peer| !peer.script.over) {
            self.step()?;
            steps += 1;
            ensure!(steps < STEPS_MAX, "the story does not end");
        }
        note!(self.world, "all have said what they had to say");
        // Workers that were told to read no more try again after some milliseconds.
        self.world.pass(Duration::from_millis(10))?;
        self.world.check_complete()?;
        if self.rng.u8(..4) == 0 {
            self.world.shut_down();
            self.world.settle()?;
        }
        self.world.tear_down()?;
        let published = self.world.model.published.iter().flatten().count() as u64;
        let delivered = self.world.model.subs.iter().map(|sub| sub.received).sum();
        Ok(Outcome { digest: self.world.digest(), published, delivered })
    }

    fn step(&mut self) -> Result<(), Violation> {
        let micros = if self.rng.u8(..100) == 0 { self.rng.u64(..3000) } else { self.rng.u64(..20) };
        self.world.clock.advance(Duration::from_micros(micros));
        if self.rng.u32(..self.sloth) == 0 {
            let worker = self.rng.usize(..self.world.workers.len());
            self.world.tell(worker, 4);
            // Now and then a worker is woken for nothing.
            if self.world.is_awake(worker) || self.rng.u8(..8) == 0 {
                self.world.turn(worker)?;
            }
        }
        let (from, to) =
            (self.rng.usize(..self.world.workers.len()), self.rng.usize(..self.world.workers.len()));
        if self.rng.bool() {
            self.world.cross(from, to);
        }
        let open = self.world.peers.len();
        if self.to_come > 0 && (open == 0 || self.rng.u8(..20) == 0) {
            return self.arrive();
        }
        let client = self.rng.usize(..open);
        self.act(client)
    }

    fn arrive(&mut self) -> Result<(), Violation> {
        self.to_come -= 1;
        let websocket = self.rng.bool().then(|| WebSocketSettings {
            browser: self.rng.bool(),
            no_masking: self.rng.u8(..4) == 0,
            ragged: self.rng.bool(),
            deflate: self.rng.bool(),
        });
        let worker = self.rng.usize(..self.world.workers.len());
        let client = self.world.connect(worker, websocket, self.link)?;
        self.world.peers[client].script = Script::new(client, self.link.capacity >= 700, &mut self.rng);
        if websocket.is_none() {
            self.greet(client);
        }
        Ok(())
    }

    fn greet(&mut self, client: usize) {
        let ops = self.world.peers[client].script.greeting(&mut self.rng);
        self.world.submit(client, &ops);
    }

    fn amount(&mut self) -> usize {
        let pace = self.rng.usize(1..=self.pace);
        if self.rng.u8(..4) == 0 { 1 + pace / 16 } else { pace }
    }

    /// A client does something.
    fn act(&mut self, client: usize) -> Result<(), Violation> {
        let max = self.amount();
        match self.rng.u8(..3) {
            0 => _ = self.world.write(client, max),
            1 => {
                let was_open = self.world.peers[client].is_open();
                self.world.read(client, max)?;
                if !was_open && self.world.peers[client].is_open() {
                    self.greet(client);
                }
            }
            _ => self.speak(client),
        }
        Ok(())
    }

    fn speak(&mut self, client: usize) {
        let peer = &mut self.world.peers[client];
        if peer.script.over || !peer.is_open() {
            // Without a session there is nothing to say; with the stream over, nobody to say it to.
            let gone = peer.phase == crate::peer::Phase::Over;
            peer.script.over |= gone;
            return self.knock(client);
        }
        if peer.script.left == 0 {
            return self.close(client);
        }
        let mut ops = Vec::new();
        for _ in 0..self.rng.usize(1..6) {
            ops.push(peer.script.next(&mut self.world.model.messages, &mut self.rng));
        }
        self.world.submit(client, &ops);
    }

    /// A client that never gets through its handshake, perhaps because it is cut: it is not waited for.
    fn knock(&mut self, client: usize) {
        if !self.world.peers[client].script.over && self.rng.u8(..200) == 0 {
            self.world.leave(client, Farewell::Cut, true);
        }
    }

    /// A client that has nothing more to say.
    fn close(&mut self, client: usize) {
        match self.rng.u8(..10) {
            0 => self.world.leave(client, Farewell::Cut, true),
            1 => {
                let abruptly = self.rng.bool();
                self.world.leave(client, Farewell::HalfClose, abruptly);
            }
            2 => {
                let code = [None, Some(1000), Some(1001), Some(4000)][self.rng.usize(..4)];
                self.world.leave(client, Farewell::CloseFrame(code), false);
            }
            3 | 4 => {
                // The server must not hear what comes after.
                let offence = self.world.peers[client].script.offend(&mut self.rng);
                let after = self.world.message(client, "a", None, 20);
                self.world.submit(client, &[offence, Op::Ping, after]);
                if self.rng.bool() {
                    self.world.leave(client, Farewell::HalfClose, false);
                }
            }
            _ => {
                self.world.peers[client].script.over = true;
                self.world.submit(client, &[Op::Ping]);
            }
        }
    }
}
