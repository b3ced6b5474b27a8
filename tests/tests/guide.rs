//! The configuration samples of the WebSocket guide, as they are printed there but for hosts, ports and paths.

use dunlin_tests::{
    Authority, Deadline, End, Kind, Link, RawTcp, RawWs, ServerProcess, TlsClient, TlsVersion, handshake,
};
use serde_json::{Value, json};

use crate::front_door::response;
use crate::support::{code, monitoring, start};
use crate::tls::expect_refusal;

fn dunlin(conf: &str) -> Option<ServerProcess> {
    (Kind::under_test() == Kind::Dunlin).then(|| ServerProcess::start(Kind::Dunlin, conf, &[]))
}

/// The paths of a sample, in a folder where such files are.
fn with_paths(sample: &str, authority: &Authority) -> String {
    authority.server("server-cert");
    let dir = authority.dir().to_str().unwrap();
    sample
        .replace("/path/to/cert.pem", &format!("{dir}/server-cert.pem"))
        .replace("/path/to/key.pem", &format!("{dir}/server-cert-key.pem"))
        .replace("/path/to/server-key.pem", &format!("{dir}/server-cert-key.pem"))
        .replace("/path/to", dir)
}

fn shake_hands(server: &ServerProcess, client: &TlsClient) -> RawTcp {
    RawTcp::connect(server.addresses().websocket).start_tls(client).expect("the handshake succeeds")
}

/// The answer to a request for WebSocket from `origin` to `host`.
fn answer(mut tcp: RawTcp, host: &str, headers: &str) -> String {
    tcp.send(handshake("/", headers).replace("Host: localhost", &format!("Host: {host}")).as_bytes());
    response(&mut tcp).0
}

#[test]
fn the_samples_without_tls_work() {
    let basic = "websocket {\nport : {free_port}\nno_tls : true\n# Optionally bind to specific host\n# host: \"0.0.0.0\"\n\
        # Enable compression (optional)\ncompression : true\n}\n";
    let shared = "http_port : {free_port}\nwebsocket {\nport : {free_port}\nno_tls : true\n# Same port serves both /varz and WebSocket\n}\n";
    for sample in [basic, shared] {
        // Nothing listens beyond this machine.
        let conf = sample
            .replace("no_tls", "host: 127.0.0.1\nno_tls")
            .replace("http_port", "host: 127.0.0.1\nhttp_port");
        let Some(server) = dunlin(&conf) else { return };
        let mut browser = RawWs::connect(server.addresses().websocket, "");
        browser.send(b"CONNECT {}\r\nPING\r\n");
        let mut http = RawTcp::connect(server.addresses().monitoring);
        http.send(b"GET /connz HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let connz: Value = serde_json::from_str(&response(&mut http).1).unwrap();
        // jq '.connections[] | select(.kind == "Websocket")'
        let found: Vec<_> =
            connz["connections"].as_array().unwrap().iter().filter(|c| c["kind"] == "Websocket").collect();
        assert_eq!((found.len(), &found[0]["type"]), (1, &"websocket".into()));
        http.send(b"GET /varz HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let varz: Value = serde_json::from_str(&response(&mut http).1).unwrap();
        assert_eq!(varz["websocket"]["port"], server.addresses().websocket.port());
    }
}

const WITH_TLS: &str = r#"websocket {
port : {free_port}
host: 127.0.0.1
tls {
cert_file : "/path/to/server-cert.pem"
key_file : "/path/to/server-key.pem"
# Optional CA for client cert verification
ca_file : "/path/to/ca.pem"
verify : true
}
# Compression recommended for WAN clients
compression : true
}
"#;

#[test]
fn the_sample_with_tls_asks_for_certificates_and_compresses() {
    let authority = Authority::new("ca");
    let Some(server) = dunlin(&with_paths(WITH_TLS, &authority)) else { return };
    let own = authority.client("client", "app", &[]);
    // In TLS 1.3 a client learns of that only behind its own part of the handshake.
    expect_refusal(RawTcp::connect(server.addresses().websocket), &TlsClient::new(&authority));
    server.wait_for_log("TLS handshake error: ");

    let client = TlsClient::with(&authority, Some(&own), &[TlsVersion::V1_2, TlsVersion::V1_3]);
    let head = answer(
        shake_hands(&server, &client),
        "localhost",
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n",
    );
    let agreed = "\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n";
    assert!(head.starts_with("HTTP/1.1 101 ") && head.contains(agreed), "{head}");

    let mut link = Link::Ws(RawWs::over(shake_hands(&server, &client), ""));
    link.send(b"CONNECT {\"verbose\":false}\r\nSUB a 1\r\nPUB a 2\r\nhi\r\n");
    link.expect(b"MSG a 1 2\r\nhi\r\n");
}

const ADVANCED: &str = r#"websocket {
port : {free_port}
# Listen address
host : "127.0.0.1"
# Compression settings
compression : true
# TLS configuration
tls {
cert_file : "/path/to/cert.pem"
key_file : "/path/to/key.pem"
timeout : 2.0 # TLS handshake timeout
}
# Authentication
# Inherits from server auth configuration
# Can be overridden per WebSocket connection
# CORS and origin restrictions
same_origin : false
allowed_origins : [
"https://app.example.com" ,
"https://dashboard.example.com"
]
# Handshake timeout
handshake_timeout : 2s
# No masking (server to client)
# Server responses can skip masking for performance
no_masking : true
}
"#;

#[test]
fn the_advanced_sample_keeps_each_of_its_words() {
    let authority = Authority::new("ca");
    let Some(server) = dunlin(&with_paths(ADVANCED, &authority)) else { return };
    let client = TlsClient::new(&authority);
    // Silent for 2 s behind the TLS handshake.
    let mut silent = shake_hands(&server, &client);

    for (origin, status) in [
        ("https://app.example.com", 101),
        ("https://dashboard.example.com:443", 101),
        ("http://app.example.com", 403),
        ("https://example.com", 403),
    ] {
        let head = answer(shake_hands(&server, &client), "any", &format!("Origin: {origin}\r\n"));
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{origin}: {head}");
    }
    let asks = "Nats-No-Masking: true\r\nSec-WebSocket-Extensions: permessage-deflate\r\n";
    let head = answer(shake_hands(&server, &client), "localhost", asks);
    assert!(head.contains("\r\nNats-No-Masking: true\r\n") && head.contains("permessage-deflate"), "{head}");
    let mut ws = RawWs::over(shake_hands(&server, &client), "Nats-No-Masking: true\r\n");
    ws.tcp.send(b"\x82\x06PING\r\n");
    Link::Ws(ws).expect(b"PONG\r\n");

    let varz = &monitoring(&server, "/varz")["websocket"];
    for (key, value) in [
        ("host", json!("127.0.0.1")),
        ("compression", json!(true)),
        ("handshake_timeout", json!(2_000_000_000_u64)),
        ("allowed_origins", json!(["https://app.example.com", "https://dashboard.example.com"])),
        ("same_origin", Value::Null),
        ("no_masking", Value::Null),
    ] {
        assert_eq!(varz[key], value, "{key}");
    }
    let (text, end) = silent.read_to_close(Deadline::usual());
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(end == End::Closed && text.starts_with("HTTP/1.1 408 "), "{text}");
}

const SECURITY: &str = r#"websocket {
port : {free_port}
# Only allow specific domains
allowed_origins : [
"https://app.example.com" ,
"https://dashboard.example.com"
]
# Or require same origin
same_origin : true
}
"#;

#[test]
fn the_sample_of_origins_wants_both_and_tls() {
    let authority = Authority::new("ca");
    let tls = format!("host: 127.0.0.1\ntls {{ {} }}\n# Only allow", authority.server("server").conf());
    let Some(mut server) = dunlin(&SECURITY.replace("# Only allow", &tls)) else { return };
    let client = TlsClient::new(&authority);
    for (host, origin, status) in [
        ("app.example.com", "https://app.example.com", 101),
        ("dashboard.example.com:443", "https://dashboard.example.com", 101),
        ("app.example.com", "https://dashboard.example.com", 403),
        ("app.example.com", "http://app.example.com", 403),
        ("evil.example", "https://evil.example", 403),
    ] {
        let head = answer(shake_hands(&server, &client), host, &format!("Origin: {origin}\r\n"));
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{host} {origin}: {head}");
    }
    // The sample shows a part of a block: it has neither TLS nor the word that there shall be none.
    let lines = server.reload(&SECURITY.replace("# Only allow", "host: 127.0.0.1\n# Only allow")).join("\n");
    assert!(lines.contains("websocket requires TLS configuration, or no_tls: true"), "{lines}");
}

#[test]
fn https_port_and_wss_share_a_port() {
    let authority = Authority::new("ca");
    let files = authority.server("server").conf();
    let Some(server) = dunlin(&format!(
        "host: 127.0.0.1\nhttps_port: {{free_port}}\ntls {{ {files} }}\n\
         websocket {{\nport: {{free_port}}\nhost: 127.0.0.1\ntls {{ {files} }}\n}}\n"
    )) else {
        return;
    };
    let address = server.addresses().websocket;
    assert_eq!(address, server.addresses().monitoring);
    server.wait_for_log(&format!("Port {} is shared: ", address.port()));
    let client = TlsClient::new(&authority);
    let mut browser = Link::Ws(RawWs::over(shake_hands(&server, &client), ""));
    browser.expect(b"INFO {");
    // Both on one connection, too.
    let mut tcp = shake_hands(&server, &client);
    tcp.send(b"GET /varz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let varz: Value = serde_json::from_str(&response(&mut tcp).1).unwrap();
    assert_eq!((&varz["websocket"]["shared_port"], &varz["connections"]), (&json!(true), &json!(1)));
    let mut both = Link::Ws(RawWs::over(tcp, ""));
    both.send(b"CONNECT {\"verbose\":false}\r\nPUB a 0\r\n\r\nPING\r\n");
    both.expect(b"PONG\r\n");
    // Without TLS there is neither.
    let mut plain = RawTcp::connect(address);
    plain.send(handshake("/", "").as_bytes());
    let (text, _) = plain.read_to_close(Deadline::usual());
    assert!(text.ends_with(b"Client sent an HTTP request to an HTTPS server.\n"));
    both.send(b"\xff\r\n");
    assert_eq!(code(both.last_words().1), Some(1002));
}

/// `advertise` is for the other servers of a cluster.
#[test]
fn a_single_server_names_no_urls() {
    let conf =
        "websocket { listen: \"127.0.0.1:{ws_port}\", no_tls: true, advertise: \"nats.example.com:443\" }\n";
    let Some(server) = start("a_single_server_names_no_urls", conf) else { return };
    for mut link in [
        Link::Tcp(RawTcp::connect(server.addresses().nats)),
        Link::Ws(RawWs::connect(server.addresses().websocket, "")),
    ] {
        let greeting = String::from_utf8(link.expect(b"\r\n")).unwrap();
        link.send(b"CONNECT {\"protocol\":1,\"verbose\":false}\r\nPING\r\n");
        let all = greeting + &String::from_utf8(link.expect(b"PONG\r\n")).unwrap();
        assert!(all.starts_with("INFO {") && !all.contains("connect_urls"), "{all}");
    }
}
