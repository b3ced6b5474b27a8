//! The subscriptions of one worker.

use core::hash::BuildHasher;

use dunlin_subject::Filter;
use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::{Interest, Sid, SidTable, Target};

const NO_SLOT: u32 = u32::MAX;

/// A subscription of a connection.
pub struct Subscription {
    /// The connection that holds it: the worker's own index.
    pub conn: u32,
    generation: u32,
    /// Its sid.
    pub sid: Sid,
    /// Messages delivered so far.
    pub delivered: u64,
    /// Ends after this many deliveries; 0: never (nats: UNSUB with max).
    pub max: u64,
    next: u32,
    previous: u32,
    filter: Box<[u8]>,
    queue: Option<Box<[u8]>>,
}

impl Subscription {
    /// The filter as the client wrote it.
    pub fn filter(&self) -> &[u8] {
        &self.filter
    }

    /// The queue group it belongs to.
    pub fn queue(&self) -> Option<&[u8]> {
        self.queue.as_deref()
    }
}

/// What a client asked for with SUB.
#[derive(Clone, Copy)]
pub struct NewSubscription<'a> {
    /// The connection: the worker's own index.
    pub conn: u32,
    /// What it wants.
    pub filter: Filter<'a>,
    /// The queue group it joins.
    pub queue: Option<&'a [u8]>,
    /// The client's name for it.
    pub sid: &'a [u8],
}

/// Why a subscription was not added.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum AddError {
    /// The connection has a subscription with this sid; that one stays (nats: SUB).
    DuplicateSid,
}

/// The subscriptions of one worker: a slab, chained by connection, and found by (connection, sid).
///
/// Kept in step with the [`Interest`], which every worker shares.
pub struct Subscriptions {
    worker: u8,
    slots: Vec<Subscription>,
    free: Vec<u32>,
    by_sid: HashTable<u32>,
    hasher: RandomState,
    /// The sids' texts.
    pub sids: SidTable,
}

impl Subscriptions {
    /// No subscriptions yet. `worker` is what their targets will name.
    pub fn new(worker: u8) -> Subscriptions {
        Subscriptions {
            worker,
            slots: Vec::new(),
            free: Vec::new(),
            by_sid: HashTable::new(),
            hasher: RandomState::default(),
            sids: SidTable::default(),
        }
    }

    /// Adds a subscription, chains it to its connection through `head`, and makes its interest known.
    pub fn add(
        &mut self,
        new: NewSubscription<'_>,
        head: &mut Option<u32>,
        interest: &Interest,
    ) -> Result<(), AddError> {
        if self.find(new.conn, new.sid).is_some() {
            return Err(AddError::DuplicateSid);
        }
        let sid = self.sids.acquire(new.sid);
        let subscription = Subscription {
            conn: new.conn,
            generation: 0,
            sid,
            delivered: 0,
            max: 0,
            next: head.unwrap_or(NO_SLOT),
            previous: NO_SLOT,
            filter: new.filter.as_bytes().into(),
            queue: new.queue.map(Into::into),
        };
        let slot = match self.free.pop() {
            Some(slot) => {
                let generation = self.slots[slot as usize].generation;
                self.slots[slot as usize] = Subscription { generation, ..subscription };
                slot
            }
            None => {
                self.slots.push(subscription);
                (self.slots.len() - 1) as u32
            }
        };
        if let Some(next) = *head {
            self.slots[next as usize].previous = slot;
        }
        *head = Some(slot);
        let hash_of = |&slot: &u32| {
            let subscription = &self.slots[slot as usize];
            self.hasher.hash_one((subscription.conn, subscription.sid.as_u64()))
        };
        self.by_sid.insert_unique(hash_of(&slot), slot, hash_of);
        interest.insert(new.filter, new.queue, self.target(slot));
        Ok(())
    }

    fn target(&self, slot: u32) -> Target {
        Target::new(self.worker, self.slots[slot as usize].generation, slot)
    }

    /// The slot of a connection's subscription.
    pub fn find(&self, conn: u32, sid: &[u8]) -> Option<u32> {
        let sid = self.sids.find(sid)?;
        let hash = self.hasher.hash_one((conn, sid.as_u64()));
        let same = |&slot: &u32| {
            let subscription = &self.slots[slot as usize];
            subscription.conn == conn && subscription.sid == sid
        };
        self.by_sid.find(hash, same).copied()
    }

    /// The subscription in a slot that [`Subscriptions::find`] or [`Subscriptions::of`] gave.
    pub fn get_mut(&mut self, slot: u32) -> &mut Subscription {
        &mut self.slots[slot as usize]
    }

    /// The subscription that `target` names, unless it has ended.
    #[inline]
    pub fn target_mut(&mut self, target: Target) -> Option<&mut Subscription> {
        let subscription = self.slots.get_mut(target.slot() as usize)?;
        (subscription.conn != NO_SLOT && subscription.generation == target.generation())
            .then_some(subscription)
    }

    /// Ends a subscription: out of the interest, the chain of its connection, and the slab.
    pub fn remove(&mut self, slot: u32, head: &mut Option<u32>, interest: &Interest) {
        let target = self.target(slot);
        let subscription = &mut self.slots[slot as usize];
        // Every filter in the slab was parsed when it was added.
        if let Ok(filter) = Filter::parse(&subscription.filter) {
            interest.remove(filter, subscription.queue.as_deref(), target);
        }
        let hash = self.hasher.hash_one((subscription.conn, subscription.sid.as_u64()));
        if let Ok(entry) = self.by_sid.find_entry(hash, |&other| other == slot) {
            entry.remove();
        }
        self.sids.release(subscription.sid);
        let (next, previous) = (subscription.next, subscription.previous);
        subscription.conn = NO_SLOT;
        // The generation in a target has 24 bits, and so has this one: they are compared as they are.
        subscription.generation = (subscription.generation + 1) % (1 << 24);
        subscription.filter = Box::default();
        subscription.queue = None;
        match previous {
            NO_SLOT => *head = (next != NO_SLOT).then_some(next),
            _ => self.slots[previous as usize].next = next,
        }
        if next != NO_SLOT {
            self.slots[next as usize].previous = previous;
        }
        self.free.push(slot);
    }

    /// The slots of a connection's subscriptions, newest first.
    pub fn of(&self, head: Option<u32>) -> impl Iterator<Item = u32> {
        core::iter::successors(head, |&slot| {
            let next = self.slots[slot as usize].next;
            (next != NO_SLOT).then_some(next)
        })
    }

    /// The subscription in a slot.
    pub fn get(&self, slot: u32) -> &Subscription {
        &self.slots[slot as usize]
    }

    /// How many subscriptions the worker has.
    pub fn len(&self) -> usize {
        self.by_sid.len()
    }

    /// Whether the worker has no subscription.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use dunlin_subject::Filter;

    use super::{AddError, NewSubscription, Subscriptions};
    use crate::{Interest, RouteCache};

    fn new<'a>(conn: u32, filter: &'a str, sid: &'a str) -> NewSubscription<'a> {
        let filter = Filter::parse(filter.as_bytes()).expect("a filter");
        NewSubscription { conn, filter, queue: None, sid: sid.as_bytes() }
    }

    #[test]
    fn a_target_does_not_outlive_its_subscription() {
        let interest = Interest::with_seed(1);
        let mut subs = Subscriptions::new(0);
        let mut head = None;
        subs.add(new(1, "a", "1"), &mut head, &interest).expect("a new sid");
        let route = RouteCache::new(1).route(b"a", &interest);
        let target = route.plain(0)[0];
        assert!(subs.target_mut(target).is_some());
        let slot = subs.find(1, b"1").expect("it was added");
        subs.remove(slot, &mut head, &interest);
        assert!(subs.target_mut(target).is_none() && head.is_none() && interest.is_empty());
        subs.add(new(2, "a", "1"), &mut head, &interest).expect("a new sid");
        assert!(subs.target_mut(target).is_none(), "the slot has another tenant");
    }

    #[test]
    fn sids_belong_to_their_connection() {
        let interest = Interest::with_seed(1);
        let mut subs = Subscriptions::new(0);
        let (mut one, mut two) = (None, None);
        for sid in ["1", "a long sid indeed", "3"] {
            subs.add(new(1, "a", sid), &mut one, &interest).expect("a new sid");
            subs.add(new(2, "a", sid), &mut two, &interest).expect("a new sid");
            assert_eq!(subs.add(new(2, "b", sid), &mut two, &interest), Err(AddError::DuplicateSid));
        }
        assert_eq!(subs.of(one).count(), 3);
        // From the middle, the head and the end of the chain.
        for sid in ["a long sid indeed", "3", "1"] {
            let slot = subs.find(1, sid.as_bytes()).expect("it was added");
            subs.remove(slot, &mut one, &interest);
            assert_eq!(subs.find(1, sid.as_bytes()), None);
        }
        assert_eq!((subs.of(one).count(), subs.of(two).count(), interest.len()), (0, 3, 3));
    }
}
