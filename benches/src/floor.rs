//! What the kernel alone costs: a server without NATS.
//!
//! One thread reads a publisher's bytes and writes the bytes that the subscribers are to get, encoded once for each read,
//! to all of them: one read and one write per connection and turn. No parser, no matching, no limits. Whatever a real
//! server spends beyond this is its own.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;

use dunlin_websocket::handshake::accept_key;
use dunlin_websocket::{Assembler, Event, Limits, OpCode, Role, encode_frame};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

struct Conn {
    stream: TcpStream,
    websocket: bool,
    assembler: Option<Assembler>,
    plain: Vec<u8>,
    is_subscriber: bool,
    /// What the socket did not take: rare, because the generator keeps up.
    waiting: Vec<u8>,
}

const TCP: Token = Token(0);
const WEBSOCKET: Token = Token(1);
const INFO: &[u8] =
    b"INFO {\"server_id\":\"floor\",\"version\":\"0.0.0\",\"proto\":1,\"max_payload\":1048576} \r\n";

/// Serves until it is killed.
pub(crate) fn run(port: u16) -> anyhow::Result<()> {
    let mut poll = Poll::new()?;
    let mut listeners = Vec::new();
    for (token, port) in [(TCP, port), (WEBSOCKET, port + 1)] {
        let mut listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port)))?;
        poll.registry().register(&mut listener, token, Interest::READABLE)?;
        listeners.push(listener);
    }
    eprintln!("Server is ready");
    let mut conns: Vec<Option<Conn>> = Vec::new();
    let mut events = Events::with_capacity(1024);
    let mut buffer = vec![0; 64 << 10];
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            let token = event.token();
            if let Some(listener) = listeners.get(token.0) {
                accept_all(listener, token == WEBSOCKET, &mut conns, &poll)?;
            } else {
                let index = token.0 - 2;
                if event.is_writable() {
                    write(&mut conns[index], &[]);
                }
                while let Some(n) = read(&mut conns[index], &mut buffer) {
                    handle(&mut conns, index, &mut buffer[..n])?;
                }
            }
        }
    }
}

fn accept_all(
    listener: &TcpListener,
    websocket: bool,
    conns: &mut Vec<Option<Conn>>,
    poll: &Poll,
) -> anyhow::Result<()> {
    while let Ok((mut stream, _)) = listener.accept() {
        stream.set_nodelay(true)?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(&mut stream, Token(conns.len() + 2), interest)?;
        let (plain, waiting) = (Vec::new(), Vec::new());
        conns.push(Some(Conn { stream, websocket, assembler: None, plain, is_subscriber: false, waiting }));
        if !websocket {
            let last = conns.len() - 1;
            write(&mut conns[last], INFO);
        }
    }
    Ok(())
}

/// Reads once. A connection that has gone leaves its place empty.
fn read(place: &mut Option<Conn>, buffer: &mut [u8]) -> Option<usize> {
    match place.as_mut()?.stream.read(buffer) {
        Ok(n) if n > 0 => Some(n),
        Err(error) if error.kind() == ErrorKind::WouldBlock => None,
        _ => {
            *place = None;
            None
        }
    }
}

fn write(place: &mut Option<Conn>, bytes: &[u8]) {
    let Some(conn) = place else { return };
    if !conn.waiting.is_empty() {
        conn.waiting.extend_from_slice(bytes);
        let n = conn.stream.write(&conn.waiting).unwrap_or(0);
        conn.waiting.drain(..n);
    } else if !bytes.is_empty() {
        let n = conn.stream.write(bytes).unwrap_or(0);
        conn.waiting.extend_from_slice(&bytes[n..]);
    }
}

fn handle(conns: &mut [Option<Conn>], index: usize, bytes: &mut [u8]) -> anyhow::Result<()> {
    let Some(conn) = &mut conns[index] else { return Ok(()) };
    if conn.websocket && conn.assembler.is_none() {
        conn.assembler = Some(Assembler::new(Role::Server, Limits::UNLIMITED));
        let mut answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ".to_vec();
        answer.extend_from_slice(&accept_key(b"dGhlIHNhbXBsZSBub25jZQ=="));
        answer.extend_from_slice(b"\r\n\r\n");
        encode_frame(OpCode::Binary, INFO, None, &mut answer)?;
        write(&mut conns[index], &answer);
        return Ok(());
    }
    match &mut conn.assembler {
        None => conn.plain.extend_from_slice(bytes),
        Some(assembler) => {
            let mut used = 0;
            while let Some((event, len)) = assembler.next(&mut bytes[used..])? {
                if let Event::Data(fragment) = event {
                    conn.plain.extend_from_slice(fragment.payload);
                }
                used += len;
            }
        }
    }
    let out = answer_ops(conn);
    let websocket = conn.websocket;
    if out.pong {
        let mut pong = Vec::new();
        encode(b"PONG\r\n", websocket, &mut pong)?;
        write(&mut conns[index], &pong);
    }
    if !out.messages.is_empty() {
        let mut bytes = Vec::with_capacity(out.messages.len() + 10);
        encode(&out.messages, websocket, &mut bytes)?;
        for place in conns.iter_mut().filter(|place| place.as_ref().is_some_and(|conn| conn.is_subscriber)) {
            write(place, &bytes);
        }
    }
    Ok(())
}

fn encode(bytes: &[u8], websocket: bool, out: &mut Vec<u8>) -> anyhow::Result<()> {
    if websocket {
        encode_frame(OpCode::Binary, bytes, None, out)?;
    } else {
        out.extend_from_slice(bytes);
    }
    Ok(())
}

#[derive(Default)]
struct Answer {
    pong: bool,
    messages: Vec<u8>,
}

/// Scans for whole ops: `PUB subject size` becomes `MSG subject 1 size`.
fn answer_ops(conn: &mut Conn) -> Answer {
    let mut answer = Answer::default();
    let mut used = 0;
    loop {
        let rest = &conn.plain[used..];
        let Some(end) = rest.iter().position(|&byte| byte == b'\n') else { break };
        let line = &rest[..end + 1];
        if line.starts_with(b"PUB ") {
            let size = line.rsplit(|&byte| byte == b' ').next().unwrap_or_default().trim_ascii();
            let size = size.iter().fold(0, |sum, &digit| sum * 10 + usize::from(digit - b'0'));
            if rest.len() < line.len() + size + 2 {
                break;
            }
            let subject = line[4..].split(|&byte| byte == b' ').next().unwrap_or_default();
            answer.messages.extend_from_slice(b"MSG ");
            answer.messages.extend_from_slice(subject);
            answer.messages.extend_from_slice(b" 1 ");
            answer.messages.extend_from_slice(&rest[4 + subject.len() + 1..line.len() + size + 2]);
            used += line.len() + size + 2;
            continue;
        }
        conn.is_subscriber |= line.starts_with(b"SUB ");
        answer.pong |= line.starts_with(b"PING");
        used += line.len();
    }
    conn.plain.drain(..used);
    answer
}
