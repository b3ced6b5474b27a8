//! What clients show: who is let in, and as whom.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use dunlin_tests::{
    Authority, Deadline, End, Issued, Kind, Link, RawTcp, ServerProcess, Signal, TlsClient, TlsVersion,
    workspace_root,
};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    KeyUsagePurpose, NameConstraints, date_time_ymd,
};

use super::{
    check, conf, connz, dunlin, expect_pong, expect_refusal, links, nats, sha256, start, tcp_behind_info, wss,
};
use crate::support::monitoring;

#[test]
fn clients_need_the_certificate_that_is_asked_for() {
    let authority = Authority::new("ca");
    let stranger = Authority::new("stranger");
    let right =
        authority.client("right", "wader", &["wader@example.com", "wader.example.com", "flock://wader"]);
    let more = format!("ca_file: {:?}, verify: true", authority.ca_file());
    let Some(server) = start(&authority, &more) else { return };
    let (unknown, not_for_clients) = (stranger.client("wrong", "wader", &[]), authority.server("other"));
    let versions = [TlsVersion::V1_2, TlsVersion::V1_3];
    for version in versions {
        let with = |own| TlsClient::with(&authority, own, &[version]);
        for wrong in [None, Some(&unknown), Some(&not_for_clients)] {
            for _ in 0..5 {
                expect_refusal(tcp_behind_info(&server), &with(wrong));
                expect_refusal(RawTcp::connect(server.addresses().websocket), &with(wrong));
            }
        }
        links(&server, &with(Some(&right))).iter_mut().for_each(expect_pong);
    }
    let mut tcp = RawTcp::connect(server.addresses().nats);
    let info = String::from_utf8(tcp.read_line(Deadline::usual()).0).unwrap();
    assert!(info.contains(r#""tls_verify":true"#), "{info}");
    let mut link = nats(&server, &TlsClient::with(&authority, Some(&right), &versions));
    expect_pong(&mut link);
    let all = connz(&server, "auth=1");
    let shown = all.as_array().unwrap().iter().find(|shown| shown["tls_version"] == "1.3").unwrap();
    assert_eq!(shown["tls_peer_certs"][0]["subject"], "CN=wader,O=Flock");
    assert_eq!(shown["tls_peer_certs"][0]["spki_sha256"], sha256(&right.public_key));
    assert_eq!(shown["tls_peer_certs"][0]["cert_sha256"], sha256(&right.cert));
    server.wait_for_log("TLS handshake error: peer sent no certificates");
    server.wait_for_log("TLS handshake error: invalid peer certificate: UnknownIssuer");
    server.wait_for_log("does not allow extended key usage for client authentication, allows server");
    let public_key = fs::read_to_string(workspace_root().join("tests/keys/rsa-1024-public.pem")).unwrap();
    let short = TlsClient::with(&authority, Some(&authority.client_for("short", &public_key)), &versions);
    expect_refusal(tcp_behind_info(&server), &short);
    server.wait_for_log("an RSA key of 1024 bits is too short to be believed: at least 2048 bits");
}

#[test]
fn a_certificate_can_say_who_the_client_is() {
    let authority = Authority::new("ca");
    let more = format!("ca_file: {:?}, verify_and_map: true", authority.ca_file());
    for first in ["false", "true"] {
        let more = format!("{more}, handshake_first: {first}");
        let conf = format!(
            "authorization {{ users: [ {{user: \"b@example.com\"}}, {{user: \"b.example.com\"}}, {{user: \"flock://b\"}},\n\
             {{user: \"CN=b,O=Flock\"}}, {{user: stranger}} ] }}\n{}",
            conf(&authority.server("server"), &more)
        );
        let Some(server) = dunlin(&conf) else { return };
        let nats = |client: &TlsClient| match first {
            "true" => Link::Tcp(RawTcp::connect(server.addresses().nats).start_tls(client).unwrap()),
            _ => nats(&server, client),
        };
        for (names, user) in [
            (&["b.example.com", "flock://b", "b@example.com"][..], Some("b@example.com")),
            (&["flock://b", "b.example.com", "a@example.com"], Some("b.example.com")),
            (&["flock://b"], Some("flock://b")),
            (&[], Some("CN=b,O=Flock")),
        ] {
            let own = authority.client("own", "b", names);
            let client = TlsClient::with(&authority, Some(&own), &[TlsVersion::V1_3]);
            let mut links = [nats(&client), wss(&server, &client)];
            for link in &mut links {
                // What CONNECT says does not count.
                link.send(b"CONNECT {\"verbose\":false,\"user\":\"stranger\"}\r\n");
                expect_pong(link);
            }
            let all = connz(&server, "auth=1");
            for shown in all.as_array().unwrap().iter().rev().take(2) {
                assert_eq!(shown["authorized_user"].as_str(), user);
            }
        }
        let own = authority.client("own", "nobody", &["nobody@example.com"]);
        let client = TlsClient::with(&authority, Some(&own), &[TlsVersion::V1_3]);
        for mut link in [nats(&client), wss(&server, &client)] {
            link.send(b"CONNECT {\"verbose\":false,\"user\":\"stranger\"}\r\n");
            assert!(link.last_words().0.ends_with(b"-ERR 'Authorization Violation'\r\n"));
        }
    }
}

#[test]
fn keys_can_be_pinned() {
    let authority = Authority::new("ca");
    let (right, wrong) = (authority.client("right", "a", &[]), authority.client("wrong", "a", &[]));
    let pin = sha256(&right.public_key);
    let more = format!("ca_file: {:?}, verify: true, pinned_certs: [\"{pin}\"]", authority.ca_file());
    let Some(server) = start(&authority, &more) else { return };
    let with = |own| TlsClient::with(&authority, Some(own), &[TlsVersion::V1_3]);
    expect_refusal(tcp_behind_info(&server), &with(&wrong));
    expect_refusal(RawTcp::connect(server.addresses().websocket), &with(&wrong));
    links(&server, &with(&right)).iter_mut().for_each(expect_pong);
    let varz = monitoring(&server, "/varz");
    assert_eq!(varz["websocket"]["tls_pinned_certs"][0], pin);
}

#[test]
fn sessions_are_resumed_on_any_worker_and_never_across_listeners() {
    let authority = Authority::new("ca");
    let conf = format!("workers: 4\n{}", conf(&authority.server("server"), ""));
    let Some(server) = dunlin(&conf) else { return };
    for version in [TlsVersion::V1_2, TlsVersion::V1_3] {
        let client = TlsClient::with(&authority, None, &[version]);
        let connect = || {
            let mut tcp = RawTcp::connect(server.addresses().nats).upgrade(&client);
            let resumed = tcp.agreed().unwrap().resumed;
            // Tickets come behind the handshake.
            tcp.send(b"PING\r\n");
            tcp.read_until(b"PONG\r\n", Deadline::usual());
            resumed
        };
        assert!(!connect());
        for _ in 0..8 {
            assert!(connect());
        }
        let elsewhere = RawTcp::connect(server.addresses().websocket).start_tls(&client).unwrap();
        assert!(!elsewhere.agreed().unwrap().resumed);
    }
}

#[test]
fn a_reload_forgets_whom_it_has_verified() {
    let (authority, next) = (Authority::new("ca"), Authority::new("next"));
    let own = authority.client("client", "a", &[]);
    let ca_file = authority.dir().join("clients.pem");
    fs::copy(authority.ca_file(), &ca_file).unwrap();
    let Some(server) = start(&authority, &format!("ca_file: {ca_file:?}, verify: true")) else { return };
    let client = TlsClient::with(&authority, Some(&own), &[TlsVersion::V1_3]);
    for mut link in links(&server, &client) {
        expect_pong(&mut link);
    }
    fs::copy(next.ca_file(), &ca_file).unwrap();
    server.signal(Signal::HUP);
    server.wait_for_log("Reloaded server configuration");
    // It holds tickets of before.
    expect_refusal(tcp_behind_info(&server), &client);
    expect_refusal(RawTcp::connect(server.addresses().websocket), &client);
}

/// Whether clients with these certificates are let in by a server that trusts some authorities. All are described.
fn expect_each(trusted: &[&Authority], clients: &[(&str, Issued)], are_let_in: bool) {
    let own = Authority::new("own");
    let ca_file = own.dir().join("all.pem");
    let text = trusted.iter().map(|authority| fs::read_to_string(authority.ca_file()).unwrap());
    fs::write(&ca_file, text.collect::<String>()).unwrap();
    let more = format!("ca_file: {ca_file:?}, verify: true");
    let Some(server) = dunlin(&conf(&own.server("server"), &more)) else { return };
    for version in [TlsVersion::V1_2, TlsVersion::V1_3] {
        for (what, issued) in clients {
            let tcp = tcp_behind_info(&server).start_tls(&TlsClient::with(&own, Some(issued), &[version]));
            let is_let_in = tcp.is_ok_and(|mut tcp| {
                tcp.send(b"PING\r\n");
                tcp.read_until(b"PONG\r\n", Deadline::usual()).1 == End::Found
            });
            assert_eq!(is_let_in, are_let_in, "{what}");
        }
    }
}

fn with_purpose(ca: &Authority, purpose: ExtendedKeyUsagePurpose) -> Issued {
    ca.client_with("purpose", |params| params.extended_key_usages = vec![purpose])
}

fn with_extension(ca: &Authority, is_critical: bool) -> Issued {
    ca.client_with("extension", |params| {
        let mut extension = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
        extension.set_criticality(is_critical);
        params.custom_extensions.push(extension);
    })
}

/// An authority that allows none below it, and one for names in `example.com` only.
fn strict_authorities() -> [Authority; 2] {
    let short = Authority::with("short", |params| params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)));
    let strict = Authority::with("strict", |params| {
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName("example.com".to_owned())],
            excluded_subtrees: Vec::new(),
        });
    });
    [short, strict]
}

#[test]
fn all_are_let_in_whom_nats_server_lets_in() {
    let (ca, old) = (Authority::new("ca"), Authority::old("old"));
    let pinned = Authority::with("pinned", |params| params.is_ca = IsCa::ExplicitNoCa);
    let [short, strict] = strict_authorities();
    let below = ca.below("below", |_| {});
    let could_be_an_authority = ca.client_with("could", |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    });
    let with_long_number = ca.client_with("number", |params| {
        params.serial_number = Some(vec![0x7f; 30].into());
    });
    let in_disorder = {
        let issued = below.below("lowest", |_| {}).client("disorder", "a", &[]);
        Issued { above: issued.above.iter().rev().cloned().collect(), ..issued }
    };
    let clients = [
        ("of version 1", ca.client_v1("v1")),
        ("of an authority of version 1", old.client("a", "a", &[])),
        ("both of version 1", old.client_v1("v1")),
        ("an authority's own", ca.as_client()),
        ("an authority's own, of version 1", old.as_client()),
        ("self-signed, and trusted in person", pinned.as_client()),
        ("that could be an authority's", could_be_an_authority),
        ("for any purpose", with_purpose(&ca, ExtendedKeyUsagePurpose::Any)),
        ("for nothing in particular", ca.client_with("any", |params| params.extended_key_usages.clear())),
        ("with an unknown extension", with_extension(&ca, false)),
        ("with a long serial number", with_long_number),
        ("through another authority", below.client("a", "a", &[])),
        ("of version 1, through another authority", below.client_v1("v1")),
        ("through authorities in disorder", in_disorder),
        ("of an authority that allows none below it", short.client("a", "a", &[])),
        ("with a name that its authority allows", strict.client("a", "a", &["a.example.com"])),
        ("without the names that its authority allows", strict.client_v1("v1")),
    ];
    expect_each(&[&ca, &old, &pinned, &short, &strict], &clients, true);
}

#[test]
fn nobody_else_is_let_in() {
    let ended = |params: &mut CertificateParams| params.not_after = date_time_ymd(2020, 1, 1);
    let (ca, twin, expired) = (Authority::new("ca"), Authority::new("ca"), Authority::with("expired", ended));
    let pinned = Authority::with("pinned", |params| params.is_ca = IsCa::ExplicitNoCa);
    let silent = Authority::with("silent", |params| params.is_ca = IsCa::NoCa);
    let no_signer = Authority::with("no signer", |params| params.key_usages = vec![KeyUsagePurpose::CrlSign]);
    let for_servers = Authority::with("for servers", |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    });
    let [short, strict] = strict_authorities();
    let below = ca.below("below", |_| {});
    let below_client = ca.below("below client", |params| params.is_ca = IsCa::ExplicitNoCa);
    let future = ca.client_with("future", |params| params.not_before = date_time_ymd(4000, 1, 1));
    let without_what_lies_in_between = Issued { above: Vec::new(), ..below.client("alone", "a", &[]) };
    let clients = [
        ("expired", ca.client_with("expired", ended)),
        ("of the future", future),
        ("for servers", with_purpose(&ca, ExtendedKeyUsagePurpose::ServerAuth)),
        ("with an unknown critical extension", with_extension(&ca, true)),
        ("of an authority that has expired", expired.client("a", "a", &[])),
        ("the own one of an authority that has expired", expired.as_client()),
        ("of version 1 of an authority that has expired", expired.client_v1("v1")),
        ("made by another client", pinned.client("a", "a", &[])),
        ("of version 1, made by another client", pinned.client_v1("v1")),
        ("of one that does not say that it is an authority", silent.client("a", "a", &[])),
        ("of an authority that may not sign", no_signer.client("a", "a", &[])),
        ("of an authority for servers", for_servers.client("a", "a", &[])),
        ("of one of the same name", twin.client("a", "a", &[])),
        ("the own one of one of the same name", twin.as_client()),
        ("of version 1, of one of the same name", twin.client_v1("v1")),
        ("through one that its authority does not allow", short.below("below", |_| {}).client_v1("v1")),
        ("through an authority that has expired", ca.below("ended", ended).client_v1("v1")),
        ("through another client", below_client.client_v1("v1")),
        ("without what lies in between", without_what_lies_in_between),
        ("with a name that its authority does not allow", strict.client("a", "a", &["a.example.net"])),
    ];
    let trusted = [&ca, &expired, &pinned, &silent, &no_signer, &for_servers, &short, &strict];
    expect_each(&trusted, &clients, false);
}

#[test]
fn a_certificate_of_version_1_can_say_who_the_client_is() {
    let authority = Authority::old("ca");
    let own = authority.client_v1("b");
    let users = "authorization { users: [ {user: \"CN=b,O=Flock\"} ] }";
    let more = format!("ca_file: {:?}, verify_and_map: true", authority.ca_file());
    let shown = Authority::new("own");
    let Some(server) = dunlin(&format!("{users}\n{}", conf(&shown.server("server"), &more))) else { return };
    let client = TlsClient::with(&shown, Some(&own), &[TlsVersion::V1_3]);
    for mut link in links(&server, &client) {
        link.send(b"CONNECT {\"verbose\":false}\r\n");
        expect_pong(&mut link);
    }
    let stranger = TlsClient::with(&shown, Some(&authority.client_v1("c")), &[TlsVersion::V1_3]);
    for mut link in links(&server, &stranger) {
        link.send(b"CONNECT {\"verbose\":false}\r\n");
        assert!(link.last_words().0.ends_with(b"-ERR 'Authorization Violation'\r\n"));
    }
}

#[test]
fn without_a_file_the_systems_authorities_count() {
    let (authority, shown) = (Authority::new("ca"), Authority::new("own"));
    let (own, stranger) = (authority.client_v1("a"), Authority::new("stranger").client("a", "a", &[]));
    let issued = shown.server("server");
    if Kind::under_test() != Kind::Dunlin {
        return;
    }
    // A system that trusts whom the test wants.
    let program = authority.dir().join("dunlin");
    let dunlin = Kind::Dunlin.program().unwrap();
    let script = format!(
        "#!/bin/sh\nunset SSL_CERT_DIR\nSSL_CERT_FILE={:?} exec {dunlin:?} \"$@\"\n",
        authority.ca_file()
    );
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let flags = [
        "--tlsverify",
        "--tlscert",
        issued.cert_file.to_str().unwrap(),
        "--tlskey",
        issued.key_file.to_str().unwrap(),
    ];
    for (conf, args) in [(conf(&issued, "verify: true"), &[][..]), (String::new(), &flags)] {
        let server = ServerProcess::start_program(&program, &conf, args);
        server.wait_for_log(
            "verify without ca_file: clients are let in with a certificate of any of the 1 authorities",
        );
        let with = |own| TlsClient::with(&shown, own, &[TlsVersion::V1_2]);
        expect_pong(&mut nats(&server, &with(Some(&own))));
        expect_refusal(tcp_behind_info(&server), &with(Some(&stranger)));
        expect_refusal(tcp_behind_info(&server), &with(None));
    }
    fs::write(
        &program,
        format!("#!/bin/sh\nunset SSL_CERT_DIR\nSSL_CERT_FILE=/dev/null exec {dunlin:?} \"$@\"\n"),
    )
    .unwrap();
    let server = ServerProcess::start_program(&program, &conf(&issued, "verify: true"), &[]);
    server.wait_for_log("this system trusts no authority, so no client is let in: name a ca_file");
    expect_refusal(tcp_behind_info(&server), &TlsClient::with(&shown, Some(&own), &[TlsVersion::V1_3]));
}

#[test]
fn what_is_no_certificate_does_not_matter_beside_one_that_is() {
    let authority = Authority::new("ca");
    let block = |text: &str| format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
    let path = authority.dir().join("mixed.pem");
    let own = fs::read_to_string(authority.ca_file()).unwrap();
    let conf = conf(&authority.server("server"), &format!("ca_file: {path:?}, verify: true"));
    fs::write(&path, format!("# ours\r\n{}{own}{}", block("aGVsbG8="), block("!"))).unwrap();
    let Some(server) = dunlin(&conf) else { return };
    server.wait_for_log("2 certificates in ");
    let client = TlsClient::with(&authority, Some(&authority.client("a", "a", &[])), &[TlsVersion::V1_3]);
    links(&server, &client).iter_mut().for_each(expect_pong);
    fs::write(&path, block("aGVsbG8=")).unwrap();
    let (is_right, said) = check(authority.dir(), &conf);
    assert!(!is_right && said.contains("mixed.pem holds no valid certificate in PEM form"), "{said}");
}
