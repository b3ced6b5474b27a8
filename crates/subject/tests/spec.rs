//! The rules of subjects and filters, a row for each clause. The reference is the behaviour of nats-server 2.15.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use dunlin_subject::{Filter, LEN_MAX, Matches, Subject, SubjectError, Sublist};
use proptest::prelude::*;

#[track_caller]
fn check(clause: &str, filter: &str, subject: &str, matches: bool) {
    let (filter, subject) = (filter.as_bytes(), subject.as_bytes());
    let (filter, subject) = (Filter::parse(filter).unwrap(), Subject::parse(subject).unwrap());
    assert_eq!(filter.matches(subject), matches, "{clause}: {filter:?} {subject:?}");
    // The list must say the same, in company and alone, for plain subscriptions and for queue groups.
    for others in [&[][..], &["z.*.y.>", "*.z.*", "z", "*.*.*.*.*.z"]] {
        let mut list = Sublist::new();
        for other in others {
            list.insert(Filter::parse(other.as_bytes()).unwrap(), None, 0);
        }
        list.insert(filter, None, 1);
        list.insert(filter, Some(b"q"), 2);
        let mut out = Matches::new();
        list.matches(subject, &mut out);
        assert_eq!(out.plain, [1].repeat(matches.into()), "{clause}: {filter:?} {subject:?}");
        let groups: Vec<&[i32]> = out.groups().collect();
        assert_eq!(groups, [&[2][..]].repeat(matches.into()), "{clause}: {filter:?} {subject:?}");
        assert_eq!(list.has_interest(subject), matches, "{clause}: {filter:?} {subject:?}");
    }
}

#[test]
fn matching() {
    check("tokens are equal", "a.b", "a.b", true);
    check("tokens differ", "a.b", "a.c", false);
    check("case-sensitive", "a.B", "a.b", false);
    check("fewer tokens", "a.b.c", "a.b", false);
    check("more tokens", "a.b", "a.b.c", false);
    check("a dot is no part of a token", "a.b", "ab", false);
    check("tokens are not only prefixes", "a.b", "a.bc", false);
    check("`*` is one token", "a.*.c", "a.b.c", true);
    check("`*` first", "*.b", "a.b", true);
    check("`*` last", "a.*", "a.b", true);
    check("`*` alone", "*", "a", true);
    check("`*` is not two tokens", "a.*", "a.b.c", false);
    check("`*` is not no token", "a.*", "a", false);
    check("`*` many times", "*.*.c.*", "a.b.c.d", true);
    check("`*` many times, and a token differs", "*.*.c.*", "a.b.d.c", false);
    check("`>` is one token", "a.>", "a.b", true);
    check("`>` is many tokens", "a.>", "a.b.c.d", true);
    check("`>` is not no token", "a.>", "a", false);
    check("`>` alone", ">", "a", true);
    check("`>` alone, many tokens", ">", "a.b.c", true);
    check("`*` and `>`", "*.b.>", "a.b.c.d", true);
    check("`*` and `>`, too short", "*.b.>", "a.b", false);
    check("`*` and `>` side by side", "*.>", "a", false);
    check("wildcards are whole tokens: a*", "a*", "ab", false);
    check("wildcards are whole tokens: a* is literal", "a*", "a*", true);
    check("wildcards are whole tokens: a.*x is literal", "a.*x", "a.*x", true);
    check("wildcards are whole tokens: a.>x is literal", "a.>x.b", "a.>x.b", true);
    check("wildcards are whole tokens: ** is literal", "**", "a", false);
    check("a published * is a literal that `*` matches", "foo.*", "foo.*", true);
    check("a published * is a literal that `>` matches", "foo.>", "foo.*", true);
    check("a published > is a literal that `*` matches", "foo.*", "foo.>", true);
    check("a published > is a literal that `>` matches", "foo.>", "foo.>", true);
    check("a published > may be in the middle", "foo.*.bar", "foo.>.bar", true);
    check("a published * matches no literal", "foo.bar", "foo.*", false);
    check("a published > matches no literal", "foo.bar", "foo.>", false);
    check("UTF-8 and control bytes are allowed", "é.\u{1}.\u{7f}", "é.\u{1}.\u{7f}", true);
    check("$SYS is like any other here", "*.b", "$SYS.b", true);
    for len in [1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 62, 63, 64, 65, 127, 128, 129, 1000, 4096] {
        let (long, other) = ("x".repeat(len), "x".repeat(len - 1) + "y");
        check("tokens of any length", &format!("a.{long}"), &format!("a.{long}"), true);
        check("tokens of any length", &format!("a.{long}"), &format!("a.{other}"), false);
        check("tokens of any length", &format!("*.{long}.>"), &format!("a.{long}.b"), true);
        check("tokens of any length", &format!("*.{long}.>"), &format!("a.{other}.b"), false);
        check("tokens of any length", &long, &long, true);
        check("tokens of any length", &format!("{long}.*"), &format!("{long}.b"), true);
    }
}

#[test]
fn parsing() {
    use SubjectError::*;
    let long = vec![b'a'; LEN_MAX + 1];
    let rows: &[(&[u8], Option<SubjectError>)] = &[
        (b"a", None),
        (b"a.b.c", None),
        (b"*", None),
        (b">", None),
        (b"a.*.>", None),
        (b"\x00\x01\x0b\x1f\x7f\x80\xff.\xc3\xa9", None),
        (b"", Some(Empty)),
        (b".", Some(EmptyToken)),
        (b".a", Some(EmptyToken)),
        (b"a.", Some(EmptyToken)),
        (b"a..b", Some(EmptyToken)),
        (b"a b", Some(Whitespace)),
        (b"a\tb", Some(Whitespace)),
        (b"a\rb", Some(Whitespace)),
        (b"a\nb", Some(Whitespace)),
        (b"a\x0cb", Some(Whitespace)),
        (&long[1..], None),
        (&long, Some(TooLong)),
    ];
    for &(bytes, error) in rows {
        assert_eq!(Subject::parse(bytes).err(), error, "{}", bytes.escape_ascii());
        assert_eq!(Filter::parse(bytes).err(), error, "{}", bytes.escape_ascii());
    }
    // Only as a filter.
    for bytes in [&b">.a"[..], b"a.>.b", b">.>", b"a.>.*", b"*.>.>"] {
        assert_eq!(Filter::parse(bytes).err(), Some(TailNotLast));
        assert!(Subject::parse(bytes).is_ok());
    }
}

#[test]
fn what_filters_and_subjects_say_of_themselves() {
    for (bytes, count, literal) in [
        ("a", 1, true),
        ("a.b.c", 3, true),
        ("a*.>b", 2, true),
        ("a.*", 2, false),
        (">", 1, false),
        ("*.a.>", 3, false),
    ] {
        let (filter, subject) =
            (Filter::parse(bytes.as_bytes()).unwrap(), Subject::parse(bytes.as_bytes()).unwrap());
        assert_eq!((filter.token_count(), filter.is_literal()), (count, literal), "{bytes}");
        assert_eq!((subject.tokens().count(), subject.is_literal()), (count, literal), "{bytes}");
        assert!(filter.tokens().eq(bytes.split('.').map(str::as_bytes)));
        assert!(subject.tokens().eq(bytes.split('.').map(str::as_bytes)));
        assert_eq!((filter.as_bytes(), subject.as_bytes()), (bytes.as_bytes(), bytes.as_bytes()));
    }
}

#[test]
fn filters_of_filters() {
    // Left, right, left is a subset, right is a subset, they overlap.
    let rows = [
        ("a.b", "a.b", true, true, true),
        ("a.b", "a.c", false, false, false),
        ("a.b", "a.*", true, false, true),
        ("a.b", "a.>", true, false, true),
        ("a.*", "a.>", true, false, true),
        ("a.*", "*.b", false, false, true),
        ("a.*.c", "a.>", true, false, true),
        ("a.>", ">", true, false, true),
        ("*.>", ">", true, false, true),
        ("*", ">", true, false, true),
        ("a", "a.>", false, false, false),
        ("a.*", "*", false, false, false),
        ("a.>", "*.b", false, false, true),
        ("a.>", "b.>", false, false, false),
        ("*.b.>", "a.>", false, false, true),
        ("*.>", "a.*.c", false, true, true),
    ];
    for (left, right, subset, superset, overlap) in rows {
        let (a, b) = (Filter::parse(left.as_bytes()).unwrap(), Filter::parse(right.as_bytes()).unwrap());
        assert_eq!((a.is_subset_of(b), b.is_subset_of(a)), (subset, superset), "{left} {right}");
        assert_eq!((a.overlaps(b), b.overlaps(a)), (overlap, overlap), "{left} {right}");
    }
}

#[test]
fn subscriptions() {
    let filter = |text: &'static str| Filter::parse(text.as_bytes()).unwrap();
    let mut list = Sublist::new();
    assert!(list.insert(filter("a.*"), None, 1));
    assert!(!list.insert(filter("a.*"), None, 1), "a value is in a filter once");
    assert!(list.insert(filter("a.*"), Some(b"q"), 1), "and once in each of its groups");
    assert!(!list.insert(filter("a.*"), Some(b"q"), 1));
    assert!(list.insert(filter("a.*"), Some(b"q"), 2));
    assert!(list.insert(filter("a.*"), Some(b"r"), 1));
    assert!(list.insert(filter("a.>"), Some(b"q"), 1), "and of its own filter");
    assert!(list.insert(filter("a.*"), Some(b""), 3), "an empty name is a name");
    assert_eq!(list.len(), 6);
    let mut out = Matches::new();
    list.matches(Subject::parse(b"a.b").unwrap(), &mut out);
    let sorted = |group: &[i32]| {
        let mut group = group.to_vec();
        group.sort_unstable();
        group
    };
    let mut groups: Vec<Vec<i32>> = out.groups().map(sorted).collect();
    groups.sort();
    assert_eq!(
        (&out.plain[..], groups),
        (&[1][..], vec![vec![1], vec![1, 1, 2], vec![3]]),
        "a group has one name and all filters"
    );
    let generation = list.generation();
    assert!(!list.remove(filter("a.*"), Some(b"r"), 2), "not a member");
    assert!(!list.remove(filter("a.*"), Some(b"s"), 1), "no such group");
    assert!(!list.remove(filter("a.b"), None, 1), "no such filter");
    assert_eq!(list.generation(), generation, "nothing has changed");
    assert!(list.remove(filter("a.*"), None, 1));
    assert_ne!(list.generation(), generation);
    list.matches(Subject::parse(b"x").unwrap(), &mut out);
    assert!(out.is_empty(), "old matches are gone");
}

/// The rules said slowly.
fn parse_slowly(bytes: &[u8], filter: bool) -> Result<(), SubjectError> {
    if bytes.is_empty() {
        return Err(SubjectError::Empty);
    }
    if bytes.iter().any(|byte| b" \t\r\n\x0c".contains(byte)) {
        return Err(SubjectError::Whitespace);
    }
    let tokens: Vec<&[u8]> = bytes.split(|&byte| byte == b'.').collect();
    if tokens.contains(&&b""[..]) {
        return Err(SubjectError::EmptyToken);
    }
    match tokens.iter().position(|token| token == b">") {
        Some(at) if filter && at + 1 < tokens.len() => Err(SubjectError::TailNotLast),
        _ => Ok(()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Every beginning and every end of anything.
    #[test]
    fn parsing_is_as_said_slowly(bytes in proptest::collection::vec(
        prop_oneof![6 => Just(b'a'), 2 => Just(b'.'), 1 => Just(b'>'), 1 => Just(b'*'), 1 => any::<u8>()], 0..200,
    )) {
        for at in 0..=bytes.len() {
            for part in [&bytes[..at], &bytes[at..]] {
                // Within a block of 64 bytes the checks go together, so which of two errors is reported is open.
                let (slow, fast) = (parse_slowly(part, false), Subject::parse(part).map(drop));
                prop_assert_eq!(fast.is_ok(), slow.is_ok(), "{}", part.escape_ascii());
                prop_assert!(fast == slow || (part.len() > 64 && fast.is_err()), "{}", part.escape_ascii());
                prop_assert_eq!(Filter::parse(part).is_ok(), parse_slowly(part, true).is_ok());
            }
        }
    }
}
