//! The subscriptions of an account, shared by all workers.

use core::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use dunlin_subject::{Filter, Matches, Subject, Sublist};

use crate::Target;

/// Which targets want which subjects.
///
/// This is the one structure that workers share and change. Workers read it only where their [`RouteCache`] has no
/// fresh answer, and write it when a subscription comes or goes; the generation is read without the lock.
///
/// [`RouteCache`]: crate::RouteCache
pub struct Interest {
    sublist: RwLock<Sublist<Target>>,
    generation: AtomicU64,
}

impl Interest {
    /// No interest yet. `seed` keys the hashes, so that peers cannot choose subjects that collide.
    pub fn with_seed(seed: u64) -> Interest {
        let sublist = Sublist::with_seed(seed);
        let generation = AtomicU64::new(sublist.generation());
        Interest { sublist: RwLock::new(sublist), generation }
    }

    /// Adds a target. When this returns, every later [`Interest::generation`] of any worker shows the change.
    pub fn insert(&self, filter: Filter<'_>, queue: Option<&[u8]>, target: Target) {
        self.change(|sublist| sublist.insert(filter, queue, target));
    }

    /// Takes a target out again.
    pub fn remove(&self, filter: Filter<'_>, queue: Option<&[u8]>, target: Target) {
        self.change(|sublist| sublist.remove(filter, queue, target));
    }

    fn change(&self, change: impl FnOnce(&mut Sublist<Target>) -> bool) {
        // A panic while the lock is held ends the process, so a poisoned lock is never met.
        let mut sublist = self.sublist.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut sublist);
        self.generation.store(sublist.generation(), Ordering::Release);
    }

    /// Changes with every change of interest. A match result is good for as long as this stays the same.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Writes all targets of `subject` to `out`, and returns the generation that the result belongs to.
    pub fn matches(&self, subject: Subject<'_>, out: &mut Matches<Target>) -> u64 {
        let sublist = self.sublist.read().unwrap_or_else(PoisonError::into_inner);
        sublist.matches(subject, out);
        sublist.generation()
    }

    /// How many subscriptions there are.
    pub fn len(&self) -> usize {
        self.sublist.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether there is no subscription.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
