use core::fmt;

/// A rule of the protocol that the peer broke. Bytes after it cannot be trusted: the connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseError {
    /// No operation of this direction starts like that; an empty line too.
    UnknownOperation,
    /// The payload is not followed by CR LF.
    PayloadEnd,
    /// A control line passed [`Limits::control_line_max`](crate::Limits::control_line_max).
    ControlLineTooLong,
    /// A payload passes [`Limits::payload_max`](crate::Limits::payload_max); known from the control line alone.
    PayloadTooBig,
    /// `PUB` without 2 or 3 arguments.
    PubArgs,
    /// `PUB` whose size is not 1 to 9 decimal digits.
    PubSize,
    /// `HPUB` without 3 or 4 arguments.
    HpubArgs,
    /// `HPUB` whose header size is not 1 to 9 decimal digits.
    HpubHeaderSize,
    /// `HPUB` whose total size is not 1 to 9 decimal digits.
    HpubTotalSize,
    /// `HPUB` whose header size is larger than its total size.
    HpubHeaderOverTotal,
    /// `SUB` without 2 or 3 arguments.
    SubArgs,
    /// `UNSUB` without 1 or 2 arguments.
    UnsubArgs,
    /// `MSG` without 3 or 4 arguments.
    MsgArgs,
    /// `MSG` whose size is not 1 to 9 decimal digits.
    MsgSize,
    /// `HMSG` without 4 or 5 arguments.
    HmsgArgs,
    /// `HMSG` whose header size is not 1 to 9 decimal digits.
    HmsgHeaderSize,
    /// `HMSG` whose total size is not 1 to 9 decimal digits.
    HmsgTotalSize,
    /// `HMSG` whose header size is larger than its total size.
    HmsgHeaderOverTotal,
    /// A header block that does not start with a `NATS/1.0` line.
    HeaderVersion,
    /// A header block whose status is not three digits.
    HeaderStatus,
    /// A header line without a key and a colon, or with a lone CR or LF in it.
    HeaderLine,
    /// A header block that does not end with an empty line, or goes on after it.
    HeaderEnd,
    /// A header name to be written that is empty, or has a byte outside printable ASCII or a colon.
    HeaderName,
    /// A header value or status text to be written that has a CR or LF.
    HeaderValue,
}

impl ParseError {
    /// The text for the `-ERR` that tells the peer, without quotes.
    ///
    /// Where the NATS server has a text, it is that one, byte for byte, since clients compare it. Where the NATS server
    /// closes without a word the text starts with `Parse Error: `.
    pub fn wire_text(self) -> &'static str {
        match self {
            ParseError::UnknownOperation | ParseError::PayloadEnd => "Unknown Protocol Operation",
            ParseError::ControlLineTooLong => "maximum control line exceeded",
            ParseError::PayloadTooBig => "Maximum Payload Violation",
            ParseError::PubArgs => "Parse Error: PUB needs subject, optional reply and size",
            ParseError::PubSize => "Parse Error: PUB size must be 1 to 9 digits",
            ParseError::HpubArgs => {
                "Parse Error: HPUB needs subject, optional reply, header size and total size"
            }
            ParseError::HpubHeaderSize => "Parse Error: HPUB header size must be 1 to 9 digits",
            ParseError::HpubTotalSize => "Parse Error: HPUB total size must be 1 to 9 digits",
            ParseError::HpubHeaderOverTotal => "Parse Error: HPUB header size is larger than total size",
            ParseError::SubArgs => "Parse Error: SUB needs subject, optional queue and sid",
            ParseError::UnsubArgs => "Parse Error: UNSUB needs sid and optional max",
            ParseError::MsgArgs => "Parse Error: MSG needs subject, sid, optional reply and size",
            ParseError::MsgSize => "Parse Error: MSG size must be 1 to 9 digits",
            ParseError::HmsgArgs => {
                "Parse Error: HMSG needs subject, sid, optional reply, header size and total size"
            }
            ParseError::HmsgHeaderSize => "Parse Error: HMSG header size must be 1 to 9 digits",
            ParseError::HmsgTotalSize => "Parse Error: HMSG total size must be 1 to 9 digits",
            ParseError::HmsgHeaderOverTotal => "Parse Error: HMSG header size is larger than total size",
            ParseError::HeaderVersion => "Parse Error: headers must start with NATS/1.0",
            ParseError::HeaderStatus => "Parse Error: header status must be three digits",
            ParseError::HeaderLine => "Parse Error: a header line must be a key, a colon and a value",
            ParseError::HeaderEnd => "Parse Error: headers must end with one empty line",
            ParseError::HeaderName => "Parse Error: a header name must be printable ASCII without a colon",
            ParseError::HeaderValue => "Parse Error: a header value must not hold a line break",
        }
    }

    /// Whether this is [`ParseError::PayloadTooBig`].
    pub fn is_payload_too_big(self) -> bool {
        self == ParseError::PayloadTooBig
    }

    /// Whether this is [`ParseError::ControlLineTooLong`].
    pub fn is_control_line_too_long(self) -> bool {
        self == ParseError::ControlLineTooLong
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ParseError::UnknownOperation => "unknown operation",
            ParseError::PayloadEnd => "payload is not followed by CR LF",
            ParseError::ControlLineTooLong => "control line is too long",
            ParseError::PayloadTooBig => "payload is too big",
            other => other.wire_text().trim_start_matches("Parse Error: "),
        })
    }
}

impl core::error::Error for ParseError {}
