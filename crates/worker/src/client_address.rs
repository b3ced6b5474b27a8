//! Where a connection comes from: from the socket, from a PROXY protocol header, or from the headers of a request.

use std::net::{IpAddr, SocketAddr};

use dunlin_forwarded::{Client, Fields, Scheme, resolve};
use dunlin_session::CloseReason;

use crate::addresses::{AddressKey, Admission};
use crate::connection::{Connection, Listener};
use crate::http_head::Head;
use crate::peer_policy::PeerPolicy;
use crate::{ConnId, Worker, WorkerConfig};

/// How long a connection over its address's limit is waited for to ask, so that it can be told.
const REFUSAL_PATIENCE: core::time::Duration = core::time::Duration::from_secs(2);

/// How a connection came here, where it did not come straight.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Via {
    /// The socket's peer: a proxy.
    pub socket: SocketAddr,
    /// What it speaks for, before the headers of a request say more: the source in its PROXY protocol header, or itself.
    pub base: SocketAddr,
}

/// How the limits of its address see a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Standing {
    /// Not counted: there is no limit, or it is not known yet for whom the peer speaks.
    Uncounted,
    /// Counted for this address at its listener.
    Counted(AddressKey),
    /// The address has as many connections as it may have.
    Refused,
}

impl WorkerConfig {
    /// The policy of a listener. Monitoring has none.
    pub(crate) fn policy(&self, listener: Listener) -> Option<&PeerPolicy> {
        match listener {
            Listener::Nats => Some(&self.peers),
            Listener::WebSocket | Listener::Shared => Some(&self.websocket.peers),
            Listener::Monitor => None,
        }
    }
}

impl Connection {
    /// The address of the socket's peer, and of what it speaks for until a request says more.
    fn via(&self) -> Via {
        self.via.as_deref().copied().unwrap_or(Via { socket: self.peer, base: self.peer })
    }

    /// From now on the connection comes from `peer`.
    fn set_peer(&mut self, peer: SocketAddr, via: Via) {
        self.peer = peer;
        self.via = (peer != via.socket).then(|| Box::new(via));
    }
}

impl Worker {
    /// Takes the word of a PROXY protocol header.
    pub(crate) fn set_source(&mut self, id: ConnId, source: SocketAddr) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        let source = SocketAddr::new(source.ip().to_canonical(), source.port());
        conn.set_peer(source, Via { socket: conn.via().socket, base: source });
    }

    /// Finds out who has sent a request, and whether it may. An `Err` has been counted and logged.
    ///
    /// A connection can carry the requests of several clients of a proxy until one is upgraded.
    pub(crate) fn admit_request(&mut self, id: ConnId, head: &Head<'_>) -> Result<(), CloseReason> {
        let client = self.client_of(id, head);
        if let (Some(client), Some(conn)) = (client, self.conns.get_mut(id)) {
            let via = conn.via();
            // The port of the proxy's own socket is not the client's. 0: not known.
            let forwarded = SocketAddr::new(client.ip, client.port.unwrap_or(0));
            conn.set_peer(if client.is_forwarded { forwarded } else { via.base }, via);
        }
        self.count(id);
        self.admit_handshake(id)
    }

    /// What the sender of a request speaks to its proxy, where one that is trusted has said so: the scheme that an `Origin` of
    /// this request has to have. `None`: it is what the connection itself speaks.
    pub(crate) fn client_scheme(&self, id: ConnId, head: &Head<'_>) -> Option<Scheme> {
        self.client_of(id, head)?.scheme
    }

    fn client_of(&self, id: ConnId, head: &Head<'_>) -> Option<Client> {
        let conn = self.conns.find(id)?;
        let policy = self.config.policy(conn.listener)?;
        let values = |name| head.values(name).collect::<Vec<_>>();
        let fields = Fields {
            x_forwarded_for: &values("X-Forwarded-For"),
            x_forwarded_proto: &values("X-Forwarded-Proto"),
            forwarded: &values("Forwarded"),
        };
        Some(resolve(conn.via().base.ip(), &fields, &policy.trusted_proxies))
    }

    /// Counts a new connection for its address, where that is known already: from a trusted peer a request will tell, and on
    /// a shared port only those count that become a WebSocket.
    pub(crate) fn count_at_once(&mut self, id: ConnId) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        let trusts = |policy: &PeerPolicy| policy.trusted_proxies.trusts(conn.peer.ip());
        let is_trusted = || self.config.policy(conn.listener).is_some_and(trusts);
        if conn.listener == Listener::Shared || conn.listener == Listener::WebSocket && is_trusted() {
            return;
        }
        self.count(id);
        let until = self.now + REFUSAL_PATIENCE;
        if let Some(conn) = self.conns.get_mut(id)
            && conn.standing == Standing::Refused
        {
            conn.deadline = conn.deadline.min(until);
        }
    }

    /// Counts a connection for the address that it comes from, and for no other.
    pub(crate) fn count(&mut self, id: ConnId) {
        let now = self.now;
        let Some(conn) = self.conns.get_mut(id) else { return };
        let Some(policy) = self.config.policy(conn.listener) else { return };
        let max = policy.limits.connections_per_address;
        let key = AddressKey::new(conn.listener, conn.peer.ip());
        if conn.standing == Standing::Counted(key) {
            return;
        }
        if let Standing::Counted(other) = conn.standing {
            self.shared.addresses.leave(other, now);
        }
        let admission =
            if max == 0 { Admission::Uncounted } else { self.shared.addresses.enter(key, now, max) };
        conn.standing = match admission {
            Admission::Uncounted => Standing::Uncounted,
            Admission::Counted => Standing::Counted(key),
            Admission::Refused => Standing::Refused,
        };
    }

    /// Forgets that a connection was counted.
    pub(crate) fn uncount(&self, conn: &Connection) {
        if let Standing::Counted(key) = conn.standing {
            self.shared.addresses.leave(key, self.now);
        }
    }

    /// Whether a peer may begin now, as a client or with a request. An `Err` has been counted and logged.
    pub(crate) fn admit_handshake(&mut self, id: ConnId) -> Result<(), CloseReason> {
        let now = self.now;
        let Some(conn) = self.conns.get_mut(id) else { return Ok(()) };
        let Some(policy) = self.config.policy(conn.listener) else { return Ok(()) };
        let limits = &policy.limits;
        let reason = if conn.standing == Standing::Refused {
            self.counters.address_refusals += 1;
            CloseReason::AddressConnections
        } else {
            let key = AddressKey::new(conn.listener, conn.peer.ip());
            let rate = limits.handshakes_per_second;
            if rate == 0 || self.shared.addresses.admit_handshake(key, now, rate, limits.burst) {
                return Ok(());
            }
            self.counters.handshake_refusals += 1;
            CloseReason::HandshakeRate
        };
        let peer = conn.peer.ip();
        self.log_refusal(peer, reason);
        Err(reason)
    }

    fn log_refusal(&self, peer: IpAddr, reason: CloseReason) {
        let refused = self.counters.address_refusals + self.counters.handshake_refusals;
        tracing::warn!("{peer} - refused: {} ({refused} refused by this worker so far)", reason.text());
    }
}
