//! Compressed payloads to messages (RFC 7692 §7.2.2).

use alloc::vec::Vec;

use crate::error::InflateError;
use crate::inflate::{Bits, History, Inflate, InvalidData, Kept, ROUND_LEN_MAX, Stop};
use crate::params::{Params, Role};

/// The sender removed it; it completes the last, empty stored block (RFC 7692 §7.2.2).
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];
/// The smallest window that is kept. zlib cannot compress with 8 bits: asked for them, it takes 9 and does not say so.
const WINDOW_MIN: usize = 512;
/// The room for the output of [`Decompressor::decompress`] grows from so much for each byte of the fragment on.
const GROWTH: usize = 8;
/// The most room to begin with.
const FIRST_LEN_MAX: usize = 16 * 1024;

/// Inflates the messages that one side receives.
///
/// Its state is 8 KiB, made by [`Decompressor::new`]. What a message inflates to goes straight into the caller's buffer.
/// Only where bytes may be referred to in a later call, because the message goes on or the context is kept, they are
/// copied into a window, which grows with them up to the size that was agreed on: 40 KiB in all with the usual 15 bits.
/// It is kept for the next message; other memory is not taken. Work is bounded by the length of the input and of the
/// output, and nothing is ever reserved on the word of the peer.
///
/// # Many connections
///
/// With context takeover each connection needs its own. Without, one can serve all connections of a thread whose windows
/// are not larger than its own, and no message sees a byte of another, as long as it is lent only where it
/// [is fresh](Decompressor::is_fresh). A message that is cut over several reads keeps it busy: then the connection takes it
/// along, and the thread makes another (or has one in stock) until the message ends and the connection gives it back. So
/// only connections in the midst of a message own one. A connection that fails gives it back behind
/// [`Decompressor::reset`].
pub struct Decompressor {
    inflate: Inflate,
    bits: Kept,
    history: History,
    keep_context: bool,
    phase: Phase,
    /// Bytes that the current message has inflated to.
    message_len: usize,
}

/// Where in the message the decompressor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Message,
    /// So many bytes of the tail are in, and no more of the message can come.
    Tail(u8),
    Failed(InflateError),
}

/// What one call of [`Decompressor::inflate`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the input that are done with. The rest belongs into the next call.
    pub consumed: usize,
    /// Bytes at the front of the output that are filled.
    pub produced: usize,
    /// Why it stopped.
    pub status: Status,
}

/// Why [`Decompressor::inflate`] stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// All input is consumed, and all that it inflates to is handed out.
    NeedsInput,
    /// The output is full, and more is waiting.
    OutputFull,
    /// The message is complete; the next call begins the next one.
    MessageEnd,
}

impl Decompressor {
    /// The decompressor of `role` under `params`: it takes what the peer of `role` sends.
    #[must_use]
    pub fn new(params: &Params, role: Role) -> Self {
        let (window, keep_context) = params.sender(role.peer());
        Self {
            inflate: Inflate::new(),
            bits: Kept::default(),
            history: History::new(window.max(WINDOW_MIN)),
            keep_context,
            phase: Phase::Message,
            message_len: 0,
        }
    }

    /// Inflates a fragment of a message, the last one if `fin`, and appends what comes out to `out`.
    ///
    /// `limit` is the bomb guard: the most bytes that the whole message, over all its fragments, may inflate to. `out`
    /// never gets more, and never reserves more than twice what came out, and 16 KiB. Fragments may be empty and cut
    /// anywhere.
    ///
    /// # Errors
    /// See [`InflateError`]. What `out` got before stays. Any further call returns the same error, until
    /// [`Decompressor::reset`].
    pub fn decompress(
        &mut self,
        fragment: &[u8],
        fin: bool,
        limit: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), InflateError> {
        if let Phase::Failed(error) = self.phase {
            return Err(error);
        }
        let (mut rest, mut at) = (fragment, 0);
        let start = out.len();
        let limit_here = limit.saturating_sub(self.message_len);
        let mut room = fragment.len().saturating_mul(GROWTH).min(FIRST_LEN_MAX);
        let result = loop {
            // A little more than the limit: then all of it can be inflated at full speed.
            out.resize(start + room.min(limit_here) + ROUND_LEN_MAX, 0);
            let result = self.run(&mut rest, fin, &mut out[start..], &mut at);
            if result != Ok(Status::OutputFull) || at > limit_here {
                break result;
            }
            room = 2 * at;
        };
        out.truncate(start + at.min(limit_here));
        // Whatever comes behind the limit, so that it does not matter how the message is cut.
        let result = if at > limit_here { self.fail(InflateError::TooLarge) } else { result };
        self.end_call(result, &out[start..]).map(|_| ())
    }

    /// The streaming form: inflates from `input` into the front of `out` until one of them is used up or the message
    /// ends. `fin` says that the message ends with `input`. What `out` holds behind the bytes that are produced may change.
    ///
    /// After [`Status::OutputFull`], call again with the rest of the input and the same `fin`, as long as it takes.
    /// There is no limit here, because the caller decides after each piece whether to go on. It is fastest where there
    /// are some hundred bytes more room than needed.
    ///
    /// # Errors
    /// See [`InflateError`], except [`InflateError::TooLarge`]. Any further call returns the same error, until
    /// [`Decompressor::reset`].
    pub fn inflate(&mut self, input: &[u8], fin: bool, out: &mut [u8]) -> Result<Progress, InflateError> {
        let (mut rest, mut produced) = (input, 0);
        let result = self.run(&mut rest, fin, out, &mut produced);
        let status = self.end_call(result, &out[..produced])?;
        Ok(Progress { consumed: input.len() - rest.len(), produced, status })
    }

    /// Bytes that the current message has inflated to so far; 0 between messages.
    #[must_use]
    pub fn message_len(&self) -> usize {
        self.message_len
    }

    /// Whether there is nothing to remember: no part of a message, no context, no error. Any other decompressor for the
    /// same parameters could take the place of this one.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.phase == Phase::Message
            && self.is_at_boundary()
            && self.message_len == 0
            && self.history.len() == 0
    }

    /// Forgets the context, any unfinished message and any error, without allocating.
    pub fn reset(&mut self) {
        self.inflate.reset();
        self.bits = Kept::default();
        self.history.clear();
        self.phase = Phase::Message;
        self.message_len = 0;
    }

    /// At the end of a block that is the end of a byte too, or before any block.
    fn is_at_boundary(&self) -> bool {
        self.inflate.is_between_blocks() && self.bits.is_empty()
    }

    /// Inflates from `rest`, and the tail behind the last of it, to `out` from `at` on.
    fn run(
        &mut self,
        rest: &mut &[u8],
        fin: bool,
        out: &mut [u8],
        at: &mut usize,
    ) -> Result<Status, InflateError> {
        if self.phase == Phase::Message {
            match self.run_on(rest, out, at)? {
                Stop::OutputFull => return Ok(Status::OutputFull),
                Stop::NeedsInput if !fin => return Ok(Status::NeedsInput),
                // A block that ends with the message needs no tail. Some senders leave nothing of an empty message, the
                // tail at the end, or nothing after a final block.
                Stop::NeedsInput if self.is_at_boundary() => return Ok(Status::MessageEnd),
                Stop::NeedsInput => self.phase = Phase::Tail(0),
            }
        }
        let fed = match self.phase {
            Phase::Failed(error) => return Err(error),
            Phase::Message => 0,
            Phase::Tail(fed) => fed,
        };
        let mut tail = TAIL.get(usize::from(fed)..).unwrap_or_default();
        let stop = self.run_on(&mut tail, out, at)?;
        self.phase = Phase::Tail((TAIL.len() - tail.len()) as u8);
        match stop {
            Stop::OutputFull => Ok(Status::OutputFull),
            Stop::NeedsInput if self.is_at_boundary() => Ok(Status::MessageEnd),
            Stop::NeedsInput => self.fail(InflateError::Truncated),
        }
    }

    fn run_on(&mut self, input: &mut &[u8], out: &mut [u8], at: &mut usize) -> Result<Stop, InflateError> {
        let mut bits = Bits::new(self.bits, input);
        let result = self.inflate.run(&mut bits, out, at, &self.history);
        (self.bits, *input) = bits.end();
        match result {
            Ok(stop) => Ok(stop),
            Err(InvalidData) => self.fail(InflateError::InvalidData),
        }
    }

    fn fail<T>(&mut self, error: InflateError) -> Result<T, InflateError> {
        self.phase = Phase::Failed(error);
        Err(error)
    }

    /// Keeps of `produced` what may be referred to.
    fn end_call(
        &mut self,
        result: Result<Status, InflateError>,
        produced: &[u8],
    ) -> Result<Status, InflateError> {
        let status = result?;
        if status == Status::MessageEnd {
            self.phase = Phase::Message;
            self.message_len = 0;
        } else {
            self.message_len = self.message_len.saturating_add(produced.len());
        }
        if self.keep_context || status != Status::MessageEnd {
            self.history.push(produced);
        } else {
            self.history.clear();
        }
        Ok(status)
    }
}

impl core::fmt::Debug for Decompressor {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Decompressor")
            .field("window", &self.history.window())
            .field("keep_context", &self.keep_context)
            .field("phase", &self.phase)
            .field("message_len", &self.message_len)
            .finish_non_exhaustive()
    }
}
