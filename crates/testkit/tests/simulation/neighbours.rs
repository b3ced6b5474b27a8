//! Workers that are behind: who publishes to them waits, and nobody else.

use std::time::Duration;

use dunlin_testkit::{LinkSettings, Op, Options, Settings, Violation, World};

fn connect(world: &mut World, worker: usize, filter: &str) -> Result<usize, Violation> {
    let client = world.connect(worker, None, LinkSettings::default())?;
    world.settle()?;
    let subscribe = Op::Subscribe { filter: filter.into(), queue: None, sid: "1".into() };
    world.submit(client, &[Op::Connect(Options::USUAL), subscribe, Op::Ping]);
    world.settle()?;
    Ok(client)
}

fn publish(world: &mut World, client: usize, subject: &str) -> Result<(), Violation> {
    let message = world.message(client, subject, None, 10);
    world.submit(client, &[message]);
    world.settle()
}

fn published(world: &World, worker: usize) -> u64 {
    world.worker(worker).snapshot(<_>::default()).counters.in_msgs
}

#[test]
fn who_publishes_to_a_worker_that_is_behind_waits() {
    let story = || -> Result<(), Violation> {
        // Two batches on their way are enough to do for a worker.
        let mut world = World::new(7, &Settings { workers: 2, backlog_max: 4, ..Settings::default() });
        let far = connect(&mut world, 1, "far")?;
        let flooder = connect(&mut world, 0, "nothing")?;
        let quiet = connect(&mut world, 0, "near")?;

        world.hold_crossings(true);
        for _ in 0..10 {
            publish(&mut world, flooder, "far")?;
        }
        // The third is the first that finds the other worker behind.
        assert_eq!(published(&world, 0), 3);
        for count in 1..=10 {
            publish(&mut world, quiet, "near")?;
            assert_eq!(world.received(quiet), count, "it has nothing to do with that worker");
        }

        world.hold_crossings(false);
        world.pass(Duration::from_millis(100))?;
        assert_eq!(world.received(far), 10, "nothing is lost");
        world.check_complete()?;
        world.tear_down()
    };
    story().unwrap_or_else(|violation| panic!("{violation}"));
}

#[test]
fn nothing_is_read_while_a_worker_is_far_behind() {
    let story = || -> Result<(), Violation> {
        let mut world = World::new(7, &Settings { workers: 2, backlog_max: 4, ..Settings::default() });
        let far = connect(&mut world, 1, "far")?;
        let flooders: Vec<usize> =
            (0..10).map(|_| connect(&mut world, 0, "near")).collect::<Result<_, _>>()?;
        world.hold_crossings(true);
        for &flooder in &flooders {
            publish(&mut world, flooder, "far")?;
        }
        assert_eq!(published(&world, 0), 4);
        publish(&mut world, flooders[9], "near")?;
        assert_eq!(world.received(flooders[9]), 0);

        world.hold_crossings(false);
        world.pass(Duration::from_millis(100))?;
        assert_eq!((world.received(far), world.received(flooders[9])), (10, 1), "nothing is lost");
        world.check_complete()?;
        world.tear_down()
    };
    story().unwrap_or_else(|violation| panic!("{violation}"));
}

#[test]
fn who_has_waited_once_can_still_be_stale() {
    let story = || -> Result<(), Violation> {
        let settings = Settings {
            workers: 2,
            backlog_max: 4,
            ping_interval: Duration::from_secs(10),
            pings_out_max: 1,
            ..Settings::default()
        };
        let mut world = World::new(7, &settings);
        let far = connect(&mut world, 1, "far")?;
        let flooder = connect(&mut world, 0, "nothing")?;
        world.hold_crossings(true);
        for _ in 0..3 {
            publish(&mut world, flooder, "far")?;
        }
        world.hold_crossings(false);
        world.pass(Duration::from_millis(100))?;
        assert_eq!(world.received(far), 3);

        world.mute(flooder);
        world.expect_end(flooder, Some("Stale Connection"), 0);
        world.pass(Duration::from_secs(60))?;
        assert!(world.has_ended(flooder));
        world.tear_down()
    };
    story().unwrap_or_else(|violation| panic!("{violation}"));
}
