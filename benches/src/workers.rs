//! The same work with one worker and with two: what the second one is good for.
//!
//! Where the generator shares the cores with the server, wall time cannot tell. CPU time, and how evenly the threads had it, can.

use std::fmt;
use std::thread;

use anyhow::{Context as _, ensure};
use mio::Events;

use crate::fanout::{self, Pattern};
use crate::payload::Payload;
use crate::publish::{self, Publisher, WINDOW_MESSAGES};
use crate::sample::{Figure, Meter, Sample};
use crate::server::Server;
use crate::transport::Transport;

/// How many workers are compared, in the order of the report.
pub(crate) const COUNTS: [usize; 2] = [1, 2];

/// What the workers have to do.
#[derive(Clone, Copy)]
pub(crate) enum Scenario {
    /// Eight connections publish what nobody subscribes to, so many messages in all.
    Publish {
        messages: u64,
    },
    FanOut(fanout::Scenario, Pattern),
    /// Eight times one publisher with subscribers of its own, so many bursts of each.
    Groups {
        bursts: u64,
    },
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scenario::Publish { .. } => write!(f, "{} publishers, {PUBLISH}", THREADS * LINKS),
            Scenario::FanOut(scenario, pattern) => write!(f, "{scenario}, {pattern}"),
            Scenario::Groups { .. } => write!(f, "{} times {GROUP}, bursts of {BURST}", THREADS * LINKS),
        }
    }
}

const PUBLISH: publish::Scenario =
    publish::Scenario { transport: Transport::TCP, payload: Payload::Text(128), per_frame: 1 };
const GROUP: fanout::Scenario = fanout::Scenario {
    subscribers: 8,
    payload: Payload::Text(128),
    transport: Transport::WEBSOCKET,
    different_sids: false,
};
/// Messages in one write to a group.
const BURST: u64 = 100;
/// Threads of the generator that publish.
const THREADS: usize = 2;
/// Publishers of each.
const LINKS: usize = 4;

/// Runs a scenario on a server that has been started with so many workers.
pub(crate) fn run(server: &Server, scenario: Scenario) -> anyhow::Result<Sample> {
    match scenario {
        Scenario::Publish { messages } => publish(server, messages),
        Scenario::FanOut(scenario, pattern) => fanout::run(server, scenario, pattern),
        Scenario::Groups { bursts } => groups(server, bursts),
    }
}

fn publish(server: &Server, messages: u64) -> anyhow::Result<Sample> {
    let links = (THREADS * LINKS) as u64;
    let mut publishers =
        (0..links).map(|_| Publisher::open(server, PUBLISH)).collect::<anyhow::Result<Vec<_>>>()?;
    let windows = messages / (links * WINDOW_MESSAGES) + 1;
    all_publish(&mut publishers, windows / 10 + 1)?;
    let published = server.published()?;
    let meter = Meter::start(server)?;
    all_publish(&mut publishers, windows)?;
    let used = meter.stop()?;
    let sent = windows * links * WINDOW_MESSAGES;
    if let (Some(before), Some(after)) = (published, server.published()?) {
        ensure!(after - before == sent, "{sent} messages were sent, and {} arrived", after - before);
    }
    Ok(used.per("message", sent))
}

/// So many windows of each.
fn all_publish(publishers: &mut [Publisher], windows: u64) -> anyhow::Result<()> {
    in_threads(publishers, |publishers| {
        for _ in 0..windows {
            for publisher in &mut *publishers {
                publisher.wait()?;
                publisher.send()?;
            }
        }
        publishers.iter_mut().try_for_each(Publisher::wait)
    })
}

fn groups(server: &Server, bursts: u64) -> anyhow::Result<Sample> {
    let open = |index| fanout::Run::open(server, GROUP, &format!("group.{index}"));
    let mut groups = (0..THREADS * LINKS).map(open).collect::<anyhow::Result<Vec<_>>>()?;
    all_burst(&mut groups, bursts / 10 + 1)?;
    let meter = Meter::start(server)?;
    all_burst(&mut groups, bursts)?;
    let deliveries = bursts * BURST * (groups.len() * GROUP.subscribers) as u64;
    Ok(meter.stop()?.per("delivery", deliveries))
}

/// So many bursts of each.
fn all_burst(groups: &mut [fanout::Run], bursts: u64) -> anyhow::Result<()> {
    in_threads(groups, |groups| {
        let mut events = Events::with_capacity(1024);
        for _ in 0..bursts {
            for group in &mut *groups {
                group.finish_burst(&mut events)?;
                group.start_burst(BURST)?;
            }
        }
        groups.iter_mut().try_for_each(|group| group.finish_burst(&mut events))
    })
}

/// Each thread has some of them. While it waits for one, the server has work from the others.
fn in_threads<P: Send>(
    publishers: &mut [P],
    act: impl Fn(&mut [P]) -> anyhow::Result<()> + Copy + Send,
) -> anyhow::Result<()> {
    thread::scope(|scope| {
        let threads: Vec<_> =
            publishers.chunks_mut(LINKS).map(|some| scope.spawn(move || act(some))).collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("publishers return their errors"))
    })
    .context("a publisher failed")
}

/// How many times the throughput of one worker two would have if the generator had cores of its own: the server is done when its
/// busiest thread is. `None` where a sample does not tell.
pub(crate) fn speed_up(one: &Sample, two: &Sample) -> Option<f64> {
    let find = |sample: &Sample, wanted: fn(Figure) -> bool| {
        sample.iter().find(|&&(figure, _)| wanted(figure)).map(|&(_, value)| value)
    };
    let busiest = |sample: &Sample| {
        let cpu = find(sample, |figure| matches!(figure, Figure::Cpu(_)))?;
        Some(cpu * find(sample, |figure| figure == Figure::BusiestShare)?)
    };
    Some(busiest(one)? / busiest(two)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_workers_are_as_fast_as_the_busier_one() {
        let sample = |cpu, share| vec![(Figure::Cpu("message"), cpu), (Figure::BusiestShare, share)];
        for (one, two, expected) in [
            (sample(1.0, 1.0), sample(1.0, 0.5), 2.0),
            (sample(1.0, 1.0), sample(1.25, 0.5), 1.6),
            (sample(1.0, 1.0), sample(1.0, 0.8), 1.25),
            (sample(1.0, 1.0), sample(1.2, 1.0), 1.0 / 1.2),
        ] {
            let speed_up = speed_up(&one, &two).expect("all is there");
            assert!((speed_up - expected).abs() < 1e-9, "{speed_up} {expected}");
        }
        assert_eq!(speed_up(&sample(1.0, 1.0), &vec![(Figure::Cpu("message"), 1.0)]), None);
    }
}
