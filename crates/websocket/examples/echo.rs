//! A blocking echo server, a thread a connection: `cargo run --example echo -- 127.0.0.1:9001`.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};

use dunlin_websocket::handshake::{self, Request};
use dunlin_websocket::{
    Assembler, Event, Fragment, FrameHeader, Limits, OpCode, Role, encode_close, encode_frame,
};

const HEAD_LEN_MAX: usize = 8 * 1024;
const READ_LEN: usize = 64 * 1024;

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let listener = TcpListener::bind(address)?;
    println!("ws://{}", listener.local_addr()?);
    for socket in listener.incoming() {
        let socket = socket?;
        std::thread::spawn(move || {
            if let Err(error) = serve(socket) {
                eprintln!("{error}");
            }
        });
    }
    Ok(())
}

fn serve(mut socket: TcpStream) -> io::Result<()> {
    let mut buf = Vec::new();
    if !open(&mut socket, &mut buf)? {
        return Ok(());
    }
    // Fragments go back as they come, in frames of their own, so that no message is ever held: no limit is needed.
    let mut assembler = Assembler::new(Role::Server, Limits::UNLIMITED);
    let mut out = Vec::new();
    let mut open = true;
    while open {
        let mut at = 0;
        open = loop {
            match assembler.next(&mut buf[at..]) {
                Ok(None) => break !assembler.is_closed(),
                Ok(Some((event, consumed))) => {
                    answer(event, &mut out);
                    at += consumed;
                }
                Err(error) => {
                    encode_close(Some(error.close_code()), &error.to_string(), None, &mut out);
                    break false;
                }
            }
        };
        buf.drain(..at);
        socket.write_all(&out)?;
        out.clear();
        open = open && read(&mut socket, &mut buf)?;
    }
    Ok(())
}

fn answer(event: Event<'_>, out: &mut Vec<u8>) {
    match event {
        Event::Data(Fragment { payload, text, first, last, .. }) => {
            let opcode = match (first, text) {
                (false, _) => OpCode::Continuation,
                (true, true) => OpCode::Text,
                (true, false) => OpCode::Binary,
            };
            let payload_len = payload.len() as u64;
            FrameHeader { fin: last, rsv1: false, opcode, mask: None, payload_len }.encode(out);
            out.extend_from_slice(payload);
        }
        // A ping has at most 125 bytes, so its pong can be encoded.
        Event::Ping(payload) => encode_frame(OpCode::Pong, payload, None, out).unwrap_or_default(),
        Event::Pong(_) => {}
        Event::Close(code, reason) => encode_close(code, reason, None, out),
    }
}

/// The opening handshake. What has been read beyond it stays in `buf`.
fn open(socket: &mut TcpStream, buf: &mut Vec<u8>) -> io::Result<bool> {
    loop {
        let mut out = Vec::new();
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut parsed = httparse::Request::new(&mut headers);
        let (head_len, opened) = match parsed.parse(buf) {
            Ok(httparse::Status::Partial) if buf.len() <= HEAD_LEN_MAX => {
                if !read(socket, buf)? {
                    return Ok(false);
                }
                continue;
            }
            Ok(httparse::Status::Complete(head_len)) => {
                let request = Request {
                    method: parsed.method.unwrap_or_default(),
                    version_minor: parsed.version.unwrap_or_default(),
                    headers: parsed.headers.iter().map(|header| (header.name, header.value)),
                };
                let written = match request.accept() {
                    Ok(accepted) => accepted.write_response(&[], &mut out).map(|()| true),
                    Err(refused) => handshake::write_refusal(refused.status(), &[], &mut out).map(|()| false),
                };
                (head_len, written.map_err(io::Error::other)?)
            }
            _ => return Err(ErrorKind::InvalidData.into()),
        };
        buf.drain(..head_len);
        socket.write_all(&out)?;
        return Ok(opened);
    }
}

/// Reads more behind what is in `buf`. False at the end of the stream.
fn read(socket: &mut TcpStream, buf: &mut Vec<u8>) -> io::Result<bool> {
    let len = buf.len();
    buf.resize(len + READ_LEN, 0);
    let read = socket.read(&mut buf[len..]);
    buf.truncate(len + read.as_ref().copied().unwrap_or(0));
    Ok(read? > 0)
}
