//! Where connections come from.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use mio::event::Source;
use mio::net::TcpListener;
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
    /// Listens on `addr`. Its connections inherit the options set here, which saves five system calls for each.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(crate) fn bind_tcp(addr: SocketAddr) -> io::Result<ListenSocket> {
        let listener = TcpListener::bind(addr)?;
        // Again, since it has listened with room for 128.
        rustix::net::listen(&listener, BACKLOG)?;
        // Without it, small writes would wait for each other.
        sockopt::set_tcp_nodelay(&listener, true)?;
        keep_alive(&listener)?;
        Ok(ListenSocket::Tcp(listener))
    }

    /// The next connection, and its peer's address.
    pub(crate) fn accept(&self) -> io::Result<(Socket, SocketAddr)> {
        match self {
            ListenSocket::Tcp(listener) => {
                let (stream, peer) = listener.accept()?;
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
fn keep_alive(listener: &TcpListener) -> io::Result<()> {
    sockopt::set_socket_keepalive(listener, true)?;
    sockopt::set_tcp_keepidle(listener, KEEP_ALIVE_IDLE)?;
    sockopt::set_tcp_keepintvl(listener, KEEP_ALIVE_INTERVAL)?;
    sockopt::set_tcp_keepcnt(listener, KEEP_ALIVE_PROBES)?;
    Ok(())
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

    #[test]
    fn connections_have_the_options_of_their_listener() {
        let socket = ListenSocket::bind_tcp(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a free port");
        let client = TcpStream::connect(socket.local_addr().expect("it is bound")).expect("it listens");
        let accepted = loop {
            match socket.accept() {
                Ok((Socket::Tcp(stream), _)) => break stream,
                Ok(_) => unreachable!("the listener speaks TCP"),
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
            }
        };
        drop(client);
        assert!(sockopt::tcp_nodelay(&accepted).expect("it can be asked"));
        assert!(sockopt::socket_keepalive(&accepted).expect("it can be asked"));
        assert_eq!(sockopt::tcp_keepidle(&accepted).expect("it can be asked"), KEEP_ALIVE_IDLE);
        assert_eq!(sockopt::tcp_keepintvl(&accepted).expect("it can be asked"), KEEP_ALIVE_INTERVAL);
        assert_eq!(sockopt::tcp_keepcnt(&accepted).expect("it can be asked"), KEEP_ALIVE_PROBES);
    }
}
