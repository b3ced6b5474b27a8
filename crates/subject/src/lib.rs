//! NATS subjects, filters, and a list of subscriptions that finds every filter that matches a subject.
#![no_std]
extern crate alloc;

mod error;
mod filter;
mod hash;
mod scan;
mod subject;
mod sublist;

pub use error::SubjectError;
pub use filter::Filter;
pub use subject::Subject;
pub use sublist::{Entry, Matches, Sublist};

/// The longest subject or filter, in bytes. NATS has no limit of its own; a control line has (4096 bytes for clients
/// and 65536 for leaf nodes, unless configured).
pub const LEN_MAX: usize = u16::MAX as usize;
