//! What peers are believed and allowed, to the millisecond.

use std::time::Duration;

use dunlin_testkit::{Farewell, LinkSettings, Op, Options, Settings, Violation, WebSocketSettings, World};
use dunlin_worker::{OverRate, PeerLimits, PeerPolicy, PublishLimits};

const BROWSER: WebSocketSettings =
    WebSocketSettings { browser: true, no_masking: false, ragged: true, deflate: false };

const UPGRADE: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

fn limited(limits: PeerLimits) -> Settings {
    Settings { workers: 2, peers: PeerPolicy { limits, ..PeerPolicy::default() }, ..Settings::default() }
}

fn connect(world: &mut World, worker: usize, kind: Option<WebSocketSettings>) -> Result<usize, Violation> {
    let client = world.connect(worker, kind, LinkSettings::default())?;
    world.settle()?;
    world.submit(client, &[Op::Connect(Options::USUAL), Op::Ping]);
    world.settle()?;
    Ok(client)
}

/// A subscriber of `s`, and a publisher that has sent it so many messages of so many bytes, all at once.
fn publish(
    world: &mut World,
    kind: Option<WebSocketSettings>,
    count: usize,
    len: usize,
) -> Result<usize, Violation> {
    let subscriber = connect(world, 1, None)?;
    world.submit(subscriber, &[Op::Subscribe { filter: "s".into(), queue: None, sid: "1".into() }, Op::Ping]);
    let publisher = connect(world, 0, kind)?;
    for _ in 0..count {
        let message = world.message(publisher, "s", None, len);
        world.submit(publisher, &[message]);
    }
    world.settle()?;
    Ok(subscriber)
}

#[test]
fn a_publisher_gets_its_rate_and_no_more() {
    let publish_limits = PublishLimits { messages_per_second: 10, bytes_per_second: 0 };
    for limits in [
        PeerLimits { publish: publish_limits, ..PeerLimits::default() },
        PeerLimits { user_publish: publish_limits, ..PeerLimits::default() },
    ] {
        for kind in [None, Some(BROWSER)] {
            let story = || -> Result<(), Violation> {
                let mut world = World::new(7, &limited(limits));
                let subscriber = publish(&mut world, kind, 100, 1000)?;
                // A second's worth comes at once, and then as much as the rate allows; what is read at once, some four
                // messages, may come early.
                for second in 0..9 {
                    let received = world.received(subscriber);
                    let due = 10 + 10 * second;
                    assert!((due..=due + 5).contains(&received), "{received} after {second} s");
                    world.pass(Duration::from_secs(1))?;
                }
                world.pass(Duration::from_secs(1))?;
                assert_eq!(world.received(subscriber), 100, "nothing is lost");
                let holds: u64 =
                    (0..2).map(|n| world.worker(n).snapshot(<_>::default()).counters.publish_holds).sum();
                assert!(holds >= 20, "held back {holds} times");
                world.check_complete()?;
                world.tear_down()
            };
            story().unwrap_or_else(|violation| panic!("{violation}"));
        }
    }
}

#[test]
fn a_publisher_that_is_held_back_is_not_stale() {
    let publish_limits = PublishLimits { messages_per_second: 0, bytes_per_second: 100 };
    let limits = PeerLimits { publish: publish_limits, ..PeerLimits::default() };
    let settings = Settings { ping_interval: Duration::from_secs(10), pings_out_max: 1, ..limited(limits) };
    let story = || -> Result<(), Violation> {
        let mut world = World::new(7, &settings);
        // Each message is paid off for 90 s, in which its PONG is not read.
        let subscriber = publish(&mut world, None, 5, 9000)?;
        assert_eq!(world.received(subscriber), 1);
        world.pass(Duration::from_secs(500))?;
        assert_eq!(world.received(subscriber), 5);
        world.check_complete()?;
        world.tear_down()
    };
    story().unwrap_or_else(|violation| panic!("{violation}"));
}

#[test]
fn a_publisher_over_its_rate_is_closed_where_that_is_wanted() {
    let publish_limits = PublishLimits { messages_per_second: 10, bytes_per_second: 0 };
    let limits = PeerLimits { publish: publish_limits, over_rate: OverRate::Close, ..PeerLimits::default() };
    for kind in [None, Some(BROWSER)] {
        let story = || -> Result<(), Violation> {
            let mut world = World::new(7, &limited(limits));
            let client = connect(&mut world, 0, kind)?;
            for count in [10, 0, 10] {
                for _ in 0..count {
                    let message = world.message(client, "s", None, 10);
                    world.submit(client, &[message]);
                }
                world.pass(Duration::from_secs(1))?;
            }
            assert!(!world.has_ended(client), "it kept to its rate");
            world.expect_end(client, Some("maximum publish rate exceeded"), 1008);
            for _ in 0..21 {
                let message = world.message(client, "s", None, 10);
                world.submit(client, &[message]);
            }
            world.settle()?;
            assert!(world.has_ended(client));
            world.tear_down()
        };
        story().unwrap_or_else(|violation| panic!("{violation}"));
    }
}

#[test]
fn a_proxy_protocol_header_has_its_time() {
    let peers = PeerPolicy { proxy_protocol: true, ..PeerPolicy::default() };
    for bytes in [&b""[..], b"P", b"PROXY TCP4 203.0.113.195 10.0.0.1", b"\r\n\r\n\0\r\nQUIT\n\x21"] {
        let mut world = World::new(1, &Settings { peers: peers.clone(), ..Settings::default() });
        let stranger = world.connect_stranger(0);
        world.send_bytes(stranger, bytes);
        world.pass(Duration::from_millis(4999)).expect("nobody else is there");
        assert!(!world.heard(stranger).1, "it has 5 s");
        world.pass(Duration::from_millis(1)).expect("nobody else is there");
        assert_eq!(world.heard(stranger), (&b""[..], true));
        world.tear_down().expect("nobody is left");
    }
    // With the header, the time for the handshake begins.
    let settings = Settings { peers, handshake_timeout: Duration::from_secs(60), ..Settings::default() };
    let mut world = World::new(1, &settings);
    let stranger = world.connect_stranger(0);
    world.send_bytes(stranger, b"PROXY UNKNOWN\r\n");
    world.pass(Duration::from_secs(59)).expect("nobody else is there");
    assert!(!world.heard(stranger).1);
    world.send_bytes(stranger, UPGRADE);
    world.settle().expect("nobody else is there");
    assert!(world.heard(stranger).0.starts_with(b"HTTP/1.1 101 "));
    world.leave(stranger, Farewell::Cut, true);
    world.tear_down().expect("nobody is left");
}

#[test]
fn handshakes_come_at_their_rate() {
    let limits = PeerLimits { handshakes_per_second: 2, ..PeerLimits::default() };
    let mut world = World::new(1, &limited(limits));
    let mut statuses = Vec::new();
    for (wait_ms, count) in [(0, 4), (499, 1), (1, 2), (500, 2), (60_000, 4)] {
        world.pass(Duration::from_millis(wait_ms)).expect("nobody is there");
        for index in 0..count {
            let stranger = world.connect_stranger(index % 2);
            world.send_bytes(stranger, UPGRADE);
            world.settle().expect("nobody else is there");
            statuses.push(String::from_utf8_lossy(&world.heard(stranger).0[9..12]).into_owned());
            world.leave(stranger, Farewell::Cut, true);
        }
    }
    let expected = "101 101 429 429 429 101 429 101 429 101 101 429 429";
    assert_eq!(statuses.join(" "), expected);
    world.tear_down().expect("nobody is left");
}
