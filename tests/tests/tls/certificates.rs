//! The certificates that the server shows.

use std::fs;

use dunlin_tests::{Authority, Issued, RawTcp, Signal, TlsClient, TlsVersion, workspace_root};

use super::{check, conf, dunlin, expect_pong, links, tcp_behind_info};

#[test]
fn the_certificate_is_that_of_the_name() {
    let authority = Authority::new("ca");
    let (other, right) = (authority.server_of("other", "example.com"), authority.server("right"));
    let certs = format!("certs: [ {{ {} }}, {{ {} }} ]", other.conf(), right.conf());
    let Some(server) = dunlin(&format!("tls {{ {certs} }}\n")) else { return };
    let tcp = RawTcp::connect(server.addresses().nats).upgrade(&TlsClient::new(&authority));
    assert_eq!(tcp.agreed().unwrap().server, right.cert.as_ref());
}

#[test]
fn the_log_says_what_a_client_holds_against_the_certificate() {
    let authority = Authority::new("ca");
    let client = TlsClient::new(&authority);
    for (issued, reason) in [
        (authority.expired_server("a"), "CertificateExpired"),
        (authority.server_of("b", "example.com"), "BadCertificate"),
        (Authority::new("stranger").server("c"), "UnknownCA"),
    ] {
        let Some(server) = dunlin(&conf(&issued, "")) else { return };
        for tcp in [tcp_behind_info(&server), RawTcp::connect(server.addresses().websocket)] {
            let peer = tcp.local_address();
            tcp.start_tls(&client).unwrap_err();
            let line = server.wait_for_log(&format!("{peer} - "));
            let expected = format!("TLS handshake error: received fatal alert: {reason}: ");
            assert!(line.contains(&expected) && line.contains("certificate"), "{line}");
        }
    }
}

#[test]
fn certificates_are_reloaded_and_nobody_is_dropped() {
    let authority = Authority::new("ca");
    let client = TlsClient::new(&authority);
    let (old, new) = (authority.server("server"), authority.server("new"));
    let Some(server) = dunlin(&conf(&old, "")) else { return };
    let mut before = links(&server, &client);
    before.iter_mut().for_each(expect_pong);
    let seen = |expected: &Issued| {
        for tcp in [tcp_behind_info(&server), RawTcp::connect(server.addresses().websocket)] {
            let agreed = tcp.start_tls(&TlsClient::new(&authority)).unwrap().agreed().unwrap();
            assert_eq!(agreed.server, expected.cert.as_ref());
        }
    };
    seen(&old);
    fs::copy(&new.cert_file, &old.cert_file).unwrap();
    server.signal(Signal::HUP);
    // The key is still the old one.
    let line = server.wait_for_log("Failed to reload server configuration: ");
    assert!(line.contains("server.conf:") && line.contains("is not that of the certificate in"), "{line}");
    seen(&old);
    fs::copy(&new.key_file, &old.key_file).unwrap();
    server.signal(Signal::HUP);
    server.wait_for_log("Reloaded: websocket.tls = enabled");
    server.wait_for_log("Reloaded server configuration");
    seen(&new);
    before.iter_mut().for_each(expect_pong);
}

#[test]
fn the_server_may_show_any_certificate_that_its_key_belongs_to() {
    let (authority, old) = (Authority::new("ca"), Authority::old("old"));
    let below = authority.below("below", |_| {});
    for shown in [
        authority.client_v1("v1"),
        authority.as_client(),
        old.as_client(),
        below.server("below"),
        authority.client("for-clients", "a", &[]),
    ] {
        let Some(server) = dunlin(&conf(&shown, "")) else { return };
        for version in [TlsVersion::V1_2, TlsVersion::V1_3] {
            links(&server, &TlsClient::of_server(&shown, &[version])).iter_mut().for_each(expect_pong);
        }
    }
}

#[test]
fn keys_and_signatures_may_be_of_any_usual_kind() {
    let kinds = [
        &rcgen::PKCS_ECDSA_P256_SHA256,
        &rcgen::PKCS_ECDSA_P384_SHA384,
        &rcgen::PKCS_ECDSA_P521_SHA512,
        &rcgen::PKCS_ECDSA_P521_SHA256,
        &rcgen::PKCS_ED25519,
        &rcgen::PKCS_RSA_SHA256,
        &rcgen::PKCS_RSA_SHA512,
    ];
    for kind in kinds {
        let authority = Authority::signing("ca", kind);
        let own = authority.signed_for("own", kind);
        let more = format!("ca_file: {:?}, verify: true", authority.ca_file());
        let Some(server) = dunlin(&conf(&own, &more)) else { return };
        for version in [TlsVersion::V1_2, TlsVersion::V1_3] {
            let client = TlsClient::with(&authority, Some(&own), &[version]);
            links(&server, &client).iter_mut().for_each(expect_pong);
        }
    }
}

#[test]
fn a_key_that_cannot_be_used_is_described() {
    let authority = Authority::new("ca");
    let (own, other) = (authority.server("own"), authority.server("other"));
    let key = |name: &str| workspace_root().join("tests/keys").join(name);
    let write = |name: &str, text: String| {
        let path = authority.dir().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let text = fs::read_to_string(&own.key_file).unwrap();
    let certificate = fs::read_to_string(&own.cert_file).unwrap();
    for (key_file, expected) in [
        (key("rsa-1024.pem"), "holds an RSA key of 1024 bits, which is not served: keys are RSA of 2048 to"),
        (key("ed448.pem"), "holds an Ed448 key, which is not served: keys are RSA of 2048 to"),
        (
            write("pkcs8.pem", text.replace("PRIVATE", "ENCRYPTED PRIVATE")),
            "is encrypted, and there is nobody",
        ),
        (
            write("broken.pem", certificate.replace("CERTIFICATE", "PRIVATE KEY")),
            "holds no valid private key in PEM form",
        ),
        (write("none.pem", "-----BEGIN PRIVATE KEY-----\n".to_owned()), "holds no private key in PEM form"),
        (other.key_file, "is not that of the certificate in "),
    ] {
        let conf = format!("tls {{ cert_file: {:?}\nkey_file: {key_file:?} }}\n", own.cert_file);
        let (is_right, said) = check(authority.dir(), &conf);
        assert!(!is_right && said.contains(expected), "{said}");
        assert!(said.contains("check.conf:2:") && said.contains(key_file.to_str().unwrap()), "{said}");
    }
    // Labels and line ends do not matter, nor does what else is in the file.
    let label = write("label.pem", text.replace("PRIVATE", "RSA PRIVATE").replace('\n', "\r\n"));
    let both = write("both.pem", format!("made by hand\n{certificate}{text}"));
    for (cert_file, key_file) in [(&own.cert_file, &label), (&both, &both)] {
        let conf = format!("tls {{ cert_file: {cert_file:?}\nkey_file: {key_file:?} }}\n");
        assert!(check(authority.dir(), &conf).0);
    }
}
