//! Where connections come from.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use mio::event::Source;
use mio::net::{TcpListener, TcpStream};
use rustix::net::sockopt;

use super::{Socket, UnixSocket};

/// The address of a peer on a Unix socket: it is on this machine, and has no port.
const UNIX_PEER: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

/// TCP keep-alive: the silence before the first probe, the time between probes, and how many go unanswered.
const KEEP_ALIVE_IDLE: Duration = Duration::from_secs(60);
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);
const KEEP_ALIVE_PROBES: u32 = 4;

/// A bound listener.
pub(crate) enum ListenSocket {
    Tcp(TcpListener),
    Unix(UnixSocket),
}

/// How many connections may wait to be accepted, where the system allows as many (`net.core.somaxconn`). When all clients
/// come back at the same moment, those that find no room wait a second or more before they try again.
const BACKLOG: i32 = 4096;

impl ListenSocket {
    /// Listens on `addr`.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(crate) fn bind_tcp(addr: SocketAddr) -> io::Result<ListenSocket> {
        let listener = TcpListener::bind(addr)?;
        // Again, since it has listened with room for 128.
        rustix::net::listen(&listener, BACKLOG)?;
        Ok(ListenSocket::Tcp(listener))
    }

    /// The next connection, and its peer's address.
    pub(crate) fn accept(&self) -> io::Result<(Socket, SocketAddr)> {
        match self {
            ListenSocket::Tcp(listener) => {
                let (stream, peer) = listener.accept()?;
                // Without it, small writes would wait for each other. A socket that refuses is about to fail anyway.
                let _ = stream.set_nodelay(true);
                keep_alive(&stream);
                Ok((Socket::Tcp(stream), peer))
            }
            ListenSocket::Unix(socket) => {
                let (stream, _) = socket.listener.accept()?;
                Ok((Socket::Unix(stream), UNIX_PEER.into()))
            }
        }
    }

    /// The address that is listened on.
    pub(crate) fn local_addr(&self) -> Option<SocketAddr> {
        match self {
            ListenSocket::Tcp(listener) => listener.local_addr().ok(),
            ListenSocket::Unix(_) => None,
        }
    }

    pub(crate) fn source(&mut self) -> &mut dyn Source {
        match self {
            ListenSocket::Tcp(listener) => listener,
            ListenSocket::Unix(socket) => &mut socket.listener,
        }
    }
}

/// Has the kernel ask after peers that are silent, so that one which vanished without a word is noticed, and the connection
/// stays known to what lies between.
fn keep_alive(stream: &TcpStream) {
    // A system that refuses leaves that to the pings of NATS.
    let _ = sockopt::set_socket_keepalive(stream, true);
    let _ = sockopt::set_tcp_keepidle(stream, KEEP_ALIVE_IDLE);
    let _ = sockopt::set_tcp_keepintvl(stream, KEEP_ALIVE_INTERVAL);
    let _ = sockopt::set_tcp_keepcnt(stream, KEEP_ALIVE_PROBES);
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn many_clients_can_wait_before_any_is_accepted() {
        let most = std::fs::read_to_string("/proc/sys/net/core/somaxconn").expect("Linux has it");
        let count = most.trim().parse::<usize>().expect("a number").min(300);
        let socket = ListenSocket::bind_tcp(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a free port");
        let address = socket.local_addr().expect("it is bound");
        let connect = |_| TcpStream::connect_timeout(&address, Duration::from_secs(1));
        let waiting: Result<Vec<_>, _> = (0..count).map(connect).collect();
        assert_eq!(waiting.expect("room for all").len(), count);
    }
}
