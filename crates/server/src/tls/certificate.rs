//! What a certificate says (RFC 5280).

use dunlin_worker::PeerCertificate;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use x509_cert::Certificate;
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// Describes the certificate of a client.
pub(super) fn describe(der: &[u8]) -> Option<PeerCertificate> {
    let certificate = Certificate::from_der(der).ok()?;
    let subject = certificate.tbs_certificate.subject.to_string();
    Some(PeerCertificate {
        names: names(&certificate, &subject),
        subject,
        key_sha256: key_sha256(&certificate)?,
        sha256: Sha256::digest(der).into(),
    })
}

/// The SHA-256 of a certificate's public key, as SubjectPublicKeyInfo.
pub(super) fn key_digest(der: &[u8]) -> Option<[u8; 32]> {
    key_sha256(&Certificate::from_der(der).ok()?)
}

/// When a certificate ends.
pub(super) fn not_after(der: &[u8]) -> Option<Timestamp> {
    let since_1970 =
        Certificate::from_der(der).ok()?.tbs_certificate.validity.not_after.to_unix_duration().as_secs();
    Timestamp::from_second(i64::try_from(since_1970).ok()?).ok()
}

fn key_sha256(certificate: &Certificate) -> Option<[u8; 32]> {
    let key = certificate.tbs_certificate.subject_public_key_info.to_der().ok()?;
    Some(Sha256::digest(key).into())
}

/// E-mail addresses, DNS names, URIs, and the subject: in this order.
fn names(certificate: &Certificate, subject: &str) -> Vec<String> {
    let (mut emails, mut hosts, mut uris) = (Vec::new(), Vec::new(), Vec::new());
    if let Ok(Some((_, SubjectAltName(names)))) = certificate.tbs_certificate.get::<SubjectAltName>() {
        for name in names {
            match name {
                GeneralName::Rfc822Name(email) => emails.push(email.to_string()),
                GeneralName::DnsName(host) => hosts.push(host.to_string()),
                GeneralName::UniformResourceIdentifier(uri) => uris.push(uri.to_string()),
                _ => {}
            }
        }
    }
    let subject = Some(subject).filter(|subject| !subject.is_empty()).map(str::to_owned);
    emails.into_iter().chain(hosts).chain(uris).chain(subject).collect()
}
