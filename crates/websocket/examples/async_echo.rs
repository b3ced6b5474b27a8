//! Both ends on tokio, with `Framed` and the codec: an echo server, and a client that talks to it.
//! `cargo run --example async_echo --features tokio-util`.

use std::io::{self, ErrorKind};

use bytes::BytesMut;
use dunlin_websocket::codec::{CodecError, Message, MessageCodec};
use dunlin_websocket::handshake::{self, Offer, Request, Response};
use dunlin_websocket::{CloseCode, Limits, MaskKey};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::codec::{Framed, FramedParts};

const LIMITS: Limits = Limits { frame_len_max: 1 << 20, message_len_max: 1 << 20 };
const HEAD_LEN_MAX: usize = 8 * 1024;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), CodecError> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = async {
        let (socket, _) = listener.accept().await?;
        serve(socket).await
    };
    let client = async { talk(TcpStream::connect(address).await?, &address.to_string()).await };
    tokio::try_join!(server, client)?;
    Ok(())
}

async fn serve(mut socket: TcpStream) -> Result<(), CodecError> {
    let (head, rest) = read_head(&mut socket).await?;
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Request::new(&mut headers);
    parsed.parse(&head).map_err(io::Error::other)?;
    let request = Request {
        method: parsed.method.unwrap_or_default(),
        version_minor: parsed.version.unwrap_or_default(),
        headers: parsed.headers.iter().map(|header| (header.name, header.value)),
    };
    let (mut out, accepted) = (Vec::new(), request.accept());
    match accepted {
        Ok(accepted) => accepted.write_response(&[], &mut out),
        Err(refused) => handshake::write_refusal(refused.status(), &[], &mut out),
    }
    .map_err(io::Error::other)?;
    socket.write_all(&out).await?;
    accepted.map_err(io::Error::other)?;

    let mut messages = framed(socket, MessageCodec::server(LIMITS), rest);
    while let Some(received) = messages.next().await {
        match received {
            Ok(Message::Ping(payload)) => messages.send(Message::Pong(payload)).await?,
            Ok(Message::Pong(_)) => {}
            Ok(message @ Message::Data(_)) => messages.send(message).await?,
            Ok(close @ Message::Close(..)) => {
                messages.send(close).await?;
                break;
            }
            Err(CodecError::Protocol(error)) => {
                messages.send(Message::Close(Some(error.close_code()), error.to_string())).await?;
                break;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

async fn talk(mut socket: TcpStream, host: &str) -> Result<(), CodecError> {
    let (mut out, mut nonce) = (Vec::new(), [0; 16]);
    getrandom::fill(&mut nonce).map_err(io::Error::other)?;
    let offer = Offer::default();
    let expected =
        handshake::write_request(host, "/", nonce, &offer, &[], &mut out).map_err(io::Error::other)?;
    socket.write_all(&out).await?;

    let (head, rest) = read_head(&mut socket).await?;
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Response::new(&mut headers);
    parsed.parse(&head).map_err(io::Error::other)?;
    let response = Response {
        status: parsed.code.unwrap_or_default(),
        headers: parsed.headers.iter().map(|header| (header.name, header.value)),
    };
    response.check(&expected, &offer).map_err(io::Error::other)?;

    let mut messages = framed(socket, MessageCodec::client(LIMITS, random_key), rest);
    for message in [Message::text("grüß dich"), Message::binary(vec![7; 100_000])] {
        messages.send(message.clone()).await?;
        let echo = messages.next().await.transpose()?;
        assert_eq!(echo.as_ref(), Some(&message));
        println!("the same came back");
    }
    messages.send(Message::Close(Some(CloseCode::NORMAL), "done".to_owned())).await?;
    println!("{:?}", messages.next().await.transpose()?);
    Ok(())
}

fn random_key() -> MaskKey {
    let mut key = [0; 4];
    getrandom::fill(&mut key).expect("the system has randomness");
    MaskKey(key)
}

/// Reads an HTTP head, and what came behind it.
async fn read_head(socket: &mut TcpStream) -> io::Result<(BytesMut, BytesMut)> {
    let mut buf = BytesMut::new();
    loop {
        if let Some(end) = buf.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let head = buf.split_to(end + 4);
            return Ok((head, buf));
        }
        if buf.len() > HEAD_LEN_MAX {
            return Err(ErrorKind::InvalidData.into());
        }
        if socket.read_buf(&mut buf).await? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
    }
}

fn framed<K: FnMut() -> MaskKey>(
    socket: TcpStream,
    codec: MessageCodec<K>,
    rest: BytesMut,
) -> Framed<TcpStream, MessageCodec<K>> {
    let mut parts = FramedParts::new::<Message>(socket, codec);
    parts.read_buf = rest;
    Framed::from_parts(parts)
}
