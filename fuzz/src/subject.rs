//! The list of subscriptions, beside a plain list of them.
//!
//! Each byte but the first eight, which seed the hashes, is a step: it adds a token to the subject at hand, or uses it: to insert,
//! remove or match. The whole input is also parsed as it is, in pieces.

use dunlin_subject::{Filter, LEN_MAX, Matches, Subject, Sublist};

const TOKENS: [&str; 8] = ["a", "b", "*", ">", "a*", "a-token-of-more-than-sixteen-bytes", "", "c"];

type Row = (String, Option<u8>, u8);

/// Runs one input.
pub fn run(data: &[u8]) {
    data.split(|&byte| byte == b'\n').for_each(parse);
    relate(data);
    let Some((seed, steps)) = data.split_first_chunk::<8>() else { return };
    let mut list = Sublist::with_seed(u64::from_le_bytes(*seed));
    let mut rows: Vec<Row> = Vec::new();
    let mut found = Matches::new();
    let mut at_hand = Vec::new();
    for &step in steps {
        let text = at_hand.join(".");
        let queue = Some(step >> 3 & 3).filter(|&queue| queue != 3);
        let row = (text.clone(), queue, step >> 5);
        match step & 7 {
            0..=3 => at_hand.push(TOKENS[usize::from(step >> 3 & 7)]),
            4 | 5 => {
                let Ok(filter) = Filter::parse(text.as_bytes()) else { continue };
                let new = !rows.contains(&row);
                assert_eq!(list.insert(filter, name(&queue), row.2), new, "insert {row:?}");
                if new {
                    rows.push(row);
                }
                at_hand.clear();
            }
            6 => {
                let Ok(filter) = Filter::parse(text.as_bytes()) else { continue };
                let place = rows.iter().position(|other| *other == row);
                assert_eq!(list.remove(filter, name(&queue), row.2), place.is_some(), "remove {row:?}");
                place.map(|place| rows.swap_remove(place));
                at_hand.clear();
            }
            _ => {
                if let Ok(subject) = Subject::parse(text.as_bytes()) {
                    list.matches(subject, &mut found);
                    check(&rows, subject, &found);
                    assert_eq!(list.has_interest(subject), !found.is_empty());
                }
                at_hand.clear();
            }
        }
    }
    assert_eq!(list.len(), rows.len());
}

/// The rules of section 7 of the protocol, said slowly.
fn parse(bytes: &[u8]) {
    let tokens: Vec<&[u8]> = bytes.split(|&byte| byte == b'.').collect();
    let clean = bytes.iter().all(|byte| !b" \t\r\n\x0c".contains(byte));
    let good = clean && bytes.len() <= LEN_MAX && tokens.iter().all(|token| !token.is_empty());
    assert_eq!(Subject::parse(bytes).is_ok(), good, "{}", bytes.escape_ascii());
    let last_only = tokens.iter().rev().skip(1).all(|token| token != b">");
    assert_eq!(Filter::parse(bytes).is_ok(), good && last_only, "{}", bytes.escape_ascii());
}

/// What filters say of each other must agree with what they match.
fn relate(data: &[u8]) {
    let mut pieces = data.split(|&byte| byte == b'\n');
    let (Some(left), Some(right), Some(subject)) = (pieces.next(), pieces.next(), pieces.next()) else {
        return;
    };
    let (Ok(left), Ok(right), Ok(subject)) =
        (Filter::parse(left), Filter::parse(right), Subject::parse(subject))
    else {
        return;
    };
    assert_eq!(left.overlaps(right), right.overlaps(left), "{left:?} {right:?}");
    if left.matches(subject) {
        assert!(!left.is_subset_of(right) || right.matches(subject), "{left:?} {right:?} {subject:?}");
        assert!(!right.matches(subject) || left.overlaps(right), "{left:?} {right:?} {subject:?}");
    }
}

fn name(queue: &Option<u8>) -> Option<&[u8]> {
    queue.as_ref().map(core::slice::from_ref)
}

fn check(rows: &[Row], subject: Subject<'_>, found: &Matches<u8>) {
    let matching = |row: &&Row| Filter::parse(row.0.as_bytes()).is_ok_and(|filter| filter.matches(subject));
    let wanted = |queue: Option<u8>| {
        let of_queue = rows.iter().filter(matching).filter(move |row| row.1 == queue);
        sorted(of_queue.map(|row| row.2).collect())
    };
    assert_eq!(sorted(found.plain.clone()), wanted(None), "{subject:?}");
    let mut groups: Vec<_> =
        (0..3).map(|queue| wanted(Some(queue))).filter(|group| !group.is_empty()).collect();
    let mut found: Vec<_> = found.groups().map(|group| sorted(group.to_vec())).collect();
    groups.sort();
    found.sort();
    assert_eq!(found, groups, "{subject:?}");
}

fn sorted(mut values: Vec<u8>) -> Vec<u8> {
    values.sort_unstable();
    values
}
