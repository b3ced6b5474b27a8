//! Black-box tests: real sockets, real clients. One binary, a file per area.
#![allow(clippy::unwrap_used, missing_docs)]

mod harness;
