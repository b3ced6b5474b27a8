//! A raw WebSocket client (RFC 6455), written without any of dunlin's crates, and the face that it shares with TCP.

use std::net::SocketAddr;

use crate::{Deadline, End, RawTcp};

/// The key of RFC 6455's own example, sent in every handshake; the answer must be `s3pPLMBiTxaQ9kYGzzhZRbK+xOo=`.
pub const HANDSHAKE_KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// First byte of a close frame.
pub const CLOSE: u8 = 0x88;

/// The masking key of every frame. A fixed one, so that a failing exchange can be read in a packet dump.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A frame from the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// FIN, RSV1-3 and the opcode.
    pub first: u8,
    /// Whether the mask bit was set, which a server must not do.
    pub masked: bool,
    /// The payload as it was on the wire.
    pub payload: Vec<u8>,
}

/// A masked client frame with `first` as its first byte (FIN, RSV and opcode).
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    match payload.len() {
        len @ 0..126 => out.push(0x80 | len as u8),
        len @ 126..0x1_0000 => {
            out.push(0x80 | 126);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            out.push(0x80 | 127);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&MASK);
    out.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    out
}

/// The request head of a handshake that the server accepts, with `headers` (each line ended by CRLF) added.
pub fn handshake(path: &str, headers: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {HANDSHAKE_KEY}\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n"
    )
}

/// A WebSocket connection after its handshake.
#[derive(Debug)]
pub struct RawWs {
    /// The connection below, for whoever wants to send something else than whole frames.
    pub tcp: RawTcp,
}

impl RawWs {
    /// Connects and shakes hands, with `headers` added to the request.
    ///
    /// # Panics
    /// If the server does not agree.
    pub fn connect(address: SocketAddr, headers: &str) -> RawWs {
        RawWs::over(RawTcp::connect(address), headers)
    }

    /// Shakes hands over a connection.
    ///
    /// # Panics
    /// If the server does not agree.
    pub fn over(mut tcp: RawTcp, headers: &str) -> RawWs {
        tcp.send(handshake("/", headers).as_bytes());
        let (head, _) = tcp.read_until(b"\r\n\r\n", Deadline::usual());
        let head = String::from_utf8_lossy(&head);
        assert!(head.starts_with("HTTP/1.1 101 "), "the server refused the handshake: {head:?}");
        RawWs { tcp }
    }

    /// Sends one masked binary message.
    pub fn send(&mut self, payload: &[u8]) {
        self.tcp.send(&frame(0x82, payload));
    }

    /// Reads one frame.
    ///
    /// # Errors
    /// `Closed` or `TimedOut` if no whole frame came.
    pub fn read_frame(&mut self, deadline: Deadline) -> Result<Frame, End> {
        let head = self.take(2, deadline)?;
        let masked = head[1] & 0x80 != 0;
        let len = match head[1] & 0x7f {
            126 => self.take(2, deadline)?.iter().fold(0, |len, &byte| len << 8 | u64::from(byte)),
            127 => self.take(8, deadline)?.iter().fold(0, |len, &byte| len << 8 | u64::from(byte)),
            len => u64::from(len),
        };
        assert!(len < 1 << 30, "a frame of {len} bytes is no frame of a NATS server");
        let payload = self.take(len as usize + if masked { 4 } else { 0 }, deadline)?;
        Ok(Frame { first: head[0], masked, payload })
    }

    fn take(&mut self, len: usize, deadline: Deadline) -> Result<Vec<u8>, End> {
        match self.tcp.read_exact(len, deadline) {
            (bytes, End::Found) => Ok(bytes),
            (_, end) => Err(end),
        }
    }
}

/// A NATS byte stream over either transport, for tests that are the same on both.
#[derive(Debug)]
pub enum Link {
    /// Plain TCP.
    Tcp(RawTcp),
    /// WebSocket, one message per [`Link::send`].
    Ws(RawWs),
}

impl Link {
    /// Sends NATS bytes.
    pub fn send(&mut self, bytes: &[u8]) {
        match self {
            Link::Tcp(tcp) => tcp.send(bytes),
            Link::Ws(ws) => ws.send(bytes),
        }
    }

    /// Reads NATS bytes until `pattern` is among them, and returns all of them.
    ///
    /// # Panics
    /// If the connection ends first.
    pub fn expect(&mut self, pattern: &[u8]) -> Vec<u8> {
        let deadline = Deadline::usual();
        let (bytes, end) = match self {
            Link::Tcp(tcp) => tcp.read_until(pattern, deadline),
            Link::Ws(ws) => {
                let mut bytes = Vec::new();
                loop {
                    match ws.read_frame(deadline) {
                        Ok(frame) if frame.first == 0x82 => bytes.extend(frame.payload),
                        Ok(_) => {}
                        Err(end) => break (bytes, end),
                    }
                    if bytes.windows(pattern.len()).any(|window| window == pattern) {
                        break (bytes, End::Found);
                    }
                }
            }
        };
        let text = String::from_utf8_lossy(&bytes);
        assert_eq!(end, End::Found, "waited for {:?}, got {text:?}", String::from_utf8_lossy(pattern));
        bytes
    }

    /// Reads until the server closes: the NATS bytes, and the payload of the close frame if there was one.
    ///
    /// # Panics
    /// If it does not close.
    pub fn last_words(&mut self) -> (Vec<u8>, Option<Vec<u8>>) {
        let deadline = Deadline::usual();
        let (mut bytes, mut close) = (Vec::new(), None);
        let end = match self {
            Link::Tcp(tcp) => {
                let (all, end) = tcp.read_to_close(deadline);
                bytes = all;
                end
            }
            Link::Ws(ws) => loop {
                match ws.read_frame(deadline) {
                    Ok(frame) if frame.first == CLOSE => close = Some(frame.payload),
                    Ok(frame) if frame.first == 0x82 => bytes.extend(frame.payload),
                    Ok(_) => {}
                    Err(end) => break end,
                }
            },
        };
        assert_eq!(
            end,
            End::Closed,
            "the server did not close; it sent {:?}",
            String::from_utf8_lossy(&bytes)
        );
        (bytes, close)
    }
}
