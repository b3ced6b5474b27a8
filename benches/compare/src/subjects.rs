//! Filters and subjects to match, and the four ways to keep the filters.

use std::collections::HashMap;

use basic_pattern_matcher::PatternMatcher;
use dunlin_subject::{Filter, Matches, Subject, Sublist};

pub struct Workload {
    pub filters: Vec<String>,
    pub subjects: Subjects,
}

/// One after the other in memory, as in a read buffer.
#[derive(Default)]
pub struct Subjects {
    text: String,
    ends: Vec<usize>,
}

impl Subjects {
    pub fn iter(&self) -> impl Iterator<Item = &str> + Clone {
        let starts = [0].iter().chain(&self.ends);
        starts.zip(&self.ends).map(|(&start, &end)| &self.text[start..end])
    }
}

impl FromIterator<String> for Subjects {
    fn from_iter<I: IntoIterator<Item = String>>(subjects: I) -> Subjects {
        let mut all = Subjects::default();
        for subject in subjects {
            all.text += &subject;
            all.ends.push(all.text.len());
        }
        all
    }
}

impl Workload {
    /// Half of the filters have wildcards. There are more subjects than caches hold answers for.
    pub fn new(count: usize) -> Workload {
        let mut rng = fastrand::Rng::with_seed(7);
        let devices = count as u32;
        let filters = (0..count).map(|_| {
            let subject = subject(&mut rng, devices);
            if rng.u8(..100) < 50 { wild(&mut rng, &subject, count) } else { subject }
        });
        let filters = filters.collect();
        let subjects = (0..1 << 18).map(|_| subject(&mut rng, devices)).collect();
        Workload { filters, subjects }
    }
}

/// Devices in regions, and valves in plants.
fn subject(rng: &mut fastrand::Rng, devices: u32) -> String {
    let device = rng.u32(..devices);
    match rng.u8(..4) {
        0 => format!("plant.{device}.valve.{}", device % 50),
        _ => format!("region.{}.device.{device}.{}", device % 100, ["temp", "load", "state"][rng.usize(..3)]),
    }
}

/// A subject with wildcards put in. Those that match many subjects are few, however many filters there are.
fn wild(rng: &mut fastrand::Rng, subject: &str, count: usize) -> String {
    let mut tokens: Vec<&str> = subject.split('.').collect();
    let last = tokens.len() - 1;
    match rng.u16(..100) {
        _ if rng.usize(..count) < 100 => match rng.u8(..4) {
            0 => (tokens[2], tokens[3]) = ("*", "*"),
            1 => (tokens[1], tokens[3]) = ("*", "*"),
            _ => tokens.splice(2.., [">"]).for_each(drop),
        },
        0..40 => tokens[last] = "*",
        40..60 => tokens[last] = ">",
        60..80 => tokens[2] = "*",
        _ if last == 3 => tokens[last] = "*",
        80..90 => tokens[1] = "*",
        _ => (tokens[1], tokens[last]) = ("*", ">"),
    }
    tokens.join(".")
}

/// One way to keep the filters, each with a number as its value.
pub trait Engine<'w>: Sized {
    fn build(workload: &'w Workload) -> Self;
    /// How many filters match. Their values have been gathered in the engine's memory.
    fn matches(&mut self, subject: &str) -> usize;
}

pub struct Dunlin(Sublist<u64>, Matches<u64>);

impl Engine<'_> for Dunlin {
    fn build(workload: &Workload) -> Dunlin {
        let mut list = Sublist::with_seed(1);
        for (value, filter) in (0..).zip(&workload.filters) {
            list.insert(parse(filter), None, value);
        }
        Dunlin(list, Matches::new())
    }

    fn matches(&mut self, subject: &str) -> usize {
        let subject = Subject::parse(subject.as_bytes()).expect("a subject");
        self.0.matches(subject, &mut self.1);
        self.1.plain.len()
    }
}

/// Every filter is compared with every subject.
pub struct NaiveList<'w>(Vec<(Filter<'w>, u64)>, Vec<u64>);

impl<'w> Engine<'w> for NaiveList<'w> {
    fn build(workload: &'w Workload) -> NaiveList<'w> {
        NaiveList(workload.filters.iter().map(|filter| parse(filter)).zip(0..).collect(), Vec::new())
    }

    fn matches(&mut self, subject: &str) -> usize {
        let subject = Subject::parse(subject.as_bytes()).expect("a subject");
        self.1.clear();
        self.1.extend(self.0.iter().filter(|(filter, _)| filter.matches(subject)).map(|&(_, value)| value));
        self.1.len()
    }
}

/// A hash map of the filters as they are written, so that it finds literal ones only: what exact lookup alone costs.
pub struct HashOfLiterals(HashMap<Box<str>, Vec<u64>, foldhash::fast::FixedState>, Vec<u64>);

impl Engine<'_> for HashOfLiterals {
    fn build(workload: &Workload) -> HashOfLiterals {
        let mut map: HashMap<Box<str>, Vec<u64>, _> = HashMap::default();
        for (value, filter) in (0..).zip(&workload.filters) {
            map.entry(filter.as_str().into()).or_default().push(value);
        }
        HashOfLiterals(map, Vec::new())
    }

    fn matches(&mut self, subject: &str) -> usize {
        self.1.clear();
        if let Some(values) = self.0.get(subject) {
            self.1.extend(values);
        }
        self.1.len()
    }
}

/// `basic_pattern_matcher`, whose `**` stands for `>`: no subject here has as few tokens as to tell them apart.
pub struct Published(PatternMatcher<u64>);

impl Engine<'_> for Published {
    fn build(workload: &Workload) -> Published {
        let mut matcher = PatternMatcher::new();
        for (value, filter) in (0..).zip(&workload.filters) {
            matcher.add_pattern(&filter.replace('>', "**"), value);
        }
        Published(matcher)
    }

    fn matches(&mut self, subject: &str) -> usize {
        self.0.match_topic(subject).len()
    }
}

pub fn parse(filter: &str) -> Filter<'_> {
    Filter::parse(filter.as_bytes()).expect("a filter")
}
