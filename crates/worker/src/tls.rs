//! TLS below a connection: when its handshake begins and how it ends. The encryption itself is the wire's.

use core::time::Duration;
use std::io;

use dunlin_session::{CloseReason, Instant};

use crate::connection::{Connection, Listener};
use crate::ending::Ending;
use crate::routing::HOLD_STEP;
use crate::wrong_door::Speech;
use crate::{ConnId, Wire, Worker, WorkerConfig};

/// The first byte of a TLS record that holds handshake messages (RFC 8446 §5.1).
pub(crate) const HANDSHAKE_RECORD: u8 = 0x16;

/// What a plain HTTP request to a port with TLS is answered, as Go's servers do.
const PLAIN_HTTP: &[u8] =
    b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

/// How the connections of a listener come to be encrypted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TlsPolicy {
    /// When the handshake comes. On a listener of HTTP it always comes first.
    pub start: TlsStart,
    /// The longest time from the connection to the end of the handshake (nats: tls `timeout`). Listeners of HTTP have
    /// their `handshake_timeout` instead, which ends with the request.
    pub timeout: Duration,
    /// Clients may go on without TLS as well (nats: `allow_non_tls`).
    pub is_optional: bool,
    /// The most handshakes that begin in one second, on all workers together; 0: any number (nats:
    /// `connection_rate_limit`).
    pub rate_max: u32,
}

/// When the handshake of a NATS client comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TlsStart {
    /// Behind INFO, which is not encrypted.
    AfterInfo,
    /// Before INFO (nats: `handshake_first`).
    First,
    /// Before INFO if the client begins within this time, behind it otherwise (nats: `handshake_first: auto`).
    FirstWithin(Duration),
}

/// What the handshake has agreed on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TlsInfo {
    /// The version, such as `1.3` (nats: /connz `tls_version`).
    pub version: &'static str,
    /// The cipher suite (nats: /connz `tls_cipher_suite`).
    pub cipher_suite: &'static str,
    /// The client has continued an earlier session.
    pub is_resumed: bool,
    /// The handshake came before INFO (nats: /connz `tls_first`).
    pub is_first: bool,
    /// The client's certificate, which has been verified.
    pub certificate: Option<Box<PeerCertificate>>,
}

/// The certificate of a client.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PeerCertificate {
    /// What may name a user, in the order in which a server looks (nats: `verify_and_map`): e-mail addresses, DNS
    /// names, URIs, and the subject.
    pub names: Vec<String>,
    /// The subject's distinguished name (RFC 4514).
    pub subject: String,
    /// The SHA-256 of the public key as SubjectPublicKeyInfo (nats: `pinned_certs`).
    pub key_sha256: [u8; 32],
    /// The SHA-256 of the whole certificate.
    pub sha256: [u8; 32],
}

/// How a connection stands to TLS.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Security {
    /// Nothing has been read, and the listener has no TLS.
    Unread,
    /// The peer is to begin the handshake now.
    Awaited,
    /// INFO is held back for a client that begins the handshake at once.
    AwaitedBeforeInfo,
    /// The handshake is under way.
    Handshaking,
    /// Encrypted where [`Connection::tls`] says with what, plain otherwise.
    Settled,
}

impl WorkerConfig {
    /// How the connections of a listener come to be encrypted; `None`: not at all.
    pub(crate) fn tls_policy(&self, listener: Listener) -> Option<&TlsPolicy> {
        match listener {
            Listener::Nats => self.tls.as_ref(),
            Listener::WebSocket | Listener::Shared => self.websocket.tls.as_ref(),
            Listener::Monitor => self.monitor_tls.as_ref(),
        }
    }

    /// How a connection of a listener begins: its security, the deadline of that, and whether INFO comes at once.
    pub(crate) fn beginning(&self, listener: Listener, now: Instant) -> (Security, Instant, bool) {
        let is_nats = listener == Listener::Nats;
        let http = now + self.websocket.handshake_timeout;
        let Some(policy) = self.tls_policy(listener) else {
            return (Security::Unread, if is_nats { Instant::NEVER } else { http }, is_nats);
        };
        match policy.start {
            _ if !is_nats => (Security::Awaited, http, false),
            TlsStart::AfterInfo => (Security::Awaited, now + policy.timeout, true),
            TlsStart::First => (Security::Awaited, now + policy.timeout, false),
            TlsStart::FirstWithin(delay) => (Security::AwaitedBeforeInfo, now + delay, false),
        }
    }
}

impl Worker {
    /// INFO has to be with the socket before TLS begins behind it. `false`: the connection is looked at again soon.
    pub(crate) fn is_greeted<W: Wire>(&mut self, id: ConnId, wire: &mut W) -> bool {
        let awaited = |conn: &&mut Connection| conn.security == Security::Awaited;
        if self.conns.get_mut(id).filter(awaited).is_none() {
            return true;
        }
        self.flush_connection(id, wire);
        let until = self.now + HOLD_STEP;
        match self.conns.get_mut(id) {
            Some(conn) if conn.out.is_some() => {
                conn.held_until = until;
                self.put_aside(id, until);
                false
            }
            other => other.is_some(),
        }
    }

    /// Handles the first bytes of a connection, which tell whether the peer speaks TLS. `true`: they are the stream's.
    pub(crate) fn handle_first_bytes<W: Wire>(&mut self, id: ConnId, bytes: &[u8], wire: &mut W) -> bool {
        let Some(conn) = self.conns.get_mut(id) else { return false };
        let is_tls = bytes.first() == Some(&HANDSHAKE_RECORD);
        match conn.security {
            Security::Settled => true,
            Security::Unread if conn.listener == Listener::Nats => {
                let is_for_session = self.greet_stranger(id, bytes, wire);
                if let Some(conn) = self.conns.get_mut(id).filter(|_| is_for_session) {
                    conn.security = Security::Settled;
                }
                is_for_session
            }
            Security::Unread if is_tls => {
                self.turn_away_from_http(id, Speech::Tls);
                false
            }
            Security::Unread => {
                conn.security = Security::Settled;
                true
            }
            Security::Handshaking => false,
            Security::Awaited | Security::AwaitedBeforeInfo if is_tls => {
                self.start_handshake(id, bytes, wire);
                false
            }
            Security::Awaited | Security::AwaitedBeforeInfo => self.handle_plain_bytes(id, bytes, wire),
        }
    }

    /// The peer says something that is not TLS. `true`: it may.
    fn handle_plain_bytes<W: Wire>(&mut self, id: ConnId, bytes: &[u8], wire: &mut W) -> bool {
        let Some(conn) = self.conns.get_mut(id) else { return false };
        let policy = self.config.tls_policy(conn.listener);
        if conn.listener != Listener::Nats {
            let origin = conn.origin();
            conn.head.extend_from_slice(PLAIN_HTTP);
            match Speech::before_http(bytes) {
                Some(speech) => self.log_speech(id, speech),
                None => {
                    let text = "TLS handshake error: the client speaks plain HTTP to a port with TLS";
                    tracing::error!("{origin} - {text}");
                }
            }
            self.end(id, Ending::Handshake);
            return false;
        }
        if policy.is_none_or(|policy| policy.is_optional) {
            self.go_on_plain(id);
            return self.greet_stranger(id, bytes, wire);
        }
        let label = conn.label();
        match Speech::before_nats(bytes) {
            Some(speech) => self.log_speech(id, speech),
            None => tracing::debug!("{label} - TLS handshake error: the client goes on without TLS"),
        }
        self.end(id, Ending::Session(CloseReason::TlsRequired));
        false
    }

    fn go_on_plain(&mut self, id: ConnId) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        conn.security = Security::Settled;
        conn.deadline = Instant::NEVER;
        if conn.session.is_none() {
            self.start_nats_client(id);
        } else {
            let now = self.now;
            self.with_session(id, |session, _| session.handle_settled(now));
        }
        self.arm(id);
    }

    fn start_handshake<W: Wire>(&mut self, id: ConnId, received: &[u8], wire: &mut W) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        let Some(policy) = self.config.tls_policy(conn.listener) else {
            // A reload has taken TLS from the listener.
            return self.end(id, Ending::Handshake);
        };
        if policy.rate_max > 0 && !self.shared.admit_handshake(self.now, policy.rate_max) {
            return self.end(id, Ending::Session(CloseReason::Throttled));
        }
        if conn.security == Security::AwaitedBeforeInfo {
            conn.deadline = conn.opened + policy.timeout;
        }
        conn.security = Security::Handshaking;
        let listener = conn.listener;
        match wire.start_tls(id, listener, received) {
            // What was received may be the whole of what the peer has to say for now.
            Ok(()) => self.set_readable(id, false),
            Err(error) => self.fail_handshake(id, &error),
        }
        self.arm(id);
    }

    /// Looks whether the handshake is over, after a read that did not fail.
    pub(crate) fn continue_handshake<W: Wire>(&mut self, id: ConnId, wire: &mut W) {
        let Some(conn) = self.conns.get_mut(id).filter(|conn| conn.security == Security::Handshaking) else {
            return;
        };
        let Some(mut info) = wire.tls_info(id) else { return };
        info.is_first = conn.listener == Listener::Nats && conn.session.is_none();
        tracing::debug!("{} - TLS handshake complete", conn.label());
        tracing::debug!(
            "{} - TLS version {}, cipher suite {}",
            conn.label(),
            info.version,
            info.cipher_suite
        );
        conn.security = Security::Settled;
        conn.tls = Some(Box::new(info));
        if conn.listener == Listener::Nats {
            conn.deadline = Instant::NEVER;
            if conn.session.is_none() {
                self.start_nats_client(id);
            } else {
                let (now, certificate) = (self.now, self.certificate(id));
                self.with_session(id, |session, _| {
                    session.handle_settled(now);
                    certificate.into_iter().for_each(|certificate| session.handle_certificate(certificate));
                });
            }
        }
        self.arm(id);
        self.set_writable(id);
    }

    /// The handshake has come to nothing. The wire has told the peer.
    pub(crate) fn fail_handshake(&mut self, id: ConnId, error: &io::Error) {
        if let Some(conn) = self.conns.get_mut(id) {
            tracing::error!("{} - TLS handshake error: {error}", conn.label());
        }
        self.end(id, Ending::Handshake);
    }

    /// The time for the handshake, or for its beginning, is over.
    pub(crate) fn handle_tls_deadline(&mut self, id: ConnId) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        let policy = self.config.tls_policy(conn.listener);
        let is_optional = policy.is_none_or(|policy| policy.is_optional);
        let timeout = policy.map_or(Duration::ZERO, |policy| policy.timeout);
        match conn.security {
            Security::AwaitedBeforeInfo => {
                conn.security = Security::Awaited;
                conn.deadline = conn.opened + timeout;
                self.start_nats_client(id);
                self.arm(id);
            }
            Security::Awaited if is_optional && conn.listener == Listener::Nats => self.go_on_plain(id),
            Security::Awaited if conn.listener == Listener::Nats => {
                tracing::debug!("{} - TLS handshake timeout", conn.label());
                self.end(id, Ending::Session(CloseReason::TlsRequired));
            }
            _ => {
                tracing::debug!("{} - TLS handshake timeout", conn.label());
                self.end(id, Ending::Handshake);
            }
        }
    }
}
