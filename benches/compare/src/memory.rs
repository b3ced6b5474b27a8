//! Heap bytes per subscription. Apart from the times, as counting slows allocation down.

use dunlin_compare::subjects::{Dunlin, Engine, HashOfLiterals, NaiveList, Published, Workload};

fn main() {
    // `cargo test` runs benches too, to see that they work.
    let counts: &[usize] =
        if std::env::args().any(|arg| arg == "--bench") { &[100, 10_000, 1_000_000] } else { &[100] };
    println!("\nHeap bytes per subscription, filters as in the matching benchmark\n");
    println!("| subscriptions | mean filter | dunlin | basic_pattern_matcher | naive list | hash |");
    println!("| ---: | ---: | ---: | ---: | ---: | ---: |");
    for &count in counts {
        let workload = Workload::new(count);
        let filter_len = workload.filters.iter().map(String::len).sum::<usize>() / count;
        let (dunlin, published) = (size::<Dunlin>(&workload), size::<Published>(&workload));
        // The list borrows the text of the filters.
        let list = size::<NaiveList<'_>>(&workload) + filter_len;
        let hash = size::<HashOfLiterals>(&workload);
        println!("| {count} | {filter_len} | {dunlin} | {published} | {list} | {hash} |");
    }
}

fn size<'w, E: Engine<'w>>(workload: &'w Workload) -> usize {
    let mut engine = None;
    let counted = allocation_counter::measure(|| engine = Some(E::build(workload)));
    // It is there until here.
    std::hint::black_box(&engine);
    counted.bytes_current as usize / workload.filters.len()
}
