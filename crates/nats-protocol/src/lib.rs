#![no_std]
#![doc = include_str!("../README.md")]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod args;
#[cfg(feature = "serde")]
mod connect;
mod encode;
mod error;
mod headers;
#[cfg(feature = "serde")]
mod info;
mod limits;
mod op;
mod parser;
mod plain;
mod progress;
mod server_parser;
mod verb;

#[cfg(feature = "serde")]
pub use connect::Connect;
pub use encode::{MsgHead, PubHead, encode_err, encode_no_responders};
pub use error::ParseError;
pub use headers::{HeaderBlock, HeaderWriter, Headers, Status};
#[cfg(feature = "serde")]
pub use info::Info;
pub use limits::Limits;
pub use op::{ClientOp, Message, Publish, ServerOp, Subscribe, Unsubscribe};
pub use parser::Parser;
pub use server_parser::ServerParser;
