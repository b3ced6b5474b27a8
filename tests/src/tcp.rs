//! A raw TCP peer: sends exactly these bytes, reads until an event.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use crate::Deadline;

/// What ended a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// What was waited for is there.
    Found,
    /// The server closed the connection. A reset counts: with unread input in its buffer a kernel sends that.
    Closed,
    /// The deadline passed.
    TimedOut,
}

/// A TCP connection that keeps what it has read ahead.
#[derive(Debug)]
pub struct RawTcp {
    stream: TcpStream,
    ahead: Vec<u8>,
    closed: bool,
}

impl RawTcp {
    /// Connects to `address`.
    ///
    /// # Panics
    /// If nobody listens there.
    pub fn connect(address: SocketAddr) -> RawTcp {
        let stream =
            TcpStream::connect_timeout(&address, Duration::from_secs(10)).expect("the server listens");
        stream.set_nodelay(true).expect("a TCP option");
        stream.set_write_timeout(Some(Duration::from_secs(10))).expect("a TCP option");
        RawTcp { stream, ahead: Vec::new(), closed: false }
    }

    /// The address on this side.
    ///
    /// # Panics
    /// Never, for a connected socket.
    pub fn local_address(&self) -> SocketAddr {
        self.stream.local_addr().expect("a connected socket has an address")
    }

    /// Sends all bytes. A server that closes while we write is no failure of the test: what it said is read later.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Sends the bytes in writes of `size` each.
    pub fn send_in_chunks(&mut self, bytes: &[u8], size: usize) {
        bytes.chunks(size).for_each(|chunk| self.send(chunk));
    }

    /// Sends as much as the socket takes at once, and says how much that was.
    ///
    /// # Panics
    /// If the socket does not take an option.
    pub fn send_what_fits(&mut self, bytes: &[u8]) -> usize {
        self.stream.set_nonblocking(true).expect("a socket option");
        let sent = self.stream.write(bytes).unwrap_or(0);
        self.stream.set_nonblocking(false).expect("a socket option");
        sent
    }

    /// Tells the server that nothing more will come; reading goes on.
    pub fn half_close(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Reads up to and including `pattern`; what came before the end in any case.
    pub fn read_until(&mut self, pattern: &[u8], deadline: Deadline) -> (Vec<u8>, End) {
        let mut scanned = 0;
        loop {
            let found = self.ahead[scanned..].windows(pattern.len()).position(|window| window == pattern);
            if let Some(at) = found {
                let rest = self.ahead.split_off(scanned + at + pattern.len());
                return (std::mem::replace(&mut self.ahead, rest), End::Found);
            }
            scanned = self.ahead.len().saturating_sub(pattern.len() - 1);
            match self.fill(deadline) {
                End::Found => {}
                end => return (std::mem::take(&mut self.ahead), end),
            }
        }
    }

    /// Reads one line with its line feed.
    pub fn read_line(&mut self, deadline: Deadline) -> (Vec<u8>, End) {
        self.read_until(b"\n", deadline)
    }

    /// Reads exactly `len` bytes, or fewer at the end.
    pub fn read_exact(&mut self, len: usize, deadline: Deadline) -> (Vec<u8>, End) {
        while self.ahead.len() < len {
            match self.fill(deadline) {
                End::Found => {}
                end => return (std::mem::take(&mut self.ahead), end),
            }
        }
        let rest = self.ahead.split_off(len);
        (std::mem::replace(&mut self.ahead, rest), End::Found)
    }

    /// Reads until the server closes.
    pub fn read_to_close(&mut self, deadline: Deadline) -> (Vec<u8>, End) {
        loop {
            match self.fill(deadline) {
                End::Found => {}
                end => return (std::mem::take(&mut self.ahead), end),
            }
        }
    }

    /// Reads once into the buffer: `Found` if bytes came.
    fn fill(&mut self, deadline: Deadline) -> End {
        if self.closed {
            return End::Closed;
        }
        let mut buf = vec![0; 64 * 1024];
        loop {
            let Some(left) = deadline.left() else { return End::TimedOut };
            self.stream.set_read_timeout(Some(left)).expect("a non-zero timeout");
            match self.stream.read(&mut buf) {
                Ok(0) => self.closed = true,
                Ok(len) => {
                    self.ahead.extend_from_slice(&buf[..len]);
                    return End::Found;
                }
                Err(e)
                    if matches!(
                        e.kind(),
                        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                    ) =>
                {
                    continue;
                }
                Err(_) => self.closed = true,
            }
            return End::Closed;
        }
    }
}
