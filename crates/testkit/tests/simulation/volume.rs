//! Turns that hold more than a turn may hold, so that they are flushed before they end.

use dunlin_testkit::{LinkSettings, Op, Options, Settings, Violation, WebSocketSettings, World};

const KINDS: [Option<WebSocketSettings>; 5] = [
    None,
    Some(WebSocketSettings { browser: true, no_masking: false, ragged: false, deflate: false }),
    Some(WebSocketSettings { browser: false, no_masking: false, ragged: false, deflate: false }),
    Some(WebSocketSettings { browser: true, no_masking: false, ragged: false, deflate: true }),
    Some(WebSocketSettings { browser: false, no_masking: true, ragged: false, deflate: true }),
];

/// Publishers on one worker send all they have before it takes its turn; subscribers are on all workers.
fn crowd(workers: usize, publishers: usize, messages: usize, filler: usize) -> Result<(), Violation> {
    let mut world = World::new(1, &Settings { workers, ..Settings::default() });
    let connect = |world: &mut World, n: usize, worker| -> Result<usize, Violation> {
        let client = world.connect(worker, KINDS[n % 5], LinkSettings::default())?;
        world.settle()?;
        world.submit(client, &[Op::Connect(Options::USUAL), Op::Ping]);
        Ok(client)
    };
    for n in 0..6 {
        let client = connect(&mut world, n, n % workers)?;
        for filter in ["s.*", ">"] {
            let (filter, sid) = (filter.into(), format!("{filter}-of-client-{n}").into());
            world.submit(client, &[Op::Subscribe { filter, queue: None, sid }, Op::Ping]);
        }
        let (filter, sid) = (b"s.>".to_vec(), b"member".to_vec());
        world.submit(client, &[Op::Subscribe { filter, queue: Some(b"q".to_vec()), sid }]);
    }
    world.settle()?;
    for n in 0..publishers {
        let publisher = connect(&mut world, n, 0)?;
        let ops: Vec<Op> = (0..messages).map(|_| world.message(publisher, "s.t", None, filler)).collect();
        world.submit(publisher, &ops);
        world.submit(publisher, &[Op::Ping]);
    }
    world.settle()?;
    world.check_complete()?;
    let received: u64 = (0..6).map(|client| world.received(client)).sum();
    assert_eq!(received, (publishers * messages * 13) as u64);
    world.tear_down()
}

#[test]
fn large_messages() {
    for workers in 1..=3 {
        crowd(workers, 20, 10, 50_000).unwrap_or_else(|violation| panic!("{workers} workers: {violation}"));
    }
}

#[test]
fn many_messages() {
    for workers in 1..=3 {
        crowd(workers, 10, 1500, 1).unwrap_or_else(|violation| panic!("{workers} workers: {violation}"));
    }
}
