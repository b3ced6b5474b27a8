//! What scripted clients send.

use dunlin_nats_protocol::{ClientOp, Publish, Subscribe, Unsubscribe};

use crate::failure::show;

/// The options of CONNECT that change what a client gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// `verbose`
    pub verbose: bool,
    /// `pedantic`
    pub pedantic: bool,
    /// `echo`
    pub echo: bool,
    /// `headers`
    pub headers: bool,
    /// `no_responders`
    pub no_responders: bool,
    /// `protocol` is 1.
    pub protocol: bool,
}

impl Options {
    /// What holds until a client sends CONNECT.
    pub const BEFORE_CONNECT: Options = Options {
        verbose: true,
        pedantic: true,
        echo: true,
        headers: false,
        no_responders: false,
        protocol: false,
    };

    /// What most client libraries ask for.
    pub const USUAL: Options = Options {
        verbose: false,
        pedantic: false,
        echo: true,
        headers: true,
        no_responders: true,
        protocol: true,
    };
}

/// Something that the server ends the connection for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Offence {
    /// What is sent.
    pub bytes: &'static [u8],
    /// The text of the `-ERR`, or nothing.
    pub text: Option<&'static str>,
    /// The code of the WebSocket close frame.
    pub close_code: u16,
}

/// A control line that does not end before it is too long.
const LONG_LINE: &[u8] = &{
    let mut line = [b'x'; 5000];
    [line[0], line[1], line[2], line[3]] = *b"SUB ";
    line
};

/// Offences that need no special state.
pub const OFFENCES: [Offence; 10] = [
    Offence { bytes: LONG_LINE, text: Some("maximum control line exceeded"), close_code: 1008 },
    Offence { bytes: b"NONSENSE\r\n", text: Some("Unknown Protocol Operation"), close_code: 1002 },
    Offence { bytes: b"\r\n", text: Some("Unknown Protocol Operation"), close_code: 1002 },
    Offence { bytes: b"PUB a 2\r\nabXX", text: Some("Unknown Protocol Operation"), close_code: 1002 },
    Offence { bytes: b"PUB a 999999999\r\n", text: Some("Maximum Payload Violation"), close_code: 1009 },
    Offence {
        bytes: b"PUB a r x 3 3\r\n",
        text: Some("Parse Error: PUB needs subject, optional reply and size"),
        close_code: 1002,
    },
    Offence {
        bytes: b"SUB a\r\n",
        text: Some("Parse Error: SUB needs subject, optional queue and sid"),
        close_code: 1002,
    },
    Offence {
        bytes: b"CONNECT {\"verbose\":\r\n",
        text: Some("Parse Error: CONNECT needs a JSON object with fields of the right types"),
        close_code: 1002,
    },
    Offence {
        bytes: b"CONNECT {\"headers\":false,\"no_responders\":true}\r\n",
        text: Some("no responders requires headers support"),
        close_code: 1011,
    },
    Offence { bytes: b"-ERR 'I am the server'\r\n", text: None, close_code: 1002 },
];

/// Of clients that did not say `headers`.
pub const HPUB_WITHOUT_HEADERS: Offence = Offence {
    bytes: b"HPUB a 12 14\r\nNATS/1.0\r\n\r\nhi\r\n",
    text: Some("Parse Error: HPUB needs headers, which were not agreed in CONNECT and INFO"),
    close_code: 1002,
};

/// One thing that a client sends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Op {
    /// CONNECT
    Connect(Options),
    /// SUB
    Subscribe {
        /// The filter, valid or not.
        filter: Vec<u8>,
        /// The queue group.
        queue: Option<Vec<u8>>,
        /// The sid.
        sid: Vec<u8>,
    },
    /// UNSUB
    Unsubscribe {
        /// The sid, in use or not.
        sid: Vec<u8>,
        /// Ends after this many messages.
        max: Option<u64>,
    },
    /// PUB or HPUB of the message with this number.
    Publish(u64),
    /// PING
    Ping,
    /// PONG
    Pong,
    /// Something that ends the connection.
    Offend(Offence),
    /// A WebSocket close frame with this code; on TCP, nothing.
    CloseFrame(Option<u16>),
}

/// A published message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// The client that publishes it.
    pub publisher: usize,
    /// Its subject.
    pub subject: Vec<u8>,
    /// Its reply subject.
    pub reply: Option<Vec<u8>>,
    /// The length of the header block at the start of `payload`; `Some` makes it HPUB.
    pub header_len: Option<usize>,
    /// Header block and payload.
    pub payload: Vec<u8>,
}

/// The token that names a message, wherever in it there is a place for it.
pub(crate) fn tag(id: u64) -> Vec<u8> {
    format!("m{id}").into_bytes()
}

/// The number of the message that this is: from its payload, or where that is empty from the last token of its reply
/// subject or of its subject.
pub(crate) fn find_tag(subject: &[u8], reply: Option<&[u8]>, body: &[u8]) -> Option<u64> {
    let token = if body.is_empty() {
        reply.unwrap_or(subject).rsplit(|&byte| byte == b'.').next()?
    } else {
        body.split(|&byte| byte == b' ').next()?
    };
    let digits = token.strip_prefix(b"m")?;
    core::str::from_utf8(digits).ok()?.parse().ok()
}

impl Op {
    /// The op in a few words, for traces.
    pub(crate) fn describe(&self, messages: &[Message]) -> String {
        match self {
            Op::Subscribe { filter, queue, sid } => {
                let queue = queue.as_deref().map(show).unwrap_or_default();
                format!("SUB {} {queue} {}", show(filter), show(sid))
            }
            Op::Unsubscribe { sid, max } => format!("UNSUB {} {max:?}", show(sid)),
            Op::Publish(id) => {
                let Message { subject, reply, header_len, payload, .. } = &messages[*id as usize];
                let (reply, len) = (reply.as_deref().map(show).unwrap_or_default(), payload.len());
                format!("PUB m{id} {} {reply} headers {header_len:?} {len} bytes", show(subject))
            }
            Op::Offend(offence) => show(offence.bytes),
            other => format!("{other:?}"),
        }
    }

    /// Appends the op as it goes onto the wire; nothing for [`Op::CloseFrame`].
    pub(crate) fn encode(&self, messages: &[Message], out: &mut Vec<u8>) {
        match self {
            Op::Connect(options) => {
                let Options { verbose, pedantic, echo, headers, no_responders, protocol } = options;
                let protocol = u8::from(*protocol);
                let json = format!(
                    "{{\"verbose\":{verbose},\"pedantic\":{pedantic},\"echo\":{echo},\"headers\":{headers},\
                     \"no_responders\":{no_responders},\"protocol\":{protocol},\"lang\":\"testkit\"}}"
                );
                ClientOp::Connect(json.as_bytes()).encode(out);
            }
            Op::Subscribe { filter, queue, sid } => {
                ClientOp::Subscribe(Subscribe { subject: filter, queue: queue.as_deref(), sid }).encode(out);
            }
            Op::Unsubscribe { sid, max } => {
                ClientOp::Unsubscribe(Unsubscribe { sid, max: *max }).encode(out);
            }
            Op::Publish(id) => {
                let message = &messages[*id as usize];
                ClientOp::Publish(Publish {
                    subject: &message.subject,
                    reply: message.reply.as_deref(),
                    header_len: message.header_len.unwrap_or(0),
                    with_headers: message.header_len.is_some(),
                    payload: &message.payload,
                })
                .encode(out);
            }
            Op::Ping => ClientOp::Ping.encode(out),
            Op::Pong => ClientOp::Pong.encode(out),
            Op::Offend(offence) => out.extend_from_slice(offence.bytes),
            Op::CloseFrame(_) => {}
        }
    }
}
