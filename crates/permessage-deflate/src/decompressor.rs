//! Compressed payloads to messages (RFC 7692 §7.2.2).
//!
//! `miniz_oxide` inflates into a buffer that holds the window before the write position:
//!
//! ```text
//!   buf:  [ old window | waits for the caller | free        ]
//!         0            taken                  end       buf.len()
//! ```
//! When little is free, the last `window` bytes slide to the front. Its other mode, a ring, would not notice a
//! distance that reaches before the first byte of the context, and would hand out what an earlier message, perhaps of
//! another connection, left there.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY, TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

use crate::error::InflateError;
use crate::params::{Params, Role};

/// The sender removed it; it completes the last, empty stored block (RFC 7692 §7.2.2).
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];
/// Room beside the window: the most that one step inflates.
const STEP_LEN: usize = 16 * 1024;
/// Less free room than this makes the window slide. More than the longest match, so that steps stay efficient.
const STEP_LEN_MIN: usize = 1024;
const FLAGS: u32 =
    TINFL_FLAG_HAS_MORE_INPUT | TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY | TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;

/// Inflates the messages that one side receives.
///
/// Its state is 10 KiB and the buffer, which is the peer's window and 16 KiB, both made by [`Decompressor::new`]:
/// 58 KiB with the usual window of 15 bits, 27 KiB with one of 8. After that it allocates nothing. Work is bounded by
/// the length of the input and of the output, and nothing is ever reserved on the word of the peer.
///
/// # Many connections
///
/// With context takeover each connection needs its own. Without, one can serve all connections of a thread whose windows
/// are not larger than its own, and no message sees a byte of another, as long as it is lent only where it
/// [is fresh](Decompressor::is_fresh). A message that is cut over several reads keeps it busy: then the connection takes it
/// along, and the thread makes another (or has one in stock, which saves 1 to 2 microseconds) until the message ends and
/// the connection gives it back. So only connections in the midst of a message own one. A connection that fails gives it back behind
/// [`Decompressor::reset`].
pub struct Decompressor {
    state: Box<DecompressorOxide>,
    buf: Box<[u8]>,
    taken: usize,
    end: usize,
    window: usize,
    keep_context: bool,
    phase: Phase,
    /// Bytes that the current message has inflated to.
    message_len: usize,
}

/// Where in the message the decompressor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// At the end of a block that is the end of a byte too, or before any block.
    Boundary,
    /// Inside a block, or at its end inside a byte.
    Block,
    /// As `Block`; the state holds input that did not fit into the last step.
    Stuffed,
    /// As `Block`; so many bytes of the tail are in, but no more of the message can come.
    Tail(u8),
    /// As `Tail`, with input that did not fit.
    StuffedTail(u8),
    /// All is inflated, but the caller has not taken all of it.
    Ended,
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
            state: Box::default(),
            buf: vec![0; window + STEP_LEN].into_boxed_slice(),
            taken: 0,
            end: 0,
            window,
            keep_context,
            phase: Phase::Boundary,
            message_len: 0,
        }
    }

    /// Inflates a fragment of a message, the last one if `fin`, and appends what comes out to `out`.
    ///
    /// `limit` is the bomb guard: the most bytes that the whole message, over all its fragments, may inflate to. `out`
    /// never gets more. Fragments may be empty and cut anywhere.
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
        let mut rest = fragment;
        loop {
            if self.message_len > limit {
                self.phase = Phase::Failed(InflateError::TooLarge);
                self.taken = self.end;
                return Err(InflateError::TooLarge);
            }
            out.extend_from_slice(&self.buf[self.taken..self.end]);
            self.taken = self.end;
            match self.step(&mut rest, fin)? {
                Some(Status::MessageEnd) => {
                    self.end_message();
                    return Ok(());
                }
                Some(_) => return Ok(()),
                None => {}
            }
        }
    }

    /// The streaming form: inflates from `input` into the front of `out` until one of them is used up or the message
    /// ends. `fin` says that the message ends with `input`.
    ///
    /// After [`Status::OutputFull`], call again with the rest of the input and the same `fin`, as long as it takes.
    /// There is no limit here, because the caller decides after each piece whether to go on; the decompressor is
    /// never ahead by more than 16 KiB.
    ///
    /// # Errors
    /// See [`InflateError`], except [`InflateError::TooLarge`]. Any further call returns the same error, until
    /// [`Decompressor::reset`].
    pub fn inflate(&mut self, input: &[u8], fin: bool, out: &mut [u8]) -> Result<Progress, InflateError> {
        let mut rest = input;
        let mut produced = 0;
        loop {
            let len = (self.end - self.taken).min(out.len() - produced);
            out[produced..produced + len].copy_from_slice(&self.buf[self.taken..self.taken + len]);
            produced += len;
            self.taken += len;
            let status =
                if self.taken < self.end { Some(Status::OutputFull) } else { self.step(&mut rest, fin)? };
            if let Some(status) = status {
                if status == Status::MessageEnd {
                    self.end_message();
                }
                return Ok(Progress { consumed: input.len() - rest.len(), produced, status });
            }
        }
    }

    /// Bytes that the current message has inflated to so far, whether handed out or not; 0 between messages.
    #[must_use]
    pub fn message_len(&self) -> usize {
        self.message_len
    }

    /// Whether there is nothing to remember: no part of a message, no context, no error. Any other decompressor for the
    /// same parameters could take the place of this one.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.phase == Phase::Boundary && self.message_len == 0 && self.end == 0
    }

    /// Forgets the context, any unfinished message and any error, without allocating.
    pub fn reset(&mut self) {
        self.state.init();
        self.taken = 0;
        self.end = 0;
        self.phase = Phase::Boundary;
        self.message_len = 0;
    }

    fn end_message(&mut self) {
        self.state.init();
        self.phase = Phase::Boundary;
        self.message_len = 0;
        if !self.keep_context {
            self.taken = 0;
            self.end = 0;
        }
    }

    /// Inflates one piece into the buffer, all of which has been taken. Returns a status if there is nothing to do.
    fn step(&mut self, rest: &mut &[u8], fin: bool) -> Result<Option<Status>, InflateError> {
        match self.phase {
            Phase::Failed(error) => return Err(error),
            Phase::Ended => return Ok(Some(Status::MessageEnd)),
            Phase::Boundary | Phase::Block if rest.is_empty() => {
                if !fin {
                    return Ok(Some(Status::NeedsInput));
                }
                // A block that ends with the message needs no tail. Some senders leave nothing of an empty message,
                // the tail at the end, or nothing after a final block.
                if self.phase == Phase::Boundary {
                    return Ok(Some(Status::MessageEnd));
                }
                self.phase = Phase::Tail(0);
            }
            _ => {}
        }
        let verdict = match self.phase {
            Phase::Tail(fed) | Phase::StuffedTail(fed) => self.step_tail(fed),
            _ => self.step_message(rest),
        };
        if let Err(error) = verdict {
            self.phase = Phase::Failed(error);
            self.taken = self.end;
        }
        verdict.map(|()| None)
    }

    fn step_message(&mut self, rest: &mut &[u8]) -> Result<(), InflateError> {
        let (status, consumed) = self.run(rest);
        *rest = rest.get(consumed..).unwrap_or_default();
        self.phase = match status {
            TINFLStatus::BlockBoundary if self.at_byte_boundary() => Phase::Boundary,
            TINFLStatus::BlockBoundary | TINFLStatus::NeedsMoreInput => Phase::Block,
            TINFLStatus::HasMoreOutput => Phase::Stuffed,
            TINFLStatus::Done => self.after_final_block(),
            _ => return Err(InflateError::InvalidData),
        };
        Ok(())
    }

    fn step_tail(&mut self, fed: u8) -> Result<(), InflateError> {
        let tail = TAIL.get(usize::from(fed)..).unwrap_or_default();
        let (status, consumed) = self.run(tail);
        let fed = fed + consumed as u8; // at most 4
        self.phase = match status {
            TINFLStatus::HasMoreOutput => Phase::StuffedTail(fed),
            TINFLStatus::BlockBoundary | TINFLStatus::Done if usize::from(fed) < TAIL.len() => {
                if status == TINFLStatus::Done {
                    self.after_final_block();
                }
                Phase::Tail(fed)
            }
            TINFLStatus::BlockBoundary if self.at_byte_boundary() => Phase::Ended,
            TINFLStatus::BlockBoundary | TINFLStatus::NeedsMoreInput => return Err(InflateError::Truncated),
            TINFLStatus::Done => Phase::Ended,
            _ => return Err(InflateError::InvalidData),
        };
        Ok(())
    }

    /// The next block begins with the next byte, in the same context (RFC 7692 §7.2.1).
    fn after_final_block(&mut self) -> Phase {
        self.state.init();
        Phase::Boundary
    }

    fn at_byte_boundary(&self) -> bool {
        self.state.block_boundary_state().is_some_and(|state| state.num_bits == 0)
    }

    /// Lets the back end inflate `input` into the free part of the buffer. Returns its status and what it consumed.
    fn run(&mut self, input: &[u8]) -> (TINFLStatus, usize) {
        if self.buf.len() - self.end < STEP_LEN_MIN {
            let start = self.end.saturating_sub(self.window);
            self.buf.copy_within(start..self.end, 0);
            self.end -= start;
        }
        let step_end = self.buf.len().min(self.end + STEP_LEN);
        let (status, consumed, produced) =
            decompress(&mut self.state, input, &mut self.buf[..step_end], self.end, FLAGS);
        self.taken = self.end;
        self.end += produced;
        self.message_len = self.message_len.saturating_add(produced);
        (status, consumed)
    }
}

impl core::fmt::Debug for Decompressor {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Decompressor")
            .field("window", &self.window)
            .field("keep_context", &self.keep_context)
            .field("phase", &self.phase)
            .field("message_len", &self.message_len)
            .finish_non_exhaustive()
    }
}
