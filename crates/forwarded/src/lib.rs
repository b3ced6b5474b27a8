//! Where an HTTP request comes from, when it comes through proxies.
//!
//! Proxies append the address that they were connected from to `X-Forwarded-For` (a convention) or to `Forwarded` (RFC 7239),
//! and pass on what was there before, which may be true or the invention of whoever sent it. [`resolve`] follows such a list
//! from its end while the hops are [trusted](TrustedProxies), and no further. Nothing here reads a socket.
//!
//! ```
//! use dunlin_forwarded::{Fields, TrustedProxies, resolve};
//!
//! let fields = Fields { x_forwarded_for: &[b"203.0.113.195, 198.51.100.178"], ..Fields::default() };
//! let from = |peer: &str, trusted: &TrustedProxies| {
//!     resolve(peer.parse().unwrap(), &fields, trusted).ip.to_string()
//! };
//! // By default, a proxy on the same machine is believed. It was connected from 198.51.100.178, and that is nobody's proxy.
//! assert_eq!(from("127.0.0.1", &TrustedProxies::default()), "198.51.100.178");
//! // Where that is a proxy too, its client is the one before.
//! let both = TrustedProxies::new(vec!["127.0.0.1".parse().unwrap(), "198.51.100.0/24".parse().unwrap()]);
//! assert_eq!(from("127.0.0.1", &both), "203.0.113.195");
//! // Anybody else says what he likes.
//! assert_eq!(from("192.0.2.66", &both), "192.0.2.66");
//! ```

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod address;
mod forwarded;
mod resolve;
mod trusted;
mod x_forwarded_for;

pub use resolve::{Client, Fields, Scheme, resolve};
pub use trusted::{Network, NetworkError, TrustedProxies};
