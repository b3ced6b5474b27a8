//! A WebSocket server that sends back what it gets, with permessage-deflate: the program that the Autobahn suite runs
//! against.
//!
//! `cargo run --release -p dunlin-examples --bin echo -- --listen 127.0.0.1:9001`
//!
//! A thread for each connection and blocking sockets, so that nothing but the protocol is left to read here.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Duration;
use std::{env, fmt, process, thread};

use dunlin_permessage_deflate as deflate;
use dunlin_permessage_deflate::{Compressor, Config, Decompressor, InflateError, Params};
use dunlin_websocket::handshake::{self, Request};
use dunlin_websocket::{
    Assembler, CloseCode, Event, Fragment, FrameHeader, Limits, OpCode, ProtocolError, Role, Utf8,
    encode_close, encode_frame,
};

/// The longest message, compressed or not, in bytes.
const MESSAGE_LEN_MAX: usize = 64 << 20;
/// The longest request head, in bytes.
const HEAD_LEN_MAX: usize = 16 << 10;
const READ_LEN: usize = 64 << 10;
const COMPRESSION_LEVEL: u8 = 1;
/// How long a peer may take for its side of the end.
const LINGER: Duration = Duration::from_secs(2);
/// Contexts are kept unless the client wants otherwise, and every window is fine.
const DEFLATE: Config = Config {
    server_no_context_takeover: false,
    client_no_context_takeover: false,
    server_max_window_bits: 15,
    client_max_window_bits: 15,
};

fn main() {
    if let Err(error) = listen() {
        eprintln!("echo: {error}");
        process::exit(1);
    }
}

fn listen() -> io::Result<()> {
    let mut address = String::from("127.0.0.1:9001");
    let mut args = env::args().skip(1);
    while let Some(arg) = args.next() {
        match (arg.as_str(), args.next()) {
            ("--listen", Some(value)) => address = value,
            _ => return Err(io::Error::other("usage: echo [--listen HOST:PORT]")),
        }
    }
    let listener = TcpListener::bind(&address)?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        let stream = match stream {
            Ok(stream) => stream,
            Err(error) => {
                eprintln!("echo: accept: {error}");
                continue;
            }
        };
        thread::spawn(move || {
            if let Err(error) = serve(stream) {
                eprintln!("echo: connection: {error}");
            }
        });
    }
    Ok(())
}

/// One connection, from the request to the end.
fn serve(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buf = vec![0; READ_LEN];
    let Some((params, head_len, mut end)) = shake_hands(&mut stream, &mut buf)? else { return Ok(()) };
    buf.copy_within(head_len..end, 0);
    end -= head_len;

    let limit = MESSAGE_LEN_MAX as u64;
    let limits = Limits { frame_len_max: limit, message_len_max: limit };
    let mut assembler = Assembler::new(Role::Server, limits).with_rsv1(params.is_some());
    let mut echo = Echo::new(params.as_ref());
    loop {
        let mut start = 0;
        let mut open = true;
        while open {
            let event = match assembler.next(&mut buf[start..end]) {
                Ok(None) => break,
                Ok(Some((event, consumed))) => {
                    start += consumed;
                    echo.handle(event)
                }
                Err(error) => Err(Failure::Protocol(error)),
            };
            open = event.unwrap_or_else(|failure| echo.fail(failure));
        }
        stream.write_all(&echo.out)?;
        echo.out.clear();
        if !open {
            return end_connection(&mut stream, &mut buf);
        }
        buf.copy_within(start..end, 0);
        end -= start;
        let read_len = stream.read(&mut buf[end..])?;
        if read_len == 0 {
            return Ok(());
        }
        end += read_len;
    }
}

/// Reads the request and answers it. Returns the compression agreed on, the length of the request, and how much of `buf`
/// is filled; `None` where there is no WebSocket connection.
fn shake_hands(stream: &mut TcpStream, buf: &mut [u8]) -> io::Result<Option<(Option<Params>, usize, usize)>> {
    let mut end = 0;
    loop {
        let read_len = stream.read(&mut buf[end..])?;
        end += read_len;
        let mut out = Vec::new();
        let answered = answer(&buf[..end], &mut out);
        stream.write_all(&out)?;
        match answered {
            Answer::Accepted(params, head_len) => return Ok(Some((params, head_len, end))),
            Answer::Incomplete if read_len > 0 && end < HEAD_LEN_MAX => {}
            Answer::Incomplete | Answer::Refused => return Ok(None),
        }
    }
}

enum Answer {
    Accepted(Option<Params>, usize),
    Refused,
    Incomplete,
}

fn answer(head: &[u8], out: &mut Vec<u8>) -> Answer {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Request::new(&mut headers);
    let head_len = match parsed.parse(head) {
        Ok(httparse::Status::Complete(len)) => len,
        Ok(httparse::Status::Partial) => return Answer::Incomplete,
        Err(_) => return refuse(400, out),
    };
    let request = Request {
        method: parsed.method.unwrap_or_default(),
        version_minor: parsed.version.unwrap_or_default(),
        headers: parsed.headers.iter().map(|header| (header.name, header.value)),
    };
    let accepted = match request.accept() {
        Ok(accepted) => accepted,
        Err(error) => return refuse(error.status(), out),
    };
    let offers = handshake::joined(&request.headers, "Sec-WebSocket-Extensions");
    let params = offers.and_then(|offers| Params::negotiate(&offers, &DEFLATE));
    let mut value = Vec::new();
    if let Some(params) = &params {
        params.write_response(&mut value);
    }
    let value = String::from_utf8_lossy(&value);
    let extra = [("Sec-WebSocket-Extensions", &*value)];
    match accepted.write_response(if params.is_some() { &extra } else { &[] }, out) {
        Ok(()) => Answer::Accepted(params, head_len),
        Err(_) => refuse(500, out),
    }
}

fn refuse(status: u16, out: &mut Vec<u8>) -> Answer {
    // Without headers of our own there is none that could be invalid.
    let _ = handshake::write_refusal(status, &[("Connection", "close")], out);
    Answer::Refused
}

/// Waits for the peer's end, so that our last bytes are not lost to a reset.
fn end_connection(stream: &mut TcpStream, buf: &mut [u8]) -> io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    stream.set_read_timeout(Some(LINGER))?;
    let mut left = MESSAGE_LEN_MAX;
    while left > 0 {
        match stream.read(buf) {
            Ok(0) | Err(_) => break,
            Ok(len) => left = left.saturating_sub(len),
        }
    }
    Ok(())
}

/// Why a connection is closed by this side.
#[derive(Clone, Copy)]
enum Failure {
    Protocol(ProtocolError),
    Inflate(InflateError),
}

impl Failure {
    fn close_code(self) -> CloseCode {
        match self {
            Failure::Protocol(error) => error.close_code(),
            Failure::Inflate(error) => CloseCode(error.close_code()),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Protocol(error) => error.fmt(f),
            Failure::Inflate(error) => error.fmt(f),
        }
    }
}

/// What a connection keeps beside the assembler.
struct Echo {
    deflate: Option<(Compressor, Decompressor)>,
    /// The message so far, inflated.
    message: Vec<u8>,
    /// Of a compressed text; the assembler sees to the others.
    utf8: Utf8,
    /// What is to be sent.
    out: Vec<u8>,
}

impl Echo {
    fn new(params: Option<&Params>) -> Self {
        let deflate = params.map(|params| {
            let role = deflate::Role::Server;
            (Compressor::new(params, role, COMPRESSION_LEVEL), Decompressor::new(params, role))
        });
        Self { deflate, message: Vec::new(), utf8: Utf8::new(), out: Vec::new() }
    }

    /// Returns whether the connection stays open.
    fn handle(&mut self, event: Event<'_>) -> Result<bool, Failure> {
        match event {
            Event::Data(fragment) => self.data(&fragment)?,
            Event::Ping(payload) => {
                encode_frame(OpCode::Pong, payload, None, &mut self.out).map_err(Failure::Protocol)?;
            }
            Event::Pong(_) => {}
            Event::Close(code, reason) => {
                encode_close(code, reason, None, &mut self.out);
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn data(&mut self, fragment: &Fragment<'_>) -> Result<(), Failure> {
        if fragment.first {
            self.message.clear();
            self.utf8 = Utf8::new();
        }
        match &mut self.deflate {
            Some((_, decompressor)) if fragment.compressed => {
                let start = self.message.len();
                decompressor
                    .decompress(fragment.payload, fragment.last, MESSAGE_LEN_MAX, &mut self.message)
                    .map_err(Failure::Inflate)?;
                if fragment.text {
                    self.check_text(start, fragment.last)?;
                }
            }
            _ => self.message.extend_from_slice(fragment.payload),
        }
        if fragment.last {
            self.send(fragment.text, fragment.compressed);
        }
        Ok(())
    }

    fn check_text(&mut self, start: usize, last: bool) -> Result<(), Failure> {
        let mut verdict = self.utf8.push(&self.message[start..]);
        if last {
            verdict = verdict.and_then(|()| self.utf8.clone().finish());
        }
        verdict.map_err(|_| Failure::Protocol(ProtocolError::Text))
    }

    /// The message goes back as it came, in one frame.
    fn send(&mut self, text: bool, compressed: bool) {
        let mut deflated = Vec::new();
        let payload = match &mut self.deflate {
            Some((compressor, _)) if compressed => {
                compressor.compress(&self.message, &mut deflated);
                &deflated
            }
            _ => &self.message,
        };
        let header = FrameHeader {
            fin: true,
            rsv1: compressed,
            opcode: if text { OpCode::Text } else { OpCode::Binary },
            mask: None,
            payload_len: payload.len() as u64,
        };
        header.encode(&mut self.out);
        self.out.extend_from_slice(payload);
    }

    fn fail(&mut self, failure: Failure) -> bool {
        encode_close(Some(failure.close_code()), &failure.to_string(), None, &mut self.out);
        false
    }
}
