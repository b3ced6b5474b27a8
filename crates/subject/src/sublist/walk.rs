//! The search for all filters that match a subject.

use alloc::vec::Vec;
use core::iter;

use super::Sublist;
use super::shapes::{NONE, Node, OPEN};
use super::store::{Key, Ref};
use crate::Subject;
use crate::hash::Keys;
use crate::scan::{scan, words};

/// Subjects of fewer bytes than this take the fast way. They have no more tokens than half of it.
const SHORT: usize = 64;

/// Memory of a search, for the next one.
pub(super) struct Scratch {
    /// The tokens of a short subject.
    few: [Token; SHORT / 2],
    /// Those of a long one.
    many: Vec<Token>,
    frames: Vec<Frame>,
}

/// A token of the subject.
#[derive(Clone, Copy)]
struct Token {
    /// The sum of the numbers of the tokens before it.
    before: u64,
    /// What a `*` in its place adds to the sum of a pattern that has the token itself there.
    star: u64,
    /// The bytes that it is of the subject.
    start: u32,
    end: u32,
}

/// A `*` that the search has gone past.
#[derive(Clone, Copy)]
struct Frame {
    /// Its place among the tokens.
    place: u32,
    /// The sibling of its shape to go on with.
    next: u32,
    /// What the wildcards before it change.
    delta: Delta,
}

/// What wildcards in the place of tokens add to the key of a pattern.
#[derive(Clone, Copy)]
struct Delta {
    sum: u64,
    len: usize,
}

/// A subject made ready.
struct Search<'a> {
    subject: &'a [u8],
    tokens: &'a [Token],
    /// The sum over all tokens.
    sum: u64,
    /// Whether a token is `*` or `>`: then no filter has that token but as a wildcard.
    odd: bool,
}

impl Default for Scratch {
    fn default() -> Scratch {
        let token = Token { before: 0, star: 0, start: 0, end: 0 };
        Scratch { few: [token; SHORT / 2], many: Vec::new(), frames: Vec::new() }
    }
}

impl<T: Copy + Eq> Sublist<T> {
    /// Calls `found` with each matching filter's record, once, until it returns `false`.
    pub(super) fn search(
        &self,
        subject: Subject<'_>,
        scratch: &mut Scratch,
        mut found: impl FnMut(Ref) -> bool,
    ) {
        let Scratch { few, many, frames } = scratch;
        let search = if subject.as_bytes().len() < SHORT {
            Search::short(&self.keys, subject, few)
        } else {
            Search::long(&self.keys, subject, many)
        };
        let key = Key { sum: search.sum, len: search.subject.len() };
        if self.literals > 0
            && !search.odd
            && let Some(record) = self.store.find(key, |filter| filter == search.subject)
            && !found(record)
        {
            return;
        }
        if self.literals < self.store.len() {
            let count = search.tokens.len();
            let _ = self.search_tree::<false>(count, &search, frames, &mut found)
                && self.search_tree::<true>(OPEN, &search, frames, &mut found);
        }
    }

    /// Follows the shapes of one tree as far as filters begin like the subject. `TAIL`: it is the tree of filters with `>`.
    /// `false`: `found` has had enough.
    fn search_tree<const TAIL: bool>(
        &self,
        tree: usize,
        search: &Search<'_>,
        frames: &mut Vec<Frame>,
        found: &mut impl FnMut(Ref) -> bool,
    ) -> bool {
        let Some(mut node) = self.shapes.tree(tree) else { return true };
        let salt = self.keys.shape(tree);
        let (mut pos, mut delta) = (0, Delta { sum: 0, len: 0 });
        frames.clear();
        loop {
            let mut next = node.leaves;
            while let Some(leaf) = self.shapes.node(next) {
                next = leaf.next;
                let place = pos + usize::from(leaf.run);
                let Some(token) = search.tokens.get(place) else { continue };
                let key = if TAIL {
                    delta.to(token.before.wrapping_add(self.keys.tail(place)), token.start as usize + 1)
                } else {
                    delta.with_star(token).to(search.sum, search.subject.len())
                };
                if let Some(record) =
                    self.store.find(key, |filter| search.agrees(filter, frames, place, TAIL))
                    && !found(record)
                {
                    return false;
                }
            }
            // Down into the next child that filters begin with, or back up to where there is one.
            let mut next = node.stars;
            node = loop {
                let Some(star) = self.shapes.node(next) else {
                    let Some(frame) = frames.pop() else { return true };
                    (next, delta) = (frame.next, frame.delta);
                    pos = frames.last().map_or(0, |frame| frame.place as usize + 1);
                    continue;
                };
                next = star.next;
                let place = pos + usize::from(star.run);
                let Some(token) = search.tokens.get(place) else { continue };
                let changed = delta.with_star(token);
                let sum = search.sum_before(place + 1).wrapping_add(changed.sum).wrapping_add(salt);
                if self.worth_looking(star, sum) {
                    frames.push(Frame { place: place as u32, next, delta });
                    (pos, delta) = (place + 1, changed);
                    break star;
                }
            };
        }
    }

    /// Whether filters begin so. Where there is only one thing to look up after that, it may as well be looked up.
    #[inline]
    fn worth_looking(&self, star: &Node, sum: u64) -> bool {
        let one = star.stars == NONE && self.shapes.node(star.leaves).is_some_and(|leaf| leaf.next == NONE);
        one || self.prefixes.contains(sum)
    }
}

impl Delta {
    #[inline]
    fn with_star(self, token: &Token) -> Delta {
        let len = self.len.wrapping_sub((token.end - token.start) as usize).wrapping_add(1);
        Delta { sum: self.sum.wrapping_add(token.star), len }
    }

    /// The key of a pattern that without the wildcards would have this sum and length.
    #[inline]
    fn to(self, sum: u64, len: usize) -> Key {
        Key { sum: sum.wrapping_add(self.sum), len: len.wrapping_add(self.len) }
    }
}

impl<'a> Search<'a> {
    fn short(keys: &Keys, subject: Subject<'a>, tokens: &'a mut [Token; SHORT / 2]) -> Search<'a> {
        let bytes = subject.as_bytes();
        let (words, dots) = words(bytes);
        // One more after the end makes the last token like the others.
        let mut ends = dots | 1 << (bytes.len() % SHORT);
        let (mut start, mut sum, mut count, mut odd) = (0, 0u64, 0, false);
        for (place, token) in tokens.iter_mut().enumerate() {
            let end = ends.trailing_zeros() as usize;
            let len = end.wrapping_sub(start);
            let number = if len <= 16 {
                let (number, is_wildcard) = keys.short_token(&words, start, len, place);
                odd |= is_wildcard;
                number
            } else {
                keys.token(bytes.get(start..end).unwrap_or_default(), place)
            };
            let star = keys.star(place).wrapping_sub(number);
            *token = Token { before: sum, star, start: start as u32, end: end as u32 };
            sum = sum.wrapping_add(number);
            (start, count, ends) = (end + 1, place + 1, ends & ends.wrapping_sub(1));
            if ends == 0 {
                break;
            }
        }
        Search { subject: bytes, tokens: &tokens[..count], sum, odd }
    }

    #[cold]
    fn long(keys: &Keys, subject: Subject<'a>, tokens: &'a mut Vec<Token>) -> Search<'a> {
        tokens.clear();
        let bytes = subject.as_bytes();
        let (mut start, mut sum, mut odd) = (0, 0u64, false);
        let blocks = bytes.chunks(64).zip((0..).step_by(64));
        let dots =
            blocks.flat_map(|(block, base)| ones(scan(block, |_, _| {}).dots).map(move |dot| base + dot));
        for (place, end) in dots.chain([bytes.len()]).enumerate() {
            let token = &bytes[start..end];
            let number = keys.token(token, place);
            odd |= matches!(token, b"*" | b">");
            let star = keys.star(place).wrapping_sub(number);
            tokens.push(Token { before: sum, star, start: start as u32, end: end as u32 });
            sum = sum.wrapping_add(number);
            start = end + 1;
        }
        Search { subject: bytes, tokens, sum, odd }
    }

    /// The sum over so many tokens.
    #[inline]
    fn sum_before(&self, place: usize) -> u64 {
        self.tokens.get(place).map_or(self.sum, |token| token.before)
    }

    /// Whether `filter` is the subject with wildcards at the places of `frames` and at `last`. It cannot be that for two
    /// different sets of places, so no record is found twice.
    fn agrees(&self, filter: &[u8], frames: &[Frame], last: usize, tail: bool) -> bool {
        let (mut rest, mut from) = (filter, 0);
        let mut pass = |place: usize, wildcard: u8| {
            let token = &self.tokens[place];
            let literal = &self.subject[from..token.start as usize];
            from = token.end as usize;
            match rest.split_at_checked(literal.len()) {
                Some((before, [next, after @ ..])) => {
                    rest = after;
                    *next == wildcard && before == literal
                }
                _ => false,
            }
        };
        frames.iter().all(|frame| pass(frame.place as usize, b'*'))
            && pass(last, if tail { b'>' } else { b'*' })
            && *rest == self.subject[if tail { self.subject.len() } else { from }..]
            && (!self.odd || self.is_odd_only_at(frames, last, tail))
    }

    /// Whether all tokens `*` and `>` of the subject stand where the pattern has wildcards.
    #[cold]
    fn is_odd_only_at(&self, frames: &[Frame], last: usize, tail: bool) -> bool {
        self.tokens.iter().enumerate().all(|(place, token)| {
            let literal = &self.subject[token.start as usize..token.end as usize];
            let wild = place == last
                || (tail && place > last)
                || frames.iter().any(|frame| frame.place as usize == place);
            wild || !matches!(literal, b"*" | b">")
        })
    }
}

/// The places of the bits that are set.
fn ones(mut bits: u64) -> impl Iterator<Item = usize> {
    iter::from_fn(move || {
        let place = bits.trailing_zeros() as usize;
        let some = bits != 0;
        bits &= bits.wrapping_sub(1);
        some.then_some(place)
    })
}
