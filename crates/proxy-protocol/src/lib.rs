//! PROXY protocol headers, versions 1 and 2 (HAProxy, `proxy-protocol.txt`; sections are cited as PROXY §2.1).
//!
//! A proxy that hands a TCP connection on writes one header before the first byte of it: where the connection comes from, and
//! where it went to. [`Header::parse`] reads it from the bytes received so far, [`Header::encode`] writes it. Nothing is
//! buffered, and there is no I/O. Whom to believe is the caller's to decide, and so is how long to wait for a header: a
//! receiver must not guess whether there is one (PROXY §2), so it is configured.
//!
//! ```
//! use dunlin_proxy_protocol::{Header, HeaderError, Origin};
//!
//! let mut received = b"PROXY TCP6 2001:db8::7 2001:db8::1 41352".to_vec();
//! assert_eq!(Header::parse(&received), Ok(None)); // Read on, at most HEADER_LEN_MAX bytes.
//!
//! received.extend_from_slice(b" 443\r\nCONNECT {}\r\n");
//! let Ok(Some((header, len))) = Header::parse(&received) else { panic!("the header is complete") };
//! assert!(matches!(header.origin, Origin::Tcp6 { .. }));
//! assert_eq!(&received[len..], b"CONNECT {}\r\n");
//!
//! assert_eq!(Header::parse(b"GET "), Err(HeaderError::Missing));
//! ```

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod error;
mod header;
mod v1;
mod v2;

pub use error::HeaderError;
pub use header::{Header, Origin, Version};

/// The longest header that is accepted, in bytes: that of version 2 with 4096 bytes of addresses and further fields. A longer
/// one is refused as soon as its length is known.
pub const HEADER_LEN_MAX: usize = v2::PREFIX_LEN + v2::BODY_LEN_MAX;
