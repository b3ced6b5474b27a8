//! Durations in the notation of Go.

use crate::error::ErrorKind;

/// Reads a duration such as `1m30s`, `1.5h` or `-200ms` (units `ns us µs ms s m h`; a bare `0` needs none) and gives
/// nanoseconds.
///
/// # Errors
/// [`ErrorKind::InvalidDuration`], [`ErrorKind::DurationWithoutUnit`] or [`ErrorKind::DurationOutOfRange`] (beyond 292 years).
pub fn parse_duration(text: &str) -> Result<i64, ErrorKind> {
    let (negative, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(ErrorKind::InvalidDuration);
    }
    let mut total = 0_i128;
    while !rest.is_empty() {
        let (nanoseconds, after) = term(rest)?;
        total += nanoseconds;
        if total > i128::from(i64::MAX) + 1 {
            return Err(ErrorKind::DurationOutOfRange);
        }
        rest = after;
    }
    i64::try_from(if negative { -total } else { total }).map_err(|_| ErrorKind::DurationOutOfRange)
}

/// One number with its unit: nanoseconds, and what follows.
fn term(text: &str) -> Result<(i128, &str), ErrorKind> {
    let (whole, rest) = digits(text);
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(after) => digits(after),
        None => ("", rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return Err(ErrorKind::InvalidDuration);
    }
    let unit_length = rest.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(unit_length);
    let unit: i128 = match unit {
        "ns" => 1,
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        "" => return Err(ErrorKind::DurationWithoutUnit),
        _ => return Err(ErrorKind::InvalidDuration),
    };
    // 19 digits are more than an i64 of nanoseconds holds, and few enough for the product to fit an i128.
    let whole = whole.trim_start_matches('0');
    if whole.len() > 19 {
        return Err(ErrorKind::DurationOutOfRange);
    }
    let fraction = &fraction[..fraction.len().min(15)];
    let scale = 10_i128.pow(u32::try_from(fraction.len()).unwrap_or(0));
    Ok((number(whole) * unit + number(fraction) * unit / scale, rest))
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

/// The value of at most 19 digits.
fn number(digits: &str) -> i128 {
    digits.bytes().fold(0, |sum, digit| sum * 10 + i128::from(digit - b'0'))
}

#[cfg(test)]
mod tests {
    use super::parse_duration;
    use crate::ErrorKind::{self, DurationOutOfRange, DurationWithoutUnit, InvalidDuration};

    #[test]
    fn as_go_reads_them() {
        const S: i64 = 1_000_000_000;
        let table: &[(&str, Result<i64, ErrorKind>)] = &[
            ("0", Ok(0)),
            ("-0", Ok(0)),
            ("5s", Ok(5 * S)),
            ("1m30s", Ok(90 * S)),
            ("-5s", Ok(-5 * S)),
            ("+1.5h", Ok(5400 * S)),
            (".5s", Ok(S / 2)),
            ("1.s", Ok(S)),
            ("100ms", Ok(S / 10)),
            ("1us2ns", Ok(1002)),
            ("1\u{b5}s", Ok(1000)),
            ("1\u{3bc}s", Ok(1000)),
            ("0.1234567899s", Ok(123_456_789)),
            ("2562047h47m16.854775807s", Ok(i64::MAX)),
            ("-2562047h47m16.854775808s", Ok(i64::MIN)),
            ("2562047h47m16.854775808s", Err(DurationOutOfRange)),
            ("99999999999999999999s", Err(DurationOutOfRange)),
            ("9999999999h9999999999h", Err(DurationOutOfRange)),
            ("5", Err(DurationWithoutUnit)),
            ("1m5", Err(DurationWithoutUnit)),
            ("", Err(InvalidDuration)),
            ("-", Err(InvalidDuration)),
            (".s", Err(InvalidDuration)),
            ("s", Err(InvalidDuration)),
            ("1d", Err(InvalidDuration)),
            ("1 s", Err(InvalidDuration)),
            ("1S", Err(InvalidDuration)),
            ("--5s", Err(InvalidDuration)),
            ("\u{e9}", Err(InvalidDuration)),
        ];
        for (text, expected) in table {
            assert_eq!(parse_duration(text), *expected, "{text:?}");
        }
    }
}
