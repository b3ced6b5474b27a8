//! A raw TCP peer: sends exactly these bytes, reads until an event.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use crate::tls::TlsLink;
use crate::{Agreed, Deadline, TlsClient};

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

#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsLink>),
}

impl Stream {
    fn socket(&self) -> &TcpStream {
        match self {
            Stream::Plain(socket) => socket,
            Stream::Tls(link) => &link.sock,
        }
    }

    fn io(&mut self) -> &mut dyn ReadWrite {
        match self {
            Stream::Plain(socket) => socket,
            Stream::Tls(link) => &mut **link,
        }
    }
}

trait ReadWrite: Read + Write {}

impl<T: Read + Write> ReadWrite for T {}

/// A TCP connection, perhaps under TLS, that keeps what it has read ahead.
#[derive(Debug)]
pub struct RawTcp {
    stream: Stream,
    ahead: Vec<u8>,
    closed: bool,
    broken: bool,
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
        RawTcp { stream: Stream::Plain(stream), ahead: Vec::new(), closed: false, broken: false }
    }

    /// Goes on in TLS.
    ///
    /// # Errors
    /// Why the handshake failed.
    ///
    /// # Panics
    /// If there is something to read that came before, or TLS is under way already.
    pub fn start_tls(self, client: &TlsClient) -> std::io::Result<RawTcp> {
        assert!(self.ahead.is_empty(), "the server has sent more than was read: {:?}", self.ahead);
        let Stream::Plain(socket) = self.stream else { panic!("TLS inside TLS") };
        socket.set_read_timeout(Deadline::usual().left()).expect("a TCP option");
        let link = client.shake_hands(socket)?;
        let stream = Stream::Tls(Box::new(link));
        Ok(RawTcp { stream, ahead: Vec::new(), closed: false, broken: false })
    }

    /// Reads INFO, then goes on in TLS.
    ///
    /// # Panics
    /// If the handshake fails.
    pub fn upgrade(mut self, client: &TlsClient) -> RawTcp {
        self.read_line(Deadline::usual());
        self.start_tls(client).expect("the handshake succeeds")
    }

    /// What the TLS handshake has agreed on.
    pub fn agreed(&self) -> Option<Agreed> {
        match &self.stream {
            Stream::Plain(_) => None,
            Stream::Tls(link) => Some(Agreed::of(&link.conn)),
        }
    }

    /// The end came without a word of TLS, or with a reset.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// The address on this side.
    ///
    /// # Panics
    /// Never, for a connected socket.
    pub fn local_address(&self) -> SocketAddr {
        self.stream.socket().local_addr().expect("a connected socket has an address")
    }

    /// Sends all bytes. A server that closes while we write is no failure of the test: what it said is read later.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.io().write_all(bytes);
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
        self.stream.socket().set_nonblocking(true).expect("a socket option");
        let sent = self.stream.io().write(bytes).unwrap_or(0);
        self.stream.socket().set_nonblocking(false).expect("a socket option");
        sent
    }

    /// Tells the server that nothing more will come; reading goes on.
    pub fn half_close(&mut self) {
        if let Stream::Tls(link) = &mut self.stream {
            link.conn.send_close_notify();
            let _ = link.flush();
        }
        let _ = self.stream.socket().shutdown(Shutdown::Write);
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
            self.stream.socket().set_read_timeout(Some(left)).expect("a non-zero timeout");
            match self.stream.io().read(&mut buf) {
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
                Err(_) => {
                    self.closed = true;
                    self.broken = true;
                }
            }
            return End::Closed;
        }
    }
}
