//! Queue groups whose members go while messages cross to them.

use dunlin_testkit::{Farewell, LinkSettings, Op, Options, Settings, Violation, World};

/// So many that the member on the other worker is chosen for some of them, and for some not.
const MESSAGES: u64 = 40;

/// A client of queue group `q`. Without `options` it has not said CONNECT.
fn member(world: &mut World, worker: usize, options: Option<Options>) -> Result<usize, Violation> {
    let client = world.connect(worker, None, LinkSettings::default())?;
    world.settle()?;
    let subscribe = Op::Subscribe { filter: b"work".into(), queue: Some(b"q".into()), sid: b"1".into() };
    let ops: Vec<Op> = options.map(Op::Connect).into_iter().chain([subscribe]).collect();
    world.submit(client, &ops);
    world.settle()?;
    Ok(client)
}

/// The publisher is a member itself, and wants its own messages. While some cross to the other member, who goes, it says that it
/// does not want them any more: those that come back were published before.
#[test]
fn what_comes_back_to_its_publisher_is_delivered_as_when_it_was_published() {
    let story = || -> Result<(), Violation> {
        let mut world = World::new(7, &Settings { workers: 2, ..Settings::default() });
        let publisher = member(&mut world, 0, None)?;
        let other = member(&mut world, 1, Some(Options::USUAL))?;
        world.hold_crossings(true);
        for _ in 0..MESSAGES {
            let message = world.message(publisher, "work", None, 10);
            world.submit(publisher, &[message]);
        }
        world.settle()?;
        let at_once = world.received(publisher);
        assert!((1..MESSAGES).contains(&at_once), "{at_once} of {MESSAGES} took no detour");
        world.submit(publisher, &[Op::Connect(Options { echo: false, ..Options::USUAL })]);
        world.leave(other, Farewell::Cut, true);
        world.settle()?;
        world.hold_crossings(false);
        world.settle()?;
        assert_eq!(world.received(publisher), MESSAGES, "nothing is lost");
        world.check_complete()?;
        world.tear_down()
    };
    story().unwrap_or_else(|violation| panic!("{violation}"));
}
