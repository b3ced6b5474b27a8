//! Where a server listens, and whom it takes its peers for.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::support::{Folder, PROGRAM, Server};

const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

fn start(folder: &Folder, args: &[&str]) -> (Server, Vec<String>) {
    Server::start(Path::new(PROGRAM), folder, args)
}

/// The loopback addresses of this machine.
fn families() -> Vec<IpAddr> {
    [V4, V6].into_iter().filter(|ip| TcpListener::bind((*ip, 0)).is_ok()).collect()
}

/// The port at the end of the log line with `text`.
fn port(lines: &[String], text: &str) -> u16 {
    let line = lines.iter().find(|line| line.contains(text)).unwrap();
    line.rsplit_once(':').unwrap().1.parse().unwrap()
}

/// What a server says to a peer who says `request`, up to `end`.
fn ask(addr: SocketAddr, request: &str, end: &str) -> String {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let (mut answer, mut buffer) = (Vec::new(), [0; 4096]);
    while !String::from_utf8_lossy(&answer).contains(end) {
        let len = stream.read(&mut buffer).unwrap();
        assert!(len > 0, "{addr} closed after {:?}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&buffer[..len]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn no_host_and_the_unspecified_address_take_both_families() {
    let families = families();
    let folder = Folder::new();
    folder.write("a.conf", "port: -1\nhttp: \"0.0.0.0:-1\"\nwebsocket { listen: \":-1\", no_tls: true }\n");
    let (server, lines) = start(&folder, &["-c", "a.conf", "--ports_file_dir", "."]);
    let ports = folder.path().join(format!("dunlin_{}.ports", server.pid()));
    let ports = std::fs::read_to_string(ports).unwrap();
    let upgrade = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let get = "GET /connz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    for ip in families {
        for (line, scheme, request, answer) in [
            ("Listening for client connections on 0.0.0.0:", "nats", "", "\"client_ip\":"),
            ("Listening for websocket clients on ws://0.0.0.0:", "ws", upgrade, "\"client_ip\":"),
            ("Starting http monitor on 0.0.0.0:", "http", get, "\"connections\":"),
        ] {
            let addr = SocketAddr::new(ip, port(&lines, line));
            let answer = ask(addr, request, answer);
            // A peer of IPv4 is seen as such, also where it comes over a socket of IPv6.
            assert!(!answer.contains("::ffff:"), "{answer}");
            let client = format!("\"client_ip\":\"{ip}\"");
            assert!(scheme == "http" || answer.contains(&client), "{answer} has not {client}");
            assert!(ports.contains(&format!("\"{scheme}://{addr}\"")), "{ports} has not {addr}");
        }
    }
}

#[test]
fn a_host_takes_its_own_addresses_only() {
    let families = families();
    for (host, taken) in [
        ("127.0.0.1", &[V4][..]),
        ("::ffff:127.0.0.1", &[V4]),
        ("::1", &[V6]),
        ("[::1]", &[V6]),
        ("localhost", &[V4, V6]),
        ("LOCALHOST.", &[V4, V6]),
        ("0.0.0.0", &[V4, V6]),
        ("::", &[V4, V6]),
        ("[::]", &[V4, V6]),
        ("", &[V4, V6]),
    ] {
        if !taken.iter().any(|ip| families.contains(ip)) {
            continue;
        }
        let (server, lines) = start(&Folder::new(), &["-p", "-1", "-a", host]);
        let port = port(&lines, "Listening for client connections on ");
        for ip in &families {
            let is_taken = TcpStream::connect((*ip, port)).is_ok();
            assert_eq!(is_taken, taken.contains(ip), "{host}: {ip}");
        }
        drop(server);
    }
}

/// A command in a network of its own, without IPv6 if so wanted; `None` where this machine gives none.
fn isolated(args: &[&str], has_ipv6: bool) -> Option<Command> {
    let disable = format!("echo {} > /proc/sys/net/ipv6/conf/all/disable_ipv6", u8::from(!has_ipv6));
    let script = format!("{disable} && exec \"$0\" \"$@\"");
    let command = |program: &str, args: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["--net", "--map-root-user", "sh", "-c", &script, program]).args(args);
        command
    };
    if command("true", &[]).status().is_ok_and(|status| status.success()) {
        return Some(command(PROGRAM, args));
    }
    eprintln!("left out: this machine gives its processes no networks of their own");
    None
}

#[test]
fn a_machine_without_ipv6_has_ipv4() {
    for host in ["0.0.0.0", "::", "localhost", ""] {
        let Some(command) = isolated(&["-p", "-1", "-m", "-1", "-a", host], false) else { return };
        Server::spawn(command).lines_until("Server is ready");
    }
    let Some(command) = isolated(&["-p", "-1", "-a", "::1"], false) else { return };
    let lines = Server::spawn(command).lines_until("Cannot assign requested address (os error 99)");
    assert!(lines.last().is_some_and(|line| line.contains("client connections on [::1]:0")), "{lines:#?}");
}

#[test]
fn only_a_start_without_any_option_is_the_demonstration() {
    for (args, expected) in [
        (&[][..], "127.0.0.1:4222"),
        (&["-DV"], "0.0.0.0:4222"),
        (&["-T=false"], "0.0.0.0:4222"),
        (&["-c", ""], "0.0.0.0:4222"),
        (&["--"], "0.0.0.0:4222"),
        (&[""], "0.0.0.0:4222"),
    ] {
        // The ports of the demonstration may be taken in the network that everybody shares.
        let Some(command) = isolated(args, true) else { return };
        let lines = Server::spawn(command).lines_until("Server is ready");
        let line = lines.iter().find(|line| line.contains("client connections on ")).unwrap();
        assert!(line.ends_with(expected), "{args:?}: {line}");
        let has_websocket =
            lines.iter().any(|line| line.contains("websocket clients on ws://127.0.0.1:8080"));
        assert_eq!(has_websocket, args.is_empty(), "{args:?}: {lines:#?}");
    }
}

#[test]
fn a_port_shared_by_default_listens_where_monitoring_would() {
    let folder = Folder::new();
    let free = TcpListener::bind((V4, 0)).unwrap().local_addr().unwrap().port();
    folder.write(
        "a.conf",
        &format!("listen: \"127.0.0.1:-1\"\nhttp_port: {free}\nwebsocket {{ port: {free}, no_tls: true }}\n"),
    );
    let (server, lines) = start(&folder, &["-c", "a.conf"]);
    assert!(lines.iter().any(|line| line.ends_with(&format!("websocket clients on ws://127.0.0.1:{free}"))));
    assert!(lines.iter().any(|line| line.contains(&format!("Port {free} is shared"))), "{lines:#?}");
    let varz = ask(SocketAddr::new(V4, free), "GET /varz HTTP/1.1\r\nHost: a\r\n\r\n", "\"shared_port\"");
    assert!(varz.contains("\"http_host\": \"127.0.0.1\""), "{varz}");
    drop(server);
    // A flag has the last word, and is a host that was written.
    let (_server, lines) = start(&folder, &["-c", "a.conf", "-a", "localhost"]);
    assert!(
        lines.iter().any(|line| line.ends_with(&format!("http monitor on localhost:{free}"))),
        "{lines:#?}"
    );
}

#[test]
fn a_flag_for_the_port_of_monitoring_keeps_the_host_of_the_file() {
    let folder = Folder::new();
    folder.write("a.conf", "port: -1\nhttp: \"127.0.0.1:1\"\n");
    let (_server, lines) = start(&folder, &["-c", "a.conf", "-m", "-1"]);
    assert_ne!(port(&lines, "Starting http monitor on 127.0.0.1:"), 1);
}
