//! What runs an engine: to time it, or under callgrind to count its instructions. Both run the same code.

use std::hint::black_box;

use criterion::Throughput;

use crate::cpu_time::CpuTime;

/// Runs all groups.
pub enum Bench {
    /// Times the engines that the command line names.
    Time(Box<criterion::Criterion<CpuTime>>),
    /// Counts one engine, as a child of the run that times it.
    Count { group: String, engine: String },
}

/// Engines that do the same.
pub enum Group<'a> {
    Time(criterion::BenchmarkGroup<'a, CpuTime>),
    /// The engine of this group that is counted, if any.
    Count(Option<&'a str>),
}

/// Runs one engine.
pub enum Bencher<'a, 'b> {
    Time(&'a mut criterion::Bencher<'b, CpuTime>),
    Count,
}

/// Calls that are counted, after as many that are not.
const CALLS: usize = 64;

impl Bench {
    pub fn benchmark_group(&mut self, name: String) -> Group<'_> {
        match self {
            Bench::Time(criterion) => Group::Time(criterion.benchmark_group(name)),
            Bench::Count { group, engine } => Group::Count((*group == name).then_some(engine)),
        }
    }
}

impl Group<'_> {
    pub fn throughput(&mut self, throughput: Throughput) {
        if let Group::Time(group) = self {
            group.throughput(throughput);
        }
    }

    pub fn bench_function(&mut self, name: &str, mut run: impl FnMut(&mut Bencher<'_, '_>)) {
        match self {
            Group::Time(group) => {
                group.bench_function(name, |bencher| run(&mut Bencher::Time(bencher)));
            }
            Group::Count(engine) if *engine == Some(name) => run(&mut Bencher::Count),
            Group::Count(_) => {}
        }
    }

    pub fn finish(self) {
        if let Group::Time(group) = self {
            group.finish();
        }
    }
}

impl Bencher<'_, '_> {
    /// Runs `item`, which works on one of what is counted.
    pub fn iter<T>(&mut self, mut item: impl FnMut() -> T) {
        match self {
            Bencher::Time(bencher) => bencher.iter(item),
            Bencher::Count => {
                let mut calls = || (0..CALLS).for_each(|_| drop(black_box(item())));
                calls();
                count(&mut calls, CALLS);
            }
        }
    }

    /// Runs `batch`, which works on `items` of what is counted.
    pub fn per_item(&mut self, items: usize, mut batch: impl FnMut()) {
        match self {
            Bencher::Time(bencher) => bencher.iter_custom(|iterations| {
                let rounds = iterations.div_ceil(items as u64);
                let start = CpuTime::now();
                for _ in 0..rounds {
                    batch();
                }
                (CpuTime::now() - start).mul_f64(iterations as f64 / (rounds * items as u64) as f64)
            }),
            Bencher::Count => {
                batch();
                count(&mut batch, items);
            }
        }
    }
}

/// Counts `work`, and says to the parent for how many items.
fn count(work: &mut dyn FnMut(), items: usize) {
    counted(work);
    println!("{ITEMS}{items}");
}

/// Callgrind counts from here, by this function's name, to its end.
#[inline(never)]
fn counted(work: &mut dyn FnMut()) {
    work();
    // The end is here, not where a jump into `work` ends.
    black_box(());
}

/// The line in which a counted engine says for how many items it was counted.
pub const ITEMS: &str = "items ";
