//! The harness of dunlin's black-box tests: server processes, raw protocol drivers, and the real clients' scripts.
//!
//! The tests in `tests/` see a server only as its users do: a program that is started with a configuration file,
//! its log, its sockets. Each of them can run against dunlin or against the official `nats-server`
//! ([`Kind::under_test`]), so that a test is proved right on the server whose behaviour dunlin promises.
//!
//! The raw drivers ([`RawTcp`], [`RawWs`]) are written here from the specifications and share no code with dunlin's
//! crates: a mistake in a codec cannot hide itself by being made on both sides.
//!
//! What the environment can say: `DUNLIN_TEST_KIND=official` runs the client suites against the official server;
//! `DUNLIN_BIN` names another dunlin than the one that cargo has built. What the tests leave behind: the transcripts
//! of the differential test in `target/differential`, screenshots in `target/e2e`, and a line for each test that could
//! not run in `target/peers/skipped.txt`.
//!
//! Nothing here sleeps. Waiting means reading a socket, a log or a script's output until a [`Deadline`].

mod clock;
mod peers;
mod pki;
mod script;
mod server;
mod tcp;
mod temp;
mod tls;
mod ws;

pub use clock::Deadline;
pub use peers::{Peer, peer, skip, workspace_root};
pub use pki::{Authority, Issued};
pub use script::Script;
pub use server::{Addresses, Kind, ServerProcess, Signal};
pub use tcp::{End, RawTcp};
pub use temp::TempDir;
pub use tls::{Agreed, TlsClient, TlsVersion};
pub use ws::{CLOSE, Frame, HANDSHAKE_KEY, Link, RawWs, frame, handshake};
