//! What can be wrong with a header.

use core::fmt;

/// Why bytes are no header. The connection cannot go on: a receiver that expects a header must not read on without one
/// (PROXY §2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum HeaderError {
    /// The connection starts with neither of the two signatures (PROXY §2).
    Missing,
    /// Version 1: no line end within 107 bytes (PROXY §2.1).
    LineTooLong,
    /// Version 1: the line ends with LF, not with CR LF.
    LineEnd,
    /// Version 1: the protocol is not `TCP4`, `TCP6` or `UNKNOWN`.
    Protocol,
    /// Version 1: there are not four fields, each after one blank, behind the protocol.
    Fields,
    /// Version 1: an address is none, or not of the family that the protocol names.
    Address,
    /// Version 1: a port is not a number from 0 to 65535 without zeros in front.
    Port,
    /// Version 2: the version is not 2 (PROXY §2.2).
    Version,
    /// Version 2: the command is neither `LOCAL` nor `PROXY`.
    Command,
    /// Version 2: the addresses are not those of TCP or of a stream on a Unix socket.
    Family,
    /// Version 2: fewer bytes than the addresses of the family need.
    TooShort,
    /// Version 2: more than 4096 bytes of addresses and further fields.
    TooLong,
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HeaderError::Missing => "the connection does not start with a PROXY protocol header",
            HeaderError::LineTooLong => "version 1: the line is longer than 107 bytes",
            HeaderError::LineEnd => "version 1: the line does not end with CR LF",
            HeaderError::Protocol => "version 1: the protocol is not TCP4, TCP6 or UNKNOWN",
            HeaderError::Fields => "version 1: two addresses and two ports are needed, each after one blank",
            HeaderError::Address => "version 1: an address is malformed or of the wrong family",
            HeaderError::Port => "version 1: a port is not a number from 0 to 65535",
            HeaderError::Version => "version 2: the version is not 2",
            HeaderError::Command => "version 2: the command is neither LOCAL nor PROXY",
            HeaderError::Family => {
                "version 2: the connection is not a stream over IPv4, IPv6 or a Unix socket"
            }
            HeaderError::TooShort => "version 2: the addresses are cut off",
            HeaderError::TooLong => "version 2: the header is longer than 4112 bytes",
        })
    }
}

impl core::error::Error for HeaderError {}
