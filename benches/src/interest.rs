//! Subjects, the filters that match them, and who subscribes to which.

use std::fmt;

use crate::spread::Scenario;
use crate::transport::Transport;

/// Subjects of one machine.
const READINGS: u64 = 100;

/// The subject of a message. Neighbours in time are far apart, as they are at many publishers.
pub(crate) fn subject(number: u64, subjects: u64) -> String {
    Filter::One(index(number, subjects)).to_string()
}

fn index(number: u64, subjects: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32) % subjects
}

/// What a subscription takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    /// One subject.
    One(u64),
    /// One subject, with a wildcard where all subjects are the same.
    Wild(u64),
    /// All readings of a machine.
    Machine(u64),
    /// The same reading of all machines.
    Reading(u64),
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Filter::One(index) => write!(f, "plant.{}.sensor.{}", index / READINGS, index % READINGS),
            Filter::Wild(index) => write!(f, "plant.{}.*.{}", index / READINGS, index % READINGS),
            Filter::Machine(machine) => write!(f, "plant.{machine}.>"),
            Filter::Reading(reading) => write!(f, "plant.*.sensor.{reading}"),
        }
    }
}

impl Filter {
    /// Whether it matches the subject of a message.
    pub(crate) fn takes(self, number: u64, subjects: u64) -> bool {
        let index = index(number, subjects);
        match self {
            Filter::One(own) | Filter::Wild(own) => own == index,
            Filter::Machine(machine) => machine == index / READINGS,
            Filter::Reading(reading) => reading == index % READINGS,
        }
    }
}

/// Who is connected, and subscribes to what.
pub(crate) struct Plan {
    pub(crate) transport: Transport,
    pub(crate) subjects: u64,
    /// With the blank behind it; empty where there is none.
    pub(crate) group: &'static str,
    /// Of each connection.
    pub(crate) filters: Vec<Vec<Filter>>,
    /// How many connections, the last ones, change their subscriptions all the time.
    pub(crate) changing: usize,
    /// How many subscriptions get each message.
    pub(crate) deliveries: u64,
}

/// Connections of the scenarios with many subjects.
const LINKS: u64 = 200;

impl Plan {
    pub(crate) fn of(scenario: Scenario) -> Plan {
        let plain = Plan {
            transport: Transport::WEBSOCKET,
            subjects: 1,
            group: "",
            filters: Vec::new(),
            changing: 0,
            deliveries: 1,
        };
        match scenario {
            Scenario::QueueGroup { members } => {
                Plan { group: "workers ", filters: vec![vec![Filter::One(0)]; members], ..plain }
            }
            Scenario::Wildcards { subjects } => {
                Plan { subjects, filters: ten_for_each(subjects), deliveries: 10, ..plain }
            }
            Scenario::Churn { subjects } => {
                let mut filters = ten_for_each(subjects);
                // Four connections with 25 each make two changes for each of the 100 messages of a burst.
                let (changing, each) = (4, 25);
                for link in 0..changing as u64 {
                    filters.push((0..each).map(|at| Filter::Wild((link * each + at) % subjects)).collect());
                }
                Plan { subjects, filters, changing, deliveries: 10, ..plain }
            }
            Scenario::Distinct { subjects } => {
                let links = subjects.min(10);
                let of = |link| (link..subjects).step_by(links as usize).map(Filter::One).collect();
                Plan { transport: Transport::TCP, subjects, filters: (0..links).map(of).collect(), ..plain }
            }
        }
    }
}

/// Ten subscriptions that match each subject, spread over the connections.
fn ten_for_each(subjects: u64) -> Vec<Vec<Filter>> {
    let mut filters = vec![Vec::new(); LINKS as usize];
    let mut add = |place: u64, filter| filters[(place % LINKS) as usize].push(filter);
    for index in 0..subjects {
        for copy in 0..6 {
            add(7 * index + 31 * copy, Filter::One(index));
        }
        for copy in 6..8 {
            add(7 * index + 31 * copy, Filter::Wild(index));
        }
    }
    for machine in 0..subjects.div_ceil(READINGS) {
        add(machine, Filter::Machine(machine));
    }
    for reading in 0..subjects.min(READINGS) {
        add(100 + reading, Filter::Reading(reading));
    }
    filters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_has_as_many_takers_as_the_plan_says() {
        for scenario in [
            Scenario::Wildcards { subjects: 40 },
            Scenario::Wildcards { subjects: 1000 },
            Scenario::Churn { subjects: 1000 },
            Scenario::Distinct { subjects: 1 },
            Scenario::Distinct { subjects: 1234 },
        ] {
            let plan = Plan::of(scenario);
            let still = plan.filters.len() - plan.changing;
            for number in 0..200 {
                let takers = plan.filters[..still].iter().flatten();
                let count = takers.filter(|filter| filter.takes(number, plan.subjects)).count();
                assert_eq!(count as u64, plan.deliveries, "{scenario}, message {number}");
            }
        }
    }

    #[test]
    fn messages_reach_most_subjects() {
        let used: std::collections::BTreeSet<u64> = (0..10_000).map(|number| index(number, 1000)).collect();
        assert!(used.len() > 900, "{}", used.len());
    }
}
