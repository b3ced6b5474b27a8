//! What threads say to a worker.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use dunlin_auth::Identity;
use dunlin_worker::{Accepted, ConnId, Crossing, MonitorRequest, MonitorResponse, WorkerConfig};

use super::Socket;
use super::collection::Collection;
use crate::tls::TlsServers;

/// Something for a worker.
pub(crate) enum Letter {
    /// A new connection.
    Accepted(Socket, Accepted),
    /// Messages from another worker.
    Crossing(Crossing),
    /// Monitoring wants to know how it stands.
    Collect(Arc<Collection>),
    /// The answer to a monitoring request of one of its connections.
    Respond(MonitorRequest, MonitorResponse),
    /// What came of checking a client's credentials: who it is, or that it is not who it says.
    Verdict(ConnId, Option<Identity>),
    /// These settings hold from now on.
    Reconfigure(Arc<WorkerConfig>, Arc<TlsServers>),
    /// Close the clients one by one, and end with the last.
    LameDuck {
        /// The time before the first.
        grace: Duration,
        /// The time by which all are closed.
        duration: Duration,
    },
    /// Close everything and end.
    ShutDown,
}

/// The sending side of a worker's mailbox.
#[derive(Clone)]
pub(crate) struct Mailbox {
    letters: mpsc::Sender<Letter>,
    shared: Arc<State>,
}

struct State {
    waker: mio::Waker,
    /// The worker has been woken and has not looked yet.
    is_woken: AtomicBool,
    /// Bytes of the crossings that wait.
    crossing_bytes: AtomicUsize,
}

/// The receiving side.
pub(crate) struct Inbox {
    letters: mpsc::Receiver<Letter>,
    shared: Arc<State>,
}

/// With this many bytes of crossings waiting in its mailbox, a worker is far behind.
const BACKLOG_MAX: usize = 16 << 20;

/// A mailbox whose owner is woken through `registry`.
pub(crate) fn mailbox(registry: &mio::Registry, token: mio::Token) -> io::Result<(Mailbox, Inbox)> {
    let (sender, receiver) = mpsc::channel();
    let waker = mio::Waker::new(registry, token)?;
    let shared =
        Arc::new(State { waker, is_woken: AtomicBool::new(false), crossing_bytes: AtomicUsize::new(0) });
    Ok((Mailbox { letters: sender, shared: Arc::clone(&shared) }, Inbox { letters: receiver, shared }))
}

impl Mailbox {
    /// Puts a letter in and wakes the worker. Nothing happens if the worker has ended.
    pub(crate) fn send(&self, letter: Letter) {
        if let Letter::Crossing(crossing) = &letter {
            self.shared.crossing_bytes.fetch_add(crossing.bytes_len(), Ordering::Relaxed);
        }
        if self.letters.send(letter).is_ok() && !self.shared.is_woken.swap(true, Ordering::AcqRel) {
            // A waker writes to an event counter of this process: it cannot fail while the counter is open.
            if let Err(error) = self.shared.waker.wake() {
                tracing::error!("a worker could not be woken: {error}");
            }
        }
    }

    /// The worker has more to do than it should.
    pub(crate) fn is_backlogged(&self) -> bool {
        self.shared.crossing_bytes.load(Ordering::Relaxed) > BACKLOG_MAX
    }
}

impl Inbox {
    /// Says that what is sent from now on needs a wake-up again. Called before the letters are taken out.
    pub(crate) fn look(&self) {
        self.shared.is_woken.store(false, Ordering::Release);
    }

    /// The next letter.
    pub(crate) fn next(&self) -> Option<Letter> {
        let letter = self.letters.try_recv().ok()?;
        if let Letter::Crossing(crossing) = &letter {
            self.shared.crossing_bytes.fetch_sub(crossing.bytes_len(), Ordering::Relaxed);
        }
        Some(letter)
    }
}
