//! Threads that check passwords.
//!
//! A bcrypt hash is made to take long, typically 100 ms: in a worker's turn that would stop every client of the worker. So
//! workers hand checks over, and the outcome comes back by mailbox.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use dunlin_auth::Check;
use dunlin_worker::{AuthRequest, ConnId};

use super::mailbox::{Letter, Mailbox};
use crate::process;

/// The most threads.
const THREADS_MAX: usize = 8;
/// The most checks that wait for one peer. With a hash of usual cost, the last of them would wait for minutes.
const PEER_WAITING_MAX: usize = 1 << 10;
/// The most checks that wait altogether. Each holds a password, which a control line limits to some 4 KB.
const WAITING_MAX: usize = 1 << 13;

/// The way to the threads. They end when the last clone is dropped.
#[derive(Clone)]
pub(crate) struct AuthThreads {
    queue: Arc<Queue>,
    _owner: Arc<Owner>,
}

/// Ends the threads when it is dropped.
struct Owner(Arc<Queue>);

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

/// A check and where its outcome goes.
struct Job {
    conn: ConnId,
    check: Check,
    reply_to: Mailbox,
}

/// Checks that wait, each peer's in a queue of its own. The queues take turns: a peer with many checks waits for itself.
#[derive(Default)]
struct Waiting {
    by_peer: BTreeMap<IpAddr, VecDeque<Job>>,
    /// The peers that have a queue, in the order of their turns.
    turns: VecDeque<IpAddr>,
    len: usize,
    is_over: bool,
}

impl AuthThreads {
    /// Starts the threads: one for two cores, so that checks leave room for messages, and at most 8.
    pub(crate) fn start() -> io::Result<AuthThreads> {
        let queue = Arc::<Queue>::default();
        for index in 0..(process::cores() / 2).clamp(1, THREADS_MAX) {
            let queue = Arc::clone(&queue);
            std::thread::Builder::new().name(format!("auth-{index}")).spawn(move || queue.serve())?;
        }
        Ok(AuthThreads { _owner: Arc::new(Owner(Arc::clone(&queue))), queue })
    }

    /// Has a check run when its turn comes. One that has no room is left out: its client will be told when the time for its
    /// authentication is over, as it would be if the check waited until then.
    pub(crate) fn submit(&self, request: AuthRequest, reply_to: &Mailbox) {
        let AuthRequest { conn, peer, check } = request;
        if self.queue.lock().push(network_of(peer), Job { conn, check, reply_to: reply_to.clone() }) {
            self.queue.changed.notify_one();
        } else {
            tracing::warn!("{peer} - too many passwords wait to be checked: this client will time out");
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.lock().is_over = true;
        self.0.changed.notify_all();
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self) {
        while let Some(Job { conn, check, reply_to }) = self.next() {
            if check.is_wanted() {
                reply_to.send(Letter::Verdict(conn, check.run()));
            }
        }
    }

    /// The next job; `None`: the server has ended.
    fn next(&self) -> Option<Job> {
        let mut waiting = self.lock();
        loop {
            if waiting.is_over {
                return None;
            }
            if let Some(job) = waiting.pop() {
                return Some(job);
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Waiting {
    /// Puts a job in; `false`: there is no room.
    fn push(&mut self, peer: IpAddr, job: Job) -> bool {
        let queue = self.by_peer.entry(peer).or_default();
        if self.len >= WAITING_MAX || queue.len() >= PEER_WAITING_MAX {
            if queue.is_empty() {
                self.by_peer.remove(&peer);
            }
            return false;
        }
        if queue.is_empty() {
            self.turns.push_back(peer);
        }
        queue.push_back(job);
        self.len += 1;
        true
    }

    fn pop(&mut self) -> Option<Job> {
        let peer = self.turns.pop_front()?;
        let queue = self.by_peer.get_mut(&peer)?;
        let job = queue.pop_front();
        if queue.is_empty() {
            self.by_peer.remove(&peer);
        } else {
            self.turns.push_back(peer);
        }
        self.len -= 1;
        job
    }
}

/// Whoever has one IPv6 address has the 2^64 of its network.
fn network_of(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(addr) => Ipv6Addr::from_bits(addr.to_bits() & !u128::from(u64::MAX)).into(),
        v4 => v4,
    }
}
