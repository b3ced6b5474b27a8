//! Copies of what was inflated before (RFC 1951 §3.2.3).

use super::InvalidData;
use super::history::History;

/// A length and a distance.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Match {
    pub(crate) len: usize,
    pub(crate) distance: usize,
}

/// How far [`copy_with_room`] may write beyond the match.
pub(crate) const ROOM: usize = 16;
/// By distance: how many bytes of a word of 8, filled with the last `distance` bytes over and over, go on as they began.
const STRIDES: [usize; 8] = [8, 8, 8, 6, 8, 5, 6, 7];

/// Writes the match at `at`. There are at least [`ROOM`] bytes more behind it, which it may change.
#[inline(always)]
pub(crate) fn copy_with_room(
    out: &mut [u8],
    at: usize,
    found: Match,
    history: &History,
) -> Result<(), InvalidData> {
    let Match { len, distance } = found;
    if distance > at || distance > history.window() {
        return copy_far_with_room(out, at, found, history);
    }
    let from = at - distance;
    let mut done = 0;
    if distance >= 16 {
        while done < len {
            out.copy_within(from + done..from + done + 16, at + done);
            done += 16;
        }
    } else if distance >= 8 {
        while done < len {
            out.copy_within(from + done..from + done + 8, at + done);
            done += 8;
        }
    } else {
        let word = pattern(out, from, distance);
        while done < len {
            out[at + done..at + done + 8].copy_from_slice(&word);
            done += STRIDES[distance];
        }
    }
    Ok(())
}

/// The `distance` bytes from `from` on, less than 8, over and over.
#[inline(always)]
fn pattern(out: &[u8], from: usize, distance: usize) -> [u8; 8] {
    let mut word = [0; 8];
    word.copy_from_slice(&out[from..from + 8]);
    let mut word = u64::from_le_bytes(word) & ((1 << (8 * distance)) - 1);
    let mut filled = distance;
    while filled < 8 {
        word |= word << (8 * filled);
        filled *= 2;
    }
    word.to_le_bytes()
}

/// As [`copy_with_room`] where the match begins in the history, or nowhere.
#[inline(never)]
fn copy_far_with_room(out: &mut [u8], at: usize, found: Match, history: &History) -> Result<(), InvalidData> {
    let Match { len, distance } = found;
    let back = distance - at.min(distance);
    if len > back || distance > history.window() {
        return copy_far(out, at, found, history);
    }
    let Some(source) = history.piece(back, len + ROOM) else { return copy_far(out, at, found, history) };
    let space = &mut out[at..at + len + ROOM];
    let mut done = 0;
    while done < len {
        space[done..done + ROOM].copy_from_slice(&source[done..done + ROOM]);
        done += ROOM;
    }
    Ok(())
}

/// Writes the match at `at`, where it just fits.
pub(crate) fn copy_exactly(
    out: &mut [u8],
    at: usize,
    found: Match,
    history: &History,
) -> Result<(), InvalidData> {
    if found.distance > at || found.distance > history.window() {
        return copy_far(out, at, found, history);
    }
    copy_near(out, at, found);
    Ok(())
}

/// The match begins in the history, or nowhere.
#[inline(never)]
fn copy_far(out: &mut [u8], at: usize, found: Match, history: &History) -> Result<(), InvalidData> {
    let Match { len, distance } = found;
    if distance > at + history.len() || distance > history.window() {
        return Err(InvalidData);
    }
    let back = distance - at;
    let before = len.min(back);
    history.copy(back, &mut out[at..at + before]);
    if len > before {
        copy_near(out, at + before, Match { len: len - before, distance });
    }
    Ok(())
}

/// The match begins in `out`. What has been copied can be copied again in one piece.
fn copy_near(out: &mut [u8], at: usize, found: Match) {
    let from = at - found.distance;
    let mut done = 0;
    while done < found.len {
        let piece = (found.distance + done).min(found.len - done);
        out.copy_within(from..from + piece, at + done);
        done += piece;
    }
}
