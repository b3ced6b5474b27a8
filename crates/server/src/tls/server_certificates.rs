//! The server's own certificates.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rustls::client::verify_server_name;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::TlsError;
use crate::config::CertificateFiles;

/// Certificates with their keys, of which each handshake gets the one that fits.
#[derive(Debug)]
pub(super) struct ServerCertificates(Vec<Arc<CertifiedKey>>);

impl ServerCertificates {
    pub(super) fn load(files: &[CertificateFiles]) -> Result<ServerCertificates, TlsError> {
        if files.is_empty() {
            return Err(TlsError::NoCertificate);
        }
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
            let names = certified.cert.first().and_then(|leaf| ParsedCertificate::try_from(leaf).ok());
            let is_named = match (&name, &names) {
                (Some(name), Some(names)) => verify_server_name(names, name).is_ok(),
                _ => true,
            };
            is_named && certified.key.choose_scheme(hello.signature_schemes()).is_some()
        };
        self.0.iter().find(fits).or(self.0.first()).cloned()
    }
}

/// Reads the certificates of a PEM file.
pub(super) fn certificates(key: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = read(key, path)?;
    let content = || TlsError::Content { key, path: path.to_owned(), wanted: "certificate" };
    let found: Vec<_> =
        CertificateDer::pem_slice_iter(&text).collect::<Result<_, _>>().map_err(|_| content())?;
    if found.is_empty() {
        return Err(content());
    }
    Ok(found)
}

fn read(key: &'static str, path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|error| TlsError::Read { key, path: path.to_owned(), error })
}

fn load(files: &CertificateFiles) -> Result<Arc<CertifiedKey>, TlsError> {
    let CertificateFiles { cert_file, key_file } = files;
    let chain = certificates("cert_file", cert_file)?;
    let key = PrivateKeyDer::from_pem_slice(&read("key_file", key_file)?).map_err(|_| TlsError::Content {
        key: "key_file",
        path: key_file.clone(),
        wanted: "private key",
    })?;
    let key = any_supported_type(&key).map_err(|_| TlsError::Key { path: key_file.clone() })?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        Ok(()) => Ok(Arc::new(certified)),
        Err(rustls::Error::InconsistentKeys(_)) => {
            Err(TlsError::Mismatch { key_file: key_file.clone(), cert_file: cert_file.clone() })
        }
        Err(_) => {
            Err(TlsError::Content { key: "cert_file", path: cert_file.clone(), wanted: "valid certificate" })
        }
    }
}
