//! Cipher suites and key exchanges, by the names that nats-server's configuration has for them.

use rustls::crypto::{CryptoProvider, SupportedKxGroup};
use rustls::{CipherSuite, SupportedCipherSuite};

use super::cryptography::{self, cipher_suite, kx_group};

use super::TlsError;
use crate::config::TlsConfig;

/// The suites that there are: the first is the best.
const SUITES: [(&str, SupportedCipherSuite); 9] = [
    ("TLS_AES_256_GCM_SHA384", cipher_suite::TLS13_AES_256_GCM_SHA384),
    ("TLS_AES_128_GCM_SHA256", cipher_suite::TLS13_AES_128_GCM_SHA256),
    ("TLS_CHACHA20_POLY1305_SHA256", cipher_suite::TLS13_CHACHA20_POLY1305_SHA256),
    ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384),
    ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
    (
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
    ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384),
    ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256),
    (
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        cipher_suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
];

/// The key exchanges that there are. Which one is taken is the choice of the client, as long as it is among them.
const CURVES: [(&str, &dyn SupportedKxGroup); 5] = [
    ("X25519MLKEM768", kx_group::X25519MLKEM768),
    ("SecP256r1MLKEM768", kx_group::SECP256R1MLKEM768),
    ("X25519", kx_group::X25519),
    ("CurveP256", kx_group::SECP256R1),
    ("CurveP384", kx_group::SECP384R1),
];

/// Key exchanges of nats-server that are not among them.
const CURVES_MISSING: [&str; 2] = ["SecP384r1MLKEM1024", "CurveP521"];

/// Suites of nats-server that are not here: they leave messages open to attacks on their padding.
const SUITES_MISSING: [&str; 4] = [
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
];

/// Suites that nats-server has only with `allow_insecure_cipher_suites`.
const SUITES_INSECURE: [&str; 12] = [
    "TLS_RSA_WITH_RC4_128_SHA",
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
];

/// Suites for those who have named none that there is: one for each kind of certificate.
pub(super) const EXAMPLES: &str =
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 and TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256";

/// The name of a suite as monitoring shows it.
pub(super) fn name(wanted: CipherSuite) -> &'static str {
    SUITES.iter().find(|(_, suite)| suite.suite() == wanted).map_or("unknown", |(name, _)| name)
}

/// A suite of the configuration.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Suite {
    /// It is there.
    Known,
    /// nats-server has it.
    Missing,
    /// nats-server has it for those who insist.
    Insecure,
    /// Nobody knows it.
    Unknown,
}

/// Looks a suite up.
pub(crate) fn suite(name: &str) -> Suite {
    match name {
        _ if SUITES.iter().any(|(known, _)| *known == name) => Suite::Known,
        _ if SUITES_MISSING.contains(&name) => Suite::Missing,
        _ if SUITES_INSECURE.contains(&name) => Suite::Insecure,
        _ => Suite::Unknown,
    }
}

/// A key exchange of the configuration.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Curve {
    /// It is there.
    Known,
    /// nats-server has it.
    Missing,
    /// Nobody knows it.
    Unknown,
}

/// Looks a key exchange up.
pub(crate) fn curve(name: &str) -> Curve {
    match name {
        _ if CURVES.iter().any(|(known, _)| *known == name) => Curve::Known,
        _ if CURVES_MISSING.contains(&name) => Curve::Missing,
        _ => Curve::Unknown,
    }
}

/// The cryptography that a configuration allows.
pub(super) fn provider(config: &TlsConfig) -> Result<CryptoProvider, TlsError> {
    let mut provider = cryptography::default_provider();
    // As with nats-server, a list without suites of TLS 1.3 is about TLS 1.2 only.
    let named = |name: &str| config.cipher_suites.iter().any(|wanted| wanted == name);
    if !config.cipher_suites.is_empty() && !SUITES.iter().any(|(name, _)| named(name)) {
        return Err(TlsError::NoSuite);
    }
    let names_v1_3 = SUITES.iter().any(|(name, suite)| suite.tls13().is_some() && named(name));
    let is_wanted = |(name, suite): &&(&str, SupportedCipherSuite)| {
        config.cipher_suites.is_empty() || named(name) || (suite.tls13().is_some() && !names_v1_3)
    };
    provider.cipher_suites = SUITES.iter().filter(is_wanted).map(|(_, suite)| *suite).collect();
    if !config.curve_preferences.is_empty() {
        let find = |wanted: &String| CURVES.iter().find(|(name, _)| name == wanted).map(|(_, group)| *group);
        provider.kx_groups = config.curve_preferences.iter().filter_map(find).collect();
        if provider.kx_groups.is_empty() {
            return Err(TlsError::NoCurve);
        }
    }
    Ok(provider)
}
