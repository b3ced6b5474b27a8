//! TLS under NATS and WebSocket: handshakes, certificates, and what must be as it is without TLS.

mod certificates;
mod clients;
mod handshake;
mod settings;
mod traffic;

use std::path::Path;
use std::process::Command;

use dunlin_tests::{Authority, Deadline, End, Issued, Kind, Link, RawTcp, RawWs, ServerProcess, TlsClient};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::support::monitoring;

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

/// What dunlin says of a configuration when it is asked to check it, and whether it would start.
fn check(dir: &Path, conf: &str) -> (bool, String) {
    let file = dir.join("check.conf");
    std::fs::write(&file, conf).unwrap();
    let output =
        Command::new(Kind::Dunlin.program().unwrap()).args(["-t", "-c"]).arg(&file).output().unwrap();
    (output.status.success(), String::from_utf8(output.stderr).unwrap())
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

fn client_hello(client: &TlsClient) -> Vec<u8> {
    let mut hello = Vec::new();
    client.connection().write_tls(&mut hello).unwrap();
    hello
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
