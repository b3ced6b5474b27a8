//! What a certificate says (RFC 5280).

use dunlin_worker::PeerCertificate;
use jiff::Timestamp;
use rustls::CertificateError;
use rustls::pki_types::SignatureVerificationAlgorithm;
use sha2::{Digest as _, Sha256};
use x509_cert::certificate::{CertificateInner, Raw, TbsCertificateInner};
use x509_cert::der::asn1::{AnyRef, BitStringRef};
use x509_cert::der::{self, Decode as _, Encode as _, Reader as _, SliceReader, Tag, TagNumber};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// A certificate of any version. Serial numbers may be as long as they like.
pub(super) struct Certificate(CertificateInner<Raw>);

impl Certificate {
    pub(super) fn parse(der: &[u8]) -> Option<Certificate> {
        CertificateInner::from_der(der).ok().map(Certificate)
    }

    /// All but the signature.
    pub(super) fn content(&self) -> &TbsCertificateInner<Raw> {
        &self.0.tbs_certificate
    }

    /// The public key, as SubjectPublicKeyInfo.
    pub(super) fn public_key(&self) -> Option<Vec<u8>> {
        self.content().subject_public_key_info.to_der().ok()
    }

    /// When it ends.
    pub(super) fn not_after(&self) -> Option<Timestamp> {
        let since_1970 = self.content().validity.not_after.to_unix_duration().as_secs();
        Timestamp::from_second(i64::try_from(since_1970).ok()?).ok()
    }

    /// E-mail addresses, DNS names, URIs, and the subject: in this order.
    fn names(&self, subject: &str) -> Vec<String> {
        let (mut emails, mut hosts, mut uris) = (Vec::new(), Vec::new(), Vec::new());
        if let Ok(Some((_, SubjectAltName(names)))) = self.content().get::<SubjectAltName>() {
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
}

/// Describes the certificate of a client.
pub(super) fn describe(der: &[u8]) -> Option<PeerCertificate> {
    let certificate = Certificate::parse(der)?;
    let subject = certificate.content().subject.to_string();
    Some(PeerCertificate {
        names: certificate.names(&subject),
        subject,
        key_sha256: Sha256::digest(certificate.public_key()?).into(),
        sha256: Sha256::digest(der).into(),
    })
}

/// The SHA-256 of a certificate's public key, as SubjectPublicKeyInfo.
pub(super) fn key_digest(der: &[u8]) -> Option<[u8; 32]> {
    Some(Sha256::digest(Certificate::parse(der)?.public_key()?).into())
}

/// What is signed in a certificate and who has signed it: byte by byte as it came.
#[derive(Debug)]
pub(super) struct Signed {
    /// The certificate.
    pub(super) der: Vec<u8>,
    /// Of the authority, as DER.
    pub(super) issuer: Vec<u8>,
    /// Of its owner, as DER.
    pub(super) subject: Vec<u8>,
    /// Of its owner, as SubjectPublicKeyInfo.
    pub(super) public_key: Vec<u8>,
    content: Vec<u8>,
    /// An AlgorithmIdentifier without its header, as providers have it.
    algorithm: Vec<u8>,
    signature: Vec<u8>,
}

impl Signed {
    /// Takes a certificate apart.
    pub(super) fn parse(der: &[u8]) -> Option<Signed> {
        let mut reader = SliceReader::new(der).ok()?;
        let parts = reader
            .sequence(|outer| Ok((outer.tlv_bytes()?, AnyRef::decode(outer)?, BitStringRef::decode(outer)?)));
        let (content, algorithm, signature) = parts.and_then(|parts| reader.finish(parts)).ok()?;
        let [inner_algorithm, issuer, _validity, subject, public_key] = fields(content).ok()?;
        if AnyRef::from_der(inner_algorithm).ok()? != algorithm {
            return None;
        }
        Some(Signed {
            der: der.to_vec(),
            issuer: issuer.to_vec(),
            subject: subject.to_vec(),
            public_key: public_key.to_vec(),
            content: content.to_vec(),
            algorithm: algorithm.value().to_vec(),
            signature: signature.as_bytes()?.to_vec(),
        })
    }

    /// Whether the owner of `public_key` (SubjectPublicKeyInfo) has signed it.
    pub(super) fn check(
        &self,
        public_key: &[u8],
        algorithms: &[&dyn SignatureVerificationAlgorithm],
    ) -> Result<(), CertificateError> {
        let mut algorithms = algorithms
            .iter()
            .filter(|algorithm| *algorithm.signature_alg_id() == self.algorithm[..])
            .peekable();
        if algorithms.peek().is_none() {
            return Err(CertificateError::UnsupportedSignatureAlgorithmContext {
                signature_algorithm_id: self.algorithm.clone(),
                supported_algorithms: Vec::new(),
            });
        }
        verify(public_key, &self.content, &self.signature, algorithms.copied())
    }
}

/// Everything up to the public key but version and serial number.
fn fields(content: &[u8]) -> der::Result<[&[u8]; 5]> {
    let mut reader = SliceReader::new(content)?;
    let header = der::Header::decode(&mut reader)?;
    header.tag.assert_eq(Tag::Sequence)?;
    let version = Tag::ContextSpecific { constructed: true, number: TagNumber::N0 };
    if reader.peek_tag()? == version {
        reader.tlv_bytes()?;
    }
    let _serial_number = reader.tlv_bytes()?;
    let mut fields = [&content[..0]; 5];
    for field in &mut fields {
        *field = reader.tlv_bytes()?;
    }
    Ok(fields)
}

/// Whether a signature was made with the private part of a key, by any of some algorithms.
pub(super) fn verify<'a>(
    public_key: &[u8],
    message: &[u8],
    signature: &[u8],
    algorithms: impl Iterator<Item = &'a dyn SignatureVerificationAlgorithm>,
) -> Result<(), CertificateError> {
    let read = |reader: &mut SliceReader<'_>| {
        reader.sequence(|key| {
            Ok((
                AnyRef::decode(key)?.value().to_vec(),
                BitStringRef::decode(key)?.as_bytes().map(<[u8]>::to_vec),
            ))
        })
    };
    let (key_algorithm, key) = SliceReader::new(public_key)
        .and_then(|mut reader| read(&mut reader))
        .map_err(|_| CertificateError::BadEncoding)?;
    let key = key.ok_or(CertificateError::BadEncoding)?;
    let mut error = CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext {
        signature_algorithm_id: Vec::new(),
        public_key_algorithm_id: key_algorithm.clone(),
    };
    for algorithm in algorithms.filter(|algorithm| *algorithm.public_key_alg_id() == key_algorithm[..]) {
        if algorithm.verify_signature(&key, message, signature).is_ok() {
            return Ok(());
        }
        error = CertificateError::BadSignature;
    }
    Err(error)
}
