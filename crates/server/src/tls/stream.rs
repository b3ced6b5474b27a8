//! A socket under TLS.

use std::io::{self, Read as _, Write as _};
use std::sync::Arc;

use dunlin_worker::TlsInfo;
use rustls::{HandshakeKind, ProtocolVersion, ServerConfig, ServerConnection};

use super::error::HandshakeError;
use super::hello::HelloReader;
use super::{TlsServer, certificate, suites};
use crate::net::Socket;

/// The longest TLS record, with its header (RFC 8446 §5.2, RFC 5246 §6.2.3).
const RECORD_MAX: usize = 5 + 16_384 + 2048;

/// The most plain bytes that are encrypted before the socket has taken them: so much ciphertext, and a little for its
/// records, is what a connection holds for a peer that does not read.
const ENCRYPT_MAX: usize = 64 << 10;

/// The most bytes that are read from the socket at once without anything to show for it: a handshake, or records without
/// content.
const BARREN_MAX: usize = 256 << 10;

/// The server's side of a TLS connection, over a socket that never blocks.
pub(crate) struct TlsStream {
    socket: Socket,
    tls: ServerConnection,
    /// Is to decide how to answer: nothing has been read by `tls` yet.
    hello: Option<Box<HelloReader>>,
    /// The next byte to be written is encrypted already: it was not reported as written, because the socket had not taken
    /// all of it.
    is_owed: bool,
    /// The peer sends nothing more.
    is_ended: bool,
    /// Nothing follows once all that is encrypted is with the socket.
    is_finishing: bool,
    /// There may be more to read than the socket will tell.
    has_more: bool,
    /// Why the connection has failed, to be told by the next read.
    error: Option<io::Error>,
    /// It has failed: what the peer sends is dropped.
    has_failed: bool,
}

impl TlsStream {
    /// Takes over a socket whose peer is about to begin a handshake.
    ///
    /// # Errors
    ///
    /// If the configuration is none, in which case the socket is gone.
    pub(crate) fn new(socket: Socket, server: &TlsServer) -> io::Result<TlsStream> {
        let hello = server.without_alpn.as_ref().map(|config| Box::new(HelloReader::new(Arc::clone(config))));
        Ok(TlsStream {
            socket,
            tls: connection(&server.config)?,
            hello,
            is_owed: false,
            is_ended: false,
            is_finishing: false,
            has_more: false,
            error: None,
            has_failed: false,
        })
    }

    /// Handles what was read from the socket before: the first bytes of the handshake.
    ///
    /// # Errors
    ///
    /// With what is wrong with them. The peer has been told.
    pub(crate) fn begin(&mut self, received: &[u8]) -> io::Result<()> {
        let result = self.feed(received, &mut [], &mut 0);
        self.has_failed = result.is_err();
        result
    }

    /// Reads until `buffer` is full or the socket empty, through `scratch`. Drives the handshake before that.
    pub(crate) fn read(&mut self, buffer: &mut [u8], scratch: &mut [u8]) -> io::Result<usize> {
        self.has_more = false;
        if self.has_failed {
            return self.discard(scratch);
        }
        let mut n = self.take_plain(buffer);
        let mut barren = 0;
        while !self.is_ended && self.error.is_none() {
            // What comes out can be as much as goes in, and the rest of a record that has begun.
            let room = buffer.len().saturating_sub(n + RECORD_MAX).min(scratch.len());
            if room == 0 || barren > BARREN_MAX {
                self.has_more = true;
                break;
            }
            match self.socket.read(&mut scratch[..room]) {
                Ok(0) => self.is_ended = true,
                Ok(len) => {
                    barren += len;
                    self.error = self.feed(&scratch[..len], buffer, &mut n).err();
                    if len < room && n > 0 {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => self.error = Some(error),
            }
        }
        if n > 0 {
            self.has_more |= self.is_ended || self.error.is_some();
            return Ok(n);
        }
        match self.error.take() {
            Some(error) => {
                self.has_failed = true;
                Err(error)
            }
            None if self.is_ended => Ok(0),
            None => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    /// See [`dunlin_worker::Wire::has_more`].
    pub(crate) fn has_more(&self) -> bool {
        self.has_more
    }

    /// Encrypts and writes, as much as the socket takes. The last byte of what is encrypted counts as written only when
    /// the socket has taken all of it.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.has_failed {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        if bytes.is_empty() || self.tls.is_handshaking() || !self.flush()? {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        if core::mem::take(&mut self.is_owed) {
            return Ok(1);
        }
        let encrypted = self.tls.writer().write(&bytes[..bytes.len().min(ENCRYPT_MAX)])?;
        if self.flush()? {
            return Ok(encrypted);
        }
        self.is_owed = true;
        match encrypted {
            0 | 1 => Err(io::ErrorKind::WouldBlock.into()),
            _ => Ok(encrypted - 1),
        }
    }

    /// The socket takes bytes again.
    pub(crate) fn handle_writable(&mut self) {
        // A socket that does not work says so to the next read too.
        if self.flush().is_ok_and(|is_empty| is_empty) && self.is_finishing {
            self.socket.shutdown_write();
        }
    }

    /// Tells the peer that nothing follows, once it has got what it has to get.
    pub(crate) fn shutdown_write(&mut self) {
        if !self.has_failed {
            self.tls.send_close_notify();
        }
        self.is_finishing = true;
        self.handle_writable();
    }

    /// What the handshake has agreed on, once it is over.
    pub(crate) fn info(&self) -> Option<TlsInfo> {
        if self.tls.is_handshaking() {
            return None;
        }
        let suite = self.tls.negotiated_cipher_suite()?;
        let certificate = self.tls.peer_certificates().and_then(|chain| chain.first());
        Some(TlsInfo {
            version: match self.tls.protocol_version() {
                Some(ProtocolVersion::TLSv1_2) => "1.2",
                _ => "1.3",
            },
            cipher_suite: suites::name(suite.suite()),
            is_resumed: self.tls.handshake_kind() == Some(HandshakeKind::Resumed),
            is_first: false,
            certificate: certificate.and_then(|der| certificate::describe(der)).map(Box::new),
        })
    }

    /// Handles bytes from the socket, and appends what they decrypt to behind the first `n` bytes of `buffer`.
    fn feed(&mut self, input: &[u8], buffer: &mut [u8], n: &mut usize) -> io::Result<()> {
        let Some(reader) = &mut self.hello else { return self.feed_tls(input, buffer, n) };
        let Some(hello) = reader.read(input)? else { return Ok(()) };
        if let Some(config) = &hello.config {
            self.tls = connection(config)?;
        }
        self.hello = None;
        self.feed_tls(&hello.received, buffer, n)
    }

    fn feed_tls(&mut self, mut input: &[u8], buffer: &mut [u8], n: &mut usize) -> io::Result<()> {
        while !input.is_empty() && !self.is_ended {
            self.tls.read_tls(&mut input)?;
            let result = self.tls.process_new_packets();
            *n += self.take_plain(&mut buffer[*n..]);
            match result {
                Ok(state) => self.is_ended = state.peer_has_closed(),
                Err(error) => {
                    // The alert. If it cannot be sent, the first error is still the one to tell.
                    let _ = self.flush();
                    return Err(HandshakeError(error).into());
                }
            }
        }
        self.flush()?;
        Ok(())
    }

    fn take_plain(&mut self, buffer: &mut [u8]) -> usize {
        let mut n = 0;
        while n < buffer.len() {
            match self.tls.reader().read(&mut buffer[n..]) {
                Ok(0) | Err(_) => break,
                Ok(len) => n += len,
            }
        }
        n
    }

    /// Writes what is encrypted. `false`: the socket is full.
    fn flush(&mut self) -> io::Result<bool> {
        while self.tls.wants_write() {
            match self.tls.write_tls(&mut self.socket) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Reads and drops what the peer sends after the connection has failed.
    fn discard(&mut self, scratch: &mut [u8]) -> io::Result<usize> {
        let mut dropped = 0;
        while dropped < BARREN_MAX {
            match self.socket.read(scratch)? {
                0 => return Ok(0),
                len => dropped += len,
            }
        }
        self.has_more = true;
        Err(io::ErrorKind::WouldBlock.into())
    }
}

fn connection(config: &Arc<ServerConfig>) -> io::Result<ServerConnection> {
    ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)
}
