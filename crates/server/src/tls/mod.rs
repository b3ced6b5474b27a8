//! TLS: from the configuration to streams.
//!
//! The cryptography is that of AWS-LC, in one word below: [`cryptography`].

mod authorities;
mod certificate;
mod error;
mod hello;
mod key_kind;
mod path;
mod pem;
mod server_certificates;
mod servers;
mod stream;
pub(crate) mod suites;
mod warning;

use std::sync::Arc;

use jiff::Timestamp;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs as cryptography;
use rustls::version::{TLS12, TLS13};

use crate::config::{TlsConfig, TlsVersion};
use authorities::Authorities;
use certificate::Certificate;
pub use error::TlsError;
use server_certificates::ServerCertificates;
pub(crate) use servers::{TlsServers, policy};
pub(crate) use stream::TlsStream;
pub use warning::TlsWarning;

/// HTTP/1.1 by ALPN (RFC 7301 §6).
const ALPN_HTTP: &[u8] = b"http/1.1";

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
    /// For those that offer protocols by ALPN of which none is `config`'s: it lets them go on without, as nats-server
    /// does, where rustls would hang up.
    pub(crate) without_alpn: Option<Arc<ServerConfig>>,
    /// When the first of the certificates ends.
    pub(crate) not_after: Option<Timestamp>,
    /// What the operator should know.
    pub(crate) warnings: Vec<TlsWarning>,
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
        let provider = Arc::new(suites::provider(config)?);
        let own = ServerCertificates::load(&config.certificates, &provider)?;
        let not_after = own.leaves().filter_map(|leaf| Certificate::parse(leaf)?.not_after()).min();
        let versions: &[_] = match config.min_version {
            TlsVersion::V1_2 => &[&TLS13, &TLS12],
            TlsVersion::V1_3 => &[&TLS13],
        };
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)
            .map_err(TlsError::Settings)?;
        let mut warnings = Vec::new();
        let builder = if config.verify {
            let authorities = Authorities::load(config, provider, &mut warnings)?;
            builder.with_client_cert_verifier(Arc::new(authorities))
        } else {
            builder.with_no_client_auth()
        };
        let mut server = builder.with_cert_resolver(Arc::new(own));
        server.ticketer = cryptography::Ticketer::new().map_err(TlsError::Settings)?;
        let without_alpn = (application == Application::Http).then(|| Arc::new(server.clone()));
        if without_alpn.is_some() {
            server.alpn_protocols = vec![ALPN_HTTP.to_vec()];
        }
        Ok(TlsServer { config: Arc::new(server), without_alpn, not_after, warnings })
    }
}
