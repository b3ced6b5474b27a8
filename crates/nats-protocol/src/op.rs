/// An operation that a client sends, borrowed from the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientOp<'b> {
    /// `CONNECT {json}`: the JSON text, not yet looked at; it can be empty.
    Connect(&'b [u8]),
    /// `PING`
    Ping,
    /// `PONG`
    Pong,
    /// `PUB` or `HPUB`
    Publish(Publish<'b>),
    /// `SUB`
    Subscribe(Subscribe<'b>),
    /// `UNSUB`
    Unsubscribe(Unsubscribe<'b>),
    /// `INFO {json}`: servers read and ignore it.
    Info(&'b [u8]),
    /// `+OK`: servers ignore it.
    Ok,
    /// `-ERR 'text'`: the text without its quotes. A server logs it and closes.
    Err(&'b [u8]),
}

/// A message on its way to the server: `PUB <subject> [reply] <size>` or `HPUB <subject> [reply] <header size> <total size>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publish<'b> {
    /// The subject as sent: any bytes but space, TAB and LF. Not validated.
    pub subject: &'b [u8],
    /// Where answers should go. Not validated.
    pub reply: Option<&'b [u8]>,
    /// How many bytes at the start of `payload` are the header block; 0 with `PUB`.
    pub header_len: usize,
    /// Whether it is `HPUB`, whose header block can be empty.
    pub with_headers: bool,
    /// The header block followed by the payload.
    pub payload: &'b [u8],
}

/// `SUB <subject> [queue] <sid>`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscribe<'b> {
    /// The subject filter as sent. Not validated.
    pub subject: &'b [u8],
    /// The queue group to join.
    pub queue: Option<&'b [u8]>,
    /// The client's name for the subscription: any token.
    pub sid: &'b [u8],
}

/// `UNSUB <sid> [max]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsubscribe<'b> {
    /// The subscription to end.
    pub sid: &'b [u8],
    /// End it after that many deliveries, counted from the `SUB`. `None`: now; also where the number cannot be
    /// read. Digits that pass `u64` count as `u64::MAX`.
    pub max: Option<u64>,
}

/// An operation that a server sends, borrowed from the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerOp<'b> {
    /// `INFO {json}`: the JSON text.
    Info(&'b [u8]),
    /// `MSG` or `HMSG`
    Msg(Message<'b>),
    /// `PING`
    Ping,
    /// `PONG`
    Pong,
    /// `+OK`
    Ok,
    /// `-ERR 'text'`: the text without its quotes.
    Err(&'b [u8]),
}

/// A delivered message: `MSG <subject> <sid> [reply] <size>` or `HMSG <subject> <sid> [reply] <header size> <total size>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'b> {
    /// The subject that it was published to.
    pub subject: &'b [u8],
    /// The subscription that it is for.
    pub sid: &'b [u8],
    /// Where answers should go.
    pub reply: Option<&'b [u8]>,
    /// How many bytes at the start of `payload` are the header block; 0 with `MSG`.
    pub header_len: usize,
    /// Whether it is `HMSG`.
    pub with_headers: bool,
    /// The header block followed by the payload.
    pub payload: &'b [u8],
}
