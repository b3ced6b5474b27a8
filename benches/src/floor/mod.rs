//! What the kernel alone costs: a server without NATS.
//!
//! One thread reads a publisher's bytes and writes the bytes that the subscribers are to get, encoded once for each read,
//! to all of them but the publisher itself: one read and one write per connection and turn. No matching, no sids (every subscription
//! is number 1), no limits. With one requester and one responder it thus relays requests and answers.
//! Whatever a real server spends beyond this is its own.

mod connection;
mod encoding;

use std::net::SocketAddr;

use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token};

use connection::{Connection, Read};
use encoding::{Dialect, Encoder};

const TCP: Token = Token(0);
const WEBSOCKET: Token = Token(1);
/// The tokens of connections come behind those of the listeners.
const FIRST: usize = 2;

struct Floor {
    poll: Poll,
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    subscribers: Vec<usize>,
    encoder: Encoder,
}

/// Serves until it is killed.
pub(crate) fn run() -> anyhow::Result<()> {
    let mut floor = Floor {
        poll: Poll::new()?,
        connections: Vec::new(),
        free: Vec::new(),
        subscribers: Vec::new(),
        encoder: Encoder::new(),
    };
    let mut listeners = Vec::new();
    for (token, text) in [(TCP, "client connections on "), (WEBSOCKET, "websocket clients on ws://")] {
        let mut listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        // Room for a storm, as servers have it.
        rustix::net::listen(&listener, 4096)?;
        floor.poll.registry().register(&mut listener, token, Interest::READABLE)?;
        eprintln!("Listening for {text}{}", listener.local_addr()?);
        listeners.push(listener);
    }
    eprintln!("Server is ready");
    let mut events = Events::with_capacity(1024);
    let mut buffer = vec![0; 64 << 10];
    loop {
        floor.poll.poll(&mut events, None)?;
        for event in &events {
            let token = event.token();
            if let Some(listener) = listeners.get(token.0) {
                floor.accept_all(listener, token == WEBSOCKET)?;
                continue;
            }
            let index = token.0 - FIRST;
            if event.is_writable() {
                floor.write(index, &[]);
            }
            if event.is_readable() {
                floor.read(index, &mut buffer)?;
            }
        }
    }
}

impl Floor {
    fn accept_all(&mut self, listener: &TcpListener, websocket: bool) -> anyhow::Result<()> {
        while let Ok((mut stream, _)) = listener.accept() {
            stream.set_nodelay(true)?;
            let index = self.free.pop().unwrap_or(self.connections.len());
            let interest = Interest::READABLE | Interest::WRITABLE;
            self.poll.registry().register(&mut stream, Token(index + FIRST), interest)?;
            let connection = Some(Connection::new(stream, websocket));
            if index == self.connections.len() {
                self.connections.push(connection);
            } else {
                self.connections[index] = connection;
            }
            if !websocket {
                self.write(index, encoding::INFO);
            }
        }
        Ok(())
    }

    fn write(&mut self, index: usize, bytes: &[u8]) {
        if let Some(connection) = &mut self.connections[index] {
            connection.write(bytes);
        }
    }

    /// Reads until the socket is empty, which one read is enough for where it does not fill the buffer.
    fn read(&mut self, index: usize, buffer: &mut [u8]) -> anyhow::Result<()> {
        while let Some(connection) = &mut self.connections[index] {
            match connection.read(buffer) {
                Read::Nothing => break,
                Read::Gone => self.remove(index),
                Read::Bytes(len) => {
                    self.handle(index, &mut buffer[..len])?;
                    if len < buffer.len() {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    fn remove(&mut self, index: usize) {
        self.connections[index] = None;
        self.free.push(index);
        self.subscribers.retain(|&subscriber| subscriber != index);
    }

    fn handle(&mut self, index: usize, bytes: &mut [u8]) -> anyhow::Result<()> {
        let Some(connection) = &mut self.connections[index] else { return Ok(()) };
        if let Some(answer) = connection.upgrade(bytes, &mut self.encoder)? {
            connection.write(&answer);
            return Ok(());
        }
        let answer = connection.take_ops(bytes)?;
        if answer.subscribes {
            self.subscribers.push(index);
        }
        if answer.pong {
            let dialect = connection.dialect();
            connection.write(self.encoder.encode(b"PONG\r\n", dialect)?);
        }
        if !answer.messages.is_empty() {
            self.publish(index, &answer.messages)?;
        }
        Ok(())
    }

    /// Writes the same bytes to all others that speak the same dialect.
    fn publish(&mut self, publisher: usize, messages: &[u8]) -> anyhow::Result<()> {
        let mut encoded: [Option<Vec<u8>>; Dialect::COUNT] = Default::default();
        for &index in self.subscribers.iter().filter(|&&index| index != publisher) {
            let Some(connection) = &mut self.connections[index] else { continue };
            let dialect = connection.dialect();
            let place = &mut encoded[dialect.index()];
            let bytes = match place {
                Some(bytes) => bytes,
                None => place.insert(self.encoder.encode(messages, dialect)?.to_vec()),
            };
            connection.write(bytes);
        }
        Ok(())
    }
}
