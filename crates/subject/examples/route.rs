//! Who gets a message? `cargo run --example route -- SUBJECT FILTER...`, where `FILTER@QUEUE` is a member of a group.

use std::env;

use dunlin_subject::{Filter, Matches, Subject, SubjectError, Sublist};

fn main() -> Result<(), SubjectError> {
    let mut words: Vec<String> = env::args().skip(1).collect();
    if words.is_empty() {
        words = ["region.12.temp", "region.*.temp", "region.>@archive", "*.12.>@archive", "other"]
            .map(String::from)
            .into();
    }
    let mut list = Sublist::with_seed(1);
    for (number, word) in words.iter().enumerate().skip(1) {
        let (filter, queue) =
            word.split_once('@').map_or((&word[..], None), |(a, b)| (a, Some(b.as_bytes())));
        list.insert(Filter::parse(filter.as_bytes())?, queue, number);
    }
    let mut found = Matches::new();
    list.matches(Subject::parse(words[0].as_bytes())?, &mut found);
    for &number in &found.plain {
        println!("delivered to {}", words[number]);
    }
    for group in found.groups() {
        let names: Vec<&str> = group.iter().map(|&number| &words[number][..]).collect();
        println!("delivered to one of {}", names.join(", "));
    }
    Ok(())
}
