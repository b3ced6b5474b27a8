//! Messages on their way from one worker to another.

use std::sync::{Arc, Weak};

use dunlin_broker::{Arena, Message, Route};

use crate::ConnId;
use crate::overflow::Gate;

/// The messages of one turn that have targets in another worker. Each is here once, with the match result that both
/// workers share, however many targets it has there.
#[derive(Default)]
pub struct Crossing {
    pub(crate) messages: Arena,
    /// Match results. Messages behind each other mostly have the same one: its reference count is touched once for all of them,
    /// since two workers that count in the same place wait for each other.
    pub(crate) routes: Vec<Arc<Route>>,
    pub(crate) passages: Vec<Passage>,
    /// The message that was added last: its number among those of its worker, and where it is.
    last: Option<(u64, u32)>,
    /// Publishers of the receiving worker whose targets here are far behind: hold them back, for as long as those have a respite.
    pub(crate) stalled: Vec<(ConnId, Vec<Weak<Gate>>)>,
}

/// What to do with one message of a [`Crossing`].
pub(crate) struct Passage {
    pub(crate) message: u32,
    pub(crate) route: u32,
    pub(crate) origin: Origin,
    pub(crate) to: Recipients,
}

/// Who published a message.
#[derive(Clone, Copy)]
pub(crate) struct Origin {
    pub(crate) worker: u8,
    pub(crate) conn: ConnId,
    /// It gets its own messages (nats: CONNECT `echo`). As it was when it published: a message can come back to a queue member of
    /// its publisher's after another CONNECT.
    pub(crate) echo: bool,
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
        self.passages.is_empty() && self.stalled.is_empty()
    }

    /// Adds a message, or a further recipient of the message that was added last, which has the same `number`.
    pub(crate) fn push(
        &mut self,
        message: Message<'_>,
        number: u64,
        route: &Arc<Route>,
        origin: Origin,
        to: Recipients,
    ) {
        let message = match self.last {
            Some((last, index)) if last == number => index,
            _ => self.messages.push(message),
        };
        self.last = Some((number, message));
        if !self.routes.last().is_some_and(|last| Arc::ptr_eq(last, route)) {
            self.routes.push(Arc::clone(route));
        }
        let route = self.routes.len() as u32 - 1;
        self.passages.push(Passage { message, route, origin, to });
    }

    /// Roughly how many bytes wait here, for bounds.
    pub fn bytes_len(&self) -> usize {
        self.messages.bytes_len() + self.passages.len() * size_of::<Passage>()
    }
}
