//! What each connection gets in a turn, with equal lists shared.

use core::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::{Item, Sid};

/// Names a delivery list of the turn. Equal lists have equal names.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ListId(u32);

impl ListId {
    /// The list that holds nothing.
    pub const EMPTY: ListId = ListId(0);
}

const NO_NODE: u32 = u32::MAX;

struct Node {
    parent: u32,
    item: Item,
    sid: Sid,
    /// The child that was asked for last: in a fan-out, the one that the next connection wants too.
    last_child: u32,
    /// There are two children or more, and all are in the table.
    tabled: bool,
    /// The bytes that the list encodes to, before any framing.
    len: u64,
}

/// The delivery lists of a turn, as a trie: a list is a path from the root, and a connection holds the name of its last
/// node. To append costs a comparison where the connection before got the same, so a fan-out neither stores nor
/// compares its lists one by one.
pub struct Lists {
    nodes: Vec<Node>,
    table: HashTable<u32>,
    hasher: RandomState,
}

impl Default for Lists {
    fn default() -> Lists {
        Lists { nodes: vec![ROOT], table: HashTable::new(), hasher: RandomState::default() }
    }
}

const ROOT: Node =
    Node { parent: NO_NODE, item: Item::NONE, sid: Sid::NONE, last_child: NO_NODE, tabled: false, len: 0 };

impl Lists {
    /// The list that is `list` followed by `item` for subscription `sid`, which encodes to `len` bytes.
    #[inline]
    pub fn append(&mut self, list: ListId, item: Item, sid: Sid, len: usize) -> ListId {
        let last = self.nodes[list.0 as usize].last_child;
        match self.nodes.get(last as usize) {
            Some(node) if node.item == item && node.sid == sid => ListId(last),
            Some(_) => self.append_sibling(list, item, sid, len),
            None => self.push_child(list, item, sid, len),
        }
    }

    /// Finds or makes a child of a list that has children already.
    fn append_sibling(&mut self, list: ListId, item: Item, sid: Sid, len: usize) -> ListId {
        let parent = &mut self.nodes[list.0 as usize];
        if !parent.tabled {
            parent.tabled = true;
            let only = parent.last_child;
            self.insert(only);
        }
        let nodes = &self.nodes;
        let same = |&i: &u32| {
            let node = &nodes[i as usize];
            node.parent == list.0 && node.item == item && node.sid == sid
        };
        let hash = self.hasher.hash_one((list.0, item.as_u32(), sid.as_u64()));
        if let Some(&found) = self.table.find(hash, same) {
            self.nodes[list.0 as usize].last_child = found;
            return ListId(found);
        }
        let child = self.push_child(list, item, sid, len);
        self.insert(child.0);
        child
    }

    fn push_child(&mut self, list: ListId, item: Item, sid: Sid, len: usize) -> ListId {
        let child = self.nodes.len() as u32;
        let parent = &mut self.nodes[list.0 as usize];
        parent.last_child = child;
        let len = parent.len + len as u64;
        self.nodes.push(Node { parent: list.0, item, sid, last_child: NO_NODE, tabled: false, len });
        ListId(child)
    }

    fn insert(&mut self, index: u32) {
        let hash_of = |&i: &u32| {
            let node = &self.nodes[i as usize];
            self.hasher.hash_one((node.parent, node.item.as_u32(), node.sid.as_u64()))
        };
        self.table.insert_unique(hash_of(&index), index, hash_of);
    }

    /// The bytes that `list` encodes to, before any framing.
    #[inline]
    pub fn encoded_len(&self, list: ListId) -> u64 {
        self.nodes[list.0 as usize].len
    }

    /// How many distinct non-empty lists the turn has made.
    pub fn len(&self) -> usize {
        self.nodes.len() - 1
    }

    /// Whether the turn has made no list.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes the items of `list` to `out`, in order, in place of what `out` held.
    pub fn items(&self, list: ListId, out: &mut Vec<(Item, Sid)>) {
        out.clear();
        let mut at = list.0;
        while at != ListId::EMPTY.0 {
            let node = &self.nodes[at as usize];
            out.push((node.item, node.sid));
            at = node.parent;
        }
        out.reverse();
    }

    /// Forgets all lists; only [`ListId::EMPTY`] stays valid. Gives back what is reserved beyond `keep` lists.
    pub fn clear(&mut self, keep: usize) {
        self.nodes.truncate(1);
        self.nodes.shrink_to(keep);
        self.nodes[0] = ROOT;
        self.table.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{ListId, Lists};
    use crate::{Item, Sid, SidTable};

    fn sid(n: u8) -> Sid {
        SidTable::default().acquire(&[b'0' + n])
    }

    proptest! {
        /// The oracle: each connection keeps its list in full. Names are equal exactly where lists are.
        #[test]
        fn equal_lists_have_equal_names(steps in prop::collection::vec((0usize..6, 0u8..4, any::<bool>(), any::<bool>()), 0..200)) {
            let mut lists = Lists::default();
            let mut held = vec![(ListId::EMPTY, Vec::new()); 6];
            let mut message = 0;
            for (conn, sub, next, headers) in steps {
                message += u32::from(next);
                let entry = (Item::message(message, headers), sid(sub));
                let (id, full) = &mut held[conn];
                *id = lists.append(*id, entry.0, entry.1, 3);
                full.push(entry);
            }
            let mut items = Vec::new();
            for (id, full) in &held {
                lists.items(*id, &mut items);
                prop_assert_eq!(&items, full);
                prop_assert_eq!(lists.encoded_len(*id), 3 * full.len() as u64);
            }
        }
    }

    #[test]
    fn a_fan_out_makes_one_list_for_all_with_the_same_sid() {
        let mut lists = Lists::default();
        let mut ends = [ListId::EMPTY; 1000];
        for message in 0..20 {
            for (conn, list) in ends.iter_mut().enumerate() {
                // Two classes of sids, interleaved.
                let sid = sid((conn % 2) as u8);
                *list = lists.append(*list, Item::message(message, true), sid, 1);
            }
        }
        assert_eq!(lists.len(), 40);
        assert!(ends.iter().zip(ends.iter().skip(2)).all(|(a, b)| a == b));
        lists.clear(0);
        assert!(lists.is_empty());
    }
}
