//! Versions, cipher suites, and where they are set and shown.

use dunlin_tests::{Authority, Kind, RawTcp, ServerProcess, TlsClient, TlsVersion};
use serde_json::Value;

use super::{check, conf, connz, dunlin, expect_pong, links, nats, start, tcp_behind_info};
use crate::support::monitoring;

#[test]
fn monitoring_shows_what_was_agreed() {
    let authority = Authority::new("ca");
    let Some(server) = start(&authority, "timeout: 1.5") else { return };
    for (versions, version, suite) in [
        (TlsVersion::V1_2, "1.2", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
        (TlsVersion::V1_3, "1.3", "TLS_AES_256_GCM_SHA384"),
    ] {
        for mut link in links(&server, &TlsClient::with(&authority, None, &[versions])) {
            expect_pong(&mut link);
            let shown = connz(&server, "")[0].clone();
            assert_eq!(shown["tls_version"], version);
            assert_eq!(shown["tls_cipher_suite"], suite);
            assert_eq!(shown["tls_first"], Value::Null);
        }
    }
    let varz = monitoring(&server, "/varz");
    assert_eq!(varz["tls_required"], true);
    assert_eq!(varz["tls_verify"], Value::Null);
    assert_eq!(varz["tls_timeout"], 1.5);
    // rcgen's certificates end there.
    assert_eq!(varz["tls_cert_not_after"], "4096-01-01T00:00:00Z");
    assert_eq!(varz["websocket"]["tls_cert_not_after"], "4096-01-01T00:00:00Z");
}

#[test]
fn the_lowest_version_is_what_was_asked_for() {
    let authority = Authority::new("ca");
    let Some(server) = start(&authority, "min_version: \"1.3\"") else { return };
    let old = TlsClient::with(&authority, None, &[TlsVersion::V1_2]);
    for tcp in [tcp_behind_info(&server), RawTcp::connect(server.addresses().websocket)] {
        let error = tcp.start_tls(&old).unwrap_err().to_string();
        assert!(error.contains("ProtocolVersion"), "{error}");
    }
    links(&server, &TlsClient::new(&authority)).iter_mut().for_each(expect_pong);
    server.wait_for_log("TLS handshake error: ");
    let conf =
        conf(&authority.server("server"), "cipher_suites: [TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256]");
    let Some(server) = dunlin(&conf) else { return };
    let agreed = RawTcp::connect(server.addresses().nats).upgrade(&old).agreed().unwrap();
    assert_eq!(agreed.suite, "Some(TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256)");
}

#[test]
fn the_command_line_has_a_word_in_it() {
    let authority = Authority::new("ca");
    let issued = authority.server("server");
    let (cert, key) = (issued.cert_file.to_str().unwrap(), issued.key_file.to_str().unwrap());
    if Kind::under_test() != Kind::Dunlin {
        return;
    }
    let server = ServerProcess::start(Kind::Dunlin, "", &["--tls", "--tlscert", cert, "--tlskey", key]);
    expect_pong(&mut nats(&server, &TlsClient::new(&authority)));
}

#[test]
fn weak_suites_are_left_out() {
    let authority = Authority::new("ca");
    let files = authority.server("server").conf();
    let check = |more: &str| check(authority.dir(), &format!("tls {{ {files} {more} }}\n"));
    let (strong, weak) = ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA");
    let insecure = "TLS_RSA_WITH_3DES_EDE_CBC_SHA";
    for (more, is_right, expected) in [
        (
            format!("cipher_suites: [{strong}, {weak}]"),
            true,
            format!("{weak} is too weak to be served by dunlin"),
        ),
        (
            format!("cipher_suites: [{strong}, {insecure}], allow_insecure_cipher_suites: true"),
            true,
            format!("{insecure} is too weak to be served by dunlin, and left out"),
        ),
        (format!("allow_insecure_cipher_suites: true, cipher_suites: [{strong}]"), true, String::new()),
        (
            format!("cipher_suites: [{strong}, {insecure}]"),
            false,
            format!("configured without 'allow_insecure_cipher_suites' option set: {insecure}"),
        ),
        (
            format!("cipher_suites: [{weak}]"),
            false,
            format!("none of these is strong enough to be served: add {strong}"),
        ),
        (
            "cipher_suites: [TLS_ROT_13]".to_owned(),
            false,
            "there is no cipher suite \"TLS_ROT_13\"".to_owned(),
        ),
        ("cipher_suites: []".to_owned(), false, "cipher_suites cannot be empty".to_owned()),
        (
            "allow_insecure_cipher_suites: perhaps".to_owned(),
            false,
            "allow_insecure_cipher_suites".to_owned(),
        ),
    ] {
        let (success, said) = check(&more);
        assert!(success == is_right && said.contains(&expected), "{more}: {said}");
    }
    let Some(server) = start(&authority, &format!("cipher_suites: [{weak}, {strong}]")) else { return };
    let client = TlsClient::with(&authority, None, &[TlsVersion::V1_2]);
    let agreed = RawTcp::connect(server.addresses().nats).upgrade(&client).agreed().unwrap();
    assert_eq!(agreed.suite, format!("Some({strong})"));
}

#[test]
fn other_values_mean_what_they_mean_to_nats_server() {
    let authority = Authority::new("ca");
    let files = authority.server("server").conf();
    for more in ["connection_rate_limit: -1", "ocsp_peer: { verify: false }", "ocsp_peer: false"] {
        let (is_right, said) = check(authority.dir(), &format!("tls {{ {files} {more} }}\n"));
        assert!(is_right, "{more}: {said}");
    }
}

#[test]
fn the_key_exchange_is_what_was_asked_for() {
    let authority = Authority::new("ca");
    let files = authority.server("server").conf();
    for (curves, is_right, expected) in [
        ("X25519MLKEM768, CurveP521", true, "curve_preferences: CurveP521 is not served by dunlin yet"),
        ("CurveP521", false, "curve_preferences: none of these key exchanges is served"),
    ] {
        let conf = format!("tls {{ {files} curve_preferences: [{curves}] }}\n");
        let (success, said) = check(authority.dir(), &conf);
        assert!(success == is_right && said.contains(expected), "{curves}: {said}");
    }
    for (curves, agreed) in [("", "X25519"), ("curve_preferences: [X25519MLKEM768]", "X25519MLKEM768")] {
        let Some(server) = start(&authority, curves) else { return };
        let tcp = RawTcp::connect(server.addresses().nats).upgrade(&TlsClient::new(&authority));
        assert_eq!(tcp.agreed().unwrap().key_exchange, format!("Some({agreed})"));
    }
}
