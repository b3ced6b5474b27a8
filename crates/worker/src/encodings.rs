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

/// When the encodings of a turn have grown to this many bytes, they are dropped: what is wanted again is encoded
/// again. Bounds the memory of a turn whose lists are all different.
const BYTES_MAX: usize = 4 << 20;

/// The same while hardly any has been wanted twice: so many bytes stay in the near caches. With 4 MiB, bursts to 200
/// connections with sids of their own took twice the time.
const SINGLE_BYTES_MAX: usize = 256 << 10;

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    list: ListId,
    dialect: Dialect,
    framing: Framing,
}

struct Encoding {
    key: Key,
    range: Range<usize>,
    /// Where `bytes` has been cleared since, or it was never made, the bytes are not there.
    era: Option<u32>,
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
    /// How often `bytes` has been cleared.
    era: u32,
    /// How often a connection wanted what another one has had.
    wanted_again: usize,
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
        let index = self.index(Key { list, dialect, framing });
        if self.encodings[index].era != Some(self.era) {
            self.make_room();
            let start = self.bytes.len();
            self.write(self.encodings[index].key, source);
            let encoding = &mut self.encodings[index];
            encoding.range = start..self.bytes.len();
            encoding.era = Some(self.era);
        }
        index
    }

    /// Where the encoding for `key` is, or is to be.
    fn index(&mut self, key: Key) -> usize {
        if self.encodings.last().is_some_and(|last| last.key == key) {
            self.wanted_again += 1;
            return self.encodings.len() - 1;
        }
        let hash = self.hasher.hash_one(key);
        if let Some(&found) = self.by_key.find(hash, |&i| self.encodings[i as usize].key == key) {
            self.wanted_again += 1;
            return found as usize;
        }
        let index = self.encodings.len();
        self.encodings.push(Encoding { key, range: 0..0, era: None, kept: None });
        let (encodings, hasher) = (&self.encodings, &self.hasher);
        self.by_key.insert_unique(hash, index as u32, |&i| hasher.hash_one(encodings[i as usize].key));
        index
    }

    fn make_room(&mut self) {
        let mostly_single = self.wanted_again * 4 < self.encodings.len();
        if self.bytes.len() > if mostly_single { SINGLE_BYTES_MAX } else { BYTES_MAX } {
            self.bytes.clear();
            self.era += 1;
        }
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
                let sharing = match key.framing {
                    Framing::Deflated { .. } => sharing(&self.items, key.dialect, source),
                    _ => Sharing::Whole,
                };
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
        self.era = 0;
        self.wanted_again = 0;
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A turn with texts of this length, each a list of its own.
    fn turn(texts: u8, len: usize) -> (Arena, Lists, Vec<ListId>) {
        let (mut arena, mut lists) = (Arena::default(), Lists::default());
        let made = (0..texts).map(|text| {
            let item = arena.push_text(&vec![text; len]);
            lists.append(ListId::EMPTY, item, Sid::NONE, len)
        });
        let made = made.collect();
        (arena, lists, made)
    }

    /// Encodes lists in this order. Returns how often `bytes` was cleared.
    fn encode(texts: u8, len: usize, order: impl Iterator<Item = u8>) -> u32 {
        let (arena, lists, made) = turn(texts, len);
        let sids = SidTable::default();
        let source = Source { arena: &arena, lists: &lists, sids: &sids };
        let mut encodings = Encodings::default();
        for text in order {
            let list = made[usize::from(text)];
            let encoding = encodings.encode(list, Dialect::Nats, Framing::Raw, source);
            assert_eq!(encodings.bytes(encoding), vec![text; len], "{text}");
        }
        encodings.era
    }

    #[test]
    fn lists_of_single_connections_stay_in_the_near_caches() {
        assert_eq!(encode(100, 64 << 10, 0..100), 100 / 5 - 1);
    }

    #[test]
    fn lists_of_several_connections_are_soon_kept() {
        for lists in 2..=8 {
            let order = (0..100).flat_map(|_| 0..lists);
            // The first round cannot know; a quarter of the second has to show it.
            assert!(encode(lists, 400 << 10, order) <= u32::from(lists + lists / 4), "{lists}");
        }
    }

    #[test]
    fn a_turn_holds_so_many_bytes_at_most() {
        let order = (0..100).flat_map(|_| 0..32);
        assert!(encode(32, 400 << 10, order) > 100, "they do not fit together");
    }
}
