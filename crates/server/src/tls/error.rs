//! What can be wrong with TLS.

use core::fmt;
use std::io;
use std::path::PathBuf;

use rustls::{AlertDescription, CertificateError, OtherError};

use super::key_kind::USABLE_KEYS;
use super::suites;

/// Why TLS cannot be served as configured.
#[derive(Debug)]
#[non_exhaustive]
pub enum TlsError {
    /// There is no certificate.
    NoCertificate,
    /// A file cannot be read.
    Read {
        /// The key that names it.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// The reason.
        error: io::Error,
    },
    /// A file does not hold what it should: certificates or a private key in PEM form.
    Content {
        /// The key that names it.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What it should hold.
        wanted: &'static str,
    },
    /// A private key that only opens with a passphrase.
    EncryptedKey {
        /// The file.
        path: PathBuf,
    },
    /// A private key that cannot sign handshakes.
    Key {
        /// The file.
        path: PathBuf,
        /// What kind of key it is: `an RSA key of 1024 bits`.
        kind: String,
    },
    /// Private key and certificate do not belong together.
    Mismatch {
        /// The private key.
        key_file: PathBuf,
        /// The certificate.
        cert_file: PathBuf,
    },
    /// None of the cipher suites is known here.
    NoSuite,
    /// None of the key exchanges is known here.
    NoCurve,
    /// The settings do not go together.
    Settings(rustls::Error),
}

impl TlsError {
    /// The key of the `tls` block that it is about.
    pub fn key(&self) -> &'static str {
        match self {
            TlsError::NoCertificate => "cert_file",
            TlsError::Read { key, .. } | TlsError::Content { key, .. } => key,
            TlsError::EncryptedKey { .. } | TlsError::Key { .. } | TlsError::Mismatch { .. } => "key_file",
            TlsError::NoCurve => "curve_preferences",
            TlsError::NoSuite | TlsError::Settings(_) => "cipher_suites",
        }
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TlsError::NoCertificate => f.write_str("tls needs cert_file and key_file"),
            TlsError::Read { key, path, error } => {
                write!(f, "{key}: cannot read {}: {}", path.display(), reason(error))
            }
            TlsError::Content { key, path, wanted } => {
                write!(f, "{key}: {} holds no {wanted} in PEM form", path.display())
            }
            TlsError::EncryptedKey { path } => write!(
                f,
                "key_file: {0} is encrypted, and there is nobody to ask for its passphrase: decrypt it with \
                 `openssl pkey -in {0}`",
                path.display()
            ),
            TlsError::Key { path, kind } => write!(
                f,
                "key_file: {} holds {kind}, which is not served: keys are {USABLE_KEYS}. Make a new key, as with \
                 `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`, and a certificate for it",
                path.display()
            ),
            TlsError::Mismatch { key_file, cert_file } => write!(
                f,
                "key_file: the key in {} is not that of the certificate in {}",
                key_file.display(),
                cert_file.display()
            ),
            TlsError::NoSuite => write!(
                f,
                "cipher_suites: none of these is strong enough to be served: add {}",
                suites::EXAMPLES
            ),
            TlsError::NoCurve => f.write_str("curve_preferences: none of these key exchanges is served"),
            TlsError::Settings(error) => write!(f, "the tls settings do not go together: {error}"),
        }
    }
}

impl core::error::Error for TlsError {}

fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

/// Why a handshake, or the stream behind it, has failed: as the log says it.
#[derive(Debug)]
pub(super) struct HandshakeError(pub rustls::Error);

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use AlertDescription as Alert;
        if let rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(reason))) = &self.0 {
            return write!(f, "invalid peer certificate: {reason}");
        }
        let hint = match &self.0 {
            rustls::Error::AlertReceived(Alert::UnknownCA | Alert::BadCertificate) => {
                ": the client does not trust the server's certificate"
            }
            rustls::Error::AlertReceived(Alert::CertificateExpired) => {
                ": to the client, the server's certificate has expired"
            }
            rustls::Error::AlertReceived(Alert::CertificateUnknown) => {
                ": the client does not accept the server's certificate"
            }
            _ => "",
        };
        write!(f, "{}{hint}", self.0)
    }
}

impl core::error::Error for HandshakeError {}

impl From<HandshakeError> for io::Error {
    fn from(error: HandshakeError) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, error)
    }
}
