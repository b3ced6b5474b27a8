//! Negotiation, compression and inflation of RFC 7692.
//!
//! The first byte chooses what the rest is: a header, messages to send with contexts, messages to send without and in
//! parts, or payloads of a hostile peer.

use dunlin_permessage_deflate::{
    Compressor, Config, Decompressor, InflateError, MessageCompressor, Params, Role, Status, end_parts,
    store_part,
};

#[path = "../../crates/permessage-deflate/tests/naive/mod.rs"]
mod naive;
#[path = "../../crates/permessage-deflate/tests/rivals/mod.rs"]
mod rivals;

const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];
const LIMIT: usize = 1 << 18;
/// Less, because they get all of it at once.
const LIMIT_OF_RIVALS: usize = 1 << 14;
/// Accepts every valid answer.
const OPEN: Config = Config {
    server_no_context_takeover: false,
    client_no_context_takeover: false,
    server_max_window_bits: 15,
    client_max_window_bits: 15,
};

/// Runs one input.
pub fn run(data: &[u8]) {
    match data {
        [3, bits, rest @ ..] => messages_in_parts(8 + bits % 8, rest),
        [kind, wishes, rest @ ..] if kind % 3 == 0 => header(config(*wishes, *wishes), rest),
        [kind, a, b, c, level, rest @ ..] if kind % 3 == 1 => {
            conversation(config(*a, *b), config(*c, *b), level % 11, rest);
        }
        [_, flags, rest @ ..] => hostile_payload(*flags, rest),
        _ => {}
    }
}

fn config(flags: u8, bits: u8) -> Config {
    Config {
        server_no_context_takeover: flags & 1 != 0,
        client_no_context_takeover: flags & 2 != 0,
        server_max_window_bits: 8 + (flags >> 2 & 7),
        client_max_window_bits: 8 + (bits >> 5),
    }
}

fn response(params: &Params) -> String {
    let mut out = Vec::new();
    params.write_response(&mut out);
    String::from_utf8(out).expect("ASCII")
}

/// A header from the wire: what is accepted is answered so that a client understands it, whatever the case of letters.
fn header(config: Config, text: &[u8]) {
    let Ok(text) = str::from_utf8(text) else { return };
    let params = Params::negotiate(text, &config);
    assert_eq!(params, Params::negotiate(&text.to_ascii_uppercase(), &config));
    assert_eq!(params, Params::negotiate_lines(["", text, "foo; bar=\"1\""], &config));
    if let Some(params) = params {
        assert!(params.server_window_bits() <= config.server_max_window_bits);
        assert_eq!(Params::from_response(&response(&params), &OPEN), Ok(params));
    }
    if let Ok(params) = Params::from_response(text, &config) {
        assert!(params.server_window_bits() <= config.server_max_window_bits);
        assert!(params.client_window_bits() <= config.client_max_window_bits);
        assert!(params.server_no_context_takeover || !config.server_no_context_takeover);
        assert_eq!(Params::from_response(&response(&params), &config), Ok(params));
    }
}

/// Two peers of this crate agree, and messages go both ways in fragments: an operation is a byte of flags, a length, and data.
fn conversation(client: Config, server: Config, level: u8, mut operations: &[u8]) {
    let mut offer = Vec::new();
    client.write_offer(&mut offer);
    let offer = String::from_utf8(offer).expect("ASCII");
    let at_server = Params::negotiate(&offer, &server).expect("our offer is valid");
    let at_client = Params::from_response(&response(&at_server), &client).expect("our answer fits");
    let mut down = Direction::new(Role::Server, &at_server, &at_client, level);
    let mut up = Direction::new(Role::Client, &at_client, &at_server, level);
    while let [flags, len, rest @ ..] = operations {
        let len = rest.len().min(usize::from(*len) << (flags >> 5));
        let (fragment, rest) = rest.split_at(len);
        operations = rest;
        let direction = if flags & 1 == 0 { &mut down } else { &mut up };
        direction.send(fragment, flags & 2 != 0, usize::from(flags >> 2 & 7));
    }
}

struct Direction {
    compressor: Compressor,
    decompressor: Decompressor,
    window: usize,
    keep_context: bool,
    context: Vec<u8>,
    sent: Vec<u8>,
    payload: Vec<u8>,
}

impl Direction {
    fn new(sender: Role, of_sender: &Params, of_receiver: &Params, level: u8) -> Self {
        let (receiver, bits, keep_context) = match sender {
            Role::Server => {
                (Role::Client, of_sender.server_window_bits(), !of_sender.server_no_context_takeover)
            }
            Role::Client => {
                (Role::Server, of_sender.client_window_bits(), !of_sender.client_no_context_takeover)
            }
        };
        Self {
            compressor: Compressor::new(of_sender, sender, level),
            decompressor: Decompressor::new(of_receiver, receiver),
            window: 1 << bits,
            keep_context,
            context: Vec::new(),
            sent: Vec::new(),
            payload: Vec::new(),
        }
    }

    /// Compresses a fragment; at the end of a message, inflates it in pieces and by the oracle.
    fn send(&mut self, fragment: &[u8], fin: bool, pieces: usize) {
        self.compressor.compress_fragment(fragment, fin, &mut self.payload);
        self.sent.extend_from_slice(fragment);
        if !fin {
            return;
        }
        let mut received = Vec::new();
        let size = self.payload.len() / (pieces + 1) + 1;
        let mut parts = self.payload.chunks(size).peekable();
        while let Some(part) = parts.next() {
            let result =
                self.decompressor.decompress(part, parts.peek().is_none(), self.sent.len(), &mut received);
            assert_eq!(result, Ok(()));
        }
        assert_eq!(received, self.sent);

        if !self.keep_context {
            self.context.clear();
        }
        let start = self.context.len();
        self.payload.extend_from_slice(&TAIL);
        let distance = naive::inflate(&self.payload, &mut self.context).expect("valid");
        assert!(distance <= self.window, "distance {distance} in a window of {}", self.window);
        assert_eq!(self.context[start..], self.sent);
        self.sent.clear();
        self.payload.clear();
    }
}

/// Messages of parts, all through one compressor: a part is a byte of flags, a length, and data, maybe repeated.
///
/// What they inflate to, by this crate and by the oracle, is their inputs; the window is kept.
fn messages_in_parts(bits: u8, mut operations: &[u8]) {
    let params = Params { server_max_window_bits: Some(bits), ..Params::default() };
    let mut compressor = MessageCompressor::new(&params, Role::Server);
    let (mut payload, mut sent) = (Vec::new(), Vec::new());
    while let [flags, len, rest @ ..] = operations {
        let (data, rest) = rest.split_at(rest.len().min(usize::from(*len)));
        operations = rest;
        // Up to 8 KiB of it, so that a few parts go past any window and through the positions of the compressor.
        let part = data.repeat(1 << (flags >> 5).min(5));
        if flags & 1 != 0 {
            store_part(&part, &mut payload);
        } else {
            compressor.compress_part(&part, &mut payload);
        }
        sent.extend_from_slice(&part);
        if flags & 2 == 0 {
            continue;
        }
        end_parts(&mut payload);
        check_sent(&payload, &sent, bits);
        payload.clear();
        compressor.compress(&sent, &mut payload);
        check_sent(&payload, &sent, bits);
        payload.clear();
        sent.clear();
    }
}

fn check_sent(payload: &[u8], sent: &[u8], bits: u8) {
    let params = Params { server_max_window_bits: Some(bits), ..Params::default() };
    let mut received = Vec::new();
    let result =
        Decompressor::new(&params, Role::Client).decompress(payload, true, sent.len(), &mut received);
    assert_eq!(result, Ok(()));
    assert!(received == sent);
    let mut plain = Vec::new();
    let distance = naive::inflate(&[payload, &TAIL].concat(), &mut plain).expect("valid");
    assert!(distance <= 1 << bits, "distance {distance} in a window of {bits} bits");
    assert!(plain == sent);
}

/// A message of a hostile peer: what comes of it does not depend on how it is cut, agrees with the oracle and with other
/// inflaters, and stays within the limit.
fn hostile_payload(flags: u8, payload: &[u8]) {
    rivals::check(payload, LIMIT_OF_RIVALS);
    let params = Params { client_no_context_takeover: flags & 1 != 0, ..Params::default() };
    let mut decompressor = Decompressor::new(&params, Role::Server);
    let mut whole = Vec::new();
    let verdict = decompressor.decompress(payload, true, LIMIT, &mut whole);
    assert!(whole.len() <= LIMIT);

    decompressor.reset();
    let mut cut = Vec::new();
    let size = 1 + usize::from(flags >> 1 & 15);
    let mut parts = payload.chunks(size).peekable();
    let mut cut_verdict = Ok(());
    while let (Ok(()), Some(part)) = (cut_verdict, parts.next()) {
        cut_verdict = decompressor.decompress(part, parts.peek().is_none(), LIMIT, &mut cut);
    }
    assert_eq!(verdict, cut_verdict);

    decompressor.reset();
    let (streamed_verdict, streamed) = stream(&mut decompressor, payload, 1 + usize::from(flags >> 5) * 50);
    match verdict {
        Ok(()) => {
            assert_eq!(whole, cut);
            assert_eq!((streamed_verdict, streamed), (Ok(()), whole.clone()));
            check_oracle(payload, &whole);
        }
        // The streaming form has no limit, and may find what comes behind it.
        Err(InflateError::TooLarge) => assert!(streamed_verdict.is_err() || streamed.len() > LIMIT),
        Err(error) => assert_eq!(streamed_verdict, Err(error)),
    }
}

/// The streaming form, with little room for the output. Stops soon after the limit.
fn stream(
    decompressor: &mut Decompressor,
    payload: &[u8],
    room: usize,
) -> (Result<(), InflateError>, Vec<u8>) {
    let (mut rest, mut out, mut space) = (payload, Vec::new(), vec![0; room]);
    loop {
        match decompressor.inflate(rest, true, &mut space) {
            Err(error) => return (Err(error), out),
            Ok(progress) => {
                rest = &rest[progress.consumed..];
                out.extend_from_slice(&space[..progress.produced]);
                assert_ne!(progress.status, Status::NeedsInput, "the message is all there");
                if progress.status == Status::MessageEnd || out.len() > LIMIT {
                    return (Ok(()), out);
                }
            }
        }
    }
}

/// An accepted payload is whole blocks behind the tail, or without it if the peer left it in place.
fn check_oracle(payload: &[u8], message: &[u8]) {
    let mut plain = Vec::new();
    if naive::inflate(&[payload, &TAIL].concat(), &mut plain).is_err() {
        plain.clear();
        naive::inflate(payload, &mut plain).expect("whole blocks");
    }
    assert_eq!(plain, message);
}
