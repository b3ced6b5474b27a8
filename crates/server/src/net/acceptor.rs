//! The thread that accepts connections.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dunlin_worker::{Accepted, Listener};
use mio::{Events, Interest, Poll, Token};
use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};

use super::accept_pause::AcceptPause;
use super::mailbox::{Letter, Mailbox};
use super::{Clock, ListenSocket};

/// The token by which the acceptor is woken to stop.
pub(crate) const STOP: Token = Token(usize::MAX);

/// Accepts connections and deals them out to the workers in turn.
pub(crate) struct Acceptor {
    pub(crate) poll: Poll,
    pub(crate) listeners: Vec<(ListenSocket, Listener)>,
    pub(crate) workers: Vec<Mailbox>,
    pub(crate) next: usize,
    pub(crate) stop: Arc<AtomicBool>,
    pub(crate) clock: Clock,
    pub(crate) pause: AcceptPause,
}

impl Acceptor {
    /// Registers the listeners.
    pub(crate) fn register(&mut self) -> io::Result<()> {
        for (index, (listener, _)) in self.listeners.iter_mut().enumerate() {
            self.poll.registry().register(listener.source(), Token(index), Interest::READABLE)?;
        }
        Ok(())
    }

    /// Accepts until the server stops. Then the listeners close.
    pub(crate) fn run(mut self) {
        let mut events = Events::with_capacity(16);
        loop {
            let left = self.pause.left(self.clock.now());
            if let Err(error) = self.poll.poll(&mut events, left)
                && error.kind() != io::ErrorKind::Interrupted
            {
                tracing::error!("cannot wait for connections: {error}");
                return;
            }
            if self.stop.load(Ordering::Acquire) {
                return;
            }
            if self.pause.left(self.clock.now()).is_none_or(|left| left.is_zero()) {
                self.accept_from_all(&events);
            }
        }
    }

    /// Accepts from the listeners that have something; after a pause, nobody knows which ones those are.
    fn accept_from_all(&mut self, events: &Events) {
        for index in 0..self.listeners.len() {
            let is_asked = self.pause.is_on() || events.iter().any(|event| event.token() == Token(index));
            let before = self.next;
            if is_asked && let Err(error) = self.accept_all(index) {
                let (now, has_accepted) = (self.clock.now(), self.next != before);
                if let Some(line) = self.pause.fail(now, has_accepted, &reason(&error)) {
                    tracing::error!("{line}");
                }
                return;
            }
        }
        if self.pause.is_on()
            && let Some(line) = self.pause.end(self.clock.now())
        {
            tracing::info!("{line}");
        }
    }

    fn accept_all(&mut self, index: usize) -> io::Result<()> {
        let Some((listener, kind)) = self.listeners.get(index) else { return Ok(()) };
        loop {
            match listener.accept() {
                Ok((socket, peer)) => {
                    let worker = self.next % self.workers.len();
                    self.next = self.next.wrapping_add(1);
                    let accepted = Accepted { listener: *kind, peer };
                    self.workers[worker].send(Letter::Accepted(socket, accepted));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// A signal came, or the peer has given up already, in one of the ways that networks have (accept(2)).
fn is_of_one_connection(error: &io::Error) -> bool {
    let network = [
        Errno::CONNABORTED,
        Errno::PROTO,
        Errno::NETDOWN,
        Errno::NETUNREACH,
        Errno::HOSTDOWN,
        Errno::HOSTUNREACH,
        Errno::NOPROTOOPT,
    ];
    error.kind() == io::ErrorKind::Interrupted
        || Errno::from_io_error(error).is_some_and(|errno| network.contains(&errno))
}

/// What an operator can do something about.
fn reason(error: &io::Error) -> String {
    match Errno::from_io_error(error) {
        Some(Errno::MFILE) => match getrlimit(Resource::Nofile).current {
            Some(limit) => format!("too many open files (ulimit -n is {limit})"),
            None => "too many open files".to_owned(),
        },
        Some(Errno::NFILE) => "too many open files on this machine (fs.file-max)".to_owned(),
        _ => error.to_string(),
    }
}
