//! What a client says about who it is.

use core::fmt;

use crate::ConnectionType;

/// What a client says about who it is, and how it is connected. A string that was not given is empty.
///
/// `Debug` shows no secret.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    /// The name of a user (nats: CONNECT `user`).
    pub user: String,
    /// The user's password (nats: CONNECT `pass`).
    pub pass: String,
    /// A token (nats: CONNECT `auth_token`).
    pub token: String,
    /// A public user key (nats: CONNECT `nkey`).
    pub nkey: String,
    /// What a client certificate says, where the transport has verified one.
    pub certificate: Option<Certificate>,
    /// How the client is connected.
    pub connection: ConnectionType,
}

/// The names in a client certificate that was verified, in the order in which they are tried as user names: e-mail addresses,
/// DNS names and URIs of its subject alternative name, then its subject (nats: `verify_and_map`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificate {
    /// The names.
    pub names: Vec<String>,
}

impl Credentials {
    /// Nothing that could identify a user was given (nats: then `no_auth_user` applies).
    pub fn is_empty(&self) -> bool {
        self.user.is_empty() && self.pass.is_empty() && self.token.is_empty()
    }

    /// Puts `other` in where this has nothing.
    pub fn fill_from(&mut self, other: Credentials) {
        let fill = |field: &mut String, value: String| {
            if field.is_empty() {
                *field = value;
            }
        };
        fill(&mut self.user, other.user);
        fill(&mut self.pass, other.pass);
        fill(&mut self.token, other.token);
        fill(&mut self.nkey, other.nkey);
        if self.certificate.is_none() {
            self.certificate = other.certificate;
        }
    }

    /// Who the client says it is, for a log line; `None` where it says nothing (nats: `authentication error - User "a"`).
    pub fn claim(&self) -> Option<String> {
        match self {
            Credentials { nkey, .. } if !nkey.is_empty() => Some(format!("Nkey {nkey:?}")),
            Credentials { user, .. } if !user.is_empty() => Some(format!("User {user:?}")),
            Credentials { token, .. } if !token.is_empty() => Some("Token \"[REDACTED]\"".into()),
            _ => None,
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("claim", &self.claim())
            .field("certificate", &self.certificate)
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}
