use alloc::vec::Vec;

use super::records::Ref;

/// The slots of a bucket.
const SLOTS: usize = 8;
/// The table grows when more than four of five slots are taken.
const FULL: usize = 5;

/// Names of records, found by key: a hash table of buckets that are one cache line each.
///
/// Most lookups of a search find nothing, and all of them are independent of each other. So the first line that a lookup
/// touches must be enough to say no, and must say where to go on a yes. General hash tables need two lines for that.
pub(super) struct Table {
    buckets: Vec<Bucket>,
    len: usize,
}

#[derive(Clone, Copy)]
#[repr(align(64))]
struct Bucket {
    /// 16 bits of each slot's key, four to a word; 0 where a slot is free.
    tags: [u64; 2],
    index: [u32; SLOTS],
    class: [u8; SLOTS],
    /// How many names have gone past this bucket to a later one because it was full.
    passed: u32,
}

const EMPTY: Bucket = Bucket { tags: [0; 2], index: [0; SLOTS], class: [0; SLOTS], passed: 0 };

impl Table {
    pub(super) const fn new() -> Table {
        Table { buckets: Vec::new(), len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// A name with this key (or with one that looks the same) that `is_it` accepts.
    #[inline]
    pub(super) fn find(&self, key: u64, mut is_it: impl FnMut(Ref) -> bool) -> Option<Ref> {
        let mut at = home(key, self.buckets.len());
        loop {
            let bucket = self.buckets.get(at)?;
            let mut slots = bucket.with_tag(tag_of(key));
            while slots != 0 {
                let name = bucket.name(first(slots));
                if is_it(name) {
                    return Some(name);
                }
                slots &= slots - 1;
            }
            if bucket.passed == 0 {
                return None;
            }
            at = self.after(at);
        }
    }

    /// Adds a name. `all` are the keys and names that the table then has, the new one among them, should it have to grow.
    pub(super) fn insert(&mut self, key: u64, name: Ref, all: impl Iterator<Item = (u64, Ref)>) {
        self.len += 1;
        if self.len * FULL > self.buckets.len() * SLOTS * (FULL - 1) {
            self.rebuild((self.buckets.len() * 3).div_ceil(2).max(1), all);
        } else {
            self.place(key, name);
        }
    }

    /// Takes a name out that is in the table with this key.
    pub(super) fn remove(&mut self, key: u64, name: Ref) {
        let mut at = home(key, self.buckets.len());
        while let Some(bucket) = self.buckets.get_mut(at) {
            if let Some(slot) = bucket.position(key, name) {
                bucket.set_tag(slot, 0);
                self.len -= 1;
                return;
            }
            bucket.passed -= 1;
            at = self.after(at);
        }
    }

    /// Gives memory back once most of it is unused. `all` are the keys and names that the table has.
    pub(super) fn shrink(&mut self, all: impl Iterator<Item = (u64, Ref)>) {
        let wanted = (self.len * 2).div_ceil(SLOTS);
        if wanted * 2 < self.buckets.len() {
            self.rebuild(wanted, all);
        }
    }

    /// Gives a record a new name.
    pub(super) fn rename(&mut self, key: u64, old: Ref, new: Ref) {
        let mut at = home(key, self.buckets.len());
        while let Some(bucket) = self.buckets.get_mut(at) {
            if let Some(slot) = bucket.position(key, old) {
                return bucket.set_name(slot, new);
            }
            at = self.after(at);
        }
    }

    fn rebuild(&mut self, buckets: usize, all: impl Iterator<Item = (u64, Ref)>) {
        self.buckets = Vec::new();
        self.buckets.resize(buckets, EMPTY);
        all.for_each(|(key, name)| self.place(key, name));
    }

    /// There is a free slot.
    fn place(&mut self, key: u64, name: Ref) {
        let mut at = home(key, self.buckets.len());
        while let Some(bucket) = self.buckets.get_mut(at) {
            let free = bucket.with_tag(0);
            if free != 0 {
                bucket.set_tag(first(free), tag_of(key));
                return bucket.set_name(first(free), name);
            }
            bucket.passed += 1;
            at = self.after(at);
        }
    }

    #[inline]
    fn after(&self, at: usize) -> usize {
        if at + 1 == self.buckets.len() { 0 } else { at + 1 }
    }
}

impl Bucket {
    /// One bit for each slot with this tag, to be read by [`first`].
    #[inline]
    fn with_tag(&self, tag: u16) -> u64 {
        const LOWS: u64 = 0x7fff_7fff_7fff_7fff;
        let wanted = u64::from(tag) * (u64::MAX / u64::from(u16::MAX));
        let [a, b] = self.tags.map(|tags| {
            let others = tags ^ wanted;
            // The high bit of each lane that is zero, without carries between lanes.
            !(((others & LOWS) + LOWS) | others | LOWS)
        });
        a >> 15 | b >> 14
    }

    #[inline]
    fn name(&self, slot: usize) -> Ref {
        Ref { class: self.class[slot], index: self.index[slot] }
    }

    fn set_name(&mut self, slot: usize, name: Ref) {
        (self.class[slot], self.index[slot]) = (name.class, name.index);
    }

    fn set_tag(&mut self, slot: usize, tag: u16) {
        let shift = 16 * (slot % 4);
        let word = &mut self.tags[slot / 4];
        *word = *word & !(0xffff << shift) | u64::from(tag) << shift;
    }

    fn position(&self, key: u64, name: Ref) -> Option<usize> {
        let mut slots = self.with_tag(tag_of(key));
        while slots != 0 && self.name(first(slots)) != name {
            slots &= slots - 1;
        }
        (slots != 0).then(|| first(slots))
    }
}

/// The slot of the lowest bit. Bits 0, 16, 32, 48 are for the slots 0 to 3, the bits above them for 4 to 7.
#[inline]
fn first(slots: u64) -> usize {
    let bit = slots.trailing_zeros() as usize;
    (bit / 16 + bit % 16 * 4) % SLOTS
}

#[inline]
fn home(key: u64, buckets: usize) -> usize {
    ((u128::from(key) * buckets as u128) >> 64) as usize
}

/// The low bits of the key, where [`home`] goes by the high ones.
#[inline]
fn tag_of(key: u64) -> u16 {
    (key as u16).max(1)
}
