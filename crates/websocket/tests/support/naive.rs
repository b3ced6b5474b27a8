//! A second reading of RFC 6455, slow and with the whole input at hand: what the real one is compared with.

use dunlin_websocket::{CloseCode, Limits, Masking, ProtocolError};

/// What a connection is set to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) masking: Masking,
    pub(crate) rsv1: bool,
    pub(crate) utf8: bool,
    pub(crate) limits: Limits,
}

/// What came in, with messages put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Message { text: bool, compressed: bool, payload: Vec<u8> },
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<CloseCode>, String),
}

/// All that came in, and the error that ended it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) seen: Vec<Seen>,
    pub(crate) error: Option<ProtocolError>,
}

struct Message {
    text: bool,
    compressed: bool,
    /// The announced length of its frames.
    len: u64,
    payload: Vec<u8>,
}

/// Decodes `input`, of which the end may be missing.
pub(crate) fn decode(settings: &Settings, input: &[u8]) -> Outcome {
    let mut outcome = Outcome::default();
    if let Err(error) = decode_into(settings, input, &mut outcome.seen) {
        outcome.error = Some(error);
    }
    outcome
}

/// The first two bytes and the length of a frame, its key, and the length of all that.
struct Head {
    fin: bool,
    rsv1: bool,
    opcode: u8,
    len: u64,
    key: Option<[u8; 4]>,
    head_len: usize,
}

fn head(input: &[u8]) -> Result<Option<Head>, ProtocolError> {
    let Some(&first) = input.first() else { return Ok(None) };
    let (fin, rsv1, opcode) = (first >= 0x80, first & 0x40 > 0, first % 16);
    if (first / 16) % 4 != 0 {
        return Err(ProtocolError::ReservedBits);
    }
    if ![0, 1, 2, 8, 9, 10].contains(&opcode) {
        return Err(ProtocolError::UnknownOpCode(opcode));
    }
    if opcode >= 8 && !fin {
        return Err(ProtocolError::ControlFragmented);
    }
    if opcode >= 8 && rsv1 {
        return Err(ProtocolError::ControlCompressed);
    }
    let Some(&second) = input.get(1) else { return Ok(None) };
    let (masked, short) = (second >= 0x80, second % 128);
    if opcode >= 8 && short > 125 {
        return Err(ProtocolError::ControlTooLong);
    }
    let len_bytes = match short {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    if short == 127 && input.get(2).is_some_and(|&byte| byte >= 0x80) {
        return Err(ProtocolError::PayloadLength);
    }
    let head_len = 2 + len_bytes + if masked { 4 } else { 0 };
    if input.len() < head_len {
        return Ok(None);
    }
    let long = input[2..2 + len_bytes].iter().fold(0, |len, &byte| len << 8 | u64::from(byte));
    let len = if len_bytes == 0 { u64::from(short) } else { long };
    let key = masked.then(|| [3, 2, 1, 0].map(|back| input[head_len - 1 - back]));
    Ok(Some(Head { fin, rsv1, opcode, len, key, head_len }))
}

fn decode_into(settings: &Settings, mut input: &[u8], seen: &mut Vec<Seen>) -> Result<(), ProtocolError> {
    let mut message: Option<Message> = None;
    while let Some(head) = head(input)? {
        match settings.masking {
            Masking::Required if head.key.is_none() => return Err(ProtocolError::MaskMissing),
            Masking::Forbidden if head.key.is_some() => return Err(ProtocolError::MaskForbidden),
            _ => {}
        }
        let there = &input[head.head_len..];
        let end = usize::try_from(head.len).unwrap_or(usize::MAX);
        let complete = end <= there.len();
        let mut payload = there[..end.min(there.len())].to_vec();
        for (index, byte) in payload.iter_mut().enumerate() {
            *byte ^= head.key.map_or(0, |key| key[index % 4]);
        }
        if head.opcode >= 8 {
            if !complete {
                return Ok(());
            }
            let closed = head.opcode == 8;
            seen.push(control(head.opcode, payload)?);
            if closed {
                return Ok(());
            }
        } else {
            start(settings, &head, &mut message)?;
            let Some(current) = &mut message else { return Ok(()) };
            current.payload.extend(payload);
            let last = head.fin && complete;
            check_text(settings, current, last)?;
            if last {
                let Message { text, compressed, payload, .. } = message.take().expect("just used");
                seen.push(Seen::Message { text, compressed, payload });
            }
        }
        if !complete {
            return Ok(());
        }
        input = &there[end..];
    }
    Ok(())
}

fn start(settings: &Settings, head: &Head, message: &mut Option<Message>) -> Result<(), ProtocolError> {
    if head.rsv1 && !settings.rsv1 {
        return Err(ProtocolError::Rsv1NotNegotiated);
    }
    match (head.opcode, &message) {
        (0, None) => return Err(ProtocolError::UnexpectedContinuation),
        (0, Some(_)) if head.rsv1 => return Err(ProtocolError::UnexpectedContinuation),
        (1 | 2, Some(_)) => return Err(ProtocolError::MessageUnfinished),
        _ => {}
    }
    let text = head.opcode == 1;
    let message = message.get_or_insert(Message { text, compressed: head.rsv1, len: 0, payload: Vec::new() });
    if head.len > settings.limits.frame_len_max {
        return Err(ProtocolError::FrameTooLong);
    }
    message.len = message.len.saturating_add(head.len);
    if message.len > settings.limits.message_len_max {
        return Err(ProtocolError::MessageTooLong);
    }
    Ok(())
}

fn check_text(settings: &Settings, message: &Message, last: bool) -> Result<(), ProtocolError> {
    if !message.text || message.compressed || !settings.utf8 {
        return Ok(());
    }
    match std::str::from_utf8(&message.payload) {
        Err(error) if last || error.error_len().is_some() => Err(ProtocolError::Text),
        _ => Ok(()),
    }
}

fn control(opcode: u8, payload: Vec<u8>) -> Result<Seen, ProtocolError> {
    match opcode {
        9 => return Ok(Seen::Ping(payload)),
        10 => return Ok(Seen::Pong(payload)),
        _ => {}
    }
    if payload.is_empty() {
        return Ok(Seen::Close(None, String::new()));
    }
    if payload.len() == 1 {
        return Err(ProtocolError::CloseTooShort);
    }
    let code = u16::from(payload[0]) * 256 + u16::from(payload[1]);
    let forbidden = [1004, 1005, 1006, 1015];
    if code < 1000 || forbidden.contains(&code) || (1016..3000).contains(&code) || code >= 5000 {
        return Err(ProtocolError::CloseCode(code));
    }
    let reason = String::from_utf8(payload[2..].to_vec()).map_err(|_| ProtocolError::CloseReason)?;
    Ok(Seen::Close(Some(CloseCode(code)), reason))
}
