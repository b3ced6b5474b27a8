//! A NATS client's connection: WebSocket, compression and the opening, below whoever looks at the plain bytes.

use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use dunlin_nats_protocol::{Limits as NatsLimits, ServerOp, ServerParser};
use dunlin_websocket::handshake::accept_key;
use dunlin_websocket::{Assembler, Event, FrameHeader, Limits, MaskKey, OpCode, Role, apply_mask};
use rustls::ClientConfig;

use crate::deflate::Inflater;
use crate::server::Server;
use crate::socket::Socket;
use crate::transport::Transport;

/// What the connections of one thread share, so that each is small.
pub(crate) struct Desk {
    buffer: Vec<u8>,
    inflater: Inflater,
}

impl Desk {
    pub(crate) fn new() -> Desk {
        Desk { buffer: vec![0; 256 << 10], inflater: Inflater::new() }
    }
}

pub(crate) struct Link {
    pub(crate) socket: Socket,
    transport: Transport,
    assembler: Option<Assembler>,
    /// A frame header or control frame that has come in part.
    rest: Vec<u8>,
    /// A compressed message that has come in part.
    compressed: Vec<u8>,
    /// Ops that have come in part, and their parser: for those who ask for ops.
    plain: Vec<u8>,
    parser: ServerParser,
    /// WebSocket messages so far.
    pub(crate) messages: u64,
}

/// The key of the opening handshake. Any will do.
pub(crate) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const BROWSER: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0";
const EXTENSION: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
/// Any will do: it is not a secret here.
const MASK: MaskKey = MaskKey([0x12, 0x34, 0x56, 0x78]);

/// How a link is opened.
#[derive(Clone, Copy)]
pub(crate) struct Opening<'a> {
    pub(crate) transport: Transport,
    pub(crate) source: Ipv4Addr,
    /// Another TLS client than the one that makes full handshakes.
    pub(crate) tls: Option<&'a Arc<ClientConfig>>,
    /// What is sent behind `CONNECT`.
    pub(crate) ops: &'a str,
}

impl<'a> Opening<'a> {
    pub(crate) fn new(transport: Transport, ops: &'a str) -> Opening<'a> {
        Opening { transport, source: Ipv4Addr::LOCALHOST, tls: None, ops }
    }
}

impl Link {
    /// Connects, and waits until the server has taken the ops.
    pub(crate) fn open(server: &Server, opening: Opening<'_>, desk: &mut Desk) -> anyhow::Result<Link> {
        let mut link = Link::connect(server, opening)?;
        link.introduce(opening.ops, desk)?;
        link.settle(desk)?;
        Ok(link)
    }

    /// The first step of opening: connects, and asks for the upgrade where the transport has one.
    pub(crate) fn connect(server: &Server, opening: Opening<'_>) -> anyhow::Result<Link> {
        let transport = opening.transport;
        let tls = match opening.tls {
            None if transport.tls => Some(&server.certificates()?.full),
            other => other,
        };
        let socket = Socket::connect(server.address(transport.websocket), opening.source, tls)?;
        let assembler = transport
            .websocket
            .then(|| Assembler::new(Role::Client, Limits::UNLIMITED).with_rsv1(transport.compressed));
        let limits = NatsLimits { control_line_max: 1 << 16, payload_max: 64 << 20 };
        let mut link = Link {
            socket,
            transport,
            assembler,
            rest: Vec::new(),
            compressed: Vec::new(),
            plain: Vec::new(),
            parser: ServerParser::new(limits),
            messages: 0,
        };
        if transport.websocket {
            link.ask_for_upgrade()?;
        }
        Ok(link)
    }

    /// The second step: takes the answer to the upgrade, and sends `CONNECT`, the ops and a `PING`.
    pub(crate) fn introduce(&mut self, ops: &str, desk: &mut Desk) -> anyhow::Result<()> {
        if self.transport.websocket {
            self.take_upgrade(desk)?;
        }
        let connect =
            "CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true}\r\n";
        self.send(format!("{connect}{ops}PING\r\n").as_bytes())
    }

    /// The last step: waits until the server has taken the ops.
    pub(crate) fn settle(&mut self, desk: &mut Desk) -> anyhow::Result<()> {
        self.wait_for_pong(desk)?;
        ensure!(self.plain.is_empty(), "more came than the answer to a PING");
        self.plain = Vec::new();
        Ok(())
    }

    /// The client's opening handshake (RFC 6455 §4.1).
    fn ask_for_upgrade(&mut self) -> anyhow::Result<()> {
        let mut request = format!(
            "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n"
        );
        if self.transport.compressed {
            request += &format!("Sec-WebSocket-Extensions: {EXTENSION}\r\n");
        }
        if self.transport.browser {
            request += &format!("User-Agent: {BROWSER}\r\n");
        }
        self.socket.write_all((request + "\r\n").as_bytes())?;
        Ok(())
    }

    /// The server's opening handshake (RFC 6455 §4.2.2).
    fn take_upgrade(&mut self, desk: &mut Desk) -> anyhow::Result<()> {
        let end = loop {
            let len = self.socket.read(&mut desk.buffer)?;
            ensure!(len > 0, "the server closed the connection in the opening handshake");
            self.rest.extend_from_slice(&desk.buffer[..len]);
            if let Some(at) = self.rest.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
        };
        let head = String::from_utf8_lossy(&self.rest[..end]).into_owned();
        self.rest.drain(..end);
        ensure!(head.starts_with("HTTP/1.1 101"), "the server refused the upgrade: {head:?}");
        let key = accept_key(KEY.as_bytes());
        ensure!(head.as_bytes().windows(key.len()).any(|window| window == &key[..]), "wrong accept key");
        let agreed =
            head.contains("server_no_context_takeover") && head.contains("client_no_context_takeover");
        ensure!(agreed == self.transport.compressed, "compression is not agreed as wished: {head:?}");
        Ok(())
    }

    /// Sends ops, as one WebSocket message where that is the transport.
    pub(crate) fn send(&mut self, ops: &[u8]) -> anyhow::Result<()> {
        let bytes = if self.transport.websocket {
            let mut frame = Vec::with_capacity(ops.len() + 14);
            encode_frame(ops, false, &mut frame);
            frame
        } else {
            ops.to_vec()
        };
        self.send_encoded(&bytes)
    }

    /// Sends bytes as they are.
    pub(crate) fn send_encoded(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.socket.write_all(bytes).context("the server closed the connection")
    }

    /// Reads once and passes on the plain bytes that have come whole. Returns whether there may be more to read.
    pub(crate) fn read(
        &mut self,
        desk: &mut Desk,
        mut sink: impl FnMut(&[u8]) -> anyhow::Result<()>,
    ) -> anyhow::Result<bool> {
        let kept = self.rest.len();
        let len = match self.socket.read(&mut desk.buffer[kept..]) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            result => result?,
        };
        ensure!(len > 0, "the server closed the connection");
        desk.buffer[..kept].copy_from_slice(&self.rest);
        self.rest.clear();
        let bytes = &mut desk.buffer[..kept + len];
        // Where a read did not fill the buffer, the socket was empty; TLS hands out one record at a time.
        let more = self.transport.tls || kept + len == 256 << 10;
        let Some(assembler) = &mut self.assembler else {
            sink(bytes)?;
            return Ok(more);
        };
        let mut used = 0;
        while let Some((event, len)) = assembler.next(&mut bytes[used..])? {
            used += len;
            let fragment = match event {
                Event::Data(fragment) => fragment,
                Event::Close(code, reason) => bail!("the server closed the connection: {code:?} {reason}"),
                Event::Ping(_) | Event::Pong(_) => continue,
            };
            self.messages += u64::from(fragment.last);
            if !fragment.compressed {
                sink(fragment.payload)?;
            } else if fragment.first && fragment.last {
                sink(desk.inflater.message(fragment.payload)?)?;
            } else {
                self.compressed.extend_from_slice(fragment.payload);
                if fragment.last {
                    sink(desk.inflater.message(&self.compressed)?)?;
                    self.compressed.clear();
                }
            }
        }
        self.rest.extend_from_slice(&bytes[used..]);
        Ok(more)
    }

    /// Reads once and passes on the ops that have come whole. Returns whether there may be more to read.
    pub(crate) fn read_ops(
        &mut self,
        desk: &mut Desk,
        mut sink: impl FnMut(ServerOp<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<bool> {
        let mut plain = std::mem::take(&mut self.plain);
        let more = self.read(desk, |bytes| {
            plain.extend_from_slice(bytes);
            Ok(())
        })?;
        let mut used = 0;
        while let Some((op, len)) = self.parser.next(&plain[used..])? {
            used += len;
            match op {
                ServerOp::Err(text) => bail!("-ERR {}", text.escape_ascii()),
                op => sink(op)?,
            }
        }
        plain.drain(..used);
        self.plain = plain;
        Ok(more)
    }

    /// Waits until the server has handled all that was sent before a `PING`.
    pub(crate) fn wait_for_pong(&mut self, desk: &mut Desk) -> anyhow::Result<()> {
        let mut done = false;
        while !done {
            self.read_ops(desk, |op| {
                done |= matches!(op, ServerOp::Pong);
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// Appends one masked binary frame, as clients send them.
pub(crate) fn encode_frame(payload: &[u8], compressed: bool, out: &mut Vec<u8>) {
    let len = payload.len() as u64;
    let header = FrameHeader {
        fin: true,
        rsv1: compressed,
        opcode: OpCode::Binary,
        mask: Some(MASK),
        payload_len: len,
    };
    header.encode(out);
    let start = out.len();
    out.extend_from_slice(payload);
    apply_mask(&mut out[start..], MASK, 0);
}
