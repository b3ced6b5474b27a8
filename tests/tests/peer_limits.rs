//! Limits for peers that nobody vouches for: who meets one is told, and nobody else notices.

use dunlin_tests::{Deadline, End, Kind, Link, RawTcp, RawWs, ServerProcess, handshake};

use crate::support::monitoring;

fn dunlin(conf: &str) -> Option<ServerProcess> {
    (Kind::under_test() == Kind::Dunlin).then(|| ServerProcess::start(Kind::Dunlin, conf, &[]))
}

/// The code of a close frame's payload.
fn code(close: Option<Vec<u8>>) -> Option<u16> {
    close.and_then(|payload| Some(u16::from_be_bytes([*payload.first()?, *payload.get(1)?])))
}

/// Asks for an upgrade, as a proxy for `ip`: the answer's head, and the connection behind it.
fn ask(server: &ServerProcess, ip: &str) -> (String, RawTcp) {
    let mut tcp = RawTcp::connect(server.addresses().websocket);
    tcp.send(handshake("/", &format!("X-Forwarded-For: {ip}\r\n")).as_bytes());
    let (head, _) = tcp.read_until(b"\r\n\r\n", Deadline::usual());
    (String::from_utf8_lossy(&head).into_owned(), tcp)
}

/// Asks for upgrades until one is agreed.
fn ask_until_agreed(server: &ServerProcess, ip: &str) -> RawTcp {
    let deadline = Deadline::usual();
    loop {
        let (head, tcp) = ask(server, ip);
        if head.starts_with("HTTP/1.1 101 ") {
            return tcp;
        }
        assert!(deadline.left().is_some(), "{ip} is not let in: {head}");
    }
}

#[test]
fn connections_of_an_address_are_counted_on_websocket() {
    let conf = "websocket { listen: \"127.0.0.1:{ws_port}\", no_tls: true, limits { connections_per_address: 2 } }\n";
    let Some(server) = dunlin(conf) else { return };
    let mut kept: Vec<RawTcp> = ["203.0.113.1", "203.0.113.1", "2001:db8::1", "2001:db8::2"]
        .map(|ip| ask_until_agreed(&server, ip))
        .into();
    // One address is full, and so is one /64.
    for ip in ["203.0.113.1", "::ffff:203.0.113.1", "2001:db8::3"] {
        let (head, mut tcp) = ask(&server, ip);
        assert!(head.starts_with("HTTP/1.1 429 Too Many Requests\r\n"), "{head}");
        assert!(
            head.contains("\r\nRetry-After: 1\r\n") && head.contains("\r\nConnection: close\r\n"),
            "{head}"
        );
        let (body, end) = tcp.read_to_close(Deadline::usual());
        assert_eq!((&body[..], end), (&b"too many connections from this address\n"[..], End::Closed));
    }
    kept.push(ask_until_agreed(&server, "203.0.113.2"));
    kept.push(ask_until_agreed(&server, "2001:db8:0:1::1"));
    assert_eq!(monitoring(&server, "/varz")["limits"]["address_refusals"], 3);
    server.wait_for_log("203.0.113.1 - refused: Maximum Connections Per Address Exceeded");
    // Who leaves makes room.
    kept.remove(0);
    kept.push(ask_until_agreed(&server, "203.0.113.1"));
}

#[test]
fn connections_of_an_address_are_counted_from_their_first_byte() {
    // One worker takes connections in the order in which they come.
    let conf = "workers: 1\ntrusted_proxies: []\nlimits { connections_per_address: 3 }\n";
    let Some(server) = dunlin(conf) else { return };
    // Two say nothing, one sends a request slowly: that is as many as there may be.
    let mut silent: Vec<RawTcp> = (0..3).map(|_| RawTcp::connect(server.addresses().websocket)).collect();
    silent[0].send(b"GET / HT");
    let (head, _) = ask(&server, "203.0.113.1");
    assert!(head.starts_with("HTTP/1.1 429 "), "{head}");
    drop(silent);
    ask_until_agreed(&server, "203.0.113.1");
    // The other listener counts for itself.
    for _ in 0..3 {
        Link::Tcp(RawTcp::connect(server.addresses().nats)).expect(b"INFO ");
    }
}

#[test]
fn a_connection_too_many_on_tcp_is_told() {
    let Some(server) = dunlin("limits { connections_per_address: 1 }\n") else { return };
    let mut first = Link::Tcp(RawTcp::connect(server.addresses().nats));
    first.expect(b"\r\n");
    let mut second = Link::Tcp(RawTcp::connect(server.addresses().nats));
    let (words, _) = second.last_words();
    let words = String::from_utf8_lossy(&words).into_owned();
    assert!(words.starts_with("INFO {"), "{words:?}");
    assert!(words.ends_with("-ERR 'maximum connections per address exceeded'\r\n"), "{words:?}");
    first.send(b"PING\r\n");
    first.expect(b"PONG\r\n");
}

#[test]
fn handshakes_of_an_address_have_a_rate() {
    // Five at once, and no further one for as long as this test can take.
    let conf = "limits { handshakes_per_second: 1, burst: \"5s\" }\n";
    let Some(server) = dunlin(conf) else { return };
    let heads: Vec<String> = (0..60).map(|_| ask(&server, "203.0.113.1").0).collect();
    let agreed = heads.iter().filter(|head| head.starts_with("HTTP/1.1 101 ")).count();
    assert!(heads[..5].iter().all(|head| head.starts_with("HTTP/1.1 101 ")), "{:?}", &heads[..5]);
    assert!((5..30).contains(&agreed), "{agreed} were agreed");
    assert!(heads.iter().any(|head| head.starts_with("HTTP/1.1 429 ") && head.contains("Retry-After: 1")));
    ask_until_agreed(&server, "203.0.113.2");
    let varz = monitoring(&server, "/varz");
    assert_eq!(varz["limits"]["handshake_refusals"], 60 - agreed);
    // On TCP likewise.
    let words: Vec<String> = (0..20)
        .map(|_| {
            let mut link = Link::Tcp(RawTcp::connect(server.addresses().nats));
            link.send(b"PING\r\nFROB\r\n");
            String::from_utf8_lossy(&link.last_words().0).into_owned()
        })
        .collect();
    assert!(
        words.iter().any(|words| words.ends_with("-ERR 'maximum handshake rate exceeded'\r\n")),
        "{words:?}"
    );
}

/// Publishes `count` messages of `len` bytes, with a PING behind them.
fn publish(link: &mut Link, count: usize, len: usize) {
    let message = format!("PUB s {len}\r\n{}\r\n", "x".repeat(len));
    for _ in 0..count {
        link.send(message.as_bytes());
    }
    link.send(b"PING\r\n");
}

fn links(server: &ServerProcess) -> [Link; 2] {
    [
        Link::Tcp(RawTcp::connect(server.addresses().nats)),
        Link::Ws(RawWs::connect(server.addresses().websocket, "")),
    ]
}

#[test]
fn a_publisher_that_is_too_fast_is_slowed_and_loses_nothing() {
    for conf in [
        "limits { publish_messages_per_second: 2000, burst: \"10ms\" }\n",
        "limits { publish_bytes_per_second: 20000, burst: \"10ms\" }\n",
        "limits { user_publish_messages_per_second: 2000, burst: \"10ms\" }\n",
    ] {
        let Some(server) = dunlin(conf) else { return };
        for mut link in links(&server) {
            let mut subscriber = Link::Tcp(RawTcp::connect(server.addresses().nats));
            subscriber.send(b"CONNECT {\"verbose\":false}\r\nSUB s 1\r\nPING\r\n");
            subscriber.expect(b"PONG\r\n");
            link.send(b"CONNECT {\"verbose\":false}\r\n");
            publish(&mut link, 600, 10);
            link.expect(b"PONG\r\n");
            subscriber.send(b"PING\r\n");
            let got = subscriber.expect(b"PONG\r\n");
            let messages = got.windows(4).filter(|window| window == b"MSG ").count();
            assert_eq!(messages, 600, "{conf}");
        }
        let varz = monitoring(&server, "/varz");
        assert!(varz["limits"]["publish_holds"].as_u64() >= Some(4), "{conf}: {}", varz["limits"]);
        assert_eq!(varz["in_msgs"], 1200);
    }
}

#[test]
fn a_publisher_that_is_too_fast_can_be_closed() {
    let conf = "limits { publish_messages_per_second: 100, over_rate: close }\n";
    let Some(server) = dunlin(conf) else { return };
    for mut link in links(&server) {
        let is_ws = matches!(link, Link::Ws(_));
        link.send(b"CONNECT {\"verbose\":false}\r\n");
        publish(&mut link, 1000, 1);
        let (words, close) = link.last_words();
        let words = String::from_utf8_lossy(&words).into_owned();
        assert!(words.ends_with("-ERR 'maximum publish rate exceeded'\r\n"), "{words:?}");
        assert_eq!(code(close), is_ws.then_some(1008));
    }
    assert_eq!(monitoring(&server, "/varz")["limits"]["publish_closures"], 2);
    let connz = monitoring(&server, "/connz?state=closed");
    assert_eq!(connz["connections"][0]["reason"], "Maximum Publish Rate Exceeded");
}

#[test]
fn the_connections_of_a_user_share_a_rate() {
    let conf = "authorization { users [ {user: ann, password: a}, {user: bob, password: b} ] }\n\
        limits { user_publish_messages_per_second: 1, burst: \"20s\", over_rate: close }\n";
    let Some(server) = dunlin(conf) else { return };
    let connect = |user: &str, password: &str| {
        let mut link = Link::Tcp(RawTcp::connect(server.addresses().nats));
        link.send(
            format!("CONNECT {{\"verbose\":false,\"user\":\"{user}\",\"pass\":\"{password}\"}}\r\n")
                .as_bytes(),
        );
        link
    };
    let (mut first, mut second, mut other) = (connect("ann", "a"), connect("ann", "a"), connect("bob", "b"));
    for link in [&mut first, &mut other] {
        publish(link, 19, 1);
        link.expect(b"PONG\r\n");
    }
    // Twenty at once is what ann may publish, from wherever she is connected.
    publish(&mut second, 19, 1);
    let (words, _) = second.last_words();
    assert!(
        words.ends_with(b"-ERR 'maximum publish rate exceeded'\r\n"),
        "{}",
        String::from_utf8_lossy(&words)
    );
    other.send(b"PING\r\n");
    other.expect(b"PONG\r\n");
}
