//! RFC 6455, a case a clause, whole and in pieces.

mod support;

use support::{Case, cases, naive, run};

fn check(case: &Case) {
    let Case { rule, settings, input, expected } = case;
    assert_eq!(&naive(settings, input), expected, "{rule}: the oracle");
    assert_eq!(&run(settings, [&input[..]]), expected, "{rule}: whole");
    assert_eq!(&run(settings, input.chunks(1)), expected, "{rule}: byte by byte");
}

#[test]
fn every_clause() {
    cases().iter().for_each(check);
}

#[test]
fn every_split_point() {
    for Case { rule, settings, input, expected } in cases().iter().filter(|case| case.input.len() < 1000) {
        for at in 0..=input.len() {
            let (head, tail) = input.split_at(at);
            assert_eq!(&run(settings, [head, tail]), expected, "{rule}: cut at {at}");
        }
    }
}

#[test]
fn every_truncation() {
    for Case { rule, settings, input, .. } in cases().iter().filter(|case| case.input.len() < 1000) {
        for end in 0..input.len() {
            let part = &input[..end];
            assert_eq!(run(settings, [part]), naive(settings, part), "{rule}: first {end} bytes");
        }
    }
}
