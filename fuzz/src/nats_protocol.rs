//! The NATS client protocol: parsers against the naive oracle of the crate's own tests, encoders against parsers.

use dunlin_nats_protocol::{
    ClientOp, HeaderBlock, HeaderWriter, Limits, Message, Parser, Publish, ServerOp, ServerParser, Subscribe,
    Unsubscribe,
};

#[path = "../../crates/nats-protocol/tests/drive/mod.rs"]
mod drive;
#[path = "../../crates/nats-protocol/tests/naive/mod.rs"]
mod naive;

/// Runs one input: byte 0 says what is done, byte 1 how the stream is cut up, byte 2 the limits; the rest is the stream,
/// the header block, or a script of ops.
pub fn run(data: &[u8]) {
    let &[mode, cut, limit, ref rest @ ..] = data else { return };
    let limits = match limit {
        0 => Limits::default(),
        _ => {
            Limits { control_line_max: usize::from(limit % 16) * 8, payload_max: usize::from(limit / 16) * 8 }
        }
    };
    match mode % 4 {
        0 => client_stream(rest, cut, limits),
        1 => server_stream(rest, cut, limits),
        2 => script(rest, cut),
        _ => header_block(rest),
    }
}

fn client_stream(input: &[u8], cut: u8, limits: Limits) {
    let (ops, end) = naive::client_ops(input, limits);
    drive::feed::<Parser>([input], limits, &ops, end);
    drive::feed::<Parser>(pieces(input, cut), limits, &ops, end);
}

fn server_stream(input: &[u8], cut: u8, limits: Limits) {
    let (ops, end) = naive::server_ops(input, limits);
    drive::feed::<ServerParser>([input], limits, &ops, end);
    drive::feed::<ServerParser>(pieces(input, cut), limits, &ops, end);
}

/// Pieces of changing length: 1 to 16 bytes, or up to 128 with the high bit of `cut`.
fn pieces(mut input: &[u8], cut: u8) -> Vec<&[u8]> {
    let mut state = u32::from(cut) + 1;
    let step = if cut < 128 { 1 } else { 8 };
    let mut pieces = Vec::new();
    while !input.is_empty() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let len = ((state >> 28) as usize + 1) * step;
        let (piece, rest) = input.split_at(len.min(input.len()));
        pieces.push(piece);
        input = rest;
    }
    pieces
}

/// Reads ops out of the bytes, encodes them, and expects the same ops from the parsers.
fn script(mut input: &[u8], cut: u8) {
    let (mut client_ops, mut server_ops) = (Vec::new(), Vec::new());
    while let Some((client, server)) = read_ops(&mut input) {
        client_ops.extend(client);
        server_ops.extend(server);
    }
    let (mut client, mut server) = (Vec::new(), Vec::new());
    client_ops.iter().for_each(|op: &ClientOp<'_>| op.encode(&mut client));
    server_ops.iter().for_each(|op: &ServerOp<'_>| op.encode(&mut server));
    let limits = Limits::default();
    drive::feed::<Parser>(pieces(&client, cut), limits, &client_ops, None);
    drive::feed::<ServerParser>(pieces(&server, cut), limits, &server_ops, None);
}

type Pair<'b> = (Option<ClientOp<'b>>, Option<ServerOp<'b>>);

/// A byte of kind, then the fields, each a byte of length and its bytes; a field that cannot be sent drops the op.
fn read_ops<'b>(input: &mut &'b [u8]) -> Option<Pair<'b>> {
    let (&kind, rest) = input.split_first()?;
    *input = rest;
    let (a, b, c, payload) = (field(input), field(input), field(input), field(input));
    let with_headers = kind & 0x80 != 0;
    let header_len = if with_headers { c.len().min(payload.len()) } else { 0 };
    let reply = Some(c).filter(|_| kind & 0x40 != 0);
    let sendable = is_token(a) && is_token(b) && reply.is_none_or(is_token);
    let text = if payload.iter().all(|byte| byte.is_ascii_alphanumeric()) { payload } else { b"{}" };
    Some(match kind & 0xf {
        0 => (Some(ClientOp::Connect(text)), Some(ServerOp::Info(text))),
        1 => (Some(ClientOp::Ping), Some(ServerOp::Ping)),
        2 => (Some(ClientOp::Pong), Some(ServerOp::Pong)),
        3 => (Some(ClientOp::Ok), Some(ServerOp::Ok)),
        4 => (Some(ClientOp::Err(text)), Some(ServerOp::Err(text))),
        5 => (Some(ClientOp::Info(text)), None),
        _ if !sendable => (None, None),
        6 | 7 => (Some(ClientOp::Subscribe(Subscribe { subject: a, queue: reply, sid: b })), None),
        8 => {
            let max = reply.map(|bytes| bytes.iter().fold(0u64, |max, &byte| max << 7 ^ u64::from(byte)));
            (Some(ClientOp::Unsubscribe(Unsubscribe { sid: a, max })), None)
        }
        _ => (
            Some(ClientOp::Publish(Publish { subject: a, reply, header_len, with_headers, payload })),
            Some(ServerOp::Msg(Message { subject: a, sid: b, reply, header_len, with_headers, payload })),
        ),
    })
}

fn field<'b>(input: &mut &'b [u8]) -> &'b [u8] {
    let Some((&len, rest)) = input.split_first() else { return &[] };
    let (field, rest) = rest.split_at(usize::from(len).min(rest.len()));
    *input = rest;
    field
}

fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && !bytes.iter().any(|byte| b" \t\r\n".contains(byte))
}

/// What can be read can be written, and then reads the same; and no part of it can be read.
fn header_block(input: &[u8]) {
    let Ok(block) = HeaderBlock::parse(input) else { return };
    for end in 0..input.len() {
        assert!(HeaderBlock::parse(&input[..end]).is_err(), "a block cut off at {end}");
    }
    let mut out = Vec::new();
    let writer = match block.status() {
        Some(status) => HeaderWriter::with_status(&mut out, status),
        None => Ok(HeaderWriter::new(&mut out)),
    };
    let mut writer = writer.expect("a status that was read");
    // The reader takes any key, the writer only those that every client takes.
    let written: Vec<_> = block.iter().filter(|(key, value)| writer.push(key, value).is_ok()).collect();
    let len = writer.finish();
    assert_eq!(len, out.len());
    let again = HeaderBlock::parse(&out).expect("a block that was written");
    assert_eq!(again.status(), block.status());
    assert_eq!(again.iter().collect::<Vec<_>>(), written);
}
