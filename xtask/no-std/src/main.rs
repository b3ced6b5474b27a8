//! Links the protocol crates into a program that has no `std`, and calls each of them.
//!
//! It runs on the host, since that target is always installed: the C library brings `_start` and calls `main`. The program's
//! exit code is the number of the first check that failed, and 0 if none did.
#![no_std]
#![no_main]

extern crate alloc;

mod checks;
mod runtime;

#[cfg(feature = "std-dependency")]
use uses_std as _;

/// What `_start` of the C library calls.
#[unsafe(no_mangle)]
extern "C" fn main(_count: i32, _words: *const *const u8) -> i32 {
    let failed = checks::ALL.iter().position(|check| !check());
    failed.map_or(0, |index| i32::try_from(index + 1).unwrap_or(i32::MAX))
}
