//! The NATS client protocol.
//!
//! The first byte chooses where the rest, a stream of ops, is cut. However it is cut, the parsers of both directions find
//! the same ops and the same error; and what is written from an op reads as that op.

use dunlin_nats_protocol::{ClientOp, Limits, ParseError, Parser, ServerOp, ServerParser};

const LIMITS: Limits = Limits { control_line_max: 256, payload_max: 1024 };

/// Runs one input.
pub fn run(data: &[u8]) {
    let Some((&cut, stream)) = data.split_first() else { return };
    let sizes = [1, usize::from(cut % 32) + 1];
    let whole = client_ops(stream, stream.len());
    let served = server_ops(stream, stream.len());
    for size in sizes {
        assert_eq!(client_ops(stream, size), whole, "client ops in pieces of {size}");
        assert_eq!(server_ops(stream, size), served, "server ops in pieces of {size}");
    }
}

type Seen = (Vec<String>, Option<ParseError>);

fn client_ops(stream: &[u8], piece: usize) -> Seen {
    let mut parser = Parser::new(LIMITS);
    in_pieces(stream, piece, |buffer, seen| {
        let Some((op, len)) = parser.next(buffer)? else { return Ok(None) };
        seen.push(format!("{op:?}"));
        if matches!(op, ClientOp::Publish(_) | ClientOp::Subscribe(_) | ClientOp::Unsubscribe(_)) {
            let mut written = Vec::new();
            op.encode(&mut written);
            let again = Parser::new(Limits::default()).next(&written);
            assert_eq!(again, Ok(Some((op, written.len()))), "{}", written.escape_ascii());
        }
        Ok(Some(len))
    })
}

fn server_ops(stream: &[u8], piece: usize) -> Seen {
    let mut parser = ServerParser::new(LIMITS);
    in_pieces(stream, piece, |buffer, seen| {
        let Some((op, len)) = parser.next(buffer)? else { return Ok(None) };
        seen.push(format!("{op:?}"));
        if matches!(op, ServerOp::Msg(_)) {
            let mut written = Vec::new();
            op.encode(&mut written);
            let again = ServerParser::new(Limits::default()).next(&written);
            assert_eq!(again, Ok(Some((op, written.len()))), "{}", written.escape_ascii());
        }
        Ok(Some(len))
    })
}

/// Hands the stream over piece by piece, as a connection would: what is left of an op stays in the buffer.
fn in_pieces(
    stream: &[u8],
    piece: usize,
    mut next: impl FnMut(&[u8], &mut Vec<String>) -> Result<Option<usize>, ParseError>,
) -> Seen {
    let (mut seen, mut buffer) = (Vec::new(), Vec::new());
    for piece in stream.chunks(piece.max(1)) {
        buffer.extend_from_slice(piece);
        loop {
            match next(&buffer, &mut seen) {
                Ok(Some(len)) => drop(buffer.drain(..len)),
                Ok(None) => break,
                Err(error) => return (seen, Some(error)),
            }
        }
    }
    (seen, None)
}
