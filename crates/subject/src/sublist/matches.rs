use alloc::vec::Vec;
use core::mem;
use core::ops::Range;

use super::walk::Scratch;

/// What [`Sublist::matches`](super::Sublist::matches) found. Reused from one call to the next, it stops allocating.
pub struct Matches<T> {
    /// The values of subscriptions without a queue, in no particular order: once for each matching filter that they are
    /// in the list with.
    pub plain: Vec<T>,
    pub(super) groups: Groups<T>,
    pub(super) scratch: Scratch,
}

/// The members of queue groups, group by group.
pub(super) struct Groups<T> {
    members: Vec<T>,
    /// Where in `members` each group ends.
    ends: Vec<usize>,
    /// What has been pushed: a part of a group for each matching filter. Its name lies in `names`, its members in
    /// `unsorted`.
    parts: Vec<Part>,
    names: Vec<u8>,
    unsorted: Vec<T>,
}

struct Part {
    name: Range<usize>,
    members: Range<usize>,
}

impl<T> Matches<T> {
    /// No matches. Allocates nothing.
    pub fn new() -> Matches<T> {
        let groups = Groups {
            members: Vec::new(),
            ends: Vec::new(),
            parts: Vec::new(),
            names: Vec::new(),
            unsorted: Vec::new(),
        };
        Matches { plain: Vec::new(), groups, scratch: Scratch::default() }
    }

    /// The queue groups, each as its members, never empty: one group for each queue name, over all matching filters. A
    /// value that is in a group with several of them is there as often.
    pub fn groups(&self) -> impl Iterator<Item = &[T]> {
        let Groups { members, ends, .. } = &self.groups;
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
        self.groups.parts.clear();
        self.groups.names.clear();
        self.groups.unsorted.clear();
    }
}

impl<T> Default for Matches<T> {
    fn default() -> Matches<T> {
        Matches::new()
    }
}

impl<T: Copy> Groups<T> {
    /// Adds the members that one matching filter has in a group.
    pub(super) fn push(&mut self, name: &[u8], members: &[T]) {
        let (name_start, start) = (self.names.len(), self.unsorted.len());
        self.names.extend_from_slice(name);
        self.unsorted.extend_from_slice(members);
        self.parts.push(Part { name: name_start..self.names.len(), members: start..self.unsorted.len() });
    }

    /// Puts the parts of each group together, once all have been pushed.
    pub(super) fn join(&mut self) {
        let Groups { members, ends, parts, names, unsorted } = self;
        let name = |part: &Part| &names[part.name.clone()];
        parts.sort_unstable_by(|a, b| name(a).cmp(name(b)));
        for group in parts.chunk_by(|a, b| name(a) == name(b)) {
            group.iter().for_each(|part| members.extend_from_slice(&unsorted[part.members.clone()]));
            ends.push(members.len());
        }
    }
}
