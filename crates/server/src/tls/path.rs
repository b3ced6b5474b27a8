//! Whether a certificate comes from an authority (RFC 5280 §6), by the rules of Go's `crypto/x509`.
//!
//! Clients of nats-server have certificates of every kind, and many of them are none to webpki: of version 1, or an
//! authority's own. Signatures are the provider's; names are held against name constraints by webpki.

use core::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::{CertificateError, ExtendedKeyPurpose, OtherError};
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::oid::AssociatedOid as _;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    BasicConstraints, CertificatePolicies, CrlDistributionPoints, ExtendedKeyUsage, KeyUsage,
    NameConstraints, SubjectAltName,
};

use super::certificate::{Certificate, Signed};
use super::key_kind::{KeyKind, RSA_BITS_MIN};

/// The most signatures that are looked at for one client, as in Go.
const SIGNATURES_MAX: usize = 100;

/// The most certificates in a path: what is longer is nobody's authority.
const LENGTH_MAX: usize = 16;

/// `anyExtendedKeyUsage` (RFC 5280 §4.2.1.12).
const ANY_PURPOSE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");

/// `id-kp-clientAuth` (RFC 5280 §4.2.1.12).
const CLIENT_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");

/// `id-kp-serverAuth` (RFC 5280 §4.2.1.12).
const SERVER_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");

/// The extensions that may be critical: what they say is heeded here, or takes nothing away.
const KNOWN_CRITICAL: [ObjectIdentifier; 7] = [
    KeyUsage::OID,
    SubjectAltName::OID,
    BasicConstraints::OID,
    NameConstraints::OID,
    CrlDistributionPoints::OID,
    CertificatePolicies::OID,
    ExtendedKeyUsage::OID,
];

/// Why a path is none, where rustls has no word for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum PathError {
    /// An extension says something else than it may, or comes twice.
    Extensions,
    /// A certificate that is above another is not that of an authority.
    NotAnAuthority,
    /// There are more authorities in between than one of them allows.
    TooLong,
    /// It is not to be found out at a price that a server would pay.
    TooManySignatures,
    /// A key is too weak to be believed.
    Key(KeyKind),
    /// An authority limits its certificates to names of a kind that is not understood.
    NameConstraints,
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PathError::Extensions => f.write_str("its extensions are not as they should be"),
            PathError::NotAnAuthority => {
                f.write_str("it is issued by a certificate that is not an authority's (CA:TRUE, keyCertSign)")
            }
            PathError::TooLong => f.write_str("more authorities lie in between than are allowed to"),
            PathError::TooManySignatures => f.write_str("too many certificates come with it"),
            PathError::Key(kind) => {
                write!(f, "{kind} is too short to be believed: at least {RSA_BITS_MIN} bits")
            }
            PathError::NameConstraints => {
                f.write_str("its authority has name constraints of an unknown kind")
            }
        }
    }
}

impl core::error::Error for PathError {}

impl From<PathError> for CertificateError {
    fn from(error: PathError) -> CertificateError {
        CertificateError::Other(OtherError(Arc::new(error)))
    }
}

/// A certificate, as a part of a path.
#[derive(Debug)]
pub(super) struct Node {
    signed: Signed,
    is_v3: bool,
    not_before: Duration,
    not_after: Duration,
    basic_constraints: Option<BasicConstraints>,
    key_usage: Option<KeyUsage>,
    purposes: Vec<ObjectIdentifier>,
    has_names: bool,
    name_constraints: Option<NameConstraints>,
    /// There is a critical extension that is not known.
    is_mysterious: bool,
}

impl Node {
    /// Reads a certificate.
    pub(super) fn parse(der: &CertificateDer<'_>) -> Result<Node, CertificateError> {
        let signed = Signed::parse(der).ok_or(CertificateError::BadEncoding)?;
        let certificate = Certificate::parse(der).ok_or(CertificateError::BadEncoding)?;
        Self::with_extensions(signed, &certificate).map_err(|_| PathError::Extensions.into())
    }

    fn with_extensions(signed: Signed, certificate: &Certificate) -> Result<Node, x509_cert::der::Error> {
        let tbs = certificate.content();
        let critical = tbs.extensions.iter().flatten().filter(|extension| extension.critical);
        let purposes = tbs.get::<ExtendedKeyUsage>()?;
        Ok(Node {
            is_v3: tbs.version == x509_cert::Version::V3,
            not_before: tbs.validity.not_before.to_unix_duration(),
            not_after: tbs.validity.not_after.to_unix_duration(),
            basic_constraints: tbs.get::<BasicConstraints>()?.map(|(_, value)| value),
            key_usage: tbs.get::<KeyUsage>()?.map(|(_, value)| value),
            purposes: purposes.map(|(_, ExtendedKeyUsage(purposes))| purposes).unwrap_or_default(),
            has_names: tbs.filter::<SubjectAltName>().next().is_some(),
            name_constraints: tbs.get::<NameConstraints>()?.map(|(_, value)| value),
            is_mysterious: critical.into_iter().any(|extension| !KNOWN_CRITICAL.contains(&extension.extn_id)),
            signed,
        })
    }

    /// Whether it can be above other certificates where it is trusted itself.
    ///
    /// One of version 1 cannot say that it is not an authority's.
    pub(super) fn is_authority(&self) -> bool {
        let is_authority = self.basic_constraints.as_ref().map_or(!self.is_v3, |constraints| constraints.ca);
        is_authority && self.key_usage.is_none_or(|usage| usage.key_cert_sign())
    }

    fn check(&self, now: UnixTime) -> Result<(), CertificateError> {
        if self.is_mysterious {
            return Err(CertificateError::UnhandledCriticalExtension);
        }
        if let Some(kind) = KeyKind::of_public(&self.signed.public_key).filter(|kind| kind.is_too_short()) {
            return Err(PathError::Key(kind).into());
        }
        let time = |since_1970: Duration| UnixTime::since_unix_epoch(since_1970);
        let (not_before, not_after) = (time(self.not_before), time(self.not_after));
        if now < not_before {
            return Err(CertificateError::NotValidYetContext { time: now, not_before });
        }
        if now > not_after {
            return Err(CertificateError::ExpiredContext { time: now, not_after });
        }
        Ok(())
    }

    fn is_for_clients(&self) -> bool {
        self.purposes.is_empty()
            || self.purposes.iter().any(|purpose| [ANY_PURPOSE, CLIENT_AUTH].contains(purpose))
    }

    fn is_same_authority(&self, other: &Node) -> bool {
        self.signed.subject == other.signed.subject && self.signed.public_key == other.signed.public_key
    }
}

/// What a path says about the names in its certificates.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Names {
    /// Nothing.
    Free,
    /// There are names, and constraints for them.
    Constrained,
}

/// The search for a path from a client's certificate to an authority that is trusted.
pub(super) struct PathSearch<'a> {
    roots: &'a [Node],
    intermediates: &'a [Node],
    algorithms: WebPkiSupportedAlgorithms,
    now: UnixTime,
    signatures: usize,
}

impl<'a> PathSearch<'a> {
    /// A search that has not begun.
    pub(super) fn new(
        roots: &'a [Node],
        intermediates: &'a [Node],
        algorithms: WebPkiSupportedAlgorithms,
        now: UnixTime,
    ) -> PathSearch<'a> {
        PathSearch { roots, intermediates, algorithms, now, signatures: 0 }
    }

    /// Finds a path, and everything in it right.
    pub(super) fn find(&mut self, leaf: &'a Node) -> Result<Names, CertificateError> {
        leaf.check(self.now)?;
        // Whoever is trusted in person needs nobody else.
        if self.roots.iter().any(|root| root.signed.der == leaf.signed.der) {
            return check_whole(&[leaf]);
        }
        self.extend(&mut vec![leaf])
    }

    /// Looks for what is above the last certificate. Tells the first reason why not, as it is most likely of the path
    /// that was meant.
    fn extend(&mut self, path: &mut Vec<&'a Node>) -> Result<Names, CertificateError> {
        let mut reason = None;
        let (roots, intermediates) = (self.roots, self.intermediates);
        let candidates =
            roots.iter().map(|root| (root, true)).chain(intermediates.iter().map(|node| (node, false)));
        for (candidate, is_root) in candidates {
            let is_above = path.last().is_some_and(|last| last.signed.issuer == candidate.signed.subject);
            if !is_above || path.iter().any(|node| node.is_same_authority(candidate)) {
                continue;
            }
            let found = match self.check_step(path, candidate, is_root) {
                Ok(()) => {
                    path.push(candidate);
                    let found = if is_root { check_whole(path) } else { self.extend(path) };
                    path.pop();
                    found
                }
                Err(error) => Err(error),
            };
            match found {
                Ok(names) => return Ok(names),
                Err(error) if self.signatures >= SIGNATURES_MAX => return Err(error),
                Err(error) => reason = reason.or(Some(error)),
            }
        }
        Err(reason.unwrap_or(CertificateError::UnknownIssuer))
    }

    /// Whether `above` may be above the last certificate of a path, and is.
    fn check_step(&mut self, path: &[&Node], above: &Node, is_root: bool) -> Result<(), CertificateError> {
        let has_said_so = above.basic_constraints.as_ref().is_some_and(|constraints| constraints.ca);
        if !above.is_authority() || !(is_root || has_said_so) {
            return Err(PathError::NotAnAuthority.into());
        }
        let between = path.len() - 1;
        let between_max =
            above.basic_constraints.as_ref().and_then(|constraints| constraints.path_len_constraint);
        if between_max.is_some_and(|max| between > usize::from(max)) || path.len() >= LENGTH_MAX {
            return Err(PathError::TooLong.into());
        }
        above.check(self.now)?;
        self.signatures += 1;
        if self.signatures >= SIGNATURES_MAX {
            return Err(PathError::TooManySignatures.into());
        }
        if let Some(last) = path.last() {
            last.signed.check(&above.signed.public_key, self.algorithms.all)?;
        }
        Ok(())
    }
}

/// What holds for a path as a whole: its purpose, and its names.
fn check_whole(path: &[&Node]) -> Result<Names, CertificateError> {
    if let Some(node) = path.iter().find(|node| !node.is_for_clients()) {
        return Err(CertificateError::InvalidPurposeContext {
            required: ExtendedKeyPurpose::ClientAuth,
            presented: node.purposes.iter().map(purpose).collect(),
        });
    }
    let mut names = Names::Free;
    for (at, node) in path.iter().enumerate().skip(1) {
        let Some(constraints) = &node.name_constraints else { continue };
        let bases = [&constraints.permitted_subtrees, &constraints.excluded_subtrees];
        // As in Go, subjects are not held against them. So none may ask for that.
        let is_known = |name: &GeneralName| {
            matches!(
                name,
                GeneralName::DnsName(_)
                    | GeneralName::IpAddress(_)
                    | GeneralName::Rfc822Name(_)
                    | GeneralName::UniformResourceIdentifier(_)
            )
        };
        if !bases.into_iter().flatten().flatten().all(|subtree| is_known(&subtree.base)) {
            return Err(PathError::NameConstraints.into());
        }
        if path[..at].iter().any(|below| below.has_names) {
            names = Names::Constrained;
        }
    }
    Ok(names)
}

fn purpose(purpose: &ObjectIdentifier) -> ExtendedKeyPurpose {
    match *purpose {
        SERVER_AUTH => ExtendedKeyPurpose::ServerAuth,
        other => ExtendedKeyPurpose::Other(other.arcs().map(|arc| arc as usize).collect()),
    }
}
