//! TLS: from the configuration to streams.
//!
//! The cryptography is *ring*'s: it is small, builds without further tools, and works the same on every target. What
//! aws-lc-rs has beyond it are post-quantum key exchanges.

mod certificate;
mod client_verifier;
mod error;
mod server_certificates;
mod servers;
mod stream;
pub(crate) mod suites;

use std::sync::Arc;

use jiff::Timestamp;
use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::Ticketer;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::version::{TLS12, TLS13};

use crate::config::{TlsConfig, TlsVersion};
use client_verifier::Pinned;
pub use error::TlsError;
use server_certificates::{ServerCertificates, certificates};
pub(crate) use servers::{TlsServers, policy};
pub(crate) use stream::TlsStream;

/// What speaks over TLS: it decides on the protocol that is offered by ALPN (RFC 7301).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Application {
    /// NATS, which has no name there.
    Nats,
    /// WebSocket and monitoring.
    Http,
}

/// TLS for one listener, ready to be used.
#[derive(Clone, Debug)]
pub(crate) struct TlsServer {
    /// For new connections.
    pub(crate) config: Arc<ServerConfig>,
    /// When the first of the certificates ends.
    pub(crate) not_after: Option<Timestamp>,
}

impl TlsServer {
    /// Reads the files, and puts together what they and the settings say.
    ///
    /// Each has tickets of its own: a client that one listener has verified is unknown to the next, and to the same
    /// listener after a reload.
    ///
    /// # Errors
    ///
    /// See [`TlsError`].
    pub(crate) fn load(config: &TlsConfig, application: Application) -> Result<TlsServer, TlsError> {
        let own = ServerCertificates::load(&config.certificates)?;
        let not_after = own.leaves().filter_map(|leaf| certificate::not_after(leaf)).min();
        let provider = Arc::new(suites::provider(config)?);
        let versions: &[_] = match config.min_version {
            TlsVersion::V1_2 => &[&TLS13, &TLS12],
            TlsVersion::V1_3 => &[&TLS13],
        };
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)
            .map_err(TlsError::Settings)?;
        let builder = match client_verifier(config, provider)? {
            Some(verifier) => builder.with_client_cert_verifier(verifier),
            None => builder.with_no_client_auth(),
        };
        let mut server = builder.with_cert_resolver(Arc::new(own));
        server.ticketer = Ticketer::new().map_err(TlsError::Settings)?;
        if application == Application::Http {
            server.alpn_protocols = vec![b"http/1.1".to_vec()];
        }
        Ok(TlsServer { config: Arc::new(server), not_after })
    }
}

fn client_verifier(
    config: &TlsConfig,
    provider: Arc<CryptoProvider>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, TlsError> {
    if !config.verify {
        return Ok(None);
    }
    let path = config.ca_file.as_ref().ok_or(TlsError::NoAuthority)?;
    let content = || TlsError::Content { key: "ca_file", path: path.clone(), wanted: "valid certificate" };
    let mut roots = RootCertStore::empty();
    for certificate in certificates("ca_file", path)? {
        roots.add(certificate).map_err(|_| content())?;
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|_| content())?;
    if config.pinned_certs.is_empty() {
        return Ok(Some(verifier));
    }
    Ok(Some(Arc::new(Pinned { authorities: verifier, keys: config.pinned_certs.clone() })))
}
