//! Where connections come from.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use mio::event::Source;
use mio::net::TcpListener;
use rustix::io::Errno;
use rustix::net::sockopt;
use socket2::{Domain, Protocol, Type};

use super::{Socket, UnixSocket};

/// The address of a peer on a Unix socket: it is on this machine, and has no port.
const UNIX_PEER: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

/// TCP keep-alive: the silence before the first probe, the time between probes, and how many go unanswered.
const KEEP_ALIVE_IDLE: Duration = Duration::from_secs(60);
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);
const KEEP_ALIVE_PROBES: u32 = 4;

/// A bound listener.
pub(crate) enum ListenSocket {
    /// A listener, and the address it was asked for, with its port.
    Tcp(TcpListener, SocketAddr),
    Unix(UnixSocket),
}

/// How many connections may wait to be accepted, where the system allows as many (`net.core.somaxconn`). When all clients
/// come back at the same moment, those that find no room wait a second or more before they try again.
const BACKLOG: i32 = 4096;

/// How often to look for another port where any will do and one of several addresses has the first one taken.
const PORT_TRIES: usize = 16;

impl ListenSocket {
    /// Listens on all `addrs`, the addresses of one host, under one port. Those that this machine has not are left out, as
    /// long as it has one of them.
    ///
    /// # Errors
    ///
    /// The address that could not be listened on, and what the system says.
    pub(crate) fn bind_all(addrs: &[SocketAddr]) -> Result<Vec<ListenSocket>, (SocketAddr, io::Error)> {
        let mut tries = 1;
        loop {
            match bind_each(addrs) {
                Err((addr, error))
                    if addr.port() == 0 && error.kind() == io::ErrorKind::AddrInUse && tries < PORT_TRIES =>
                {
                    tries += 1;
                }
                result => return result,
            }
        }
    }

    /// Listens on `addr`; on all addresses of both families, if it is the unspecified one of either.
    ///
    /// That is one socket, not two: one port for both even where any will do, one place to wait at, and the system refuses
    /// it as a whole where another server has half of it.
    fn bind_tcp(addr: SocketAddr) -> io::Result<ListenSocket> {
        let socket = if addr.ip().is_unspecified() {
            let all = |ip: IpAddr| bind(SocketAddr::new(ip, addr.port()));
            match all(Ipv6Addr::UNSPECIFIED.into()) {
                // A machine without IPv6 says so in many ways. What is wrong with IPv4 as well is found again.
                Err(error) if error.kind() != io::ErrorKind::AddrInUse => all(Ipv4Addr::UNSPECIFIED.into())?,
                result => result?,
            }
        } else {
            bind(addr)?
        };
        socket.listen(BACKLOG)?;
        let listener = TcpListener::from_std(socket.into());
        // Its connections inherit the options, which saves five system calls for each.
        // Without this one, small writes would wait for each other.
        sockopt::set_tcp_nodelay(&listener, true)?;
        keep_alive(&listener)?;
        let mut asked = addr;
        asked.set_port(listener.local_addr()?.port());
        Ok(ListenSocket::Tcp(listener, asked))
    }

    /// The next connection, and its peer's address: that of an IPv4 peer is one of IPv4, whatever the socket's family.
    pub(crate) fn accept(&self) -> io::Result<(Socket, SocketAddr)> {
        match self {
            ListenSocket::Tcp(listener, _) => {
                let (stream, peer) = listener.accept()?;
                let peer = match peer.ip().to_canonical() {
                    ip @ IpAddr::V4(_) => SocketAddr::new(ip, peer.port()),
                    IpAddr::V6(_) => peer,
                };
                Ok((Socket::Tcp(stream), peer))
            }
            ListenSocket::Unix(socket) => {
                let (stream, _) = socket.listener.accept()?;
                Ok((Socket::Unix(stream), UNIX_PEER.into()))
            }
        }
    }

    /// The address that is listened on; an unspecified one of IPv4 stands for both families too.
    pub(crate) fn local_addr(&self) -> Option<SocketAddr> {
        match self {
            ListenSocket::Tcp(_, addr) => Some(*addr),
            ListenSocket::Unix(_) => None,
        }
    }

    pub(crate) fn source(&mut self) -> &mut dyn Source {
        match self {
            ListenSocket::Tcp(listener, _) => listener,
            ListenSocket::Unix(socket) => &mut socket.listener,
        }
    }
}

fn bind_each(addrs: &[SocketAddr]) -> Result<Vec<ListenSocket>, (SocketAddr, io::Error)> {
    let mut sockets: Vec<ListenSocket> = Vec::new();
    let mut missing = None;
    for addr in addrs {
        let mut with_port = *addr;
        if let Some(first) = sockets.first().and_then(ListenSocket::local_addr) {
            with_port.set_port(first.port());
        }
        match ListenSocket::bind_tcp(with_port) {
            Ok(socket) => sockets.push(socket),
            Err(error) if is_missing(&error) => missing = missing.or(Some((*addr, error))),
            Err(error) => return Err((*addr, error)),
        }
    }
    match missing {
        Some(missing) if sockets.is_empty() => Err(missing),
        _ => Ok(sockets),
    }
}

/// The machine has not the address, or not its family.
fn is_missing(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::ADDRNOTAVAIL | Errno::AFNOSUPPORT))
}

fn bind(addr: SocketAddr) -> io::Result<socket2::Socket> {
    let socket = socket2::Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    if addr.is_ipv6() {
        socket.set_only_v6(!addr.ip().is_unspecified())?;
    }
    // A server that starts again does not wait until the system has forgotten the connections of the last one.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&addr.into())?;
    Ok(socket)
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
