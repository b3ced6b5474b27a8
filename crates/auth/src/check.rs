//! Checks that take long.

use std::fmt;
use std::sync::Arc;

use crate::Identity;

/// A check that takes long, for whoever has the time. It owns what it needs.
pub struct Check {
    identity: Identity,
    given: String,
    ticket: Ticket,
}

/// Held by whoever waits for a [`Check`]: when it is dropped, the check need not be run.
#[derive(Clone, Debug)]
pub struct Ticket {
    // What counts is who else holds it.
    _shared: Arc<()>,
}

impl Check {
    pub(crate) fn new(identity: Identity, given: String) -> Check {
        Check { identity, given, ticket: Ticket { _shared: Arc::default() } }
    }

    /// The ticket of whoever waits for the check.
    pub fn ticket(&self) -> Ticket {
        self.ticket.clone()
    }

    /// Whether anybody still waits.
    pub fn is_wanted(&self) -> bool {
        Arc::strong_count(&self.ticket._shared) > 1
    }

    /// Runs the check: who the client is, or `None` where it is not who it says.
    ///
    /// This takes as long as the hash demands, typically 100 ms.
    pub fn run(self) -> Option<Identity> {
        self.identity.has_secret(&self.given).then_some(self.identity)
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check").field("identity", &self.identity).finish_non_exhaustive()
    }
}
