//! Messages to compressed payloads (RFC 7692 §7.2.1).
//!
//! The back end, `miniz_oxide`, knows one window size, 32 KiB: what it calls smaller windows are runs of one byte
//! (below 12 bits) or matches over more than the window (12 to 14 bits, level 1). So a smaller window is kept by
//! never letting a context grow beyond it: data is cut into spans of at most the window's size, and the dictionary is
//! dropped between two of them. No distance can then be larger than a span.

use alloc::boxed::Box;
use alloc::vec::Vec;

use miniz_oxide::deflate::core::{
    CompressorOxide, TDEFLFlush, compress_to_output, create_comp_flags_from_zip_params,
};

use crate::params::{Params, Role};

/// The window of the back end, in bytes.
const FULL_WINDOW: usize = 32 * 1024;
/// What ends a sync flush and is left out of the payload (RFC 7692 §7.2.1).
const TAIL_LEN: usize = 4;
/// After so many bytes the back end starts anew, so that its position counters never overflow, whatever the width of
/// a `usize`.
const STREAM_LEN_MAX: usize = 1 << 30;

/// Compresses the messages that one side sends, with context takeover or at a level above 1. For messages on their own,
/// [`MessageCompressor`](crate::MessageCompressor) is several times as fast, and smaller.
///
/// Its state is 312 KiB in 6 allocations, made by [`Compressor::new`]; after that it allocates nothing (`out` may
/// grow). Where no context is kept, one compressor can serve any number of connections of the same role and window,
/// as long as whole messages are given to it.
///
/// A level costs the same memory as any other. Level 1 is the fast one; windows of less than 15 bits cost bytes,
/// because the context is dropped rather than slid.
pub struct Compressor {
    state: Box<CompressorOxide>,
    window: usize,
    keep_context: bool,
    /// Bytes since the dictionary was last dropped; counted only where the window is limited.
    span_len: usize,
    /// Bytes since `state` was last reset.
    stream_len: usize,
    in_message: bool,
}

impl Compressor {
    /// The compressor of `role` under `params`; `level` is 0 (stored), 1 (fast) to 9 (small) or 10 (slow), larger
    /// ones count as 10.
    #[must_use]
    pub fn new(params: &Params, role: Role, level: u8) -> Self {
        let (window, keep_context) = params.sender(role);
        let flags = create_comp_flags_from_zip_params(i32::from(level.min(10)), 0, 0);
        Self {
            state: Box::new(CompressorOxide::new(flags)),
            window,
            keep_context,
            span_len: 0,
            stream_len: 0,
            in_message: false,
        }
    }

    /// Appends the compressed payload of a whole message to `out`. It belongs into frames of which the first has RSV1
    /// set; they may be cut anywhere.
    ///
    /// An empty message is the single byte 0x00 (RFC 7692 §7.2.3.6). `out` gets at most
    /// `message.len() + message.len() / 16 + 64` bytes.
    pub fn compress(&mut self, message: &[u8], out: &mut Vec<u8>) {
        self.compress_fragment(message, true, out);
    }

    /// As [`Compressor::compress`], for a message that comes in fragments; `fin` marks the last one.
    ///
    /// What one call appends may be empty, and need not hold all that was put in so far: only the last call flushes.
    pub fn compress_fragment(&mut self, fragment: &[u8], fin: bool, out: &mut Vec<u8>) {
        if fragment.is_empty() && !self.in_message {
            if fin {
                out.push(0);
            }
            return;
        }
        self.in_message = !fin;
        let mut rest = fragment;
        if self.window < FULL_WINDOW {
            while rest.len() > self.window - self.span_len {
                let (span, after) = rest.split_at(self.window - self.span_len);
                self.run(span, TDEFLFlush::Full, out);
                self.span_len = 0;
                rest = after;
            }
            self.span_len += rest.len();
        }
        if !fin {
            self.run(rest, TDEFLFlush::None, out);
            return;
        }
        // With half the window used up, a drop in the midst of the next message would cost more than one now.
        let window_used = self.window < FULL_WINDOW && self.span_len > self.window / 2;
        let drop_context = !self.keep_context || window_used;
        self.run(rest, if drop_context { TDEFLFlush::Full } else { TDEFLFlush::Sync }, out);
        if drop_context {
            self.span_len = 0;
        }
        out.truncate(out.len() - TAIL_LEN);
        if self.stream_len > STREAM_LEN_MAX {
            self.reset();
        }
    }

    /// Forgets the context and any unfinished message, without allocating.
    pub fn reset(&mut self) {
        self.state.reset();
        self.span_len = 0;
        self.stream_len = 0;
        self.in_message = false;
    }

    /// Both flushes that are used end with an empty stored block, whose last four bytes are the tail.
    fn run(&mut self, input: &[u8], flush: TDEFLFlush, out: &mut Vec<u8>) {
        self.stream_len = self.stream_len.saturating_add(input.len());
        compress_to_output(&mut self.state, input, flush, |bytes| {
            out.extend_from_slice(bytes);
            true
        });
    }
}

impl core::fmt::Debug for Compressor {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Compressor")
            .field("window", &self.window)
            .field("keep_context", &self.keep_context)
            .field("in_message", &self.in_message)
            .finish_non_exhaustive()
    }
}
