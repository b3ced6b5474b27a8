//! The echo server, spoken to over a socket.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use dunlin_permessage_deflate as deflate;
use dunlin_permessage_deflate::{Compressor, Config, Decompressor, Params};
use dunlin_websocket::{Assembler, CloseCode, Event, FrameHeader, Limits, MaskKey, OpCode, Role, apply_mask};

struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start() -> Server {
        let mut child = Command::new(env!("CARGO_BIN_EXE_echo"))
            .args(["--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        Server { child, address }
    }

    /// Opens a connection with `extensions` and returns what the server answered to them.
    fn connect(&self, extensions: &str) -> (TcpStream, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let request = format!(
            "GET / HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{extensions}\r\n",
            self.address
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
        let answer = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Extensions: "));
        (stream, answer.unwrap_or_default().to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn frame(fin: bool, rsv1: bool, opcode: OpCode, payload: &[u8]) -> Vec<u8> {
    let key = MaskKey([1, 2, 3, 4]);
    let mut out = Vec::new();
    FrameHeader { fin, rsv1, opcode, mask: Some(key), payload_len: payload.len() as u64 }.encode(&mut out);
    let start = out.len();
    out.extend_from_slice(payload);
    apply_mask(&mut out[start..], key, 0);
    out
}

#[derive(Debug, PartialEq)]
enum Received {
    Message { text: bool, compressed: bool, payload: Vec<u8> },
    Pong(Vec<u8>),
    Close(Option<CloseCode>),
}

/// Reads up to the end of the connection, which the server must close.
fn receive_all(stream: &mut TcpStream) -> Vec<Received> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let mut assembler = Assembler::new(Role::Client, Limits::UNLIMITED).with_rsv1(true);
    let (mut received, mut start, mut message) = (Vec::new(), 0, Vec::new());
    while let Some((event, consumed)) = assembler.next(&mut bytes[start..]).unwrap() {
        start += consumed;
        match event {
            Event::Data(fragment) => {
                message.extend_from_slice(fragment.payload);
                if fragment.last {
                    let payload = std::mem::take(&mut message);
                    let (text, compressed) = (fragment.text, fragment.compressed);
                    received.push(Received::Message { text, compressed, payload });
                }
            }
            Event::Pong(payload) => received.push(Received::Pong(payload.to_vec())),
            Event::Close(code, _) => received.push(Received::Close(code)),
            Event::Ping(_) => panic!("the server does not ping"),
        }
    }
    assert_eq!(start, bytes.len());
    received
}

#[test]
fn echo() {
    let server = Server::start();
    plain(&server);
    compressed(&server);
    violations(&server);
}

fn plain(server: &Server) {
    let (mut stream, answer) = server.connect("");
    assert_eq!(answer, "");
    let sent = [
        frame(false, false, OpCode::Text, "gr\u{fc}\u{df}".as_bytes()),
        frame(true, false, OpCode::Ping, b"p"),
        frame(true, false, OpCode::Continuation, b" Gott"),
        frame(true, false, OpCode::Binary, &[0; 70_000]),
        frame(true, false, OpCode::Close, &[0x03, 0xe8]),
    ];
    stream.write_all(&sent.concat()).unwrap();
    assert_eq!(
        receive_all(&mut stream),
        [
            Received::Pong(b"p".to_vec()),
            Received::Message { text: true, compressed: false, payload: "gr\u{fc}\u{df} Gott".into() },
            Received::Message { text: false, compressed: false, payload: vec![0; 70_000] },
            Received::Close(Some(CloseCode::NORMAL)),
        ]
    );
}

fn compressed(server: &Server) {
    let config = Config { server_no_context_takeover: false, server_max_window_bits: 9, ..Config::default() };
    let mut offer = Vec::new();
    config.write_offer(&mut offer);
    let offer = String::from_utf8(offer).unwrap();
    let (mut stream, answer) =
        server.connect(&format!("Sec-WebSocket-Extensions: foo\r\nSec-WebSocket-Extensions: {offer}\r\n"));
    let params = Params::from_response(&answer, &config).unwrap();
    assert_eq!(params.server_window_bits(), 9);

    let mut compressor = Compressor::new(&params, deflate::Role::Client, 6);
    let messages = ["{\"n\":1}".repeat(1000), String::new(), "{\"n\":1}".repeat(1000)];
    for message in &messages {
        let mut payload = Vec::new();
        compressor.compress(message.as_bytes(), &mut payload);
        let (head, rest) = payload.split_at(payload.len() / 2);
        stream.write_all(&frame(false, true, OpCode::Text, head)).unwrap();
        stream.write_all(&frame(true, false, OpCode::Continuation, rest)).unwrap();
    }
    stream.write_all(&frame(true, false, OpCode::Close, &[])).unwrap();
    let mut received = receive_all(&mut stream);
    assert_eq!(received.pop(), Some(Received::Close(None)));
    let mut decompressor = Decompressor::new(&params, deflate::Role::Client);
    let echoed: Vec<_> = received
        .iter()
        .map(|received| {
            let Received::Message { text: true, compressed: true, payload } = received else {
                panic!("{received:?}");
            };
            let mut message = Vec::new();
            decompressor.decompress(payload, true, 1 << 20, &mut message).unwrap();
            String::from_utf8(message).unwrap()
        })
        .collect();
    assert_eq!(echoed, messages);
}

/// Each ends the connection with its code.
fn violations(server: &Server) {
    let mut bomb = Vec::new();
    let mut compressor = Compressor::new(&Params::default(), deflate::Role::Client, 1);
    for part in 0..=64 {
        compressor.compress_fragment(&[0; 1 << 20], part == 64, &mut bomb);
    }
    let rows = [
        ("bad UTF-8", frame(false, false, OpCode::Text, b"a\xff"), 1007),
        ("bad UTF-8, compressed", frame(true, true, OpCode::Text, b"\x00\x01\x00\xfe\xff\xff\x00"), 1007),
        ("bad DEFLATE", frame(true, true, OpCode::Binary, &[0x06]), 1007),
        ("bomb", frame(true, true, OpCode::Binary, &bomb), 1009),
        (
            "too long",
            frame(true, false, OpCode::Binary, &[])[..1]
                .iter()
                .chain(&[0xff, 0, 0, 0, 0, 4, 0, 0, 1, 0, 0, 0, 0])
                .copied()
                .collect(),
            1009,
        ),
        ("no mask", vec![0x82, 0x00], 1002),
        ("stray continuation", frame(true, false, OpCode::Continuation, b""), 1002),
        ("close code", frame(true, false, OpCode::Close, &[0x03, 0xed]), 1002),
    ];
    for (name, bytes, code) in rows {
        let (mut stream, answer) = server.connect("Sec-WebSocket-Extensions: permessage-deflate\r\n");
        assert_eq!(answer, "permessage-deflate");
        stream.write_all(&bytes).unwrap();
        assert_eq!(receive_all(&mut stream), [Received::Close(Some(CloseCode(code)))], "{name}");
    }
}
