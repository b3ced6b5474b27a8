//! The keyed hash of tokens, and how hashes of tokens make up the key of a pattern.
//!
//! The key of a pattern is the wrapping sum of one number for each of its tokens, which depends on the token and on its
//! place. So the keys of all prefixes of a subject come out of one pass, and replacing a token by a wildcard is one
//! addition: a search asks for a dozen patterns of one subject, and hashes each token once.
//!
//! Subjects come from the network. `foldhash` with a seed would not do here: its second constant is public, and tokens
//! that contain it collide under every seed. Here each operand of each multiplication has a secret part.

use crate::Filter;

/// The secret numbers behind all keys of one list.
#[derive(Clone, Copy)]
pub(crate) struct Keys {
    low: u64,
    high: u64,
    chunk: u64,
    place: u64,
    length: u64,
    star: u64,
    tail: u64,
    shape: u64,
}

/// Up to 64 bytes, eight to a word, padded with zeros.
pub(crate) type Words = [u64; 10];

impl Keys {
    pub(crate) fn new(seed: u64) -> Keys {
        let mut state = seed;
        // SplitMix64, the usual way to make several words of one.
        let mut next = || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        };
        Keys {
            low: next(),
            high: next(),
            chunk: next(),
            place: next() | 1,
            length: next() | 1,
            star: next() | 1,
            tail: next() | 1,
            shape: next() | 1,
        }
    }

    /// The number of a literal token. `place` counts from 0.
    pub(crate) fn token(&self, token: &[u8], place: usize) -> u64 {
        let (low, high) = match token.last_chunk::<16>() {
            Some(last) => self.long(token, last),
            None => {
                let mut padded = [0; 16];
                padded[..token.len()].copy_from_slice(token);
                halves(&padded)
            }
        };
        self.number(low, high, token.len(), place)
    }

    /// The same for a token of at most 16 bytes, which begins at `start` in `words`, and whether it looks like a wildcard.
    ///
    /// There is no branch here on how long the token is, as nothing could predict it.
    #[inline]
    pub(crate) fn short_token(&self, words: &Words, start: usize, len: usize, place: usize) -> (u64, bool) {
        let (at, shift) = (start / 8 % 8, start % 8 * 8);
        let [a, b, c] = [words[at], words[at + 1], words[at + 2]];
        let low = a >> shift | (b << 1) << (63 - shift);
        let high = b >> shift | (c << 1) << (63 - shift);
        let [low_mask, high_mask] = MASKS[len % MASKS.len()];
        let low = low & low_mask;
        let is_wildcard = (len == 1) & ((low == u64::from(b'*')) | (low == u64::from(b'>')));
        (self.number(low, high & high_mask, len, place), is_wildcard)
    }

    /// The number of a `*`.
    #[inline]
    pub(crate) fn star(&self, place: usize) -> u64 {
        times(self.star, place + 1)
    }

    /// The number of a `>`.
    #[inline]
    pub(crate) fn tail(&self, place: usize) -> u64 {
        times(self.tail, place + 1)
    }

    /// Sets the prefixes of filters with `count` tokens apart from those of other filters. 0 is for filters with `>`.
    #[inline]
    pub(crate) fn shape(&self, count: usize) -> u64 {
        times(self.shape, count)
    }

    /// The sum over the tokens of a filter.
    pub(crate) fn filter(&self, filter: Filter<'_>) -> u64 {
        self.tokens(filter).fold(0, u64::wrapping_add)
    }

    /// The numbers of the tokens of a filter.
    pub(crate) fn tokens(&self, filter: Filter<'_>) -> impl Iterator<Item = u64> {
        filter.tokens().enumerate().map(|(place, token)| match token {
            b"*" => self.star(place),
            b">" => self.tail(place),
            literal => self.token(literal, place),
        })
    }

    #[inline]
    fn number(&self, low: u64, high: u64, len: usize, place: usize) -> u64 {
        let mark = times(self.place, place).wrapping_add(times(self.length, len));
        fold(low ^ self.low, high ^ self.high.wrapping_add(mark))
    }

    /// 16 bytes or more as two words: the last 16, with all others folded into them.
    fn long(&self, token: &[u8], last: &[u8; 16]) -> (u64, u64) {
        let before = token.len().div_ceil(16) - 1;
        let chunks = token.as_chunks::<16>().0.iter().take(before).map(halves);
        let state = chunks
            .fold(0, |state, (low, high)| fold(low ^ state ^ self.chunk, high ^ self.chunk.rotate_left(32)));
        let (low, high) = halves(last);
        (low ^ state, high)
    }
}

/// Keep the first bytes of two words, by how many they are.
const MASKS: [[u64; 2]; 32] = {
    let mut masks = [[u64::MAX; 2]; 32];
    let mut len = 0;
    while len < 16 {
        let mask = (1u128 << (8 * len)) - 1;
        masks[len] = [mask as u64, (mask >> 64) as u64];
        len += 1;
    }
    masks
};

#[inline]
fn times(key: u64, n: usize) -> u64 {
    key.wrapping_mul(n as u64)
}

/// All 128 bits of a product, in 64.
#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ (product >> 64) as u64
}

fn halves(chunk: &[u8; 16]) -> (u64, u64) {
    let whole = u128::from_le_bytes(*chunk);
    (whole as u64, (whole >> 64) as u64)
}
