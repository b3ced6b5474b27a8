//! What a listener asks of its clients.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::check::Check;
use crate::{Certificate, ConnectionType, ConnectionTypes, Credentials, Secret};

/// What a listener asks of its clients. Clones share the users.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    method: Method,
    no_auth_user: Option<Box<str>>,
    maps_certificates: bool,
}

#[derive(Clone, Debug, Default)]
enum Method {
    /// Nothing: everybody may connect.
    #[default]
    Open,
    /// A token.
    Token(Identity),
    /// The name and password of one user.
    Single(Identity),
    /// Those of one of many.
    Users(Arc<HashMap<Box<str>, Identity>>),
}

/// A user of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The name.
    pub name: Box<str>,
    /// The password.
    pub secret: Secret,
    /// How the user may connect.
    pub connections: ConnectionTypes,
}

/// Who a client is. All clients of one user share it.
#[derive(Clone)]
pub struct Identity(Arc<Login>);

struct Login {
    /// `None`: it is whoever has the token.
    user: Option<Box<str>>,
    secret: Secret,
    connections: ConnectionTypes,
}

/// The answer to credentials.
#[derive(Debug)]
pub enum Decision {
    /// The client may go on, as this identity; `None`: nobody is asked who he is.
    Allow(Option<Identity>),
    /// It may not.
    Deny,
    /// That takes a while to say.
    Pending(Check),
}

impl Rules {
    /// Everybody may connect.
    pub fn open() -> Rules {
        Rules::default()
    }

    /// Clients need a token (nats: `authorization { token }`).
    pub fn token(secret: Secret) -> Rules {
        let login = Login { user: None, secret, connections: ConnectionTypes::ALL };
        Rules { method: Method::Token(Identity(Arc::new(login))), ..Rules::default() }
    }

    /// Clients need a name and a password (nats: `authorization { user, password }`).
    pub fn single(user: &str, secret: Secret) -> Rules {
        let user = User { name: user.into(), secret, connections: ConnectionTypes::ALL };
        Rules { method: Method::Single(Identity::of(user)), ..Rules::default() }
    }

    /// Clients need the name and the password of one of `users` (nats: `authorization { users }`). Of two with one name the
    /// last counts.
    pub fn users(users: impl IntoIterator<Item = User>) -> Rules {
        let users = users.into_iter().map(|user| (user.name.clone(), Identity::of(user))).collect();
        Rules { method: Method::Users(Arc::new(users)), ..Rules::default() }
    }

    /// The same, where a client without credentials is this user (nats: `no_auth_user`). Needs [`Rules::users`].
    #[must_use]
    pub fn with_no_auth_user(self, name: Option<&str>) -> Rules {
        Rules { no_auth_user: name.map(Into::into), ..self }
    }

    /// The same, where the client's certificate, not CONNECT, says which user it is (nats: `verify_and_map`). Needs
    /// [`Rules::users`].
    #[must_use]
    pub fn with_certificate_names(self, maps_certificates: bool) -> Rules {
        Rules { maps_certificates, ..self }
    }

    /// Whether clients are asked for anything.
    pub fn is_required(&self) -> bool {
        !matches!(self.method, Method::Open)
    }

    /// Whether clients without credentials are let in as some user.
    pub fn has_no_auth_user(&self) -> bool {
        self.no_auth_user.is_some()
    }

    /// Whether certificates say who clients are.
    pub fn maps_certificates(&self) -> bool {
        self.maps_certificates
    }

    /// Decides about a client.
    pub fn authenticate(&self, credentials: &Credentials) -> Decision {
        let (identity, given) = match &self.method {
            Method::Open => return Decision::Allow(None),
            Method::Token(identity) => (identity, &credentials.token),
            Method::Single(identity) if identity.user() == Some(&credentials.user) => {
                (identity, &credentials.pass)
            }
            Method::Single(_) => return Decision::Deny,
            Method::Users(users) => {
                let anonymous = credentials.is_empty().then(|| self.anonymous(credentials.connection));
                if let Some(identity) = anonymous.flatten().filter(|_| !self.maps_certificates) {
                    return Decision::Allow(Some(identity));
                }
                let user = match (self.maps_certificates, &credentials.certificate) {
                    (true, None) => None,
                    (true, Some(Certificate { names })) => names.iter().find_map(|name| users.get(&**name)),
                    (false, _) => users.get(&*credentials.user),
                };
                match user.filter(|user| user.0.connections.allow(credentials.connection)) {
                    Some(identity) => (identity, &credentials.pass),
                    None => return Decision::Deny,
                }
            }
        };
        match identity.0.secret.compare(given) {
            Some(true) => Decision::Allow(Some(identity.clone())),
            Some(false) => Decision::Deny,
            None => Decision::Pending(Check::new(identity.clone(), given.clone())),
        }
    }

    /// Who a client of this type is that says nothing about itself, where that is allowed.
    pub fn anonymous(&self, connection: ConnectionType) -> Option<Identity> {
        let Method::Users(users) = &self.method else { return None };
        let identity = users.get(self.no_auth_user.as_deref()?)?;
        identity.0.connections.allow(connection).then(|| identity.clone())
    }

    /// Whether a client that was let in as `identity`, perhaps by other rules, would be let in by these: the user or token is
    /// still there, with the same secret as configured, and open to this type of connection.
    pub fn still_allow(&self, identity: &Identity, connection: ConnectionType) -> bool {
        let now = match (&self.method, identity.user()) {
            (Method::Open, _) => return true,
            (Method::Token(now), None) => now,
            (Method::Single(now), user) if user == now.user() => now,
            (Method::Users(users), Some(user)) => match users.get(user) {
                Some(now) => now,
                None => return false,
            },
            _ => return false,
        };
        now.0.secret == identity.0.secret && now.0.connections.allow(connection)
    }
}

impl Identity {
    fn of(user: User) -> Identity {
        let User { name, secret, connections } = user;
        Identity(Arc::new(Login { user: Some(name), secret, connections }))
    }

    /// The user's name; `None` for whoever has the token.
    pub fn user(&self) -> Option<&str> {
        self.0.user.as_deref()
    }

    /// Takes long where the secret is a hash.
    pub(crate) fn has_secret(&self, given: &str) -> bool {
        self.0.secret.verify(given)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Identity").field(&self.user()).finish()
    }
}
