//! A client that counts and checks what it gets.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use anyhow::Context as _;
use dunlin_nats_protocol::{Limits as NatsLimits, ServerOp, ServerParser};
use dunlin_websocket::{Assembler, Event, Limits, OpCode, Role, encode_frame};

/// The subject of every message.
pub(crate) const SUBJECT: &str = "bench.fanout";

/// A connection with its decoder.
pub(crate) struct Link {
    pub(crate) stream: TcpStream,
    assembler: Option<Assembler>,
    parser: ServerParser,
    raw: Vec<u8>,
    plain: Vec<u8>,
    /// Messages so far; each carries its number.
    pub(crate) received: u64,
    pongs: u64,
}

const UPGRADE: &str = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

impl Link {
    /// Connects and waits until the server has taken `ops`.
    pub(crate) fn open(mut stream: TcpStream, websocket: bool, ops: &str) -> anyhow::Result<Link> {
        let assembler = websocket.then(|| Assembler::new(Role::Client, Limits::UNLIMITED));
        let mut raw = Vec::new();
        if websocket {
            stream.write_all(UPGRADE.as_bytes())?;
            let mut byte = [0];
            while !raw.ends_with(b"\r\n\r\n") {
                stream.read_exact(&mut byte)?;
                raw.push(byte[0]);
            }
            anyhow::ensure!(raw.starts_with(b"HTTP/1.1 101"), "the server refused the upgrade");
            raw.clear();
        }
        let parser = ServerParser::new(NatsLimits { control_line_max: 1 << 16, payload_max: 64 << 20 });
        let mut link = Link { stream, assembler, parser, raw, plain: Vec::new(), received: 0, pongs: 0 };
        link.send(format!("CONNECT {{\"verbose\":false,\"pedantic\":false}}\r\n{ops}PING\r\n").as_bytes())?;
        while link.pongs == 0 {
            link.read(None)?;
        }
        Ok(link)
    }

    /// Sends ops, as one WebSocket message where that is the transport.
    pub(crate) fn send(&mut self, ops: &[u8]) -> anyhow::Result<()> {
        let bytes = encode(ops, self.assembler.is_some())?;
        self.stream.write_all(&bytes).context("the server closed the connection")
    }

    /// Reads once. With `payload_len`, messages are checked.
    pub(crate) fn read(&mut self, payload_len: Option<usize>) -> anyhow::Result<()> {
        let start = self.raw.len();
        self.raw.resize(start + (256 << 10), 0);
        let read = self.stream.read(&mut self.raw[start..]);
        self.raw.truncate(start + read.as_ref().copied().unwrap_or(0));
        anyhow::ensure!(read? > 0, "the server closed the connection");
        match &mut self.assembler {
            None => self.plain.append(&mut self.raw),
            Some(assembler) => {
                let mut used = 0;
                while let Some((event, len)) = assembler.next(&mut self.raw[used..])? {
                    if let Event::Data(fragment) = event {
                        self.plain.extend_from_slice(fragment.payload);
                    }
                    used += len;
                }
                self.raw.drain(..used);
            }
        }
        let mut used = 0;
        while let Some((op, len)) = self.parser.next(&self.plain[used..])? {
            used += len;
            match op {
                ServerOp::Msg(message) => {
                    let expected = payload_len.context("a message that nobody asked for")?;
                    check(message.payload, self.received, expected)?;
                    self.received += 1;
                }
                ServerOp::Pong => self.pongs += 1,
                ServerOp::Err(text) => anyhow::bail!("-ERR {}", text.escape_ascii()),
                ServerOp::Info(_) | ServerOp::Ping | ServerOp::Ok => {}
            }
        }
        self.plain.drain(..used);
        Ok(())
    }
}

/// Ops as bytes on the wire of a client.
pub(crate) fn encode(ops: &[u8], websocket: bool) -> anyhow::Result<Vec<u8>> {
    if !websocket {
        return Ok(ops.to_vec());
    }
    let mut frame = Vec::new();
    encode_frame(OpCode::Binary, ops, Some(dunlin_websocket::MaskKey([1, 2, 3, 4])), &mut frame)?;
    Ok(frame)
}

/// The payload of message `number`: its number, then a pattern.
pub(crate) fn payload(number: u64, len: usize) -> Vec<u8> {
    let mut payload = format!("{number:016}").into_bytes();
    payload.extend((16..len).map(|at| b'a' + (at % 26) as u8));
    payload
}

fn check(got: &[u8], number: u64, len: usize) -> anyhow::Result<()> {
    let is_right = got.len() == len
        && got.get(..16) == Some(format!("{number:016}").as_bytes())
        && got[16..].iter().enumerate().all(|(at, &byte)| byte == b'a' + ((at + 16) % 26) as u8);
    anyhow::ensure!(is_right, "message {number} is missing or altered");
    Ok(())
}
