//! From bytes to messages and control frames (RFC 6455 §5.4, §5.5, §6.2).

use crate::close::{CloseCode, parse_close_payload};
use crate::error::ProtocolError;
use crate::header::{FIN, FrameHeader, LEN_16, MASKED, OpCode, RSV1};
use crate::mask::{MaskKey, apply_mask};
use crate::utf8::Utf8;

/// Which end of the connection this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Accepted the connection: receives masked frames, sends unmasked ones.
    Server,
    /// Opened the connection: receives unmasked frames, sends masked ones.
    Client,
}

/// Whether the frames that come in have to be masked (§5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Masking {
    /// They must be: the rule for a server.
    Required,
    /// They must not be: the rule for a client, and for a server whose peer agreed to leave masks out.
    Forbidden,
    /// Both are accepted.
    Either,
}

impl Masking {
    fn common_bit(self) -> u8 {
        if self == Masking::Forbidden { 0 } else { MASKED }
    }
}

/// How much a peer may announce. `u64::MAX` is no limit, which is safe where fragments are handled as they come.
///
/// A limit is checked as soon as the header of a frame is there, before any of its payload. It counts the bytes on the
/// wire: for compressed messages the compressed ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest payload of one data frame, in bytes. Control frames are always limited to 125.
    pub frame_len_max: u64,
    /// The longest message, all its frames together, in bytes.
    pub message_len_max: u64,
}

impl Limits {
    /// No limits, for callers that handle each fragment at once and keep none.
    pub const UNLIMITED: Limits = Limits { frame_len_max: u64::MAX, message_len_max: u64::MAX };
}

/// What came in.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'b> {
    /// A piece of a message.
    Data(Fragment<'b>),
    /// A ping: to be answered with a pong that has the same payload (§5.5.2).
    Ping(&'b [u8]),
    /// A pong.
    Pong(&'b [u8]),
    /// The peer closes, with a code and a reason if it gave them. To be answered with a close frame unless one has been
    /// sent (§5.5.1). Nothing comes after it.
    Close(Option<CloseCode>, &'b str),
}

/// A piece of a message: as much of one frame's payload as is there.
#[derive(Debug, PartialEq, Eq)]
pub struct Fragment<'b> {
    /// The unmasked bytes. Empty only for a frame that is empty itself.
    pub payload: &'b mut [u8],
    /// The message is text, else binary.
    pub text: bool,
    /// RSV1 of the message's first frame: the message is compressed (RFC 7692).
    pub compressed: bool,
    /// The message starts with this fragment.
    pub first: bool,
    /// The message ends with this fragment.
    pub last: bool,
}

/// Takes frames apart, unmasks them where they lie, checks the rules on their order and size, and hands out the payload as
/// it comes. It buffers nothing and allocates nothing.
///
/// The caller has a buffer, calls [`Assembler::next`] until it gives `Ok(None)`, drops the consumed bytes, and reads more
/// bytes behind the rest. See the crate's front page for the loop.
#[derive(Clone, Debug)]
pub struct Assembler {
    limits: Limits,
    masking: Masking,
    check_text: bool,
    common: Common,
    stage: Stage,

    // The current message. The fields below mean something only inside one, and a message that lies in the buffer as a
    // whole goes by without touching them.
    text: bool,
    compressed: bool,
    /// How many bytes the frames still to come may announce.
    message_left: u64,
    /// How many bytes of the current frame's payload are still to come: not 0 in [`Stage::Payload`] only.
    frame_left: u64,
    /// FIN of the current frame.
    fin: bool,
    /// The key for the next byte of the current frame, 0 for an unmasked one.
    key: MaskKey,
    /// Of the text so far. The end of a text leaves it as at the start.
    utf8: Utf8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The header of a message's first frame comes next, or a control frame.
    Message,
    /// The header of a continuation frame comes next, or a control frame.
    Continuation,
    /// More payload of a data frame comes next.
    Payload,
    /// The peer's close frame has come.
    Closed,
    Failed(ProtocolError),
}

/// What [`Assembler::next`] compares a message with that is one frame and all there. It follows from the settings.
#[derive(Clone, Copy, Debug)]
struct Common {
    /// The mask bit that frames have to have, for [`Masking::Either`] the one that they have more often.
    mask_bit: u8,
    /// RSV1, if it is allowed.
    rsv1: u8,
    /// The longest payload that is within the limits and has a 16-bit length.
    len_max: u16,
}

/// Where the parts of such a message are.
struct Whole {
    first_byte: u8,
    head_len: usize,
    end: usize,
    /// Of no meaning where frames are not masked.
    key: MaskKey,
}

const FIN_TEXT: u8 = FIN | OpCode::Text as u8;
const FIN_BINARY: u8 = FIN | OpCode::Binary as u8;

type Next<'b> = Result<Option<(Event<'b>, usize)>, ProtocolError>;

impl Assembler {
    /// At the first byte after the handshake. Masking follows from the role, RSV1 is not allowed, and text is validated.
    #[must_use]
    pub fn new(role: Role, limits: Limits) -> Assembler {
        let len_max = limits.frame_len_max.min(limits.message_len_max).min(u64::from(u16::MAX));
        let masking = match role {
            Role::Server => Masking::Required,
            Role::Client => Masking::Forbidden,
        };
        Assembler {
            limits,
            masking,
            check_text: true,
            common: Common { mask_bit: masking.common_bit(), rsv1: 0, len_max: len_max as u16 },
            stage: Stage::Message,
            text: false,
            compressed: false,
            message_left: 0,
            frame_left: 0,
            fin: false,
            key: MaskKey([0; 4]),
            utf8: Utf8::new(),
        }
    }

    /// Overrides what the role says about masks.
    #[must_use]
    pub fn with_masking(mut self, masking: Masking) -> Assembler {
        self.masking = masking;
        self.common.mask_bit = masking.common_bit();
        self
    }

    /// Allows RSV1 on the first frame of a message, once permessage-deflate is negotiated (RFC 7692 §6).
    #[must_use]
    pub fn with_rsv1(mut self, allowed: bool) -> Assembler {
        self.common.rsv1 = if allowed { RSV1 } else { 0 };
        self
    }

    /// Whether messages may be compressed: see [`Assembler::with_rsv1`].
    #[must_use]
    pub fn allows_rsv1(&self) -> bool {
        self.common.rsv1 != 0
    }

    /// Whether text messages have to be UTF-8 (§8.1), which is checked as the bytes come.
    ///
    /// Compressed messages are not checked here: pass the inflated text to a [`Utf8`].
    #[must_use]
    pub fn with_utf8(mut self, check: bool) -> Assembler {
        self.check_text = check;
        self
    }

    /// Whether the peer's close frame has come.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.stage == Stage::Closed
    }

    /// Whether a message has begun and not ended, so that the end of the stream would cut it off. A close frame ends the
    /// message too.
    #[must_use]
    pub fn in_message(&self) -> bool {
        matches!(self.stage, Stage::Continuation | Stage::Payload)
    }

    /// Takes the next event from the front of `buf`: `Ok(Some((event, consumed)))`. Once the event is handled, `consumed`
    /// bytes of `buf` are done with.
    ///
    /// `Ok(None)` asks for more bytes and has consumed nothing: all of `buf` has to be there again, with more behind it.
    /// That is an incomplete header, a header without any of its payload, or an incomplete control frame, so fewer than
    /// 14 + 125 bytes.
    ///
    /// The payload of a data frame is handed out as far as it is there. A frame without payload gives one fragment without
    /// bytes, as otherwise its header could not be consumed.
    ///
    /// After [`Event::Close`] the answer is always `Ok(None)`, whatever `buf` holds: what a peer sends after its close frame
    /// means nothing (§1.4) and is to be dropped. See [`Assembler::is_closed`].
    ///
    /// # Errors
    ///
    /// A [`ProtocolError`]: the connection is to be failed with its close code (§7.1.7). Every further call gives the same
    /// error.
    #[inline]
    pub fn next<'b>(&mut self, buf: &'b mut [u8]) -> Result<Option<(Event<'b>, usize)>, ProtocolError> {
        if let Some(whole) = self.whole_message::<false>(buf) {
            return self.take_whole(&whole, buf);
        }
        self.next_longer(buf)
    }

    /// Looks for the common case, an unfragmented message that is there to its end, with a 7-bit or a 16-bit length: apart,
    /// because every step from one header to the next counts for small messages. Whatever else `buf` holds, right or wrong,
    /// is left to [`Assembler::next_frame`].
    #[inline]
    fn whole_message<const LEN_IS_16_BIT: bool>(&self, buf: &[u8]) -> Option<Whole> {
        let (&[first_byte, second_byte], rest) = buf.split_first_chunk::<2>()?;
        let kind = first_byte & !self.common.rsv1;
        let data = kind == FIN_TEXT || kind == FIN_BINARY;
        // With the right mask bit this is the 7-bit length, else it is over 127.
        let short = second_byte ^ self.common.mask_bit;
        let (len, mask_at, rest) = if LEN_IS_16_BIT {
            let (len, rest) = rest.split_first_chunk::<2>()?;
            (u16::from_be_bytes(*len), 4, rest)
        } else {
            (u16::from(short), 2, rest)
        };
        let key = MaskKey(*rest.first_chunk::<4>()?);
        let len_fits = if LEN_IS_16_BIT { short == LEN_16 } else { short < LEN_16 };
        if self.stage != Stage::Message || !data || !len_fits || len > self.common.len_max {
            return None;
        }
        // 4 or 0 for the key.
        let head_len = mask_at + usize::from(self.common.mask_bit >> 5);
        let end = head_len + usize::from(len);
        if end > buf.len() {
            return None;
        }
        Some(Whole { first_byte, head_len, end, key })
    }

    #[inline]
    fn take_whole<'b>(&mut self, whole: &Whole, buf: &'b mut [u8]) -> Next<'b> {
        let payload = &mut buf[whole.head_len..whole.end];
        if self.common.mask_bit != 0 {
            apply_mask(payload, whole.key, 0);
        }
        let compressed = whole.first_byte & RSV1 != 0;
        let text = whole.first_byte & !RSV1 == FIN_TEXT;
        if text && self.check_text && !compressed && core::str::from_utf8(payload).is_err() {
            self.stage = Stage::Failed(ProtocolError::Text);
            return Err(ProtocolError::Text);
        }
        Ok(Some((Event::Data(Fragment { payload, text, compressed, first: true, last: true }), whole.end)))
    }

    #[inline(never)]
    fn next_longer<'b>(&mut self, buf: &'b mut [u8]) -> Next<'b> {
        if let Some(whole) = self.whole_message::<true>(buf) {
            return self.take_whole(&whole, buf);
        }
        let next = match self.stage {
            Stage::Message | Stage::Continuation => self.next_frame(buf),
            Stage::Payload => self.next_payload(buf),
            Stage::Closed => Ok(None),
            Stage::Failed(error) => Err(error),
        };
        if let Err(error) = next {
            self.stage = Stage::Failed(error);
        }
        next
    }

    fn next_frame<'b>(&mut self, buf: &'b mut [u8]) -> Next<'b> {
        let Some((header, head_len)) = FrameHeader::parse(buf)? else { return Ok(None) };
        self.check_mask(header.mask)?;
        if header.opcode.is_control() {
            return self.control_frame(&header, head_len, buf);
        }
        self.check_data(&header)?;
        self.data_frame(&header, head_len, &mut buf[head_len..])
    }

    fn check_mask(&self, mask: Option<MaskKey>) -> Result<(), ProtocolError> {
        match (self.masking, mask) {
            (Masking::Required, None) => Err(ProtocolError::MaskMissing),
            (Masking::Forbidden, Some(_)) => Err(ProtocolError::MaskForbidden),
            _ => Ok(()),
        }
    }

    /// The rules on the order and the size of data frames.
    fn check_data(&self, header: &FrameHeader) -> Result<(), ProtocolError> {
        let continuation = header.opcode == OpCode::Continuation;
        let in_message = self.stage == Stage::Continuation;
        if header.rsv1 && self.common.rsv1 == 0 {
            return Err(ProtocolError::Rsv1NotNegotiated);
        }
        if continuation && (!in_message || header.rsv1) {
            return Err(ProtocolError::UnexpectedContinuation);
        }
        if !continuation && in_message {
            return Err(ProtocolError::MessageUnfinished);
        }
        if header.payload_len > self.limits.frame_len_max {
            return Err(ProtocolError::FrameTooLong);
        }
        let message_left = if continuation { self.message_left } else { self.limits.message_len_max };
        if header.payload_len > message_left {
            return Err(ProtocolError::MessageTooLong);
        }
        Ok(())
    }

    fn control_frame<'b>(&mut self, header: &FrameHeader, head_len: usize, buf: &'b mut [u8]) -> Next<'b> {
        let end = head_len + header.payload_len as usize;
        let Some(payload) = buf.get_mut(head_len..end) else { return Ok(None) };
        if let Some(key) = header.mask {
            apply_mask(payload, key, 0);
        }
        let event = match header.opcode {
            OpCode::Ping => Event::Ping(payload),
            OpCode::Pong => Event::Pong(payload),
            _ => {
                let (code, reason) = parse_close_payload(payload)?;
                self.stage = Stage::Closed;
                Event::Close(code, reason)
            }
        };
        Ok(Some((event, end)))
    }

    /// The start of a data frame; `rest` is what follows its header.
    fn data_frame<'b>(&mut self, header: &FrameHeader, head_len: usize, rest: &'b mut [u8]) -> Next<'b> {
        if rest.is_empty() && header.payload_len > 0 {
            return Ok(None);
        }
        let first = header.opcode != OpCode::Continuation;
        if first {
            self.text = header.opcode == OpCode::Text;
            self.compressed = header.rsv1;
            self.message_left = self.limits.message_len_max;
        }
        self.message_left -= header.payload_len;
        self.frame_left = header.payload_len;
        self.fin = header.fin;
        self.key = header.mask.unwrap_or(MaskKey([0; 4]));
        let fragment = self.fragment(rest, first)?;
        let consumed = head_len + fragment.payload.len();
        Ok(Some((Event::Data(fragment), consumed)))
    }

    fn next_payload<'b>(&mut self, buf: &'b mut [u8]) -> Next<'b> {
        if buf.is_empty() {
            return Ok(None);
        }
        let fragment = self.fragment(buf, false)?;
        let consumed = fragment.payload.len();
        Ok(Some((Event::Data(fragment), consumed)))
    }

    /// As much of the current frame as is at the front of `buf`.
    fn fragment<'b>(&mut self, buf: &'b mut [u8], first: bool) -> Result<Fragment<'b>, ProtocolError> {
        let len = buf.len().min(usize::try_from(self.frame_left).unwrap_or(usize::MAX));
        let payload = &mut buf[..len];
        if self.key != MaskKey([0; 4]) {
            apply_mask(payload, self.key, 0);
            self.key = self.key.rotated(len);
        }
        self.frame_left -= len as u64;
        self.stage = match (self.frame_left, self.fin) {
            (0, true) => Stage::Message,
            (0, false) => Stage::Continuation,
            _ => Stage::Payload,
        };
        let last = self.stage == Stage::Message;
        if self.text && self.check_text && !self.compressed {
            self.utf8.push(payload).map_err(|_| ProtocolError::Text)?;
            if last {
                self.utf8.clone().finish().map_err(|_| ProtocolError::Text)?;
            }
        }
        Ok(Fragment { payload, text: self.text, compressed: self.compressed, first, last })
    }
}
