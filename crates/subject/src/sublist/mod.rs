//! The list of subscriptions.

mod fan;
mod list;
mod matches;
mod prefixes;
mod records;
mod shapes;
mod table;
mod walk;

use alloc::vec::Vec;
use core::hash::Hash;

use self::fan::Fan;
pub use self::matches::Matches;
use self::prefixes::Prefixes;
use self::records::{Records, Ref, SINGLE};
use self::shapes::{Shapes, tree_of, wildcards};
use self::table::Table;
use self::walk::Scratch;
use crate::hash::Keys;
use crate::{Filter, Subject};

/// Subscriptions, found by the subjects that their filters match.
pub struct Sublist<T> {
    keys: Keys,
    /// All distinct filters.
    records: Records<T>,
    /// The records by the keys of their filters.
    table: Table,
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
            records: Records::new(),
            table: Table::new(),
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
        let key = key_of(&self.keys, filter);
        let done = match self.find(key, |bytes| bytes == filter.as_bytes()) {
            Some(record) => self.insert_value(record, queue, value),
            None => self.insert_filter(filter, key, queue, value),
        };
        self.len += usize::from(done);
        self.generation = self.generation.wrapping_add(u64::from(done));
        done
    }

    /// Takes a subscription out. `false`, and nothing has changed: there is no such subscription.
    pub fn remove(&mut self, filter: Filter<'_>, queue: Option<&[u8]>, value: T) -> bool {
        let key = key_of(&self.keys, filter);
        let Some(record) = self.find(key, |bytes| bytes == filter.as_bytes()) else { return false };
        if !self.remove_value(filter, record, queue, value) {
            return false;
        }
        self.len -= 1;
        self.generation = self.generation.wrapping_add(1);
        true
    }

    /// Writes the values of all subscriptions that match to `out`, in the place of what was there.
    pub fn matches(&self, subject: Subject<'_>, out: &mut Matches<T>) {
        out.clear();
        let Matches { plain, groups, scratch } = out;
        self.search(subject, scratch, |record| {
            match self.records.fan(record) {
                SINGLE => plain.push(self.records.value(record)),
                fan => {
                    let fan = &self.fans[fan as usize];
                    plain.extend_from_slice(fan.plain.as_slice());
                    fan.groups().iter().for_each(|group| groups.push(group.members.as_slice()));
                }
            }
            true
        });
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
        self.records.iter().flat_map(move |record| {
            let filter = Filter::of_checked(self.records.filter(record));
            let fan = self.records.fan(record);
            let single = (fan == SINGLE).then(|| self.records.value(record));
            let fan = self.fans.get(fan as usize);
            let plain = single.into_iter().chain(fan.into_iter().flat_map(|fan| fan.plain.as_slice()).copied());
            let groups = fan.into_iter().flat_map(Fan::groups).flat_map(|group| {
                group.members.as_slice().iter().map(|&value| (Some(&*group.name), value))
            });
            plain
                .map(|value| (None, value))
                .chain(groups)
                .map(move |(queue, value)| Entry { filter, queue, value })
        })
    }

    fn insert_filter(&mut self, filter: Filter<'_>, key: u64, queue: Option<&[u8]>, value: T) -> bool {
        let wild = !filter.is_literal();
        if wild && !self.shapes.insert(filter) {
            return false;
        }
        let Some(record) = self.records.push(filter.as_bytes(), value, SINGLE) else {
            if wild {
                self.shapes.remove(filter);
            }
            return false;
        };
        let Sublist { keys, records, table, .. } = self;
        table.insert(key, record, records_with_keys(keys, records));
        if wild {
            prefix_keys(keys, filter, |key| self.prefixes.insert(key));
        } else {
            self.literals += 1;
        }
        if let Some(queue) = queue {
            let fan = self.add_fan(record);
            self.fans[fan].insert_member(&self.keys, queue, value);
        }
        true
    }

    fn insert_value(&mut self, record: Ref, queue: Option<&[u8]>, value: T) -> bool {
        let mut fan = self.records.fan(record) as usize;
        if fan == SINGLE as usize {
            let single = self.records.value(record);
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
        self.records.set_fan(record, fan as u32);
        fan
    }

    fn remove_value(&mut self, filter: Filter<'_>, record: Ref, queue: Option<&[u8]>, value: T) -> bool {
        let at = self.records.fan(record);
        let Some(fan) = self.fans.get_mut(at as usize) else {
            let found = queue.is_none() && self.records.value(record) == value;
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
            self.records.set_value(record, single);
            self.records.set_fan(record, SINGLE);
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
            self.records.set_fan(moved.home, at);
        }
        if self.fans.len() * 4 <= self.fans.capacity() {
            self.fans.shrink_to(self.fans.len() * 2);
        }
    }

    fn remove_filter(&mut self, filter: Filter<'_>, record: Ref) {
        let Sublist { keys, records, table, .. } = self;
        table.remove(key_of(keys, filter), record);
        if let Some(moved) = records.swap_remove(record) {
            let key = key_of(keys, Filter::of_checked(records.filter(record)));
            table.rename(key, moved, record);
            if let Some(fan) = self.fans.get_mut(records.fan(record) as usize) {
                fan.home = record;
            }
        }
        table.shrink(records_with_keys(keys, records));
        if filter.is_literal() {
            self.literals -= 1;
        } else {
            self.shapes.remove(filter);
            prefix_keys(keys, filter, |key| self.prefixes.remove(key));
        }
    }
}

impl<T: Copy> Sublist<T> {
    /// The record of a filter with this key whose bytes are `right`.
    #[inline]
    fn find(&self, key: u64, right: impl Fn(&[u8]) -> bool) -> Option<Ref> {
        self.table.find(key, |record| right(self.records.filter(record)))
    }
}

impl<T: Copy + Eq + Hash> Default for Sublist<T> {
    fn default() -> Sublist<T> {
        Sublist::new()
    }
}

fn records_with_keys<T: Copy>(keys: &Keys, records: &Records<T>) -> impl Iterator<Item = (u64, Ref)> {
    records.iter().map(|record| (key_of(keys, Filter::of_checked(records.filter(record))), record))
}

/// The key of a filter.
fn key_of(keys: &Keys, filter: Filter<'_>) -> u64 {
    let numbers = filter.tokens().enumerate().map(|(place, token)| number_of(keys, token, place));
    numbers.fold(0, u64::wrapping_add)
}

/// The keys of a filter's beginnings, each up to a wildcard that is not the last one.
fn prefix_keys(keys: &Keys, filter: Filter<'_>, mut each: impl FnMut(u64)) {
    let mut left = wildcards(filter).count();
    let mut sum = keys.shape(tree_of(filter));
    for (place, token) in filter.tokens().enumerate() {
        sum = sum.wrapping_add(number_of(keys, token, place));
        if token == b"*" || token == b">" {
            left -= 1;
            if left == 0 {
                return;
            }
            each(sum);
        }
    }
}

fn number_of(keys: &Keys, token: &[u8], place: usize) -> u64 {
    match token {
        b"*" => keys.star(place),
        b">" => keys.tail(place),
        literal => keys.token(literal, place),
    }
}
