//! How a NATS client is let in.

use dunlin_auth::{Certificate, Credentials, Decision, Identity, Ticket};
use dunlin_nats_protocol::Connect;

use super::client::Client;
use crate::{CloseReason, Commands, Instant};

/// How far a client has come with saying who it is.
pub(crate) enum Admission {
    /// Nobody asks.
    Open,
    /// CONNECT has to come, with credentials.
    Awaited(Box<Awaited>),
    /// What CONNECT said is being checked. Nothing further is read until that is done.
    Checking(Box<Checking>),
    /// It is this one.
    Granted(Identity),
}

pub(crate) struct Awaited {
    /// By when.
    deadline: Instant,
    /// What the transport knows already: cookies and certificates.
    presented: Credentials,
}

pub(crate) struct Checking {
    deadline: Instant,
    connect: Connect,
    /// Who the client says it is, for the log.
    claim: Option<String>,
    _ticket: Ticket,
}

impl Admission {
    pub(crate) fn awaited(deadline: Instant, presented: Credentials) -> Admission {
        Admission::Awaited(Box::new(Awaited { deadline, presented }))
    }

    /// When the client has to be let in.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self {
            Admission::Open | Admission::Granted(_) => None,
            Admission::Awaited(awaited) => Some(awaited.deadline),
            Admission::Checking(checking) => Some(checking.deadline),
        }
    }

    pub(crate) fn is_checking(&self) -> bool {
        matches!(self, Admission::Checking(_))
    }

    /// The user, as monitoring names it (nats: /connz `authorized_user`).
    pub(crate) fn user(&self) -> Option<&str> {
        match self {
            Admission::Granted(identity) => Some(identity.user().unwrap_or("[REDACTED]")),
            _ => None,
        }
    }

    /// Moves the deadline of a client that could not say before who it is.
    pub(crate) fn restart(&mut self, deadline: Instant) {
        if let Admission::Awaited(awaited) = self {
            awaited.deadline = deadline;
        }
    }

    /// Keeps a certificate for the CONNECT that is to come.
    pub(crate) fn present(&mut self, certificate: Certificate) {
        if let Admission::Awaited(awaited) = self {
            awaited.presented.certificate = Some(certificate);
        }
    }

    fn claim(&self) -> Option<String> {
        let Admission::Granted(identity) = self else { return None };
        let user = identity.user().unwrap_or_default().to_owned();
        // Whoever has no name has the token, and a token is not shown.
        let token = if user.is_empty() { "-".to_owned() } else { String::new() };
        Credentials { user, token, ..Credentials::default() }.claim()
    }
}

impl Client {
    /// Looks at the first bytes of a client that has not been let in: they must begin a CONNECT, unless a client without
    /// credentials is some user (nats: `no_auth_user`).
    pub(crate) fn check_first_op(
        &mut self,
        input: &[u8],
        commands: &mut dyn Commands,
    ) -> Result<(), CloseReason> {
        if let (Admission::Awaited(_), Some(first)) = (&self.admission, input.first())
            && !first.eq_ignore_ascii_case(&b'C')
        {
            let Some(identity) = self.config.auth.anonymous(self.config.connection) else {
                return Err(refuse(None, commands));
            };
            self.admission = Admission::Granted(identity);
            self.is_connected = true;
        }
        Ok(())
    }

    /// Decides about a CONNECT that was read, and finishes it where that can be decided at once.
    pub(crate) fn admit(
        &mut self,
        mut connect: Connect,
        now: Instant,
        commands: &mut dyn Commands,
    ) -> Result<(), CloseReason> {
        let Some(credentials) = self.credentials(&mut connect) else {
            return self.finish_connect(connect, commands);
        };
        match self.config.auth.authenticate(&credentials) {
            Decision::Allow(identity) => {
                self.admission = identity.map_or(Admission::Open, Admission::Granted);
                self.finish_connect(connect, commands)
            }
            Decision::Deny => Err(refuse(credentials.claim().as_deref(), commands)),
            Decision::Pending(check) => {
                let deadline = self.admission.deadline().unwrap_or(now + self.config.auth_timeout);
                let claim = credentials.claim();
                let _ticket = check.ticket();
                self.admission =
                    Admission::Checking(Box::new(Checking { deadline, connect, claim, _ticket }));
                commands.authenticate(check);
                Ok(())
            }
        }
    }

    /// What is to be checked of a CONNECT; `None`: nothing.
    fn credentials(&mut self, connect: &mut Connect) -> Option<Credentials> {
        let mut given = Credentials {
            user: core::mem::take(&mut connect.user),
            pass: core::mem::take(&mut connect.pass),
            token: core::mem::take(&mut connect.auth_token),
            nkey: core::mem::take(&mut connect.nkey),
            certificate: None,
            connection: self.config.connection,
        };
        if !self.config.auth.is_required() {
            return None;
        }
        match &mut self.admission {
            Admission::Open | Admission::Checking(_) => {}
            Admission::Awaited(awaited) => given.fill_from(core::mem::take(&mut awaited.presented)),
            // As with the other fields, what a further CONNECT does not name stays as it was.
            Admission::Granted(_) if given.is_empty() && given.nkey.is_empty() => return None,
            Admission::Granted(identity) => {
                let user = identity.user().unwrap_or_default().to_owned();
                given.fill_from(Credentials { user, ..Credentials::default() });
            }
        }
        Some(given)
    }

    /// What came of a check that took long.
    pub(crate) fn handle_verdict(
        &mut self,
        identity: Option<Identity>,
        commands: &mut dyn Commands,
    ) -> Result<(), CloseReason> {
        if !self.admission.is_checking() {
            return Ok(());
        }
        let Admission::Checking(checking) = core::mem::replace(&mut self.admission, Admission::Open) else {
            return Ok(());
        };
        let Checking { connect, claim, .. } = *checking;
        // The rules may be others by now.
        let still = |identity: &Identity| self.config.auth.still_allow(identity, self.config.connection);
        let Some(identity) = identity.filter(still) else { return Err(refuse(claim.as_deref(), commands)) };
        self.admission = Admission::Granted(identity);
        self.finish_connect(connect, commands)
    }

    /// Whether the client may stay under the rules that hold now.
    pub(crate) fn check_again(&mut self, commands: &mut dyn Commands) -> Result<(), CloseReason> {
        let is_required = self.config.auth.is_required();
        let stays = match &self.admission {
            Admission::Open => !is_required,
            Admission::Granted(identity) => self.config.auth.still_allow(identity, self.config.connection),
            Admission::Awaited(_) | Admission::Checking(_) => true,
        };
        if !stays {
            return Err(refuse(self.admission.claim().as_deref(), commands));
        }
        if matches!(self.admission, Admission::Awaited(_)) && !is_required {
            self.admission = Admission::Open;
        }
        Ok(())
    }

    /// A CONNECT that chooses its account.
    pub(crate) fn refuse_account(&self, commands: &mut dyn Commands) -> CloseReason {
        refuse(self.admission.claim().as_deref(), commands)
    }
}

fn refuse(claim: Option<&str>, commands: &mut dyn Commands) -> CloseReason {
    commands.authentication_error(claim);
    CloseReason::AuthorizationViolation
}
