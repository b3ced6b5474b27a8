//! The keyed hash of tokens, and how hashes of tokens make up the key of a pattern.
//!
//! The key of a pattern is the wrapping sum of one number for each of its tokens, which depends on the token and on its
//! place. So the keys of all prefixes of a subject come out of one pass, and replacing a token by a wildcard is one
//! addition: the walk in `walk.rs` asks for a dozen patterns of one subject and hashes each token once.
//!
//! Subjects come from the network. `foldhash` with a seed would not do here: its second constant is public, and tokens
//! that contain it collide under every seed. Here each operand of each multiplication has a secret part.

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
    #[inline]
    pub(crate) fn token(&self, token: &[u8], place: usize) -> u64 {
        let (low, high) = if token.len() <= 16 { ends(token) } else { self.long(token) };
        let mark = times(self.place, place).wrapping_add(times(self.length, token.len()));
        fold(low ^ self.low, high ^ self.high.wrapping_add(mark))
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

    /// More than 16 bytes: all but the last 16 are folded into the low half.
    fn long(&self, token: &[u8]) -> (u64, u64) {
        let mut state = self.chunk;
        let mut rest = token;
        while let Some((chunk, after)) = rest.split_first_chunk::<16>()
            && !after.is_empty()
        {
            let (low, high) = halves(chunk);
            state = fold(low ^ state, high ^ self.chunk.rotate_left(32));
            rest = after;
        }
        let (low, high) = token.last_chunk::<16>().map_or((0, 0), halves);
        (low ^ state, high)
    }
}

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

/// Up to 16 bytes as two words that overlap: no two tokens of one length give the same pair.
#[inline]
fn ends(token: &[u8]) -> (u64, u64) {
    if let (Some(first), Some(last)) = (token.first_chunk::<8>(), token.last_chunk::<8>()) {
        (u64::from_le_bytes(*first), u64::from_le_bytes(*last))
    } else if let (Some(first), Some(last)) = (token.first_chunk::<4>(), token.last_chunk::<4>()) {
        (u32::from_le_bytes(*first).into(), u32::from_le_bytes(*last).into())
    } else if let (Some(&first), Some(&last)) = (token.first(), token.last()) {
        (u64::from(first) << 8 | u64::from(last), token[token.len() / 2].into())
    } else {
        (0, 0)
    }
}
