//! The PROXY protocol header, which comes before anything else.

use core::time::Duration;

use dunlin_proxy_protocol::{Header, HeaderError};

use crate::ending::Ending;
use crate::{ConnId, Wire, Worker};

/// The longest time that a proxy may take for its header (nats: 5 s). It has it ready when it connects.
pub(crate) const HEADER_TIMEOUT: Duration = Duration::from_secs(5);

impl Worker {
    /// Reads the header at the start of what has come, and goes on with what follows it.
    pub(crate) fn handle_proxy_header<W: Wire>(&mut self, id: ConnId, bytes: &mut [u8], wire: &mut W) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        let (header, len) = match Header::parse(bytes) {
            Ok(Some(found)) => found,
            Ok(None) => {
                // At most as long as a header can be.
                conn.raw = bytes.to_vec();
                return;
            }
            Err(error) => {
                let peer = conn.peer;
                let hint = match error {
                    HeaderError::Missing => ", which proxy_protocol: true asks for",
                    _ => "",
                };
                return self.refuse_proxy_header(id, &format!("from {peer}: {error}{hint}"));
            }
        };
        conn.awaits_proxy_header = false;
        if let Some(source) = header.source() {
            self.set_source(id, source);
        }
        self.begin(id);
        let rest = &mut bytes[len..];
        // INFO goes out before TLS begins behind it.
        if !rest.is_empty() && self.is_greeted(id, wire) {
            self.handle_bytes(id, rest, wire);
        }
    }

    /// The header has not come in time.
    pub(crate) fn handle_proxy_header_timeout(&mut self, id: ConnId) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        let (peer, has_begun) = (conn.peer, !conn.raw.is_empty());
        let what = if has_begun { "all of it did not come" } else { "nothing came" };
        self.refuse_proxy_header(id, &format!("from {peer}: {what} within {} s", HEADER_TIMEOUT.as_secs()));
    }

    /// There is nobody who could be told in a protocol that he speaks: the connection is closed.
    fn refuse_proxy_header(&mut self, id: ConnId, reason: &str) {
        tracing::warn!("Error reading PROXY protocol header {reason}");
        self.counters.proxy_header_errors += 1;
        self.end(id, Ending::Http);
    }
}
