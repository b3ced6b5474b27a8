//! The thread that accepts connections.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dunlin_worker::{Accepted, Listener};
use mio::{Events, Interest, Poll, Token};

use super::ListenSocket;
use super::mailbox::{Letter, Mailbox};

/// The token by which the acceptor is woken to stop.
pub(crate) const STOP: Token = Token(usize::MAX);

/// How long to wait before the next try when the process has no file descriptor left.
const RETRY: Duration = Duration::from_millis(100);

/// Accepts connections and deals them out to the workers in turn.
pub(crate) struct Acceptor {
    pub(crate) poll: Poll,
    pub(crate) listeners: Vec<(ListenSocket, Listener)>,
    pub(crate) workers: Vec<Mailbox>,
    pub(crate) next: usize,
    pub(crate) stop: Arc<AtomicBool>,
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
        let mut retry = None;
        loop {
            if let Err(error) = self.poll.poll(&mut events, retry)
                && error.kind() != io::ErrorKind::Interrupted
            {
                tracing::error!("cannot wait for connections: {error}");
                return;
            }
            if self.stop.load(Ordering::Acquire) {
                return;
            }
            let all = retry.take().is_some();
            for index in 0..self.listeners.len() {
                let is_asked = all || events.iter().any(|event| event.token() == Token(index));
                if is_asked && let Err(error) = self.accept_all(index) {
                    tracing::error!("cannot accept a connection: {error}");
                    retry = Some(RETRY);
                }
            }
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
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return Ok(()),
                    // The peer has given up already, or a signal came.
                    io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted => {}
                    _ => return Err(error),
                },
            }
        }
    }
}
