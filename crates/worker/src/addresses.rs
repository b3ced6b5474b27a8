//! How many connections and handshakes each address has, for all workers.

use core::hash::BuildHasher as _;
use core::net::IpAddr;
use core::time::Duration;
use std::collections::HashMap;
use std::hash::RandomState;
use std::sync::{Mutex, MutexGuard, PoisonError};

use dunlin_session::Instant;

use crate::Listener;
use crate::rate::Bucket;

/// Workers that look at different addresses seldom meet.
const SHARDS: usize = 16;
/// The most addresses that are known at a time. Beyond that, those that are not connected are forgotten first, and further ones
/// are let in without being counted: a flood from everywhere is not for these limits to stop. About 6 MB.
const ENTRIES_MAX: usize = 1 << 17;

/// An address at a listener. An IPv6 address stands for its /64, of which one customer has all.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct AddressKey {
    listener: Listener,
    is_v6: bool,
    bits: u64,
}

impl AddressKey {
    pub(crate) fn new(listener: Listener, ip: IpAddr) -> AddressKey {
        match ip.to_canonical() {
            IpAddr::V4(ip) => AddressKey { listener, is_v6: false, bits: ip.to_bits().into() },
            IpAddr::V6(ip) => AddressKey { listener, is_v6: true, bits: (ip.to_bits() >> 64) as u64 },
        }
    }
}

#[derive(Default, Debug)]
struct Entry {
    connections: u32,
    handshakes: Bucket,
}

impl Entry {
    fn is_idle(&self, now: Instant) -> bool {
        self.connections == 0 && self.handshakes.is_full(now)
    }
}

/// The addresses that are connected, or were a moment ago.
pub(crate) struct Addresses {
    shards: [Mutex<HashMap<AddressKey, Entry>>; SHARDS],
    hasher: RandomState,
    entries_max: usize,
}

/// What became of a connection that is to be counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Admission {
    /// It is counted, and has to be [left](Addresses::leave).
    Counted,
    /// The table is full: it is let in all the same.
    Uncounted,
    /// The address has as many as it may have.
    Refused,
}

impl Default for Addresses {
    fn default() -> Addresses {
        Addresses::with_entries_max(ENTRIES_MAX)
    }
}

impl Addresses {
    fn with_entries_max(entries_max: usize) -> Addresses {
        Addresses { shards: Default::default(), hasher: RandomState::new(), entries_max }
    }

    fn shard(&self, key: AddressKey) -> MutexGuard<'_, HashMap<AddressKey, Entry>> {
        let at = self.hasher.hash_one(key) as usize % SHARDS;
        self.shards[at].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The entry of an address, made where there is room for it.
    fn with<R>(&self, key: AddressKey, now: Instant, call: impl FnOnce(Option<&mut Entry>) -> R) -> R {
        let mut shard = self.shard(key);
        let max = self.entries_max / SHARDS;
        if shard.len() >= max && !shard.contains_key(&key) {
            shard.retain(|_, entry| !entry.is_idle(now));
            if shard.len() >= max {
                return call(None);
            }
        }
        call(Some(shard.entry(key).or_default()))
    }

    /// Counts a connection more, where the address has fewer than `max`.
    pub(crate) fn enter(&self, key: AddressKey, now: Instant, max: u32) -> Admission {
        self.with(key, now, |entry| match entry {
            None => Admission::Uncounted,
            Some(entry) if entry.connections >= max => Admission::Refused,
            Some(entry) => {
                entry.connections += 1;
                Admission::Counted
            }
        })
    }

    /// Counts a connection less.
    pub(crate) fn leave(&self, key: AddressKey, now: Instant) {
        let mut shard = self.shard(key);
        let Some(entry) = shard.get_mut(&key) else { return };
        entry.connections = entry.connections.saturating_sub(1);
        if entry.is_idle(now) {
            shard.remove(&key);
        }
        // A table that a flood has filled gives its memory back.
        if shard.capacity() > 1024 && shard.len() < shard.capacity() / 8 {
            shard.retain(|_, entry| !entry.is_idle(now));
            shard.shrink_to_fit();
        }
    }

    /// Counts a handshake, if the address may have one now.
    pub(crate) fn admit_handshake(
        &self,
        key: AddressKey,
        now: Instant,
        per_second: u32,
        burst: Duration,
    ) -> bool {
        self.with(key, now, |entry| entry.is_none_or(|entry| entry.handshakes.take(now, per_second, burst)))
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().map_or(0, |shard| shard.len())).sum()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const BURST: Duration = Duration::from_secs(1);

    fn key(ip: &str) -> AddressKey {
        AddressKey::new(Listener::WebSocket, ip.parse().unwrap())
    }

    fn at(milliseconds: u64) -> Instant {
        Instant::from_nanos(milliseconds * 1_000_000)
    }

    #[test]
    fn an_address_is_a_customer() {
        for (one, other, are_same) in [
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("2001:db8::1", "2001:db8::ffff:1:2:3", true),
            ("2001:db8::1", "2001:db8:0:1::1", false),
            ("0.0.0.1", "::1", false),
        ] {
            assert_eq!(key(one) == key(other), are_same, "{one} {other}");
        }
        assert_ne!(key("192.0.2.1"), AddressKey::new(Listener::Nats, "192.0.2.1".parse().unwrap()));
    }

    #[test]
    fn connections_are_counted_and_forgotten() {
        let table = Addresses::default();
        let (one, other) = (key("192.0.2.1"), key("192.0.2.2"));
        let enter = |key| table.enter(key, at(0), 2);
        assert_eq!(
            [enter(one), enter(one), enter(one)],
            [Admission::Counted, Admission::Counted, Admission::Refused]
        );
        assert_eq!(enter(other), Admission::Counted);
        table.leave(one, at(0));
        assert_eq!(enter(one), Admission::Counted);
        for key in [one, one, other] {
            table.leave(key, at(0));
        }
        assert_eq!(table.len(), 0);
        // What nobody counted cannot be left.
        table.leave(one, at(0));
        assert_eq!(table.len(), 0);
    }

    #[test]
    fn handshakes_are_remembered_for_as_long_as_they_matter() {
        let table = Addresses::default();
        let one = key("192.0.2.1");
        let admitted = (0..10).filter(|_| table.admit_handshake(one, at(0), 2, BURST)).count();
        assert_eq!(admitted, 2);
        assert!(!table.admit_handshake(one, at(499), 2, BURST));
        assert!(table.admit_handshake(one, at(500), 2, BURST));
        assert_eq!(table.enter(one, at(500), 1), Admission::Counted);
        table.leave(one, at(600));
        assert_eq!(table.len(), 1, "the handshakes still count");
        table.enter(one, at(5000), 1);
        table.leave(one, at(5000));
        assert_eq!(table.len(), 0);
    }

    #[test]
    fn a_full_table_forgets_the_idle_and_lets_the_rest_in() {
        let table = Addresses::with_entries_max(64 * SHARDS);
        let key = |n: u32| AddressKey::new(Listener::Nats, IpAddr::V4(n.into()));
        for n in 0..10_000 {
            assert!(table.admit_handshake(key(n), at(0), 1, BURST));
        }
        assert!(table.len() <= 64 * SHARDS);
        // A second later all of them are idle, and make room.
        for n in 10_000..10_500 {
            assert_eq!(table.enter(key(n), at(2000), 1), Admission::Counted);
        }
        assert_eq!(table.enter(key(10_000), at(2000), 1), Admission::Refused);
        let admissions = (20_000..30_000).map(|n| table.enter(key(n), at(2000), 1));
        let counted = admissions.filter(|admission| *admission == Admission::Counted).count();
        assert_eq!(counted + 500, 64 * SHARDS);
        assert_eq!(table.enter(key(40_000), at(2000), 1), Admission::Uncounted);
    }
}
