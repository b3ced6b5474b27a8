//! What a session asks of the broker.

use dunlin_auth::Check;
use dunlin_broker::Message;
use dunlin_subject::Filter;

/// What a peer is able or wants to get: data, so that nothing behind a session asks what kind it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Capabilities {
    /// Deliver header blocks (nats: CONNECT `headers`). Without, they are cut off.
    pub headers: bool,
    /// Deliver its own messages to its own subscriptions (nats: CONNECT `echo`).
    pub echo: bool,
    /// Tell it when nobody got its request (nats: CONNECT `no_responders`).
    pub no_responders: bool,
}

/// The commands of one session, carried out in the order in which they are given.
pub trait Commands {
    /// Sends bytes of the session's own to its peer, in order with the deliveries.
    fn reply(&mut self, text: &[u8]);

    /// Writes an op that came in to the log, at trace level.
    fn trace(&mut self, op: &str);

    /// Has a check run that takes long. Its outcome comes back with [`handle_verdict`](crate::Session::handle_verdict); until
    /// then the session gets no input.
    fn authenticate(&mut self, check: Check);

    /// Writes to the log that a peer is not let in, with who it says it is (nats: `authentication error`).
    fn authentication_error(&mut self, claim: Option<&str>);

    /// From now on these hold.
    fn set_capabilities(&mut self, capabilities: Capabilities);

    /// Routes a message to whoever wants it.
    fn publish(&mut self, message: Message<'_>);

    /// Adds a subscription. A sid that the session already uses keeps its subscription (nats: SUB).
    fn subscribe(&mut self, filter: Filter<'_>, queue: Option<&[u8]>, sid: &[u8]);

    /// Ends a subscription now, or with `max` after that many deliveries, counted from its start (nats: UNSUB).
    fn unsubscribe(&mut self, sid: &[u8], max: Option<u64>);

    /// Ends all subscriptions of the session.
    fn unsubscribe_all(&mut self);

    /// How many subscriptions the session has.
    fn subscriptions(&self) -> usize;

    /// [`poll_timeout`](crate::Session::poll_timeout) is earlier now than it was.
    fn reschedule(&mut self) {}

    /// The turn has taken what it can hold: the session returns from [`handle_input`](crate::Session::handle_input)
    /// after the op under way, and is called again for the rest.
    fn is_full(&self) -> bool;
}
