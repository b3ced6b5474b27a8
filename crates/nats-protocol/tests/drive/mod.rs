//! Feeds a stream to a parser in pieces, as a connection would, and compares what comes out.

use dunlin_nats_protocol::{ClientOp, Limits, ParseError, Parser, ServerOp, ServerParser};

/// The two parsers under one roof.
pub(crate) trait AnyParser {
    type Op<'b>: Copy;
    fn with_limits(limits: Limits) -> Self;
    fn step<'b>(&mut self, buf: &'b [u8]) -> Result<Option<(Self::Op<'b>, usize)>, ParseError>;
    fn announced(&self) -> Option<usize>;
    /// Panics unless `op` is what is expected as op `i`.
    fn compare(op: &Self::Op<'_>, expected: Option<&Self::Op<'_>>, i: usize);
}

impl AnyParser for Parser {
    type Op<'b> = ClientOp<'b>;

    fn with_limits(limits: Limits) -> Parser {
        Parser::new(limits)
    }

    fn step<'b>(&mut self, buf: &'b [u8]) -> Result<Option<(ClientOp<'b>, usize)>, ParseError> {
        self.next(buf)
    }

    fn announced(&self) -> Option<usize> {
        self.op_len()
    }

    fn compare(op: &ClientOp<'_>, expected: Option<&ClientOp<'_>>, i: usize) {
        assert_eq!(Some(op), expected, "op {i}");
    }
}

impl AnyParser for ServerParser {
    type Op<'b> = ServerOp<'b>;

    fn with_limits(limits: Limits) -> ServerParser {
        ServerParser::new(limits)
    }

    fn step<'b>(&mut self, buf: &'b [u8]) -> Result<Option<(ServerOp<'b>, usize)>, ParseError> {
        self.next(buf)
    }

    fn announced(&self) -> Option<usize> {
        self.op_len()
    }

    fn compare(op: &ServerOp<'_>, expected: Option<&ServerOp<'_>>, i: usize) {
        assert_eq!(Some(op), expected, "op {i}");
    }
}

/// Feeds `chunks` one after the other and panics unless exactly `ops` come out, then `end`.
pub(crate) fn feed<'c, P: AnyParser>(
    chunks: impl IntoIterator<Item = &'c [u8]>,
    limits: Limits,
    ops: &[P::Op<'_>],
    end: Option<ParseError>,
) {
    let mut parser = P::with_limits(limits);
    let mut buf = Vec::new();
    let mut seen = 0;
    let mut announced = None;
    for chunk in chunks {
        buf.extend_from_slice(chunk);
        loop {
            match parser.step(&buf) {
                Ok(Some((op, len))) => {
                    P::compare(&op, ops.get(seen), seen);
                    assert!(announced.is_none_or(|announced| announced == len), "op_len was wrong");
                    assert_eq!(parser.announced(), None, "op_len outlives its op");
                    assert!(len > 0 && len <= buf.len(), "{len} bytes consumed of {}", buf.len());
                    announced = None;
                    seen += 1;
                    buf.drain(..len);
                }
                Ok(None) => {
                    assert!(parser.announced().is_none_or(|len| len > buf.len()), "op is complete");
                    announced = parser.announced();
                    break;
                }
                Err(error) => {
                    assert_eq!((seen, Some(error)), (ops.len(), end), "ops before the error, error");
                    assert_eq!(parser.step(&buf).err(), Some(error), "the same bytes again");
                    return;
                }
            }
        }
    }
    assert_eq!((seen, None), (ops.len(), end), "ops, error");
}
