//! A header, in either version.

use alloc::vec::Vec;
use core::net::{SocketAddr, SocketAddrV4, SocketAddrV6};

use crate::error::HeaderError;
use crate::{v1, v2};

/// The header of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Header {
    /// How it is written.
    pub version: Version,
    /// Where the connection comes from.
    pub origin: Origin,
}

/// The forms of a header.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Version {
    /// A line of text (PROXY §2.1).
    V1,
    /// Binary (PROXY §2.2).
    V2,
}

/// Where a connection comes from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Origin {
    /// From the proxy itself, which looks whether the server lives (`LOCAL`): the socket's own addresses are the right ones.
    /// Version 1 cannot say this.
    Local,
    /// From somewhere that has no IP address, or that the proxy does not know (`UNKNOWN`, `AF_UNSPEC`, `AF_UNIX`).
    Unknown,
    /// From a TCP peer over IPv4.
    Tcp4 {
        /// The peer of the proxy.
        source: SocketAddrV4,
        /// What it connected to.
        destination: SocketAddrV4,
    },
    /// From a TCP peer over IPv6.
    Tcp6 {
        /// The peer of the proxy. Flow and scope are not transmitted, and are 0.
        source: SocketAddrV6,
        /// What it connected to.
        destination: SocketAddrV6,
    },
}

impl Header {
    /// Reads the header at the start of what has been received. Returns it with its length, or `None` while the bytes are the
    /// start of a header: then there are fewer than [`HEADER_LEN_MAX`](crate::HEADER_LEN_MAX).
    ///
    /// The bytes are looked at anew in each call; that is at most a hundred and seven of version 1, and sixteen of version 2
    /// until all of it is there.
    ///
    /// # Errors
    ///
    /// Bytes that cannot become a header: see [`HeaderError`]. More bytes do not make it good.
    pub fn parse(received: &[u8]) -> Result<Option<(Header, usize)>, HeaderError> {
        let starts = |signature: &[u8]| {
            let len = signature.len().min(received.len());
            received[..len] == signature[..len]
        };
        if starts(v2::SIGNATURE) {
            v2::parse(received)
        } else if starts(v1::SIGNATURE) {
            v1::parse(received)
        } else {
            Err(HeaderError::Missing)
        }
    }

    /// Appends the header. Version 1 has no word for [`Origin::Local`] and says `UNKNOWN`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self.version {
            Version::V1 => v1::encode(&self.origin, out),
            Version::V2 => v2::encode(&self.origin, out),
        }
    }

    /// The address and port of the proxy's peer, where the header has one.
    pub fn source(&self) -> Option<SocketAddr> {
        match self.origin {
            Origin::Local | Origin::Unknown => None,
            Origin::Tcp4 { source, .. } => Some(source.into()),
            Origin::Tcp6 { source, .. } => Some(source.into()),
        }
    }
}
