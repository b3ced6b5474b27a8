/// The arguments of one whole control line, at most `N` of them kept.
pub(crate) struct Args<const N: usize> {
    /// Start and end of each argument in the buffer.
    pub(crate) spans: [(usize, usize); N],
    /// How many arguments there are, those not kept included.
    pub(crate) count: usize,
    /// Where the first argument starts, or the line ends.
    pub(crate) start: usize,
    /// Where the line ends, its CR LF or LF not included.
    pub(crate) end: usize,
    /// Where the next line starts.
    pub(crate) next: usize,
}

impl<const N: usize> Args<N> {
    /// Argument `i`, which must be below `N` and `count`; else it is empty.
    pub(crate) fn get<'b>(&self, buf: &'b [u8], i: usize) -> &'b [u8] {
        let (start, end) = self.spans.get(i).copied().unwrap_or_default();
        buf.get(start..end).unwrap_or_default()
    }
}

/// Splits the line from `at` on at spaces and TABs, in one pass. `None`: its LF is not there yet.
///
/// A CR is dropped right before the LF. Elsewhere it is part of an argument, or one more blank where `CR_BLANK` says so:
/// so does the NATS server, with `SUB` and `UNSUB`.
#[inline(always)]
pub(crate) fn split<const CR_BLANK: bool, const N: usize>(buf: &[u8], at: usize) -> Option<Args<N>> {
    let mut spans = [(0, 0); N];
    let mut count = 0;
    let mut start = at;
    let mut i = at;
    loop {
        let first = *buf.get(i)?;
        if first == b' ' || first == b'\t' {
            i += 1;
            continue;
        }
        if first == b'\n' || first == b'\r' {
            let end = i;
            if first == b'\r' {
                i += 1;
            }
            if *buf.get(i)? == b'\n' {
                if count == 0 {
                    start = end;
                }
                return Some(Args { spans, count, start, end, next: i + 1 });
            }
            if CR_BLANK {
                continue;
            }
            i = end;
        }
        if count == 0 {
            start = i;
        }
        let end = argument_end::<CR_BLANK>(buf, i)?;
        if let Some(span) = spans.get_mut(count) {
            *span = (i, end);
        }
        count += 1;
        i = end;
    }
}

/// Where the argument that starts at `at` ends: at a blank, at LF, or at the CR of a CR LF.
#[inline(always)]
fn argument_end<const CR_BLANK: bool>(buf: &[u8], at: usize) -> Option<usize> {
    let mut i = at;
    loop {
        i = next_low(buf, i)?;
        match buf[i] {
            b' ' | b'\t' | b'\n' => return Some(i),
            b'\r' if CR_BLANK || *buf.get(i + 1)? == b'\n' => return Some(i),
            // Other control bytes are legal in subjects.
            _ => i += 1,
        }
    }
}

const ONES: u64 = u64::from_ne_bytes([1; 8]);
const HIGH_BITS: u64 = ONES << 7;

/// The first byte from `at` on that is 0x20 or less: eight at a time, since most of a line is letters.
#[inline(always)]
fn next_low(buf: &[u8], at: usize) -> Option<usize> {
    let mut i = at;
    while let Some(chunk) = buf.get(i..i + 8).and_then(|chunk| chunk.first_chunk()) {
        let word = u64::from_le_bytes(*chunk);
        // A byte borrows when it is below 0x21; of the bytes so marked the lowest is right, which is all we use.
        let low = word.wrapping_sub(ONES * 0x21) & !word & HIGH_BITS;
        if low != 0 {
            return Some(i + low.trailing_zeros() as usize / 8);
        }
        i += 8;
    }
    while *buf.get(i)? > b' ' {
        i += 1;
    }
    Some(i)
}

/// Reads a size: 1 to 9 decimal digits and nothing else.
#[inline(always)]
pub(crate) fn parse_size(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || digits.len() > 9 {
        return None;
    }
    let mut size = 0;
    for &digit in digits {
        let value = digit.wrapping_sub(b'0');
        if value > 9 {
            return None;
        }
        size = size * 10 + u32::from(value);
    }
    Some(size)
}

/// Reads the number of an `UNSUB`: decimal digits, as many as there are; what passes `u64` counts as its maximum.
pub(crate) fn parse_max(digits: &[u8]) -> Option<u64> {
    let mut max = 0u64;
    for &digit in digits {
        let value = digit.wrapping_sub(b'0');
        if value > 9 {
            return None;
        }
        max = max.saturating_mul(10).saturating_add(u64::from(value));
    }
    Some(max)
}

/// Cuts blanks off the end: the official server writes one at the end of `INFO`.
pub(crate) fn trim(mut text: &[u8]) -> &[u8] {
    while let [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// The text of an `-ERR`, which stands between single quotes.
pub(crate) fn unquote(text: &[u8]) -> &[u8] {
    match text {
        [b'\'', inner @ .., b'\''] => inner,
        _ => text,
    }
}
