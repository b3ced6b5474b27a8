//! What the messages carry: made from their number alone, so that every receiver can tell what it should have got.

use std::fmt;
use std::io::Write as _;

/// A kind of payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Payload {
    /// The number of the message, then letters; this many bytes, at least 16.
    Text(usize),
    /// A record of a dashboard: 600 bytes of JSON, of which about a fifth differs from one message to the next.
    Json,
}

const JSON_LEN: usize = 600;

impl Payload {
    /// Bytes.
    pub(crate) fn len(self) -> usize {
        match self {
            Payload::Text(len) => len,
            Payload::Json => JSON_LEN,
        }
    }

    /// Appends the payload of message `number`.
    pub(crate) fn write(self, number: u64, out: &mut Vec<u8>) {
        match self {
            Payload::Text(len) => {
                // Writing to a `Vec` does not fail.
                let _ = write!(out, "{number:016}");
                out.extend((16..len).map(|at| b'a' + (at % 26) as u8));
            }
            Payload::Json => record(number, out),
        }
    }
}

impl fmt::Display for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Payload::Text(len) => write!(f, "{len} B"),
            Payload::Json => write!(f, "{JSON_LEN} B JSON"),
        }
    }
}

const STATES: [&str; 4] = ["running", "idle", "changeover", "stopped"];
const MACHINES: u32 = 7;
const NOTE: &str = "all readings within limits; next inspection is due after the current order";

/// The machines of one line, as a dashboard gets them.
fn record(number: u64, out: &mut Vec<u8>) {
    let start = out.len();
    let mut random = fastrand::Rng::with_seed(number);
    let (minute, second, milli) = (number / 60_000 % 60, number / 1000 % 60, number % 1000);
    // Writing to a `Vec` does not fail.
    let _ = write!(
        out,
        "{{\"type\":\"line\",\"id\":\"{number:016}\",\"time\":\"2026-03-01T06:{minute:02}:{second:02}.{milli:03}Z\",\
         \"state\":\"{}\",\"machines\":[",
        STATES[(number / 8) as usize % STATES.len()]
    );
    for machine in 1..=MACHINES {
        let comma = if machine == 1 { "" } else { "," };
        let mut reading = |range, unit: f64| f64::from(random.u32(range)) / unit;
        let (temperature, pressure) = (reading(60_000..90_000, 1000.0), reading(2500..3500, 1000.0));
        let (speed, power) = (reading(140_000..160_000, 100.0), reading(12_000..22_000, 1000.0));
        let _ = write!(
            out,
            "{comma}{{\"n\":{machine},\"temp\":{temperature:.3},\"bar\":{pressure:.3},\"rpm\":{speed:.2},\"kw\":{power:.3}}}"
        );
    }
    out.extend_from_slice(b"],\"note\":\"");
    let left = JSON_LEN - (out.len() - start) - 2;
    out.extend(NOTE.bytes().cycle().take(left));
    out.extend_from_slice(b"\"}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(kind: Payload, number: u64) -> Vec<u8> {
        let mut out = Vec::new();
        kind.write(number, &mut out);
        out
    }

    #[test]
    fn a_payload_has_its_length_and_follows_from_its_number() {
        for kind in [Payload::Text(16), Payload::Text(128), Payload::Json] {
            for number in [0, 1, 999, 123_456_789] {
                assert_eq!(payload(kind, number).len(), kind.len(), "{kind} {number}");
                assert_eq!(payload(kind, number), payload(kind, number));
                assert_ne!(payload(kind, number), payload(kind, number + 1));
            }
        }
    }

    #[test]
    fn a_record_is_json() {
        for number in 0..1000 {
            let text = payload(Payload::Json, number);
            let value: serde_json::Value = serde_json::from_slice(&text).expect("valid JSON");
            assert_eq!(value["id"], format!("{number:016}"));
        }
    }
}
