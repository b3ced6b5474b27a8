//! From the bytes of an encoding to WebSocket messages, compressed where that was agreed.
//!
//! Compressors belong to the worker: a connection owns one only where its context is kept from message to message.

use dunlin_broker::Item;
use dunlin_permessage_deflate::{Compressor, MessageCompressor, Params, Role};
use dunlin_websocket::{FrameHeader, OpCode};

use crate::CompressionConfig;
use crate::connection::Framing;
use crate::parts::Parts;

/// The most payload bytes in one frame to a browser (nats: 4096).
const BROWSER_FRAME_MAX: usize = 4096;

/// The smallest window of RFC 7692, as base-2 logarithm of bytes.
const WINDOW_BITS_MIN: u8 = 8;

/// How the payload of a message may be compressed.
pub(crate) enum Sharing<'a> {
    /// As a whole.
    Whole,
    /// The last `common_len` bytes are the same in every delivery of `item`: they may be compressed once for all.
    Common { item: Item, common_len: usize },
    /// In the context of one connection.
    Context(&'a mut Compressor),
}

/// Makes messages, with a compressor for each window that some connection has agreed on.
#[derive(Default)]
pub(crate) struct Framer {
    config: CompressionConfig,
    by_window: [Option<SharedCompressor>; 8],
    parts: Parts,
    deflated: Vec<u8>,
}

impl Framer {
    pub(crate) fn set_config(&mut self, config: CompressionConfig) {
        if config != self.config {
            *self = Framer { config, ..Framer::default() };
        }
    }

    /// The turn ends: forgets its messages, and gives back what an unusually large one had reserved.
    pub(crate) fn end_turn(&mut self, keep: usize) {
        self.deflated.clear();
        self.deflated.shrink_to(keep);
        self.parts.clear(keep);
    }

    /// Appends `payload` as a connection with this framing gets it.
    pub(crate) fn frame(
        &mut self,
        payload: &[u8],
        framing: Framing,
        sharing: Sharing<'_>,
        out: &mut Vec<u8>,
    ) {
        match framing {
            Framing::Raw => out.extend_from_slice(payload),
            Framing::Message => write_message(payload, false, usize::MAX, out),
            Framing::Browser => {
                for part in payload.chunks(BROWSER_FRAME_MAX) {
                    write_message(part, false, usize::MAX, out);
                }
            }
            Framing::Deflated { window_bits, split } => {
                let frame_max = if split { BROWSER_FRAME_MAX } else { usize::MAX };
                if payload.len() <= self.config.threshold {
                    return write_message(payload, false, frame_max, out);
                }
                let mut deflated = core::mem::take(&mut self.deflated);
                deflated.clear();
                self.compress(window_bits, payload, sharing, &mut deflated);
                write_message(&deflated, true, frame_max, out);
                self.deflated = deflated;
            }
        }
    }

    fn compress(&mut self, window_bits: u8, payload: &[u8], sharing: Sharing<'_>, out: &mut Vec<u8>) {
        if let Sharing::Context(compressor) = sharing {
            return compressor.compress(payload, out);
        }
        let at = usize::from(window_bits.clamp(WINDOW_BITS_MIN, 15) - WINDOW_BITS_MIN);
        let level = self.config.level;
        let shared = self.by_window[at].get_or_insert_with(|| SharedCompressor::new(window_bits, level));
        match (shared, sharing) {
            (SharedCompressor::Fast(compressor), Sharing::Common { item, common_len }) => {
                self.parts.compress((item, window_bits), payload, common_len, compressor, out);
            }
            (shared, _) => shared.compress(payload, out),
        }
    }
}

/// A compressor for all connections with the same window.
enum SharedCompressor {
    Fast(MessageCompressor),
    /// For levels above 1.
    Small(Compressor),
}

impl SharedCompressor {
    fn new(window_bits: u8, level: u8) -> SharedCompressor {
        let params = Params {
            server_no_context_takeover: true,
            server_max_window_bits: Some(window_bits),
            ..Params::default()
        };
        match level {
            0 | 1 => SharedCompressor::Fast(MessageCompressor::new(&params, Role::Server)),
            _ => SharedCompressor::Small(Compressor::new(&params, Role::Server, level)),
        }
    }

    fn compress(&mut self, message: &[u8], out: &mut Vec<u8>) {
        match self {
            SharedCompressor::Fast(compressor) => compressor.compress(message, out),
            SharedCompressor::Small(compressor) => compressor.compress(message, out),
        }
    }
}

/// Appends the header of a frame that is a whole binary message, not compressed (RFC 6455 §5.2).
pub(crate) fn write_frame_header(payload_len: usize, out: &mut Vec<u8>) {
    let payload_len = payload_len as u64;
    FrameHeader { fin: true, rsv1: false, opcode: OpCode::Binary, mask: None, payload_len }.encode(out);
}

/// Appends one binary message (RFC 6455 §5.6), compressed or not, in frames of at most `frame_max` bytes.
pub(crate) fn write_message(payload: &[u8], compressed: bool, frame_max: usize, out: &mut Vec<u8>) {
    let mut rest = payload;
    let mut opcode = OpCode::Binary;
    loop {
        let (part, after) = rest.split_at(rest.len().min(frame_max));
        let rsv1 = compressed && opcode == OpCode::Binary;
        let fin = after.is_empty();
        FrameHeader { fin, rsv1, opcode, mask: None, payload_len: part.len() as u64 }.encode(out);
        out.extend_from_slice(part);
        if fin {
            return;
        }
        rest = after;
        opcode = OpCode::Continuation;
    }
}
