//! What waits for a client that is behind, where it may lose messages rather than its connection.

use core::hash::BuildHasher;
use std::collections::VecDeque;
use std::sync::Arc;

use dunlin_broker::{Arena, Message};
use dunlin_session::{Delivery, Dialect};
use foldhash::fast::RandomState;
use hashbrown::HashTable;

/// What becomes of a client that does not take its messages as fast as they come (`slow_consumer`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SlowConsumer {
    /// It is told and closed when more than `max_pending` waits for it, or when something has waited for longer than
    /// `write_deadline` (nats-server knows only this).
    #[default]
    Disconnect,
    /// When more than `max_pending` waits for it, it loses the oldest messages.
    DropOldest,
    /// While its socket is full, only the newest message of each subject waits for each of its subscriptions. When that is
    /// more than `max_pending`, it loses the oldest.
    LatestPerSubject,
}

/// A message of a turn, kept beyond it: once for all who have to wait for it.
pub(crate) type Kept = Arc<Arena>;

enum Entry {
    /// The server's own words, which are never dropped.
    Text(Box<[u8]>),
    Message {
        sid: Box<[u8]>,
        headers: bool,
        kept: Kept,
    },
    /// A newer message has taken its place at the end.
    Superseded,
}

impl Entry {
    fn key(&self) -> Option<(&[u8], &[u8])> {
        match self {
            Entry::Message { sid, kept, .. } => Some((sid, kept.message(0).subject)),
            Entry::Text(_) | Entry::Superseded => None,
        }
    }

    fn len(&self) -> usize {
        match self {
            Entry::Text(text) => text.len(),
            Entry::Message { sid, kept, .. } => sid.len() + kept.bytes_len() + ENTRY_LEN,
            Entry::Superseded => 0,
        }
    }
}

/// What an entry costs besides its bytes: it counts against `max_pending` as well.
const ENTRY_LEN: usize = 64;

/// Messages in the order in which they came, waiting for a socket.
#[derive(Default)]
pub(crate) struct Backlog {
    entries: VecDeque<Entry>,
    /// The number of the first entry: numbers go on when entries leave.
    first: u64,
    superseded: usize,
    /// The numbers of the newest messages, by sid and subject. Empty unless only the newest are kept.
    latest: HashTable<u64>,
    hasher: RandomState,
    bytes: usize,
    /// How many of them are the server's own words.
    text_bytes: usize,
}

impl Backlog {
    /// How many bytes wait.
    pub(crate) fn pending(&self) -> usize {
        self.bytes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Appends words of the server's own; `false`: with them, more than `bytes_max` of such would wait.
    pub(crate) fn push_text(&mut self, text: &[u8], bytes_max: usize) -> bool {
        self.text_bytes += text.len();
        self.push(Entry::Text(text.into()));
        self.text_bytes <= bytes_max
    }

    /// Appends a message for subscription `sid`. Returns how many messages were dropped for it: those that it supersedes, and
    /// the oldest where more than `bytes_max` would wait. It stays itself, however long it is: a client that is to have the newest
    /// messages gets this one at least.
    pub(crate) fn push_message(
        &mut self,
        sid: &[u8],
        headers: bool,
        kept: Kept,
        policy: SlowConsumer,
        bytes_max: usize,
    ) -> u64 {
        let mut dropped = 0;
        if policy == SlowConsumer::LatestPerSubject {
            dropped += u64::from(self.supersede(sid, kept.message(0).subject));
        }
        self.push(Entry::Message { sid: sid.into(), headers, kept });
        while self.bytes > bytes_max && self.drop_oldest() {
            dropped += 1;
        }
        dropped
    }

    fn push(&mut self, entry: Entry) {
        self.bytes += entry.len();
        self.entries.push_back(entry);
    }

    fn hash(hasher: &RandomState, key: Option<(&[u8], &[u8])>) -> u64 {
        hasher.hash_one(key)
    }

    /// Makes room for a newer message of the same sid and subject, and notes where it will stand. Returns whether there was one.
    fn supersede(&mut self, sid: &[u8], subject: &[u8]) -> bool {
        let number = self.first + self.entries.len() as u64;
        let key = Some((sid, subject));
        let hash = Self::hash(&self.hasher, key);
        let (entries, first, hasher) = (&mut self.entries, self.first, &self.hasher);
        let at = |number: u64| (number - first) as usize;
        if let Some(old) = self.latest.find_mut(hash, |&n| entries[at(n)].key() == key) {
            let entry = core::mem::replace(&mut entries[at(*old)], Entry::Superseded);
            *old = number;
            self.bytes -= entry.len();
            self.superseded += 1;
            self.compact();
            return true;
        }
        self.latest.insert_unique(hash, number, |&n| Self::hash(hasher, entries[at(n)].key()));
        false
    }

    /// Forgets superseded entries when they are the most of all. The number that [`Backlog::supersede`] has noted for the
    /// entry to come moves with the others.
    fn compact(&mut self) {
        if self.superseded <= self.entries.len() / 2 || self.superseded < 16 {
            return;
        }
        let old_len = self.entries.len();
        let to_come = self.first + old_len as u64;
        let mut moved = Vec::with_capacity(old_len);
        let mut number = self.first;
        for entry in &self.entries {
            moved.push(number);
            number += u64::from(!matches!(entry, Entry::Superseded));
        }
        for latest in self.latest.iter_mut() {
            *latest = if *latest == to_come { number } else { moved[(*latest - self.first) as usize] };
        }
        self.entries.retain(|entry| !matches!(entry, Entry::Superseded));
        self.superseded = 0;
    }

    /// Drops the oldest message; `false`: it is the newest as well.
    fn drop_oldest(&mut self) -> bool {
        // The server's words before it stay: they are few, because a client that gets none of them asks for no more.
        let oldest = self.entries.iter().position(|entry| matches!(entry, Entry::Message { .. }));
        let Some(at) = oldest.filter(|at| at + 1 < self.entries.len()) else { return false };
        self.forget(self.first + at as u64);
        let entry = core::mem::replace(&mut self.entries[at], Entry::Superseded);
        self.bytes -= entry.len();
        self.superseded += 1;
        while matches!(self.entries.front(), Some(Entry::Superseded)) {
            self.pop_front();
        }
        true
    }

    /// Takes a message out of the table of the newest.
    fn forget(&mut self, number: u64) {
        if self.latest.is_empty() {
            return;
        }
        let hash = Self::hash(&self.hasher, self.entries[(number - self.first) as usize].key());
        if let Ok(found) = self.latest.find_entry(hash, |&n| n == number) {
            found.remove();
        }
    }

    fn pop_front(&mut self) -> Option<Entry> {
        if !matches!(self.entries.front()?, Entry::Superseded) {
            self.forget(self.first);
        }
        let entry = self.entries.pop_front()?;
        self.first += 1;
        self.superseded -= usize::from(matches!(entry, Entry::Superseded));
        self.bytes -= entry.len();
        if let Entry::Text(text) = &entry {
            self.text_bytes -= text.len();
        }
        Some(entry)
    }

    /// Takes from the front until `out` holds `len_max` bytes or nothing is left. Returns the messages and their payload bytes.
    pub(crate) fn take(&mut self, dialect: Dialect, len_max: usize, out: &mut Vec<u8>) -> (u64, u64) {
        let (mut messages, mut bytes) = (0, 0);
        while out.len() < len_max
            && let Some(entry) = self.pop_front()
        {
            match entry {
                Entry::Text(text) => out.extend_from_slice(&text),
                Entry::Message { sid, headers, kept } => {
                    let message: Message<'_> = kept.message(0);
                    dialect.encode(Delivery { message, headers, sid: &sid }, out);
                    messages += 1;
                    bytes += message.payload.len() as u64;
                }
                Entry::Superseded => {}
            }
        }
        (messages, bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(subject: &str, payload: &str) -> Kept {
        let mut arena = Arena::default();
        let (subject, payload) = (subject.as_bytes(), payload.as_bytes());
        arena.push(Message { subject, reply: None, header_len: None, payload });
        Arc::new(arena)
    }

    fn drain(backlog: &mut Backlog) -> String {
        let mut out = Vec::new();
        backlog.take(Dialect::Nats, usize::MAX, &mut out);
        assert!(backlog.is_empty() && backlog.pending() == 0 && backlog.latest.is_empty());
        String::from_utf8_lossy(&out).replace("\r\n", "|")
    }

    fn push(backlog: &mut Backlog, policy: SlowConsumer, max: usize, subject: &str, payload: &str) -> u64 {
        backlog.push_message(b"1", false, kept(subject, payload), policy, max)
    }

    #[test]
    fn the_newest_of_each_subject_stays_in_order() {
        let mut backlog = Backlog::default();
        let latest = SlowConsumer::LatestPerSubject;
        let dropped: u64 = ["a1", "b1", "a2", "c1", "b2"]
            .iter()
            .map(|m| push(&mut backlog, latest, 1 << 20, &m[..1], m))
            .sum();
        backlog.push_text(b"PONG\r\n", 100);
        assert_eq!(dropped, 2);
        assert_eq!(drain(&mut backlog), "MSG a 1 2|a2|MSG c 1 2|c1|MSG b 1 2|b2|PONG|");
    }

    #[test]
    fn one_subject_for_each_subscription() {
        let mut backlog = Backlog::default();
        for sid in [&b"1"[..], b"2", b"1"] {
            backlog.push_message(sid, false, kept("a", "x"), SlowConsumer::LatestPerSubject, 1 << 20);
        }
        assert_eq!(drain(&mut backlog), "MSG a 2 1|x|MSG a 1 1|x|");
    }

    #[test]
    fn the_oldest_go_and_the_servers_words_stay() {
        let mut backlog = Backlog::default();
        push(&mut backlog, SlowConsumer::DropOldest, 250, "a", "1");
        backlog.push_text(b"PONG\r\n", 100);
        for payload in ["2", "3", "4", "5"] {
            push(&mut backlog, SlowConsumer::DropOldest, 250, "a", payload);
        }
        assert!(backlog.pending() <= 250);
        assert_eq!(drain(&mut backlog), "PONG|MSG a 1 1|3|MSG a 1 1|4|MSG a 1 1|5|");
    }

    #[test]
    fn the_newest_stays_however_long_it_is() {
        for policy in [SlowConsumer::DropOldest, SlowConsumer::LatestPerSubject] {
            let mut backlog = Backlog::default();
            assert_eq!(push(&mut backlog, policy, 10, "a", "much too long"), 0);
            assert_eq!(push(&mut backlog, policy, 10, "b", "too long as well"), 1);
            assert_eq!(drain(&mut backlog), "MSG b 1 16|too long as well|");
        }
    }

    /// Against a list that is searched from end to end.
    #[test]
    fn as_a_plain_list() {
        let mut rng = fastrand::Rng::with_seed(7);
        for round in 0..200 {
            let policy =
                if round % 2 == 0 { SlowConsumer::LatestPerSubject } else { SlowConsumer::DropOldest };
            let mut backlog = Backlog::default();
            let mut list: Vec<(String, String)> = Vec::new();
            for n in 0..rng.usize(1..300) {
                let subject = format!("s{}", rng.u8(..5));
                let payload = format!("{n:03}");
                push(&mut backlog, policy, 1000, &subject, &payload);
                if policy == SlowConsumer::LatestPerSubject {
                    list.retain(|(other, _)| *other != subject);
                }
                list.push((subject, payload));
                // Subject, payload, sid and the cost of an entry.
                while list.len() * (2 + 3 + 1 + ENTRY_LEN) > 1000 {
                    list.remove(0);
                }
                if rng.u8(..20) == 0 {
                    let mut out = Vec::new();
                    backlog.take(Dialect::Nats, 1, &mut out);
                    let (subject, payload) = list.remove(0);
                    assert_eq!(String::from_utf8_lossy(&out), format!("MSG {subject} 1 3\r\n{payload}\r\n"));
                }
                // What was superseded takes little room.
                assert!(backlog.entries.len() <= 2 * list.len() + 17);
            }
            let expected: String = list.iter().map(|(s, p)| format!("MSG {s} 1 3|{p}|")).collect();
            assert_eq!(drain(&mut backlog), expected, "round {round}");
        }
    }
}
