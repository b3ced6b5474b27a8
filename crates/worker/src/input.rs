//! From the socket to the session.

use std::io;

use dunlin_permessage_deflate::InflateError;
use dunlin_session::CloseReason;
use dunlin_websocket::{Event, FrameHeader, OpCode, encode_frame};

use crate::connection::{Stage, Transport};
use crate::ending::Ending;
use crate::http_head::HEAD_LEN_MAX;
use crate::tls::Security;
use crate::{ConnId, Wire, Worker, inflate};

/// The most bytes read from a connection in one turn.
const READ_MAX: usize = 64 << 10;

/// The most bytes read at once from a connection whose publishing is limited: that much may come over the limit before it
/// shows, which is when it has been handled.
const LIMITED_READ_MAX: usize = 4 << 10;

/// The most bytes of stream that wait until it is known who a client is.
const WAITING_LEN_MAX: usize = 2 * READ_MAX;

/// The most bytes of pongs that a connection gets in a turn. While output waits for its socket it is one pong: a peer that pings
/// faster than it reads is not told so each time.
const HEAD_MAX: usize = 16 << 10;

impl Worker {
    /// Reads once from a connection and handles what came.
    pub(crate) fn read<W: Wire>(&mut self, id: ConnId, wire: &mut W) {
        let now = self.now;
        let Some(conn) = self.conns.get_mut(id) else { return };
        if conn.awaits_verdict && conn.stage == Stage::Open {
            // It is marked as ready again when the verdict is there.
            conn.is_ready = false;
            return;
        }
        if conn.held_until > now {
            let until = conn.held_until;
            return self.put_aside(id, until);
        }
        conn.waits_for_neighbours &= self.neighbours.any_behind();
        if conn.waits_for_neighbours {
            return self.neighbours.wait(id);
        }
        conn.is_ready = false;
        if conn.raw.len() > HEAD_LEN_MAX && conn.owes_response() {
            // It sends requests ahead of their answers. The rest waits in the socket.
            return;
        }
        self.inflation.start_read();
        if core::mem::take(&mut conn.is_deferred) {
            // The socket is asked when these are handled: it may have said long ago that there is more.
            conn.is_ready = true;
            self.ready.push_back(id);
            let mut bytes = core::mem::take(&mut conn.raw);
            self.handle_bytes(id, &mut bytes, wire);
            return self.charge(id);
        }
        if !self.is_greeted(id, wire) {
            return;
        }
        let Some(conn) = self.conns.get_mut(id) else { return };
        let mut buffer = core::mem::take(&mut self.read_buffer);
        let kept = conn.raw.len();
        buffer.resize(buffer.len().max(kept + READ_MAX), 0);
        buffer[..kept].copy_from_slice(&conn.raw);
        let max = conn.rates.as_ref().map_or(READ_MAX, |_| LIMITED_READ_MAX);
        let end = kept + max;
        match wire.read(id, &mut buffer[kept..end]) {
            Ok(0) => self.handle_end_of_input(id, wire),
            Ok(n) => {
                conn.raw = Vec::new();
                conn.last_activity = now;
                if conn.is_finished || n == max || wire.has_more(id) {
                    conn.is_ready = true;
                    self.ready.push_back(id);
                }
                self.continue_handshake(id, wire);
                self.handle_bytes(id, &mut buffer[..kept + n], wire);
                self.charge(id);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.continue_handshake(id, wire);
                if wire.has_more(id) {
                    self.set_readable(id, false);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => self.set_readable(id, false),
            Err(error) => self.handle_read_error(id, &error, wire),
        }
        self.read_buffer = buffer;
    }

    fn handle_read_error<W: Wire>(&mut self, id: ConnId, error: &io::Error, wire: &mut W) {
        match self.conns.get_mut(id) {
            Some(conn) if conn.stage == Stage::Open && conn.security == Security::Handshaking => {
                self.fail_handshake(id, error);
            }
            _ => self.lose(id, CloseReason::ReadError, wire),
        }
    }

    fn handle_end_of_input<W: Wire>(&mut self, id: ConnId, wire: &mut W) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        conn.input_ended = true;
        if conn.stage == Stage::Lingering {
            self.remove(id, wire);
        } else if conn.stage == Stage::Open && conn.security == Security::Handshaking {
            self.fail_handshake(id, &io::ErrorKind::UnexpectedEof.into());
        } else if !conn.owes_response() {
            self.note_silent_peer(id);
            // What it still has to get is written; it may have closed its sending side only.
            self.end(id, Ending::Session(CloseReason::ClientClosed));
        }
    }

    /// Ends a connection whose socket does not work any more.
    pub(crate) fn lose<W: Wire>(&mut self, id: ConnId, reason: CloseReason, wire: &mut W) {
        self.end(id, Ending::Gone(reason));
        self.remove(id, wire);
    }

    pub(crate) fn handle_bytes<W: Wire>(&mut self, id: ConnId, bytes: &mut [u8], wire: &mut W) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        if conn.stage != Stage::Open {
            return;
        }
        if conn.awaits_proxy_header {
            return self.handle_proxy_header(id, bytes, wire);
        }
        if conn.security != Security::Settled && !self.handle_first_bytes(id, bytes, wire) {
            return;
        }
        let Some(conn) = self.conns.get_mut(id).filter(|conn| conn.stage == Stage::Open) else { return };
        match conn.transport {
            Transport::Raw => self.feed(id, bytes, wire),
            Transport::Http => self.handle_http(id, bytes),
            Transport::WebSocket(_) => self.handle_frames(id, bytes, wire),
        }
    }

    fn handle_frames<W: Wire>(&mut self, id: ConnId, bytes: &mut [u8], wire: &mut W) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let Some(conn) = self.conns.get_mut(id) else { return };
            let Transport::WebSocket(assembler) = &mut conn.transport else { return };
            if conn.stage != Stage::Open {
                return;
            }
            if self.inflation.is_spent() || conn.awaits_verdict {
                return self.defer(id, rest);
            }
            let step = if assembler.allows_rsv1() { rest.len().min(inflate::STEP_LEN) } else { rest.len() };
            let used = match assembler.next(&mut rest[..step]) {
                Ok(None) => {
                    conn.raw = rest.to_vec();
                    return;
                }
                Ok(Some((event, used))) => {
                    self.handle_event(id, event, wire);
                    used
                }
                Err(error) => {
                    tracing::debug!("{} - {error}", conn.label());
                    return self.end(id, Ending::Framing(error));
                }
            };
            rest = &mut core::mem::take(&mut rest)[used..];
        }
    }

    fn handle_event<W: Wire>(&mut self, id: ConnId, event: Event<'_>, wire: &mut W) {
        match event {
            Event::Data(fragment) if fragment.compressed => self.feed_compressed(id, &fragment, wire),
            Event::Data(fragment) => self.feed(id, fragment.payload, wire),
            Event::Ping(payload) => {
                let Some(conn) = self.conns.get_mut(id) else { return };
                if conn.out.is_some() {
                    // RFC 6455 §5.5.3: of pings that wait for an answer, the last one's will do.
                    drop_pongs(&mut conn.head);
                }
                let has_respite = conn.out.as_ref().is_some_and(|out| out.has_respite(self.now));
                if conn.head.len() < HEAD_MAX && (conn.pending() < self.config.pending_max || has_respite) {
                    // The payload of a ping fits into a pong.
                    let _ = encode_frame(OpCode::Pong, payload, None, &mut conn.head);
                    self.touch(id);
                }
            }
            Event::Pong(_) => {}
            Event::Close(code, reason) => self.end(id, Ending::CloseFrame { code, reason: reason.into() }),
        }
    }

    /// Handles the rest of what was read in the next turn.
    fn defer(&mut self, id: ConnId, rest: &[u8]) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        conn.raw = rest.to_vec();
        conn.is_deferred = true;
        if !conn.is_ready {
            conn.is_ready = true;
            self.ready.push_back(id);
        }
    }

    /// Hands stream bytes to the session: whole ops from where they lie, and what is cut into pieces from the
    /// connection's own buffer.
    pub(crate) fn feed<W: Wire>(&mut self, id: ConnId, mut bytes: &[u8], wire: &mut W) {
        while !bytes.is_empty() {
            let Some(conn) = self.conns.get_mut(id).filter(|conn| conn.stage == Stage::Open) else { return };
            if conn.awaits_verdict {
                return self.wait_for_verdict(id, bytes);
            }
            let used = if conn.carry.is_empty() {
                let Some(used) = self.feed_session(id, bytes) else { return };
                let Some(conn) = self.conns.get_mut(id) else { return };
                if used == 0 {
                    conn.keep_op(bytes);
                    return;
                }
                used
            } else {
                let Some(used) = self.complete_op(id, bytes) else { return };
                used
            };
            bytes = &bytes[used..];
            if self.is_full() {
                self.flush(wire);
            }
        }
    }

    /// Keeps what is left of a read until it is known who the client is. Only a bomb inflates to more.
    fn wait_for_verdict(&mut self, id: ConnId, bytes: &[u8]) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        if conn.carry.len() + bytes.len() > WAITING_LEN_MAX {
            return self.end(id, Ending::Inflate(InflateError::TooLarge));
        }
        conn.carry.extend_from_slice(bytes);
    }

    /// Appends what is missing of the op under way, and handles it when it is complete. Returns how many bytes it took.
    fn complete_op(&mut self, id: ConnId, bytes: &[u8]) -> Option<usize> {
        let conn = self.conns.get_mut(id)?;
        let mut carry = core::mem::take(&mut conn.carry);
        let known = conn.session.as_ref().and_then(|session| session.op_len());
        let missing = match known {
            Some(len) => len.saturating_sub(carry.len()).min(bytes.len()).max(1),
            None => memchr::memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1),
        };
        carry.extend_from_slice(&bytes[..missing]);
        let used = self.feed_session(id, &carry)?;
        let conn = self.conns.get_mut(id)?;
        if used < carry.len() {
            carry.drain(..used);
            conn.carry = carry;
            conn.reserve_op();
        }
        Some(missing)
    }

    /// Lets the session handle whole ops. `None`: the connection ends.
    fn feed_session(&mut self, id: ConnId, bytes: &[u8]) -> Option<usize> {
        let now = self.now;
        match self.with_session(id, |session, router| session.handle_input(now, bytes, router))? {
            Ok(used) => Some(used),
            Err(reason) => {
                self.end(id, Ending::Session(reason));
                None
            }
        }
    }
}

/// Takes the pongs out of frames that have not been written.
fn drop_pongs(frames: &mut Vec<u8>) {
    let mut at = 0;
    while let Ok(Some((header, len))) = FrameHeader::parse(&frames[at..]) {
        // The frames are the server's own: whole, and short.
        let end = frames.len().min(at + len + header.payload_len as usize);
        if header.opcode == OpCode::Pong {
            frames.drain(at..end);
        } else {
            at = end;
        }
    }
}

impl crate::connection::Connection {
    /// It has asked, over HTTP, for what it gets before it is let go.
    fn owes_response(&self) -> bool {
        let has_request = self.awaits_response
            || matches!(self.transport, Transport::Http) && !self.raw.is_empty() && self.out.is_some();
        has_request && self.stage == Stage::Open
    }

    /// Keeps the start of an op, with room for the rest where its length is known.
    fn keep_op(&mut self, bytes: &[u8]) {
        self.carry.extend_from_slice(bytes);
        self.reserve_op();
    }

    fn reserve_op(&mut self) {
        // Bounded: the session has checked the length against max_payload.
        let len = self.session.as_ref().and_then(|session| session.op_len()).unwrap_or(0);
        self.carry.reserve_exact(len.saturating_sub(self.carry.len()));
    }
}
