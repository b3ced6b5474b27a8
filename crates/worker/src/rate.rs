//! Rates: how much may come in a time.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use dunlin_session::Instant;

use crate::peer_policy::PublishLimits;

/// A token bucket, kept as the moment at which it is full again: one number, and nothing to refill.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Bucket(Instant);

/// A limit that has been passed: the bucket holds enough again at this moment.
pub(crate) type Debt = Option<Instant>;

impl Bucket {
    /// Takes `amount`, also where there is not as much. The debt is over when no more than `burst` is missing.
    pub(crate) fn charge(&mut self, now: Instant, amount: u64, per_second: u64, burst: Duration) -> Debt {
        if per_second == 0 || amount == 0 {
            return None;
        }
        self.0 = self.0.max(now) + cost(amount, per_second);
        debt(self.0, now, burst)
    }

    /// Takes one, if there is one. There is one at least in a full bucket, however short the burst.
    pub(crate) fn take(&mut self, now: Instant, per_second: u32, burst: Duration) -> bool {
        let one = cost(1, u64::from(per_second).max(1));
        let full_at = self.0.max(now) + one;
        let allowed = full_at - now <= burst.max(one);
        if allowed {
            self.0 = full_at;
        }
        allowed
    }

    pub(crate) fn is_full(self, now: Instant) -> bool {
        self.0 <= now
    }
}

fn cost(amount: u64, per_second: u64) -> Duration {
    let nanoseconds = u128::from(amount) * 1_000_000_000 / u128::from(per_second.max(1));
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}

fn debt(full_at: Instant, now: Instant, burst: Duration) -> Debt {
    let over = (full_at - now).saturating_sub(burst);
    (!over.is_zero()).then(|| now + over)
}

/// What all connections of a user have published.
#[derive(Default, Debug)]
pub(crate) struct UserBuckets {
    messages: AtomicU64,
    bytes: AtomicU64,
}

impl UserBuckets {
    fn charge(&self, now: Instant, amount: [u64; 2], limits: PublishLimits, burst: Duration) -> Debt {
        let one = |bucket: &AtomicU64, amount, per_second| {
            let mut debt = None;
            // Always there is a next value, so the update cannot fail.
            let _ = bucket.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |at| {
                let mut bucket = Bucket(Instant::from_nanos(at));
                debt = bucket.charge(now, amount, per_second, burst);
                Some(bucket.0.as_nanos())
            });
            debt
        };
        let messages = one(&self.messages, amount[0], limits.messages_per_second);
        messages.max(one(&self.bytes, amount[1], limits.bytes_per_second))
    }
}

/// The users that publish, with their buckets. As many as there are connections at most.
#[derive(Default, Debug)]
pub(crate) struct Users(Mutex<HashMap<Box<str>, Arc<UserBuckets>>>);

impl Users {
    fn join(&self, user: &str) -> Arc<UserBuckets> {
        let mut users = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match users.get(user) {
            Some(buckets) => Arc::clone(buckets),
            None => Arc::clone(users.entry(user.into()).or_default()),
        }
    }

    /// Forgets a user whose last connection this was.
    fn leave(&self, user: &str, buckets: Arc<UserBuckets>) {
        let mut users = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop(buckets);
        if users.get(user).is_some_and(|buckets| Arc::strong_count(buckets) == 1) {
            users.remove(user);
        }
    }
}

/// What a connection has published, where that is limited.
#[derive(Default, Debug)]
pub(crate) struct PublishRates {
    messages: Bucket,
    bytes: Bucket,
    user: Option<(Box<str>, Arc<UserBuckets>)>,
    /// What had been published when it was last charged: messages and bytes.
    charged: [u64; 2],
    /// How often it has been held back.
    pub(crate) slowed: u64,
}

impl PublishRates {
    /// The connection's own, for what has been published since the last time; `published` is all of it.
    pub(crate) fn charge(
        &mut self,
        now: Instant,
        published: [u64; 2],
        [own, of_user]: [PublishLimits; 2],
        burst: Duration,
    ) -> Debt {
        let amount = [published[0] - self.charged[0], published[1] - self.charged[1]];
        self.charged = published;
        let messages = self.messages.charge(now, amount[0], own.messages_per_second, burst);
        let bytes = self.bytes.charge(now, amount[1], own.bytes_per_second, burst);
        let user = self.user.as_ref().and_then(|(_, user)| user.charge(now, amount, of_user, burst));
        messages.max(bytes).max(user)
    }

    /// From now on it publishes as this user.
    pub(crate) fn set_user(&mut self, user: &str, users: &Users) {
        if self.user.as_ref().is_none_or(|(name, _)| **name != *user) {
            self.leave(users);
            self.user = Some((user.into(), users.join(user)));
        }
    }

    /// It publishes no more.
    pub(crate) fn leave(&mut self, users: &Users) {
        if let Some((name, buckets)) = self.user.take() {
            users.leave(&name, buckets);
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const BURST: Duration = Duration::from_secs(1);

    fn at(milliseconds: u64) -> Instant {
        Instant::from_nanos(milliseconds * 1_000_000)
    }

    #[test]
    fn what_is_taken_too_soon_is_waited_for() {
        let mut bucket = Bucket::default();
        // Ten in a second, of which a second's worth may come at once.
        assert_eq!(bucket.charge(at(0), 10, 10, BURST), None);
        assert_eq!(bucket.charge(at(0), 1, 10, BURST), Some(at(100)));
        assert_eq!(bucket.charge(at(100), 0, 10, BURST), None);
        assert_eq!(bucket.charge(at(200), 1, 10, BURST), None);
        assert_eq!(bucket.charge(at(200), 30, 10, BURST), Some(at(3200)));
        // After a long silence no more than the burst is there.
        assert_eq!(bucket.charge(at(60_000), 10, 10, BURST), None);
        assert_eq!(bucket.charge(at(60_000), 5, 10, BURST), Some(at(60_500)));
        assert_eq!(bucket.charge(at(60_000), 5, 0, BURST), None);
        assert!(bucket.charge(at(0), u64::MAX, 1, BURST).is_some());
    }

    #[test]
    fn one_is_taken_only_where_there_is_one() {
        let mut bucket = Bucket::default();
        let taken = (0..10).filter(|_| bucket.take(at(0), 3, BURST)).count();
        assert_eq!(taken, 3);
        assert!(!bucket.take(at(333), 3, BURST));
        assert!(bucket.take(at(334), 3, BURST));
        assert!(!bucket.is_full(at(334)) && bucket.is_full(at(1400)));
        // A burst shorter than one piece still lets one through.
        let mut slow = Bucket::default();
        assert!(slow.take(at(0), 1, Duration::ZERO) && !slow.take(at(999), 1, Duration::ZERO));
        assert!(slow.take(at(1000), 1, Duration::ZERO));
    }

    #[test]
    fn the_connections_of_a_user_share_its_rate() {
        let users = Users::default();
        let limits =
            [PublishLimits::default(), PublishLimits { messages_per_second: 10, bytes_per_second: 1000 }];
        let (mut one, mut other, mut stranger) =
            (PublishRates::default(), PublishRates::default(), PublishRates::default());
        one.set_user("ann", &users);
        other.set_user("ann", &users);
        stranger.set_user("bob", &users);
        assert_eq!(one.charge(at(0), [6, 0], limits, BURST), None);
        assert_eq!(other.charge(at(0), [6, 0], limits, BURST), Some(at(200)));
        assert_eq!(stranger.charge(at(0), [6, 0], limits, BURST), None);
        assert_eq!(other.charge(at(0), [6, 1500], limits, BURST), Some(at(500)));
        // A user is forgotten with its last connection.
        one.leave(&users);
        other.set_user("bob", &users);
        stranger.leave(&users);
        let names: Vec<_> = users.0.lock().unwrap().keys().cloned().collect();
        assert_eq!(names, ["bob".into()]);
    }
}
