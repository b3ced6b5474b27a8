//! A worker's sockets.

use std::io::{self, Read as _, Write as _};
use std::net::Shutdown;

use dunlin_worker::{ConnId, Crossing, Wire};
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use super::mailbox::{Letter, Mailbox};

/// The sockets of a worker's connections, by slot, and the way to the other workers.
pub(crate) struct Sockets {
    streams: Vec<Option<TcpStream>>,
    mailboxes: Vec<Mailbox>,
    index: usize,
}

/// The token under which a connection's events arrive.
fn token(id: ConnId) -> Token {
    Token((id.generation as usize) << 32 | id.slot as usize)
}

/// The connection of a token.
pub(crate) fn conn_id(token: Token) -> ConnId {
    ConnId { slot: token.0 as u32, generation: (token.0 >> 32) as u32 }
}

impl Sockets {
    pub(crate) fn new(index: usize, mailboxes: Vec<Mailbox>) -> Sockets {
        Sockets { streams: Vec::new(), mailboxes, index }
    }

    /// Takes in a connection's socket. One that cannot be watched is dropped: the first use of it fails.
    pub(crate) fn insert(
        &mut self,
        id: ConnId,
        mut stream: TcpStream,
        registry: &Registry,
    ) -> io::Result<()> {
        registry.register(&mut stream, token(id), Interest::READABLE | Interest::WRITABLE)?;
        let slot = id.slot as usize;
        if self.streams.len() <= slot {
            self.streams.resize_with(slot + 1, || None);
        }
        self.streams[slot] = Some(stream);
        Ok(())
    }

    fn stream(&mut self, id: ConnId) -> io::Result<&mut TcpStream> {
        self.streams
            .get_mut(id.slot as usize)
            .and_then(Option::as_mut)
            .ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl Wire for Sockets {
    fn read(&mut self, conn: ConnId, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream(conn)?.read(buffer)
    }

    fn write(&mut self, conn: ConnId, bytes: &[u8]) -> io::Result<usize> {
        self.stream(conn)?.write(bytes)
    }

    fn shutdown_write(&mut self, conn: ConnId) {
        if let Ok(stream) = self.stream(conn) {
            // A peer that has gone already has nothing to be told.
            let _ = stream.shutdown(Shutdown::Write);
        }
    }

    fn close(&mut self, conn: ConnId) {
        if let Some(stream) = self.streams.get_mut(conn.slot as usize) {
            *stream = None;
        }
    }

    fn hand_over(&mut self, worker: usize, crossing: Crossing) {
        if let Some(mailbox) = self.mailboxes.get(worker) {
            mailbox.send(Letter::Crossing(crossing));
        }
    }

    fn is_backlogged(&self) -> bool {
        self.mailboxes.iter().enumerate().any(|(at, mailbox)| at != self.index && mailbox.is_backlogged())
    }
}
