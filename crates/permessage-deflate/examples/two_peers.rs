//! A client and a server agree on parameters and exchange messages, without any socket.
//!
//! `cargo run --example two_peers`

use dunlin_permessage_deflate::{Compressor, Config, Decompressor, Params, Role};

const MESSAGE_LEN_MAX: usize = 1 << 20;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Both keep contexts; the client has little memory and asks for a window of 4 KiB.
    let wishes =
        Config { server_no_context_takeover: false, client_no_context_takeover: false, ..Config::default() };
    let client_wishes = Config { server_max_window_bits: 12, ..wishes };

    let mut offer = Vec::new();
    client_wishes.write_offer(&mut offer);
    let offer = String::from_utf8(offer)?;
    println!("> Sec-WebSocket-Extensions: {offer}");

    let at_server = Params::negotiate(&offer, &wishes).ok_or("declined")?;
    let mut answer = Vec::new();
    at_server.write_response(&mut answer);
    let answer = String::from_utf8(answer)?;
    println!("< Sec-WebSocket-Extensions: {answer}");
    let at_client = Params::from_response(&answer, &client_wishes)?;

    let mut compressor = Compressor::new(&at_server, Role::Server, 6);
    let mut decompressor = Decompressor::new(&at_client, Role::Client);
    let (mut payload, mut message) = (Vec::new(), Vec::new());
    for number in 0..3 {
        let text = format!(r#"{{"sensor":"hall-{number}","celsius":2{number}.5,"ok":true}}"#);
        payload.clear();
        compressor.compress(text.as_bytes(), &mut payload);
        message.clear();
        decompressor.decompress(&payload, true, MESSAGE_LEN_MAX, &mut message)?;
        assert_eq!(message, text.as_bytes());
        println!("< {} bytes for {text}", payload.len());
    }
    Ok(())
}
