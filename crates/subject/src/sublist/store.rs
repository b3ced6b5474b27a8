use alloc::vec::Vec;
use core::iter;

use crate::Filter;
use crate::hash::Keys;

/// A filter's own bytes begin after its length (2 bytes) and its fan-out number (4 bytes).
const HEAD: usize = 6;
/// The fan-out number of a record that has but one plain value, which is kept in the record.
pub(super) const SINGLE: u32 = u32::MAX;
/// The slots of a bucket.
const SLOTS: usize = 15;

/// Names a record until the next change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Ref {
    class: u8,
    slot: usize,
}

/// One record for each distinct filter: its bytes, and one value or the number of its fan-out.
///
/// Records are the slots of hash tables, one table for each class of about equal sizes. A search knows how long the filter
/// would be that it looks for, hence in which table it would be. Most lookups find nothing; these touch one of the tables'
/// small arrays of tags, of about one byte a record, which stay in a near cache. The others then go straight to the
/// record. With tables of names of records, the names would be one more step, out of cache with a million filters.
pub(super) struct Store<T> {
    classes: Vec<Class<T>>,
    len: usize,
}

struct Class<T> {
    buckets: Vec<Bucket>,
    /// The bytes of a slot.
    stride: usize,
    /// `stride` for each slot: head, filter, padding.
    bytes: Vec<u8>,
    /// One for each slot. It means something in the slots of records that have no fan-out.
    values: Vec<T>,
    len: usize,
}

/// In bytes 0 to 14 the tags of the slots, 8 bits of a key, or 0 where the slot is free. In byte 15 how many records have
/// gone past this bucket to a later one because it was full: in the low half those with an even tag, in the high half
/// those with an odd one, as most lookups that find nothing then need not go past it too. 15 is for so many that they are
/// no longer counted.
#[derive(Clone, Copy)]
#[repr(align(16))]
struct Bucket([u8; 16]);

/// What a filter is found by.
#[derive(Clone, Copy)]
pub(super) struct Key {
    pub(super) sum: u64,
    /// The length of the filter in bytes.
    pub(super) len: usize,
}

impl<T: Copy> Store<T> {
    pub(super) const fn new() -> Store<T> {
        Store { classes: Vec::new(), len: 0 }
    }

    /// The number of records.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The record with this key whose filter is `right`.
    #[inline]
    pub(super) fn find(&self, key: Key, right: impl FnMut(&[u8]) -> bool) -> Option<Ref> {
        let number = class_of(HEAD + key.len);
        let class = self.classes.get(usize::from(number))?;
        let at = home(key.sum, class.buckets.len());
        // Most searches end here.
        if class.buckets.get(at)?.is_end_for(tag_of(key.sum)) {
            return None;
        }
        class.find_from(at, key, right).map(|slot| Ref { class: number, slot })
    }

    /// Adds a record for a filter that has none, with one value. Other records may get new names: `renamed` is called with
    /// those that have a fan-out.
    pub(super) fn insert(
        &mut self,
        keys: &Keys,
        filter: Filter<'_>,
        value: T,
        renamed: impl FnMut(u32, Ref),
    ) -> Ref {
        let bytes = filter.as_bytes();
        let number = class_of(HEAD + bytes.len());
        while self.classes.len() <= usize::from(number) {
            self.classes.push(Class::new(stride_of(self.classes.len())));
        }
        let class = &mut self.classes[usize::from(number)];
        if (class.len + 1) * 6 > class.values.len() * 5 {
            class.rebuild(number, (class.buckets.len() * 4).div_ceil(3).max(1), value, keys, renamed);
        }
        let slot = class.take_slot(keys.filter(filter));
        let row = class.row_mut(slot);
        row[..2].copy_from_slice(&(bytes.len() as u16).to_le_bytes());
        row[2..HEAD].copy_from_slice(&SINGLE.to_le_bytes());
        row[HEAD..][..bytes.len()].copy_from_slice(bytes);
        class.values[slot] = value;
        class.len += 1;
        self.len += 1;
        Ref { class: number, slot }
    }

    /// Takes a record out. Other records may get new names, as above.
    pub(super) fn remove(&mut self, keys: &Keys, record: Ref, renamed: impl FnMut(u32, Ref)) {
        let sum = keys.filter(Filter::of_checked(self.filter(record)));
        let class = &mut self.classes[usize::from(record.class)];
        class.free_slot(sum, record.slot);
        class.len -= 1;
        self.len -= 1;
        let wanted = (class.len * 2).div_ceil(SLOTS);
        if wanted * 2 <= class.buckets.len() {
            class.rebuild(record.class, wanted, class.values[record.slot], keys, renamed);
        }
    }

    #[inline]
    pub(super) fn filter(&self, record: Ref) -> &[u8] {
        let row = self.row(record);
        &row[HEAD..][..length(row)]
    }

    /// The number of the fan-out, or [`SINGLE`].
    #[inline]
    pub(super) fn fan(&self, record: Ref) -> u32 {
        fan(self.row(record))
    }

    pub(super) fn set_fan(&mut self, record: Ref, fan: u32) {
        let row = self.classes[usize::from(record.class)].row_mut(record.slot);
        row[2..HEAD].copy_from_slice(&fan.to_le_bytes());
    }

    #[inline]
    pub(super) fn value(&self, record: Ref) -> T {
        self.classes[usize::from(record.class)].values[record.slot]
    }

    pub(super) fn set_value(&mut self, record: Ref, value: T) {
        self.classes[usize::from(record.class)].values[record.slot] = value;
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Ref> {
        (0..)
            .zip(&self.classes)
            .flat_map(|(number, class)| class.taken().map(move |slot| Ref { class: number, slot }))
    }

    #[inline]
    fn row(&self, record: Ref) -> &[u8] {
        self.classes[usize::from(record.class)].row(record.slot)
    }
}

impl<T: Copy> Class<T> {
    const fn new(stride: usize) -> Class<T> {
        Class { buckets: Vec::new(), stride, bytes: Vec::new(), values: Vec::new(), len: 0 }
    }

    /// Looks in bucket `at`, and in as many after it as records have gone past.
    fn find_from(&self, mut at: usize, key: Key, mut right: impl FnMut(&[u8]) -> bool) -> Option<usize> {
        // Once around at most: it may be that all buckets have been passed.
        for _ in &self.buckets {
            let bucket = &self.buckets[at];
            for slot in bucket.with_tag(tag_of(key.sum)) {
                let slot = at * SLOTS + slot;
                let row = self.row(slot);
                if length(row) == key.len && right(&row[HEAD..][..key.len]) {
                    return Some(slot);
                }
            }
            if !bucket.is_passed(tag_of(key.sum)) {
                return None;
            }
            at = self.after(at);
        }
        None
    }

    /// Moves all records to new memory for so many buckets. `filler` is for slots without a record.
    fn rebuild(
        &mut self,
        number: u8,
        buckets: usize,
        filler: T,
        keys: &Keys,
        mut renamed: impl FnMut(u32, Ref),
    ) {
        let slots = buckets * SLOTS;
        let mut new = Class::new(self.stride);
        new.buckets.resize(buckets, Bucket([0; 16]));
        new.bytes.resize(slots * self.stride, 0);
        new.values.resize(slots, filler);
        new.len = self.len;
        for old_slot in self.taken() {
            let row = self.row(old_slot);
            let slot = new.take_slot(keys.filter(Filter::of_checked(&row[HEAD..][..length(row)])));
            new.row_mut(slot).copy_from_slice(row);
            new.values[slot] = self.values[old_slot];
            if fan(row) != SINGLE {
                renamed(fan(row), Ref { class: number, slot });
            }
        }
        *self = new;
    }

    /// Marks a free slot as taken: there is one.
    fn take_slot(&mut self, sum: u64) -> usize {
        let mut at = home(sum, self.buckets.len());
        loop {
            let bucket = &mut self.buckets[at];
            if let Some(free) = bucket.0[..SLOTS].iter().position(|&tag| tag == 0) {
                bucket.0[free] = tag_of(sum);
                return at * SLOTS + free;
            }
            bucket.pass(tag_of(sum));
            at = self.after(at);
        }
    }

    /// Marks a slot as free that was taken with this sum.
    fn free_slot(&mut self, sum: u64, slot: usize) {
        let mut at = home(sum, self.buckets.len());
        while at != slot / SLOTS {
            self.buckets[at].unpass(tag_of(sum));
            at = self.after(at);
        }
        self.buckets[at].0[slot % SLOTS] = 0;
    }

    #[inline]
    fn row(&self, slot: usize) -> &[u8] {
        &self.bytes[slot * self.stride..][..self.stride]
    }

    fn row_mut(&mut self, slot: usize) -> &mut [u8] {
        &mut self.bytes[slot * self.stride..][..self.stride]
    }

    fn taken(&self) -> impl Iterator<Item = usize> {
        let slots = (0..).step_by(SLOTS).zip(&self.buckets);
        slots.flat_map(|(base, bucket)| (0..SLOTS).filter(|&at| bucket.0[at] != 0).map(move |at| base + at))
    }

    #[inline]
    fn after(&self, at: usize) -> usize {
        if at + 1 == self.buckets.len() { 0 } else { at + 1 }
    }
}

impl Bucket {
    /// Whether no slot here and none in a later bucket has this tag.
    #[inline]
    fn is_end_for(&self, tag: u8) -> bool {
        // Without an early exit the compiler makes two vector instructions of this.
        let found = self.0.iter().fold(false, |found, &other| found | (other == tag));
        !found && !self.is_passed(tag)
    }

    /// The slots with this tag.
    #[inline]
    fn with_tag(&self, tag: u8) -> impl Iterator<Item = usize> {
        const LOWS: u64 = 0x7f7f_7f7f_7f7f_7f7f;
        let words = self.0.as_chunks::<8>().0;
        let zeros = |at: usize| {
            let others = u64::from_le_bytes(words[at]) ^ (u64::from(tag) * (u64::MAX / 255));
            // The high bit of each byte that is zero, without carries between bytes.
            !(((others & LOWS) + LOWS) | others | LOWS)
        };
        // Bits 0, 8, 16 and so on are for the slots 0 to 7, the bits above them for 8 to 15, of which the last is no slot.
        let mut found = zeros(0) >> 7 | zeros(1) >> 6;
        iter::from_fn(move || {
            if found == 0 {
                return None;
            }
            let bit = found.trailing_zeros() as usize;
            found &= found - 1;
            let slot = bit / 8 + bit % 8 * 8;
            (bit < 64 && slot < SLOTS).then_some(slot)
        })
    }

    /// Whether records with such a tag have gone past.
    #[inline]
    fn is_passed(&self, tag: u8) -> bool {
        self.0[SLOTS] & half_of(tag) != 0
    }

    fn pass(&mut self, tag: u8) {
        if !self.is_passed_by_many(tag) {
            self.0[SLOTS] += half_of(tag) & 0x11;
        }
    }

    /// Undoes [`Bucket::pass`].
    fn unpass(&mut self, tag: u8) {
        if !self.is_passed_by_many(tag) {
            self.0[SLOTS] -= half_of(tag) & 0x11;
        }
    }

    fn is_passed_by_many(&self, tag: u8) -> bool {
        self.0[SLOTS] & half_of(tag) == half_of(tag)
    }
}

/// The half of a bucket's last byte that counts records with such a tag.
#[inline]
fn half_of(tag: u8) -> u8 {
    0x0f << (tag % 2 * 4)
}

#[inline]
fn length(row: &[u8]) -> usize {
    u16::from_le_bytes([row[0], row[1]]).into()
}

#[inline]
fn fan(row: &[u8]) -> u32 {
    u32::from_le_bytes([row[2], row[3], row[4], row[5]])
}

#[inline]
fn home(sum: u64, buckets: usize) -> usize {
    ((u128::from(sum) * buckets as u128) >> 64) as usize
}

/// From the low bits of the sum, where [`home`] goes by the high ones.
#[inline]
fn tag_of(sum: u64) -> u8 {
    (sum as u8).max(1)
}

/// Eight classes in steps of 8 bytes, then four for each doubling.
#[inline]
fn class_of(size: usize) -> u8 {
    let words = size.div_ceil(8);
    if words <= 8 {
        return words as u8 - 1;
    }
    let doubling = (words - 1).ilog2() - 2;
    ((doubling * 4) as usize + ((words - 1) >> doubling)) as u8
}

fn stride_of(class: usize) -> usize {
    if class < 8 {
        return 8 * (class + 1);
    }
    let doubling = class / 4 - 1;
    8 * ((class % 4 + 5) << doubling)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_counts_what_went_past_and_forgets_nothing_it_can_no_longer_count() {
        for (tag, other) in [(2, 7), (7, 2)] {
            for count in 1..40 {
                let mut bucket = Bucket([0; 16]);
                bucket.pass(other);
                (0..count).for_each(|_| bucket.pass(tag));
                bucket.unpass(other);
                assert!(!bucket.is_passed(other) && bucket.is_passed(tag) && !bucket.is_end_for(tag));
                (0..count).for_each(|_| bucket.unpass(tag));
                assert_eq!(bucket.is_passed(tag), count >= 15, "{count}");
                assert!(bucket.is_end_for(other));
            }
        }
    }

    #[test]
    fn each_size_has_the_least_class_that_holds_it() {
        for size in 1..=HEAD + crate::LEN_MAX {
            let class = usize::from(class_of(size));
            assert!(stride_of(class) >= size, "{size}");
            assert!(class == 0 || stride_of(class - 1) < size, "{size}");
        }
    }
}
