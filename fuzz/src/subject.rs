//! The list of subscriptions, beside a plain list of them.
//!
//! Each byte but the first eight, which seed the hashes, is a step: it adds a token to the subject at hand, or uses it: to insert,
//! remove or match.

use dunlin_subject::{Filter, Matches, Subject, Sublist};

const TOKENS: [&str; 8] = ["a", "b", "*", ">", "a*", "a-token-of-more-than-sixteen-bytes", "", "c"];

type Row = (String, Option<u8>, u8);

/// Runs one input.
pub fn run(data: &[u8]) {
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
