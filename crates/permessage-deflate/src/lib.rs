#![no_std]
//! Placeholder.
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;
