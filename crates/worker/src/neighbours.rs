//! The other workers, as far as what they were handed is concerned.

use dunlin_session::Instant;

use crate::routing::HOLD_STEP;
use crate::{ConnId, Wire, Worker};

/// How far a worker is behind with what the others have handed to it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Lag {
    /// It keeps up.
    #[default]
    None,
    /// It has enough to do: whoever publishes to it is not read until it has caught up. The others do not notice.
    Behind,
    /// Nothing at all is read until that has changed, so that nothing grows without bound between workers.
    FarBehind,
}

/// What a worker knows of the others.
#[derive(Default)]
pub(crate) struct Neighbours {
    lags: Vec<Lag>,
    most: Lag,
    /// Connections that publish to workers that are behind: ready, and not read until none is.
    waiting: Vec<ConnId>,
}

impl Neighbours {
    /// Looks at them: before connections are read, and when they have been handed something.
    pub(crate) fn update<W: Wire>(&mut self, workers: usize, wire: &W) {
        self.lags.clear();
        self.lags.extend((0..workers).map(|worker| wire.lag(worker)));
        self.most = self.lags.iter().copied().max().unwrap_or_default();
    }

    /// How far the last of them is behind.
    pub(crate) fn most(&self) -> Lag {
        self.most
    }

    /// Somebody's publishers have to wait.
    #[inline]
    pub(crate) fn any_behind(&self) -> bool {
        self.most > Lag::None
    }

    /// Whoever publishes to this one has to wait.
    #[inline]
    pub(crate) fn is_behind(&self, worker: usize) -> bool {
        self.any_behind() && self.lags.get(worker).is_some_and(|&lag| lag > Lag::None)
    }

    /// Has a connection wait until nobody is behind.
    pub(crate) fn wait(&mut self, id: ConnId) {
        self.waiting.push(id);
    }

    /// When to look again. Whoever has caught up says so, but need not.
    pub(crate) fn next_look(&self, now: Instant, is_reading: bool) -> Instant {
        let waits = !self.waiting.is_empty() || (self.most == Lag::FarBehind && is_reading);
        if waits { now + HOLD_STEP } else { Instant::NEVER }
    }
}

impl Worker {
    /// Lets those that have waited go on, once nobody is behind.
    pub(crate) fn release_waiting<W: Wire>(&mut self, wire: &W) {
        self.neighbours.update(self.workers, wire);
        if !self.neighbours.any_behind() {
            self.ready.extend(self.neighbours.waiting.drain(..));
        }
    }
}
