//! permessage-deflate (RFC 7692) as a client sees it. The raw client inflates with `miniz_oxide`, and another, Python's
//! `websockets`, uses zlib.

use std::ffi::OsStr;

use dunlin_tests::{Deadline, End, HANDSHAKE_KEY, Kind, Link, RawTcp, RawWs, Script, ServerProcess, frame};
use dunlin_tests::{handshake, workspace_root};
use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec;

use crate::support::installed;

const OFFER: &str = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
const MAX_PAYLOAD: usize = 1 << 20;

fn dunlin(compression: &str) -> Option<ServerProcess> {
    let conf = format!(
        "websocket {{ listen: \"127.0.0.1:{{ws_port}}\", no_tls: true, compression {compression} }}\n"
    );
    (Kind::under_test() == Kind::Dunlin).then(|| ServerProcess::start(Kind::Dunlin, &conf, &[]))
}

fn subscribe(server: &ServerProcess, headers: &str, subject: &str, sid: &str) -> RawWs {
    let mut ws = RawWs::connect(server.addresses().websocket, &format!("{OFFER}{headers}"));
    ws.send(format!("CONNECT {{\"verbose\":false}}\r\nSUB {subject} {sid}\r\nPING\r\n").as_bytes());
    read_until(&mut ws, b"PONG\r\n");
    ws
}

/// The bytes of NATS that arrive, inflated, until `end` is among them; and the first bytes and lengths of the frames.
fn read_until(ws: &mut RawWs, end: &[u8]) -> (Vec<u8>, Vec<(u8, usize)>) {
    let (mut all, mut message, mut frames) = (Vec::new(), Vec::new(), Vec::new());
    let mut deflated = false;
    while !all.windows(end.len()).any(|window| window == end) {
        let frame = ws.read_frame(Deadline::usual()).expect("the server goes on");
        frames.push((frame.first, frame.payload.len()));
        assert!(!frame.masked);
        if frame.first & 0x0f != 0 {
            deflated = frame.first & 0x40 != 0;
        }
        message.extend(frame.payload);
        if frame.first & 0x80 != 0 {
            let bytes = core::mem::take(&mut message);
            all.extend(if deflated { inflate(bytes) } else { bytes });
        }
    }
    (all, frames)
}

/// The tail that the sender took off, and an empty last block.
fn inflate(mut message: Vec<u8>) -> Vec<u8> {
    message.extend([0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff]);
    decompress_to_vec(&message).expect("a message that inflates")
}

/// As much of a client as there has to be: one block that says it is the last (RFC 7692 §7.2.3.4).
fn deflate(message: &[u8]) -> Vec<u8> {
    let mut deflated = compress_to_vec(message, 6);
    deflated.push(0);
    deflated
}

fn publish(server: &ServerProcess, ops: &str) {
    let mut publisher = Link::Tcp(RawTcp::connect(server.addresses().nats));
    publisher.send(format!("CONNECT {{\"verbose\":false}}\r\n{ops}PING\r\n").as_bytes());
    publisher.expect(b"PONG\r\n");
}

#[test]
fn the_answer_is_that_of_nats_server() {
    let Some(server) = dunlin(": true") else { return };
    for (offer, answer) in [
        (
            "permessage-deflate",
            Some("permessage-deflate; server_no_context_takeover; client_no_context_takeover"),
        ),
        (
            "x-webkit-deflate-frame, permessage-deflate; client_max_window_bits",
            Some("permessage-deflate; server_no_context_takeover; client_no_context_takeover"),
        ),
        ("permessage-deflate; unheard_of", None),
        ("x-other", None),
    ] {
        let mut tcp = RawTcp::connect(server.addresses().websocket);
        tcp.send(handshake("/", &format!("Sec-WebSocket-Extensions: {offer}\r\n")).as_bytes());
        let (head, end) = tcp.read_until(b"\r\n\r\n", Deadline::usual());
        assert_eq!(end, End::Found);
        let head = String::from_utf8_lossy(&head).into_owned();
        assert!(head.starts_with("HTTP/1.1 101 "), "{HANDSHAKE_KEY}: {head}");
        let line = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Extensions: "));
        assert_eq!(line, answer, "{offer}");
    }
}

#[test]
fn what_is_longer_than_the_threshold_is_compressed() {
    let Some(server) = dunlin(": true") else { return };
    let mut ws = subscribe(&server, "", "t", "1");
    // `MSG t 1 NN`, twice CRLF.
    let around = "MSG t 1 48\r\n\r\n".len();
    for (len, first) in [(64 - around, 0x82), (65 - around, 0xc2)] {
        publish(&server, &format!("PUB t {len}\r\n{}\r\n", "x".repeat(len)));
        let (bytes, frames) = read_until(&mut ws, b"x\r\n");
        assert_eq!(bytes.len(), len + around);
        assert_eq!(frames.iter().map(|frame| frame.0).collect::<Vec<_>>(), [first]);
    }
}

/// Random enough to stay larger than a frame to a browser.
pub(crate) fn noise(len: usize) -> String {
    let mut state = 1_u64;
    let next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'!' + (state >> 33) as u8 % 90)
    };
    core::iter::repeat_with(next).take(len).collect()
}

#[test]
fn browsers_get_short_frames_and_safari_gets_one() {
    let Some(server) = dunlin(": true") else { return };
    let agents = [
        ("", true),
        ("User-Agent: Mozilla/5.0 (X11) Chrome/140\r\n", false),
        ("User-Agent: Mozilla/5.0 (Macintosh) Version/18.0 Safari/605.1.15\r\n", true),
    ];
    let text = noise(20_000);
    for (agent, whole) in agents {
        let mut ws = subscribe(&server, agent, "t", "1");
        publish(&server, &format!("PUB t {}\r\n{text}\r\n", text.len()));
        let (bytes, frames) = read_until(&mut ws, format!("{}\r\n", &text[19_000..]).as_bytes());
        assert_eq!(String::from_utf8(bytes).unwrap(), format!("MSG t 1 {}\r\n{text}\r\n", text.len()));
        if whole {
            assert_eq!(frames.iter().map(|frame| frame.0).collect::<Vec<_>>(), [0xc2], "{agent}");
        } else {
            let (last, others) = frames.split_last().unwrap();
            assert_eq!((others[0], last.0), ((0x42, 4096), 0x80));
            assert!(others[1..].iter().all(|frame| *frame == (0, 4096)), "{frames:?}");
        }
    }
}

/// Subscribers of many kinds get the same messages at the same time, alone and in bursts.
#[test]
fn everybody_gets_the_same() {
    for compression in
        [": true", "{ context_takeover: true }", "{ max_window_bits: 9, level: 6, threshold: 10 }"]
    {
        let Some(server) = dunlin(compression) else { return };
        let sids = ["1", "1", "2", "3", "a-rather-long-subscription-identifier", "1"];
        let agents = ["", "User-Agent: Mozilla/5.0 (X11) Chrome/140\r\n"];
        // With a context, this client would have to keep it: it forbids that.
        let offer = "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n";
        let connect = |(n, sid): (usize, &&'static str)| {
            let headers = format!("{offer}{}", agents[n % 2]);
            let mut ws = RawWs::connect(server.addresses().websocket, &headers);
            ws.send(format!("CONNECT {{\"verbose\":false}}\r\nSUB t.> {sid}\r\nPING\r\n").as_bytes());
            read_until(&mut ws, b"PONG\r\n");
            (*sid, ws)
        };
        let mut all: Vec<_> = sids.iter().enumerate().map(connect).collect();
        for burst in [1, 1, 2, 40] {
            let ops = |verb: &str, sid: &str| -> String {
                (0..burst).map(|n| format!("{verb} t.{n}{sid} 600\r\n{n:03}{}\r\n", noise(597))).collect()
            };
            publish(&server, &ops("PUB", ""));
            for (sid, ws) in &mut all {
                let expected = ops("MSG", &format!(" {sid}"));
                let (bytes, _) =
                    read_until(ws, &expected.as_bytes()[expected.len() - 700.min(expected.len())..]);
                assert!(bytes == expected.as_bytes(), "{compression}, sid {sid}, {burst} messages");
            }
        }
    }
}

#[test]
fn limits_are_those_of_a_message_of_nats() {
    let Some(server) = dunlin(": true") else { return };
    let mut reader = Link::Tcp(RawTcp::connect(server.addresses().nats));
    reader.send(b"CONNECT {\"verbose\":false}\r\nSUB t 1\r\nPING\r\n");
    reader.expect(b"PONG\r\n");
    let largest = format!("PUB t {MAX_PAYLOAD}\r\n{}\r\n", "z".repeat(MAX_PAYLOAD));
    let many = format!("PUB t 1000\r\n{}\r\n", "y".repeat(1000)).repeat(3000);
    for ops in [largest, many] {
        let mut ws = RawWs::connect(server.addresses().websocket, OFFER);
        ws.send(b"CONNECT {\"verbose\":false}\r\n");
        ws.tcp.send(&frame(0xc2, &deflate(ops.as_bytes())));
        ws.send(b"PUB t 4\r\nlast\r\nPING\r\n");
        read_until(&mut ws, b"PONG\r\n");
        let got = reader.expect(b"\r\nlast\r\n");
        assert_eq!(got.len(), ops.replace("PUB t ", "MSG t 1 ").len() + "MSG t 1 4\r\nlast\r\n".len());
    }
    // One byte more is refused as on any other way.
    let mut ws = RawWs::connect(server.addresses().websocket, OFFER);
    let too_large = format!("PUB t {}\r\n{}", MAX_PAYLOAD + 1, "z".repeat(MAX_PAYLOAD));
    ws.tcp.send(&frame(0xc2, &deflate(too_large.as_bytes())));
    expect_end(ws, "-ERR 'Maximum Payload Violation'\r\n", 1009);
}

fn expect_end(mut ws: RawWs, words: &str, code: u16) {
    read_until(&mut ws, words.as_bytes());
    let close = ws.read_frame(Deadline::usual()).expect("a close frame");
    assert_eq!((close.first, &close.payload[..2]), (0x88, &code.to_be_bytes()[..]));
    assert_eq!(ws.read_frame(Deadline::usual()), Err(End::Closed));
}

/// The most that the server's memory has been, in KiB.
fn peak_kib(server: &ServerProcess) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// A small message that inflates to 200 MB of valid operations.
#[test]
fn a_bomb_is_stopped_and_takes_no_memory() {
    let Some(server) = dunlin(": true") else { return };
    let bomb = deflate(
        "PUB nobody.listens 1000\r\n"
            .bytes()
            .chain([b'x'; 1000])
            .chain(*b"\r\n")
            .collect::<Vec<_>>()
            .repeat(200_000)
            .as_slice(),
    );
    let before = peak_kib(&server);
    for fragments in [1, 100] {
        let mut ws = RawWs::connect(server.addresses().websocket, OFFER);
        ws.send(b"CONNECT {\"verbose\":false}\r\n");
        for (n, part) in bomb.chunks(bomb.len().div_ceil(fragments)).enumerate() {
            let first = if n == 0 { 0x40 | 2 } else { 0 } | if n + 1 == fragments { 0x80 } else { 0 };
            // It may have ended the connection in the midst of them.
            ws.tcp.send_what_fits(&frame(first, part));
        }
        expect_end(ws, "-ERR 'Maximum Inflated Message Size Exceeded'\r\n", 1009);
    }
    let grown = peak_kib(&server) - before;
    assert!(grown < 4096, "the server took {grown} KiB more for {} bytes", bomb.len());
}

#[test]
fn what_is_no_deflate_is_told() {
    let Some(server) = dunlin(": true") else { return };
    for bad in [&[0x07][..], &[0xff; 20], &[0x00, 0x01, 0x00, 0x00, 0x00]] {
        let mut ws = RawWs::connect(server.addresses().websocket, OFFER);
        ws.tcp.send(&frame(0xc2, bad));
        expect_end(ws, "-ERR 'Invalid Compressed Data'\r\n", 1007);
    }
    // Nor may RSV1 be set where nothing was agreed.
    let mut ws = RawWs::connect(server.addresses().websocket, "");
    ws.tcp.send(&frame(0xc2, &deflate(b"PING\r\n")));
    let (_, close) = Link::Ws(ws).last_words();
    assert_eq!(close.unwrap()[..2], 1002_u16.to_be_bytes());
}

#[test]
fn an_independent_client_with_every_combination_of_parameters() {
    let test = "an_independent_client_with_every_combination_of_parameters";
    let Some(python) = installed(test, "python") else { return };
    for compression in
        [": true", "{ context_takeover: true, level: 6 }", "{ context_takeover: true, max_window_bits: 9 }"]
    {
        let Some(server) = dunlin(compression) else { return };
        let script = workspace_root().join("tests/python/deflate.py");
        let url = server.websocket_url();
        let script = Script::start(python.as_os_str(), &[script.as_os_str(), OsStr::new(&url)], &[]);
        let lines = script.finish();
        assert_eq!(lines.len(), 48, "{compression}: {lines:#?}");
    }
}
