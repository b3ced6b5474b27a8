//! Messages to compressed payloads, each on its own: fast, and with little memory (RFC 7692 §7.2.1).

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::bit_writer::Pending;
use crate::block::{Behind, BlockWriter};
use crate::matcher::Matcher;
use crate::params::{Params, Role};

/// Compresses messages, or parts of messages, none of which refers to anything before it.
///
/// So it fits every agreement, with or without context takeover, and one of them can serve any number of connections
/// whose windows are not smaller than its own. Its state is allocated by [`MessageCompressor::new`]; after that it
/// allocates nothing (`out` may grow), and nothing is cleared for a message. The payload depends on the message alone.
///
/// # Parts
///
/// Messages that differ in a few bytes can share the compressed form of the rest. A payload is any sequence of parts, each
/// by [`MessageCompressor::compress_part`] or [`store_part`](crate::store_part), and one
/// [`end_parts`](crate::end_parts) behind the last one. It inflates to the parts' inputs, one behind the other. Each part
/// is whole bytes, and the same bytes wherever it stands.
///
/// ```
/// use dunlin_permessage_deflate::{Decompressor, MessageCompressor, Params, Role, end_parts, store_part};
///
/// let params = Params::default();
/// let mut body = Vec::new();
/// MessageCompressor::new(&params, Role::Server).compress_part(b"to be or not to be\r\n", &mut body);
/// for head in ["MSG question 1 18\r\n", "MSG question 27 18\r\n"] {
///     let mut payload = Vec::new();
///     store_part(head.as_bytes(), &mut payload);
///     payload.extend_from_slice(&body);
///     end_parts(&mut payload);
///
///     let mut message = Vec::new();
///     Decompressor::new(&params, Role::Client).decompress(&payload, true, 1000, &mut message)?;
///     assert_eq!(message, [head.as_bytes(), b"to be or not to be\r\n"].concat());
/// }
/// # Ok::<(), dunlin_permessage_deflate::InflateError>(())
/// ```
pub struct MessageCompressor {
    matcher: Matcher,
    writer: Box<BlockWriter>,
}

impl MessageCompressor {
    /// The compressor of `role` under `params`, of which only the window matters: no distance exceeds it.
    #[must_use]
    pub fn new(params: &Params, role: Role) -> Self {
        let (window, _) = params.sender(role);
        Self { matcher: Matcher::new(window), writer: Box::new(BlockWriter::new()) }
    }

    /// Appends the compressed payload of a whole message to `out`. It belongs into frames of which the first has RSV1
    /// set; they may be cut anywhere.
    ///
    /// An empty message is the single byte 0x00 (RFC 7692 §7.2.3.6). `out` gets at most
    /// `message.len() + message.len() / 1024 + 6` bytes.
    pub fn compress(&mut self, message: &[u8], out: &mut Vec<u8>) {
        if message.is_empty() {
            out.push(0);
        }
        self.run(message, Behind::End, out);
    }

    /// Appends the compressed form of a part to `out`: whole blocks that end with a byte and refer to nothing outside
    /// `part`. An empty part is nothing at all.
    ///
    /// `out` gets at most `part.len() + part.len() / 1024 + 5` bytes.
    pub fn compress_part(&mut self, part: &[u8], out: &mut Vec<u8>) {
        self.run(part, Behind::Part, out);
    }

    fn run(&mut self, data: &[u8], behind: Behind, out: &mut Vec<u8>) {
        self.matcher.begin_message(data.len());
        let mut pending = Pending::default();
        let mut start = 0;
        while start < data.len() {
            let (len, sequences) = self.matcher.next_block(data, start);
            let (block, rest) = data[start..].split_at(len);
            let behind = if rest.is_empty() { behind } else { Behind::Block };
            self.writer.write(block, sequences, behind, &mut pending, out);
            start += len;
        }
    }
}

impl core::fmt::Debug for MessageCompressor {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("MessageCompressor").finish_non_exhaustive()
    }
}
