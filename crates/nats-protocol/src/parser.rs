use crate::args::{self, parse_max};
use crate::op::{ClientOp, Publish, Subscribe, Unsubscribe};
use crate::plain::Family;
use crate::progress::{Parts, Progress, Step};
use crate::verb::{CLIENT_VERBS, Verb};
use crate::{Limits, ParseError};

/// Parser of what clients send: the server's side of a connection. It holds offsets only, no bytes.
pub struct Parser {
    progress: Progress,
}

const PUB: Family = Family { verb: b"PUB", with_sid: false };

impl Parser {
    /// A parser at the start of a stream.
    pub fn new(limits: Limits) -> Parser {
        Parser { progress: Progress::new(limits) }
    }

    /// Changes the limits, from the next control line on that has not been read whole.
    pub fn set_limits(&mut self, limits: Limits) {
        self.progress.set_limits(limits);
    }

    /// Takes one op off the front of `buf`: the op and how many bytes it has. `Ok(None)`: bytes are missing.
    ///
    /// `buf` starts with the first byte of the op under way, on every call until that op is complete, so the bytes after
    /// `Ok(None)` are kept and new ones appended. What has been scanned is remembered and not scanned again. After an
    /// error the stream cannot be read on; the same bytes give the same error again.
    #[inline]
    pub fn next<'b>(&mut self, buf: &'b [u8]) -> Result<Option<(ClientOp<'b>, usize)>, ParseError> {
        match self.progress.plain(buf, PUB) {
            Some(parts) => Ok(Some(publish(parts))),
            None => self.next_slow(buf),
        }
    }

    /// How many bytes the op under way has in all, counted from its first byte. Known once the control line of an op
    /// with payload has been read, and until that op is complete.
    pub fn op_len(&self) -> Option<usize> {
        self.progress.op_len()
    }

    /// Kept out of `next`, which callers inline.
    #[inline(never)]
    fn next_slow<'b>(&mut self, buf: &'b [u8]) -> Result<Option<(ClientOp<'b>, usize)>, ParseError> {
        let (verb, arg, end, next) = match self.progress.advance(buf, CLIENT_VERBS)? {
            None => return Ok(None),
            Some(Step::Parts(parts)) => return Ok(Some(publish(parts))),
            Some(Step::Line { verb, arg, end, next }) => (verb, arg, end, next),
        };
        let text = args::trim(buf.get(arg..end).unwrap_or_default());
        let op = match verb {
            Verb::Sub => ClientOp::Subscribe(subscribe(buf, arg).ok_or(ParseError::SubArgs)?),
            Verb::Unsub => ClientOp::Unsubscribe(unsubscribe(buf, arg).ok_or(ParseError::UnsubArgs)?),
            Verb::Ping => ClientOp::Ping,
            Verb::Pong => ClientOp::Pong,
            Verb::Connect => ClientOp::Connect(text),
            Verb::Info => ClientOp::Info(text),
            Verb::Ok => ClientOp::Ok,
            Verb::Err => ClientOp::Err(args::unquote(text)),
            Verb::Pub | Verb::Hpub | Verb::Msg | Verb::Hmsg => return Err(ParseError::UnknownOperation),
        };
        self.progress.line_done();
        Ok(Some((op, next)))
    }
}

#[inline(always)]
fn publish(parts: Parts<'_>) -> (ClientOp<'_>, usize) {
    let op = Publish {
        subject: parts.subject,
        reply: parts.reply,
        header_len: parts.header_len,
        with_headers: parts.with_headers,
        payload: parts.payload,
    };
    (ClientOp::Publish(op), parts.len)
}

fn subscribe(buf: &[u8], arg: usize) -> Option<Subscribe<'_>> {
    let args = args::split::<true, 3>(buf, arg)?;
    let at = |i: usize| args.get(buf, i);
    match args.count {
        2 => Some(Subscribe { subject: at(0), queue: None, sid: at(1) }),
        3 => Some(Subscribe { subject: at(0), queue: Some(at(1)), sid: at(2) }),
        _ => None,
    }
}

fn unsubscribe(buf: &[u8], arg: usize) -> Option<Unsubscribe<'_>> {
    let args = args::split::<true, 2>(buf, arg)?;
    match args.count {
        1 => Some(Unsubscribe { sid: args.get(buf, 0), max: None }),
        2 => Some(Unsubscribe { sid: args.get(buf, 0), max: parse_max(args.get(buf, 1)) }),
        _ => None,
    }
}
