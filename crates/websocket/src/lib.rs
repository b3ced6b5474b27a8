#![no_std]
#![doc = include_str!("../README.md")]
//!
//! # Parts
//!
//! | item | what it does | RFC 6455 |
//! | --- | --- | --- |
//! | [`Assembler`] | frames in, [`Event`]s out: fragments, control frames, limits, unmasking in place | §5, §6.2 |
//! | [`FrameHeader`], [`encode_frame`] | one frame header or small frame, parsed and encoded | §5.2 |
//! | [`apply_mask`] | masks or unmasks any part of a payload | §5.3 |
//! | [`CloseCode`], [`encode_close`], [`parse_close_payload`] | the closing handshake | §5.5.1, §7.4 |
//! | [`Utf8`] | incremental UTF-8 validation | §8.1 |
//! | [`handshake`] | the opening handshake of both roles, over parsed HTTP heads | §4 |
//! | `codec` (feature `tokio-util`) | whole messages for `tokio_util::codec::Framed` | |

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod assembler;
mod close;
#[cfg(feature = "tokio-util")]
pub mod codec;
mod error;
pub mod handshake;
mod header;
mod mask;
mod utf8;

pub use assembler::{Assembler, Event, Fragment, Limits, Masking, Role};
pub use close::{CLOSE_REASON_LEN_MAX, CloseCode, encode_close, parse_close_payload};
pub use error::ProtocolError;
pub use header::{CONTROL_PAYLOAD_LEN_MAX, FRAME_HEADER_LEN_MAX, FrameHeader, OpCode, encode_frame};
pub use mask::{MaskKey, apply_mask};
pub use utf8::{InvalidUtf8, Utf8};
