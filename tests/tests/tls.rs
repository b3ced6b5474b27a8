//! TLS under NATS and WebSocket.

use dunlin_tests::{Authority, Deadline, Kind, Link, RawTcp, RawWs, ServerProcess, TlsClient};

fn dunlin(conf: &str) -> Option<ServerProcess> {
    (Kind::under_test() == Kind::Dunlin).then(|| ServerProcess::start(Kind::Dunlin, conf, &[]))
}

/// TLS for NATS and for WebSocket, with more keys in each block.
fn conf(authority: &Authority, more: &str) -> String {
    let files = authority.server("server").conf();
    format!(
        "tls {{ {files} {more} }}\nwebsocket {{ listen: \"127.0.0.1:{{ws_port}}\", tls {{ {files} {more} }} }}\n"
    )
}

#[test]
fn nats_goes_on_in_tls_behind_info() {
    let authority = Authority::new("ca");
    let Some(server) = dunlin(&conf(&authority, "")) else { return };
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
    let Some(server) = dunlin(&conf(&authority, "")) else { return };
    let tcp = RawTcp::connect(server.addresses().websocket).start_tls(&TlsClient::new(&authority)).unwrap();
    let mut link = Link::Ws(RawWs::over(tcp, ""));
    let info = String::from_utf8(link.expect(b"\r\n")).unwrap();
    assert!(info.contains(r#""tls_required":true,"tls_available":true"#), "{info}");
    link.send(b"CONNECT {\"verbose\":false}\r\nSUB a 1\r\nPUB a 2\r\nhi\r\nPING\r\n");
    link.expect(b"MSG a 1 2\r\nhi\r\n");
}
