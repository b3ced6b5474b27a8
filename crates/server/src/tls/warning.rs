//! What an operator should know of TLS that is served as configured.

use core::fmt;
use std::path::PathBuf;

/// Something that does not keep the server from starting.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsWarning {
    /// Some of the certificates in `ca_file` are none.
    BrokenAuthorities {
        /// The file.
        path: PathBuf,
        /// How many.
        broken: usize,
    },
    /// Clients are verified without a `ca_file`.
    SystemAuthorities {
        /// How many the system trusts.
        authorities: usize,
    },
    /// The same, and the system trusts nobody.
    NoSystemAuthorities,
}

impl TlsWarning {
    /// The key of the `tls` block that it is about.
    pub fn key(&self) -> &'static str {
        match self {
            TlsWarning::BrokenAuthorities { .. } => "ca_file",
            TlsWarning::SystemAuthorities { .. } | TlsWarning::NoSystemAuthorities => "verify",
        }
    }
}

impl fmt::Display for TlsWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TlsWarning::BrokenAuthorities { path, broken: 1 } => {
                write!(f, "ca_file: a certificate in {} cannot be read, and is left out", path.display())
            }
            TlsWarning::BrokenAuthorities { path, broken } => {
                write!(f, "ca_file: {broken} certificates in {} cannot be read, and are left out", path.display())
            }
            TlsWarning::SystemAuthorities { authorities } => write!(
                f,
                "verify without ca_file: clients are let in with a certificate of any of the {authorities} authorities \
                 that this system trusts"
            ),
            TlsWarning::NoSystemAuthorities => f.write_str(
                "verify without ca_file: this system trusts no authority, so no client is let in: name a ca_file, or \
                 install the package ca-certificates",
            ),
        }
    }
}
