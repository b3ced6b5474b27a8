//! Who may connect: credentials in, decisions out.
//!
//! [`Rules`] hold what a listener asks of its clients, [`Credentials`] what a client says. [`Rules::authenticate`] answers at
//! once where it can. Where the answer takes long (bcrypt is made to), it returns a [`Check`] that anybody may run, on any
//! thread, while the client waits: nothing here knows of threads, connections or protocols.
//!
//! ```
//! use dunlin_auth::{Credentials, Decision, Rules, Secret};
//!
//! let rules = Rules::single("ada", Secret::new("lovelace"));
//! let credentials = Credentials { user: "ada".into(), pass: "lovelace".into(), ..Credentials::default() };
//! assert!(matches!(rules.authenticate(&credentials), Decision::Allow(Some(identity)) if identity.user() == Some("ada")));
//! assert!(matches!(rules.authenticate(&Credentials::default()), Decision::Deny));
//! ```

mod check;
mod connection_type;
mod credentials;
mod rules;
mod secret;

pub use check::{Check, Ticket};
pub use connection_type::{ConnectionType, ConnectionTypes};
pub use credentials::{Certificate, Credentials};
pub use rules::{Decision, Identity, Rules, User};
pub use secret::{Secret, is_bcrypt};
