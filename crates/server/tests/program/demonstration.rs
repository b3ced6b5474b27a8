//! What `dunlin` alone starts: a server for the programs and pages of this machine, on other ports here.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use dunlin_server::config::{Config, ListenPort, WebSocketConfig};
use dunlin_server::{Handle, Server};

fn start() -> (Handle, SocketAddr) {
    let demonstration = Config::development();
    let websocket = demonstration.websocket.clone().unwrap();
    let config = Config {
        port: ListenPort::Random,
        websocket: Some(WebSocketConfig { port: ListenPort::Random, ..websocket }),
        ..demonstration
    };
    assert!(!config.is_open_to_all_pages());
    let server = Server::start(config).unwrap();
    let address = server.websocket_addr().unwrap();
    (server, address)
}

/// Head and body of the answer to a request with these headers.
fn ask(address: SocketAddr, headers: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET / HTTP/1.1\r\n{headers}\r\n").unwrap();
    let mut text = Vec::new();
    // The page of a 101 is the stream: its head is enough.
    let is_whole = |text: &[u8]| {
        let text = String::from_utf8_lossy(text);
        let (head, body) = text.split_once("\r\n\r\n")?;
        let len = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")?.parse().ok());
        (body.len() >= len.unwrap_or(0)).then(|| text.into_owned())
    };
    loop {
        let mut buffer = [0; 4096];
        let len = stream.read(&mut buffer).unwrap();
        assert!(len > 0, "the server has closed");
        text.extend_from_slice(&buffer[..len]);
        if let Some(text) = is_whole(&text) {
            return text;
        }
    }
}

const UPGRADE: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

#[test]
fn only_pages_of_this_machine_may_connect() {
    let (server, address) = start();
    let port = address.port();
    for (host, origin, status) in [
        (format!("127.0.0.1:{port}"), "", 101),
        (format!("localhost:{port}"), "http://localhost:3000", 101),
        (format!("[::1]:{port}"), "http://127.0.0.1:5173", 101),
        (format!("app.localhost:{port}"), "https://app.localhost", 101),
        (format!("127.0.0.1:{port}"), "http://[::1]:8000", 101),
        (format!("127.0.0.1:{port}"), "https://evil.example", 403),
        (format!("127.0.0.1:{port}"), "http://localhost.evil.example", 403),
        (format!("127.0.0.1:{port}"), "http://192.168.1.2:3000", 403),
        (format!("127.0.0.1:{port}"), "null", 403),
        (format!("127.0.0.1:{port}"), "chrome-extension://abcdef", 403),
        // A name of the page's own that resolves to this machine by now.
        (format!("evil.example:{port}"), "", 403),
        ("evil.example".to_owned(), "http://evil.example", 403),
    ] {
        let origin_line = if origin.is_empty() { String::new() } else { format!("Origin: {origin}\r\n") };
        let text = ask(address, &format!("Host: {host}\r\n{UPGRADE}{origin_line}"));
        assert!(text.starts_with(&format!("HTTP/1.1 {status} ")), "{origin} to {host}: {text}");
    }
    let text = ask(address, &format!("Host: localhost\r\n{UPGRADE}Origin: https://Evil.example\r\n"));
    let says = "pages of https://Evil.example may not connect to this demonstration server, which takes those of this machine only";
    assert!(text.contains(says) && text.contains("allowed_origins: [\"https://Evil.example\"]"), "{text}");
    let text = ask(address, "Host: localhost\r\n");
    assert!(text.starts_with("HTTP/1.1 426 ") && text.contains("\"ws://localhost\""), "{text}");
    let text = ask(address, "Host: evil.example\r\n");
    assert!(text.starts_with("HTTP/1.1 403 ") && text.contains("not \"evil.example\""), "{text}");
    server.shutdown();
    server.wait();
}
