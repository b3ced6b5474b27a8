//! The client's side of TLS for the raw drivers.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, HandshakeKind, RootCertStore, SignatureScheme,
    StreamOwned,
};

use crate::{Authority, Issued};

/// What a client does in a handshake.
#[derive(Clone, Debug)]
pub struct TlsClient {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

/// A version of TLS.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TlsVersion {
    /// TLS 1.2.
    V1_2,
    /// TLS 1.3.
    V1_3,
}

impl TlsClient {
    /// Trusts the servers of this authority, and speaks both versions. Later handshakes resume earlier sessions.
    ///
    /// # Panics
    /// If the authority's certificate is not one.
    pub fn new(trusted: &Authority) -> TlsClient {
        TlsClient::with(trusted, None, &[TlsVersion::V1_2, TlsVersion::V1_3])
    }

    /// The same, with versions of its choice and a certificate of its own.
    ///
    /// # Panics
    /// If a certificate is not one.
    pub fn with(trusted: &Authority, own: Option<&Issued>, versions: &[TlsVersion]) -> TlsClient {
        let mut roots = RootCertStore::empty();
        roots.add(trusted.cert()).expect("the certificate of an authority");
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
            .build()
            .expect("a right authority");
        TlsClient::verifying(verifier, own, versions)
    }

    /// Trusts the server with exactly this certificate, whatever it says.
    pub fn of_server(server: &Issued, versions: &[TlsVersion]) -> TlsClient {
        TlsClient::verifying(Arc::new(Pinned(server.cert.to_vec())), None, versions)
    }

    fn verifying(
        verifier: Arc<dyn ServerCertVerifier>,
        own: Option<&Issued>,
        versions: &[TlsVersion],
    ) -> TlsClient {
        let versions: Vec<_> = versions
            .iter()
            .map(|version| match version {
                TlsVersion::V1_2 => &TLS12,
                TlsVersion::V1_3 => &TLS13,
            })
            .collect();
        let provider = provider();
        let load = |own: &Issued| {
            let key = provider.key_provider.load_private_key(own.key.clone_key()).expect("a right key");
            let chain = [std::slice::from_ref(&own.cert), &own.above[..]].concat();
            Arc::new(SingleCertAndKey::from(CertifiedKey::new(chain, key)))
        };
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&versions)
            .expect("known versions")
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let config = match own {
            Some(own) => builder.with_client_cert_resolver(load(own)),
            None => builder.with_no_client_auth(),
        };
        TlsClient { config: Arc::new(config), name: ServerName::try_from("localhost").expect("a host name") }
    }

    /// Offers these protocols by ALPN.
    pub fn offering(mut self, protocols: &[&str]) -> TlsClient {
        let config = Arc::make_mut(&mut self.config);
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        self
    }

    /// A connection that has said nothing yet.
    ///
    /// # Panics
    /// Never, with a configuration that could be made.
    pub fn connection(&self) -> ClientConnection {
        ClientConnection::new(Arc::clone(&self.config), self.name.clone()).expect("a right configuration")
    }

    /// Shakes hands over a connected socket.
    pub(crate) fn shake_hands(&self, mut stream: TcpStream) -> io::Result<TlsLink> {
        let mut connection = self.connection();
        while connection.is_handshaking() {
            connection.complete_io(&mut stream)?;
        }
        Ok(StreamOwned::new(connection, stream))
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// Trusts one certificate. That the server has its key is not what is tested.
#[derive(Debug)]
struct Pinned(Vec<u8>);

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match self.0 == end_entity.as_ref() {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(rustls::CertificateError::UnknownIssuer.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}

/// A TLS connection over TCP.
pub(crate) type TlsLink = StreamOwned<ClientConnection, TcpStream>;

/// What a handshake has agreed on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Agreed {
    /// The version.
    pub version: TlsVersion,
    /// The suite, in rustls's name.
    pub suite: String,
    /// The key exchange, in rustls's name.
    pub key_exchange: String,
    /// An earlier session went on.
    pub resumed: bool,
    /// The protocol that was chosen by ALPN.
    pub alpn: Option<String>,
    /// The certificate that the server showed; of a resumed session, the one it had shown before.
    pub server: Vec<u8>,
}

impl Agreed {
    pub(crate) fn of(connection: &ClientConnection) -> Agreed {
        let certificates = connection.peer_certificates().unwrap_or_default();
        Agreed {
            version: match connection.protocol_version() {
                Some(rustls::ProtocolVersion::TLSv1_2) => TlsVersion::V1_2,
                _ => TlsVersion::V1_3,
            },
            suite: format!("{:?}", connection.negotiated_cipher_suite().map(|suite| suite.suite())),
            key_exchange: format!(
                "{:?}",
                connection.negotiated_key_exchange_group().map(|group| group.name())
            ),
            resumed: connection.handshake_kind() == Some(HandshakeKind::Resumed),
            alpn: connection.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned()),
            server: certificates.first().map(|leaf| leaf.to_vec()).unwrap_or_default(),
        }
    }
}
