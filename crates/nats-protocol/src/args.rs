/// The arguments of one whole control line, at most `N` of them kept.
pub(crate) struct Args<const N: usize> {
    /// Start and end of each argument in the buffer.
    spans: [(usize, usize); N],
    /// How many arguments there are, those not kept included.
    pub(crate) count: usize,
    /// Where the next line starts.
    pub(crate) next: usize,
}

impl<const N: usize> Args<N> {
    /// Where argument `i` is. It is empty where `i` is not below `N` and `count`.
    pub(crate) fn span(&self, i: usize) -> (usize, usize) {
        self.spans.get(i).copied().unwrap_or_default()
    }

    /// Argument `i`, under the same rule.
    pub(crate) fn get<'b>(&self, buf: &'b [u8], i: usize) -> &'b [u8] {
        let (start, end) = self.span(i);
        buf.get(start..end).unwrap_or_default()
    }
}

/// Splits the line from `at` on at spaces and TABs. `None`: its LF is not there yet.
///
/// A CR is dropped right before the LF. Elsewhere it is part of an argument, or one more blank where `CR_BLANK` says so:
/// so does the NATS server, with `SUB` and `UNSUB`.
pub(crate) fn split<const CR_BLANK: bool, const N: usize>(buf: &[u8], at: usize) -> Option<Args<N>> {
    let mut spans = [(0, 0); N];
    let mut count = 0;
    let mut i = skip_blanks::<CR_BLANK>(buf, at);
    loop {
        if let Some(next) = line_end(buf, i)? {
            return Some(Args { spans, count, next });
        }
        let end = argument_end::<CR_BLANK>(buf, i)?;
        if let Some(span) = spans.get_mut(count) {
            *span = (i, end);
        }
        count += 1;
        i = skip_blanks::<CR_BLANK>(buf, end);
    }
}

fn skip_blanks<const CR_BLANK: bool>(buf: &[u8], at: usize) -> usize {
    let mut i = at;
    loop {
        match buf.get(i) {
            Some(b' ' | b'\t') => i += 1,
            Some(b'\r') if CR_BLANK && buf.get(i + 1).is_some_and(|&byte| byte != b'\n') => i += 1,
            _ => return i,
        }
    }
}

/// Where the next line starts, if this one ends at `at`. `None`: the byte that decides it is not there.
fn line_end(buf: &[u8], at: usize) -> Option<Option<usize>> {
    match *buf.get(at)? {
        b'\n' => Some(Some(at + 1)),
        b'\r' if *buf.get(at + 1)? == b'\n' => Some(Some(at + 2)),
        _ => Some(None),
    }
}

/// Where the argument that starts at `at` ends: at a blank, at LF, or at the CR of a CR LF. Other control bytes are legal
/// in subjects.
fn argument_end<const CR_BLANK: bool>(buf: &[u8], at: usize) -> Option<usize> {
    let mut i = at;
    loop {
        match *buf.get(i)? {
            b' ' | b'\t' | b'\n' => return Some(i),
            b'\r' if CR_BLANK || *buf.get(i + 1)? == b'\n' => return Some(i),
            _ => i += 1,
        }
    }
}

/// Reads a size: 1 to 9 decimal digits and nothing else.
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
