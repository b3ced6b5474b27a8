//! What a client offers before the server answers.

use std::io;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::server::Acceptor;

use super::ALPN_HTTP;

/// The most bytes that are kept of what may become a ClientHello: a message is shorter than 64 KiB in all.
const HELLO_MAX: usize = 128 << 10;

/// Waits for the whole of a ClientHello, to find out whether any protocol that it offers by ALPN (RFC 7301) is ours.
pub(super) struct HelloReader {
    acceptor: Acceptor,
    received: Vec<u8>,
    without_alpn: Arc<ServerConfig>,
}

/// A ClientHello that is there, or that comes to nothing.
pub(super) struct Hello {
    /// All that was received.
    pub(super) received: Vec<u8>,
    /// What to answer with, if it is not what one would answer others with.
    pub(super) config: Option<Arc<ServerConfig>>,
}

impl HelloReader {
    /// One that has read nothing, and knows what to answer those with that offer nothing of ours.
    pub(super) fn new(without_alpn: Arc<ServerConfig>) -> HelloReader {
        HelloReader { acceptor: Acceptor::default(), received: Vec::new(), without_alpn }
    }

    /// Takes in what the client sends. `None`: there is more to come.
    pub(super) fn read(&mut self, mut input: &[u8]) -> io::Result<Option<Hello>> {
        self.received.extend_from_slice(input);
        while !input.is_empty() {
            self.acceptor.read_tls(&mut input)?;
            let is_foreign = match self.acceptor.accept() {
                Ok(None) if self.received.len() <= HELLO_MAX => continue,
                Ok(Some(accepted)) => {
                    let mut offer = accepted.client_hello().alpn().into_iter().flatten().peekable();
                    offer.peek().is_some() && !offer.any(|protocol| protocol == ALPN_HTTP)
                }
                // Whoever reads it next finds out as well, and tells the client.
                Ok(None) | Err(_) => false,
            };
            return Ok(Some(Hello {
                received: core::mem::take(&mut self.received),
                config: is_foreign.then(|| Arc::clone(&self.without_alpn)),
            }));
        }
        Ok(None)
    }
}
