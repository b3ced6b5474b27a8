//! Who gets which message: interest, routing and the delivery lists of a worker's turn.
//!
//! A *target* is a subscription of some worker, named by a small copyable handle. The broker knows targets, not
//! clients: whoever subscribes and publishes (a NATS client, an internal service) looks the same from here.
//!
//! - [`Interest`]: the sublist of one account, shared by all workers.
//! - [`Route`] and [`RouteCache`]: a match result grouped by worker, cached until the interest changes.
//! - [`Subscriptions`]: the subscriptions of one worker, found by connection and sid.
//! - [`Arena`]: the messages of one turn, each stored once.
//! - [`Lists`]: what each connection is to get in this turn. Connections with equal lists share one
//!   [`ListId`], so what a list encodes to is computed once for all of them.
//!
//! Nothing here does I/O, reads a clock or knows a wire format.

mod arena;
mod interest;
mod lists;
mod route;
mod sid;
mod subscriptions;
mod target;

pub use arena::{Arena, Item, ItemKind, Message};
pub use interest::Interest;
pub use lists::{ListId, Lists};
pub use route::{Route, RouteCache};
pub use sid::{Sid, SidTable};
pub use subscriptions::{AddError, NewSubscription, Subscription, Subscriptions};
pub use target::{Target, WORKERS_MAX};
