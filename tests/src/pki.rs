//! Certificates for tests: an authority that makes those of servers and clients.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PublicKeyData, SanType, date_time_ymd, string::Ia5String,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::TempDir;

/// An authority. Its certificate and those that it makes lie as PEM files in a folder that vanishes with it.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    dir: TempDir,
}

/// A certificate that an authority has made.
pub struct Issued {
    /// The certificate, as a PEM file.
    pub cert_file: PathBuf,
    /// Its private key, as a PEM file.
    pub key_file: PathBuf,
    /// The certificate.
    pub cert: CertificateDer<'static>,
    /// Its private key.
    pub key: PrivateKeyDer<'static>,
    /// The public key as SubjectPublicKeyInfo.
    pub public_key: Vec<u8>,
}

impl Authority {
    /// A new authority. Two of the same name are strangers to each other.
    ///
    /// # Panics
    /// If the system gives no random numbers, or its folder for temporary files cannot be written.
    pub fn new(name: &str) -> Authority {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("random numbers");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("a right certificate");
        let authority = Authority { issuer, dir: TempDir::new() };
        fs::write(authority.ca_file(), authority.issuer.as_ref().pem()).expect("our own folder");
        authority
    }

    /// Its own certificate, as a PEM file.
    pub fn ca_file(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    /// Its own certificate.
    pub fn cert(&self) -> CertificateDer<'static> {
        self.issuer.as_ref().der().clone()
    }

    /// The folder of all its files.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A certificate for a server on this machine: `localhost`, `127.0.0.1` and `::1`. The files are named after `file`.
    pub fn server(&self, file: &str) -> Issued {
        self.issue(file, &server(&["localhost"]))
    }

    /// The same, but it ended in 2020.
    pub fn expired_server(&self, file: &str) -> Issued {
        let mut params = server(&["localhost"]);
        params.not_before = date_time_ymd(2019, 1, 1);
        params.not_after = date_time_ymd(2020, 1, 1);
        self.issue(file, &params)
    }

    /// A certificate for a server of another name.
    pub fn server_of(&self, file: &str, host: &str) -> Issued {
        let mut params = server(&[host]);
        params.subject_alt_names.retain(|name| matches!(name, SanType::DnsName(_)));
        self.issue(file, &params)
    }

    /// A certificate for a client with this common name, and with what `names` adds: an e-mail address, a DNS name or a
    /// URI each.
    ///
    /// # Panics
    /// If a name is not ASCII.
    pub fn client(&self, file: &str, common_name: &str, names: &[&str]) -> Issued {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        if !common_name.is_empty() {
            params.distinguished_name.push(DnType::OrganizationName, "Flock");
            params.distinguished_name.push(DnType::CommonName, common_name);
        }
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.subject_alt_names = names
            .iter()
            .map(|name| {
                let text = Ia5String::try_from(*name).expect("an ASCII name");
                match name {
                    _ if name.contains("://") => SanType::URI(text),
                    _ if name.contains('@') => SanType::Rfc822Name(text),
                    _ => SanType::DnsName(text),
                }
            })
            .collect();
        self.issue(file, &params)
    }

    fn issue(&self, file: &str, params: &CertificateParams) -> Issued {
        let key = KeyPair::generate().expect("random numbers");
        let cert = params.signed_by(&key, &self.issuer).expect("a right certificate");
        let cert_file = self.dir.path().join(format!("{file}.pem"));
        let key_file = self.dir.path().join(format!("{file}-key.pem"));
        fs::write(&cert_file, cert.pem()).expect("our own folder");
        fs::write(&key_file, key.serialize_pem()).expect("our own folder");
        Issued {
            cert_file,
            key_file,
            cert: cert.der().clone(),
            public_key: key.subject_public_key_info(),
            key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        }
    }
}

impl Issued {
    /// `cert_file: "…", key_file: "…"` for a configuration file.
    pub fn conf(&self) -> String {
        format!("cert_file: {:?}\nkey_file: {:?}\n", self.cert_file, self.key_file)
    }
}

fn server(hosts: &[&str]) -> CertificateParams {
    let names: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("right host names");
    params.distinguished_name.push(DnType::CommonName, hosts[0]);
    params.subject_alt_names.push(SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    params.subject_alt_names.push(SanType::IpAddress(IpAddr::V6(Ipv6Addr::LOCALHOST)));
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}
