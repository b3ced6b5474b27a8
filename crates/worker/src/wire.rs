//! The seam to the sockets and to the other workers.

use std::io;

use crate::{ConnId, Crossing};

/// What a worker asks of the world. The server implements it on sockets, the simulation on scripted peers.
pub trait Wire {
    /// Reads from a connection. `Ok(0)`: the peer has finished; `WouldBlock`: nothing there now.
    fn read(&mut self, conn: ConnId, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes to a connection, as much as it takes now. `WouldBlock`: nothing now; [`Worker::set_writable`] follows.
    ///
    /// [`Worker::set_writable`]: crate::Worker::set_writable
    fn write(&mut self, conn: ConnId, bytes: &[u8]) -> io::Result<usize>;

    /// Tells the peer that nothing follows. It may still send.
    fn shutdown_write(&mut self, conn: ConnId);

    /// Lets go of a connection: its id means nothing afterwards.
    fn close(&mut self, conn: ConnId);

    /// Hands messages to another worker.
    fn hand_over(&mut self, worker: usize, crossing: Crossing);

    /// Another worker is far behind with what it was handed: this one reads no more until that has changed, so that
    /// nothing grows without bound between them.
    fn is_backlogged(&self) -> bool {
        false
    }
}
