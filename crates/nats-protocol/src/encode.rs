use alloc::vec::Vec;

use crate::op::{ClientOp, Message, Publish, ServerOp, Subscribe, Unsubscribe};

// Nothing here checks its arguments: subjects, replies, queues and sids must be non-empty and free of space, TAB, CR and
// LF, as those that a parser or a subject type hands out are; a JSON text must be free of LF.

/// The control line of a message to a subscriber: `MSG ..\r\n`, or `HMSG ..\r\n` with a header length. The payload and
/// its CR LF follow; they are the caller's to append, since many receivers share them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MsgHead<'a> {
    /// The subject that it was published to: a token without blanks.
    pub subject: &'a [u8],
    /// The receiver's name for its subscription: a token without blanks.
    pub sid: &'a [u8],
    /// Where answers should go: a token without blanks.
    pub reply: Option<&'a [u8]>,
    /// Bytes of header block at the start of the payload: `Some` makes it `HMSG`.
    pub header_len: Option<usize>,
    /// Bytes of header block and payload together.
    pub total_len: usize,
}

impl MsgHead<'_> {
    /// Appends the control line.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.header_len.is_some() { b"HMSG " } else { b"MSG " });
        push_token(self.subject, out);
        push_token(self.sid, out);
        push_sizes(self.reply, self.header_len, self.total_len, out);
    }

    /// How many bytes [`MsgHead::encode`] appends.
    pub fn encoded_len(&self) -> usize {
        "MSG ".len()
            + self.subject.len()
            + 1
            + self.sid.len()
            + 1
            + sizes_len(self.reply, self.header_len, self.total_len)
    }
}

/// The control line of a message to the server: `PUB ..\r\n`, or `HPUB ..\r\n` with a header length. The payload and its
/// CR LF follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PubHead<'a> {
    /// Where it goes: a token without blanks.
    pub subject: &'a [u8],
    /// Where answers should go: a token without blanks.
    pub reply: Option<&'a [u8]>,
    /// Bytes of header block at the start of the payload: `Some` makes it `HPUB`.
    pub header_len: Option<usize>,
    /// Bytes of header block and payload together.
    pub total_len: usize,
}

impl PubHead<'_> {
    /// Appends the control line.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.header_len.is_some() { b"HPUB " } else { b"PUB " });
        push_token(self.subject, out);
        push_sizes(self.reply, self.header_len, self.total_len, out);
    }

    /// How many bytes [`PubHead::encode`] appends.
    pub fn encoded_len(&self) -> usize {
        "PUB ".len() + self.subject.len() + 1 + sizes_len(self.reply, self.header_len, self.total_len)
    }
}

impl ClientOp<'_> {
    /// Appends the op as a client sends it.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match *self {
            ClientOp::Connect(json) => push_line(&[b"CONNECT ", json, b"\r\n"], out),
            ClientOp::Ping => out.extend_from_slice(b"PING\r\n"),
            ClientOp::Pong => out.extend_from_slice(b"PONG\r\n"),
            ClientOp::Publish(publish) => publish.encode(out),
            ClientOp::Subscribe(subscribe) => subscribe.encode(out),
            ClientOp::Unsubscribe(unsubscribe) => unsubscribe.encode(out),
            ClientOp::Info(json) => push_line(&[b"INFO ", json, b"\r\n"], out),
            ClientOp::Ok => out.extend_from_slice(b"+OK\r\n"),
            ClientOp::Err(text) => push_err(text, out),
        }
    }
}

impl Publish<'_> {
    /// Appends the op: control line, payload and CR LF.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let header_len = self.with_headers.then_some(self.header_len);
        PubHead { subject: self.subject, reply: self.reply, header_len, total_len: self.payload.len() }
            .encode(out);
        push_line(&[self.payload, b"\r\n"], out);
    }
}

impl Subscribe<'_> {
    /// Appends the op.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self.queue {
            Some(queue) => push_line(&[b"SUB ", self.subject, b" ", queue, b" ", self.sid, b"\r\n"], out),
            None => push_line(&[b"SUB ", self.subject, b" ", self.sid, b"\r\n"], out),
        }
    }
}

impl Unsubscribe<'_> {
    /// Appends the op.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self.max {
            Some(max) => {
                let mut digits = itoa::Buffer::new();
                push_line(&[b"UNSUB ", self.sid, b" ", digits.format(max).as_bytes(), b"\r\n"], out);
            }
            None => push_line(&[b"UNSUB ", self.sid, b"\r\n"], out),
        }
    }
}

impl ServerOp<'_> {
    /// Appends the op as a server sends it. `INFO` has a space before its CR LF, as from the NATS server.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match *self {
            ServerOp::Info(json) => push_line(&[b"INFO ", json, b" \r\n"], out),
            ServerOp::Msg(message) => message.encode(out),
            ServerOp::Ping => out.extend_from_slice(b"PING\r\n"),
            ServerOp::Pong => out.extend_from_slice(b"PONG\r\n"),
            ServerOp::Ok => out.extend_from_slice(b"+OK\r\n"),
            ServerOp::Err(text) => push_err(text, out),
        }
    }
}

impl Message<'_> {
    /// Appends the op: control line, payload and CR LF.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let head = MsgHead {
            subject: self.subject,
            sid: self.sid,
            reply: self.reply,
            header_len: self.with_headers.then_some(self.header_len),
            total_len: self.payload.len(),
        };
        head.encode(out);
        push_line(&[self.payload, b"\r\n"], out);
    }
}

/// Appends `-ERR '<text>'\r\n`: the same as [`ServerOp::Err`], for text at hand as a `str`.
pub fn encode_err(text: &str, out: &mut Vec<u8>) {
    push_err(text.as_bytes(), out);
}

/// Appends the message that tells a requester that nobody listens on `subject`: an `HMSG` to its reply subject with
/// status 503 and the header `Nats-Subject`, as the NATS server words it. `sid` is the requester's subscription on `reply`.
pub fn encode_no_responders(reply: &[u8], sid: &[u8], subject: &[u8], out: &mut Vec<u8>) {
    let parts: [&[u8]; 3] = [b"NATS/1.0 503\r\nNats-Subject: ", subject, b"\r\n\r\n"];
    let len = parts.iter().map(|part| part.len()).sum();
    MsgHead { subject: reply, sid, reply: None, header_len: Some(len), total_len: len }.encode(out);
    push_line(&parts, out);
    out.extend_from_slice(b"\r\n");
}

/// A line break in the text would end the line early and make the rest an op of its own: it becomes a space.
fn push_err(text: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"-ERR '");
    out.extend(text.iter().map(|&byte| if byte == b'\r' || byte == b'\n' { b' ' } else { byte }));
    out.extend_from_slice(b"'\r\n");
}

fn push_line(parts: &[&[u8]], out: &mut Vec<u8>) {
    out.reserve(parts.iter().map(|part| part.len()).sum());
    for part in parts {
        out.extend_from_slice(part);
    }
}

fn push_token(token: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(token);
    out.push(b' ');
}

fn push_sizes(reply: Option<&[u8]>, header_len: Option<usize>, total_len: usize, out: &mut Vec<u8>) {
    if let Some(reply) = reply {
        push_token(reply, out);
    }
    let mut digits = itoa::Buffer::new();
    if let Some(header_len) = header_len {
        push_token(digits.format(header_len).as_bytes(), out);
    }
    out.extend_from_slice(digits.format(total_len).as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// What [`push_sizes`] appends, and the `H` that a header length puts before the verb.
fn sizes_len(reply: Option<&[u8]>, header_len: Option<usize>, total_len: usize) -> usize {
    let reply = reply.map_or(0, |reply| reply.len() + 1);
    let header = header_len.map_or(0, |len| "H".len() + digits(len) + 1);
    reply + header + digits(total_len) + "\r\n".len()
}

fn digits(number: usize) -> usize {
    number.checked_ilog10().unwrap_or(0) as usize + 1
}
