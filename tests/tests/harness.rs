//! The server as a program: what scripts, supervisors and test harnesses rely on.

use std::fs;
use std::os::unix::fs::symlink;

use dunlin_tests::{Deadline, Kind, Link, RawTcp, RawWs, ServerProcess, Signal, TempDir, skip};

/// Starts the server under test, or notes why it cannot be.
pub fn start(test: &str, conf: &str) -> Option<ServerProcess> {
    match Kind::under_test().program() {
        Ok(_) => Some(ServerProcess::start(Kind::under_test(), conf, &[])),
        Err(reason) => {
            skip(test, &reason);
            None
        }
    }
}

#[test]
fn info_is_the_first_thing_on_the_wire() {
    let Some(server) = start("info_is_the_first_thing_on_the_wire", "") else { return };
    let mut tcp = Link::Tcp(RawTcp::connect(server.addresses().nats));
    assert!(tcp.expect(b"\r\n").starts_with(b"INFO {"));
    let mut ws = Link::Ws(RawWs::connect(server.addresses().websocket, ""));
    assert!(ws.expect(b"\r\n").starts_with(b"INFO {"));
}

#[test]
fn restart_keeps_the_ports() {
    let Some(mut server) = start("restart_keeps_the_ports", "") else { return };
    let before = server.addresses();
    let mut client = Link::Tcp(RawTcp::connect(before.nats));
    client.expect(b"\r\n");
    server.kill();
    client.last_words();
    server.start_again();
    assert_eq!(before.nats, server.addresses().nats);
    assert_eq!(before.websocket, server.addresses().websocket);
    Link::Tcp(RawTcp::connect(before.nats)).expect(b"INFO ");
}

#[test]
fn sigterm_and_sigint_end_it_cleanly() {
    for signal in [Signal::TERM, Signal::INT] {
        let Some(mut server) = start("sigterm_and_sigint_end_it_cleanly", "") else { return };
        let mut tcp = Link::Tcp(RawTcp::connect(server.addresses().nats));
        tcp.expect(b"\r\n");
        server.signal(signal);
        tcp.last_words();
        let status = server.wait_for_exit();
        // The official server ends with 1 after SIGTERM, and with 0 after SIGINT.
        assert!(status.code().is_some(), "{signal:?}: {status}\n{}", server.log());
    }
}

#[test]
fn started_as_nats_server_it_names_its_ports_file_so() {
    let Ok(program) = Kind::under_test().program() else {
        return skip("started_as_nats_server_it_names_its_ports_file_so", "no official server");
    };
    let bin = TempDir::new();
    let link = bin.path().join("nats-server");
    symlink(program, &link).unwrap();
    let mut server = ServerProcess::start_program(&link, "", &["-P", &format!("{}/pid", bin.path().display())]);
    // The file comes after the ready line: a request gives the server time until then, and again.
    let file = server.dir().join(format!("nats-server_{}.ports", server.id()));
    let mut client = Link::Tcp(RawTcp::connect(server.addresses().nats));
    let deadline = Deadline::usual();
    let ports = loop {
        match fs::read_to_string(&file) {
            Ok(text) if text.trim_end().ends_with('}') => break text,
            _ => assert!(deadline.left().is_some(), "{} was not written\n{}", file.display(), server.log()),
        }
        client.send(b"PING\r\n");
        client.expect(b"PONG\r\n");
    };
    let ports: serde_json::Value = serde_json::from_str(&ports).unwrap();
    assert_eq!(ports["nats"][0], server.nats_url());
    assert_eq!(ports["websocket"][0], server.websocket_url());
    assert_eq!(ports["monitoring"][0], format!("http://{}", server.addresses().monitoring));
    assert_eq!(fs::read_to_string(bin.path().join("pid")).unwrap().trim(), server.id().to_string());
    server.stop();
    assert!(!file.exists(), "a clean end removes the ports file");
}
