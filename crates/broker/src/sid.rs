//! Subscription identifiers as fixed-size keys.

use core::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

/// A subscription identifier (nats: the `sid` of SUB) in eight bytes.
///
/// Two connections that chose the same sid have equal keys, so delivery lists can be compared without looking at the
/// text. Up to seven bytes are held in the key itself; a longer sid is held by the [`SidTable`] and named by index.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Sid([u8; 8]);

const INTERNED: u8 = 0xff;

impl Sid {
    /// The key that stands where there is no sid.
    pub const NONE: Sid = Sid([0; 8]);

    fn inline(bytes: &[u8]) -> Option<Sid> {
        if bytes.len() > 7 {
            return None;
        }
        let mut key = [0; 8];
        key[..bytes.len()].copy_from_slice(bytes);
        key[7] = bytes.len() as u8;
        Some(Sid(key))
    }

    fn interned(index: u32) -> Sid {
        let [a, b, c, d] = index.to_le_bytes();
        Sid([a, b, c, d, 0, 0, 0, INTERNED])
    }

    fn index(self) -> Option<u32> {
        let [a, b, c, d, _, _, _, tag] = self.0;
        (tag == INTERNED).then(|| u32::from_le_bytes([a, b, c, d]))
    }

    /// The key as a number, for hashing.
    pub fn as_u64(self) -> u64 {
        u64::from_le_bytes(self.0)
    }
}

struct Entry {
    text: Box<[u8]>,
    uses: usize,
}

/// The texts of the sids that do not fit into a [`Sid`].
///
/// A text stays until the end of the turn in which its last use ended ([`SidTable::sweep`]), because delivery lists of
/// the turn may still name it.
#[derive(Default)]
pub struct SidTable {
    entries: Vec<Entry>,
    free: Vec<u32>,
    released: Vec<u32>,
    by_text: HashTable<u32>,
    hasher: RandomState,
}

impl SidTable {
    /// The key of a sid already in use, or `None` where nobody uses it.
    pub fn find(&self, text: &[u8]) -> Option<Sid> {
        Sid::inline(text).or_else(|| {
            let entries = &self.entries;
            let found =
                self.by_text.find(self.hasher.hash_one(text), |&i| &*entries[i as usize].text == text)?;
            Some(Sid::interned(*found))
        })
    }

    /// The key of a sid, counted as one more use.
    pub fn acquire(&mut self, text: &[u8]) -> Sid {
        if let Some(sid) = self.find(text) {
            if let Some(index) = sid.index() {
                self.entries[index as usize].uses += 1;
            }
            return sid;
        }
        let entry = Entry { text: text.into(), uses: 1 };
        let index = match self.free.pop() {
            Some(index) => {
                self.entries[index as usize] = entry;
                index
            }
            None => {
                self.entries.push(entry);
                (self.entries.len() - 1) as u32
            }
        };
        let (entries, hasher) = (&self.entries, &self.hasher);
        self.by_text
            .insert_unique(hasher.hash_one(text), index, |&i| hasher.hash_one(&*entries[i as usize].text));
        Sid::interned(index)
    }

    /// Ends one use of a key.
    pub fn release(&mut self, sid: Sid) {
        if let Some(index) = sid.index() {
            self.entries[index as usize].uses -= 1;
            if self.entries[index as usize].uses == 0 {
                self.released.push(index);
            }
        }
    }

    /// Forgets the texts that nobody uses any more. Called between turns.
    pub fn sweep(&mut self) {
        while let Some(index) = self.released.pop() {
            let entry = &mut self.entries[index as usize];
            // An entry may have come back into use, or stand in the list twice and be gone already.
            if entry.uses > 0 || entry.text.is_empty() {
                continue;
            }
            let hash = self.hasher.hash_one(&*entry.text);
            entry.text = Box::default();
            if let Ok(found) = self.by_text.find_entry(hash, |&i| i == index) {
                found.remove();
            }
            self.free.push(index);
        }
    }

    /// The length of the text of `sid`, in bytes.
    #[inline]
    pub fn text_len(&self, sid: Sid) -> usize {
        match sid.0[7] {
            INTERNED => self.text(&sid).len(),
            len => usize::from(len),
        }
    }

    /// The text of `sid`.
    pub fn text<'a>(&'a self, sid: &'a Sid) -> &'a [u8] {
        match sid.index() {
            Some(index) => &self.entries[index as usize].text,
            None => &sid.0[..usize::from(sid.0[7]).min(7)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SidTable;

    #[test]
    fn equal_texts_have_equal_keys_and_come_back() {
        let mut table = SidTable::default();
        for text in ["1", "1234567", "12345678", "a sid that is long", "12345678"] {
            let sid = table.acquire(text.as_bytes());
            assert_eq!(table.text(&sid), text.as_bytes());
            assert_eq!(table.find(text.as_bytes()), Some(sid));
        }
        assert_eq!(table.entries.len(), 2);
    }

    #[test]
    fn a_long_sid_lives_until_the_sweep_after_its_last_use() {
        let mut table = SidTable::default();
        let sid = table.acquire(b"0123456789");
        table.acquire(b"0123456789");
        table.release(sid);
        table.sweep();
        assert_eq!(table.find(b"0123456789"), Some(sid));
        table.release(sid);
        assert_eq!(table.text(&sid), b"0123456789");
        // Back in use before the sweep, and out again: it stands in the released list twice.
        table.acquire(b"0123456789");
        table.release(sid);
        table.sweep();
        assert_eq!(table.find(b"0123456789"), None);
        let other = table.acquire(b"another long one");
        assert_eq!(table.text(&other), b"another long one");
        assert_eq!(table.entries.len(), 1);
    }
}
