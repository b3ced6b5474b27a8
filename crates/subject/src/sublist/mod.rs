//! The list of subscriptions.

mod fan;
mod list;
mod matches;
mod prefixes;
mod shapes;
mod store;
mod walk;

use alloc::vec::Vec;
use core::hash::Hash;

use self::fan::Fan;
pub use self::matches::Matches;
use self::prefixes::Prefixes;
use self::shapes::{Shapes, tree_of};
use self::store::{Key, Ref, SINGLE, Store};
use self::walk::Scratch;
use crate::hash::Keys;
use crate::subject::is_wildcard;
use crate::{Filter, Subject};

/// Subscriptions, found by the subjects that their filters match.
pub struct Sublist<T> {
    keys: Keys,
    /// The distinct filters.
    store: Store<T>,
    /// The values of filters that have more than one plain value.
    fans: Vec<Fan<T>>,
    /// Which places have wildcards.
    shapes: Shapes,
    /// Which patterns before a wildcard exist.
    prefixes: Prefixes,
    /// The number of filters without a wildcard.
    literals: usize,
    len: usize,
    generation: u64,
}

/// A subscription in a [`Sublist`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry<'a, T> {
    /// The subjects it is for.
    pub filter: Filter<'a>,
    /// The name of its queue group, if it is in one.
    pub queue: Option<&'a [u8]>,
    /// Whose it is.
    pub value: T,
}

impl<T: Copy + Eq + Hash> Sublist<T> {
    /// An empty list with a fixed seed: for filters and subjects that no adversary chooses. Allocates nothing.
    pub fn new() -> Sublist<T> {
        Sublist::with_seed(0)
    }

    /// An empty list. `seed` should be random and secret where subjects or filters come from a network: whoever knows it
    /// can choose filters that collide in the hash tables.
    pub fn with_seed(seed: u64) -> Sublist<T> {
        Sublist {
            keys: Keys::new(seed),
            store: Store::new(),
            fans: Vec::new(),
            shapes: Shapes::new(),
            prefixes: Prefixes::new(),
            literals: 0,
            len: 0,
            generation: 0,
        }
    }

    /// Adds a subscription. `false`, and nothing has changed: it is there already.
    pub fn insert(&mut self, filter: Filter<'_>, queue: Option<&[u8]>, value: T) -> bool {
        let done = match self.find(filter) {
            Some(record) => self.insert_value(record, queue, value),
            None => self.insert_filter(filter, queue, value),
        };
        self.len += usize::from(done);
        self.generation = self.generation.wrapping_add(u64::from(done));
        done
    }

    /// Takes a subscription out. `false`, and nothing has changed: there is no such subscription.
    pub fn remove(&mut self, filter: Filter<'_>, queue: Option<&[u8]>, value: T) -> bool {
        let Some(record) = self.find(filter) else { return false };
        if !self.remove_value(filter, record, queue, value) {
            return false;
        }
        self.len -= 1;
        self.generation = self.generation.wrapping_add(1);
        true
    }

    /// Writes the values of all subscriptions that match to `out`, in the place of what was there. Queue groups of one name
    /// are one group, over all matching filters, as in nats-server.
    pub fn matches(&self, subject: Subject<'_>, out: &mut Matches<T>) {
        out.clear();
        let Matches { plain, groups, scratch } = out;
        self.search(subject, scratch, |record| {
            match self.store.fan(record) {
                SINGLE => plain.push(self.store.value(record)),
                fan => {
                    let fan = &self.fans[fan as usize];
                    plain.extend_from_slice(fan.plain.as_slice());
                    fan.groups().iter().for_each(|group| groups.push(&group.name, group.members.as_slice()));
                }
            }
            true
        });
        out.groups.join();
    }

    /// Whether any subscription matches. It stops at the first one.
    pub fn has_interest(&self, subject: Subject<'_>) -> bool {
        let mut interest = false;
        self.search(subject, &mut Scratch::default(), |_| {
            interest = true;
            false
        });
        interest
    }

    /// Changes with every change to the list. A result of [`Sublist::matches`] is good for as long as this is the same.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The number of subscriptions.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no subscription.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All subscriptions, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = Entry<'_, T>> {
        self.store.iter().flat_map(move |record| {
            let filter = Filter::of_checked(self.store.filter(record));
            let fan = self.store.fan(record);
            let single = (fan == SINGLE).then(|| self.store.value(record));
            let fan = self.fans.get(fan as usize);
            let plain =
                single.into_iter().chain(fan.into_iter().flat_map(|fan| fan.plain.as_slice()).copied());
            let groups = fan
                .into_iter()
                .flat_map(Fan::groups)
                .flat_map(|group| group.members.as_slice().iter().map(|&value| (Some(&*group.name), value)));
            plain.map(|value| (None, value)).chain(groups).map(move |(queue, value)| Entry {
                filter,
                queue,
                value,
            })
        })
    }

    fn insert_filter(&mut self, filter: Filter<'_>, queue: Option<&[u8]>, value: T) -> bool {
        if filter.is_literal() {
            self.literals += 1;
        } else if self.shapes.insert(filter) {
            prefixes(&self.keys, filter, |sum| self.prefixes.insert(sum));
        } else {
            return false;
        }
        let fans = &mut self.fans;
        let record = self.store.insert(&self.keys, filter, value, |fan, home| fans[fan as usize].home = home);
        if let Some(queue) = queue {
            let fan = self.add_fan(record);
            self.fans[fan].insert_member(&self.keys, queue, value);
        }
        true
    }

    fn insert_value(&mut self, record: Ref, queue: Option<&[u8]>, value: T) -> bool {
        let mut fan = self.store.fan(record) as usize;
        if fan == SINGLE as usize {
            let single = self.store.value(record);
            if queue.is_none() && single == value {
                return false;
            }
            fan = self.add_fan(record);
            self.fans[fan].plain.insert(single);
        }
        match queue {
            Some(queue) => self.fans[fan].insert_member(&self.keys, queue, value),
            None => self.fans[fan].plain.insert(value),
        }
    }

    /// Gives a record a fan-out without values. There is a number for each: there are not more of them than records.
    fn add_fan(&mut self, record: Ref) -> usize {
        let fan = self.fans.len();
        self.fans.push(Fan::new(record));
        self.store.set_fan(record, fan as u32);
        fan
    }

    fn remove_value(&mut self, filter: Filter<'_>, record: Ref, queue: Option<&[u8]>, value: T) -> bool {
        let at = self.store.fan(record);
        let Some(fan) = self.fans.get_mut(at as usize) else {
            let found = queue.is_none() && self.store.value(record) == value;
            if found {
                self.remove_filter(filter, record);
            }
            return found;
        };
        let found = match queue {
            Some(queue) => fan.remove_member(&self.keys, queue, value),
            None => fan.plain.remove(value),
        };
        let (single, empty) = (fan.single(), fan.is_empty());
        if let Some(single) = single {
            self.store.set_value(record, single);
            self.store.set_fan(record, SINGLE);
        }
        if single.is_some() || empty {
            self.remove_fan(at);
        }
        if empty {
            self.remove_filter(filter, record);
        }
        found
    }

    fn remove_fan(&mut self, at: u32) {
        self.fans.swap_remove(at as usize);
        if let Some(moved) = self.fans.get(at as usize) {
            self.store.set_fan(moved.home, at);
        }
        if self.fans.len() * 4 <= self.fans.capacity() {
            self.fans.shrink_to(self.fans.len() * 2);
        }
    }

    fn remove_filter(&mut self, filter: Filter<'_>, record: Ref) {
        if filter.is_literal() {
            self.literals -= 1;
        } else {
            self.shapes.remove(filter);
            prefixes(&self.keys, filter, |sum| self.prefixes.remove(sum));
        }
        let fans = &mut self.fans;
        self.store.remove(&self.keys, record, |fan, home| fans[fan as usize].home = home);
    }

    fn find(&self, filter: Filter<'_>) -> Option<Ref> {
        let bytes = filter.as_bytes();
        self.store.find(Key { sum: self.keys.filter(filter), len: bytes.len() }, |other| other == bytes)
    }
}

impl<T: Copy + Eq + Hash> Default for Sublist<T> {
    fn default() -> Sublist<T> {
        Sublist::new()
    }
}

/// The sums of a filter's beginnings, each up to a `*` that is not the last wildcard.
fn prefixes(keys: &Keys, filter: Filter<'_>, mut each: impl FnMut(u64)) {
    let mut left = filter.tokens().filter(|token| is_wildcard(token)).count();
    let mut sum = keys.shape(tree_of(filter));
    for (token, number) in filter.tokens().zip(keys.tokens(filter)) {
        sum = sum.wrapping_add(number);
        if is_wildcard(token) {
            left -= 1;
            if left == 0 {
                return;
            }
            each(sum);
        }
    }
}
