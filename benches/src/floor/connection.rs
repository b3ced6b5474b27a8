//! One connection of the floor.

use std::io::{ErrorKind, Read as _, Write as _};

use dunlin_websocket::{Assembler, Event, Limits, Role};
use mio::net::TcpStream;

use super::encoding::{self, Dialect, Encoder};

pub(super) struct Connection {
    stream: TcpStream,
    dialect: Dialect,
    /// Once the connection is upgraded.
    assembler: Option<Box<Assembler>>,
    plain: Vec<u8>,
    /// What the socket did not take: rare, because the generator keeps up.
    waiting: Vec<u8>,
}

pub(super) enum Read {
    Bytes(usize),
    Nothing,
    Gone,
}

/// What the ops of one read ask for.
#[derive(Default)]
pub(super) struct Answer {
    pub(super) pong: bool,
    pub(super) subscribes: bool,
    /// What subscribers are to get.
    pub(super) messages: Vec<u8>,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, websocket: bool) -> Connection {
        let dialect =
            if websocket { Dialect::WebSocket { compressed: false, browser: false } } else { Dialect::Tcp };
        Connection { stream, dialect, assembler: None, plain: Vec::new(), waiting: Vec::new() }
    }

    pub(super) fn dialect(&self) -> Dialect {
        self.dialect
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Read {
        match self.stream.read(buffer) {
            Ok(len) if len > 0 => Read::Bytes(len),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Read::Nothing,
            _ => Read::Gone,
        }
    }

    pub(super) fn write(&mut self, bytes: &[u8]) {
        if !self.waiting.is_empty() {
            self.waiting.extend_from_slice(bytes);
            let len = self.stream.write(&self.waiting).unwrap_or(0);
            self.waiting.drain(..len);
        } else if !bytes.is_empty() {
            let len = self.stream.write(bytes).unwrap_or(0);
            self.waiting.extend_from_slice(&bytes[len..]);
        }
    }

    /// The answer to an opening handshake, if that is what comes next. The generator sends it in one piece.
    pub(super) fn upgrade(&mut self, bytes: &[u8], encoder: &mut Encoder) -> anyhow::Result<Option<Vec<u8>>> {
        if self.assembler.is_some() || self.dialect == Dialect::Tcp {
            return Ok(None);
        }
        let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        let (compressed, browser) = (holds("permessage-deflate"), holds("Mozilla/"));
        self.dialect = Dialect::WebSocket { compressed, browser };
        let assembler = Assembler::new(Role::Server, Limits::UNLIMITED).with_rsv1(compressed);
        self.assembler = Some(Box::new(assembler));
        let mut answer = encoding::switching_protocols(compressed);
        answer.extend_from_slice(encoder.encode(encoding::INFO, self.dialect)?);
        Ok(Some(answer))
    }

    pub(super) fn take_ops(&mut self, bytes: &mut [u8]) -> anyhow::Result<Answer> {
        let Some(assembler) = &mut self.assembler else {
            self.plain.extend_from_slice(bytes);
            return Ok(self.scan());
        };
        let mut used = 0;
        while let Some((event, len)) = assembler.next(&mut bytes[used..])? {
            if let Event::Data(fragment) = event {
                self.plain.extend_from_slice(fragment.payload);
            }
            used += len;
        }
        Ok(self.scan())
    }

    /// Scans for whole ops: `PUB subject size` becomes `MSG subject 1 size`.
    fn scan(&mut self) -> Answer {
        let mut answer = Answer::default();
        let mut used = 0;
        loop {
            let rest = &self.plain[used..];
            let Some(end) = rest.iter().position(|&byte| byte == b'\n') else { break };
            let line = &rest[..=end];
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
            answer.subscribes |= line.starts_with(b"SUB ");
            answer.pong |= line.starts_with(b"PING");
            used += line.len();
        }
        self.plain.drain(..used);
        if self.plain.is_empty() && answer.messages.is_empty() {
            // An idle connection owns no buffer.
            self.plain = Vec::new();
        }
        answer
    }
}
