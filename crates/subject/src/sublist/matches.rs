use alloc::vec::Vec;
use core::mem;

use super::walk::Scratch;

/// What [`Sublist::matches`](super::Sublist::matches) found. Reused from one call to the next, it stops allocating.
pub struct Matches<T> {
    /// The values of subscriptions without a queue, in no particular order: once for each matching filter that they are
    /// in the list with.
    pub plain: Vec<T>,
    pub(super) groups: Groups<T>,
    pub(super) scratch: Scratch,
}

/// Slices of `T` one after the other.
pub(super) struct Groups<T> {
    members: Vec<T>,
    /// Where in `members` each group ends.
    ends: Vec<usize>,
}

impl<T> Matches<T> {
    /// No matches. Allocates nothing.
    pub fn new() -> Matches<T> {
        let groups = Groups { members: Vec::new(), ends: Vec::new() };
        Matches { plain: Vec::new(), groups, scratch: Scratch::default() }
    }

    /// The queue groups, each as its members: one group for each pair of matching filter and queue name, never empty.
    pub fn groups(&self) -> impl Iterator<Item = &[T]> {
        let Groups { members, ends } = &self.groups;
        let mut start = 0;
        ends.iter().map(move |&end| &members[mem::replace(&mut start, end)..end])
    }

    /// Whether nothing matched.
    pub fn is_empty(&self) -> bool {
        self.plain.is_empty() && self.groups.ends.is_empty()
    }

    /// Forgets the matches, and keeps the memory.
    pub fn clear(&mut self) {
        self.plain.clear();
        self.groups.members.clear();
        self.groups.ends.clear();
    }
}

impl<T> Default for Matches<T> {
    fn default() -> Matches<T> {
        Matches::new()
    }
}

impl<T: Copy> Groups<T> {
    pub(super) fn push(&mut self, members: &[T]) {
        self.members.extend_from_slice(members);
        self.ends.push(self.members.len());
    }
}
