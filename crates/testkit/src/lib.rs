//! Dunlin's workers in a world of their own: scripted clients, pipes that take and give a little at a time, virtual time,
//! and a naive model of NATS that says what everybody has to get.
//!
//! [`run_seed`] plays the story that follows from a seed: one to four workers whose turns are interleaved at random,
//! clients on TCP and on WebSocket that connect, subscribe, publish, break the rules and leave or are cut off, reads and
//! writes that move a few bytes, messages that are late on their way to another worker. [`World`] is the same for tests
//! that tell a story of their own, such as a client that stops reading.
//!
//! What holds in every story (the invariants):
//!
//! - A message gets to every subscription that matches and lives, once, unaltered, in the order of its publisher; to one
//!   member of each queue group; and to nobody else. The header block goes along where the subscriber asked for headers.
//!   (Members of a queue group may get messages of one publisher out of order while one of them leaves: a message that
//!   was on its way to that one is passed on to another worker.)
//! - Nothing comes after the reply to an UNSUB, and no more than its max.
//! - `+OK`, `PONG`, `-ERR`, `INFO` and the 503 of a request that nobody got come in the order of the ops they answer,
//!   and what was delivered before an op comes before the reply to it.
//! - Whoever is sent away gets the `-ERR`, then on WebSocket the close frame with its code, then the end of the stream.
//! - WebSocket frames are whole, unmasked binary messages, to browsers of at most 4096 bytes; pings are answered.
//! - When all have left, no worker has a connection, a subscription or a deadline.
//!
//! # How to read a failure
//!
//! A failing seed prints what did not hold, the last lines of the trace, and how to replay it:
//!
//! ```text
//! seed 17: client 3: message m42 of client 1 never got to sid "2" on "a.*"
//!
//!   1004210000 client 1 says Publish(42)
//!   1004215000 turn 77 of worker 0: Read { client: 1, total: 1830 }
//! ```
//!
//! The first column is virtual time in nanoseconds. Messages, clients and turns are numbered; `m42` is at the start of
//! the payload of message 42 (or, where that is empty, the last token of a subject). `Read` lines are the order in which
//! ops take effect: an op counts when a worker has read its last byte. `DUNLIN_SEED=17 cargo test -p dunlin-testkit every_seed`
//! plays that seed alone and prints the whole trace; `DUNLIN_SEEDS=20000` plays so many, from `DUNLIN_FIRST_SEED` on, and
//! `cargo xtask simulate` new ones for a given time. Runs are deterministic: the same seed and code give the same trace.

mod check;
mod clock;
mod failure;
mod frames;
mod model;
mod op;
mod peer;
mod run;
mod script;
mod wire;
mod world;

pub use failure::Violation;
pub use frames::WebSocketSettings;
pub use op::{HPUB_WITHOUT_HEADERS, Message, OFFENCES, Offence, Op, Options};
pub use peer::Farewell;
pub use run::{Outcome, run_seed, trace_seed};
pub use wire::{Fault, LinkSettings};
pub use world::{Settings, World};
