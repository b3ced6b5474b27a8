//! A certificate authority for one run, and what both sides need of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::client::Resumption;
use rustls::{ClientConfig, RootCertStore};

/// The certificate of the servers, signed by an authority that only this run's clients trust. ECDSA on P-256, as most
/// sites have it.
#[derive(Clone)]
pub(crate) struct Certificates {
    /// A PEM file for `cert_file`.
    pub(crate) certificate: PathBuf,
    /// A PEM file for `key_file`.
    pub(crate) key: PathBuf,
    /// A client without resumption: every handshake is a full one.
    pub(crate) full: Arc<ClientConfig>,
}

/// The name that the certificate is for.
pub(crate) const SERVER_NAME: &str = "localhost";

impl Certificates {
    pub(crate) fn create(folder: &Path) -> anyhow::Result<Certificates> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_key = KeyPair::generate()?;
        let authority = params.self_signed(&authority_key)?;
        let issuer = Issuer::new(params, authority_key);
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new([SERVER_NAME.to_owned()])?.signed_by(&key, &issuer)?;

        let (certificate_file, key_file) = (folder.join("server.pem"), folder.join("server-key.pem"));
        std::fs::write(&certificate_file, certificate.pem()).context("cannot write the certificate")?;
        std::fs::write(&key_file, key.serialize_pem()).context("cannot write the key")?;

        let mut roots = RootCertStore::empty();
        roots.add(authority.der().clone())?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.resumption = Resumption::disabled();
        Ok(Certificates { certificate: certificate_file, key: key_file, full: Arc::new(config) })
    }

    /// A client that resumes its own sessions. It has to open a first connection to have one.
    pub(crate) fn resuming(&self) -> Arc<ClientConfig> {
        let mut config = ClientConfig::clone(&self.full);
        config.resumption = Resumption::in_memory_sessions(4);
        Arc::new(config)
    }
}
