//! A worker's sockets.

use std::io::{self, Read as _, Write as _};
use std::sync::Arc;

use dunlin_worker::{ConnId, Crossing, Lag, Listener, TlsInfo, Wire};
use mio::event::Source as _;
use mio::{Interest, Registry, Token};

use super::Socket;
use super::mailbox::{Letter, Mailbox};
use crate::tls::{TlsServers, TlsStream};

/// The most encrypted bytes read at once.
const SCRATCH_LEN: usize = 64 << 10;

/// A connection's socket, and what lies over it.
enum Stream {
    Plain(Socket),
    Tls(Box<TlsStream>),
}

/// The sockets of a worker's connections, by slot, and the way to the other workers.
pub(crate) struct Sockets {
    streams: Vec<Option<Stream>>,
    tls: Arc<TlsServers>,
    /// What is read from encrypted connections goes through here.
    scratch: Vec<u8>,
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
    pub(crate) fn new(index: usize, mailboxes: Vec<Mailbox>, tls: Arc<TlsServers>) -> Sockets {
        Sockets { streams: Vec::new(), tls, scratch: Vec::new(), mailboxes, index }
    }

    /// From now on, new connections are encrypted with `tls`.
    pub(crate) fn set_tls(&mut self, tls: Arc<TlsServers>) {
        self.tls = tls;
    }

    /// A connection's socket takes bytes again.
    pub(crate) fn handle_writable(&mut self, id: ConnId) {
        if let Ok(Stream::Tls(stream)) = self.stream(id) {
            stream.handle_writable();
        }
    }

    /// Takes in a connection's socket. One that cannot be watched is dropped: the first use of it fails.
    pub(crate) fn insert(&mut self, id: ConnId, mut socket: Socket, registry: &Registry) -> io::Result<()> {
        socket.register(registry, token(id), Interest::READABLE | Interest::WRITABLE)?;
        let slot = id.slot as usize;
        if self.streams.len() <= slot {
            self.streams.resize_with(slot + 1, || None);
        }
        self.streams[slot] = Some(Stream::Plain(socket));
        Ok(())
    }

    fn stream(&mut self, id: ConnId) -> io::Result<&mut Stream> {
        find(&mut self.streams, id)
    }
}

fn find(streams: &mut [Option<Stream>], id: ConnId) -> io::Result<&mut Stream> {
    streams
        .get_mut(id.slot as usize)
        .and_then(Option::as_mut)
        .ok_or_else(|| io::ErrorKind::NotConnected.into())
}

impl Wire for Sockets {
    fn read(&mut self, conn: ConnId, buffer: &mut [u8]) -> io::Result<usize> {
        match find(&mut self.streams, conn)? {
            Stream::Plain(socket) => socket.read(buffer),
            Stream::Tls(stream) => {
                self.scratch.resize(SCRATCH_LEN, 0);
                stream.read(buffer, &mut self.scratch)
            }
        }
    }

    fn write(&mut self, conn: ConnId, bytes: &[u8]) -> io::Result<usize> {
        match self.stream(conn)? {
            Stream::Plain(socket) => socket.write(bytes),
            Stream::Tls(stream) => stream.write(bytes),
        }
    }

    fn has_more(&self, conn: ConnId) -> bool {
        match self.streams.get(conn.slot as usize) {
            Some(Some(Stream::Tls(stream))) => stream.has_more(),
            _ => false,
        }
    }

    fn start_tls(&mut self, conn: ConnId, listener: Listener, received: &[u8]) -> io::Result<()> {
        let server = self.tls.server(listener).ok_or(io::ErrorKind::Unsupported)?;
        let place = self.streams.get_mut(conn.slot as usize).ok_or(io::ErrorKind::NotConnected)?;
        let socket = match place.take() {
            Some(Stream::Plain(socket)) => socket,
            other => {
                *place = other;
                return Err(io::ErrorKind::NotConnected.into());
            }
        };
        let mut stream = Box::new(TlsStream::new(socket, server)?);
        let result = stream.begin(received);
        *place = Some(Stream::Tls(stream));
        result
    }

    fn tls_info(&self, conn: ConnId) -> Option<TlsInfo> {
        match self.streams.get(conn.slot as usize)? {
            Some(Stream::Tls(stream)) => stream.info(),
            _ => None,
        }
    }

    fn shutdown_write(&mut self, conn: ConnId) {
        match self.stream(conn) {
            Ok(Stream::Plain(socket)) => socket.shutdown_write(),
            Ok(Stream::Tls(stream)) => stream.shutdown_write(),
            Err(_) => {}
        }
    }

    fn close(&mut self, conn: ConnId) {
        if let Some(place) = self.streams.get_mut(conn.slot as usize)
            && let Some(Stream::Tls(mut stream)) = place.take()
        {
            // Without it, the peer cannot know that nothing is missing.
            stream.shutdown_write();
        }
    }

    fn hand_over(&mut self, worker: usize, crossing: Crossing) {
        if let Some(mailbox) = self.mailboxes.get(worker) {
            mailbox.send(Letter::Crossing(crossing));
        }
    }

    fn lag(&self, worker: usize) -> Lag {
        let other = self.mailboxes.get(worker).filter(|_| worker != self.index);
        other.map_or(Lag::None, Mailbox::lag)
    }
}
