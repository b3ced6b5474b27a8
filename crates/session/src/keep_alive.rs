//! When a client is sent PING, and when it is given up.

use core::time::Duration;

use crate::Instant;

/// The first PING measures the round trip, so it comes soon after CONNECT (nats: 2 s and up to a fifth more).
const FIRST_PING: Duration = Duration::from_secs(2);

/// So long at least a client may be silent before it is asked whether it is there.
const SILENCE_MIN: Duration = Duration::from_secs(5);

/// What the passing of time asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Tick {
    Wait,
    Ping,
    Stale,
}

/// The time of a client, as far as it is measured in PINGs.
pub(crate) struct KeepAlive {
    next: Instant,
    /// When the last bytes came; `NEVER`: none have.
    last_input: Instant,
    /// When the last PING went out. Before the first: when CONNECT came, and before that: when the client did.
    since: Instant,
    rtt: Option<u64>,
    out: u32,
    /// Spreads the first PINGs of clients that came together, in 1024ths.
    spread: u16,
    /// There was a CONNECT.
    has_begun: bool,
}

impl KeepAlive {
    /// A client has come. It is looked at soon, but PINGs are for those who have said CONNECT.
    pub(crate) fn new(now: Instant, interval: Duration, jitter: u64) -> KeepAlive {
        KeepAlive {
            next: now + interval.min(FIRST_PING),
            last_input: Instant::NEVER,
            since: now,
            rtt: None,
            out: 0,
            spread: (jitter % 1024) as u16,
            has_begun: false,
        }
    }

    /// The client's first chance to speak is now: before, it was kept waiting.
    pub(crate) fn restart(&mut self, now: Instant, interval: Duration) {
        *self = KeepAlive::new(now, interval, self.spread.into());
    }

    /// CONNECT came. `true`: [`KeepAlive::next`] is earlier than it was.
    pub(crate) fn begin(&mut self, now: Instant, interval: Duration) -> bool {
        (self.since, self.out, self.has_begun) = (now, 0, true);
        let first = self.first(now, interval);
        let is_earlier = first < self.next;
        self.next = first;
        is_earlier
    }

    /// The client has had its first PONG. `true`: [`KeepAlive::next`] is earlier than it was.
    pub(crate) fn hasten(&mut self, now: Instant, interval: Duration) -> bool {
        let first = self.first(now, interval);
        let is_earlier = first < self.next;
        self.next = self.next.min(first);
        is_earlier
    }

    fn first(&self, now: Instant, interval: Duration) -> Instant {
        let first = interval.min(FIRST_PING);
        now + first + first / 5 * u32::from(self.spread) / 1024
    }

    /// Something came.
    #[inline]
    pub(crate) fn hear(&mut self, now: Instant) {
        self.last_input = now;
    }

    /// PONG came.
    pub(crate) fn pong(&mut self, now: Instant) {
        if self.out > 0 {
            self.rtt = u64::try_from((now - self.since).as_nanos()).ok();
        }
        self.out = 0;
    }

    /// When to call [`KeepAlive::tick`].
    pub(crate) fn next(&self) -> Instant {
        self.next
    }

    /// The last round-trip time, in nanoseconds.
    pub(crate) fn rtt(&self) -> Option<u64> {
        self.rtt
    }

    /// A client that is not let in yet is not pinged.
    pub(crate) fn postpone(&mut self, now: Instant, interval: Duration) {
        self.next = now + interval.min(FIRST_PING);
    }

    /// `next` has passed. `awaits_pong`: the client is one that begins with CONNECT and PING, and takes no other words for
    /// their answer than PONG.
    pub(crate) fn tick(&mut self, now: Instant, interval: Duration, out_max: u32, awaits_pong: bool) -> Tick {
        let is_silent = self.last_input == Instant::NEVER;
        if !self.has_begun || awaits_pong {
            // Clients take nothing but INFO before they have said CONNECT. One that says nothing at all goes when nats-server
            // has it go, but is asked only once, an interval before that.
            let silence_max = interval.saturating_mul(out_max.max(1)).max(SILENCE_MIN);
            let due = self.since + if is_silent { silence_max } else { interval };
            if now < due && self.out == 0 {
                self.next = due;
                return Tick::Wait;
            }
        }
        self.next = now + interval;
        let measured = self.rtt.is_some() || self.out > 0;
        if measured && !is_silent && now - self.last_input < interval {
            return Tick::Wait;
        }
        if self.out >= if is_silent { out_max.min(1) } else { out_max } {
            return Tick::Stale;
        }
        self.out += 1;
        self.since = now;
        Tick::Ping
    }
}
