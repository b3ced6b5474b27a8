//! What threads say to a worker.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use dunlin_auth::Identity;
use dunlin_worker::{Accepted, ConnId, Crossing, Lag, MonitorRequest, MonitorResponse, WorkerConfig};

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
    /// Another worker waits until it has caught up.
    is_waited_for: AtomicBool,
}

/// The receiving side.
pub(crate) struct Inbox {
    letters: mpsc::Receiver<Letter>,
    shared: Arc<State>,
    /// So many bytes of crossings may still be taken in this turn.
    crossings_left: usize,
}

/// With this many bytes of crossings waiting in its mailbox, a worker is behind: as much as it delivers in two turns. More would
/// only be latency for the clients of that worker.
const BEHIND: usize = 2 * TURN_CROSSINGS;

/// With this many it is far behind: many publishers went on before they were told.
const FAR_BEHIND: usize = 16 << 20;

/// When a worker has taken this many bytes of crossings, its own clients have their turn.
const TURN_CROSSINGS: usize = 256 << 10;

/// A mailbox whose owner is woken through `registry`.
pub(crate) fn mailbox(registry: &mio::Registry, token: mio::Token) -> io::Result<(Mailbox, Inbox)> {
    let (sender, receiver) = mpsc::channel();
    let waker = mio::Waker::new(registry, token)?;
    let shared = Arc::new(State {
        waker,
        is_woken: AtomicBool::new(false),
        crossing_bytes: AtomicUsize::new(0),
        is_waited_for: AtomicBool::new(false),
    });
    Ok((
        Mailbox { letters: sender, shared: Arc::clone(&shared) },
        Inbox { letters: receiver, shared, crossings_left: 0 },
    ))
}

impl Mailbox {
    /// Puts a letter in and wakes the worker. Nothing happens if the worker has ended.
    pub(crate) fn send(&self, letter: Letter) {
        if let Letter::Crossing(crossing) = &letter {
            self.shared.crossing_bytes.fetch_add(crossing.bytes_len(), Ordering::Relaxed);
        }
        if self.letters.send(letter).is_ok() {
            self.wake();
        }
    }

    /// Has the worker look at its mailbox and its neighbours.
    pub(crate) fn wake(&self) {
        if !self.shared.is_woken.swap(true, Ordering::AcqRel) {
            // A waker writes to an event counter of this process: it cannot fail while the counter is open.
            if let Err(error) = self.shared.waker.wake() {
                tracing::error!("a worker could not be woken: {error}");
            }
        }
    }

    /// How far the worker is behind. Where it is, whoever asks is woken when it has caught up.
    pub(crate) fn lag(&self) -> Lag {
        let bytes = || self.shared.crossing_bytes.load(Ordering::SeqCst);
        if bytes() <= BEHIND {
            return Lag::None;
        }
        self.shared.is_waited_for.store(true, Ordering::SeqCst);
        // It may have caught up just before it could see that.
        match bytes() {
            0..=BEHIND => Lag::None,
            bytes if bytes <= FAR_BEHIND => Lag::Behind,
            _ => Lag::FarBehind,
        }
    }
}

impl Inbox {
    /// Begins a turn. What is sent from now on needs a wake-up again.
    pub(crate) fn start_turn(&mut self) {
        self.shared.is_woken.store(false, Ordering::Release);
        self.crossings_left = TURN_CROSSINGS;
    }

    /// The next letter of this turn.
    pub(crate) fn next(&mut self) -> Option<Letter> {
        if self.is_spent() {
            return None;
        }
        let letter = self.letters.try_recv().ok()?;
        if let Letter::Crossing(crossing) = &letter {
            let bytes = crossing.bytes_len();
            self.shared.crossing_bytes.fetch_sub(bytes, Ordering::SeqCst);
            self.crossings_left = self.crossings_left.saturating_sub(bytes);
        }
        Some(letter)
    }

    /// The turn has had its share of crossings: there may be more letters.
    pub(crate) fn is_spent(&self) -> bool {
        self.crossings_left == 0
    }

    /// Another worker has waited for this one, and need not any more: asked once, it is to be woken.
    pub(crate) fn has_caught_up(&self) -> bool {
        self.shared.crossing_bytes.load(Ordering::SeqCst) <= BEHIND
            && self.shared.is_waited_for.swap(false, Ordering::SeqCst)
    }
}
