//! What is allocated: nothing for a fan-out, and of an idle connection what ARCHITECTURE.md says.

use allocation_counter::{AllocationInfo, measure};
use dunlin_cost::{Client, Hall, Kind, json};

/// Turns until everything has grown to its size.
const WARM_UP_TURNS: usize = 20;
const TURNS: usize = 10;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Sids {
    Same,
    Own,
}

/// What the turns of a fan-out allocate when the server has settled.
fn fan_out(kind: Kind, sids: Sids, subscribers: usize) -> AllocationInfo {
    let mut hall = Hall::new();
    let connect = |n| {
        let sid = if sids == Sids::Own { n + 1 } else { 1 };
        hall.connect(kind, &format!("SUB line.7 {sid}\r\n"))
    };
    let subscribers: Vec<Client> = (0..subscribers).map(connect).collect();
    let publisher = hall.connect(Kind::Plain, "");
    hall.send(publisher, &publisher.encode(&[b"PUB line.7 600\r\n", &json(600, 1)[..], b"\r\n"].concat()));
    for _ in 0..WARM_UP_TURNS {
        hall.send_again(publisher);
    }
    let writes = |hall: &Hall| subscribers.iter().map(|&client| hall.written(client).0).sum::<u64>();
    let before = writes(&hall);
    let info = measure(|| (0..TURNS).for_each(|_| hall.send_again(publisher)));
    assert_eq!(writes(&hall) - before, (TURNS * subscribers.len()) as u64, "one write each and turn");
    info
}

#[test]
fn a_fan_out_allocates_nothing() {
    for kind in [Kind::Tcp, Kind::Plain, Kind::Compressed] {
        for sids in [Sids::Same, Sids::Own] {
            for subscribers in [200, 400] {
                let info = fan_out(kind, sids, subscribers);
                assert_eq!(info.count_total, 0, "{kind:?}, {sids:?}, {subscribers} subscribers: {info:?}");
            }
        }
    }
}

/// Bytes that the worker asked of the heap for each client that has come, and has sent and got something, and is idle now.
fn idle_bytes(kind: Kind, subscribes: bool) -> i64 {
    // Between the two numbers every table doubles once: the figure holds their free room, but nothing for the next doubling.
    const BEFORE: usize = 1024;
    const AFTER: usize = 2048;
    let mut hall = Hall::new();
    hall.reserve_links(AFTER);
    let come = |hall: &mut Hall, n| {
        let subscription = if subscribes { format!("SUB machine.{n}.state 1\r\n") } else { String::new() };
        let client = hall.connect(kind, &subscription);
        // Cut in two, so that the first part has to be kept.
        let wire = client.encode(b"PUB nobody.listens 16\r\n0123456789abcdef\r\nPING\r\n");
        let before = hall.written(client).0;
        let (first, rest) = wire.split_at(wire.len() / 2);
        hall.send(client, first);
        hall.send(client, rest);
        assert_eq!(hall.written(client).0, before + 1, "the answer to PING");
    };
    (0..BEFORE).for_each(|n| come(&mut hall, n));
    hall.forget_sent();
    let info = measure(|| {
        (BEFORE..AFTER).for_each(|n| come(&mut hall, n));
        hall.forget_sent();
    });
    info.bytes_current / (AFTER - BEFORE) as i64
}

/// The number that stands in front of `text` in ARCHITECTURE.md.
fn documented(text: &str) -> i64 {
    let document = include_str!("../../../ARCHITECTURE.md");
    let (before, _) =
        document.split_once(text).unwrap_or_else(|| panic!("ARCHITECTURE.md says no more: {text}"));
    let number = before.split_whitespace().last().and_then(|word| word.parse().ok());
    number.unwrap_or_else(|| panic!("ARCHITECTURE.md has no number in front of: {text}"))
}

#[test]
fn an_idle_connection_takes_what_is_documented() {
    let figures = [
        (false, documented(" bytes of heap for an idle")),
        (true, documented(" with a subscription of its own")),
    ];
    for (subscribes, documented) in figures {
        for kind in [Kind::Tcp, Kind::Plain, Kind::Compressed] {
            let counted = idle_bytes(kind, subscribes);
            println!("{kind:?}, subscribes: {subscribes}: {counted} bytes");
            assert!(
                (counted - documented).abs() * 100 <= documented * 3,
                "{kind:?}, subscribes: {subscribes}: {counted} bytes, but ARCHITECTURE.md says {documented}: \
                 if the connection is worth it, say so there"
            );
        }
    }
}
