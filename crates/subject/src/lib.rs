#![doc = include_str!("../README.md")]
//!
//! # How to use it
//!
//! Parse what comes from the wire once, at the edge: a [`Subject`] for what is published, a [`Filter`] for what is
//! subscribed to. Keep one [`Sublist`] for each set of subscriptions, and one [`Matches`] for each place that searches.
//!
//! # Limits
//!
//! Subjects and filters have at most [`LEN_MAX`] bytes. The list has no limit of its own: it grows with what the caller
//! inserts, so a server bounds the number of subscriptions and the length of a line.
#![no_std]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

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
