//! Which certificates clients may show.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, PeerMisbehaved, RootCertStore,
    SignatureScheme,
};

use super::certificate::{self, Certificate};
use super::path::{Names, Node, PathSearch};
use super::pem;
use super::{TlsError, TlsWarning};
use crate::config::TlsConfig;

/// The authorities that clients' certificates are checked against.
#[derive(Debug)]
pub(super) struct Authorities {
    roots: Vec<Node>,
    /// What a client is told of them, so that it can choose a certificate. Nothing where they are the system's, as with
    /// nats-server: they are many.
    hints: Vec<DistinguishedName>,
    /// For names that an authority has put constraints on.
    webpki: Option<Arc<dyn ClientCertVerifier>>,
    algorithms: WebPkiSupportedAlgorithms,
    /// The SHA-256 of each key that a client may have (nats: `pinned_certs`); empty for all.
    pinned: Vec<[u8; 32]>,
}

impl Authorities {
    /// Reads `ca_file`, or what the system trusts.
    pub(super) fn load(
        config: &TlsConfig,
        provider: Arc<CryptoProvider>,
        warnings: &mut Vec<TlsWarning>,
    ) -> Result<Authorities, TlsError> {
        let certificates = match &config.ca_file {
            Some(path) => ca_file(path, warnings)?,
            None => system(warnings),
        };
        let mut all = RootCertStore::empty();
        all.add_parsable_certificates(certificates.iter().map(|(certificate, _)| certificate.clone()));
        let hints = if config.ca_file.is_some() { all.subjects() } else { Vec::new() };
        let mut store = RootCertStore::empty();
        let authorities = certificates.iter().filter(|(_, node)| node.is_authority());
        store.add_parsable_certificates(authorities.map(|(certificate, _)| certificate.clone()));
        let algorithms = provider.signature_verification_algorithms;
        Ok(Authorities {
            hints,
            webpki: WebPkiClientVerifier::builder_with_provider(Arc::new(store), provider)
                .build()
                .ok()
                .map(|verifier| verifier as Arc<dyn ClientCertVerifier>),
            algorithms,
            pinned: config.pinned_certs.clone(),
            roots: certificates.into_iter().map(|(_, node)| node).collect(),
        })
    }
}

/// The certificates of a file. As with nats-server, one that is none does not matter beside one that is.
fn ca_file(
    path: &Path,
    warnings: &mut Vec<TlsWarning>,
) -> Result<Vec<(CertificateDer<'static>, Node)>, TlsError> {
    let (found, mut broken) = pem::certificates("ca_file", path)?;
    let mut roots = Vec::new();
    for certificate in found {
        match Node::parse(&certificate) {
            Ok(node) => roots.push((certificate, node)),
            Err(_) => broken += 1,
        }
    }
    if roots.is_empty() {
        return Err(TlsError::Content { key: "ca_file", path: path.to_owned(), wanted: "valid certificate" });
    }
    if broken > 0 {
        warnings.push(TlsWarning::BrokenAuthorities { path: path.to_owned(), broken });
    }
    Ok(roots)
}

/// What the system trusts, as far as it can be read: `SSL_CERT_FILE` and `SSL_CERT_DIR` say otherwise.
fn system(warnings: &mut Vec<TlsWarning>) -> Vec<(CertificateDer<'static>, Node)> {
    let found = rustls_native_certs::load_native_certs().certs;
    let read = |certificate: CertificateDer<'static>| {
        let node = Node::parse(&certificate).ok()?;
        Some((certificate, node))
    };
    let roots: Vec<_> = found.into_iter().filter_map(read).collect();
    warnings.push(match roots.len() {
        0 => TlsWarning::NoSystemAuthorities,
        authorities => TlsWarning::SystemAuthorities { authorities },
    });
    roots
}

impl ClientCertVerifier for Authorities {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let leaf = Node::parse(end_entity)?;
        let nodes: Vec<Node> =
            intermediates.iter().filter_map(|certificate| Node::parse(certificate).ok()).collect();
        if PathSearch::new(&self.roots, &nodes, self.algorithms, now).find(&leaf)? == Names::Constrained {
            let webpki = self.webpki.as_ref().ok_or(CertificateError::UnknownIssuer)?;
            webpki.verify_client_cert(end_entity, intermediates, now)?;
        }
        let is_pinned = |key: [u8; 32]| self.pinned.contains(&key);
        if !self.pinned.is_empty() && !certificate::key_digest(end_entity).is_some_and(is_pinned) {
            return Err(CertificateError::ApplicationVerificationFailure.into());
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let mapping = self.algorithms.mapping.iter().find(|(scheme, _)| *scheme == dss.scheme);
        let (_, algorithms) = mapping.ok_or(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme)?;
        certificate::verify(&public_key(cert)?, message, dss.signature(), algorithms.iter().copied())?;
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let public_key = SubjectPublicKeyInfoDer::from(public_key(cert)?);
        verify_tls13_signature_with_raw_key(message, &public_key, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn public_key(cert: &CertificateDer<'_>) -> Result<Vec<u8>, CertificateError> {
    Certificate::parse(cert)
        .and_then(|certificate| certificate.public_key())
        .ok_or(CertificateError::BadEncoding)
}
