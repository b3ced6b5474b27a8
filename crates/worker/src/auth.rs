//! Checks of credentials that take longer than a turn may.

use std::net::IpAddr;

use dunlin_auth::{Certificate, Check, Identity};

use crate::connection::{Listener, Stage};
use crate::ending::Ending;
use crate::{ConnId, Wire, Worker};

/// A check to be run outside the worker's turns. Its outcome comes back with [`Worker::receive_verdict`].
#[derive(Debug)]
pub struct AuthRequest {
    /// Whose credentials they are.
    pub conn: ConnId,
    /// Where that connection comes from, so that no peer keeps others waiting.
    pub peer: IpAddr,
    /// What is to be checked. No longer wanted when the connection has ended.
    pub check: Check,
}

impl Worker {
    /// The checks that were asked for since the last call. A connection has one at most.
    pub fn take_auth_requests(&mut self) -> Vec<AuthRequest> {
        core::mem::take(&mut self.auth_requests)
    }

    /// Takes what came of a check: who the client is, or that it is not who it says. It is acted on in the next turn.
    pub fn receive_verdict(&mut self, conn: ConnId, identity: Option<Identity>) {
        self.verdicts.push((conn, identity));
    }

    /// What the certificate of a connection's peer says, where that matters.
    pub(crate) fn certificate(&self, id: ConnId) -> Option<Certificate> {
        let conn = self.conns.find(id)?;
        let rules = match conn.listener {
            Listener::WebSocket => &self.config.websocket.client.auth,
            Listener::Nats | Listener::Monitor | Listener::Shared => &self.config.client.auth,
        };
        let certificate = conn.tls.as_ref()?.certificate.as_ref()?;
        rules.maps_certificates().then(|| Certificate { names: certificate.names.clone() })
    }

    /// Sends a check on its way. The connection waits.
    pub(crate) fn request_check(&mut self, id: ConnId, check: Check) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        conn.awaits_verdict = true;
        self.auth_requests.push(AuthRequest { conn: id, peer: conn.peer.ip(), check });
    }

    /// Lets connections go on, with what they have sent in the meantime, or ends them.
    pub(crate) fn handle_verdicts<W: Wire>(&mut self, wire: &mut W) {
        for (id, identity) in core::mem::take(&mut self.verdicts) {
            let conn = self.conns.get_mut(id).filter(|conn| conn.stage == Stage::Open);
            let Some(conn) = conn else { continue };
            conn.awaits_verdict = false;
            match self.with_session(id, |session, router| session.handle_verdict(identity, router)) {
                Some(Ok(())) => {
                    let carry = self.conns.get_mut(id).map(|conn| core::mem::take(&mut conn.carry));
                    self.feed(id, &carry.unwrap_or_default(), wire);
                }
                Some(Err(reason)) => self.end(id, Ending::Session(reason)),
                None => {}
            }
            self.set_readable(id, false);
        }
    }
}
