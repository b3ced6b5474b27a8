//! The server's own certificates.

use std::sync::Arc;

use rustls::client::verify_server_name;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, SubjectPublicKeyInfoDer};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::certificate::Certificate;
use super::{TlsError, pem};
use crate::config::CertificateFiles;

/// Certificates with their keys, of which each handshake gets the one that fits.
#[derive(Debug)]
pub(super) struct ServerCertificates(Vec<Arc<CertifiedKey>>);

impl ServerCertificates {
    pub(super) fn load(
        files: &[CertificateFiles],
        provider: &CryptoProvider,
    ) -> Result<ServerCertificates, TlsError> {
        if files.is_empty() {
            return Err(TlsError::NoCertificate);
        }
        let load = |files| load(files, provider).map(Arc::new);
        Ok(ServerCertificates(files.iter().map(load).collect::<Result<_, _>>()?))
    }

    /// The certificates themselves, without those of their authorities.
    pub(super) fn leaves(&self) -> impl Iterator<Item = &CertificateDer<'static>> {
        self.0.iter().filter_map(|certified| certified.cert.first())
    }
}

impl ResolvesServerCert for ServerCertificates {
    /// The first that is valid for the name that the client wants and has a signature that it knows; else the first
    /// one, as Go does.
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().and_then(|name| ServerName::try_from(name).ok());
        let fits = |certified: &&Arc<CertifiedKey>| {
            let is_named = name.as_ref().is_none_or(|name| {
                let names = certified.cert.first().and_then(|leaf| ParsedCertificate::try_from(leaf).ok());
                names.is_some_and(|names| verify_server_name(&names, name).is_ok())
            });
            is_named && certified.key.choose_scheme(hello.signature_schemes()).is_some()
        };
        self.0.iter().find(fits).or(self.0.first()).cloned()
    }
}

/// Reads a certificate and its key. The certificate may be of any version: what it says matters to clients only.
fn load(files: &CertificateFiles, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let CertificateFiles { cert_file, key_file } = files;
    let (chain, _) = pem::certificates("cert_file", cert_file)?;
    let forms = pem::private_key(key_file)?;
    let load = |key: &PrivateKeyDer<'static>| provider.key_provider.load_private_key(key.clone_key()).ok();
    let key = forms.iter().find_map(load).ok_or_else(|| {
        let path = key_file.clone();
        match forms.iter().find_map(pem::kind).filter(|kind| !kind.is_usable()) {
            Some(kind) => TlsError::Key { path, kind: kind.to_string() },
            None => TlsError::Content { key: "key_file", path, wanted: "valid private key" },
        }
    })?;
    let leaf = chain.first().and_then(|leaf| Certificate::parse(leaf));
    let leaf = leaf.ok_or_else(|| TlsError::Content {
        key: "cert_file",
        path: cert_file.clone(),
        wanted: "valid certificate",
    })?;
    let is_own =
        |key: SubjectPublicKeyInfoDer<'_>| leaf.public_key().is_some_and(|of_leaf| of_leaf == key.as_ref());
    if !key.public_key().is_none_or(is_own) {
        return Err(TlsError::Mismatch { key_file: key_file.clone(), cert_file: cert_file.clone() });
    }
    Ok(CertifiedKey::new(chain, key))
}
