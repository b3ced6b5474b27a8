//! A `tls` block.

use std::path::PathBuf;
use std::time::Duration;

use dunlin_conf::{Entry, Map, Value, parse_duration};

use super::Report;
use crate::tls::suites::{self, Curve, Suite};
use crate::tls::{self, Application, TlsError, TlsWarning};

/// The time that a client has for the handshake (nats: 2 s).
const TIMEOUT: Duration = Duration::from_secs(2);

/// How long INFO is held back for clients that may begin the handshake at once (nats: 50 ms).
const AUTO_DELAY: Duration = Duration::from_millis(50);

/// A `tls` block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsConfig {
    /// `cert_file` and `key_file`, or those of `certs`: the first one that fits is shown to a client.
    pub certificates: Vec<CertificateFiles>,
    /// `ca_file`: the authorities of the clients' certificates. Without it they are those that the system trusts.
    pub ca_file: Option<PathBuf>,
    /// `verify`: a client needs a certificate.
    pub verify: bool,
    /// `verify_and_map`: its certificate says who the client is.
    pub verify_and_map: bool,
    /// `timeout` of the handshake. Does not hold in a `websocket` block: there, `handshake_timeout` ends it.
    pub timeout: Duration,
    /// `handshake_first`. Does not matter in a `websocket` block.
    pub handshake_first: HandshakeFirst,
    /// `min_version`.
    pub min_version: TlsVersion,
    /// `cipher_suites`, by name; empty for all. Those of TLS 1.3 are left out only where others of TLS 1.3 are named.
    pub cipher_suites: Vec<String>,
    /// `curve_preferences`: key exchanges by name, the best one first; empty for all.
    pub curve_preferences: Vec<String>,
    /// `pinned_certs`: the SHA-256 of the public keys (SubjectPublicKeyInfo) that clients may have; empty for all.
    pub pinned_certs: Vec<[u8; 32]>,
    /// `connection_rate_limit`: handshakes that begin in one second; 0 for any number.
    pub connection_rate_limit: u32,
}

impl Default for TlsConfig {
    fn default() -> Self {
        Self {
            certificates: Vec::new(),
            ca_file: None,
            verify: false,
            verify_and_map: false,
            timeout: TIMEOUT,
            handshake_first: HandshakeFirst::No,
            min_version: TlsVersion::V1_2,
            cipher_suites: Vec::new(),
            curve_preferences: Vec::new(),
            pinned_certs: Vec::new(),
            connection_rate_limit: 0,
        }
    }
}

impl TlsConfig {
    /// Looks whether the files can be used, and whether the settings go together. Says what the operator should know.
    ///
    /// # Errors
    ///
    /// See [`TlsError`].
    pub fn check(&self) -> Result<Vec<TlsWarning>, TlsError> {
        tls::TlsServer::load(self, Application::Nats).map(|server| server.warnings)
    }
}

/// A certificate and its private key, both in PEM form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The certificate, and behind it those of its authorities.
    pub cert_file: PathBuf,
    /// The private key.
    pub key_file: PathBuf,
}

/// Whether the handshake comes before INFO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandshakeFirst {
    /// Behind it.
    No,
    /// Before it.
    Yes,
    /// Before it with clients that begin within this time, behind it with others.
    Auto(Duration),
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsVersion {
    /// TLS 1.2.
    V1_2,
    /// TLS 1.3.
    V1_3,
}

/// Reads a block, and looks whether its files can be used.
pub(super) fn read(entry: &Entry, report: &mut Report) -> Option<TlsConfig> {
    let block = report.value(entry.map())?;
    let errors = report.errors.len();
    let mut config = TlsConfig::default();
    for entry in block {
        let key = entry.key.to_ascii_lowercase();
        let known = files(&key, entry, &mut config, report)
            || clients(&key, entry, &mut config, report)
            || handshake(&key, entry, &mut config, report)
            || unserved(&key, entry, report);
        if !known {
            report.unknown(entry, "tls");
        }
    }
    read_certificate(entry, block, &mut config, report);
    if !config.pinned_certs.is_empty() && !config.verify {
        let place = block.get("pinned_certs").map_or(&entry.key_place, |entry| &entry.key_place);
        report.error_at(place, "pinned_certs needs verify: true, as clients show no certificates without it");
    }
    check_suites(entry, block, &config.cipher_suites, report);
    if report.errors.len() == errors {
        let place = |key| block.get(key).map_or(&entry.key_place, |entry| &entry.node.place);
        match config.check() {
            Ok(warnings) => {
                warnings.iter().for_each(|warning| report.warn_at(place(warning.key()), warning));
            }
            Err(error) => report.error_at(place(error.key()), error),
        }
    }
    Some(config)
}

fn read_certificate(entry: &Entry, block: &Map, config: &mut TlsConfig, report: &mut Report) {
    let mut file = |key: &str| block.get(key).and_then(|entry| report.text(entry)).map(PathBuf::from);
    let missing = match (file("cert_file"), file("key_file")) {
        (Some(_), Some(_)) if !config.certificates.is_empty() => {
            return report
                .error_at(&entry.key_place, "tls: cannot combine 'cert_file' option with 'certs' option");
        }
        (Some(cert_file), Some(key_file)) => {
            config.certificates.push(CertificateFiles { cert_file, key_file });
            return;
        }
        (Some(_), None) => "missing 'key_file' in TLS configuration",
        (None, Some(_)) => "missing 'cert_file' in TLS configuration",
        (None, None) if config.certificates.is_empty() => "tls needs cert_file and key_file",
        (None, None) => return,
    };
    report.error_at(&entry.key_place, missing);
}

fn files(key: &str, entry: &Entry, config: &mut TlsConfig, report: &mut Report) -> bool {
    match key {
        // They belong together: see `read_certificate`.
        "cert_file" | "key_file" => {}
        "certs" | "certificates" => {
            for node in report.value(entry.array()).unwrap_or_default() {
                let Some(map) = report.value(node.map()) else { continue };
                let mut file =
                    |key: &str| map.get(key).and_then(|entry| report.text(entry)).map(PathBuf::from);
                match (file("cert_file"), file("key_file")) {
                    (Some(cert_file), Some(key_file)) => {
                        config.certificates.push(CertificateFiles { cert_file, key_file });
                    }
                    _ => report.error_at(&node.place, "certs: each needs cert_file and key_file"),
                }
            }
        }
        "ca_file" => config.ca_file = report.text(entry).map(PathBuf::from),
        _ => return false,
    }
    true
}

fn clients(key: &str, entry: &Entry, config: &mut TlsConfig, report: &mut Report) -> bool {
    match key {
        "verify" => {
            let mut verify = false;
            report.set(&mut verify, entry.boolean());
            config.verify |= verify;
        }
        "verify_and_map" => {
            report.set(&mut config.verify_and_map, entry.boolean());
            config.verify |= config.verify_and_map;
        }
        "pinned_certs" => {
            for text in report.value(entry.strings()).unwrap_or_default() {
                match digest(text) {
                    Some(digest) => config.pinned_certs.push(digest),
                    None => report.error_at(&entry.node.place, format_args!(
                        "pinned_certs: {text:?} does not look like hex-encoded sha256 of DER encoded SubjectPublicKeyInfo"
                    )),
                }
            }
        }
        "connection_rate_limit" => {
            // As with nats-server, less than none is no limit.
            if let Some(limit) = report.number(entry, i64::MIN, i64::from(u32::MAX)) {
                config.connection_rate_limit = u32::try_from(limit).unwrap_or(0);
            }
        }
        // For clients of other servers: a server has nothing to do with it.
        "insecure" => _ = report.value(entry.boolean()),
        _ => return false,
    }
    true
}

fn handshake(key: &str, entry: &Entry, config: &mut TlsConfig, report: &mut Report) -> bool {
    match key {
        "timeout" => config.timeout = timeout(entry, report).unwrap_or(config.timeout),
        "handshake_first" | "first" | "immediate" => {
            config.handshake_first = handshake_first(entry, report).unwrap_or(config.handshake_first);
        }
        "min_version" => match report.text(entry).as_deref() {
            Some("1.2") => config.min_version = TlsVersion::V1_2,
            Some("1.3") => config.min_version = TlsVersion::V1_3,
            Some(other) => report.error_at(
                &entry.node.place,
                format_args!("min_version: {other:?} is not served: there are \"1.2\" and \"1.3\""),
            ),
            None => {}
        },
        "cipher_suites" => config.cipher_suites = cipher_suites(entry, report),
        "curve_preferences" => config.curve_preferences = curves(entry, report),
        // Together with `cipher_suites`: see `check_suites`.
        "allow_insecure_cipher_suites" => _ = report.value(entry.boolean()),
        _ => return false,
    }
    true
}

/// Keys of nats-server that dunlin does not serve: checks of clients that would not be made are refused.
fn unserved(key: &str, entry: &Entry, report: &mut Report) -> bool {
    let is_false = |value: &Value| *value == Value::Boolean(false);
    let is_off = match &entry.node.value {
        Value::Map(block) => block.get("verify").is_some_and(|verify| is_false(&verify.node.value)),
        value => is_false(value),
    };
    match key {
        "ocsp_peer" | "verify_cert_and_check_known_urls" if !is_off => report.error_at(
            &entry.key_place,
            format_args!(
                "{} is not served by dunlin yet, and not to be ignored: clients would not be checked",
                entry.key
            ),
        ),
        "ocsp_peer" | "verify_cert_and_check_known_urls" => {}
        "cert_store" | "cert_match" | "cert_match_by" | "ca_certs_match" => report.error_at(
            &entry.key_place,
            format_args!(
                "{} needs the certificate store of Windows: use cert_file, key_file and ca_file",
                entry.key
            ),
        ),
        "cert_match_skip_invalid" => {}
        _ => return false,
    }
    true
}

/// Seconds, also parts of them, or a duration.
fn timeout(entry: &Entry, report: &mut Report) -> Option<Duration> {
    let timeout = match entry.node.value {
        Value::Float(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        _ => return report.duration_or_seconds(entry).map(|(timeout, _)| timeout).filter(|t| !t.is_zero()),
    };
    if timeout.is_none() {
        report.error_at(&entry.node.place, format_args!("{}: this is not a time", entry.key));
    }
    timeout.filter(|timeout| !timeout.is_zero())
}

fn handshake_first(entry: &Entry, report: &mut Report) -> Option<HandshakeFirst> {
    let yes = |is_first| if is_first { HandshakeFirst::Yes } else { HandshakeFirst::No };
    if let Value::Boolean(is_first) = entry.node.value {
        return Some(yes(is_first));
    }
    let text = report.value(entry.string())?;
    let delay = |text: &str| parse_duration(text).ok().and_then(|delay| u64::try_from(delay).ok());
    match text.to_ascii_lowercase().as_str() {
        "true" | "on" => Some(yes(true)),
        "false" | "off" => Some(yes(false)),
        "auto" | "auto_fallback" => Some(HandshakeFirst::Auto(AUTO_DELAY)),
        other => match delay(other) {
            Some(delay) => Some(HandshakeFirst::Auto(Duration::from_nanos(delay))),
            None => {
                let text = format_args!(
                    "field {:?}'s value {text:?} is invalid: true, false, auto, or a delay such as \"300ms\"",
                    entry.key
                );
                report.error_at(&entry.node.place, text);
                None
            }
        },
    }
}

fn cipher_suites(entry: &Entry, report: &mut Report) -> Vec<String> {
    let names: Vec<String> =
        report.value(entry.strings()).unwrap_or_default().into_iter().map(str::to_owned).collect();
    if names.is_empty() {
        report.error_at(&entry.node.place, "cipher_suites cannot be empty");
    }
    names
}

/// Looks for suites that are not here. As with nats-server, those that are insecure need a word that they are wanted, and
/// get it in vain.
fn check_suites(entry: &Entry, block: &Map, names: &[String], report: &mut Report) {
    let allows_insecure = block
        .get("allow_insecure_cipher_suites")
        .is_some_and(|entry| entry.node.value == Value::Boolean(true));
    let place = block.get("cipher_suites").map_or(&entry.key_place, |entry| &entry.node.place);
    for name in names {
        match suites::suite(name) {
            Suite::Known => {}
            Suite::Insecure if !allows_insecure => report.error_at(
                place,
                format_args!(
                    "insecure cipher suites configured without 'allow_insecure_cipher_suites' option set: {name}"
                ),
            ),
            Suite::Insecure | Suite::Missing => report.warn_at(
                place,
                format_args!("cipher_suites: {name} is too weak to be served by dunlin, and left out"),
            ),
            Suite::Unknown => {
                report.error_at(place, format_args!("cipher_suites: there is no cipher suite {name:?}"));
            }
        }
    }
}

fn curves(entry: &Entry, report: &mut Report) -> Vec<String> {
    let names = report.value(entry.strings()).unwrap_or_default();
    if names.is_empty() {
        report.error_at(&entry.node.place, "curve_preferences cannot be empty");
    }
    for name in &names {
        match suites::curve(name) {
            Curve::Known => {}
            Curve::Missing => report.warn_at(
                &entry.node.place,
                format_args!("curve_preferences: {name} is not served by dunlin yet, and left out"),
            ),
            Curve::Unknown => report.error_at(
                &entry.node.place,
                format_args!("curve_preferences: there is no key exchange {name:?}"),
            ),
        }
    }
    names.into_iter().map(str::to_owned).collect()
}

fn digest(text: &str) -> Option<[u8; 32]> {
    let hex = text.as_bytes();
    if hex.len() != 64 || !hex.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut digest = [0; 32];
    for (byte, pair) in digest.iter_mut().zip(hex.chunks(2)) {
        *byte = u8::from_str_radix(core::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests {
    use super::digest;

    #[test]
    fn digests() {
        let hex = "00ff".repeat(16);
        assert_eq!(digest(&hex), Some(core::array::from_fn(|i| if i % 2 == 0 { 0 } else { 255 })));
        assert_eq!(digest(&hex.to_uppercase()), digest(&hex));
        for wrong in ["", "00", &"0".repeat(63), &"g".repeat(64), &format!("+{}", "0".repeat(63))] {
            assert_eq!(digest(wrong), None, "{wrong:?}");
        }
    }
}
