//! What happens at the server's limits: the one who passes them is told, and nobody else notices.

use std::time::Duration;

use dunlin_testkit::{
    Farewell, LinkSettings, OFFENCES, Op, Options, Settings, Violation, WebSocketSettings, World,
};

const BROWSER: WebSocketSettings =
    WebSocketSettings { browser: true, no_masking: false, ragged: true, deflate: false };
const LIBRARY: WebSocketSettings =
    WebSocketSettings { browser: false, no_masking: true, ragged: false, deflate: false };
const KINDS: [Option<WebSocketSettings>; 3] = [None, Some(BROWSER), Some(LIBRARY)];

fn subscribe(filter: &str, sid: &str) -> Op {
    Op::Subscribe { filter: filter.into(), queue: None, sid: sid.into() }
}

/// Connects a client that has said CONNECT.
fn connect(
    world: &mut World,
    worker: usize,
    kind: Option<WebSocketSettings>,
    capacity: usize,
) -> Result<usize, Violation> {
    let client = world.connect(worker, kind, LinkSettings { capacity, short_one_in: 4 })?;
    world.settle()?;
    world.submit(client, &[Op::Connect(Options::USUAL), Op::Ping]);
    world.settle()?;
    Ok(client)
}

/// Plays a story for each kind of client that it is about, with one and with more workers.
fn each(
    story: impl Fn(&mut World, usize, Option<WebSocketSettings>) -> Result<(), Violation>,
    settings: &Settings,
) {
    for seed in 0..30 {
        let workers = 1 + seed as usize % 3;
        let kind = KINDS[seed as usize / 3 % 3];
        let mut world = World::new(seed, &Settings { workers, ..settings.clone() });
        world.keep_trace();
        if let Err(violation) = story(&mut world, workers, kind) {
            let trace = world.trace().join("\n");
            panic!("story {seed} ({workers} workers, {kind:?}): {violation}\n{trace}");
        }
    }
}

/// Lets a publisher fill up what waits for the subscribers of `s`, a little at a time.
fn fill(world: &mut World, publisher: usize, messages: usize) -> Result<(), Violation> {
    for _ in 0..messages {
        let message = world.message(publisher, "s", None, 1000);
        world.submit(publisher, &[message]);
        // The publisher may be held back a little.
        world.pass(Duration::from_millis(6))?;
    }
    Ok(())
}

#[test]
fn a_client_that_does_not_read_is_told_and_others_lose_nothing() {
    each(
        |world, workers, kind| {
            let slow = connect(world, workers - 1, kind, 5000)?;
            let quick = connect(world, 0, KINDS[1], 5000)?;
            let publisher = connect(world, 0, None, 5000)?;
            for client in [slow, quick] {
                world.submit(client, &[subscribe("s", "1"), Op::Ping]);
            }
            world.settle()?;
            world.expect_end(slow, Some("Slow Consumer"), 1008);
            world.pause(slow);
            fill(world, publisher, 100)?;
            world.resume(slow);
            world.settle()?;
            assert!(world.has_ended(slow) && world.received(slow) < 20 && world.received(quick) == 100);
            world.check_complete()?;
            world.tear_down()
        },
        &Settings { pending_max: 50_000, ..Settings::default() },
    );
}

#[test]
fn a_client_that_floods_itself_is_told() {
    each(
        |world, workers, kind| {
            let client = connect(world, workers - 1, kind, 5000)?;
            world.submit(client, &[subscribe("s", "1"), Op::Ping]);
            world.settle()?;
            world.expect_end(client, Some("Slow Consumer"), 1008);
            world.pause(client);
            let flood: Vec<Op> = (0..80).map(|_| world.message(client, "s", None, 1000)).collect();
            world.submit(client, &flood);
            world.submit(client, &[subscribe("t", "2"), Op::Ping]);
            world.settle()?;
            world.resume(client);
            world.settle()?;
            assert!(world.has_ended(client));
            world.tear_down()
        },
        &Settings { pending_max: 50_000, ..Settings::default() },
    );
}

/// Messages are nearly as long as what may wait, and several publishers have one under way. Who reads gets them all.
#[test]
fn a_client_that_reads_may_have_more_waiting_than_may_wait() {
    each(
        |world, workers, kind| {
            let reader = connect(world, workers - 1, kind, 500)?;
            world.submit(reader, &[subscribe("s", "1"), subscribe("*", "2"), Op::Ping]);
            world.settle()?;
            let mut publishers = Vec::new();
            for n in 0..4 {
                publishers.push(connect(world, n % workers, KINDS[n % 3], 5000)?);
            }
            for _ in 0..20 {
                for &publisher in &publishers {
                    let message = world.message(publisher, "s", None, 1900);
                    world.submit(publisher, &[message]);
                }
                world.pass(Duration::from_millis(6))?;
            }
            world.submit(reader, &[Op::Ping]);
            world.pass(Duration::from_millis(6))?;
            assert!(!world.has_ended(reader) && world.received(reader) == 160, "{}", world.received(reader));
            world.check_complete()?;
            world.tear_down()
        },
        &Settings { pending_max: 2000, ..Settings::default() },
    );
}

/// Each waits for the other to take what it has sent, and neither reads: that comes to an end.
#[test]
fn two_that_do_not_read_do_not_wait_for_each_other_for_good() {
    each(
        |world, workers, kind| {
            let pair = [connect(world, workers - 1, kind, 500)?, connect(world, 0, KINDS[1], 500)?];
            for (&client, filter) in pair.iter().zip(["a", "b"]) {
                world.submit(client, &[subscribe(filter, "1"), Op::Ping]);
            }
            world.settle()?;
            for (&client, subject) in pair.iter().zip(["b", "a"]) {
                world.pause(client);
                world.expect_end(client, Some("Slow Consumer"), 1008);
                let flood: Vec<Op> = (0..300).map(|_| world.message(client, subject, None, 1900)).collect();
                world.submit(client, &flood);
            }
            world.pass(Duration::from_secs(1))?;
            // At least one had to go, and the other had nobody left to wait for.
            pair.iter().for_each(|&client| world.resume(client));
            world.pass(Duration::from_millis(50))?;
            assert!(pair.iter().any(|&client| world.has_ended(client)));
            world.tear_down()
        },
        &Settings { pending_max: 2000, ..Settings::default() },
    );
}

#[test]
fn output_waits_no_longer_than_the_write_deadline() {
    each(
        |world, workers, kind| {
            let slow = connect(world, workers - 1, kind, 5000)?;
            let publisher = connect(world, 0, None, 5000)?;
            world.submit(slow, &[subscribe("s", "1"), Op::Ping]);
            world.settle()?;
            world.pause(slow);
            fill(world, publisher, 20)?;
            world.pass(Duration::from_secs(9))?;
            world.expect_end(slow, Some("Slow Consumer"), 1008);
            world.pass(Duration::from_secs(1))?;
            world.resume(slow);
            world.settle()?;
            assert!(world.has_ended(slow) && world.received(slow) < 20);
            world.check_complete()?;
            world.tear_down()
        },
        &Settings { write_deadline: Duration::from_secs(10), ..Settings::default() },
    );
}

#[test]
fn a_client_that_never_reads_is_let_go() {
    each(
        |world, workers, kind| {
            let slow = connect(world, workers - 1, kind, 5000)?;
            let publisher = connect(world, 0, None, 5000)?;
            world.submit(slow, &[subscribe("s", "1"), Op::Ping]);
            world.settle()?;
            world.pause(slow);
            fill(world, publisher, 20)?;
            world.expect_end(slow, Some("Slow Consumer"), 1008);
            world.pass(Duration::from_secs(13))?;
            let connections: usize = (0..workers).map(|worker| world.worker(worker).connections()).sum();
            assert_eq!(connections, 1);
            world.check_complete()?;
            world.tear_down()
        },
        &Settings { write_deadline: Duration::from_secs(10), ..Settings::default() },
    );
}

#[test]
fn a_pause_within_the_limits_loses_nothing() {
    each(
        |world, workers, kind| {
            let slow = connect(world, workers - 1, kind, 5000)?;
            let publisher = connect(world, 0, None, 5000)?;
            world.submit(slow, &[subscribe("s", "1"), Op::Ping]);
            world.settle()?;
            world.pause(slow);
            // Over three quarters of max_pending, so that the publisher is held back.
            fill(world, publisher, 44)?;
            for _ in 0..4 {
                world.pass(Duration::from_millis(50))?;
                fill(world, publisher, 1)?;
            }
            world.resume(slow);
            world.pass(Duration::from_millis(50))?;
            fill(world, publisher, 40)?;
            world.check_complete()?;
            assert_eq!(world.received(slow), 88);
            world.tear_down()
        },
        &Settings { pending_max: 60_000, ..Settings::default() },
    );
}

#[test]
fn a_client_that_does_not_answer_is_stale() {
    each(
        |world, workers, kind| {
            let mute = connect(world, workers - 1, kind, 5000)?;
            let lively = connect(world, workers - 1, kind, 5000)?;
            world.mute(mute);
            world.pass(Duration::from_secs(20))?;
            assert!(!world.has_ended(mute));
            world.expect_end(mute, Some("Stale Connection"), 1001);
            world.pass(Duration::from_secs(12))?;
            assert!(world.has_ended(mute));
            world.pass(Duration::from_secs(1000))?;
            assert!(!world.has_ended(lively));
            world.check_complete()?;
            world.tear_down()
        },
        &Settings { ping_interval: Duration::from_secs(10), ..Settings::default() },
    );
}

#[test]
fn there_are_no_more_clients_than_allowed() {
    each(
        |world, workers, kind| {
            let first = connect(world, 0, kind, 5000)?;
            connect(world, workers - 1, kind, 5000)?;
            let third = world.connect(workers - 1, kind, LinkSettings::default())?;
            world.expect_end(third, Some("maximum connections exceeded"), 1008);
            world.settle()?;
            assert!(world.has_ended(third));
            world.leave(first, Farewell::HalfClose, false);
            world.settle()?;
            let fourth = connect(world, 0, kind, 5000)?;
            assert!(!world.has_ended(fourth));
            world.check_complete()?;
            world.tear_down()
        },
        &Settings { connections_max: 2, ..Settings::default() },
    );
}

#[test]
fn a_client_has_no_more_subscriptions_than_allowed() {
    each(
        |world, workers, kind| {
            let client = connect(world, workers - 1, kind, 5000)?;
            let subscriptions: Vec<Op> = (0..5).map(|n| subscribe("s", &n.to_string())).collect();
            world.submit(client, &subscriptions);
            world.submit(client, &[Op::Unsubscribe { sid: "0".into(), max: None }, subscribe("s", "x")]);
            let message = world.message(client, "s", None, 10);
            world.submit(client, &[message, Op::Ping]);
            world.settle()?;
            world.check_complete()?;
            assert_eq!(world.received(client), 3);
            world.tear_down()
        },
        &Settings { subscriptions_max: 3, ..Settings::default() },
    );
}

#[test]
fn bad_frames_end_with_the_code_for_it() {
    let bad: [(&[u8], u16); 4] = [
        // Not masked; reserved bits; a continuation of nothing; a close frame of one byte.
        (b"\x82\x01a", 1002),
        (b"\xb2\x81\0\0\0\0a", 1002),
        (b"\x80\x81\0\0\0\0a", 1002),
        (b"\x88\x81\0\0\0\0a", 1002),
    ];
    for (bytes, code) in bad {
        each(
            |world, workers, _| {
                let tidy =
                    WebSocketSettings { browser: false, no_masking: false, ragged: false, deflate: false };
                let client = connect(world, workers - 1, Some(tidy), 5000)?;
                world.expect_end(client, None, code);
                world.send_bytes(client, bytes);
                world.send_bytes(client, b"and more that is not read as frames");
                world.settle()?;
                assert!(world.has_ended(client));
                world.tear_down()
            },
            &Settings::default(),
        );
    }
}

#[test]
fn a_lame_duck_sends_its_clients_away_one_by_one() {
    each(
        |world, workers, kind| {
            let clients: Vec<usize> =
                (0..6).map(|n| connect(world, n % workers, kind, 5000)).collect::<Result<_, _>>()?;
            // The last words of one are written, and it does not go.
            let lazy = connect(world, 0, kind, 5000)?;
            world.pause(lazy);
            world.expect_end(lazy, Some("Unknown Protocol Operation"), 1002);
            world.submit(lazy, &[Op::Offend(OFFENCES[1])]);
            world.settle()?;
            for &client in &clients {
                world.expect_end(client, None, 1001);
            }
            world.start_lame_duck(Duration::from_secs(1), Duration::from_secs(4));
            world.pass(Duration::from_millis(1500))?;
            let gone = clients.iter().filter(|&&client| world.has_ended(client)).count();
            assert!((1..6).contains(&gone), "{gone} are gone at once");
            world.resume(lazy);
            world.pass(Duration::from_secs(10))?;
            assert!(clients.iter().all(|&client| world.has_ended(client)) && world.has_ended(lazy));
            world.check_empty()
        },
        &Settings::default(),
    );
}

/// What a stranger on the WebSocket listener sends, after how long, and the status that it gets.
fn check_stranger(bytes: &[u8], after: Duration, status: &str) {
    let settings = Settings { handshake_timeout: Duration::from_secs(5), ..Settings::default() };
    let mut world = World::new(1, &settings);
    let stranger = world.connect_stranger(0);
    world.send_bytes(stranger, bytes);
    world.pass(after).expect("nobody else is there");
    let (heard, ended) = world.heard(stranger);
    let start = format!("HTTP/1.1 {status}");
    assert!(heard.starts_with(start.as_bytes()) && ended, "{status}: {}, {ended}", heard.escape_ascii());
    world.tear_down().expect("nobody is left");
}

#[test]
fn a_handshake_has_its_time_and_its_size() {
    let (now, late) = (Duration::from_millis(1), Duration::from_secs(5));
    check_stranger(b"", late, "408 ");
    check_stranger(b"GET / HTTP/1.1\r\nHost: x\r\n", late, "408 ");
    check_stranger(b"NONSENSE\r\n\r\n", now, "400 ");
    check_stranger(&[b"GET / HTTP/1.1\r\nA: ", &[b'a'; 20_000][..]].concat(), now, "431 ");
    check_stranger(&[b"\r\n\r\nGET / HTTP/1.1\r\nA: ", &[b'a'; 20_000][..]].concat(), now, "431 ");
    check_stranger(&[b"GET / HTTP/1.1\r\n", &b"A: a\r\n".repeat(600)[..], b"\r\n"].concat(), now, "431 ");
}
