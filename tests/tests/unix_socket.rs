//! WebSocket on a Unix socket, as behind a proxy on the same machine.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use dunlin_tests::{Kind, ServerProcess, TempDir, frame, handshake};

fn socket(dir: &TempDir) -> PathBuf {
    dir.path().join("ws.sock")
}

/// Shakes hands, and reads until INFO is there.
pub(crate) fn info(path: &Path, headers: &str) -> (UnixStream, String) {
    let mut stream = UnixStream::connect(path).unwrap();
    stream.write_all(handshake("/", headers).as_bytes()).unwrap();
    let got = read_until(&mut stream, "\r\n", "INFO {");
    assert!(got.starts_with("HTTP/1.1 101 "), "{got}");
    (stream, got)
}

/// Reads until `start` is there and `end` behind it.
fn read_until(stream: &mut UnixStream, end: &str, start: &str) -> String {
    stream.set_read_timeout(dunlin_tests::Deadline::usual().left()).unwrap();
    let (mut got, mut buffer) = (String::new(), [0; 4096]);
    while !got.find(start).is_some_and(|at| got[at..].contains(end)) {
        let n = stream.read(&mut buffer).unwrap();
        assert!(n > 0, "the server has closed; it sent {got:?}");
        got.push_str(&String::from_utf8_lossy(&buffer[..n]));
    }
    got
}

pub(crate) fn ping(stream: &mut UnixStream) {
    stream.write_all(&frame(0x82, b"PING\r\n")).unwrap();
    read_until(stream, "\r\n", "PONG");
}

#[test]
fn websocket_on_a_path() {
    if Kind::under_test() != Kind::Dunlin {
        return;
    }
    let dir = TempDir::new();
    let path = socket(&dir);
    let conf =
        format!("websocket {{ listen: \"unix:{}\", unix_mode: \"0600\", no_tls: true }}\n", path.display());
    let mut server = ServerProcess::start(Kind::Dunlin, &conf, &[]);
    server.wait_for_log(&format!("Listening for websocket clients on unix:{}", path.display()));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let (mut stream, direct) = info(&path, "");
    ping(&mut stream);
    assert!(direct.contains("\"client_ip\":\"127.0.0.1\""), "{direct}");
    // Whoever may write to the file is trusted as those on this machine are.
    let (_stream, forwarded) = info(&path, "X-Forwarded-For: 203.0.113.7\r\n");
    assert!(forwarded.contains("\"client_ip\":\"203.0.113.7\""), "{forwarded}");

    // Nobody takes the path of a server that runs.
    let conf_file = server.dir().join("server.conf");
    let other = Command::new(Kind::Dunlin.program().unwrap()).arg("-c").arg(&conf_file).output().unwrap();
    let log = String::from_utf8_lossy(&other.stderr).into_owned();
    assert!(!other.status.success());
    assert!(log.contains("cannot listen for websocket connections on unix:"), "{log}");
    ping(&mut stream);

    // One that has vanished has left its file.
    server.kill();
    assert!(path.exists() && UnixStream::connect(&path).is_err());
    server.start_again();
    ping(&mut info(&path, "").0);
    server.stop();
    assert!(!path.exists());
}

#[test]
fn a_path_beside_a_port() {
    if Kind::under_test() != Kind::Dunlin {
        return;
    }
    let dir = TempDir::new();
    let path = socket(&dir);
    let conf =
        format!("websocket {{ listen: \"127.0.0.1:{{ws_port}}\", no_tls: true, unix_socket: {path:?} }}\n");
    let server = ServerProcess::start(Kind::Dunlin, &conf, &[]);
    ping(&mut info(&path, "").0);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
    dunlin_tests::RawWs::connect(server.addresses().websocket, "");
    // What is no socket is not touched.
    drop(server);
    fs::remove_file(&path).unwrap();
    fs::write(&path, "precious").unwrap();
    let conf_file = dir.path().join("s.conf");
    fs::write(
        &conf_file,
        format!("port: -1\nwebsocket {{ listen: \"unix:{}\", no_tls: true }}", path.display()),
    )
    .unwrap();
    let other = Command::new(Kind::Dunlin.program().unwrap()).arg("-c").arg(&conf_file).output().unwrap();
    assert!(!other.status.success());
    assert_eq!(fs::read(&path).unwrap(), b"precious");
}
