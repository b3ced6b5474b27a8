//! Reads what a client sends from standard input and prints each op, with the `-ERR` that a server would answer.
//!
//! ```sh
//! printf 'SUB foo.* 1\r\nPUB foo.bar 5\r\nhello\r\nPUB oops\r\n' | cargo run --example transcript
//! ```

use std::io::{self, Read};

use dunlin_nats_protocol::{ClientOp, Limits, Parser, encode_err};

fn main() -> io::Result<()> {
    let mut parser = Parser::new(Limits::default());
    let mut buf = Vec::new();
    let mut stdin = io::stdin().lock();
    loop {
        let mut done = 0;
        loop {
            match parser.next(&buf[done..]) {
                Ok(Some((op, len))) => {
                    print(&op);
                    done += len;
                }
                Ok(None) => break,
                Err(error) => {
                    let mut out = Vec::new();
                    encode_err(error.wire_text(), &mut out);
                    print!("{}", String::from_utf8_lossy(&out));
                    return Ok(());
                }
            }
        }
        buf.drain(..done);
        // Once the size of an op is known, no more than its missing bytes need room; until then a little does.
        let missing = parser.op_len().map_or(512, |len| len - buf.len());
        let len = buf.len();
        buf.resize(len + missing, 0);
        let read = stdin.read(&mut buf[len..])?;
        buf.truncate(len + read);
        if read == 0 {
            return Ok(());
        }
    }
}

fn print(op: &ClientOp<'_>) {
    let text = String::from_utf8_lossy;
    match op {
        ClientOp::Publish(publish) => {
            let (headers, payload) = publish.payload.split_at(publish.header_len);
            println!("publish to {}: {:?} {:?}", text(publish.subject), text(headers), text(payload));
        }
        ClientOp::Subscribe(subscribe) => {
            println!("subscribe to {} as {}", text(subscribe.subject), text(subscribe.sid));
        }
        other => println!("{other:?}"),
    }
}
