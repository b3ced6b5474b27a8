//! Filters that someone chose in order to hurt. None of this may take long or need much stack: an implementation that is
//! exponential or quadratic in the wrong place does not come to an end here.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use dunlin_subject::{Filter, Matches, Subject, Sublist};

fn filter(text: &str) -> Filter<'_> {
    Filter::parse(text.as_bytes()).unwrap()
}

fn matches(list: &Sublist<u32>, subject: &str) -> Vec<u32> {
    let mut out = Matches::new();
    list.matches(Subject::parse(subject.as_bytes()).unwrap(), &mut out);
    out.plain.sort_unstable();
    out.plain
}

#[test]
fn subject_of_2048_tokens() {
    let mut list = Sublist::new();
    let subject = vec!["a"; 2048].join(".");
    let filters = [
        vec!["*"; 2048].join("."),
        vec!["*"; 2047].join(".") + ".>",
        vec!["*.a"; 1024].join("."),
        vec!["a.*"; 1024].join("."),
        vec!["*.a"; 1023].join(".") + ".>",
        vec!["*.a.a"; 682].join(".") + ".*.a",
        vec!["*"; 1024].join(".") + &".a".repeat(1024),
        vec!["a"; 1024].join(".") + &".*".repeat(1024),
        ">".into(),
        subject.clone(),
    ];
    let near = [vec!["*"; 2047].join("."), vec!["*"; 2048].join(".") + ".>", vec!["*.b"; 1024].join(".")];
    for (value, text) in (0..).zip(filters.iter().chain(&near)) {
        assert!(list.insert(filter(text), None, value));
    }
    assert_eq!(matches(&list, &subject), (0..filters.len() as u32).collect::<Vec<_>>());
    for (value, text) in (0..).zip(filters.iter().chain(&near)) {
        assert!(list.remove(filter(text), None, value));
    }
    assert_eq!(matches(&list, &subject), []);
}

/// All 4096 ways to put wildcards into twelve tokens, and as many with other literal tokens.
#[test]
fn all_combinations_of_wildcards() {
    let mut list = Sublist::new();
    let text = |literal: &str, stars: u32| {
        let tokens = (0..12).map(|place| if stars >> place & 1 == 1 { "*" } else { literal });
        tokens.collect::<Vec<_>>().join(".")
    };
    for stars in 0..1 << 12 {
        assert!(list.insert(filter(&text("a", stars)), None, stars));
        // The filter of wildcards only is the same one again.
        assert_eq!(list.insert(filter(&text("b", stars)), None, stars), stars != 0xfff);
    }
    let all: Vec<u32> = (0..1 << 12).collect();
    assert_eq!(matches(&list, &text("a", 0)), all);
    assert_eq!(matches(&list, &text("b", 0)), all);
    assert_eq!(matches(&list, &text("c", 0)), [0xfff]);
    // One token of the other kind: the wildcard must be there.
    let mixed = text("a", 0).replacen('a', "b", 1);
    let some = (0..1 << 12).filter(|stars| stars & 1 == 1 || *stars == 0xffe).collect::<Vec<u32>>();
    assert_eq!(matches(&list, &mixed), some);
    assert_eq!(matches(&list, &text("*", 0)), [0xfff]);
}

/// Wildcard after wildcard, with runs of every length between them: all shapes exist, few filters fit.
#[test]
fn all_shapes_exist() {
    let mut list = Sublist::new();
    for first in 0..64 {
        for second in 0..64 {
            let text = format!("{}*{}.*", "x.".repeat(first), ".x".repeat(second));
            assert!(list.insert(filter(&text), None, 0));
            let text = format!("{}*{}.>", "x.".repeat(first), ".x".repeat(second));
            assert!(list.insert(filter(&text), None, 0));
        }
    }
    let subject = |token: &str| vec![token; 66].join(".");
    // The runs and the wildcards make 66 tokens, or at most 66 where the last wildcard is `>`.
    let fit =
        |first: usize, second: usize| usize::from(first + second == 64) + usize::from(first + second <= 64);
    let count: usize = (0..64).map(|first| (0..64).map(|second| fit(first, second)).sum::<usize>()).sum();
    assert_eq!(matches(&list, &subject("x")).len(), count);
    assert_eq!(matches(&list, &subject("y")).len(), 1);
}

#[test]
fn a_hundred_thousand_subscribers_of_one_filter() {
    let mut list = Sublist::new();
    let mut order: Vec<u32> = (0..100_000).collect();
    let mut random = fastrand::Rng::with_seed(5);
    for queue in [None, Some(&b"workers"[..])] {
        for &value in &order {
            assert!(list.insert(filter("a.b"), queue, value));
            assert!(!list.insert(filter("a.b"), queue, value));
        }
        random.shuffle(&mut order);
        for &value in &order {
            assert!(list.remove(filter("a.b"), queue, value));
            assert!(!list.remove(filter("a.b"), queue, value));
        }
        assert!(list.is_empty() && !list.has_interest(Subject::parse(b"a.b").unwrap()));
    }
}

#[test]
fn a_hundred_thousand_queue_groups_of_one_filter() {
    let mut list = Sublist::new();
    let mut order: Vec<u32> = (0..100_000).collect();
    for &value in &order {
        assert!(list.insert(filter("a.*"), Some(&value.to_le_bytes()), value));
    }
    let mut out = Matches::new();
    list.matches(Subject::parse(b"a.b").unwrap(), &mut out);
    let mut members: Vec<u32> = out.groups().flatten().copied().collect();
    members.sort_unstable();
    assert_eq!(members, order);
    fastrand::Rng::with_seed(6).shuffle(&mut order);
    for &value in &order {
        assert!(list.remove(filter("a.*"), Some(&value.to_le_bytes()), value));
    }
    assert!(list.is_empty());
}
