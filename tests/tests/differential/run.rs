//! Runs an exchange against a server.

use std::collections::HashMap;

use dunlin_tests::{Addresses, Deadline, End, Frame, Link, RawTcp, RawWs, frame};

use super::exchange::{Exchange, Step};
use super::transcript::{Transcript, escape};

/// The transcript of `exchange` with the server at `addresses`.
pub(crate) fn run(exchange: &Exchange, addresses: Addresses) -> String {
    let mut run = Run { links: HashMap::new(), ahead: HashMap::new(), transcript: Transcript::default() };
    for step in &exchange.steps {
        run.step(step, addresses);
    }
    // The server has forgotten these connections before the next exchange begins.
    for link in run.links.values_mut() {
        let tcp = tcp(link);
        tcp.half_close();
        tcp.read_to_close(Deadline::usual());
    }
    run.transcript.into_text()
}

struct Run {
    links: HashMap<char, Link>,
    /// NATS bytes of a WebSocket frame that went on behind what a step waited for.
    ahead: HashMap<char, Vec<u8>>,
    transcript: Transcript,
}

fn tcp(link: &mut Link) -> &mut RawTcp {
    match link {
        Link::Tcp(tcp) => tcp,
        Link::Ws(ws) => &mut ws.tcp,
    }
}

impl Run {
    fn link(&mut self, name: char) -> &mut Link {
        self.links.get_mut(&name).unwrap_or_else(|| panic!("no step has opened {name}"))
    }

    fn step(&mut self, step: &Step, addresses: Addresses) {
        match step {
            Step::Tcp(name) => {
                self.links.insert(*name, Link::Tcp(RawTcp::connect(addresses.nats)));
                self.skip_info(*name);
            }
            Step::Ws(name, headers) => {
                self.links.insert(*name, Link::Ws(RawWs::connect(addresses.websocket, headers)));
                self.skip_info(*name);
            }
            Step::TcpSocket(name) => {
                self.links.insert(*name, Link::Tcp(RawTcp::connect(addresses.nats)));
            }
            Step::WsSocket(name) => {
                self.links.insert(*name, Link::Tcp(RawTcp::connect(addresses.websocket)));
            }
            Step::Send(name, bytes) => tcp(self.link(*name)).send(bytes),
            Step::SendInPieces(name, bytes, size) => tcp(self.link(*name)).send_in_chunks(bytes, *size),
            Step::Nats(name, bytes) => self.link(*name).send(bytes),
            Step::NatsInPieces(name, bytes, size) => {
                let link = self.link(*name);
                bytes.chunks(*size).for_each(|piece| link.send(piece));
            }
            Step::Until(name, text) => self.until(*name, Some(text), false),
            Step::UntilSorted(name, text) => self.until(*name, Some(text), true),
            Step::UntilClosed(name) => self.until(*name, None, false),
            Step::Count(name, text, last) => {
                let bytes = self.link(*name).expect(last.as_bytes());
                let count = bytes.windows(text.len()).filter(|window| *window == text.as_bytes()).count();
                self.transcript.event(*name, &format!("{count} times {text:?}"));
            }
            Step::Frames(name, len) => self.frames(*name, *len),
            Step::Response(name) => self.response(*name, true),
            Step::ResponseHead(name) => self.response(*name, false),
            Step::HalfClose(name) => tcp(self.link(*name)).half_close(),
        }
    }

    /// Reads the INFO line without recording it, and no further: an error may follow.
    fn skip_info(&mut self, name: char) {
        let recorded = std::mem::take(&mut self.transcript);
        self.until(name, Some("\r\n"), false);
        self.transcript = recorded;
    }

    /// Records the stream until `text` ends it, or the connection.
    fn until(&mut self, name: char, text: Option<&str>, sorted: bool) {
        let deadline = Deadline::usual();
        let mut bytes = self.ahead.remove(&name).unwrap_or_default();
        let end = loop {
            if let Some(len) = text.and_then(|text| end_of(text, &bytes)) {
                self.ahead.insert(name, bytes.split_off(len));
                break End::Found;
            }
            match self.link(name) {
                Link::Tcp(tcp) => {
                    let (read, end) = match text {
                        Some(text) => tcp.read_until(text.as_bytes(), deadline),
                        None => tcp.read_to_close(deadline),
                    };
                    bytes = read;
                    break end;
                }
                Link::Ws(ws) => match ws.read_frame(deadline) {
                    Ok(Frame { first: 0x82, masked: false, payload }) => bytes.extend(payload),
                    Ok(frame) => {
                        self.record(name, &std::mem::take(&mut bytes), sorted);
                        self.transcript.event(name, &describe(&frame));
                    }
                    Err(end) => break end,
                },
            }
        };
        self.record(name, &bytes, sorted);
        self.end(name, end);
    }

    fn record(&mut self, name: char, bytes: &[u8], sorted: bool) {
        let mut lines: Vec<&[u8]> = bytes.split_inclusive(|&byte| byte == b'\n').collect();
        if sorted {
            lines.sort_unstable();
        }
        lines.iter().for_each(|line| self.transcript.bytes(name, line));
    }

    fn frames(&mut self, name: char, len: usize) {
        let mut left = len as i64;
        // One frame in any case: it may be empty.
        let mut first = true;
        while first || left > 0 {
            first = false;
            let Link::Ws(ws) = self.link(name) else { panic!("{name} has no frames") };
            match ws.read_frame(Deadline::usual()) {
                Ok(frame) => {
                    left -= frame.payload.len() as i64;
                    self.transcript.event(name, &describe(&frame));
                }
                Err(end) => return self.end(name, end),
            }
        }
    }

    fn response(&mut self, name: char, with_body: bool) {
        let Some(Link::Tcp(mut tcp)) = self.links.remove(&name) else { panic!("{name} does not speak HTTP") };
        let (mut bytes, mut end) = tcp.read_until(b"\r\n\r\n", Deadline::usual());
        let head = String::from_utf8_lossy(&bytes).into_owned();
        let len = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")?.parse().ok());
        if let (End::Found, Some(len), true) = (end, len, with_body) {
            let (body, at) = tcp.read_exact(len, Deadline::usual());
            bytes.extend(body);
            end = at;
        }
        self.transcript.bytes(name, &bytes);
        let switched = head.starts_with("HTTP/1.1 101 ");
        self.links.insert(name, if switched { Link::Ws(RawWs { tcp }) } else { Link::Tcp(tcp) });
        self.end(name, end);
    }

    fn end(&mut self, name: char, end: End) {
        match end {
            End::Found => {}
            End::Closed => self.transcript.event(name, "closed"),
            End::TimedOut => self.transcript.event(name, "silence until the deadline"),
        }
    }
}

/// The length of `bytes` up to and including `text`.
fn end_of(text: &str, bytes: &[u8]) -> Option<usize> {
    Some(bytes.windows(text.len()).position(|window| window == text.as_bytes())? + text.len())
}

/// One frame in words.
fn describe(frame: &Frame) -> String {
    let masked = if frame.masked { " masked" } else { "" };
    match (frame.first, frame.payload.as_slice()) {
        (0x88, [high, low, reason @ ..]) => {
            format!("[close{masked} {} {}]", u16::from_be_bytes([*high, *low]), escape(reason))
        }
        (0x88, payload) => format!("[close{masked} {}]", escape(payload)),
        (0x8a, payload) => format!("[pong{masked} {}]", escape(payload)),
        (first, payload) => format!("[{first:02x}{masked} {} bytes: {}]", payload.len(), escape(payload)),
    }
}

#[test]
fn frames_are_masked() {
    assert_eq!(frame(0x81, b"Hello"), [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);
}
