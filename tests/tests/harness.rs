//! The server as a program: what scripts, supervisors and test harnesses rely on.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use dunlin_tests::{Deadline, Kind, Link, RawTcp, RawWs, ServerProcess, Signal, TempDir, skip};

use crate::support::{monitoring, start};

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
    let mut server =
        ServerProcess::start_program(&link, "", &["-P", &format!("{}/pid", bin.path().display())]);
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

#[test]
fn monitoring_counts_connections_and_subscriptions() {
    let Some(server) = start("monitoring_counts_connections_and_subscriptions", "") else { return };
    assert_eq!(monitoring(&server, "/healthz")["status"], "ok");
    let mut tcp = Link::Tcp(RawTcp::connect(server.addresses().nats));
    tcp.send(
        b"CONNECT {\"verbose\":false,\"name\":\"first\"}\r\nSUB a 1\r\nSUB b 2\r\nPUB c 2\r\nhi\r\nPING\r\n",
    );
    tcp.expect(b"PONG\r\n");
    let mut ws = Link::Ws(RawWs::connect(server.addresses().websocket, ""));
    ws.send(b"CONNECT {\"verbose\":false,\"name\":\"second\"}\r\nSUB c 1\r\nPING\r\n");
    ws.expect(b"PONG\r\n");
    let varz = monitoring(&server, "/varz");
    assert_eq!(varz["connections"], 2);
    assert_eq!(varz["in_msgs"], 1);
    assert_eq!(varz["in_bytes"], 2);
    assert_eq!(varz["max_payload"], 1 << 20);
    assert!(varz["server_id"].as_str().is_some_and(|id| id.len() == 56 && id.starts_with('N')));
    let connz = monitoring(&server, "/connz");
    assert_eq!(connz["num_connections"], 2);
    let list = connz["connections"].as_array().unwrap();
    let one = |name: &str| list.iter().find(|one| one["name"] == name).unwrap();
    assert_eq!(one("first")["subscriptions"], 2);
    assert_eq!(one("first")["in_msgs"], 1);
    assert_eq!(one("first")["ip"], "127.0.0.1");
    assert_eq!(one("second")["subscriptions"], 1);
    assert_eq!(one("second")["type"], "websocket");
}

#[test]
fn the_configuration_check_names_file_line_and_column() {
    let Ok(program) = Kind::under_test().program() else {
        return skip("the_configuration_check_names_file_line_and_column", "no official server");
    };
    let dir = TempDir::new();
    let file = dir.path().join("test.conf");
    let check = |conf: &str| {
        fs::write(&file, conf).unwrap();
        let output = Command::new(&program).args(["-t", "-c"]).arg(&file).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, text) = check("port: 4222\n");
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("is valid (sha256:"), "{text}");
    let (code, text) = check("port: 4222\n  frobnicate: 1\n");
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("test.conf:2:3: unknown field \"frobnicate\""), "{text}");
}

#[test]
fn the_signal_flag_stops_another_process() {
    let Some(mut server) = start("the_signal_flag_stops_another_process", "") else { return };
    let program = Kind::under_test().program().unwrap();
    let status =
        Command::new(&program).arg("--signal").arg(format!("quit={}", server.id())).status().unwrap();
    assert!(status.success(), "{status}");
    server.wait_for_exit();
}

#[test]
fn the_kernel_asks_after_silent_peers() {
    let Some(server) = start("the_kernel_asks_after_silent_peers", "") else { return };
    if Kind::under_test() != Kind::Dunlin {
        return;
    }
    let mut tcp = RawTcp::connect(server.addresses().nats);
    tcp.read_line(Deadline::usual());
    // local and remote address, state, queues, timer: 02 is that of keep-alive.
    let port = |port: u16| format!(":{port:04X}");
    let (local, remote) = (port(server.addresses().nats.port()), port(tcp.local_address().port()));
    let deadline = Deadline::usual();
    loop {
        let table = fs::read_to_string("/proc/net/tcp").unwrap();
        let timer =
            table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).find_map(|fields| {
                (fields[1].ends_with(&local) && fields[2].ends_with(&remote)).then(|| fields[5].to_owned())
            });
        // The first timer may be that of INFO, which waits to be acknowledged.
        if timer.as_deref().is_some_and(|timer| timer.starts_with("02:")) {
            break;
        }
        assert!(deadline.left().is_some(), "{timer:?}");
    }
}
