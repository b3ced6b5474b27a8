//! The list against the plain rule over a plain list, under random operations.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use dunlin_subject::{Filter, Matches, Subject, Sublist};
use proptest::collection::vec;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Op {
    Insert(Vec<u8>, Option<u8>, u8),
    Remove(usize),
    RemoveOther(Vec<u8>, Option<u8>, u8),
    Match(Vec<u8>),
}

type Row = (Vec<u8>, Option<Vec<u8>>, u8);

/// What a list must do, done plainly.
#[derive(Default)]
struct Model {
    rows: Vec<Row>,
}

type Found = (Vec<u8>, Vec<Vec<u8>>);

impl Model {
    fn insert(&mut self, row: Row) -> bool {
        let new = !self.rows.contains(&row);
        if new {
            self.rows.push(row);
        }
        new
    }

    fn remove(&mut self, row: &Row) -> bool {
        let at = self.rows.iter().position(|other| other == row);
        at.map(|at| self.rows.swap_remove(at)).is_some()
    }

    fn matches(&self, subject: Subject<'_>) -> Found {
        let mut plain = Vec::new();
        let mut groups: Vec<(&Row, Vec<u8>)> = Vec::new();
        for row in self.rows.iter().filter(|row| Filter::parse(&row.0).unwrap().matches(subject)) {
            if row.1.is_none() {
                plain.push(row.2);
            } else if let Some((_, members)) = groups.iter_mut().find(|(first, _)| first.1 == row.1) {
                members.push(row.2);
            } else {
                groups.push((row, vec![row.2]));
            }
        }
        sorted(plain, groups.into_iter().map(|(_, members)| members).collect())
    }
}

fn sorted(mut plain: Vec<u8>, mut groups: Vec<Vec<u8>>) -> Found {
    plain.sort_unstable();
    groups.iter_mut().for_each(|group| group.sort_unstable());
    groups.sort();
    (plain, groups)
}

fn found(list: &Sublist<u8>, subject: Subject<'_>, out: &mut Matches<u8>) -> Found {
    list.matches(subject, out);
    assert_eq!(list.has_interest(subject), !out.is_empty());
    sorted(out.plain.clone(), out.groups().map(<[u8]>::to_vec).collect())
}

/// Dotted tokens; a filter may end with `>`.
fn filter(tokens: &'static [&'static str], count: usize) -> impl Strategy<Value = Vec<u8>> {
    let token = proptest::sample::select(tokens);
    (vec(token, 1..=count), any::<u8>()).prop_map(|(mut tokens, tail)| {
        if tail % 4 == 0 {
            tokens.push(">");
        }
        tokens.join(".").into_bytes()
    })
}

fn subject(tokens: &'static [&'static str], count: usize) -> impl Strategy<Value = Vec<u8>> {
    vec(proptest::sample::select(tokens), 1..=count).prop_map(|tokens| tokens.join(".").into_bytes())
}

const IN_FILTERS: &[&str] = &["*", "*", "a", "b", "a*", "a_token_of_more_than_sixteen_bytes"];
const IN_SUBJECTS: &[&str] = &["a", "a", "b", "b", "a*", "*", ">", "a_token_of_more_than_sixteen_bytes"];

fn op() -> impl Strategy<Value = Op> {
    let queue = || prop_oneof![2 => Just(None), 1 => (0..3u8).prop_map(Some)];
    prop_oneof![
        4 => (filter(IN_FILTERS, 5), queue(), 0..4u8).prop_map(|(f, q, v)| Op::Insert(f, q, v)),
        3 => any::<usize>().prop_map(Op::Remove),
        1 => (filter(IN_FILTERS, 5), queue(), 0..4u8).prop_map(|(f, q, v)| Op::RemoveOther(f, q, v)),
        3 => subject(IN_SUBJECTS, 6).prop_map(Op::Match),
    ]
}

fn name(queue: Option<u8>) -> Option<Vec<u8>> {
    queue.map(|queue| vec![b'q', queue])
}

/// Runs both, and compares every answer. After every change, what `watched` sees may only have changed together with the
/// generation.
fn run(seed: u64, ops: &[Op], watched: &[Vec<u8>]) {
    let (mut list, mut model) = (Sublist::with_seed(seed), Model::default());
    let mut out = Matches::new();
    let see = |list: &Sublist<u8>, out: &mut Matches<u8>| -> Vec<Found> {
        watched.iter().map(|bytes| found(list, Subject::parse(bytes).unwrap(), out)).collect()
    };
    for op in ops {
        let (seen, generation) = (see(&list, &mut out), list.generation());
        let mut insert = |list: &mut Sublist<u8>, row: Row| {
            let done = list.insert(Filter::parse(&row.0).unwrap(), row.1.as_deref(), row.2);
            assert_eq!(done, model.insert(row));
        };
        match op.clone() {
            Op::Insert(filter, queue, value) => insert(&mut list, (filter, name(queue), value)),
            Op::Remove(at) if !model.rows.is_empty() => {
                let row = model.rows.swap_remove(at % model.rows.len());
                assert!(list.remove(Filter::parse(&row.0).unwrap(), row.1.as_deref(), row.2));
            }
            Op::Remove(_) => {}
            Op::RemoveOther(filter, queue, value) => {
                let row = (filter, name(queue), value);
                let done = list.remove(Filter::parse(&row.0).unwrap(), row.1.as_deref(), row.2);
                assert_eq!(done, model.remove(&row));
            }
            Op::Match(bytes) => {
                let subject = Subject::parse(&bytes).unwrap();
                assert_eq!(found(&list, subject, &mut out), model.matches(subject), "{subject:?}");
            }
        }
        assert_eq!((list.len(), list.is_empty()), (model.rows.len(), model.rows.is_empty()));
        if list.generation() == generation {
            assert_eq!(see(&list, &mut out), seen);
        }
    }
    let mut rows: Vec<Row> = list
        .iter()
        .map(|entry| (entry.filter.as_bytes().to_vec(), entry.queue.map(<[u8]>::to_vec), entry.value))
        .collect();
    rows.sort();
    model.rows.sort();
    assert_eq!(rows, model.rows);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn list_is_the_plain_rule(
        seed in any::<u64>(),
        ops in vec(op(), 0..120),
        watched in vec(subject(IN_SUBJECTS, 5), 3),
    ) {
        run(seed, &ops, &watched);
    }
}
