//! The bodies of the fuzz targets: plain functions over bytes, one module a crate, and `inbound` for all of them together.
//!
//! Each body is used three ways: as a libFuzzer target (`fuzz_targets/`), under a property test, and for the replay of
//! the committed corpus (`tests/replay.rs`).

pub mod conf;
pub mod forwarded;
pub mod inbound;
pub mod nats_protocol;
pub mod permessage_deflate;
pub mod proxy_protocol;
pub mod subject;
pub mod websocket;
