use alloc::boxed::Box;
use alloc::vec::Vec;
use core::hash::Hash;

use hashbrown::HashTable;

use super::list::List;
use super::store::Ref;
use crate::hash::Keys;

/// Up to so many queue groups of one filter are searched from front to back.
const SCAN_MAX: usize = 8;

/// The values of one filter, where they are more than one plain value.
pub(super) struct Fan<T> {
    /// The record that this belongs to.
    pub(super) home: Ref,
    pub(super) plain: List<T>,
    groups: Vec<Group<T>>,
    /// Positions in `groups`, found by the hash of the name there.
    names: Option<Box<HashTable<u32>>>,
}

/// The members of one queue group, at least one.
pub(super) struct Group<T> {
    pub(super) name: Box<[u8]>,
    pub(super) members: List<T>,
}

impl<T: Copy + Eq + Hash> Fan<T> {
    pub(super) const fn new(home: Ref) -> Fan<T> {
        Fan { home, plain: List::new(), groups: Vec::new(), names: None }
    }

    pub(super) fn groups(&self) -> &[Group<T>] {
        &self.groups
    }

    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.plain.as_slice().is_empty()
    }

    /// The one value, if there is but one and it is plain.
    pub(super) fn single(&self) -> Option<T> {
        match self.plain.as_slice() {
            &[value] if self.groups.is_empty() => Some(value),
            _ => None,
        }
    }

    pub(super) fn insert_member(&mut self, keys: &Keys, queue: &[u8], value: T) -> bool {
        if let Some(at) = self.position(keys, queue) {
            return self.groups[at].members.insert(value);
        }
        let Ok(at) = u32::try_from(self.groups.len()) else { return false };
        let mut members = List::new();
        members.insert(value);
        if self.groups.is_empty() {
            self.groups.reserve_exact(1);
        }
        self.groups.push(Group { name: queue.into(), members });
        if let Some(names) = &mut self.names {
            names.insert_unique(keys.token(queue, 0), at, name_hash(keys, &self.groups));
        } else if self.groups.len() > SCAN_MAX {
            let mut names = HashTable::with_capacity(2 * self.groups.len());
            for (at, group) in (0..).zip(&self.groups) {
                names.insert_unique(keys.token(&group.name, 0), at, name_hash(keys, &self.groups));
            }
            self.names = Some(Box::new(names));
        }
        true
    }

    pub(super) fn remove_member(&mut self, keys: &Keys, queue: &[u8], value: T) -> bool {
        let Some(at) = self.position(keys, queue) else { return false };
        if !self.groups[at].members.remove(value) {
            return false;
        }
        if self.groups[at].members.as_slice().is_empty() {
            self.remove_group(keys, at);
        }
        true
    }

    fn remove_group(&mut self, keys: &Keys, hole: usize) {
        let last = self.groups.len() - 1;
        if let Some(names) = &mut self.names {
            let gone = keys.token(&self.groups[hole].name, 0);
            if let Ok(entry) = names.find_entry(gone, |&at| at as usize == hole) {
                entry.remove();
            }
            // The last group takes the free place.
            let moved = keys.token(&self.groups[last].name, 0);
            if hole < last
                && let Some(at) = names.find_mut(moved, |&at| at as usize == last)
            {
                *at = hole as u32;
            }
        }
        self.groups.swap_remove(hole);
        if self.groups.len() * 4 > self.groups.capacity() {
            return;
        }
        let wanted = self.groups.len() * 2;
        self.groups.shrink_to(wanted);
        if wanted <= SCAN_MAX {
            self.names = None;
        } else if let Some(names) = &mut self.names {
            names.shrink_to(wanted, name_hash(keys, &self.groups));
        }
    }

    fn position(&self, keys: &Keys, queue: &[u8]) -> Option<usize> {
        match &self.names {
            Some(names) => {
                let is_name = |&at: &u32| *self.groups[at as usize].name == *queue;
                names.find(keys.token(queue, 0), is_name).map(|&at| at as usize)
            }
            None => self.groups.iter().position(|group| *group.name == *queue),
        }
    }
}

fn name_hash<T>(keys: &Keys, groups: &[Group<T>]) -> impl Fn(&u32) -> u64 {
    |&at| keys.token(&groups[at as usize].name, 0)
}
