//! What delivery lists encode to, computed once for each list and framing of a turn.

use core::hash::BuildHasher;
use core::ops::Range;
use std::sync::Arc;

use dunlin_broker::{Arena, Item, ItemKind, ListId, Lists, Sid, SidTable};
use dunlin_permessage_deflate::Compressor;
use dunlin_session::{Delivery, Dialect};
use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::CompressionConfig;
use crate::connection::Framing;
use crate::framing::{Framer, Sharing, write_frame_header};

/// When the encodings of a turn have grown to this many bytes, they are forgotten: what is needed again is encoded
/// again. Bounds the memory of a turn whose lists are all different.
const BYTES_MAX: usize = 4 << 20;

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    list: ListId,
    dialect: Dialect,
    framing: Framing,
}

struct Encoding {
    key: Key,
    range: Range<usize>,
    /// The bytes for those whose socket was full: copied once, whatever their number.
    kept: Option<Arc<[u8]>>,
}

/// The parts of the turn that encodings are made of.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub arena: &'a Arena,
    pub lists: &'a Lists,
    pub sids: &'a SidTable,
}

/// The encodings of a turn.
#[derive(Default)]
pub(crate) struct Encodings {
    bytes: Vec<u8>,
    encodings: Vec<Encoding>,
    by_key: HashTable<u32>,
    hasher: RandomState,
    items: Vec<(Item, Sid)>,
    unframed: Vec<u8>,
    framer: Framer,
}

impl Encodings {
    /// From now on messages are compressed like this, where that is agreed.
    pub(crate) fn set_compression(&mut self, config: CompressionConfig) {
        self.framer.set_config(config);
    }

    /// The number of the encoding of `list`, made now if no connection has had it in this turn. Good until the next call.
    pub(crate) fn encode(
        &mut self,
        list: ListId,
        dialect: Dialect,
        framing: Framing,
        source: Source<'_>,
    ) -> usize {
        let key = Key { list, dialect, framing };
        if let Some(last) = self.encodings.last()
            && last.key == key
        {
            return self.encodings.len() - 1;
        }
        let hash = self.hasher.hash_one(key);
        if let Some(&found) = self.by_key.find(hash, |&i| self.encodings[i as usize].key == key) {
            return found as usize;
        }
        if self.bytes.len() > BYTES_MAX {
            self.clear();
        }
        let start = self.bytes.len();
        self.write(key, source);
        self.encodings.push(Encoding { key, range: start..self.bytes.len(), kept: None });
        let index = self.encodings.len() - 1;
        let (encodings, hasher) = (&self.encodings, &self.hasher);
        self.by_key.insert_unique(hash, index as u32, |&i| hasher.hash_one(encodings[i as usize].key));
        index
    }

    /// The bytes of an encoding.
    pub(crate) fn bytes(&self, index: usize) -> &[u8] {
        &self.bytes[self.encodings[index].range.clone()]
    }

    /// The bytes of an encoding, to keep beyond the turn.
    pub(crate) fn keep(&mut self, index: usize) -> Arc<[u8]> {
        let encoding = &mut self.encodings[index];
        let bytes = &self.bytes[encoding.range.clone()];
        Arc::clone(encoding.kept.get_or_insert_with(|| bytes.into()))
    }

    /// Appends what `list` encodes to, without framing.
    pub(crate) fn encode_plain(
        &mut self,
        list: ListId,
        dialect: Dialect,
        source: Source<'_>,
        out: &mut Vec<u8>,
    ) {
        source.lists.items(list, &mut self.items);
        write_items(&self.items, dialect, source, out);
    }

    /// Appends `payload` as one connection gets it that shares nothing.
    pub(crate) fn frame(
        &mut self,
        payload: &[u8],
        framing: Framing,
        compressor: Option<&mut Compressor>,
        out: &mut Vec<u8>,
    ) {
        let sharing = compressor.map_or(Sharing::Whole, Sharing::Context);
        self.framer.frame(payload, framing, sharing, out);
    }

    fn write(&mut self, key: Key, source: Source<'_>) {
        source.lists.items(key.list, &mut self.items);
        let len = source.lists.encoded_len(key.list) as usize;
        match key.framing {
            Framing::Raw => {
                self.bytes.reserve(len);
                write_items(&self.items, key.dialect, source, &mut self.bytes);
            }
            Framing::Message => {
                self.bytes.reserve(len + 10);
                write_frame_header(len, &mut self.bytes);
                write_items(&self.items, key.dialect, source, &mut self.bytes);
            }
            Framing::Browser | Framing::Deflated { .. } => {
                self.unframed.clear();
                write_items(&self.items, key.dialect, source, &mut self.unframed);
                let sharing = sharing(&self.items, key.dialect, source);
                self.framer.frame(&self.unframed, key.framing, sharing, &mut self.bytes);
            }
        }
    }

    /// Forgets all encodings, and gives back what an unusually large turn had reserved.
    pub(crate) fn clear(&mut self) {
        // As much as the arena keeps, for the same reason.
        const KEEP: usize = 1 << 20;
        self.bytes.clear();
        self.bytes.shrink_to(KEEP);
        self.unframed.clear();
        self.unframed.shrink_to(KEEP);
        self.framer.end_turn(KEEP);
        self.encodings.clear();
        self.by_key.clear();
    }
}

/// What a list has in common with others of the same turn.
fn sharing(items: &[(Item, Sid)], dialect: Dialect, source: Source<'_>) -> Sharing<'static> {
    let &[(item, ref sid)] = items else { return Sharing::Whole };
    let (index, headers) = match item.kind() {
        ItemKind::Text(_) => return Sharing::Whole,
        ItemKind::Message(index) => (index, true),
        ItemKind::WithoutHeaders(index) => (index, false),
    };
    let delivery = Delivery { message: source.arena.message(index), headers, sid: source.sids.text(sid) };
    Sharing::Common { item, common_len: dialect.common_len(delivery) }
}

fn write_items(items: &[(Item, Sid)], dialect: Dialect, source: Source<'_>, out: &mut Vec<u8>) {
    for (item, sid) in items {
        let (index, headers) = match item.kind() {
            ItemKind::Text(index) => {
                out.extend_from_slice(source.arena.text(index));
                continue;
            }
            ItemKind::Message(index) => (index, true),
            ItemKind::WithoutHeaders(index) => (index, false),
        };
        let message = source.arena.message(index);
        dialect.encode(Delivery { message, headers, sid: source.sids.text(sid) }, out);
    }
}
