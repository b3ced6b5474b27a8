//! Matching of subjects against 100, 10,000 and a million subscriptions.

use std::hint::black_box;

use criterion::Throughput;

use crate::subjects::{Dunlin, Engine, HashOfLiterals, NaiveList, Published, Workload, parse};
use crate::{Criterion, Group};

/// So many answers are compared.
const CHECKED: usize = 200;

pub fn bench(criterion: &mut Criterion) {
    for (name, count) in [("100", 100), ("10k", 10_000), ("1M", 1_000_000)] {
        let workload = Workload::new(count);
        let subject_len: usize = workload.subjects.iter().map(String::len).sum();
        let mut group = criterion.benchmark_group(format!("match, {name} subscriptions"));
        group.throughput(Throughput::Bytes((subject_len / workload.subjects.len()) as u64));
        let mut list = NaiveList::build(&workload);
        let expected: Vec<usize> =
            workload.subjects[..CHECKED].iter().map(|subject| list.matches(subject)).collect();
        run::<Dunlin>(&mut group, &workload, "dunlin", &expected);
        run::<Published>(&mut group, &workload, "basic_pattern_matcher", &expected);
        run::<NaiveList<'_>>(&mut group, &workload, "naive list", &expected);

        let literals = workload.filters.iter().filter(|filter| parse(filter).is_literal()).cloned().collect();
        let literals = Workload { filters: literals, subjects: Vec::new() };
        let mut list = NaiveList::build(&literals);
        let expected: Vec<usize> =
            workload.subjects[..CHECKED].iter().map(|subject| list.matches(subject)).collect();
        run::<HashOfLiterals>(&mut group, &workload, "hash of literals", &expected);
        group.finish();
    }
}

fn run<'w, E: Engine<'w>>(group: &mut Group<'_>, workload: &'w Workload, name: &str, expected: &[usize]) {
    // Inside, so that engines left out by the filter on the command line are not built: some take a gigabyte.
    let mut engine = None;
    let mut subjects = workload.subjects.iter().cycle();
    group.bench_function(name, |bencher| {
        let engine = engine.get_or_insert_with(|| {
            let mut engine = E::build(workload);
            for (subject, expected) in workload.subjects.iter().zip(expected) {
                assert_eq!(engine.matches(subject), *expected, "{name} on {subject}");
            }
            engine
        });
        bencher.iter(|| engine.matches(black_box(subjects.next().expect("endless"))));
    });
}
