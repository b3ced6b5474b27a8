//! Decoding of masked binary frames at a server.
//!
//! A read brings as many whole frames as fit into 64 KiB. In the time of each engine is one copy of them into its read
//! buffer, as `read` does it; `copy only` is that copy alone, and `dunlin in place` does without.

use std::cell::Cell;
use std::hint::black_box;
use std::io::{self, ErrorKind, Read, Write};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::BytesMut;
use criterion::Throughput;
use dunlin_websocket::codec::{Message, MessageCodec};
use dunlin_websocket::{Assembler, Event, Limits, MaskKey, OpCode, Role, encode_frame};
use futures_core::Stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::codec::Decoder;

use crate::first_of;
use crate::group::{Bench, Group};

const READ_LEN: usize = 64 * 1024;
const LIMITS: Limits = Limits { frame_len_max: 64 << 20, message_len_max: 64 << 20 };

/// What one read brings.
struct Batch {
    wire: Rc<[u8]>,
    frames: usize,
    payload_len: usize,
    /// Of all bytes of all payloads.
    sum: u64,
}

impl Batch {
    fn new(payload_len: usize) -> Batch {
        let mut rng = fastrand::Rng::with_seed(payload_len as u64);
        let (mut wire, mut frames, mut sum) = (Vec::new(), 0, 0);
        let mut payload = vec![0; payload_len];
        loop {
            let len = wire.len();
            rng.fill(&mut payload);
            let key = MaskKey(rng.u32(1..).to_ne_bytes());
            encode_frame(OpCode::Binary, &payload, Some(key), &mut wire)
                .expect("a binary frame can have any length");
            if wire.len() > READ_LEN {
                wire.truncate(len);
                return Batch { wire: wire.into(), frames, payload_len, sum };
            }
            frames += 1;
            sum += byte_sum(&payload);
        }
    }
}

fn byte_sum(bytes: &[u8]) -> u64 {
    bytes.iter().map(|&byte| u64::from(byte)).sum()
}

/// One implementation: takes the batch once more and hands each payload, unmasked, to `sink`.
trait Engine {
    /// Payloads may come in pieces.
    const IN_PIECES: bool = false;
    /// The batch is not copied, so that each run masks what the one before has unmasked: the same work.
    const IN_PLACE: bool = false;

    fn decode(&mut self, batch: &Batch, sink: impl FnMut(&[u8]));
}

pub fn bench(bench: &mut Bench) {
    for payload_len in [16, 125, 1024, 16 * 1024] {
        let batch = Batch::new(payload_len);
        let mut group = bench.benchmark_group(format!("decode {payload_len} B"));
        group.throughput(Throughput::Bytes(payload_len as u64));
        run(&mut group, &batch, "dunlin", Dunlin::new());
        run(&mut group, &batch, "dunlin, reads of 8 KiB", DunlinSmallReads::new());
        run(&mut group, &batch, "dunlin, in place", DunlinInPlace::new(&batch));
        run(&mut group, &batch, "dunlin, tokio-util codec", DunlinCodec::new());
        run(&mut group, &batch, "tokio-websockets", TokioWebsockets::new(&batch));
        run(&mut group, &batch, "sockudo-ws", Sockudo::new());
        run(&mut group, &batch, "yawc", Yawc::new());
        run(&mut group, &batch, "fastwebsockets", Fastwebsockets::new(&batch));
        run(&mut group, &batch, "tungstenite", Tungstenite::new(&batch));
        let mut buf = vec![0; READ_LEN];
        group.bench_function("copy only", |bencher| {
            bencher.per_item(batch.frames, || {
                buf[..batch.wire.len()].copy_from_slice(black_box(&batch.wire));
                black_box(&mut buf);
            });
        });
        group.finish();
    }
}

fn run<E: Engine>(group: &mut Group<'_>, batch: &Batch, name: &str, mut engine: E) {
    let mut checked = false;
    group.bench_function(name, |bencher| {
        if !checked {
            check(batch, name, &mut engine);
            checked = true;
        }
        bencher.per_item(batch.frames, || {
            let (mut len, mut first) = (0, 0);
            engine.decode(batch, |payload| {
                len += payload.len();
                first ^= first_of(payload);
            });
            black_box(first);
            assert_eq!(len, batch.frames * batch.payload_len, "{name}");
        });
    });
}

fn check<E: Engine>(batch: &Batch, name: &str, engine: &mut E) {
    for _ in 0..3 {
        let (mut sum, mut frames, mut len) = (0, 0, 0);
        engine.decode(batch, |payload| {
            assert!(E::IN_PIECES || payload.len() == batch.payload_len, "{name}");
            sum += byte_sum(payload);
            len += payload.len();
            frames += 1;
        });
        assert_eq!((sum, len), (batch.sum, batch.frames * batch.payload_len), "{name}");
        assert!(E::IN_PIECES || frames == batch.frames, "{name}");
        if E::IN_PLACE {
            engine.decode(batch, |_| {});
        }
    }
}

/// Messages out of a read buffer that is the caller's.
struct Dunlin {
    assembler: Assembler,
    buf: Vec<u8>,
}

impl Dunlin {
    fn new() -> Dunlin {
        Dunlin { assembler: Assembler::new(Role::Server, LIMITS), buf: vec![0; READ_LEN] }
    }

    /// Takes what is in the first `len` bytes of the buffer, and gives how much that was.
    #[inline]
    fn decode_buf(&mut self, len: usize, sink: &mut impl FnMut(&[u8])) -> usize {
        let mut at = 0;
        while let Some((event, consumed)) = self.assembler.next(&mut self.buf[at..len]).expect("valid frames")
        {
            if let Event::Data(fragment) = event {
                sink(fragment.payload);
            }
            at += consumed;
        }
        at
    }
}

impl Engine for Dunlin {
    fn decode(&mut self, batch: &Batch, mut sink: impl FnMut(&[u8])) {
        let len = batch.wire.len();
        self.buf[..len].copy_from_slice(&batch.wire);
        self.decode_buf(len, &mut sink);
    }
}

/// The batch in reads as long as those of `tokio-websockets` and `fastwebsockets`: they stay in the first-level cache.
struct DunlinSmallReads(Dunlin);

impl DunlinSmallReads {
    fn new() -> DunlinSmallReads {
        let mut dunlin = Dunlin::new();
        dunlin.buf.truncate(8 * 1024);
        DunlinSmallReads(dunlin)
    }
}

impl Engine for DunlinSmallReads {
    const IN_PIECES: bool = true;

    fn decode(&mut self, batch: &Batch, mut sink: impl FnMut(&[u8])) {
        let (mut rest, mut kept) = (&*batch.wire, 0);
        while !rest.is_empty() {
            let buf = &mut self.0.buf;
            let (read, after) = rest.split_at(rest.len().min(buf.len() - kept));
            buf[kept..kept + read.len()].copy_from_slice(read);
            let len = kept + read.len();
            let done = self.0.decode_buf(len, &mut sink);
            self.0.buf.copy_within(done..len, 0);
            (rest, kept) = (after, len - done);
        }
    }
}

/// Without the copy.
struct DunlinInPlace(Dunlin);

impl DunlinInPlace {
    fn new(batch: &Batch) -> DunlinInPlace {
        let mut dunlin = Dunlin::new();
        dunlin.buf[..batch.wire.len()].copy_from_slice(&batch.wire);
        DunlinInPlace(dunlin)
    }
}

impl Engine for DunlinInPlace {
    const IN_PLACE: bool = true;

    fn decode(&mut self, batch: &Batch, mut sink: impl FnMut(&[u8])) {
        self.0.decode_buf(batch.wire.len(), &mut sink);
    }
}

/// `MessageCodec` over a `BytesMut`: whole messages that own their bytes, as those of the rivals do.
struct DunlinCodec {
    codec: MessageCodec,
    buf: BytesMut,
}

impl DunlinCodec {
    fn new() -> DunlinCodec {
        DunlinCodec { codec: MessageCodec::server(LIMITS), buf: BytesMut::with_capacity(READ_LEN) }
    }
}

impl Engine for DunlinCodec {
    fn decode(&mut self, batch: &Batch, mut sink: impl FnMut(&[u8])) {
        self.buf.extend_from_slice(&batch.wire);
        while let Some(message) = self.codec.decode(&mut self.buf).expect("valid frames") {
            if let Message::Data(data) = message {
                sink(&data.payload);
            }
        }
    }
}

/// `FrameParser` over a `BytesMut`: frames, not messages.
struct Sockudo {
    parser: sockudo_ws::frame::FrameParser,
    buf: BytesMut,
}

impl Sockudo {
    fn new() -> Sockudo {
        let parser = sockudo_ws::frame::FrameParser::new(64 << 20, true);
        Sockudo { parser, buf: BytesMut::with_capacity(READ_LEN) }
    }
}

impl Engine for Sockudo {
    fn decode(&mut self, batch: &Batch, mut sink: impl FnMut(&[u8])) {
        self.buf.extend_from_slice(&batch.wire);
        while let Some(frame) = self.parser.parse(&mut self.buf).expect("valid frames") {
            sink(&frame.payload);
        }
    }
}

/// `codec::Decoder` over a `BytesMut`: frames, not messages.
struct Yawc {
    decoder: yawc::codec::Decoder,
    buf: BytesMut,
}

impl Yawc {
    fn new() -> Yawc {
        let decoder = yawc::codec::Decoder::new(yawc::Role::Server, 64 << 20);
        Yawc { decoder, buf: BytesMut::with_capacity(READ_LEN) }
    }
}

impl Engine for Yawc {
    fn decode(&mut self, batch: &Batch, mut sink: impl FnMut(&[u8])) {
        self.buf.extend_from_slice(&batch.wire);
        while let Some(frame) = self.decoder.decode(&mut self.buf).expect("valid frames") {
            sink(frame.payload());
        }
    }
}

/// A socket that has the batch to give once `at` is set to 0.
struct Socket {
    wire: Rc<[u8]>,
    at: Rc<Cell<usize>>,
}

impl Socket {
    /// The socket, and how to fill it again. It is empty at first.
    fn new(batch: &Batch) -> (Socket, Rc<Cell<usize>>) {
        let at = Rc::new(Cell::new(batch.wire.len()));
        (Socket { wire: batch.wire.clone(), at: at.clone() }, at)
    }

    fn receive(&self, len_max: usize) -> &[u8] {
        let rest = &self.wire[self.at.get()..];
        let taken = &rest[..rest.len().min(len_max)];
        self.at.set(self.at.get() + taken.len());
        taken
    }
}

impl Read for Socket {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let taken = self.receive(buf.len());
        if taken.is_empty() {
            return Err(ErrorKind::WouldBlock.into());
        }
        buf[..taken.len()].copy_from_slice(taken);
        Ok(taken.len())
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let taken = self.receive(buf.remaining());
        if taken.is_empty() {
            return Poll::Pending;
        }
        buf.put_slice(taken);
        Poll::Ready(Ok(()))
    }
}

impl Write for Socket {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The stream of messages, as its codec is private; polled by hand. Its read buffer is tokio-util's of 8 KiB.
struct TokioWebsockets {
    stream: tokio_websockets::WebSocketStream<Socket>,
    at: Rc<Cell<usize>>,
}

impl TokioWebsockets {
    fn new(batch: &Batch) -> TokioWebsockets {
        let (socket, at) = Socket::new(batch);
        TokioWebsockets { stream: tokio_websockets::ServerBuilder::new().serve(socket), at }
    }
}

impl Engine for TokioWebsockets {
    fn decode(&mut self, _: &Batch, mut sink: impl FnMut(&[u8])) {
        self.at.set(0);
        let mut context = Context::from_waker(Waker::noop());
        while let Poll::Ready(message) = Pin::new(&mut self.stream).poll_next(&mut context) {
            let message = message.expect("no end").expect("valid frames");
            sink(message.as_payload());
        }
    }
}

/// `WebSocket::read_frame`, polled by hand: frames, not messages. Its read buffer is 8 KiB, and grows.
struct Fastwebsockets {
    websocket: fastwebsockets::WebSocket<Socket>,
    at: Rc<Cell<usize>>,
}

impl Fastwebsockets {
    fn new(batch: &Batch) -> Fastwebsockets {
        let (socket, at) = Socket::new(batch);
        let websocket = fastwebsockets::WebSocket::after_handshake(socket, fastwebsockets::Role::Server);
        Fastwebsockets { websocket, at }
    }
}

impl Engine for Fastwebsockets {
    fn decode(&mut self, _: &Batch, mut sink: impl FnMut(&[u8])) {
        self.at.set(0);
        let mut context = Context::from_waker(Waker::noop());
        while let Poll::Ready(frame) = pin!(self.websocket.read_frame()).poll(&mut context) {
            sink(&frame.expect("valid frames").payload);
        }
    }
}

/// `WebSocket::read` with a read buffer of 64 KiB; its own codec leaves the payload masked.
struct Tungstenite {
    websocket: tungstenite::WebSocket<Socket>,
    at: Rc<Cell<usize>>,
}

impl Tungstenite {
    fn new(batch: &Batch) -> Tungstenite {
        let (socket, at) = Socket::new(batch);
        let config = tungstenite::protocol::WebSocketConfig::default().read_buffer_size(READ_LEN);
        let role = tungstenite::protocol::Role::Server;
        Tungstenite { websocket: tungstenite::WebSocket::from_raw_socket(socket, role, Some(config)), at }
    }
}

impl Engine for Tungstenite {
    fn decode(&mut self, batch: &Batch, mut sink: impl FnMut(&[u8])) {
        self.at.set(0);
        for _ in 0..batch.frames {
            sink(&self.websocket.read().expect("valid frames").into_data());
        }
        // As the others do at the end of a read.
        match self.websocket.read() {
            Err(tungstenite::Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => {}
            other => panic!("{other:?} after the last frame"),
        }
    }
}
