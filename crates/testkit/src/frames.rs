//! The WebSocket side of a scripted client.

use std::collections::VecDeque;

use dunlin_permessage_deflate::{Config, Decompressor, Params, Role as DeflateRole};
use dunlin_websocket::handshake::{AcceptKey, Offer, Response, write_request};
use dunlin_websocket::{
    Assembler, Event, FrameHeader, Limits, MaskKey, OpCode, Role, apply_mask, encode_close, encode_frame,
};
use fastrand::Rng;

use crate::Violation;
use crate::failure::{ensure, violated};

/// How a WebSocket client behaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WebSocketSettings {
    /// Says that it is a browser, and so gets messages of at most 4096 bytes.
    pub browser: bool,
    /// Asks to leave masks out.
    pub no_masking: bool,
    /// Cuts its stream into messages, fragments and control frames at random.
    pub ragged: bool,
    /// Offers compression, and sends some of its messages compressed.
    pub deflate: bool,
}

/// More than any message of the server's inflates to.
const INFLATED_MAX: usize = 64 << 20;

/// The most payload of a frame to a browser.
const BROWSER_MESSAGE_MAX: usize = 4096;

/// What a client got in a frame.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// Bytes of the stream.
    Data(Vec<u8>),
    /// The closing handshake, with its code.
    Close(Option<u16>),
}

/// Frames in both directions.
pub(crate) struct Frames {
    settings: WebSocketSettings,
    assembler: Assembler,
    /// The last message that was sent has more fragments to come.
    in_message: bool,
    /// The message that is being sent is compressed.
    is_deflating: bool,
    /// Inflates what comes in, where that was agreed.
    inflater: Option<Decompressor>,
    /// The payloads of the pings that were sent and not answered.
    pings: VecDeque<Vec<u8>>,
    /// Bytes that are not a whole frame.
    rest: Vec<u8>,
    closed: bool,
}

impl Frames {
    pub(crate) fn new(settings: WebSocketSettings) -> Frames {
        Frames {
            settings,
            assembler: Assembler::new(Role::Client, Limits::UNLIMITED),
            in_message: false,
            is_deflating: false,
            inflater: None,
            pings: VecDeque::new(),
            rest: Vec::new(),
            closed: false,
        }
    }

    /// Appends the request that opens the connection.
    pub(crate) fn write_request(&self, nonce: [u8; 16], out: &mut Vec<u8>) -> Result<AcceptKey, Violation> {
        let mut extra = Vec::new();
        if self.settings.browser {
            extra.push(("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) testkit"));
        }
        if self.settings.no_masking {
            extra.push(("Nats-No-Masking", "true"));
        }
        write_request("dunlin.test", "/", nonce, &self.offer(), &extra, out)
            .map_err(|error| Violation(format!("the client's own request: {error}")))
    }

    fn offer(&self) -> Offer<'static> {
        let extensions =
            if self.settings.deflate { "permessage-deflate; client_max_window_bits" } else { "" };
        Offer { extensions, ..Offer::default() }
    }

    /// Takes the response off the front of `bytes`: how long it was, or `None` if it is not all there.
    pub(crate) fn read_response(
        &mut self,
        bytes: &[u8],
        expected: &AcceptKey,
    ) -> Result<Option<usize>, Violation> {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut response = httparse::Response::new(&mut headers);
        let len = match response.parse(bytes) {
            Ok(httparse::Status::Complete(len)) => len,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(error) => violated!("the response is no HTTP: {error}"),
        };
        let status = response.code.unwrap_or(0);
        let pairs = response.headers.iter().map(|header| (header.name, header.value));
        let masks = pairs.clone().any(|(name, value)| name == "Nats-No-Masking" && value == b"true");
        ensure!(masks == self.settings.no_masking, "Nats-No-Masking was not echoed as it should be");
        let agreed = match (Response { status, headers: pairs }).check(expected, &self.offer()) {
            Ok(agreed) => agreed,
            Err(error) => violated!("the handshake was refused: {error}"),
        };
        if let Some(answer) = agreed.extensions {
            let offered = Config {
                server_no_context_takeover: false,
                client_no_context_takeover: false,
                ..Config::default()
            };
            match Params::from_response(&answer, &offered) {
                Ok(params) => self.inflater = Some(Decompressor::new(&params, DeflateRole::Client)),
                Err(error) => violated!("the server agreed to {answer:?}: {error}"),
            }
        }
        self.assembler = self.assembler.clone().with_rsv1(self.inflater.is_some());
        Ok(Some(len))
    }

    fn mask(&self, rng: &mut Rng) -> Option<MaskKey> {
        let key = if rng.u8(..8) == 0 { [0; 4] } else { rng.u32(..).to_be_bytes() };
        (!self.settings.no_masking).then_some(MaskKey(key))
    }

    /// Appends frames that carry `stream`. Returns for each of its bytes where it stands in `out`, as runs: from the
    /// first element's stream offset on, bytes stand at the second.
    pub(crate) fn write(&mut self, stream: &[u8], rng: &mut Rng, out: &mut Vec<u8>) -> Vec<(usize, usize)> {
        let mut runs = Vec::new();
        let mut at = 0;
        while at < stream.len() {
            let left = stream.len() - at;
            let len = if !self.settings.ragged { left } else { self.part_len(left, rng) };
            let fin = !self.settings.ragged || rng.u8(..3) > 0;
            let opcode = match (self.in_message, rng.u8(..4)) {
                (true, _) => OpCode::Continuation,
                (false, 0) => OpCode::Text,
                (false, _) => OpCode::Binary,
            };
            let mask = self.mask(rng);
            if !self.in_message {
                self.is_deflating = self.inflater.is_some() && rng.bool();
            }
            let rsv1 = self.is_deflating && opcode != OpCode::Continuation;
            let part = &stream[at..at + len];
            let around = if self.is_deflating { stored_len(part) - len + usize::from(fin) } else { 0 };
            FrameHeader { fin, rsv1, opcode, mask, payload_len: (len + around) as u64 }.encode(out);
            let start = out.len();
            if self.is_deflating {
                write_stored(part, at, out, &mut runs);
                // The first byte of the empty block that ends a message; its other four are left out.
                out.extend(fin.then_some(0));
            } else {
                runs.push((at, start));
                out.extend_from_slice(part);
            }
            if let Some(key) = mask {
                apply_mask(&mut out[start..], key, 0);
            }
            self.in_message = !fin;
            at += len;
            if self.settings.ragged && rng.u8(..8) == 0 {
                self.write_control(rng, out);
            }
        }
        runs
    }

    fn part_len(&self, left: usize, rng: &mut Rng) -> usize {
        match rng.u8(..4) {
            0 => rng.usize(0..=left.min(8)),
            1 => rng.usize(1..=left.min(300)),
            _ => left,
        }
    }

    fn write_control(&mut self, rng: &mut Rng, out: &mut Vec<u8>) {
        let payload: Vec<u8> = (0..rng.usize(..=125)).map(|_| rng.u8(..)).collect();
        let mask = self.mask(rng);
        let opcode = if rng.bool() { OpCode::Ping } else { OpCode::Pong };
        // The payload is of a length that fits.
        let _ = encode_frame(opcode, &payload, mask, out);
        if opcode == OpCode::Ping {
            self.pings.push_back(payload);
        }
    }

    /// Appends a close frame.
    pub(crate) fn write_close(&mut self, code: Option<u16>, rng: &mut Rng, out: &mut Vec<u8>) {
        encode_close(code.map(dunlin_websocket::CloseCode), "bye", self.mask(rng), out);
    }

    /// Takes what the server sent: all whole frames, checked.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> Result<Vec<Incoming>, Violation> {
        self.rest.extend_from_slice(bytes);
        let mut incoming = Vec::new();
        let mut rest = core::mem::take(&mut self.rest);
        let mut at = 0;
        loop {
            let header = FrameHeader::parse(&rest[at..])
                .map_err(|error| Violation(format!("a bad frame: {error}")))?;
            let Some((header, head_len)) = header else { break };
            let len = head_len + header.payload_len as usize;
            let Some(frame) = rest.get_mut(at..at + len) else { break };
            ensure!(!self.closed, "a frame after the close frame: {header:?}");
            self.check_header(&header)?;
            incoming.extend(self.read_frame(frame)?);
            at += len;
        }
        self.rest = rest.split_off(at);
        Ok(incoming)
    }

    fn check_header(&self, header: &FrameHeader) -> Result<(), Violation> {
        let is_data = matches!(header.opcode, OpCode::Binary | OpCode::Continuation);
        let known = is_data || matches!(header.opcode, OpCode::Pong | OpCode::Close);
        let deflate = self.inflater.is_some();
        // Only compressed messages to browsers come in several frames.
        let is_whole = header.fin && header.opcode != OpCode::Continuation;
        let cut = is_whole || (deflate && self.settings.browser && is_data);
        let fine = known && cut && (deflate || !header.rsv1) && header.mask.is_none();
        ensure!(fine, "the server sent {header:?}");
        if is_data {
            let max = if self.settings.browser { BROWSER_MESSAGE_MAX as u64 } else { u64::MAX };
            ensure!((1..=max).contains(&header.payload_len), "a message of {} bytes", header.payload_len);
        }
        Ok(())
    }

    /// Handles one whole frame: the assembler has to agree that it is one.
    fn read_frame(&mut self, frame: &mut [u8]) -> Result<Option<Incoming>, Violation> {
        let len = frame.len();
        let (event, used) = match self.assembler.next(frame) {
            Ok(Some(next)) => next,
            Ok(None) => violated!("a whole frame that is not whole"),
            Err(error) => violated!("a bad frame: {error}"),
        };
        ensure!(used == len, "a frame of {len} bytes of which {used} were used");
        match event {
            Event::Data(fragment) => match self.inflater.as_mut().filter(|_| fragment.compressed) {
                None => Ok(Some(Incoming::Data(fragment.payload.to_vec()))),
                Some(inflater) => {
                    let mut data = Vec::new();
                    inflater
                        .decompress(fragment.payload, fragment.last, INFLATED_MAX, &mut data)
                        .map_err(|error| Violation(format!("a compressed message: {error}")))?;
                    Ok(Some(Incoming::Data(data)))
                }
            },
            Event::Pong(payload) => {
                // RFC 6455 §5.5.3: a pong may answer the pings before its own as well.
                let answered = self.pings.iter().position(|ping| ping == payload);
                let Some(answered) = answered else { violated!("a pong that answers no ping") };
                self.pings.drain(..=answered);
                Ok(None)
            }
            Event::Ping(_) => violated!("the server sent a WebSocket ping"),
            Event::Close(code, _) => {
                self.closed = true;
                Ok(Some(Incoming::Close(code.map(|code| code.0))))
            }
        }
    }

    /// At the end of the stream: nothing may be left over.
    pub(crate) fn check_end(&self) -> Result<(), Violation> {
        ensure!(self.closed, "the stream ended without a close frame");
        ensure!(self.rest.is_empty(), "the stream ended within a frame");
        Ok(())
    }

    /// At rest: every ping was answered.
    pub(crate) fn check_pings(&self) -> Result<(), Violation> {
        ensure!(self.pings.is_empty(), "{} WebSocket pings were not answered", self.pings.len());
        Ok(())
    }
}

/// The most bytes of a stored block (RFC 1951 §3.2.4).
const STORED_MAX: usize = 65535;
const STORED_HEAD_LEN: usize = 5;

/// The length of `part` as stored blocks.
fn stored_len(part: &[u8]) -> usize {
    part.len() + part.len().div_ceil(STORED_MAX) * STORED_HEAD_LEN
}

/// Appends `part` as stored blocks, in which each of its bytes has a place of its own: it is `at` bytes into the stream.
fn write_stored(part: &[u8], at: usize, out: &mut Vec<u8>, runs: &mut Vec<(usize, usize)>) {
    for (index, block) in part.chunks(STORED_MAX).enumerate() {
        let len = block.len() as u16;
        out.push(0);
        out.extend_from_slice(&len.to_le_bytes());
        out.extend_from_slice(&(!len).to_le_bytes());
        runs.push((at + index * STORED_MAX, out.len()));
        out.extend_from_slice(block);
    }
}
