//! The oracle: a parser that is plainly right because it sees the whole input and takes its time.

use dunlin_nats_protocol::{
    ClientOp, Limits, Message, ParseError, Publish, ServerOp, Subscribe, Unsubscribe,
};

/// All ops of `input`, and the error that ends it, if one does. An op cut off at the end is left out.
pub(crate) type Parsed<Op> = (Vec<Op>, Option<ParseError>);

pub(crate) fn client_ops(input: &[u8], limits: Limits) -> Parsed<ClientOp<'_>> {
    const VERBS: &[&str] = &["PUB", "HPUB", "SUB", "UNSUB", "PING", "PONG", "CONNECT", "INFO", "+OK", "-ERR"];
    all(input, limits, VERBS, |line| {
        Ok(match line.verb {
            "PUB" | "HPUB" => {
                let body = line.body(1, line.verb == "HPUB", limits)?;
                ClientOp::Publish(Publish {
                    subject: body.fields[0],
                    reply: body.fields.get(1).copied(),
                    header_len: body.header_len,
                    with_headers: line.verb == "HPUB",
                    payload: match body.payload? {
                        Some(payload) => payload,
                        None => return Ok(None),
                    },
                })
            }
            "SUB" => match line.fields[..] {
                [subject, sid] => ClientOp::Subscribe(Subscribe { subject, queue: None, sid }),
                [subject, queue, sid] => ClientOp::Subscribe(Subscribe { subject, queue: Some(queue), sid }),
                _ => return Err(ParseError::SubArgs),
            },
            "UNSUB" => match line.fields[..] {
                [sid] => ClientOp::Unsubscribe(Unsubscribe { sid, max: None }),
                [sid, max] => ClientOp::Unsubscribe(Unsubscribe { sid, max: number(max) }),
                _ => return Err(ParseError::UnsubArgs),
            },
            "PING" => ClientOp::Ping,
            "PONG" => ClientOp::Pong,
            "CONNECT" => ClientOp::Connect(line.text),
            "INFO" => ClientOp::Info(line.text),
            "+OK" => ClientOp::Ok,
            _ => ClientOp::Err(unquoted(line.text)),
        }
        .into())
    })
}

pub(crate) fn server_ops(input: &[u8], limits: Limits) -> Parsed<ServerOp<'_>> {
    all(input, limits, &["MSG", "HMSG", "PING", "PONG", "INFO", "+OK", "-ERR"], |line| {
        Ok(match line.verb {
            "MSG" | "HMSG" => {
                let body = line.body(2, line.verb == "HMSG", limits)?;
                ServerOp::Msg(Message {
                    subject: body.fields[0],
                    sid: body.fields[1],
                    reply: body.fields.get(2).copied(),
                    header_len: body.header_len,
                    with_headers: line.verb == "HMSG",
                    payload: match body.payload? {
                        Some(payload) => payload,
                        None => return Ok(None),
                    },
                })
            }
            "PING" => ServerOp::Ping,
            "PONG" => ServerOp::Pong,
            "INFO" => ServerOp::Info(line.text),
            "+OK" => ServerOp::Ok,
            _ => ServerOp::Err(unquoted(line.text)),
        }
        .into())
    })
}

struct Line<'b> {
    verb: &'static str,
    /// The argument without the blanks around it.
    text: &'b [u8],
    fields: Vec<&'b [u8]>,
    /// The input after the line.
    rest: &'b [u8],
}

struct Body<'b> {
    /// Subject, sid and reply: what stands before the sizes.
    fields: Vec<&'b [u8]>,
    header_len: usize,
    payload: Result<Option<&'b [u8]>, ParseError>,
}

fn all<'b, Op>(
    input: &'b [u8],
    limits: Limits,
    verbs: &[&'static str],
    op: impl Fn(&Line<'b>) -> Result<Option<Op>, ParseError>,
) -> Parsed<Op>
where
    Op: HasPayload,
{
    let mut ops = Vec::new();
    let mut input = input;
    while !input.is_empty() {
        let line = match read_line(input, limits, verbs) {
            Ok(Some(line)) => line,
            Ok(None) => break,
            Err(error) => return (ops, Some(error)),
        };
        match op(&line) {
            Ok(Some(op)) => {
                input = &line.rest[op.payload_len().map_or(0, |len| len + 2)..];
                ops.push(op);
            }
            Ok(None) => break,
            Err(error) => return (ops, Some(error)),
        }
    }
    (ops, None)
}

fn read_line<'b>(
    input: &'b [u8],
    limits: Limits,
    verbs: &[&'static str],
) -> Result<Option<Line<'b>>, ParseError> {
    let upper = input.to_ascii_uppercase();
    let Some(verb) = verbs.iter().copied().find(|verb| upper.starts_with(verb.as_bytes())) else {
        let undecided = verbs.iter().any(|verb| verb.as_bytes().starts_with(&upper));
        return if undecided { Ok(None) } else { Err(ParseError::UnknownOperation) };
    };
    let after = &input[verb.len()..];
    if !matches!(verb, "PING" | "PONG" | "+OK" | "CONNECT" | "INFO") {
        match after.first() {
            None => return Ok(None),
            Some(b' ' | b'\t') => {}
            Some(_) => return Err(ParseError::UnknownOperation),
        }
    }
    let feed = after.iter().position(|&byte| byte == b'\n');
    let line = &after[..feed.unwrap_or(after.len())];
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let blanks = match verb {
        "PING" | "PONG" | "+OK" => 0,
        _ => line.iter().take_while(|&&byte| is_blank(byte)).count(),
    };
    let argument = &line[blanks..];
    if argument.len() > limits.control_line_max || blanks > limits.control_line_max {
        return Err(ParseError::ControlLineTooLong);
    }
    let Some(feed) = feed else { return Ok(None) };
    let cr_is_blank = matches!(verb, "SUB" | "UNSUB");
    let fields = argument
        .split(|&byte| is_blank(byte) || cr_is_blank && byte == b'\r')
        .filter(|field| !field.is_empty())
        .collect();
    let text_len = argument.iter().rposition(|&byte| !is_blank(byte)).map_or(0, |at| at + 1);
    Ok(Some(Line { verb, text: &argument[..text_len], fields, rest: &after[feed + 1..] }))
}

impl<'b> Line<'b> {
    /// Splits off the sizes and the payload; `names` is how many fields must stand before an optional reply.
    fn body(&self, names: usize, with_headers: bool, limits: Limits) -> Result<Body<'b>, ParseError> {
        use ParseError as E;
        let [args, header_size, size, over] = match self.verb {
            "PUB" => [E::PubArgs, E::PubSize, E::PubSize, E::PubSize],
            "HPUB" => [E::HpubArgs, E::HpubHeaderSize, E::HpubTotalSize, E::HpubHeaderOverTotal],
            "MSG" => [E::MsgArgs, E::MsgSize, E::MsgSize, E::MsgSize],
            _ => [E::HmsgArgs, E::HmsgHeaderSize, E::HmsgTotalSize, E::HmsgHeaderOverTotal],
        };
        let mut fields = self.fields.clone();
        let sizes = 1 + usize::from(with_headers);
        if fields.len() != names + sizes && fields.len() != names + 1 + sizes {
            return Err(args);
        }
        let total = fields.pop().unwrap_or_default();
        let header_len = match with_headers {
            true => size_of(fields.pop().unwrap_or_default()).ok_or(header_size)?,
            false => 0,
        };
        let total = size_of(total).ok_or(size)?;
        if header_len > total {
            return Err(over);
        }
        if total > limits.payload_max {
            return Err(E::PayloadTooBig);
        }
        let payload = match self.rest.get(total..) {
            None | Some([]) | Some([b'\r']) => Ok(None),
            Some([b'\r', b'\n', ..]) => Ok(Some(&self.rest[..total])),
            Some(_) => Err(E::PayloadEnd),
        };
        Ok(Body { fields, header_len, payload })
    }
}

trait HasPayload {
    fn payload_len(&self) -> Option<usize>;
}

impl HasPayload for ClientOp<'_> {
    fn payload_len(&self) -> Option<usize> {
        match self {
            ClientOp::Publish(publish) => Some(publish.payload.len()),
            _ => None,
        }
    }
}

impl HasPayload for ServerOp<'_> {
    fn payload_len(&self) -> Option<usize> {
        match self {
            ServerOp::Msg(message) => Some(message.payload.len()),
            _ => None,
        }
    }
}

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

fn unquoted(text: &[u8]) -> &[u8] {
    let quoted = text.len() >= 2 && text.starts_with(b"'") && text.ends_with(b"'");
    if quoted { &text[1..text.len() - 1] } else { text }
}

fn digits(field: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(field).ok()?;
    text.bytes().all(|byte| byte.is_ascii_digit()).then_some(text)
}

fn size_of(field: &[u8]) -> Option<usize> {
    digits(field).filter(|text| text.len() <= 9)?.parse().ok()
}

fn number(field: &[u8]) -> Option<u64> {
    digits(field).map(|text| text.parse().unwrap_or(u64::MAX))
}
