//! Compression of what goes out. Compressors belong to the worker: a connection owns one only where its context is kept.

use dunlin_permessage_deflate::{Compressor, Params, Role};
use dunlin_websocket::{FrameHeader, OpCode};

use crate::CompressionConfig;

/// The most payload bytes in one frame to a browser (nats: 4096).
pub(crate) const BROWSER_FRAME_MAX: usize = 4096;

/// The smallest window of RFC 7692, as base-2 logarithm of bytes.
const WINDOW_BITS_MIN: u8 = 8;

/// A worker's compressors, one for each window that some connection has agreed on.
#[derive(Default)]
pub(crate) struct Deflaters {
    config: CompressionConfig,
    by_window: [Option<Box<Compressor>>; 8],
}

impl Deflaters {
    pub(crate) fn set_config(&mut self, config: CompressionConfig) {
        if config != self.config {
            *self = Deflaters { config, by_window: Default::default() };
        }
    }

    /// Whether a flush of `len` bytes is worth compressing.
    pub(crate) fn is_worth(&self, len: usize) -> bool {
        len > self.config.threshold
    }

    /// Appends the compressed payload of a whole message.
    pub(crate) fn compress(&mut self, window_bits: u8, message: &[u8], out: &mut Vec<u8>) {
        let at = usize::from(window_bits.clamp(WINDOW_BITS_MIN, 15) - WINDOW_BITS_MIN);
        let level = self.config.level;
        let compressor = self.by_window[at].get_or_insert_with(|| {
            let params = Params {
                server_no_context_takeover: true,
                server_max_window_bits: Some(window_bits),
                ..Params::default()
            };
            Box::new(Compressor::new(&params, Role::Server, level))
        });
        compressor.compress(message, out);
    }
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
