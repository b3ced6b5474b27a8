//! Messages on their way from one worker to another.

use std::sync::Arc;

use dunlin_broker::{Arena, Message, Route};

use crate::ConnId;

/// The messages of one turn that have targets in another worker. Each is here once, with the match result that both
/// workers share, however many targets it has there.
#[derive(Default)]
pub struct Crossing {
    pub(crate) messages: Arena,
    pub(crate) routes: Vec<Passage>,
    /// Publishers of the receiving worker whose targets here are far behind: hold them back.
    pub(crate) stalled: Vec<ConnId>,
}

/// What to do with one message of a [`Crossing`].
pub(crate) struct Passage {
    pub(crate) message: u32,
    pub(crate) route: Arc<Route>,
    /// The worker and connection that published it.
    pub(crate) origin: (u8, ConnId),
    pub(crate) to: Recipients,
}

#[derive(Clone, Copy)]
pub(crate) enum Recipients {
    /// All plain targets that live in the receiving worker.
    Plain,
    /// One member of a queue group, chosen by the publisher's worker. Where it is gone, the next takes its place.
    Member { group: u32, member: u32, tried: u32 },
}

impl Crossing {
    pub(crate) fn is_empty(&self) -> bool {
        self.routes.is_empty() && self.stalled.is_empty()
    }

    /// Adds a message, or a further recipient of the message that was added last.
    pub(crate) fn push(
        &mut self,
        message: Message<'_>,
        same_as_last: bool,
        route: &Arc<Route>,
        origin: (u8, ConnId),
        to: Recipients,
    ) {
        let message = match self.routes.last() {
            Some(last) if same_as_last => last.message,
            _ => self.messages.push(message),
        };
        self.routes.push(Passage { message, route: Arc::clone(route), origin, to });
    }

    /// Roughly how many bytes wait here, for bounds.
    pub fn bytes_len(&self) -> usize {
        self.messages.bytes_len() + self.routes.len() * size_of::<Passage>()
    }
}
