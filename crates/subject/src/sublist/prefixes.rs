use hashbrown::HashTable;

/// Which beginnings, up to a wildcard, filters have.
///
/// This only tells where it is no use to look further, so 32 bits of a beginning's key stand for it: two beginnings
/// that share them cost a vain search, not a wrong result.
pub(super) struct Prefixes {
    table: HashTable<Prefix>,
}

struct Prefix {
    key: u32,
    /// The number of filters that begin so.
    count: u32,
}

impl Prefixes {
    pub(super) const fn new() -> Prefixes {
        Prefixes { table: HashTable::new() }
    }

    #[inline]
    pub(super) fn contains(&self, key: u64) -> bool {
        let key = key as u32;
        self.table.find(spread(key), |prefix| prefix.key == key).is_some()
    }

    pub(super) fn insert(&mut self, key: u64) {
        let key = key as u32;
        match self.table.find_mut(spread(key), |prefix| prefix.key == key) {
            Some(prefix) => prefix.count += 1,
            None => {
                self.table.insert_unique(spread(key), Prefix { key, count: 1 }, |prefix| spread(prefix.key));
            }
        }
    }

    pub(super) fn remove(&mut self, key: u64) {
        let key = key as u32;
        if let Ok(mut entry) = self.table.find_entry(spread(key), |prefix| prefix.key == key) {
            entry.get_mut().count -= 1;
            if entry.get().count > 0 {
                return;
            }
            entry.remove();
            if self.table.len() * 4 <= self.table.capacity() {
                self.table.shrink_to(self.table.len() * 2, |prefix| spread(prefix.key));
            }
        }
    }
}

/// The hash table takes the place from the low bits and a tag from the high ones.
#[inline]
fn spread(key: u32) -> u64 {
    u64::from(key) << 32 | u64::from(key)
}
