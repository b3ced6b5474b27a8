//! Matching of subjects against 100, 10,000 and a million subscriptions.

use std::cell::LazyCell;
use std::hint::black_box;

use criterion::Throughput;
use dunlin_compare::subjects::{
    Dunlin, Engine, HashOfLiterals, NaiveList, Published, Subjects, Workload, parse,
};

use crate::group::{Bench, Group};

/// So many answers are compared.
const CHECKED: usize = 200;

/// With more, setting up takes minutes under callgrind.
const COUNTED_MAX: usize = 10_000;

/// Made when it is needed, as the filter on the command line can leave all out.
type Lazy = LazyCell<Setup, Box<dyn FnOnce() -> Setup>>;

struct Setup {
    workload: Workload,
    /// How many filters match each of the first subjects.
    expected: Vec<usize>,
    expected_literals: Vec<usize>,
}

pub fn bench(bench: &mut Bench) {
    for (name, count) in [("100", 100), ("10k", 10_000), ("1M", 1_000_000)] {
        if count > COUNTED_MAX && matches!(bench, Bench::Count { .. }) {
            continue;
        }
        let setup: Lazy = LazyCell::new(Box::new(move || Setup::new(count)));
        let mut group = bench.benchmark_group(format!("match, {name} subscriptions"));
        group.throughput(Throughput::Elements(1));
        run::<Dunlin>(&mut group, &setup, "dunlin", |setup| &setup.expected);
        run::<Published>(&mut group, &setup, "basic_pattern_matcher", |setup| &setup.expected);
        run::<NaiveList<'_>>(&mut group, &setup, "naive list", |setup| &setup.expected);
        run::<HashOfLiterals>(&mut group, &setup, "hash of literals", |setup| &setup.expected_literals);
        group.finish();
    }
}

impl Setup {
    fn new(count: usize) -> Setup {
        let workload = Workload::new(count);
        let literals = workload.filters.iter().filter(|filter| parse(filter).is_literal());
        let literals = Workload { filters: literals.cloned().collect(), subjects: Subjects::default() };
        let expected = matches(&workload, &workload.subjects);
        println!("{:.1} filters match on average", expected.iter().sum::<usize>() as f64 / CHECKED as f64);
        let expected_literals = matches(&literals, &workload.subjects);
        Setup { workload, expected, expected_literals }
    }
}

/// By the naive list, which is right by its plainness.
fn matches(workload: &Workload, subjects: &Subjects) -> Vec<usize> {
    let mut list = NaiveList::build(workload);
    subjects.iter().take(CHECKED).map(|subject| list.matches(subject)).collect()
}

fn run<'s, E: Engine<'s>>(
    group: &mut Group<'_>,
    setup: &'s Lazy,
    name: &str,
    expected: fn(&Setup) -> &Vec<usize>,
) {
    let mut made = None;
    group.bench_function(name, |bencher| {
        let (engine, subjects) = made.get_or_insert_with(|| {
            let Setup { workload, .. } = &**setup;
            let mut engine = E::build(workload);
            for (subject, expected) in workload.subjects.iter().zip(expected(setup)) {
                assert_eq!(engine.matches(subject), *expected, "{name} on {subject}");
            }
            (engine, workload.subjects.iter().cycle())
        });
        bencher.iter(|| engine.matches(black_box(subjects.next().expect("endless"))));
    });
}
