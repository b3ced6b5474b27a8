//! How the floor writes to its connections.

use dunlin_websocket::handshake::accept_key;
use dunlin_websocket::{FrameHeader, OpCode};

use crate::deflate::Deflater;
use crate::link::KEY;

pub(super) const INFO: &[u8] =
    b"INFO {\"server_id\":\"floor\",\"version\":\"0.0.0\",\"proto\":1,\"max_payload\":1048576} \r\n";

/// Frames for browsers are no longer.
const BROWSER_FRAME_LEN: usize = 4096;
/// What is shorter goes out as it is.
const COMPRESSED_LEN_MIN: usize = 65;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Tcp,
    WebSocket { compressed: bool, browser: bool },
}

impl Dialect {
    pub(super) const COUNT: usize = 5;

    pub(super) fn index(self) -> usize {
        match self {
            Dialect::Tcp => 0,
            Dialect::WebSocket { compressed, browser } => {
                1 + usize::from(compressed) + 2 * usize::from(browser)
            }
        }
    }
}

/// The floor answers only the generator, whose key it knows.
pub(super) fn switching_protocols(compressed: bool) -> Vec<u8> {
    let mut answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ".to_vec();
    answer.extend_from_slice(&accept_key(KEY.as_bytes()));
    if compressed {
        answer.extend_from_slice(b"\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover");
    }
    answer.extend_from_slice(b"\r\n\r\n");
    answer
}

pub(super) struct Encoder {
    deflater: Deflater,
    out: Vec<u8>,
}

impl Encoder {
    pub(super) fn new() -> Encoder {
        Encoder { deflater: Deflater::new(), out: Vec::new() }
    }

    /// Encodes the plain bytes of one turn.
    pub(super) fn encode(&mut self, plain: &[u8], dialect: Dialect) -> anyhow::Result<&[u8]> {
        self.out.clear();
        match dialect {
            Dialect::Tcp => self.out.extend_from_slice(plain),
            Dialect::WebSocket { compressed, browser } if compressed && plain.len() >= COMPRESSED_LEN_MIN => {
                let bytes = self.deflater.compress(plain)?;
                self.fragments(&bytes, if browser { BROWSER_FRAME_LEN } else { usize::MAX });
            }
            Dialect::WebSocket { browser, .. } => {
                for piece in plain.chunks(if browser { BROWSER_FRAME_LEN } else { usize::MAX }) {
                    self.frame(OpCode::Binary, true, false, piece);
                }
            }
        }
        Ok(&self.out)
    }

    /// One compressed message in frames of this size.
    fn fragments(&mut self, bytes: &[u8], len: usize) {
        let count = bytes.len().div_ceil(len);
        for (index, piece) in bytes.chunks(len).enumerate() {
            let opcode = if index == 0 { OpCode::Binary } else { OpCode::Continuation };
            self.frame(opcode, index + 1 == count, index == 0, piece);
        }
    }

    fn frame(&mut self, opcode: OpCode, fin: bool, rsv1: bool, payload: &[u8]) {
        FrameHeader { fin, rsv1, opcode, mask: None, payload_len: payload.len() as u64 }
            .encode(&mut self.out);
        self.out.extend_from_slice(payload);
    }
}
