//! Hostile peers: the memory of the server stays bounded, others go on as if nothing was, and everything is given back.
//!
//! The bounds are on resident memory as Linux counts it (`VmHWM`), over what the server had before the attack. They are several
//! times what was measured, and far below what grows without a limit.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::{fs, thread};

use dunlin_tests::{CLOSE, Deadline, End, Kind, Link, RawTcp, RawWs, ServerProcess, frame, handshake};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::support::monitoring;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// How many sockets stay silent, where the machine lets a process have as many files.
const SILENT_MAX: u64 = 10_000;

fn dunlin(conf: &str) -> Option<ServerProcess> {
    (Kind::under_test() == Kind::Dunlin).then(|| ServerProcess::start(Kind::Dunlin, conf, &[]))
}

/// A line of `/proc/PID/status`, in bytes.
fn memory(server: &ServerProcess, line: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{}/status", server.id())).expect("the server runs");
    let value = text.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(':'));
    let kilobytes = value.and_then(|value| value.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.expect("a number of kB") * KIB
}

fn open_files(server: &ServerProcess) -> usize {
    fs::read_dir(format!("/proc/{}/fd", server.id())).expect("the server runs").count()
}

/// Requests over TCP, answered over WebSocket.
struct Healthy {
    requester: Link,
    responder: Link,
}

impl Healthy {
    fn connect(server: &ServerProcess) -> Healthy {
        let mut requester = Link::Tcp(RawTcp::connect(server.addresses().nats));
        let mut responder = Link::Ws(RawWs::connect(server.addresses().websocket, ""));
        for (link, subject) in [(&mut requester, "inbox"), (&mut responder, "service")] {
            let hello = format!("CONNECT {{\"verbose\":false}}\r\nSUB {subject} 1\r\nPING\r\n");
            link.send(hello.as_bytes());
            link.expect(b"PONG\r\n");
        }
        Healthy { requester, responder }
    }

    fn ask(&mut self) {
        self.requester.send(b"PUB service inbox 4\r\nask!\r\nPONG\r\n");
        self.responder.expect(b"ask!\r\n");
        self.responder.send(b"PUB inbox 6\r\nanswer\r\nPONG\r\n");
        self.requester.expect(b"answer\r\n");
    }
}

/// Ends the asking when it is dropped.
struct StopAsking<'a>(&'a AtomicBool);

impl Drop for StopAsking<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs an attack while a healthy client gets its answers; then all must be as it was before. `bound`: the most that the memory
/// may grow meanwhile.
fn survive(server: &ServerProcess, bound: u64, attack: impl FnOnce()) {
    let mut healthy = Healthy::connect(server);
    healthy.ask();
    let (files, resident) = (open_files(server), memory(server, "VmRSS"));
    let (is_over, answers) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        let asking = scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                healthy.ask();
                answers.fetch_add(1, Ordering::Relaxed);
            }
        });
        // Whatever becomes of the attack.
        let _stop = StopAsking(&is_over);
        attack();
        // At least once behind the attack.
        let seen = answers.load(Ordering::Relaxed);
        while answers.load(Ordering::Relaxed) < seen + 2 && !asking.is_finished() {
            thread::yield_now();
        }
    });
    let grown = memory(server, "VmHWM").saturating_sub(resident);
    println!("grown by {} KiB at most, {} answers meanwhile", grown / KIB, answers.load(Ordering::Relaxed));
    assert!(grown <= bound, "the memory has grown by {} KiB, not {} KiB at most", grown / KIB, bound / KIB);
    let deadline = Deadline::usual();
    while monitoring(server, "/connz")["num_connections"] != 2 || open_files(server) > files {
        assert!(deadline.left().is_some(), "connections stay: {}", monitoring(server, "/connz"));
    }
    assert_eq!(monitoring(server, "/varz")["subscriptions"], 2);
}

/// Reads to the end of a connection that the server is to close.
fn expect_close(tcp: &mut RawTcp) -> Vec<u8> {
    let (bytes, end) = tcp.read_to_close(Deadline::usual());
    assert_eq!(end, End::Closed, "the server does not close; it sent {:?}", String::from_utf8_lossy(&bytes));
    bytes
}

#[test]
fn slow_handshakes() {
    let conf = "websocket { listen: \"127.0.0.1:{ws_port}\", no_tls: true, handshake_timeout: \"1s\" }\n";
    let Some(server) = dunlin(conf) else { return };
    survive(&server, 8 * MIB, || {
        let mut slow: Vec<RawTcp> = (0..300).map(|_| RawTcp::connect(server.addresses().websocket)).collect();
        let head = handshake("/", &format!("X: {}\r\n", "x".repeat(8000)));
        // One byte each, in turns, for longer than a handshake may take.
        let deadline = Deadline::after(std::time::Duration::from_millis(1500));
        for byte in head.as_bytes().chunks(1) {
            if deadline.left().is_none() {
                break;
            }
            slow.iter_mut().for_each(|tcp| tcp.send(byte));
        }
        for tcp in &mut slow {
            let answer = expect_close(tcp);
            assert!(answer.starts_with(b"HTTP/1.1 408 "), "{:?}", String::from_utf8_lossy(&answer));
        }
    });
}

#[test]
fn a_million_fragments_of_one_byte() {
    let Some(server) = dunlin("") else { return };
    const LEN: usize = 1_000_000;
    // A message of 1 MB is held once for each of its ways.
    survive(&server, 16 * MIB, || {
        let mut subscriber = Link::Tcp(RawTcp::connect(server.addresses().nats));
        subscriber.send(b"CONNECT {\"verbose\":false}\r\nSUB big 1\r\nPING\r\n");
        subscriber.expect(b"PONG\r\n");
        let mut ws = RawWs::connect(server.addresses().websocket, "");
        let op = [format!("PUB big {LEN}\r\n").as_bytes(), &vec![b'x'; LEN], b"\r\n"].concat();
        let mut frames = frame(0x02, b"");
        for byte in op.chunks(1) {
            frames.extend(frame(0x00, byte));
        }
        frames.extend(frame(0x80, b""));
        ws.tcp.send(&frames);
        let got = subscriber.expect(b"x\r\n");
        assert_eq!(got.iter().filter(|&&byte| byte == b'x').count(), LEN);
    });
}

#[test]
fn floods_of_pings_that_nobody_reads_the_answers_of() {
    let Some(server) = dunlin("max_pending: 4194304\n") else { return };
    survive(&server, 24 * MIB, || {
        let mut ws = RawWs::connect(server.addresses().websocket, "");
        let pings = frame(0x89, &[b'p'; 125]).repeat(1000);
        for _ in 0..300 {
            ws.tcp.send(&pings);
        }
        // Whoever reads again finds a working connection: pongs, and no more of them than were kept.
        ws.send(b"PING\r\n");
        let mut pongs = 0_u64;
        loop {
            match ws.read_frame(Deadline::usual()) {
                Ok(frame) if frame.first == 0x8a => pongs += 1,
                Ok(frame) if frame.payload.ends_with(b"PONG\r\n") => break,
                Ok(frame) => assert_eq!(frame.first, 0x82),
                Err(end) => panic!("the connection ends: {end:?}"),
            }
        }
        assert!(pongs > 0);
    });
    // A client's own pings are answered one by one, and a client that does not take the answers is a slow consumer.
    survive(&server, 24 * MIB, || {
        let mut tcp = RawTcp::connect(server.addresses().nats);
        let pings = b"PING\r\n".repeat(100_000);
        for _ in 0..60 {
            tcp.send(&pings);
        }
        let answer = expect_close(&mut tcp);
        assert!(
            answer.ends_with(b"-ERR 'Slow Consumer'\r\n"),
            "{:?}",
            String::from_utf8_lossy(&answer[answer.len() - 60..])
        );
    });
}

#[test]
fn a_message_that_never_ends() {
    let Some(server) = dunlin("") else { return };
    survive(&server, 8 * MIB, || {
        // Ops in an endless message are a stream like any other.
        let mut ws = RawWs::connect(server.addresses().websocket, "");
        ws.tcp.send(&frame(0x02, b""));
        let fragment = frame(0x00, &b"PUB nobody 1\r\nx\r\n".repeat(4000));
        for _ in 0..100 {
            ws.tcp.send(&fragment);
        }
        ws.tcp.send(&frame(0x00, b"PING\r\n"));
        let mut link = Link::Ws(ws);
        link.expect(b"PONG\r\n");
        // An op that never ends is too long at some point; so is a frame that promises 2^62 bytes.
        for start in [frame(0x02, b"PUB "), vec![0x02, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]] {
            let mut ws = RawWs::connect(server.addresses().websocket, "");
            ws.tcp.send(&start);
            let more = if start[1] == 0xff { vec![b's'; 1 << 16] } else { frame(0x00, &[b's'; 1 << 16]) };
            for _ in 0..100 {
                ws.tcp.send(&more);
            }
            let mut link = Link::Ws(ws);
            let (_, close) = link.last_words();
            assert!(close.is_some(), "no close frame");
        }
    });
}

#[test]
fn sockets_closed_by_halves() {
    let Some(server) = dunlin("") else { return };
    survive(&server, 16 * MIB, || {
        let mut halves = Vec::new();
        for index in 0..1000 {
            let addresses = server.addresses();
            let mut tcp =
                RawTcp::connect([addresses.nats, addresses.websocket, addresses.monitoring][index % 3]);
            match index % 4 {
                0 => {}
                1 => tcp.send(b"CONNECT {\"verbose\":false}\r\nSUB a 1\r\nPUB a 1\r\n"),
                2 => tcp.send(handshake("/", "").as_bytes()),
                _ => tcp.send(b"GET /varz HT"),
            }
            tcp.half_close();
            halves.push(tcp);
        }
        halves.iter_mut().for_each(|tcp| drop(expect_close(tcp)));
    });
}

#[test]
fn garbage() {
    let Some(server) = dunlin("") else { return };
    // A linear congruential generator: the same garbage each time.
    let mut state = 1_u64;
    let mut noise = |len: usize| -> Vec<u8> {
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        };
        (0..len).map(|_| next()).collect()
    };
    survive(&server, 8 * MIB, || {
        for index in 0..600 {
            let addresses = server.addresses();
            let (address, start) = match index % 5 {
                0 => (addresses.nats, String::new()),
                1 => (addresses.nats, "CONNECT {\"verbose\":false}\r\nPUB a 5000\r\n".to_owned()),
                2 => (addresses.websocket, String::new()),
                3 => (addresses.websocket, handshake("/", "")),
                _ => (addresses.monitoring, "GET /".to_owned()),
            };
            let mut tcp = RawTcp::connect(address);
            tcp.send(start.as_bytes());
            if index % 5 == 3 {
                tcp.read_until(b"\r\n\r\n", Deadline::usual());
            }
            tcp.send(&noise(1 + index * 7));
            tcp.half_close();
            expect_close(&mut tcp);
        }
    });
}

/// Raises the limit on open files as far as it goes, and says how many sockets a test may open beside the others.
fn sockets_max() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).expect("the limit can be raised");
    SILENT_MAX.min(limit.maximum.unwrap_or(u64::MAX).saturating_sub(2000))
}

#[test]
fn sockets_that_say_nothing() {
    let count = sockets_max();
    let conf = "ping_interval: \"1s\"\nping_max: 2\n\
        websocket { listen: \"127.0.0.1:{ws_port}\", no_tls: true, handshake_timeout: \"3s\" }\n";
    let Some(server) = dunlin(conf) else { return };
    println!("{count} silent sockets");
    // 6 KiB for each: what it is, and what it is told at the end, all at once.
    survive(&server, 8 * MIB + count * 6 * KIB, || {
        let mut silent = Vec::new();
        for index in 0..count {
            let addresses = server.addresses();
            silent.push(RawTcp::connect(if index % 2 == 0 { addresses.nats } else { addresses.websocket }));
        }
        for (index, tcp) in silent.iter_mut().enumerate() {
            let words = expect_close(tcp);
            let text = String::from_utf8_lossy(&words);
            if index % 2 == 0 {
                assert!(text.starts_with("INFO ") && text.ends_with("-ERR 'Stale Connection'\r\n"), "{text}");
            } else {
                assert!(text.starts_with("HTTP/1.1 408 "), "{text}");
            }
        }
    });
}

#[test]
fn coming_and_going() {
    let Some(server) = dunlin("") else { return };
    survive(&server, 16 * MIB, || {
        for index in 0..2000 {
            if index % 2 == 0 {
                let mut tcp = RawTcp::connect(server.addresses().nats);
                tcp.send(b"CONNECT {\"verbose\":false}\r\nSUB churn.> 1\r\nSUB other.* q 2\r\nPUB churn.x 1\r\nx\r\n");
            } else {
                let mut ws = RawWs::connect(server.addresses().websocket, "");
                ws.send(b"CONNECT {\"verbose\":false}\r\nSUB churn.> 1\r\nPUB churn.y 1\r\ny\r\n");
                if index % 4 == 1 {
                    ws.tcp.send(&frame(CLOSE, &1000_u16.to_be_bytes()));
                    expect_close(&mut ws.tcp);
                }
            }
        }
    });
}
