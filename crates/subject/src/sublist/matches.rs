use alloc::vec::Vec;

use super::walk::Scratch;

/// What [`Sublist::matches`](super::Sublist::matches) found. Reused from one call to the next, it stops allocating.
#[derive(Default)]
pub struct Matches<T> {
    /// The values of subscriptions without a queue, in no particular order: once for each matching filter that they are
    /// in the list with.
    pub plain: Vec<T>,
    /// The members of all groups, one group after the other.
    members: Vec<T>,
    /// Where in `members` each group ends.
    ends: Vec<usize>,
    pub(super) scratch: Scratch,
}

impl<T> Matches<T> {
    /// No matches.
    pub fn new() -> Matches<T> {
        Matches { plain: Vec::new(), members: Vec::new(), ends: Vec::new(), scratch: Scratch::default() }
    }

    /// The queue groups, each as its members: one group for each pair of matching filter and queue name, never empty.
    pub fn groups(&self) -> impl Iterator<Item = &[T]> {
        let mut start = 0;
        self.ends.iter().map(move |&end| &self.members[core::mem::replace(&mut start, end)..end])
    }

    /// Whether nothing matched.
    pub fn is_empty(&self) -> bool {
        self.plain.is_empty() && self.ends.is_empty()
    }

    /// Forgets the matches, and keeps the memory.
    pub fn clear(&mut self) {
        self.plain.clear();
        self.members.clear();
        self.ends.clear();
    }
}

impl<T: Copy> Matches<T> {
    pub(super) fn push_group(&mut self, members: &[T]) {
        self.members.extend_from_slice(members);
        self.ends.push(self.members.len());
    }
}
