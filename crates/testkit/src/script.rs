//! A client's next ops, drawn from a seed.

use std::collections::BTreeMap;

use fastrand::Rng;

use crate::op::{HPUB_WITHOUT_HEADERS, Message, OFFENCES, Op, Options, tag};

/// Few tokens and few sids, so that subscriptions overlap and clients have equal delivery lists.
const TOKENS: [&str; 4] = ["a", "b", "c", "a-rather-long-token-that-is-no-multiple-of-eight"];
const QUEUES: [&str; 2] = ["q", "workers"];
/// Up to seven bytes, exactly seven, exactly eight, and long.
const SIDS: [&str; 8] = ["1", "2", "3", "42", "1234567", "12345678", "a-long-subscription-id", "!@#"];
const BAD_FILTERS: [&str; 4] = ["a..b", ".a", "a.>.b", "b."];
const ODD_SUBJECTS: [&str; 4] = ["a..b", "a.*", "b.>", "."];

/// The ops of one client. It knows what it has sent, not what the server has made of it.
#[derive(Debug)]
pub(crate) struct Script {
    client: usize,
    /// How many ops it still has.
    pub left: u32,
    options: Options,
    is_connected: bool,
    /// Sids in use, and whether they end by themselves.
    sids: BTreeMap<Vec<u8>, bool>,
    /// How many of 100 ops publish.
    publishing: u32,
    /// How many of 100 requests it answers.
    pub answering: u32,
    large: bool,
    /// Has sent its last op, whatever is left.
    pub over: bool,
}

impl Script {
    /// `large`: it may publish what is larger than a read buffer.
    pub(crate) fn new(client: usize, large: bool, rng: &mut Rng) -> Script {
        Script {
            client,
            left: rng.u32(10..80),
            options: Options::BEFORE_CONNECT,
            is_connected: false,
            sids: BTreeMap::new(),
            publishing: rng.u32(10..70),
            answering: rng.u32(..100),
            large: large && rng.u8(..8) == 0,
            over: false,
        }
    }

    /// A client that sends nothing of its own accord.
    pub(crate) fn silent(client: usize) -> Script {
        Script { left: 0, answering: 0, ..Script::new(client, false, &mut Rng::with_seed(0)) }
    }

    /// The first ops: usually CONNECT, and often a subscription to answers.
    pub(crate) fn greeting(&mut self, rng: &mut Rng) -> Vec<Op> {
        let mut ops = Vec::new();
        if rng.u8(..4) == 0 {
            ops.push(self.any_subscribe(rng));
        }
        if rng.u8(..8) > 0 {
            ops.push(self.connect(rng));
        }
        if rng.bool() {
            let inbox = format!("_INBOX.{}.{}", self.client, if rng.bool() { "*" } else { ">" });
            ops.push(self.subscribe(inbox.into_bytes(), None, b"inbox".to_vec()));
        }
        ops
    }

    /// The next op.
    pub(crate) fn next(&mut self, messages: &mut Vec<Message>, rng: &mut Rng) -> Op {
        self.left = self.left.saturating_sub(1);
        if rng.u32(..100) < self.publishing {
            return self.publish(messages, rng);
        }
        match rng.u8(..100) {
            0..45 => self.any_subscribe(rng),
            45..62 => self.unsubscribe(rng),
            62..72 => self.unsubscribe_later(rng),
            72..92 => Op::Ping,
            92..95 => Op::Pong,
            95..97 => self.connect(rng),
            _ => self.publish(messages, rng),
        }
    }

    /// A last op that the server ends the connection for.
    pub(crate) fn offend(&mut self, rng: &mut Rng) -> Op {
        self.over = true;
        let n = rng.usize(..OFFENCES.len() + 1);
        match OFFENCES.get(n) {
            Some(offence) => Op::Offend(*offence),
            None if self.options.headers => Op::Offend(OFFENCES[0]),
            None => Op::Offend(HPUB_WITHOUT_HEADERS),
        }
    }

    fn connect(&mut self, rng: &mut Rng) -> Op {
        let headers = rng.u8(..4) > 0;
        self.options = Options {
            verbose: rng.u8(..4) == 0,
            pedantic: rng.u8(..4) == 0,
            echo: rng.u8(..4) > 0,
            headers,
            no_responders: headers && rng.u8(..4) > 0,
            protocol: rng.bool(),
        };
        // The first one keeps what came before it.
        if core::mem::replace(&mut self.is_connected, true) {
            self.sids.clear();
        }
        Op::Connect(self.options)
    }

    fn any_subscribe(&mut self, rng: &mut Rng) -> Op {
        let filter = any_filter(self.client, rng);
        let queue = (rng.u8(..3) == 0).then(|| pick(&QUEUES, rng).as_bytes().to_vec());
        // A sid that ends by itself may be free or not when this arrives: it is not used again before it is ended.
        let free: Vec<_> = SIDS.iter().filter(|sid| self.sids.get(sid.as_bytes()) != Some(&true)).collect();
        let sid = if free.is_empty() { "spare" } else { free[rng.usize(..free.len())] };
        if self.sids.get(sid.as_bytes()) == Some(&true) {
            return Op::Ping;
        }
        self.subscribe(filter, queue, sid.as_bytes().to_vec())
    }

    fn subscribe(&mut self, filter: Vec<u8>, queue: Option<Vec<u8>>, sid: Vec<u8>) -> Op {
        if dunlin_subject::Filter::parse(&filter).is_ok() {
            self.sids.entry(sid.clone()).or_insert(false);
        }
        Op::Subscribe { filter, queue, sid }
    }

    fn any_sid(&self, rng: &mut Rng) -> Vec<u8> {
        match self.sids.len() {
            0 => b"unknown".to_vec(),
            len => self.sids.keys().nth(rng.usize(..len)).cloned().unwrap_or_default(),
        }
    }

    fn unsubscribe(&mut self, rng: &mut Rng) -> Op {
        let sid = self.any_sid(rng);
        self.sids.remove(&sid);
        Op::Unsubscribe { sid, max: None }
    }

    fn unsubscribe_later(&mut self, rng: &mut Rng) -> Op {
        let sid = self.any_sid(rng);
        if let Some(ends) = self.sids.get_mut(&sid) {
            *ends = true;
        }
        Op::Unsubscribe { sid, max: Some(rng.u64(1..8)) }
    }

    fn publish(&mut self, messages: &mut Vec<Message>, rng: &mut Rng) -> Op {
        let id = messages.len() as u64;
        let reply = match rng.u8(..10) {
            0..3 => Some([format!("_INBOX.{}.", self.client).as_bytes(), &tag(id)].concat()),
            3 => Some([&any_subject(rng)[..], b".", &tag(id)].concat()),
            _ => None,
        };
        let mut subject = match rng.u8(..40) {
            0 => pick(&ODD_SUBJECTS, rng).as_bytes().to_vec(),
            // Somebody's inbox.
            1..4 => [format!("_INBOX.{}.", rng.usize(..=self.client)).as_bytes(), &tag(id)].concat(),
            4..8 => [b"nobody.", &tag(id)[..]].concat(),
            _ => any_subject(rng),
        };
        let is_empty = rng.u8(..6) == 0;
        if is_empty && reply.is_none() {
            subject = [&any_subject(rng)[..], b".", &tag(id)].concat();
        }
        let mut payload = if self.options.headers && rng.bool() { header_block(rng) } else { Vec::new() };
        let with_headers = self.options.headers && (!payload.is_empty() || rng.u8(..8) == 0);
        let header_len = with_headers.then_some(payload.len());
        if !is_empty {
            write_body(id, body_len(self.large, rng), &mut payload);
        }
        messages.push(Message { publisher: self.client, subject, reply, header_len, payload });
        Op::Publish(id)
    }

    /// The answer to a request.
    pub(crate) fn answer(&mut self, reply: &[u8], messages: &mut Vec<Message>, rng: &mut Rng) -> Op {
        let id = messages.len() as u64;
        let mut payload = Vec::new();
        write_body(id, rng.usize(..40), &mut payload);
        messages.push(Message {
            publisher: self.client,
            subject: reply.to_vec(),
            reply: None,
            header_len: None,
            payload,
        });
        Op::Publish(id)
    }
}

fn pick<'a>(choices: &[&'a str], rng: &mut Rng) -> &'a str {
    choices[rng.usize(..choices.len())]
}

fn any_subject(rng: &mut Rng) -> Vec<u8> {
    let tokens: Vec<&str> = (0..rng.usize(1..4)).map(|_| token(rng)).collect();
    tokens.join(".").into_bytes()
}

fn token(rng: &mut Rng) -> &'static str {
    if rng.u8(..16) == 0 { TOKENS[3] } else { TOKENS[rng.usize(..3)] }
}

fn any_filter(client: usize, rng: &mut Rng) -> Vec<u8> {
    match rng.u8(..30) {
        0 => return pick(&BAD_FILTERS, rng).as_bytes().to_vec(),
        1..3 => return b">".to_vec(),
        3 => return format!("_INBOX.{}.>", rng.usize(..=client)).into_bytes(),
        _ => {}
    }
    let mut tokens: Vec<&str> =
        (0..rng.usize(1..4)).map(|_| if rng.u8(..3) == 0 { "*" } else { token(rng) }).collect();
    if rng.u8(..3) == 0 {
        tokens.push(">");
    }
    tokens.join(".").into_bytes()
}

/// The server does not look into header blocks, so some are none.
fn header_block(rng: &mut Rng) -> Vec<u8> {
    match rng.u8(..4) {
        0 => b"abc".to_vec(),
        1 => b"NATS/1.0\r\n\r\n".to_vec(),
        _ => b"NATS/1.0\r\nKey: value\r\nKey: other\r\n\r\n".to_vec(),
    }
}

fn body_len(large: bool, rng: &mut Rng) -> usize {
    match rng.u8(..64) {
        0 if large => rng.usize(60_000..150_000),
        0..4 => rng.usize(..10_000),
        _ => rng.usize(..100),
    }
}

/// A tag, and filler that looks like protocol.
fn write_body(id: u64, filler: usize, out: &mut Vec<u8>) {
    const FILLER: &[u8] = b"\r\nMSG a 1 3\r\nabc\r\nPING\r\n\x82\x05\x00+OK\r\n-ERR 'no'\r\nUNSUB 1\r\n";
    out.extend(tag(id));
    out.push(b' ');
    let shift = id as usize % FILLER.len();
    out.extend(FILLER.iter().copied().cycle().skip(shift).take(filler));
}
