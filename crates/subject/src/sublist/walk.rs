//! The search for all filters that match a subject.

use alloc::vec::Vec;
use core::mem;

use super::Sublist;
use super::records::Ref;
use super::shapes::{Kind, NONE, OPEN};
use crate::Subject;
use crate::hash::{Keys, Words};
use crate::scan::{scan, words};

/// Memory of a search, for the next one.
#[derive(Default)]
pub(super) struct Scratch {
    tokens: Vec<Token>,
    frames: Vec<Frame>,
}

/// A token of the subject.
#[derive(Clone, Copy)]
struct Token {
    /// The sum of the numbers of the tokens before it.
    before: u64,
    /// What a `*` in its place adds to the sum of a pattern that has the token itself there.
    star: u64,
    /// Where it ends in the subject.
    end: u32,
}

/// A wildcard that the search has gone past.
#[derive(Clone, Copy)]
struct Frame {
    /// The sibling to go on with.
    next: u32,
    /// The place of the wildcard among the tokens.
    place: u32,
    /// What all wildcards before it add to the sum of the pattern.
    delta: u64,
}

/// A subject made ready, and the wildcards so far.
struct Search<'a> {
    subject: &'a [u8],
    tokens: &'a [Token],
    /// The sum over all tokens.
    whole: u64,
    /// Whether a token is `*` or `>`: then no filter has that token but as a wildcard.
    odd: bool,
}

impl<T: Copy + Eq> Sublist<T> {
    /// Calls `found` with each matching filter's record, once, until it returns `false`.
    pub(super) fn search(&self, subject: Subject<'_>, scratch: &mut Scratch, mut found: impl FnMut(Ref) -> bool) {
        let (whole, odd) = prepare(&self.keys, subject, &mut scratch.tokens);
        let search = Search { subject: subject.as_bytes(), tokens: &scratch.tokens, whole, odd };
        if self.literals > 0
            && !odd
            && let Some(record) = self.find(whole, |filter| filter == search.subject)
            && !found(record)
        {
            return;
        }
        let count = search.tokens.len();
        if self.literals < self.table.len()
            && self.search_tree(count, &search, &mut scratch.frames, &mut found)
        {
            self.search_tree(OPEN, &search, &mut scratch.frames, &mut found);
        }
    }

    /// Follows the shapes of one tree as far as filters begin like the subject. `false`: `found` has had enough.
    fn search_tree(
        &self,
        tree: usize,
        search: &Search<'_>,
        frames: &mut Vec<Frame>,
        found: &mut impl FnMut(Ref) -> bool,
    ) -> bool {
        let salt = self.keys.shape(tree);
        frames.clear();
        let (mut at, mut pos, mut delta) = (self.shapes.tree(tree), 0, 0u64);
        loop {
            while at == NONE {
                let Some(frame) = frames.pop() else { return true };
                (at, delta) = (frame.next, frame.delta);
                pos = frames.last().map_or(0, |frame| frame.place as usize + 1);
            }
            let node = self.shapes.node(at);
            at = node.next;
            let place = pos + usize::from(node.run);
            let Some(token) = search.tokens.get(place) else { continue };
            let key = match node.kind {
                Kind::Star | Kind::Root => {
                    let delta_here = delta.wrapping_add(token.star);
                    let after = search.tokens.get(place + 1).map_or(search.whole, |token| token.before);
                    let key = after.wrapping_add(delta_here).wrapping_add(salt);
                    if self.worth_looking(node.first, key) {
                        frames.push(Frame { next: at, place: place as u32, delta });
                        (at, pos, delta) = (node.first, place + 1, delta_here);
                    }
                    continue;
                }
                Kind::LastStar => search.whole.wrapping_add(delta).wrapping_add(token.star),
                Kind::Tail => token.before.wrapping_add(delta).wrapping_add(self.keys.tail(place)),
            };
            let equal = |filter: &[u8]| search.agrees(filter, frames, place, node.kind == Kind::Tail);
            if let Some(record) = self.find(key, equal)
                && !found(record)
            {
                return false;
            }
        }
    }

    /// Whether filters begin so. Where there is only one thing to look up after that, it may as well be looked up.
    #[inline]
    fn worth_looking(&self, first: u32, key: u64) -> bool {
        let child = self.shapes.node(first);
        (child.next == NONE && child.kind != Kind::Star) || self.prefixes.contains(key)
    }
}

impl Search<'_> {
    /// Whether `filter` is the subject with wildcards at the places of `frames` and at `last`. It cannot be that for two
    /// different sets of places, so no record is found twice.
    fn agrees(&self, filter: &[u8], frames: &[Frame], last: usize, tail: bool) -> bool {
        let (mut rest, mut from) = (filter, 0);
        let places = frames.iter().map(|frame| frame.place as usize);
        for place in places.chain([last]) {
            let start = if place == 0 { 0 } else { self.tokens[place - 1].end as usize + 1 };
            let wildcard: &[u8] = if tail && place == last { b">" } else { b"*" };
            let after = rest.strip_prefix(&self.subject[from..start]);
            let Some(after) = after.and_then(|rest| rest.strip_prefix(wildcard)) else { return false };
            (rest, from) = (after, self.tokens[place].end as usize);
        }
        let end = if tail { from } else { self.subject.len() };
        *rest == self.subject[from..end] && (!self.odd || self.has_odd_only_at(frames, last, tail))
    }

    /// Whether all tokens `*` and `>` of the subject stand where the pattern has wildcards.
    #[cold]
    fn has_odd_only_at(&self, frames: &[Frame], last: usize, tail: bool) -> bool {
        let mut start = 0;
        self.tokens.iter().enumerate().all(|(place, token)| {
            let end = token.end as usize;
            let literal = &self.subject[mem::replace(&mut start, end + 1)..end];
            let wild = place == last
                || (tail && place > last)
                || frames.iter().any(|frame| frame.place as usize == place);
            wild || !matches!(literal, b"*" | b">")
        })
    }
}

/// Splits a subject. Returns the sum over its tokens, and whether one of them looks like a wildcard.
fn prepare(keys: &Keys, subject: Subject<'_>, tokens: &mut Vec<Token>) -> (u64, bool) {
    tokens.clear();
    let bytes = subject.as_bytes();
    let (mut start, mut sum, mut odd) = (0, 0u64, false);
    let mut add = |end: usize, words: Option<&Words>| {
        let (place, token) = (tokens.len(), &bytes[start..end]);
        let number = match words {
            Some(words) if token.len() <= 16 => keys.short_token(words, start, end, place),
            _ => keys.token(token, place),
        };
        odd |= matches!(token, b"*" | b">");
        tokens.push(Token { before: sum, star: keys.star(place).wrapping_sub(number), end: end as u32 });
        sum = sum.wrapping_add(number);
        start = end + 1;
    };
    if bytes.len() <= 64 {
        let (words, dots) = words(bytes);
        ones(dots).for_each(|dot| add(dot, Some(&words)));
        add(bytes.len(), Some(&words));
    } else {
        for (block, base) in bytes.chunks(64).zip((0..).step_by(64)) {
            ones(scan(block, |_, _| {}).dots).for_each(|dot| add(base + dot, None));
        }
        add(bytes.len(), None);
    }
    (sum, odd)
}

/// The places of the bits that are set.
#[inline]
fn ones(mut bits: u64) -> impl Iterator<Item = usize> {
    core::iter::from_fn(move || {
        let place = bits.trailing_zeros() as usize;
        let some = bits != 0;
        bits &= bits.wrapping_sub(1);
        some.then_some(place)
    })
}
