//! Deliveries of one message that differ in their sid only: what they have in common is compressed once in a turn.
//!
//! A message is compressed as a whole for the first list that it is alone in: that is shortest, and clients of one
//! application number their subscriptions alike, so mostly there is no second list. The second one, with another sid, compresses
//! the common part on its own, and from then on a list costs two copies: its head in a stored block, and that part.
//! DEFLATE blocks of parts can stand behind each other, because none refers to another.

use core::hash::BuildHasher;
use core::ops::Range;

use dunlin_broker::Item;
use dunlin_permessage_deflate::{MessageCompressor, end_parts, store_part};
use foldhash::fast::RandomState;
use hashbrown::HashTable;

/// Below this many common bytes a message is compressed as a whole each time: the stored head would cost more bytes than
/// the work is worth.
const COMMON_LEN_MIN: usize = 128;

/// A message, with or without its headers, and the window that it is compressed for.
type Key = (Item, u8);

struct Part {
    key: Key,
    /// Where the compressed common part is; `None`: it was not needed yet.
    range: Option<Range<usize>>,
}

/// The messages of a turn that were compressed alone.
#[derive(Default)]
pub(crate) struct Parts {
    bytes: Vec<u8>,
    parts: HashTable<Part>,
    hasher: RandomState,
}

impl Parts {
    /// Appends the compressed form of `payload`, of which the last `common_len` bytes are the same in all deliveries of the
    /// key's message.
    pub(crate) fn compress(
        &mut self,
        key: Key,
        payload: &[u8],
        common_len: usize,
        compressor: &mut MessageCompressor,
        out: &mut Vec<u8>,
    ) {
        let hash = self.hasher.hash_one(key);
        let (bytes, hasher) = (&mut self.bytes, &self.hasher);
        let known = self.parts.find_mut(hash, |part| part.key == key);
        let Some(part) = known.filter(|_| common_len >= COMMON_LEN_MIN) else {
            if common_len >= COMMON_LEN_MIN {
                self.parts.insert_unique(hash, Part { key, range: None }, |part| hasher.hash_one(part.key));
            }
            return compressor.compress(payload, out);
        };
        let (head, common) = payload.split_at(payload.len() - common_len);
        let range = part.range.get_or_insert_with(|| {
            let start = bytes.len();
            compressor.compress_part(common, bytes);
            start..bytes.len()
        });
        store_part(head, out);
        out.extend_from_slice(&bytes[range.clone()]);
        end_parts(out);
    }

    /// Forgets the turn's messages.
    pub(crate) fn clear(&mut self, keep: usize) {
        self.parts.clear();
        self.bytes.clear();
        self.bytes.shrink_to(keep);
    }
}
