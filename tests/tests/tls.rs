//! TLS under NATS and WebSocket: handshakes, certificates, and what must be as it is without TLS.

use std::fs;

use dunlin_tests::{
    Addresses, Authority, Deadline, End, Issued, Kind, Link, RawTcp, RawWs, ServerProcess, Signal, TlsClient,
    TlsVersion, frame,
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::support::{code, expect_slow_consumer, flood, monitoring, subscribe};

/// How often what is a matter of timing is tried.
const TRIES: usize = 20;

fn dunlin(conf: &str) -> Option<ServerProcess> {
    (Kind::under_test() == Kind::Dunlin).then(|| ServerProcess::start(Kind::Dunlin, conf, &[]))
}

/// TLS for NATS and for WebSocket with the same certificate, and with more keys in each block.
pub(crate) fn conf(server: &Issued, more: &str) -> String {
    let files = server.conf();
    format!(
        "tls {{ {files} {more} }}\nwebsocket {{ listen: \"127.0.0.1:{{ws_port}}\", tls {{ {files} {more} }} }}\n"
    )
}

/// A server with a certificate of `authority`, and more keys in both `tls` blocks.
fn start(authority: &Authority, more: &str) -> Option<ServerProcess> {
    dunlin(&conf(&authority.server("server"), more))
}

fn nats(server: &ServerProcess, client: &TlsClient) -> Link {
    Link::Tcp(RawTcp::connect(server.addresses().nats).upgrade(client))
}

fn wss(server: &ServerProcess, client: &TlsClient) -> Link {
    let tcp =
        RawTcp::connect(server.addresses().websocket).start_tls(client).expect("the handshake succeeds");
    Link::Ws(RawWs::over(tcp, ""))
}

fn links(server: &ServerProcess, client: &TlsClient) -> [Link; 2] {
    [nats(server, client), wss(server, client)]
}

/// The connection works.
fn expect_pong(link: &mut Link) {
    link.send(b"PING\r\n");
    link.expect(b"PONG\r\n");
}

/// The handshake comes to nothing, also where the client learns of that only behind its own part of it.
pub(crate) fn expect_refusal(tcp: RawTcp, client: &TlsClient) {
    if let Ok(mut tcp) = tcp.start_tls(client) {
        let (bytes, end) = tcp.read_to_close(Deadline::usual());
        assert_eq!((bytes, end), (Vec::new(), End::Closed));
        assert!(tcp.is_broken(), "an alert, not a close");
    }
}

fn tcp_behind_info(server: &ServerProcess) -> RawTcp {
    let mut tcp = RawTcp::connect(server.addresses().nats);
    tcp.read_line(Deadline::usual());
    tcp
}

fn connz(server: &ServerProcess, query: &str) -> Value {
    monitoring(server, &format!("/connz?{query}"))["connections"].clone()
}

#[test]
fn nats_goes_on_in_tls_behind_info() {
    let authority = Authority::new("ca");
    let Some(server) = start(&authority, "") else { return };
    let mut tcp = RawTcp::connect(server.addresses().nats);
    let (info, _) = tcp.read_line(Deadline::usual());
    let info = String::from_utf8(info).unwrap();
    assert!(info.contains(r#""tls_required":true,"tls_available":true"#), "{info}");
    let mut link = Link::Tcp(tcp.start_tls(&TlsClient::new(&authority)).unwrap());
    link.send(b"CONNECT {\"verbose\":false}\r\nSUB a 1\r\nPUB a 2\r\nhi\r\nPING\r\n");
    link.expect(b"MSG a 1 2\r\nhi\r\nPONG\r\n");
}

#[test]
fn websocket_is_under_tls() {
    let authority = Authority::new("ca");
    let Some(server) = start(&authority, "") else { return };
    server.wait_for_log("Listening for websocket clients on wss://127.0.0.1:");
    let mut link = wss(&server, &TlsClient::new(&authority));
    let info = String::from_utf8(link.expect(b"\r\n")).unwrap();
    assert!(info.contains(r#""tls_required":true,"tls_available":true"#), "{info}");
    link.send(b"CONNECT {\"verbose\":false}\r\nSUB a 1\r\nPUB a 2\r\nhi\r\nPING\r\n");
    link.expect(b"MSG a 1 2\r\nhi\r\n");
}

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
fn the_handshake_comes_first_where_that_is_asked_for() {
    let authority = Authority::new("ca");
    let client = TlsClient::new(&authority);
    let Some(server) = start(&authority, "handshake_first: true") else { return };
    server.wait_for_log("Clients that are not using \"TLS Handshake First\" option will fail to connect");
    let mut link = Link::Tcp(RawTcp::connect(server.addresses().nats).start_tls(&client).unwrap());
    link.expect(b"INFO {");
    expect_pong(&mut link);
    assert_eq!(connz(&server, "")[0]["tls_first"], true);
}

#[test]
fn with_auto_the_handshake_may_come_first() {
    let authority = Authority::new("ca");
    let client = TlsClient::new(&authority);
    let Some(server) = start(&authority, "handshake_first: auto") else { return };
    let mut first = Link::Tcp(RawTcp::connect(server.addresses().nats).start_tls(&client).unwrap());
    first.expect(b"INFO {");
    expect_pong(&mut first);
    assert_eq!(connz(&server, "")[0]["tls_first"], true);
    drop(first);
    let mut second = nats(&server, &client);
    expect_pong(&mut second);
    assert_eq!(connz(&server, "sort=start")[0]["tls_first"], Value::Null);
}

#[test]
fn where_tls_is_not_required_clients_choose() {
    let authority = Authority::new("ca");
    let conf = conf(&authority.server("server"), "timeout: 0.2");
    let conf = format!("allow_non_tls: true\nping_interval: \"1s\"\nping_max: 1\n{conf}");
    let Some(server) = dunlin(&conf) else { return };
    server.wait_for_log("TLS available for client connections");
    let mut tcp = RawTcp::connect(server.addresses().nats);
    let info = String::from_utf8(tcp.read_line(Deadline::usual()).0).unwrap();
    assert!(info.contains(r#""tls_available":true"#) && !info.contains("tls_required"), "{info}");
    let mut plain = Link::Tcp(tcp);
    expect_pong(&mut plain);
    expect_pong(&mut nats(&server, &TlsClient::new(&authority)));
    // One that says nothing is a plain client: it is pinged before it is given up.
    let mut silent = Link::Tcp(RawTcp::connect(server.addresses().nats));
    silent.expect(b"PING\r\n");
}

#[test]
fn a_client_that_goes_on_without_tls_is_told() {
    let authority = Authority::new("ca");
    let Some(server) = start(&authority, "") else { return };
    for _ in 0..TRIES {
        let mut tcp = tcp_behind_info(&server);
        tcp.send(format!("CONNECT {{}}\r\n{}", "PING\r\n".repeat(10_000)).as_bytes());
        let (words, end) = tcp.read_to_close(Deadline::usual());
        assert_eq!(String::from_utf8_lossy(&words), "-ERR 'Secure Connection - TLS Required'\r\n");
        assert_eq!((end, tcp.is_broken()), (End::Closed, false));
    }
    assert_eq!(connz(&server, "state=closed")[0]["reason"], "TLS Handshake Failure");
}

#[test]
fn plain_http_to_a_tls_port_is_answered() {
    let authority = Authority::new("ca");
    let Some(server) = start(&authority, "") else { return };
    let mut tcp = RawTcp::connect(server.addresses().websocket);
    tcp.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let (answer, end) = tcp.read_to_close(Deadline::usual());
    assert_eq!(
        String::from_utf8_lossy(&answer),
        "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
    );
    assert_eq!((end, tcp.is_broken()), (End::Closed, false));
}

#[test]
fn tls_to_a_plain_port_is_logged() {
    let authority = Authority::new("ca");
    let Some(server) = dunlin("") else { return };
    let Addresses { nats, websocket, .. } = server.addresses();
    for address in [nats, websocket] {
        let mut tcp = RawTcp::connect(address);
        let line = format!("{} - ", tcp.local_address());
        if address == nats {
            tcp.read_line(Deadline::usual());
        }
        assert!(tcp.start_tls(&TlsClient::new(&authority)).is_err());
        let line = server.wait_for_log(&line);
        assert!(line.ends_with(" - the client speaks TLS to a port without TLS"), "{line}");
    }
}

#[test]
fn whoever_does_not_shake_hands_is_let_go() {
    let authority = Authority::new("ca");
    let client = TlsClient::new(&authority);
    let files = authority.server("server").conf();
    let Some(server) = dunlin(&format!(
        "tls {{ {files} timeout: \"200ms\" }}\n\
         websocket {{ listen: \"127.0.0.1:{{ws_port}}\", handshake_timeout: \"200ms\", tls {{ {files} }} }}\n"
    )) else {
        return;
    };
    let mut silent = tcp_behind_info(&server);
    let (words, end) = silent.read_to_close(Deadline::usual());
    assert_eq!(String::from_utf8_lossy(&words), "-ERR 'Secure Connection - TLS Required'\r\n");
    assert_eq!(end, End::Closed);
    let mut silent = RawTcp::connect(server.addresses().websocket);
    assert_eq!(silent.read_to_close(Deadline::usual()), (Vec::new(), End::Closed));
    let hello = client_hello(&client);
    for connect in [tcp_behind_info, |server: &ServerProcess| RawTcp::connect(server.addresses().websocket)] {
        let mut tcp = connect(&server);
        tcp.send(&hello[..hello.len() / 2]);
        // The alert close_notify.
        assert_eq!(tcp.read_to_close(Deadline::usual()), (vec![0x15, 3, 3, 0, 2, 1, 0], End::Closed));
    }
    // The whole of it, but nothing behind.
    let mut tcp = tcp_behind_info(&server);
    tcp.send(&hello);
    let (flight, end) = tcp.read_to_close(Deadline::usual());
    assert_eq!((flight.first(), end), (Some(&0x16), End::Closed));
    links(&server, &client).iter_mut().for_each(expect_pong);
}

fn client_hello(client: &TlsClient) -> Vec<u8> {
    let mut hello = Vec::new();
    client.connection().write_tls(&mut hello).unwrap();
    hello
}

#[test]
fn garbage_ends_the_connection_and_nothing_else() {
    let authority = Authority::new("ca");
    let Some(server) = start(&authority, "") else { return };
    let garbage: [&[u8]; 4] =
        [b"\x16\x03\x01\x00\x05hello", b"\x16\x03\x01\xff\xff", b"\x16PUB a 1\r\n", &[0x16; 100_000]];
    for garbage in garbage {
        for mut tcp in [tcp_behind_info(&server), RawTcp::connect(server.addresses().websocket)] {
            let line = format!("{} - ", tcp.local_address());
            tcp.send(garbage);
            let (alert, end) = tcp.read_to_close(Deadline::usual());
            assert!(matches!(alert.first(), Some(0x15) | None), "an alert, or nothing: {alert:?}");
            assert_eq!(end, End::Closed, "{:?}", &garbage[..6]);
            let line = server.wait_for_log(&line);
            assert!(line.contains("TLS handshake error: "), "{line}");
        }
    }
    links(&server, &TlsClient::new(&authority)).iter_mut().for_each(expect_pong);
}

#[test]
fn the_handshake_may_come_in_any_pieces() {
    let authority = Authority::new("ca");
    let client = TlsClient::new(&authority);
    for first in ["false", "true", "auto"] {
        let Some(server) = start(&authority, &format!("handshake_first: {first}")) else { return };
        for size in [1, 2, 7, 100] {
            for is_nats in [true, false] {
                let address = if is_nats { server.addresses().nats } else { server.addresses().websocket };
                let mut tcp = RawTcp::connect(address);
                if is_nats && first == "false" {
                    tcp.read_line(Deadline::usual());
                }
                shake_hands_in_pieces(tcp, &client, size);
            }
        }
    }
}

/// Shakes hands with all that is sent cut in pieces.
fn shake_hands_in_pieces(mut tcp: RawTcp, client: &TlsClient, size: usize) {
    let mut connection = client.connection();
    let deadline = Deadline::usual();
    while connection.is_handshaking() {
        let mut flight = Vec::new();
        while connection.wants_write() {
            connection.write_tls(&mut flight).unwrap();
        }
        tcp.send_in_chunks(&flight, size);
        if connection.is_handshaking() {
            let (bytes, end) = tcp.read_exact(1, deadline);
            assert_eq!(end, End::Found, "the server hangs up");
            connection.read_tls(&mut bytes.as_slice()).unwrap();
            connection.process_new_packets().unwrap();
        }
    }
}

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

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
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
fn browsers_are_offered_http() {
    let authority = Authority::new("ca");
    let client = TlsClient::new(&authority);
    let Some(server) = start(&authority, "") else { return };
    let alpn = |tcp: RawTcp, offer: &[&str]| {
        tcp.start_tls(&client.clone().offering(offer)).map(|tcp| tcp.agreed().unwrap().alpn)
    };
    let ws = || RawTcp::connect(server.addresses().websocket);
    assert_eq!(alpn(ws(), &["h2", "http/1.1"]).unwrap().as_deref(), Some("http/1.1"));
    assert_eq!(alpn(ws(), &[]).unwrap(), None);
    assert!(alpn(ws(), &["h2"]).is_err());
    assert_eq!(alpn(tcp_behind_info(&server), &["nats"]).unwrap(), None);
}

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

#[test]
fn handshakes_can_be_limited_in_their_rate() {
    let authority = Authority::new("ca");
    let client = TlsClient::new(&authority);
    let Some(server) = start(&authority, "connection_rate_limit: 3") else { return };
    let hello = client_hello(&client);
    let refused = (0..20)
        .filter(|_| {
            let mut tcp = tcp_behind_info(&server);
            tcp.send(&hello);
            let (answer, _) = tcp.read_exact(1, Deadline::usual());
            answer == b"-"
                && tcp.read_line(Deadline::usual()).0
                    == b"ERR 'Connection throttling is active. Please try again later.'\r\n"
        })
        .count();
    // The seconds are the server's: a few may lie in the next ones.
    assert!((5..=17).contains(&refused), "{refused}");
}

#[test]
fn https_is_served_with_the_same_certificate() {
    let authority = Authority::new("ca");
    let files = authority.server("server").conf();
    let more = format!("ca_file: {:?}, verify: true", authority.ca_file());
    let conf = format!("https: \"127.0.0.1:{{http_port}}\"\ntls {{ {files} {more} }}\n");
    let Some(server) = dunlin(&conf) else { return };
    server.wait_for_log("Starting https monitor on 127.0.0.1:");
    let mut tcp =
        RawTcp::connect(server.addresses().monitoring).start_tls(&TlsClient::new(&authority)).unwrap();
    tcp.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let (answer, _) = tcp.read_to_close(Deadline::usual());
    assert!(answer.ends_with(b"{\"status\":\"ok\"}"), "{}", String::from_utf8_lossy(&answer));
    assert!(!tcp.is_broken());
}

#[test]
fn every_error_is_heard_over_tls() {
    let authority = Authority::new("ca");
    let client = TlsClient::new(&authority);
    let Some(server) = dunlin(&format!("max_payload: 1000\n{}", conf(&authority.server("server"), "")))
    else {
        return;
    };
    let junk = "PING\r\n".repeat(20_000);
    for (ops, text, close_code) in [
        ("FROB\r\n", "Unknown Protocol Operation", 1002),
        ("CONNECT {\"account\":\"A\"}\r\n", "Authorization Violation", 1008),
        ("PUB a 1001\r\n", "Maximum Payload Violation", 1009),
    ] {
        for behind in ["", &junk] {
            for _ in 0..TRIES {
                for mut link in links(&server, &client) {
                    link.send(format!("{ops}{behind}").as_bytes());
                    let is_ws = matches!(link, Link::Ws(_));
                    let (words, close) = link.last_words();
                    let words = String::from_utf8_lossy(&words).into_owned();
                    assert!(words.ends_with(&format!("-ERR '{text}'\r\n")), "{ops:?}: got {words:?}");
                    assert_eq!(code(close), is_ws.then_some(close_code), "{ops:?}");
                }
            }
        }
    }
    for _ in 0..TRIES {
        let tcp = RawTcp::connect(server.addresses().websocket).start_tls(&client).unwrap();
        let mut ws = RawWs::over(tcp, "");
        ws.tcp.send(&[frame(0x83, b"x"), frame(0x82, junk.as_bytes())].concat());
        assert_eq!(code(Link::Ws(ws).last_words().1), Some(1002));
    }
}

#[test]
fn a_close_is_a_close_in_tls_too() {
    let authority = Authority::new("ca");
    let Some(server) = start(&authority, "") else { return };
    for _ in 0..TRIES {
        let mut tcp = RawTcp::connect(server.addresses().nats).upgrade(&TlsClient::new(&authority));
        tcp.send(b"CONNECT {\"verbose\":false}\r\nSUB a 1\r\nPUB a 2\r\nhi\r\n");
        tcp.half_close();
        let (words, end) = tcp.read_to_close(Deadline::usual());
        assert_eq!((&words[..], end), (&b"MSG a 1 2\r\nhi\r\n"[..], End::Closed));
        assert!(!tcp.is_broken(), "the server says that it has ended, too");
    }
}

#[test]
fn large_messages_pass_both_ways() {
    let authority = Authority::new("ca");
    let client = TlsClient::new(&authority);
    let Some(server) = start(&authority, "") else { return };
    let payload: String = (0..1 << 20).map(|i: u32| char::from(b'a' + (i * 7 % 26) as u8)).collect();
    for version in [TlsVersion::V1_2, TlsVersion::V1_3] {
        let client = TlsClient::with(&authority, None, &[version]);
        for mut link in links(&server, &client) {
            link.send(b"CONNECT {\"verbose\":false}\r\nSUB big 1\r\n");
            for _ in 0..3 {
                link.send(format!("PUB big {}\r\n{payload}\r\n", payload.len()).as_bytes());
                let got = link.expect(format!("{}\r\n", &payload[payload.len() - 500..]).as_bytes());
                let head = format!("MSG big 1 {}\r\n", payload.len());
                let at = got.windows(head.len()).position(|window| window == head.as_bytes()).unwrap();
                assert!(&got[at + head.len()..] == format!("{payload}\r\n").as_bytes());
            }
        }
    }
    drop(client);
}

#[test]
fn a_slow_consumer_is_cut_off_and_told_over_tls() {
    let authority = Authority::new("ca");
    let client = TlsClient::new(&authority);
    for (limits, reason) in [
        ("max_payload: 32768\nmax_pending: 131072\n", "Slow Consumer (Pending Bytes)"),
        ("max_payload: 32768\nwrite_deadline: \"200ms\"\n", "Slow Consumer (Write Deadline)"),
    ] {
        for which in 0..2 {
            let Some(server) = dunlin(&format!("{limits}{}", conf(&authority.server("server"), ""))) else {
                return;
            };
            let link = subscribe(links(&server, &client).into_iter().nth(which).unwrap());
            let mut witness = nats(&server, &client);
            flood(nats(&server, &client), 1500);
            server.wait_for_log(reason);
            expect_slow_consumer(link, reason);
            expect_pong(&mut witness);
        }
    }
}

#[test]
fn websocket_clients_hear_of_a_shutdown_over_tls() {
    let authority = Authority::new("ca");
    let Some(mut server) = start(&authority, "") else { return };
    let mut ws = wss(&server, &TlsClient::new(&authority));
    ws.expect(b"\r\n");
    let mut half = RawTcp::connect(server.addresses().nats);
    half.send(&client_hello(&TlsClient::new(&authority))[..40]);
    server.stop();
    assert_eq!(code(ws.last_words().1), Some(1001));
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
fn a_proxy_header_comes_before_tls() {
    let authority = Authority::new("ca");
    let client = TlsClient::new(&authority);
    let files = authority.server("server").conf();
    for first in ["false", "true", "auto"] {
        let Some(server) = dunlin(&format!(
            "proxy_protocol: true\ntls {{ {files} handshake_first: {first} }}\n\
             websocket {{ listen: \"127.0.0.1:{{ws_port}}\", proxy_protocol: true, tls {{ {files} }} }}\n"
        )) else {
            return;
        };
        for (is_nats, address) in [(true, server.addresses().nats), (false, server.addresses().websocket)] {
            let mut tcp = RawTcp::connect(address);
            tcp.send(b"PROXY TCP4 203.0.113.7 10.0.0.1 4711 443\r\n");
            let mut link = match is_nats {
                true if first == "false" => Link::Tcp(tcp.upgrade(&client)),
                true => Link::Tcp(tcp.start_tls(&client).unwrap()),
                false => Link::Ws(RawWs::over(tcp.start_tls(&client).unwrap(), "")),
            };
            expect_pong(&mut link);
            let all = connz(&server, "");
            let shown = all.as_array().unwrap().last().unwrap();
            assert_eq!((&shown["ip"], &shown["tls_version"]), (&"203.0.113.7".into(), &"1.3".into()));
        }
    }
    // All in one write: what is read past the header is the handshake's.
    let Some(server) = dunlin(&format!("proxy_protocol: true\ntls {{ {files} handshake_first: true }}\n"))
    else {
        return;
    };
    let mut tcp = RawTcp::connect(server.addresses().nats);
    tcp.send(&[b"PROXY TCP4 203.0.113.7 10.0.0.1 4711 443\r\n", &client_hello(&client)[..]].concat());
    assert_eq!(tcp.read_exact(1, Deadline::usual()), (vec![0x16], End::Found));
}

#[test]
fn one_port_serves_wss_and_https() {
    let authority = Authority::new("ca");
    let client = TlsClient::new(&authority);
    let files = authority.server("server").conf();
    // A free port, as the two must name the same.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let Some(server) = dunlin(&format!(
        "https: \"127.0.0.1:{port}\" # {{http_port}}\ntls {{ {files} }}\n\
         websocket {{ listen: \"127.0.0.1:{port}\", tls {{ {files} }} }} # {{ws_port}}\n"
    )) else {
        return;
    };
    expect_pong(&mut wss(&server, &client));
    let mut tcp = RawTcp::connect(server.addresses().websocket).start_tls(&client).unwrap();
    tcp.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let (answer, _) = tcp.read_to_close(Deadline::usual());
    assert!(answer.ends_with(b"{\"status\":\"ok\"}"), "{}", String::from_utf8_lossy(&answer));
}
