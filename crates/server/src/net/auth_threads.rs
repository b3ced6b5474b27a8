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
    waiting: Mutex<Waiting<Job>>,
    changed: Condvar,
}

/// A check and where its outcome goes.
struct Job {
    conn: ConnId,
    check: Check,
    reply_to: Mailbox,
}

/// Checks that wait, each peer's in a queue of its own. The queues take turns: a peer with many checks waits for itself.
struct Waiting<J> {
    by_peer: BTreeMap<IpAddr, VecDeque<J>>,
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
    fn lock(&self) -> MutexGuard<'_, Waiting<Job>> {
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

impl<J> Default for Waiting<J> {
    fn default() -> Waiting<J> {
        Waiting { by_peer: BTreeMap::new(), turns: VecDeque::new(), len: 0, is_over: false }
    }
}

impl<J> Waiting<J> {
    /// Puts a job in; `false`: there is no room.
    fn push(&mut self, peer: IpAddr, job: J) -> bool {
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

    fn pop(&mut self) -> Option<J> {
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

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::{PEER_WAITING_MAX, WAITING_MAX, Waiting, network_of};

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap_or(IpAddr::from([0; 4]))
    }

    #[test]
    fn peers_take_turns() {
        let mut waiting = Waiting::default();
        for job in ["a1", "a2", "a3", "a4"] {
            assert!(waiting.push(ip("10.0.0.1"), job));
        }
        assert_eq!(waiting.pop(), Some("a1"));
        for (peer, job) in [("10.0.0.2", "b1"), ("10.0.0.3", "c1"), ("10.0.0.2", "b2")] {
            assert!(waiting.push(ip(peer), job));
        }
        let order: Vec<_> = std::iter::from_fn(|| waiting.pop()).collect();
        assert_eq!(order, ["a2", "b1", "c1", "a3", "b2", "a4"]);
        assert_eq!(waiting.len, 0);
        assert!(waiting.by_peer.is_empty() && waiting.turns.is_empty());
    }

    #[test]
    fn no_peer_fills_the_queue_and_all_together_do() {
        let mut waiting = Waiting::default();
        let mut taken = 0;
        for peer in 0..=(WAITING_MAX / PEER_WAITING_MAX) {
            for _ in 0..2 * PEER_WAITING_MAX {
                taken += usize::from(waiting.push(IpAddr::from([10, 0, 0, peer as u8]), ()));
            }
            assert_eq!(taken, WAITING_MAX.min((peer + 1) * PEER_WAITING_MAX));
        }
        // A peer that got no room leaves nothing behind.
        assert_eq!(waiting.by_peer.len(), WAITING_MAX / PEER_WAITING_MAX);
        waiting.pop();
        assert!(waiting.push(ip("10.1.0.0"), ()));
    }

    #[test]
    fn one_network_of_ipv6_is_one_peer() {
        for (one, other, same) in [
            ("2001:db8:1:2::5", "2001:db8:1:2:ffff::6", true),
            ("2001:db8:1:2::5", "2001:db8:1:3::5", false),
            ("::ffff:10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1", "10.0.0.2", false),
        ] {
            assert_eq!(network_of(ip(one)) == network_of(ip(other)), same, "{one} {other}");
        }
    }
}
