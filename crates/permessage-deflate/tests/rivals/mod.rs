//! What zlib-rs and miniz_oxide say of a DEFLATE stream, beside what this crate says.

use dunlin_permessage_deflate::{Decompressor, InflateError, Params, Role};
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};
use zlib_rs::{Inflate, InflateFlush, Status};

/// What an inflater says of the first blocks of a stream, up to a final one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Invalid,
    /// There may be more to come behind these bytes.
    More(Vec<u8>),
    /// The final block ends behind so much input.
    End(usize, Vec<u8>),
    /// It inflates to more than the limit.
    TooLarge,
}

/// Compares all three. Verdicts may differ in how much somebody reads before an error is seen, and in one error that one
/// inflater does not see:
///
/// - Where the code for code lengths has no codes at all, zlib reads lengths of 0 as long as there are bits, and refuses the
///   block when it has read all. This crate refuses it at once, as miniz_oxide does.
/// - miniz_oxide refuses a repetition of nothing before the bits that say how often, this crate behind them, as zlib does.
/// - miniz_oxide decodes a block whose code has no end. This crate refuses it, as zlib does.
pub(crate) fn check(data: &[u8], limit: usize) {
    let (of_zlib, of_miniz) = (zlib(data, limit), miniz(data, limit));
    let (beside_zlib, beside_miniz) = (ours(data, limit, &of_zlib), ours(data, limit, &of_miniz));
    // So much completes any code lengths, and what repeats them.
    let completed = [data, &[0; 48]].concat();
    let zlib_waits = matches!(of_zlib, Verdict::More(_))
        && beside_zlib == Verdict::Invalid
        && zlib(&completed, limit) == Verdict::Invalid
        && of_miniz == Verdict::Invalid;
    assert!(beside_zlib == of_zlib || zlib_waits, "zlib-rs: {of_zlib:?}, here: {beside_zlib:?}, {data:02x?}");
    let we_wait = of_miniz == Verdict::Invalid
        && beside_miniz == of_zlib
        && ours(&completed, limit, &Verdict::Invalid) == Verdict::Invalid;
    let miniz_is_lenient = of_zlib == Verdict::Invalid && beside_zlib == of_zlib;
    assert!(
        beside_miniz == of_miniz || we_wait || miniz_is_lenient,
        "miniz_oxide: {of_miniz:?}, here: {beside_miniz:?}, {data:02x?}"
    );
}

pub(crate) fn zlib(data: &[u8], limit: usize) -> Verdict {
    let mut inflate = Inflate::new(false, 15);
    let mut out = vec![0; limit + 1];
    let status = inflate.decompress(data, &mut out, InflateFlush::NoFlush);
    let len = inflate.total_out() as usize;
    out.truncate(len);
    match status {
        _ if len > limit => Verdict::TooLarge,
        Ok(Status::StreamEnd) => Verdict::End(inflate.total_in() as usize, out),
        Ok(Status::Ok | Status::BufError) => Verdict::More(out),
        Err(_) => Verdict::Invalid,
    }
}

pub(crate) fn miniz(data: &[u8], limit: usize) -> Verdict {
    let mut out = vec![0; limit + 1];
    let flags = TINFL_FLAG_HAS_MORE_INPUT | TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
    let (status, consumed, len) = decompress(&mut DecompressorOxide::new(), data, &mut out, 0, flags);
    out.truncate(len);
    match status {
        _ if len > limit => Verdict::TooLarge,
        TINFLStatus::Done => Verdict::End(consumed, out),
        TINFLStatus::NeedsMoreInput => Verdict::More(out),
        _ => Verdict::Invalid,
    }
}

/// What this crate says, where another one says `theirs`: of what is behind a final block, they know nothing.
pub(crate) fn ours(data: &[u8], limit: usize, theirs: &Verdict) -> Verdict {
    let (data, fin) = match theirs {
        Verdict::End(consumed, _) => (&data[..*consumed], true),
        _ => (data, false),
    };
    let mut out = Vec::new();
    match Decompressor::new(&Params::default(), Role::Server).decompress(data, fin, limit, &mut out) {
        Ok(()) if fin => Verdict::End(data.len(), out),
        Ok(()) => Verdict::More(out),
        Err(InflateError::TooLarge) => Verdict::TooLarge,
        Err(_) => Verdict::Invalid,
    }
}
