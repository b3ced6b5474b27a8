use alloc::boxed::Box;
use alloc::vec::Vec;
use core::hash::{BuildHasher, Hash};

use foldhash::fast::FixedState;
use hashbrown::HashTable;

/// Lists up to this long are searched from front to back.
const SCAN_MAX: usize = 32;

/// Values without order, each at most once. Long lists have an index, so that 100,000 subscribers of one filter can
/// leave one by one.
pub(super) struct List<T> {
    items: Vec<T>,
    /// Positions in `items`, found by the hash of the value there.
    index: Option<Box<HashTable<u32>>>,
}

impl<T: Copy + Eq + Hash> List<T> {
    pub(super) const fn new() -> List<T> {
        List { items: Vec::new(), index: None }
    }

    pub(super) fn as_slice(&self) -> &[T] {
        &self.items
    }

    pub(super) fn insert(&mut self, value: T) -> bool {
        if self.position(value).is_some() {
            return false;
        }
        let Ok(position) = u32::try_from(self.items.len()) else { return false };
        if self.items.is_empty() {
            self.items.reserve_exact(2);
        }
        self.items.push(value);
        let items = &self.items;
        if let Some(index) = &mut self.index {
            index.insert_unique(hash(value), position, |&at| hash(items[at as usize]));
        } else if items.len() > SCAN_MAX {
            let mut index = HashTable::with_capacity(2 * items.len());
            for (position, &item) in (0..).zip(items) {
                index.insert_unique(hash(item), position, |&at| hash(items[at as usize]));
            }
            self.index = Some(Box::new(index));
        }
        true
    }

    pub(super) fn remove(&mut self, value: T) -> bool {
        let Some(position) = self.position(value) else { return false };
        if let Some(index) = &mut self.index {
            let last = self.items.len() - 1;
            if let Ok(entry) = index.find_entry(hash(value), |&at| at as usize == position) {
                entry.remove();
            }
            // The last item takes the free place.
            if position < last
                && let Some(at) = index.find_mut(hash(self.items[last]), |&at| at as usize == last)
            {
                *at = position as u32;
            }
        }
        self.items.swap_remove(position);
        self.shrink();
        true
    }

    fn position(&self, value: T) -> Option<usize> {
        match &self.index {
            Some(index) => {
                let found = index.find(hash(value), |&at| self.items[at as usize] == value);
                found.map(|&at| at as usize)
            }
            None => self.items.iter().position(|&item| item == value),
        }
    }

    /// Gives memory back once three quarters of it are unused.
    fn shrink(&mut self) {
        if self.items.len() * 4 > self.items.capacity() {
            return;
        }
        let wanted = self.items.len() * 2;
        self.items.shrink_to(wanted);
        if wanted <= SCAN_MAX {
            self.index = None;
        } else if let Some(index) = &mut self.index {
            index.shrink_to(wanted, |&at| hash(self.items[at as usize]));
        }
    }
}

/// The values are the caller's own handles, not bytes from a peer, so this hash needs no secret.
fn hash<T: Hash>(value: T) -> u64 {
    FixedState::with_seed(0).hash_one(value)
}
