//! What a peer has got, without what depends on how its own bytes were cut.

use dunlin_permessage_deflate::{Config, Decompressor, Params, Role as DeflateRole};
use dunlin_websocket::{Assembler, CloseCode, Event, Limits, Role};
use dunlin_worker::Listener;

/// Accepts every answer that a server may give.
const ANY: Config = Config {
    server_no_context_takeover: false,
    client_no_context_takeover: false,
    server_max_window_bits: 15,
    client_max_window_bits: 15,
};

/// Far more than anything that is sent.
const MESSAGE_LEN_MAX: usize = 1 << 30;

/// The server had to close because of what it inflated.
const NOT_DEFLATE: CloseCode = CloseCode(1007);

/// The output of a connection from its beginning to its end.
#[derive(Default, Debug)]
pub(super) struct Outcome {
    /// HTTP, up to the end of the 101 response if there is one.
    http: String,
    /// It has been agreed that messages may be compressed.
    may_compress: bool,
    /// What came as a NATS stream, out of its messages.
    text: String,
    /// The payloads of pongs. They overtake messages, within a turn.
    pongs: Vec<Vec<u8>>,
    close: Option<(Option<CloseCode>, String)>,
}

impl Outcome {
    /// Decodes what was written.
    pub(super) fn of(written: &[u8], listener: Listener) -> Outcome {
        if listener == Listener::Nats {
            return Outcome { text: escape(&without_http(written)), ..Outcome::default() };
        }
        let switch = find(written, b"HTTP/1.1 101 ");
        let Some(head_len) = switch.and_then(|at| Some(at + find(&written[at..], b"\r\n\r\n")? + 4)) else {
            return Outcome { http: escape(written), ..Outcome::default() };
        };
        let (http, frames) = written.split_at(head_len);
        let mut outcome = Outcome { http: escape(http), ..Outcome::default() };
        let params = agreed(&http[switch.unwrap_or(0)..]);
        outcome.may_compress = params.is_some();
        outcome.decode(frames, params.as_ref());
        assert!(outcome.close.is_some(), "a WebSocket ends with a close frame");
        outcome
    }

    fn decode(&mut self, frames: &[u8], params: Option<&Params>) {
        let mut assembler = Assembler::new(Role::Client, Limits::UNLIMITED).with_rsv1(params.is_some());
        let mut inflater = params.map(|params| Decompressor::new(params, DeflateRole::Client));
        let (mut frames, mut text) = (frames.to_vec(), Vec::new());
        let mut at = 0;
        while let Some((event, used)) = assembler.next(&mut frames[at..]).expect("the server keeps the rules")
        {
            at += used;
            match event {
                Event::Data(fragment) => {
                    assert!(!fragment.text, "messages are binary");
                    match &mut inflater {
                        Some(inflater) if fragment.compressed => inflater
                            .decompress(fragment.payload, fragment.last, MESSAGE_LEN_MAX, &mut text)
                            .expect("it can be inflated"),
                        _ => text.extend_from_slice(fragment.payload),
                    }
                }
                Event::Ping(_) => panic!("nobody asked for pings"),
                Event::Pong(payload) => self.pongs.push(payload.to_vec()),
                Event::Close(code, reason) => {
                    self.close = Some((code, reason.to_owned()));
                    break;
                }
            }
        }
        assert_eq!(at, frames.len(), "nothing follows the close frame, and nothing is left incomplete");
        self.text = escape(&text);
    }

    /// The same bytes, cut in another way, have had the same effect.
    pub(super) fn expect_same(&self, other: &Outcome) {
        assert_eq!(self.http, other.http);
        let fails_to_inflate =
            |outcome: &Outcome| outcome.close.as_ref().is_some_and(|(code, _)| *code == Some(NOT_DEFLATE));
        if fails_to_inflate(self) || fails_to_inflate(other) {
            // How much of a broken message still counts depends on how much of it came at once.
            return;
        }
        assert_eq!(self.text, other.text);
        assert_eq!(self.close, other.close);
        assert_eq!(self.pongs, other.pongs);
    }

    /// The same messages, sent without compression, have had the same effect. Pongs differ: there is a ping between fragments.
    pub(super) fn expect_same_as_plain(&self, plain: &Outcome) {
        if self.may_compress {
            assert_eq!(self.http, plain.http);
            assert_eq!(self.text, plain.text);
            assert_eq!(self.close, plain.close);
        }
    }
}

/// What a peer of the NATS port got, without what it is told in HTTP where its first read began with a whole method.
fn without_http(written: &[u8]) -> Vec<u8> {
    let (info, rest) = written.split_at(find(written, b"\r\n").map_or(0, |at| at + 2));
    let err = find(rest, b"-ERR ").filter(|_| rest.starts_with(b"HTTP/1.1 400 "));
    [info, &rest[err.unwrap_or(0)..]].concat()
}

/// What the head of a 101 response says of compression.
fn agreed(head: &[u8]) -> Option<Params> {
    let head = core::str::from_utf8(head).expect("heads are ASCII");
    let line = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Extensions: "))?;
    Some(Params::from_response(line, &ANY).expect("an answer to an offer"))
}

fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes.windows(pattern.len()).position(|window| window == pattern)
}

/// As text that shows where two of its kind differ.
fn escape(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}
