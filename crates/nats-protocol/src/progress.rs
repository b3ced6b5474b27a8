use crate::args::{self, Args};
use crate::plain::Family;
use crate::verb::{After, Verb};
use crate::{Limits, ParseError};

/// How far a parser has come with the op under way, and what it refuses.
///
/// Offsets count from the first byte of the op. They are `u32`, since a server has one of these for each connection.
pub(crate) struct Progress {
    limits: Limits,
    state: State,
}

#[derive(Clone, Copy)]
enum State {
    /// Nothing is known: fewer bytes than a verb.
    Start,
    /// The verb is known, its argument starts at `arg`, and there is no LF before `scanned`. As long as only blanks have
    /// come, `arg == scanned`.
    Line { verb: Verb, arg: u32, scanned: u32 },
    /// The control line has been read; the payload has not come whole.
    Payload(Head),
}

/// A control line that announces a payload, as offsets. An empty span is an argument that is not there.
#[derive(Clone, Copy)]
pub(crate) struct Head {
    subject: Span,
    sid: Span,
    reply: Span,
    payload: Span,
    header_len: u32,
    with_headers: bool,
}

#[derive(Clone, Copy)]
struct Span {
    start: u32,
    end: u32,
}

/// An op with payload, cut out of the buffer.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'b> {
    pub(crate) subject: &'b [u8],
    pub(crate) sid: &'b [u8],
    pub(crate) reply: Option<&'b [u8]>,
    pub(crate) payload: &'b [u8],
    pub(crate) header_len: usize,
    pub(crate) with_headers: bool,
    /// How many bytes the op has in all.
    pub(crate) len: usize,
}

/// What [`Progress::advance`] found.
pub(crate) enum Step<'b> {
    /// A whole control line without payload: its argument starts at `arg` and ends at `end`; the next op is at `next`.
    Line { verb: Verb, arg: usize, end: usize, next: usize },
    /// A whole op with payload.
    Parts(Parts<'b>),
}

/// With these no offset can pass `u32`: a control line has at most a verb, as many blanks, and CR LF besides.
fn cap(limits: Limits) -> Limits {
    Limits {
        control_line_max: limits.control_line_max.min(1 << 30),
        payload_max: limits.payload_max.min(999_999_999),
    }
}

impl Progress {
    pub(crate) fn new(limits: Limits) -> Progress {
        Progress { limits: cap(limits), state: State::Start }
    }

    pub(crate) fn set_limits(&mut self, limits: Limits) {
        self.limits = cap(limits);
    }

    pub(crate) fn op_len(&self) -> Option<usize> {
        match self.state {
            State::Payload(head) => Some(head.op_len()),
            State::Start | State::Line { .. } => None,
        }
    }

    /// Takes an op that is complete and plainly written. `None`: call [`Progress::advance`].
    #[inline(always)]
    pub(crate) fn plain<'b>(&self, buf: &'b [u8], family: Family) -> Option<Parts<'b>> {
        match self.state {
            State::Start => family.parse(buf, self.limits),
            State::Line { .. } | State::Payload(_) => None,
        }
    }

    /// Goes on from where the last call stopped.
    pub(crate) fn advance<'b>(
        &mut self,
        buf: &'b [u8],
        verbs: &[Verb],
    ) -> Result<Option<Step<'b>>, ParseError> {
        let (verb, arg, scanned) = match self.state {
            State::Payload(head) => return Ok(self.parts(buf, head)?.map(Step::Parts)),
            State::Line { verb, arg, scanned } => (verb, arg as usize, scanned as usize),
            State::Start => {
                let Some(verb) = Verb::recognise(buf, verbs)? else { return Ok(None) };
                (verb, verb.text().len(), verb.text().len())
            }
        };
        let Some((arg, end, next)) = self.line(buf, verb, arg, scanned)? else { return Ok(None) };
        let head = match verb {
            Verb::Pub => self.split_head::<3>(buf, verb, arg)?,
            Verb::Hpub | Verb::Msg => self.split_head::<4>(buf, verb, arg)?,
            Verb::Hmsg => self.split_head::<5>(buf, verb, arg)?,
            _ => return Ok(Some(Step::Line { verb, arg, end, next })),
        };
        Ok(self.parts(buf, head)?.map(Step::Parts))
    }

    /// The caller has taken a [`Step::Line`]: what follows is the next op.
    pub(crate) fn line_done(&mut self) {
        self.state = State::Start;
    }

    /// Looks for the end of the control line in what has not been scanned. `Some`: where the argument starts, where it
    /// ends, and where the next line starts.
    fn line(
        &mut self,
        buf: &[u8],
        verb: Verb,
        mut arg: usize,
        scanned: usize,
    ) -> Result<Option<(usize, usize, usize)>, ParseError> {
        let fresh = buf.get(scanned..).unwrap_or_default();
        if arg == scanned && verb.after() != After::Ignored {
            arg += fresh.iter().take_while(|&&byte| byte == b' ' || byte == b'\t').count();
        }
        let feed = memchr::memchr(b'\n', fresh).map(|at| scanned + at);
        let mut end = feed.unwrap_or(scanned + fresh.len());
        if end > arg && buf.get(end - 1) == Some(&b'\r') {
            end -= 1;
        }
        self.check_line(verb.text().len(), arg, end)?;
        let Some(feed) = feed else {
            self.state = State::Line { verb, arg: arg as u32, scanned: (scanned + fresh.len()) as u32 };
            return Ok(None);
        };
        Ok(Some((arg, end, feed + 1)))
    }

    /// The official limit is on the argument. The blanks before it must be kept too while the line is incomplete, so
    /// they meet the same limit.
    fn check_line(&self, after: usize, arg: usize, end: usize) -> Result<(), ParseError> {
        let max = self.limits.control_line_max;
        if end - arg > max || arg - after > max {
            return Err(ParseError::ControlLineTooLong);
        }
        Ok(())
    }

    fn split_head<const N: usize>(&self, buf: &[u8], verb: Verb, arg: usize) -> Result<Head, ParseError> {
        match args::split::<false, N>(buf, arg) {
            Some(args) => self.head(verb, buf, &args),
            // Not reached: the LF has been found before.
            None => Err(verb.args_error()),
        }
    }

    /// Checks the arguments of an op with payload. `N` is the most that `verb` can have.
    fn head<const N: usize>(&self, verb: Verb, buf: &[u8], args: &Args<N>) -> Result<Head, ParseError> {
        let with_reply = args.count == N;
        if !with_reply && args.count != N - 1 {
            return Err(verb.args_error());
        }
        let last = args.count - 1;
        let with_headers = matches!(verb, Verb::Hpub | Verb::Hmsg);
        let mut header_len = 0;
        if with_headers {
            header_len = args::parse_size(args.get(buf, last - 1)).ok_or(verb.header_size_error())?;
        }
        let len = args::parse_size(args.get(buf, last)).ok_or(verb.size_error())?;
        if header_len > len {
            return Err(verb.header_over_total_error());
        }
        if len as usize > self.limits.payload_max {
            return Err(ParseError::PayloadTooBig);
        }
        let has_sid = matches!(verb, Verb::Msg | Verb::Hmsg);
        let none = Span { start: 0, end: 0 };
        let payload = args.next as u32;
        Ok(Head {
            subject: Span::new(args.span(0)),
            sid: if has_sid { Span::new(args.span(1)) } else { none },
            reply: if with_reply { Span::new(args.span(1 + usize::from(has_sid))) } else { none },
            payload: Span { start: payload, end: payload + len },
            header_len,
            with_headers,
        })
    }

    /// Cuts the op out of the buffer if all of it is there.
    fn parts<'b>(&mut self, buf: &'b [u8], head: Head) -> Result<Option<Parts<'b>>, ParseError> {
        let end = head.payload.end as usize;
        let Some(payload) = buf.get(head.payload.start as usize..end) else {
            self.state = State::Payload(head);
            return Ok(None);
        };
        match *buf.get(end..).unwrap_or_default() {
            [b'\r', b'\n', ..] => {}
            [] | [b'\r'] => {
                self.state = State::Payload(head);
                return Ok(None);
            }
            _ => return Err(ParseError::PayloadEnd),
        }
        self.state = State::Start;
        Ok(Some(Parts {
            subject: head.subject.of(buf),
            sid: head.sid.of(buf),
            reply: Some(head.reply.of(buf)).filter(|reply| !reply.is_empty()),
            payload,
            header_len: head.header_len as usize,
            with_headers: head.with_headers,
            len: head.op_len(),
        }))
    }
}

impl Head {
    fn op_len(&self) -> usize {
        self.payload.end as usize + 2
    }
}

impl Span {
    fn new((start, end): (usize, usize)) -> Span {
        Span { start: start as u32, end: end as u32 }
    }

    fn of(self, buf: &[u8]) -> &[u8] {
        buf.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

impl Verb {
    fn args_error(self) -> ParseError {
        match self {
            Verb::Hpub => ParseError::HpubArgs,
            Verb::Msg => ParseError::MsgArgs,
            Verb::Hmsg => ParseError::HmsgArgs,
            _ => ParseError::PubArgs,
        }
    }

    fn size_error(self) -> ParseError {
        match self {
            Verb::Hpub => ParseError::HpubTotalSize,
            Verb::Msg => ParseError::MsgSize,
            Verb::Hmsg => ParseError::HmsgTotalSize,
            _ => ParseError::PubSize,
        }
    }

    fn header_size_error(self) -> ParseError {
        match self {
            Verb::Hmsg => ParseError::HmsgHeaderSize,
            _ => ParseError::HpubHeaderSize,
        }
    }

    fn header_over_total_error(self) -> ParseError {
        match self {
            Verb::Hmsg => ParseError::HmsgHeaderOverTotal,
            _ => ParseError::HpubHeaderOverTotal,
        }
    }
}
