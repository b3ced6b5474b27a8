use crate::ParseError;

/// The word that a control line starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Pub,
    Hpub,
    Sub,
    Unsub,
    Ping,
    Pong,
    Connect,
    Info,
    Ok,
    Err,
    Msg,
    Hmsg,
}

/// What clients may send. No verb is the start of another, so the order is only a matter of speed.
pub(crate) const CLIENT_VERBS: &[Verb] = &[
    Verb::Pub,
    Verb::Hpub,
    Verb::Sub,
    Verb::Unsub,
    Verb::Ping,
    Verb::Pong,
    Verb::Connect,
    Verb::Info,
    Verb::Ok,
    Verb::Err,
];

/// What servers may send.
pub(crate) const SERVER_VERBS: &[Verb] =
    &[Verb::Msg, Verb::Hmsg, Verb::Ping, Verb::Pong, Verb::Ok, Verb::Err, Verb::Info];

/// What a control line has after its verb.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// At least one blank, then the argument.
    Blank,
    /// The argument, blanks before it or not.
    Argument,
    /// Text that is ignored.
    Ignored,
}

impl Verb {
    pub(crate) const fn text(self) -> &'static [u8] {
        match self {
            Verb::Pub => b"PUB",
            Verb::Hpub => b"HPUB",
            Verb::Sub => b"SUB",
            Verb::Unsub => b"UNSUB",
            Verb::Ping => b"PING",
            Verb::Pong => b"PONG",
            Verb::Connect => b"CONNECT",
            Verb::Info => b"INFO",
            Verb::Ok => b"+OK",
            Verb::Err => b"-ERR",
            Verb::Msg => b"MSG",
            Verb::Hmsg => b"HMSG",
        }
    }

    pub(crate) const fn after(self) -> After {
        match self {
            Verb::Ping | Verb::Pong | Verb::Ok => After::Ignored,
            Verb::Connect | Verb::Info => After::Argument,
            Verb::Pub | Verb::Hpub | Verb::Sub | Verb::Unsub | Verb::Err | Verb::Msg | Verb::Hmsg => {
                After::Blank
            }
        }
    }

    /// Finds which of `verbs` `buf` starts with. `Ok(None)`: one may still come of it. A byte that rules all out is
    /// an error at once, without waiting for the end of the line.
    pub(crate) fn recognise(buf: &[u8], verbs: &[Verb]) -> Result<Option<Verb>, ParseError> {
        let Some(&first) = buf.first() else { return Ok(None) };
        for &verb in verbs {
            let text = verb.text();
            if !first.eq_ignore_ascii_case(&text[0]) {
                continue;
            }
            let len = text.len().min(buf.len());
            if !buf[..len].eq_ignore_ascii_case(&text[..len]) {
                continue;
            }
            if len < text.len() {
                return Ok(None);
            }
            if verb.after() != After::Blank {
                return Ok(Some(verb));
            }
            return match buf.get(len) {
                None => Ok(None),
                Some(b' ' | b'\t') => Ok(Some(verb)),
                Some(_) => Err(ParseError::UnknownOperation),
            };
        }
        Err(ParseError::UnknownOperation)
    }
}
