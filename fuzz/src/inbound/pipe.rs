//! The wire below the worker: two pipes, and a TLS that encrypts nothing.

use std::collections::VecDeque;
use std::io;

use dunlin_worker::{ConnId, Crossing, Listener, TlsInfo, Wire};

/// The most bytes that a slow peer's socket takes before it is full.
const SLOW_LEN: usize = 997;

/// What the one connection's peer sends and gets.
pub(super) struct Pipe {
    conn: ConnId,
    inbound: VecDeque<u8>,
    /// All that the peer has sent.
    sent: usize,
    is_finished: bool,
    is_slow: bool,
    /// The socket has taken its share, until the worker is told that it takes bytes again.
    is_full: bool,
    /// What the peer has got.
    pub written: Vec<u8>,
    /// Something has come that the worker has not been told of.
    is_news: bool,
    is_shut_down: bool,
    is_closed: bool,
    has_tls: bool,
}

impl Pipe {
    pub(super) fn new(conn: ConnId, is_slow: bool) -> Pipe {
        Pipe {
            conn,
            inbound: VecDeque::new(),
            sent: 0,
            is_finished: false,
            is_slow,
            is_full: false,
            written: Vec::new(),
            is_news: false,
            is_shut_down: false,
            is_closed: false,
            has_tls: false,
        }
    }

    pub(super) fn send(&mut self, bytes: &[u8]) {
        self.inbound.extend(bytes);
        self.sent += bytes.len();
        self.is_news = true;
    }

    pub(super) fn finish(&mut self) {
        self.is_news |= !self.is_finished;
        self.is_finished = true;
    }

    /// How many bytes the peer has sent.
    pub(super) fn sent(&self) -> usize {
        self.sent
    }

    /// The worker is to be told something.
    pub(super) fn has_news(&self) -> bool {
        !self.is_closed && (self.is_news || self.is_full)
    }

    /// There is something to read that the worker has not been told of, and whether it is the last.
    pub(super) fn tell_readable(&mut self) -> Option<bool> {
        (core::mem::take(&mut self.is_news) && !self.is_closed).then_some(self.is_finished)
    }

    /// The socket takes bytes again.
    pub(super) fn tell_writable(&mut self) -> bool {
        core::mem::take(&mut self.is_full)
    }

    fn check(&self, conn: ConnId) {
        assert!(conn == self.conn && !self.is_closed, "the connection is there");
    }
}

impl Wire for Pipe {
    fn read(&mut self, conn: ConnId, buffer: &mut [u8]) -> io::Result<usize> {
        self.check(conn);
        let len = self.inbound.len().min(buffer.len());
        if len == 0 && !self.is_finished {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        buffer.iter_mut().zip(self.inbound.drain(..len)).for_each(|(place, byte)| *place = byte);
        Ok(len)
    }

    fn write(&mut self, conn: ConnId, bytes: &[u8]) -> io::Result<usize> {
        self.check(conn);
        assert!(!self.is_shut_down && !bytes.is_empty(), "nothing is written behind the end");
        if self.is_full {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let len = if self.is_slow { bytes.len().min(SLOW_LEN) } else { bytes.len() };
        self.is_full = self.is_slow;
        self.written.extend_from_slice(&bytes[..len]);
        Ok(len)
    }

    /// The handshake is its first byte; what follows is the stream.
    fn start_tls(&mut self, conn: ConnId, _: Listener, received: &[u8]) -> io::Result<()> {
        self.check(conn);
        assert!(received.first() == Some(&0x16) && !self.has_tls, "that is what begins a handshake");
        for &byte in received[1..].iter().rev() {
            self.inbound.push_front(byte);
        }
        self.has_tls = true;
        Ok(())
    }

    fn tls_info(&self, conn: ConnId) -> Option<TlsInfo> {
        self.check(conn);
        self.has_tls.then_some(TlsInfo {
            version: "1.3",
            cipher_suite: "none",
            is_resumed: false,
            is_first: false,
            certificate: None,
        })
    }

    fn shutdown_write(&mut self, conn: ConnId) {
        self.check(conn);
        assert!(!self.is_shut_down, "once");
        self.is_shut_down = true;
    }

    fn close(&mut self, conn: ConnId) {
        self.check(conn);
        self.is_closed = true;
    }

    fn hand_over(&mut self, worker: usize, _: Crossing) {
        panic!("there is no worker {worker}");
    }
}
