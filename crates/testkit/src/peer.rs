//! A scripted client: what it sends, and how it reads what it gets.

use dunlin_nats_protocol::{Limits, ServerParser};
use dunlin_websocket::handshake::AcceptKey;
use fastrand::Rng;

use crate::check::Reaction;
use crate::failure::{ensure, violated};
use crate::frames::{Frames, Incoming, WebSocketSettings};
use crate::model::Model;
use crate::op::Op;
use crate::script::Script;
use crate::wire::{Link, Readout};
use crate::{Violation, failure};

/// How far a client has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phase {
    /// The response to its WebSocket request has not come.
    Handshake(AcceptKey),
    Open,
    /// It sends what it likes, and keeps what it hears.
    Stranger,
    /// The stream from the server has ended.
    Over,
}

/// How a client ends its connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Farewell {
    /// It sends no more, and reads on until the server closes.
    HalfClose,
    /// It sends a close frame with this code; on TCP, as [`Farewell::HalfClose`].
    CloseFrame(Option<u16>),
    /// The network drops the connection.
    Cut,
}

/// A client.
pub(crate) struct Peer {
    pub client: usize,
    pub phase: Phase,
    pub script: Script,
    /// Encoded, not written yet.
    outgoing: Vec<u8>,
    /// How much of `outgoing` is written.
    written: usize,
    /// How many bytes came before `outgoing`.
    base: u64,
    frames: Option<Frames>,
    parser: ServerParser,
    /// Bytes of the stream that are not a whole op.
    stream: Vec<u8>,
    /// Bytes before the handshake is over, and all that a stranger gets.
    head: Vec<u8>,
    /// Will half-close when all is written.
    leaving: bool,
    /// Puts nothing more into its stream.
    silent: bool,
    /// Does not read.
    pub paused: bool,
    /// Does not answer PING.
    pub mute: bool,
    /// A digest of all it got, to compare runs.
    pub digest: u64,
}

impl Peer {
    pub(crate) fn new(
        client: usize,
        websocket: Option<WebSocketSettings>,
        script: Script,
        rng: &mut Rng,
    ) -> Result<Peer, Violation> {
        let mut peer = Peer { script, frames: websocket.map(Frames::new), ..Peer::stranger(client) };
        peer.phase = match &peer.frames {
            Some(frames) => {
                let nonce = rng.u128(..).to_be_bytes();
                Phase::Handshake(frames.write_request(nonce, &mut peer.outgoing)?)
            }
            None => Phase::Open,
        };
        Ok(peer)
    }

    /// Somebody who follows no rules.
    pub(crate) fn stranger(client: usize) -> Peer {
        Peer {
            client,
            phase: Phase::Stranger,
            script: Script::silent(client),
            outgoing: Vec::new(),
            written: 0,
            base: 0,
            frames: None,
            // INFO is longer than what clients may send.
            parser: ServerParser::new(Limits { control_line_max: 1 << 16, payload_max: 1 << 27 }),
            stream: Vec::new(),
            head: Vec::new(),
            leaving: false,
            silent: false,
            paused: false,
            mute: false,
            digest: 0,
        }
    }

    /// Puts bytes into what it writes, as they are.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.outgoing.extend_from_slice(bytes);
    }

    /// What a stranger has got.
    pub(crate) fn heard(&self) -> &[u8] {
        &self.head
    }

    pub(crate) fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// Puts ops into the stream, and tells the model where.
    pub(crate) fn submit(&mut self, ops: &[Op], model: &mut Model, rng: &mut Rng) {
        if self.silent {
            return;
        }
        let mut stream = Vec::new();
        let mut ends = Vec::new();
        for op in ops {
            let start = stream.len();
            op.encode(&model.messages, &mut stream);
            ends.push((start, stream.len()));
        }
        self.outgoing.drain(..self.written);
        self.base += self.written as u64;
        self.written = 0;
        let offset = self.outgoing.len();
        let runs = match &mut self.frames {
            Some(frames) => frames.write(&stream, rng, &mut self.outgoing),
            None => {
                self.outgoing.extend_from_slice(&stream);
                vec![(0, offset)]
            }
        };
        let place = |byte: usize| {
            let run = runs.partition_point(|(start, _)| *start <= byte).saturating_sub(1);
            let (start, at) = runs.get(run).copied().unwrap_or((0, offset));
            self.base + (at + byte - start) as u64
        };
        for (op, (start, end)) in ops.iter().zip(ends) {
            if start == end {
                // A close frame.
                continue;
            }
            model.plan(self.client, place(start), place(end - 1) + 1, op.clone());
        }
    }

    /// Writes up to `max` bytes.
    pub(crate) fn write(&mut self, max: usize, link: &mut Link) -> usize {
        let n = max.min(self.outgoing.len() - self.written);
        link.send(self.outgoing[self.written..self.written + n].iter().copied());
        self.written += n;
        if self.leaving && self.written == self.outgoing.len() {
            self.leaving = false;
            link.finish();
            return n + 1;
        }
        n
    }

    /// Begins to end the connection; what is in the stream goes first, unless `abruptly`.
    pub(crate) fn leave(&mut self, farewell: Farewell, abruptly: bool, model: &mut Model, rng: &mut Rng) {
        self.script.over = true;
        if abruptly {
            self.outgoing.truncate(self.written);
        }
        if let (Farewell::CloseFrame(code), Some(frames), Phase::Open) =
            (farewell, &mut self.frames, self.phase)
            && !abruptly
        {
            let start = self.base + self.outgoing.len() as u64;
            frames.write_close(code, rng, &mut self.outgoing);
            let end = self.base + self.outgoing.len() as u64;
            model.plan(self.client, start, end, Op::CloseFrame(code));
        } else {
            self.leaving = true;
            self.silent = true;
        }
    }

    /// Reads up to `max` bytes, and handles them. Returns how many, and what to do about them.
    pub(crate) fn read(
        &mut self,
        max: usize,
        link: &mut Link,
        model: &mut Model,
    ) -> Result<(usize, Vec<Reaction>), Violation> {
        let mut bytes = Vec::new();
        if self.phase == Phase::Over {
            return Ok((0, Vec::new()));
        }
        match link.receive(max, &mut bytes) {
            Readout::Nothing => return Ok((0, Vec::new())),
            Readout::Bytes(_) => {}
            Readout::End | Readout::Reset if link.is_cut() || link.is_abandoned() => {
                self.phase = Phase::Over;
                return Ok((1, Vec::new()));
            }
            Readout::Reset if model.may_be_reset(self.client) => {
                self.phase = Phase::Over;
                return Ok((1, Vec::new()));
            }
            Readout::Reset => violated!("client {}: the server took back its last words", self.client),
            Readout::End => {
                self.handle_end(model)?;
                if !link.is_finished() {
                    self.leaving = true;
                    self.silent = true;
                }
                return Ok((1, Vec::new()));
            }
        }
        self.digest = bytes
            .iter()
            .fold(self.digest, |digest, &byte| (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let reactions = self.handle_bytes(&bytes, model)?;
        Ok((bytes.len(), reactions))
    }

    fn handle_end(&mut self, model: &mut Model) -> Result<(), Violation> {
        let client = self.client;
        if let Some(frames) = self.frames.as_ref().filter(|_| self.is_open()) {
            frames.check_end().map_err(|Violation(text)| Violation(format!("client {client}: {text}")))?;
        }
        if self.is_open() {
            ensure!(
                self.stream.is_empty(),
                "client {client}: the stream ended in {}",
                failure::show(&self.stream)
            );
            model.receive_end(client)?;
        }
        self.phase = Phase::Over;
        Ok(())
    }

    fn handle_bytes(&mut self, bytes: &[u8], model: &mut Model) -> Result<Vec<Reaction>, Violation> {
        let client = self.client;
        let explain = |Violation(text)| Violation(format!("client {client}: {text}"));
        if self.phase == Phase::Stranger {
            self.head.extend_from_slice(bytes);
            return Ok(Vec::new());
        }
        let Some(frames) = &mut self.frames else { return self.handle_stream(bytes, model) };
        let mut bytes = bytes;
        let joined;
        if let Phase::Handshake(expected) = self.phase {
            self.head.extend_from_slice(bytes);
            let Some(len) = frames.read_response(&self.head, &expected).map_err(explain)? else {
                return Ok(Vec::new());
            };
            self.phase = Phase::Open;
            joined = self.head.split_off(len);
            bytes = &joined;
        }
        let mut reactions = Vec::new();
        for incoming in frames.read(bytes).map_err(explain)? {
            match incoming {
                Incoming::Data(data) => reactions.extend(self.handle_stream(&data, model)?),
                Incoming::Close(code) => model.receive_close_frame(client, code)?,
            }
        }
        Ok(reactions)
    }

    fn handle_stream(&mut self, bytes: &[u8], model: &mut Model) -> Result<Vec<Reaction>, Violation> {
        self.stream.extend_from_slice(bytes);
        let mut reactions = Vec::new();
        let mut at = 0;
        loop {
            match self.parser.next(&self.stream[at..]) {
                Ok(Some((op, len))) => {
                    at += len;
                    reactions.push(model.receive(self.client, &op)?);
                }
                Ok(None) => break,
                Err(error) => {
                    violated!("client {}: {error} in {}", self.client, failure::show(&self.stream[at..]))
                }
            }
        }
        self.stream.drain(..at);
        Ok(reactions)
    }

    /// At rest: nothing is half there.
    pub(crate) fn check_rest(&self) -> Result<(), Violation> {
        if !self.is_open() {
            return Ok(());
        }
        ensure!(
            self.stream.is_empty(),
            "client {}: half an op: {}",
            self.client,
            failure::show(&self.stream)
        );
        match &self.frames {
            Some(frames) => frames.check_pings(),
            None => Ok(()),
        }
    }
}
