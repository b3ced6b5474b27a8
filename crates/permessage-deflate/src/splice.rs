//! Payloads made of parts, without a compressor: what may stand beside
//! [`MessageCompressor::compress_part`](crate::MessageCompressor::compress_part).

use alloc::vec::Vec;

/// The most bytes of a stored block (RFC 1951 §3.2.4).
const STORED_LEN_MAX: usize = 0xffff;

/// Appends `part` as it is, in stored blocks, to `out`: 5 bytes more than `part` for each 65,535 bytes or fewer.
///
/// For parts of a few dozen bytes this is as short as any other form (RFC 1951 §3.2.4): literals of the fixed code would
/// take 8 bits or more each, and as much around them. An empty part is nothing at all.
pub fn store_part(part: &[u8], out: &mut Vec<u8>) {
    for block in part.chunks(STORED_LEN_MAX) {
        let len = block.len() as u16; // at most STORED_LEN_MAX
        let ([len_low, len_high], [not_low, not_high]) = (len.to_le_bytes(), (!len).to_le_bytes());
        out.extend_from_slice(&[0x00, len_low, len_high, not_low, not_high]);
        out.extend_from_slice(block);
    }
}

/// Ends a payload that is made of parts, once, behind the last one; there may be none.
///
/// It appends one byte: the beginning of an empty stored block, of which the other four bytes stay away (RFC 7692
/// §7.2.1). Nothing is ever cut off a part.
pub fn end_parts(out: &mut Vec<u8>) {
    out.push(0x00);
}
