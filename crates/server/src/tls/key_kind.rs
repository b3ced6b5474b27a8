//! What kind of key a key is: for messages about those that cannot be used.

use core::fmt;

use x509_cert::der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, OctetStringRef, UintRef};
use x509_cert::der::{self, Decode as _, Reader, SliceReader, Tagged as _};

/// The shortest RSA key that is believed, and that can sign.
pub(super) const RSA_BITS_MIN: usize = 2048;

/// The longest one.
const RSA_BITS_MAX: usize = 8192;

/// The keys that can sign handshakes.
pub(super) const USABLE_KEYS: &str = "RSA of 2048 to 8192 bits, ECDSA of P-256, P-384 or P-521, or Ed25519";

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");

const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

/// The names of what certificates and keys are made with besides RSA.
const NAMES: [(ObjectIdentifier, &str); 15] = [
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10"), "an RSA-PSS key"),
    (ObjectIdentifier::new_unwrap("1.2.840.10040.4.1"), "a DSA key"),
    (ObjectIdentifier::new_unwrap("1.3.101.110"), "an X25519 key"),
    (ObjectIdentifier::new_unwrap("1.3.101.111"), "an X448 key"),
    (ED25519, "an Ed25519 key"),
    (ObjectIdentifier::new_unwrap("1.3.101.113"), "an Ed448 key"),
    (ObjectIdentifier::new_unwrap("1.3.132.0.33"), "an ECDSA key of the curve P-224"),
    (P256, "an ECDSA key of the curve P-256"),
    (P384, "an ECDSA key of the curve P-384"),
    (P521, "an ECDSA key of the curve P-521"),
    (ObjectIdentifier::new_unwrap("1.3.132.0.10"), "an ECDSA key of the curve secp256k1"),
    (ObjectIdentifier::new_unwrap("1.3.36.3.3.2.8.1.1.7"), "an ECDSA key of the curve brainpoolP256r1"),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.17"), "an ML-DSA-44 key"),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.18"), "an ML-DSA-65 key"),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.19"), "an ML-DSA-87 key"),
];

/// What kind of key a key is. As text: `an RSA key of 1024 bits`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum KeyKind {
    /// RSA, with the bits of its modulus.
    Rsa(usize),
    /// Any other, by its curve or algorithm.
    Other(ObjectIdentifier),
    /// ECDSA with a curve that is written out.
    UnnamedCurve,
}

impl KeyKind {
    /// Looks at a public key (SubjectPublicKeyInfo).
    pub(super) fn of_public(der: &[u8]) -> Option<KeyKind> {
        let mut reader = SliceReader::new(der).ok()?;
        let (algorithm, key) =
            reader.sequence(|key| Ok((Algorithm::decode(key)?, BitStringRef::decode(key)?))).ok()?;
        algorithm.kind(|| rsa_bits(key.as_bytes()?, 0))
    }

    /// Looks at a private key in PKCS #8 (RFC 5958).
    pub(super) fn of_pkcs8(der: &[u8]) -> Option<KeyKind> {
        let mut reader = SliceReader::new(der).ok()?;
        let (algorithm, key) = reader
            .sequence(|outer| {
                let _version = outer.tlv_bytes()?;
                let parts = (Algorithm::decode(outer)?, OctetStringRef::decode(outer)?);
                skip_rest(outer)?;
                Ok(parts)
            })
            .ok()?;
        algorithm.kind(|| rsa_bits(key.as_bytes(), 1))
    }

    /// Looks at a private key in PKCS #1 (RFC 8017 §A.1.2).
    pub(super) fn of_pkcs1(der: &[u8]) -> Option<KeyKind> {
        rsa_bits(der, 1).map(KeyKind::Rsa)
    }

    /// Looks at a private key in SEC 1 (RFC 5915).
    pub(super) fn of_sec1(der: &[u8]) -> Option<KeyKind> {
        let mut reader = SliceReader::new(der).ok()?;
        let parameters = reader.sequence(|outer| {
            let (_version, _key) = (outer.tlv_bytes()?, outer.tlv_bytes()?);
            let parameters = AnyRef::decode(outer)?;
            skip_rest(outer)?;
            Ok(parameters)
        });
        let parameters = parameters.ok().filter(|parameters| parameters.tag().is_context_specific())?;
        Some(curve(AnyRef::from_der(parameters.value()).ok()))
    }

    /// It can sign handshakes: see [`USABLE_KEYS`].
    pub(super) fn is_usable(self) -> bool {
        match self {
            KeyKind::Rsa(bits) => (RSA_BITS_MIN..=RSA_BITS_MAX).contains(&bits),
            KeyKind::Other(oid) => [ED25519, P256, P384, P521].contains(&oid),
            KeyKind::UnnamedCurve => false,
        }
    }

    /// RSA below the limit.
    pub(super) fn is_too_short(self) -> bool {
        matches!(self, KeyKind::Rsa(bits) if bits < RSA_BITS_MIN)
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyKind::Rsa(bits) => write!(f, "an RSA key of {bits} bits"),
            KeyKind::Other(oid) => match NAMES.iter().find(|(known, _)| known == oid) {
                Some((_, name)) => f.write_str(name),
                None => write!(f, "a key of the kind {oid}"),
            },
            KeyKind::UnnamedCurve => f.write_str("an ECDSA key whose curve is written out, not named"),
        }
    }
}

/// An AlgorithmIdentifier.
struct Algorithm<'a> {
    oid: ObjectIdentifier,
    parameters: Option<AnyRef<'a>>,
}

impl<'a> Algorithm<'a> {
    fn decode<R: Reader<'a>>(reader: &mut R) -> der::Result<Algorithm<'a>> {
        let inside = AnyRef::decode(reader)?;
        let mut reader = SliceReader::new(inside.value())?;
        let oid = ObjectIdentifier::decode(&mut reader)?;
        let parameters = if reader.is_finished() { None } else { Some(AnyRef::decode(&mut reader)?) };
        Ok(Algorithm { oid, parameters })
    }

    fn kind(&self, rsa_bits: impl FnOnce() -> Option<usize>) -> Option<KeyKind> {
        match self.oid {
            RSA => rsa_bits().map(KeyKind::Rsa),
            EC => Some(curve(self.parameters)),
            other => Some(KeyKind::Other(other)),
        }
    }
}

fn curve(parameters: Option<AnyRef<'_>>) -> KeyKind {
    let named = parameters.and_then(|parameters| ObjectIdentifier::try_from(parameters).ok());
    named.map_or(KeyKind::UnnamedCurve, KeyKind::Other)
}

/// The bits of a modulus, which is the `at`-th number of a sequence.
fn rsa_bits(der: &[u8], at: usize) -> Option<usize> {
    let mut reader = SliceReader::new(der).ok()?;
    let modulus = reader.sequence(|outer| {
        for _ in 0..at {
            outer.tlv_bytes()?;
        }
        let modulus = UintRef::decode(outer)?;
        skip_rest(outer)?;
        Ok(modulus)
    });
    let modulus = modulus.ok()?.as_bytes().to_vec();
    let first = *modulus.first()?;
    Some(modulus.len() * 8 - first.leading_zeros() as usize)
}

fn skip_rest<'a, R: Reader<'a>>(reader: &mut R) -> der::Result<()> {
    reader.read_slice(reader.remaining_len()).map(drop)
}
