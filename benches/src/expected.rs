//! What a subscriber is to get, byte by byte: each message once, in order, unaltered.

use std::collections::VecDeque;

use anyhow::{Context as _, ensure};

use crate::payload::Payload;

/// The messages that may still be on their way.
pub(crate) struct Sent {
    payload: Payload,
    /// The number of the oldest one.
    first: u64,
    /// Each as the payload and its line end.
    bodies: VecDeque<Vec<u8>>,
    /// Behind the last one the first one comes again.
    repeats: bool,
}

impl Sent {
    pub(crate) fn new(payload: Payload) -> Sent {
        Sent { payload, first: 0, bodies: VecDeque::new(), repeats: false }
    }

    /// So many messages, again and again.
    pub(crate) fn repeated(payload: Payload, count: u64) -> Sent {
        let mut sent = Sent::new(payload);
        for _ in 0..count {
            sent.push();
        }
        Sent { repeats: true, ..sent }
    }

    /// How many have been sent in all: the number of the next one.
    pub(crate) fn count(&self) -> u64 {
        self.first + self.bodies.len() as u64
    }

    /// The next message, as payload and line end.
    pub(crate) fn push(&mut self) -> &[u8] {
        let mut body = Vec::with_capacity(self.payload.len() + 2);
        self.payload.write(self.count(), &mut body);
        body.extend_from_slice(b"\r\n");
        self.bodies.push_back(body);
        &self.bodies[self.bodies.len() - 1]
    }

    /// Everybody has everything.
    pub(crate) fn forget(&mut self) {
        self.first = self.count();
        self.bodies.clear();
    }

    fn body(&self, number: u64) -> Option<&[u8]> {
        let index = number.checked_sub(self.first)?;
        let index = if self.repeats { index % self.bodies.len() as u64 } else { index };
        self.bodies.get(usize::try_from(index).ok()?).map(Vec::as_slice)
    }
}

const PING: &[u8] = b"PING\r\n";

/// Compares what one subscriber gets with what was sent. The plain bytes may come in any pieces.
pub(crate) struct Checker {
    /// `MSG subject sid size`, the same for each message.
    head: Vec<u8>,
    /// The messages that have come whole.
    received: u64,
    /// How many bytes of the next one have come.
    at: usize,
    /// How many bytes of a `PING` between two messages have come.
    at_ping: usize,
}

impl Checker {
    pub(crate) fn new(subject: &str, sid: u64, payload: Payload) -> Checker {
        let head = format!("MSG {subject} {sid} {}\r\n", payload.len()).into_bytes();
        Checker { head, received: 0, at: 0, at_ping: 0 }
    }

    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    pub(crate) fn check(&mut self, mut bytes: &[u8], sent: &Sent) -> anyhow::Result<()> {
        while let Some(&byte) = bytes.first() {
            if self.at == 0 && (self.at_ping > 0 || byte == PING[0]) {
                bytes = self.check_ping(bytes)?;
                continue;
            }
            let body = sent
                .body(self.received)
                .with_context(|| format!("bytes behind the last message: {:?}", start(bytes)))?;
            let expected = self.head.get(self.at..).filter(|rest| !rest.is_empty());
            let expected = expected.unwrap_or_else(|| &body[self.at - self.head.len()..]);
            let len = expected.len().min(bytes.len());
            ensure!(
                expected[..len] == bytes[..len],
                "message {} is missing or altered: {:?} instead of {:?}",
                self.received,
                start(bytes),
                start(expected)
            );
            self.at += len;
            bytes = &bytes[len..];
            if self.at == self.head.len() + body.len() {
                self.received += 1;
                self.at = 0;
            }
        }
        Ok(())
    }

    /// Servers ping new clients once to measure the round trip. Nobody waits for the answer.
    fn check_ping<'b>(&mut self, bytes: &'b [u8]) -> anyhow::Result<&'b [u8]> {
        let len = (PING.len() - self.at_ping).min(bytes.len());
        ensure!(PING[self.at_ping..][..len] == bytes[..len], "no op of a server: {:?}", start(bytes));
        self.at_ping = (self.at_ping + len) % PING.len();
        Ok(&bytes[len..])
    }
}

fn start(bytes: &[u8]) -> String {
    bytes[..bytes.len().min(60)].escape_ascii().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAYLOAD: Payload = Payload::Text(20);

    fn stream(numbers: impl IntoIterator<Item = u64>) -> Vec<u8> {
        let mut out = Vec::new();
        for number in numbers {
            out.extend_from_slice(b"MSG a.b 7 20\r\n");
            PAYLOAD.write(number, &mut out);
            out.extend_from_slice(b"\r\n");
        }
        out
    }

    fn check(pieces: &[&[u8]]) -> anyhow::Result<u64> {
        let mut sent = Sent::new(PAYLOAD);
        for _ in 0..3 {
            sent.push();
        }
        let mut checker = Checker::new("a.b", 7, PAYLOAD);
        for piece in pieces {
            checker.check(piece, &sent)?;
        }
        Ok(checker.received())
    }

    #[test]
    fn a_stream_passes_however_it_is_split() {
        let mut whole = stream([0, 1]);
        whole.extend_from_slice(b"PING\r\n");
        whole.extend(stream([2]));
        for at in 0..=whole.len() {
            assert_eq!(check(&[&whole[..at], &whole[at..]]).expect("as sent"), 3, "split at {at}");
        }
    }

    #[test]
    fn whatever_is_lost_doubled_reordered_or_altered_is_found() {
        for wrong in [&[0, 2][..], &[0, 0], &[1, 0], &[0, 1, 2, 3]] {
            assert!(check(&[&stream(wrong.iter().copied())]).is_err(), "{wrong:?}");
        }
        let whole = stream([0, 1, 2]);
        for at in 0..whole.len() {
            let mut altered = whole.clone();
            altered[at] ^= 0x20;
            let result = check(&[&altered]);
            assert!(result.is_err(), "byte {at} altered");
        }
    }

    #[test]
    fn messages_can_come_again_and_again_but_only_in_turn() {
        let sent = Sent::repeated(PAYLOAD, 3);
        for (numbers, good) in [(&[0, 1, 2, 0, 1, 2, 0][..], true), (&[0, 1, 2, 1], false), (&[0, 0], false)]
        {
            let mut checker = Checker::new("a.b", 7, PAYLOAD);
            let result = checker.check(&stream(numbers.iter().copied()), &sent);
            assert_eq!(result.is_ok(), good, "{numbers:?}");
            assert!(!good || checker.received() == numbers.len() as u64, "{numbers:?}");
        }
    }

    #[test]
    fn what_was_sent_can_be_forgotten() {
        let mut sent = Sent::new(PAYLOAD);
        sent.push();
        sent.forget();
        assert_eq!((sent.count(), sent.body(0)), (1, None));
        sent.push();
        assert!(sent.body(1).is_some());
    }
}
