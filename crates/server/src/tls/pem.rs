//! Certificates and private keys in PEM form (RFC 7468).

use std::fs;
use std::path::Path;

use rustls::pki_types::pem::{PemObject as _, SectionKind};
use rustls::pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer,
};

use super::TlsError;
use super::key_kind::KeyKind;

/// What a private key looks like that nobody reads without a passphrase: PKCS #8, and the older form of OpenSSL.
const ENCRYPTED: [&str; 2] = ["-----BEGIN ENCRYPTED PRIVATE KEY-----", "Proc-Type: 4,ENCRYPTED"];

/// Reads the certificates of a file, at least one, and counts the blocks that are none. What else is there does not
/// matter.
pub(super) fn certificates(
    key: &'static str,
    path: &Path,
) -> Result<(Vec<CertificateDer<'static>>, usize), TlsError> {
    let (mut found, mut broken) = (Vec::new(), 0);
    for certificate in CertificateDer::pem_slice_iter(&read(key, path)?) {
        match certificate {
            Ok(certificate) => found.push(certificate),
            Err(_) => broken += 1,
        }
    }
    if found.is_empty() {
        return Err(TlsError::Content { key, path: path.to_owned(), wanted: "certificate" });
    }
    Ok((found, broken))
}

/// Reads the first private key of a file. Whatever its label says, it may be in any of the three forms that there are.
pub(super) fn private_key(path: &Path) -> Result<Vec<PrivateKeyDer<'static>>, TlsError> {
    let text = read("key_file", path)?;
    for (kind, der) in <(SectionKind, Vec<u8>)>::pem_slice_iter(&text).flatten() {
        let pkcs8 = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(der.clone()));
        let pkcs1 = PrivateKeyDer::from(PrivatePkcs1KeyDer::from(der.clone()));
        let sec1 = PrivateKeyDer::from(PrivateSec1KeyDer::from(der));
        return Ok(match kind {
            SectionKind::PrivateKey => vec![pkcs8, pkcs1, sec1],
            SectionKind::RsaPrivateKey => vec![pkcs1, pkcs8, sec1],
            SectionKind::EcPrivateKey => vec![sec1, pkcs8, pkcs1],
            _ => continue,
        });
    }
    let text = String::from_utf8_lossy(&text);
    if ENCRYPTED.iter().any(|mark| text.contains(mark)) {
        return Err(TlsError::EncryptedKey { path: path.to_owned() });
    }
    Err(TlsError::Content { key: "key_file", path: path.to_owned(), wanted: "private key" })
}

/// What kind of key it is.
pub(super) fn kind(key: &PrivateKeyDer<'_>) -> Option<KeyKind> {
    match key {
        PrivateKeyDer::Pkcs8(key) => KeyKind::of_pkcs8(key.secret_pkcs8_der()),
        PrivateKeyDer::Pkcs1(key) => KeyKind::of_pkcs1(key.secret_pkcs1_der()),
        PrivateKeyDer::Sec1(key) => KeyKind::of_sec1(key.secret_sec1_der()),
        _ => None,
    }
}

fn read(key: &'static str, path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|error| TlsError::Read { key, path: path.to_owned(), error })
}
