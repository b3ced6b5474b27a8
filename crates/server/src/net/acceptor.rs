//! The thread that accepts connections.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dunlin_worker::{Accepted, Listener};
use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token};
use rustix::net::sockopt;

use super::mailbox::{Letter, Mailbox};

/// The token by which the acceptor is woken to stop.
pub(crate) const STOP: Token = Token(usize::MAX);

/// TCP keep-alive: the silence before the first probe, the time between probes, and how many go unanswered.
const KEEP_ALIVE_IDLE: Duration = Duration::from_secs(60);
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);
const KEEP_ALIVE_PROBES: u32 = 4;

/// How long to wait before the next try when the process has no file descriptor left.
const RETRY: Duration = Duration::from_millis(100);

/// Accepts connections and deals them out to the workers in turn.
pub(crate) struct Acceptor {
    pub(crate) poll: Poll,
    pub(crate) listeners: Vec<(TcpListener, Listener)>,
    pub(crate) workers: Vec<Mailbox>,
    pub(crate) next: usize,
    pub(crate) stop: Arc<AtomicBool>,
}

impl Acceptor {
    /// Registers the listeners.
    pub(crate) fn register(&mut self) -> io::Result<()> {
        for (index, (listener, _)) in self.listeners.iter_mut().enumerate() {
            self.poll.registry().register(listener, Token(index), Interest::READABLE)?;
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
            retry = None;
            for index in 0..self.listeners.len() {
                if let Err(error) = self.accept_all(index) {
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
                Ok((stream, peer)) => {
                    // Without it, small writes would wait for each other. A socket that refuses is about to fail anyway.
                    let _ = stream.set_nodelay(true);
                    keep_alive(&stream);
                    let worker = self.next % self.workers.len();
                    self.next = self.next.wrapping_add(1);
                    let accepted = Accepted { listener: *kind, peer };
                    self.workers[worker].send(Letter::Accepted(TcpStream::from(stream), accepted));
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

/// Has the kernel ask after peers that are silent, so that one which vanished without a word is noticed, and the connection
/// stays known to what lies between.
fn keep_alive(stream: &mio::net::TcpStream) {
    // A system that refuses leaves that to the pings of NATS.
    let _ = sockopt::set_socket_keepalive(stream, true);
    let _ = sockopt::set_tcp_keepidle(stream, KEEP_ALIVE_IDLE);
    let _ = sockopt::set_tcp_keepintvl(stream, KEEP_ALIVE_INTERVAL);
    let _ = sockopt::set_tcp_keepcnt(stream, KEEP_ALIVE_PROBES);
}
