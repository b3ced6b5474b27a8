#![no_std]
#![doc = include_str!("../README.md")]
//!
//! # The driving loop
//!
//! ```
//! use dunlin_permessage_deflate::{Compressor, Config, Decompressor, Params, Role};
//!
//! // The opening handshake: the offers of the client, the answer of the server.
//! let config = Config::default();
//! let params = Params::negotiate("permessage-deflate; client_max_window_bits", &config).unwrap();
//! let mut answer = Vec::new();
//! params.write_response(&mut answer);
//! assert_eq!(answer, b"permessage-deflate; server_no_context_takeover; client_no_context_takeover");
//!
//! // A message out: the payload of a frame with RSV1 set.
//! let mut compressor = Compressor::new(&params, Role::Server, 1);
//! let mut payload = Vec::new();
//! compressor.compress(b"Hello, hello, hello!", &mut payload);
//!
//! // The same message in, at the client, here in two fragments and with a limit of 1 KiB a message.
//! let mut decompressor = Decompressor::new(&params, Role::Client);
//! let mut message = Vec::new();
//! let (first, last) = payload.split_at(3);
//! decompressor.decompress(first, false, 1024, &mut message)?;
//! decompressor.decompress(last, true, 1024, &mut message)?;
//! assert_eq!(message, b"Hello, hello, hello!");
//! # Ok::<(), dunlin_permessage_deflate::InflateError>(())
//! ```
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod bit_writer;
mod block;
mod compressor;
mod decompressor;
mod error;
mod header;
mod huffman;
mod inflate;
mod matcher;
mod message_compressor;
mod offer;
mod params;
mod splice;
mod symbols;

pub use compressor::Compressor;
pub use decompressor::{Decompressor, Progress, Status};
pub use error::{InflateError, NegotiationError};
pub use message_compressor::MessageCompressor;
pub use params::{Config, Params, Role};
pub use splice::{end_parts, store_part};
