//! Certificates for tests: an authority that makes those of servers and clients.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PublicKeyData, SanType, SignatureAlgorithm, SigningKey as _, date_time_ymd,
    string::Ia5String,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};
use x509_cert::der::asn1::BitString;
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::spki::SubjectPublicKeyInfoOwned;
use x509_cert::{Certificate, TbsCertificate, Version};

use crate::TempDir;

/// An authority. Its certificate and those that it makes lie as PEM files in a folder that vanishes with it.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    cert: CertificateDer<'static>,
    /// Its own certificate and those above it, if it is not one that others trust.
    above: Vec<CertificateDer<'static>>,
    dir: TempDir,
}

/// A certificate that an authority has made.
pub struct Issued {
    /// The certificate, and those above it, as a PEM file.
    pub cert_file: PathBuf,
    /// Its private key, as a PEM file.
    pub key_file: PathBuf,
    /// The certificate.
    pub cert: CertificateDer<'static>,
    /// The certificates of the authorities between this one and one that others trust.
    pub above: Vec<CertificateDer<'static>>,
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
        Authority::with(name, |_| {})
    }

    /// The same, with other content.
    ///
    /// # Panics
    /// As `new` does.
    pub fn with(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Authority {
        let key = KeyPair::generate().expect("random numbers");
        let issuer = CertifiedIssuer::self_signed(authority(name, change), key).expect("a right certificate");
        let cert = issuer.as_ref().der().clone();
        Authority::of(issuer, cert, Vec::new())
    }

    /// An authority whose key is of another kind.
    ///
    /// # Panics
    /// As `new` does.
    pub fn signing(name: &str, algorithm: &'static SignatureAlgorithm) -> Authority {
        let key = KeyPair::generate_for(algorithm).expect("random numbers");
        let issuer = CertifiedIssuer::self_signed(authority(name, |_| {}), key).expect("a right certificate");
        let cert = issuer.as_ref().der().clone();
        Authority::of(issuer, cert, Vec::new())
    }

    /// An authority whose certificate is of version 1.
    ///
    /// # Panics
    /// As `new` does.
    pub fn old(name: &str) -> Authority {
        let key = KeyPair::generate().expect("random numbers");
        let issuer = CertifiedIssuer::self_signed(authority(name, |_| {}), key).expect("a right certificate");
        let cert = without_extensions(issuer.as_ref().der(), issuer.key());
        Authority::of(issuer, cert, Vec::new())
    }

    /// An authority with a certificate of this one.
    ///
    /// # Panics
    /// As `new` does.
    pub fn below(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Authority {
        let key = KeyPair::generate().expect("random numbers");
        let issuer = CertifiedIssuer::signed_by(authority(name, change), key, &self.issuer);
        let issuer = issuer.expect("a right certificate");
        let cert = issuer.as_ref().der().clone();
        let above = [std::slice::from_ref(&cert), &self.above[..]].concat();
        Authority::of(issuer, cert, above)
    }

    fn of(
        issuer: CertifiedIssuer<'static, KeyPair>,
        cert: CertificateDer<'static>,
        above: Vec<CertificateDer<'static>>,
    ) -> Authority {
        let authority = Authority { issuer, cert, above, dir: TempDir::new() };
        fs::write(authority.ca_file(), pem(std::slice::from_ref(&authority.cert))).expect("our own folder");
        authority
    }

    /// Its own certificate, as a PEM file.
    pub fn ca_file(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    /// Its own certificate.
    pub fn cert(&self) -> CertificateDer<'static> {
        self.cert.clone()
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
        self.issue(file, &client(common_name, names))
    }

    /// A certificate for a client, with other content.
    pub fn client_with(&self, file: &str, change: impl FnOnce(&mut CertificateParams)) -> Issued {
        let mut params = client(file, &[]);
        change(&mut params);
        self.issue(file, &params)
    }

    /// A certificate for a server or a client whose key is of another kind.
    ///
    /// # Panics
    /// If the key cannot be made.
    pub fn signed_for(&self, file: &str, algorithm: &'static SignatureAlgorithm) -> Issued {
        let key = KeyPair::generate_for(algorithm).expect("random numbers");
        let mut params = server(&["localhost"]);
        params.extended_key_usages.push(ExtendedKeyUsagePurpose::ClientAuth);
        let cert = params.signed_by(&key, &self.issuer).expect("a right certificate");
        self.write(file, cert.der().clone(), &key)
    }

    /// Its own certificate and key, as if it were a client.
    pub fn as_client(&self) -> Issued {
        self.write("self", self.cert.clone(), self.issuer.key())
    }

    /// A certificate for a client with this public key, in PEM form. The private key with it is another.
    ///
    /// # Panics
    /// If the key is not one.
    pub fn client_for(&self, file: &str, public_key: &str) -> Issued {
        let key = KeyPair::generate().expect("random numbers");
        let cert = client(file, &[]).signed_by(&key, &self.issuer).expect("a right certificate");
        let der = SubjectPublicKeyInfoDer::from_pem_slice(public_key.as_bytes()).expect("a public key");
        let public_key = SubjectPublicKeyInfoOwned::from_der(&der).expect("a public key");
        let cert = signed_anew(cert.der(), self.issuer.key(), |content| {
            content.subject_public_key_info = public_key;
        });
        self.write(file, cert, &key)
    }

    /// The certificate that `openssl x509 -req` makes where it is told of no extensions: of version 1.
    pub fn client_v1(&self, file: &str) -> Issued {
        let key = KeyPair::generate().expect("random numbers");
        let cert = client(file, &[]).signed_by(&key, &self.issuer).expect("a right certificate");
        self.write(file, without_extensions(cert.der(), self.issuer.key()), &key)
    }

    fn issue(&self, file: &str, params: &CertificateParams) -> Issued {
        let key = KeyPair::generate().expect("random numbers");
        let cert = params.signed_by(&key, &self.issuer).expect("a right certificate");
        self.write(file, cert.der().clone(), &key)
    }

    fn write(&self, file: &str, cert: CertificateDer<'static>, key: &KeyPair) -> Issued {
        let cert_file = self.dir.path().join(format!("{file}.pem"));
        let key_file = self.dir.path().join(format!("{file}-key.pem"));
        let chain = [std::slice::from_ref(&cert), &self.above[..]].concat();
        fs::write(&cert_file, pem(&chain)).expect("our own folder");
        fs::write(&key_file, key.serialize_pem()).expect("our own folder");
        Issued {
            cert_file,
            key_file,
            cert,
            above: self.above.clone(),
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

fn authority(name: &str, change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    change(&mut params);
    params
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

fn client(common_name: &str, names: &[&str]) -> CertificateParams {
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
    params
}

/// The same certificate in version 1, which has no extensions.
fn without_extensions(der: &CertificateDer<'_>, issuer: &KeyPair) -> CertificateDer<'static> {
    signed_anew(der, issuer, |content| {
        content.version = Version::V1;
        content.extensions = None;
    })
}

fn signed_anew(
    der: &CertificateDer<'_>,
    issuer: &KeyPair,
    change: impl FnOnce(&mut TbsCertificate),
) -> CertificateDer<'static> {
    let mut certificate = Certificate::from_der(der).expect("a right certificate");
    change(&mut certificate.tbs_certificate);
    let content = certificate.tbs_certificate.to_der().expect("a right certificate");
    let signature = issuer.sign(&content).expect("random numbers");
    certificate.signature = BitString::from_bytes(&signature).expect("a short signature");
    certificate.to_der().expect("a right certificate").into()
}

fn pem(certificates: &[CertificateDer<'_>]) -> String {
    let mut text = String::new();
    for certificate in certificates {
        text += "-----BEGIN CERTIFICATE-----\n";
        let base64 = BASE64_STANDARD.encode(certificate);
        for line in base64.as_bytes().chunks(64) {
            text += &String::from_utf8_lossy(line);
            text += "\n";
        }
        text += "-----END CERTIFICATE-----\n";
    }
    text
}
