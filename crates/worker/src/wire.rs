//! The seam to the sockets and to the other workers.

use std::io;

use crate::{ConnId, Crossing, Lag, Listener, TlsInfo};

/// What a worker asks of the world. The server implements it on sockets, the simulation on scripted peers.
pub trait Wire {
    /// Reads from a connection. `Ok(0)`: the peer has finished; `WouldBlock`: nothing there now.
    ///
    /// A read that returns less than was asked for has left nothing behind, unless [`Wire::has_more`] says so.
    fn read(&mut self, conn: ConnId, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes to a connection, as much as it takes now. `WouldBlock`: nothing now; [`Worker::set_writable`] follows.
    ///
    /// A wire that encrypts reports the last byte of what it has taken only when all of it is with the socket; until then
    /// it may take the same bytes again. So what is written has left, and what has begun is never dropped.
    ///
    /// [`Worker::set_writable`]: crate::Worker::set_writable
    fn write(&mut self, conn: ConnId, bytes: &[u8]) -> io::Result<usize>;

    /// A connection has something to read that the socket will not tell of again.
    fn has_more(&self, _conn: ConnId) -> bool {
        false
    }

    /// The peer has begun a TLS handshake, with `received` as its first bytes. From here on, reading drives the handshake and
    /// returns what is decrypted, and writing encrypts. Nothing can be written until the handshake is over.
    ///
    /// # Errors
    ///
    /// What is wrong with `received`. The peer has been told by an alert.
    fn start_tls(&mut self, conn: ConnId, listener: Listener, received: &[u8]) -> io::Result<()> {
        let _ = (conn, listener, received);
        Err(io::ErrorKind::Unsupported.into())
    }

    /// What the TLS handshake of a connection has agreed on, once it is over.
    fn tls_info(&self, _conn: ConnId) -> Option<TlsInfo> {
        None
    }

    /// Tells the peer that nothing follows. It may still send.
    fn shutdown_write(&mut self, conn: ConnId);

    /// Lets go of a connection: its id means nothing afterwards.
    fn close(&mut self, conn: ConnId);

    /// Hands messages to another worker.
    fn hand_over(&mut self, worker: usize, crossing: Crossing);

    /// How far a worker is behind with what this one and others have handed over.
    fn lag(&self, _worker: usize) -> Lag {
        Lag::None
    }
}
