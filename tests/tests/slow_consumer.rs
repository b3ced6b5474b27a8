//! What becomes of a client that does not take its messages: it may lose some of them, and nobody else loses anything.

use std::thread;

use dunlin_tests::{Authority, Deadline, End, Kind, Link, RawTcp, RawWs, ServerProcess, TlsClient};
use serde_json::Value;

use crate::compression::noise;
use crate::support::{monitoring, start as start_under_test};

/// A server that lets WebSocket clients be slow in this way, and compresses.
pub(crate) fn start(policy: &str) -> Option<ServerProcess> {
    let conf = format!(
        "max_payload: 32768\nmax_pending: 400000\nwrite_deadline: \"100ms\"\n\
         websocket {{ listen: \"127.0.0.1:{{ws_port}}\", no_tls: true, slow_consumer: {policy}, compression: true }}\n"
    );
    (Kind::under_test() == Kind::Dunlin).then(|| ServerProcess::start(Kind::Dunlin, &conf, &[]))
}

fn connect(link: Link, subscribe: &str) -> Link {
    let mut link = link;
    link.send(format!("CONNECT {{\"verbose\":false}}\r\n{subscribe}PING\r\n").as_bytes());
    link.expect(b"PONG\r\n");
    link
}

/// Publishes `count` messages of 20 kB to ten subjects in turn; each begins with its number. Compression cannot make much of them.
pub(crate) fn flood(server: &ServerProcess, count: usize) {
    let mut publisher = connect(Link::Tcp(RawTcp::connect(server.addresses().nats)), "");
    let noise = noise(400_000);
    for n in 0..count {
        let filler = &noise[n % 19 * 20_000..][..20_000 - 8];
        publisher.send(format!("PUB tab.{} 20000\r\n{n:08}{filler}\r\n", n % 10).as_bytes());
    }
    publisher.send(b"PING\r\n");
    publisher.expect(b"PONG\r\n");
}

/// The numbers of the messages up to the answer of a PING.
fn numbers(link: &mut Link) -> Vec<usize> {
    link.send(b"PING\r\n");
    let bytes = link.expect(b"PONG\r\n");
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let messages = text.split("MSG tab.").skip(1);
    messages.map(|message| message.split("\r\n").nth(1).unwrap()[..8].parse().unwrap()).collect()
}

/// How many messages were dropped, and the connections that are left.
pub(crate) fn dropped(server: &ServerProcess) -> (u64, Value) {
    let count = monitoring(server, "/varz")["dropped_msgs"].as_u64().unwrap_or_default();
    (count, monitoring(server, "/connz")["connections"].clone())
}

pub(crate) const MESSAGES: usize = 3000;

#[test]
fn a_tab_in_the_background_catches_up_with_the_newest_of_each_subject() {
    let Some(server) = start("latest_per_subject") else { return };
    let ws = || Link::Ws(RawWs::connect(server.addresses().websocket, ""));
    let mut tab = connect(ws(), "SUB tab.* 1\r\n");
    flood(&server, MESSAGES);
    let (count, connections) = dropped(&server);
    assert!(count > 0 && connections[0]["dropped_msgs"] == count, "{count}: {connections}");
    let numbers = numbers(&mut tab);
    assert!(numbers.is_sorted(), "{numbers:?}");
    assert_eq!(numbers.len() as u64 + count, MESSAGES as u64);
    assert_eq!(numbers[numbers.len() - 10..], core::array::from_fn::<_, 10, _>(|n| MESSAGES - 10 + n));
    // And it goes on as any other.
    flood(&server, 20);
    assert_eq!(self::numbers(&mut tab), (0..20).collect::<Vec<_>>());
}

#[test]
fn the_oldest_messages_go_first() {
    let Some(server) = start("drop_oldest") else { return };
    let mut tab = connect(Link::Ws(RawWs::connect(server.addresses().websocket, "")), "SUB tab.* 1\r\n");
    flood(&server, MESSAGES);
    let (count, _) = dropped(&server);
    let numbers = numbers(&mut tab);
    assert!(numbers.is_sorted());
    assert_eq!(numbers.len() as u64 + count, MESSAGES as u64);
    // What waited is the end of the stream, as much of it as max_pending holds.
    let tail = &numbers[numbers.len() - 9..];
    assert_eq!(*tail, core::array::from_fn::<_, 9, _>(|n| MESSAGES - 9 + n));
}

#[test]
fn clients_on_tcp_keep_their_own_policy() {
    let Some(server) = start("drop_oldest") else { return };
    let _slow = connect(Link::Tcp(RawTcp::connect(server.addresses().nats)), "SUB tab.* 1\r\n");
    flood(&server, MESSAGES);
    server.wait_for_log("Slow Consumer");
}

/// The socket of a subscriber takes all: whatever comes in one turn, it is not slow.
#[test]
fn a_burst_is_no_reason_to_cut_off_a_client_that_reads() {
    if Kind::under_test() != Kind::Dunlin {
        return;
    }
    let server =
        ServerProcess::start(Kind::Dunlin, "max_payload: 1000\nmax_pending: 5000\nworkers: 1\n", &[]);
    let mut all = connect(Link::Tcp(RawTcp::connect(server.addresses().nats)), "SUB burst 1\r\nSUB * 2\r\n");
    let mut publisher = RawTcp::connect(server.addresses().nats);
    let message = format!("PUB burst 900\r\n{}\r\n", "x".repeat(900));
    publisher.send(format!("CONNECT {{\"verbose\":false}}\r\n{}PING\r\n", message.repeat(60)).as_bytes());
    publisher.read_until(b"PONG\r\n", Deadline::usual());
    all.send(b"PING\r\n");
    let got = all.expect(b"PONG\r\n");
    assert_eq!(String::from_utf8_lossy(&got).matches("MSG burst").count(), 120);
}

/// Publishes messages of these lengths to `big`, back to back.
fn publish_big(server: &ServerProcess, lens: &[usize]) {
    let mut publisher = connect(Link::Tcp(RawTcp::connect(server.addresses().nats)), "");
    let filler = vec![b'x'; lens.iter().copied().max().unwrap_or_default()];
    for &len in lens {
        publisher.send(format!("PUB big {len}\r\n").as_bytes());
        publisher.send(&filler[..len]);
        publisher.send(b"\r\n");
    }
    publisher.send(b"PING\r\n");
    publisher.expect(b"PONG\r\n");
}

/// Reads messages of these lengths as fast as they come. Their content is not looked at.
fn read_big(link: Link, lens: &[usize]) {
    let expected: usize = lens.iter().map(|len| format!("MSG big 1 {len}\r\n").len() + len + 2).sum();
    let mut got = 0;
    match link {
        Link::Tcp(mut tcp) => {
            while got < expected {
                let (bytes, end) = tcp.read_exact((expected - got).min(1 << 20), Deadline::usual());
                got += bytes.len();
                assert_eq!(end, End::Found, "{got} of {expected} bytes");
            }
        }
        Link::Ws(mut ws) => {
            while got < expected {
                let frame = ws.read_frame(Deadline::usual());
                let Ok(frame) = frame else { panic!("{got} of {expected} bytes, then {frame:?}") };
                assert_eq!(frame.first & 0x0f & !0x02, 0, "no more than messages: {frame:?}");
                got += frame.payload.len();
            }
        }
    }
    // A PING may be among them.
    assert!(got - expected <= b"PING\r\n".len(), "{got} bytes, not {expected}");
}

/// All these readers get all messages of all these publishers.
fn expect_all(server: &ServerProcess, readers: Vec<Link>, publishers: usize, lens: &[usize]) {
    let all = lens.repeat(publishers);
    thread::scope(|scope| {
        for reader in readers {
            let (reader, all) = (connect(reader, "SUB big 1\r\n"), &all);
            scope.spawn(move || read_big(reader, all));
        }
        for _ in 0..publishers {
            scope.spawn(|| publish_big(server, lens));
        }
    });
    assert_eq!(monitoring(server, "/varz")["slow_consumers"], 0);
}

fn one_of_each(server: &ServerProcess) -> Vec<Link> {
    let ws = |headers| Link::Ws(RawWs::connect(server.addresses().websocket, headers));
    vec![Link::Tcp(RawTcp::connect(server.addresses().nats)), ws(""), ws("User-Agent: Mozilla/5.0\r\n")]
}

#[test]
fn a_client_that_reads_gets_the_largest_messages() {
    let Some(server) = start_under_test("the largest messages", "max_payload: 64MB\n") else { return };
    let megabyte = 1 << 20;
    let lens = [60, 30, 60, 45, 64].map(|len| len * megabyte);
    expect_all(&server, one_of_each(&server), 1, &lens);
}

#[test]
fn messages_may_be_as_long_as_what_may_wait() {
    if Kind::under_test() != Kind::Dunlin {
        return;
    }
    for workers in [1, 2] {
        let conf = format!("max_payload: 1048576\nmax_pending: 1048576\nworkers: {workers}\n");
        let server = ServerProcess::start(Kind::Dunlin, &conf, &[]);
        expect_all(&server, one_of_each(&server), 1, &[1 << 20; 60]);
        // Several publishers have a message under way at once, and there are many readers.
        let readers = (0..50).map(|_| Link::Tcp(RawTcp::connect(server.addresses().nats)));
        expect_all(&server, readers.collect(), 4, &[1 << 20; 3]);
    }
}

#[test]
fn many_small_messages_may_be_much_more_than_what_may_wait() {
    if Kind::under_test() != Kind::Dunlin {
        return;
    }
    let authority = Authority::new("ca");
    let files = authority.server("server").conf();
    let conf = format!(
        "max_payload: 65536\nmax_pending: 131072\n\
         websocket {{ listen: \"127.0.0.1:{{ws_port}}\", compression: true, tls {{ {files} }} }}\n"
    );
    let server = ServerProcess::start(Kind::Dunlin, &conf, &[]);
    let tls = RawTcp::connect(server.addresses().websocket).start_tls(&TlsClient::new(&authority)).unwrap();
    let readers = vec![Link::Tcp(RawTcp::connect(server.addresses().nats)), Link::Ws(RawWs::over(tls, ""))];
    expect_all(&server, readers, 2, &[64 << 10; 500]);
}

/// A client that publishes to itself and does not read is stopped, and then it is a slow consumer as any other.
#[test]
fn who_does_not_read_its_own_messages_is_cut_off() {
    if Kind::under_test() != Kind::Dunlin {
        return;
    }
    let server = ServerProcess::start(Kind::Dunlin, "max_payload: 4MB\nmax_pending: 4MB\n", &[]);
    let mut own = connect(Link::Tcp(RawTcp::connect(server.addresses().nats)), "SUB big 1\r\n");
    let message = format!("PUB big {}\r\n{}\r\n", 4 << 20, "x".repeat(4 << 20));
    for _ in 0..10 {
        own.send(message.as_bytes());
    }
    server.wait_for_log("Slow Consumer");
}
