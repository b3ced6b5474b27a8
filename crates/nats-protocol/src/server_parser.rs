use crate::args;
use crate::op::{Message, ServerOp};
use crate::plain::Family;
use crate::progress::{Parts, Progress, Step};
use crate::verb::{SERVER_VERBS, Verb};
use crate::{Limits, ParseError};

/// Parser of what servers send: the client's side of a connection. It holds offsets only, no bytes.
pub struct ServerParser {
    progress: Progress,
}

const MSG: Family = Family { verb: b"MSG", with_sid: true };

impl ServerParser {
    /// A parser at the start of a stream.
    pub fn new(limits: Limits) -> ServerParser {
        ServerParser { progress: Progress::new(limits) }
    }

    /// Changes the limits, from the next control line on that has not been read whole.
    pub fn set_limits(&mut self, limits: Limits) {
        self.progress.set_limits(limits);
    }

    /// Takes one op off the front of `buf`, under the same rules as [`Parser::next`](crate::Parser::next).
    #[inline]
    pub fn next<'b>(&mut self, buf: &'b [u8]) -> Result<Option<(ServerOp<'b>, usize)>, ParseError> {
        match self.progress.plain(buf, MSG) {
            Some(parts) => Ok(Some(message(parts))),
            None => self.next_slow(buf),
        }
    }

    /// How many bytes the op under way has in all, as [`Parser::op_len`](crate::Parser::op_len).
    pub fn op_len(&self) -> Option<usize> {
        self.progress.op_len()
    }

    /// Kept out of `next`, which callers inline.
    #[inline(never)]
    fn next_slow<'b>(&mut self, buf: &'b [u8]) -> Result<Option<(ServerOp<'b>, usize)>, ParseError> {
        let (verb, arg, end, next) = match self.progress.advance(buf, SERVER_VERBS)? {
            None => return Ok(None),
            Some(Step::Parts(parts)) => return Ok(Some(message(parts))),
            Some(Step::Line { verb, arg, end, next }) => (verb, arg, end, next),
        };
        let text = args::trim(buf.get(arg..end).unwrap_or_default());
        let op = match verb {
            Verb::Ping => ServerOp::Ping,
            Verb::Pong => ServerOp::Pong,
            Verb::Info => ServerOp::Info(text),
            Verb::Ok => ServerOp::Ok,
            Verb::Err => ServerOp::Err(args::unquote(text)),
            _ => return Err(ParseError::UnknownOperation),
        };
        self.progress.line_done();
        Ok(Some((op, next)))
    }
}

#[inline(always)]
fn message(parts: Parts<'_>) -> (ServerOp<'_>, usize) {
    let op = Message {
        subject: parts.subject,
        sid: parts.sid,
        reply: parts.reply,
        header_len: parts.header_len,
        with_headers: parts.with_headers,
        payload: parts.payload,
    };
    (ServerOp::Msg(op), parts.len)
}
