//! What messages carry.

use std::fmt::Write as _;

/// A JSON document of `len` bytes with numbers that follow from `seed`.
pub fn json(len: usize, seed: u64) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut text = format!("{{\"line\":{seed},\"readings\":[");
    while text.len() < len {
        let (hall, celsius, rpm) =
            (random.u8(..16), random.u32(15_000..32_000), random.u32(140_000..160_000));
        // Writing to a `String` does not fail.
        let _ = write!(
            text,
            "{{\"sensor\":\"hall-{hall}\",\"celsius\":{}.{:03},\"rpm\":{}.{:02},\"ok\":true}},",
            celsius / 1000,
            celsius % 1000,
            rpm / 100,
            rpm % 100
        );
    }
    text.truncate(len);
    text.into_bytes()
}
