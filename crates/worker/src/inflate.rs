//! Compressed messages on their way in (RFC 7692 §6.2).
//!
//! What a message inflates to goes to the session piece by piece, so its size is limited as that of any other stream: each
//! NATS message for itself, against `max_payload`. Inflaters belong to the worker; a connection has one only while a
//! compressed message of its own is incomplete, or for good where its context is kept.

use dunlin_permessage_deflate::{Decompressor, InflateError, Params, Role, Status};
use dunlin_websocket::Fragment;

use crate::connection::Stage;
use crate::ending::Ending;
use crate::{ConnId, Wire, Worker};

/// The most bytes that one WebSocket message may inflate to, or twice `max_payload` where that is more. Far more than any
/// flush of a client holds; all of it goes through one small buffer.
const MESSAGE_LEN_MAX: usize = 64 << 20;

/// A connection whose input has inflated to this many bytes in one turn goes on in the next.
const TURN_BYTES_MAX: usize = 1 << 20;

/// The most bytes of input to inflate before that is checked. DEFLATE multiplies by 1032 at most.
pub(crate) const STEP_LEN: usize = 1024;

/// The size of the pieces that a message inflates to.
const PIECE_LEN: usize = 32 << 10;

/// How many inflaters a worker keeps at hand.
const SPARE_MAX: usize = 4;

/// Inflates the messages of one connection.
pub(crate) struct Inflater {
    state: Decompressor,
    keeps_context: bool,
}

impl Inflater {
    /// For a connection whose client keeps its context.
    pub(crate) fn with_context(params: &Params) -> Box<Inflater> {
        Box::new(Inflater { state: Decompressor::new(params, Role::Server), keeps_context: true })
    }

    /// For one message of any connection: the largest window takes what smaller ones make.
    fn for_message() -> Inflater {
        let params = Params { client_no_context_takeover: true, ..Params::default() };
        Inflater { state: Decompressor::new(&params, Role::Server), keeps_context: false }
    }
}

/// What a worker inflates with.
#[derive(Default)]
pub(crate) struct Inflation {
    spare: Vec<Inflater>,
    piece: Vec<u8>,
    /// Bytes that the connection which is read now has inflated to in this turn.
    turn_bytes: usize,
}

impl Inflation {
    /// Begins with the input of another connection.
    pub(crate) fn start_read(&mut self) {
        self.turn_bytes = 0;
    }

    /// The connection that is read now has had its share of the turn.
    pub(crate) fn is_spent(&self) -> bool {
        self.turn_bytes > TURN_BYTES_MAX
    }

    fn give_back(&mut self, mut inflater: Inflater) {
        if self.spare.len() < SPARE_MAX && !inflater.keeps_context {
            inflater.state.reset();
            self.spare.push(inflater);
        }
    }
}

impl Worker {
    /// Inflates a fragment of a message and hands what comes out to the session.
    pub(crate) fn feed_compressed<W: Wire>(&mut self, id: ConnId, fragment: &Fragment<'_>, wire: &mut W) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        let kept = conn.inflater.take().map(|inflater| *inflater).or_else(|| self.inflation.spare.pop());
        let mut inflater = kept.unwrap_or_else(Inflater::for_message);
        let mut piece = core::mem::take(&mut self.inflation.piece);
        piece.resize(PIECE_LEN, 0);
        let result = self.inflate(id, &mut inflater.state, fragment, &mut piece, wire);
        self.inflation.piece = piece;
        let conn = self.conns.get_mut(id).filter(|conn| conn.stage == Stage::Open);
        match (result, conn) {
            (Ok(Status::MessageEnd), _) if !inflater.keeps_context => self.inflation.give_back(inflater),
            (Ok(_), Some(conn)) => conn.inflater = Some(Box::new(inflater)),
            (Ok(_), None) => self.inflation.give_back(inflater),
            (Err(error), _) => {
                self.inflation.give_back(inflater);
                self.end(id, Ending::Inflate(error));
            }
        }
    }

    fn inflate<W: Wire>(
        &mut self,
        id: ConnId,
        state: &mut Decompressor,
        fragment: &Fragment<'_>,
        piece: &mut [u8],
        wire: &mut W,
    ) -> Result<Status, InflateError> {
        let len_max = MESSAGE_LEN_MAX.max(2 * self.config.websocket.client.limits.payload_max);
        let mut input = &*fragment.payload;
        loop {
            let progress = state.inflate(input, fragment.last, piece)?;
            if state.message_len() > len_max {
                return Err(InflateError::TooLarge);
            }
            input = &input[progress.consumed..];
            self.inflation.turn_bytes += progress.produced;
            self.feed(id, &piece[..progress.produced], wire);
            let is_open = self.conns.get_mut(id).is_some_and(|conn| conn.stage == Stage::Open);
            if progress.status != Status::OutputFull || !is_open {
                return Ok(progress.status);
            }
        }
    }
}
