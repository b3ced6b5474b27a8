//! Match results, grouped by worker and cached.

use core::hash::BuildHasher;
use core::ops::Range;
use std::sync::Arc;

use dunlin_subject::{Matches, Subject};
use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::{Interest, Target};

/// Who gets a message: the plain targets, grouped by worker, and the queue groups of which one member each gets it.
/// Shared between workers, so that a message is matched once wherever its targets live.
#[derive(Debug)]
pub struct Route {
    generation: u64,
    plain: Box<[Target]>,
    by_worker: Box<[Range<u32>]>,
    members: Box<[Target]>,
    groups: Box<[Range<u32>]>,
}

impl Route {
    fn new(matches: &Matches<Target>, workers: usize, generation: u64) -> Route {
        let mut plain: Box<[Target]> = matches.plain.as_slice().into();
        // The worker stands in a target's highest bits. Within a worker, slots in order mean memory in order.
        plain.sort_unstable_by_key(|target| (target.worker(), target.slot()));
        let mut by_worker = Vec::with_capacity(workers);
        let mut start = 0;
        for worker in 0..workers {
            let end = start + plain[start..].partition_point(|target| target.worker() == worker);
            by_worker.push(start as u32..end as u32);
            start = end;
        }
        let (mut members, mut groups) = (Vec::new(), Vec::new());
        for group in matches.groups() {
            let start = members.len() as u32;
            members.extend_from_slice(group);
            groups.push(start..members.len() as u32);
        }
        Route {
            generation,
            plain,
            by_worker: by_worker.into(),
            members: members.into(),
            groups: groups.into(),
        }
    }

    /// Whether nobody wants the message.
    pub fn is_empty(&self) -> bool {
        self.plain.is_empty() && self.groups.is_empty()
    }

    /// The plain targets that live in `worker`.
    pub fn plain(&self, worker: usize) -> &[Target] {
        match self.by_worker.get(worker) {
            Some(range) => &self.plain[range.start as usize..range.end as usize],
            None => &[],
        }
    }

    /// How many queue groups get the message.
    pub fn groups(&self) -> usize {
        self.groups.len()
    }

    /// The members of a queue group, of which one gets the message.
    pub fn group(&self, group: usize) -> &[Target] {
        match self.groups.get(group) {
            Some(range) => &self.members[range.start as usize..range.end as usize],
            None => &[],
        }
    }

    fn targets(&self) -> usize {
        self.plain.len() + self.members.len()
    }
}

struct Entry {
    subject: Box<[u8]>,
    route: Arc<Route>,
}

/// The routes of the subjects that a worker publishes to, good while the interest does not change.
///
/// Bounded: subjects come from the network, so a publisher that never repeats one must not make it grow.
pub struct RouteCache {
    workers: usize,
    entries: Vec<Entry>,
    by_subject: HashTable<u32>,
    hasher: RandomState,
    /// Bytes of subjects and targets held, to keep the whole bounded.
    size: usize,
    scratch: Matches<Target>,
    nobody: Arc<Route>,
}

/// The most entries that a cache holds.
const ENTRIES_MAX: usize = 8192;
/// The most bytes of subjects and targets that a cache holds.
const SIZE_MAX: usize = 8 << 20;

impl RouteCache {
    /// An empty cache of a server with this many workers.
    pub fn new(workers: usize) -> RouteCache {
        let scratch = Matches::new();
        let nobody = Arc::new(Route::new(&scratch, workers, 0));
        RouteCache {
            workers,
            entries: Vec::new(),
            by_subject: HashTable::new(),
            hasher: RandomState::default(),
            size: 0,
            scratch,
            nobody,
        }
    }

    /// Who gets a message published to `subject`. A subject that is not valid is wanted by nobody (reference: a PUB is
    /// checked in pedantic mode only).
    pub fn route(&mut self, subject: &[u8], interest: &Interest) -> Arc<Route> {
        let hash = self.hasher.hash_one(subject);
        let entries = &self.entries;
        let found = self.by_subject.find(hash, |&i| *entries[i as usize].subject == *subject).copied();
        if let Some(index) = found {
            let route = &self.entries[index as usize].route;
            if route.generation == interest.generation() {
                return Arc::clone(route);
            }
            return self.refresh(index as usize, interest);
        }
        self.insert(hash, subject, interest)
    }

    fn match_now(&mut self, subject: &[u8], interest: &Interest) -> Arc<Route> {
        match Subject::parse(subject) {
            Ok(subject) => {
                let generation = interest.matches(subject, &mut self.scratch);
                Arc::new(Route::new(&self.scratch, self.workers, generation))
            }
            Err(_) => Arc::clone(&self.nobody),
        }
    }

    fn refresh(&mut self, index: usize, interest: &Interest) -> Arc<Route> {
        let subject = core::mem::take(&mut self.entries[index].subject);
        let route = self.match_now(&subject, interest);
        let entry = &mut self.entries[index];
        self.size =
            self.size + route.targets() * size_of::<Target>() - entry.route.targets() * size_of::<Target>();
        *entry = Entry { subject, route: Arc::clone(&route) };
        route
    }

    fn insert(&mut self, hash: u64, subject: &[u8], interest: &Interest) -> Arc<Route> {
        let route = self.match_now(subject, interest);
        if self.entries.len() >= ENTRIES_MAX || self.size > SIZE_MAX {
            self.entries.clear();
            self.by_subject.clear();
            self.size = 0;
        }
        self.size += subject.len() + route.targets() * size_of::<Target>();
        let index = self.entries.len() as u32;
        self.entries.push(Entry { subject: subject.into(), route: Arc::clone(&route) });
        let (entries, hasher) = (&self.entries, &self.hasher);
        self.by_subject.insert_unique(hash, index, |&i| hasher.hash_one(&*entries[i as usize].subject));
        route
    }
}

#[cfg(test)]
mod tests {
    use dunlin_subject::Filter;

    use super::{ENTRIES_MAX, RouteCache};
    use crate::{Interest, Target};

    fn filter(text: &str) -> Filter<'_> {
        Filter::parse(text.as_bytes()).expect("a filter")
    }

    #[test]
    fn targets_are_grouped_by_worker() {
        let interest = Interest::with_seed(1);
        for (worker, slot) in [(1, 5), (0, 2), (2, 1), (0, 1)] {
            interest.insert(filter("a.*"), None, Target::new(worker, 0, slot));
        }
        interest.insert(filter("a.>"), Some(b"q"), Target::new(1, 0, 9));
        let mut cache = RouteCache::new(3);
        let route = cache.route(b"a.b", &interest);
        let slots = |worker| route.plain(worker).iter().map(|t| t.slot()).collect::<Vec<_>>();
        assert_eq!((slots(0), slots(1), slots(2), slots(3)), (vec![1, 2], vec![5], vec![1], vec![]));
        assert_eq!((route.groups(), route.group(0)), (1, &[Target::new(1, 0, 9)][..]));
    }

    #[test]
    fn a_change_of_interest_shows_at_once() {
        let interest = Interest::with_seed(1);
        let mut cache = RouteCache::new(1);
        assert!(cache.route(b"x", &interest).is_empty());
        interest.insert(filter("x"), None, Target::new(0, 0, 1));
        assert_eq!(cache.route(b"x", &interest).plain(0).len(), 1);
        interest.remove(filter("x"), None, Target::new(0, 0, 1));
        assert!(cache.route(b"x", &interest).is_empty());
    }

    #[test]
    fn an_invalid_subject_reaches_nobody() {
        let interest = Interest::with_seed(1);
        interest.insert(filter(">"), None, Target::new(0, 0, 1));
        assert!(RouteCache::new(1).route(b"a..b", &interest).is_empty());
    }

    #[test]
    fn it_does_not_grow_without_bound() {
        let interest = Interest::with_seed(1);
        let mut cache = RouteCache::new(1);
        for n in 0..3 * ENTRIES_MAX {
            cache.route(format!("s.{n}").as_bytes(), &interest);
        }
        assert!(cache.entries.len() <= ENTRIES_MAX);
    }
}
