//! The parsers against the naive oracle, on streams that are nearly right, cut up at random; and round trips.

mod drive;
mod naive;

use drive::feed;
use dunlin_nats_protocol::{
    ClientOp, HeaderBlock, HeaderWriter, Limits, Message, MsgHead, Parser, PubHead, Publish, ServerOp,
    ServerParser, Status, Subscribe, Unsubscribe,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// Small, so that random streams run into them.
fn limits() -> impl Strategy<Value = Limits> {
    (0..60usize, 0..40usize)
        .prop_map(|(control_line_max, payload_max)| Limits { control_line_max, payload_max })
}

fn verb() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "PUB", "HPUB", "SUB", "UNSUB", "PING", "PONG", "CONNECT", "INFO", "+OK", "-ERR", "MSG", "HMSG",
    ]);
    prop_oneof![known.clone().prop_map(String::from), known.prop_map(str::to_lowercase), "[ -~]{0,5}",]
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z.*>$_0-9]{1,12}",
        2 => "[0-9]{1,2}",
        1 => "[0-9]{1,10}",
        1 => "[\\x00-\\x20\u{e9}a]{1,4}",
        1 => "'[a-z ]{0,8}'",
        1 => "[a-z.]{20,40}",
    ]
}

fn blanks() -> impl Strategy<Value = String> {
    prop_oneof![8 => Just(String::from(" ")), 1 => "[ \\t\\r]{0,3}", 1 => "[ \\t]{1,30}"]
}

/// A line of the right shape, and what could be its payload.
fn rough_op() -> impl Strategy<Value = Vec<u8>> {
    let line_end = prop_oneof![6 => Just("\r\n"), 1 => Just("\n"), 1 => Just("\r\r\n"), 1 => Just("")];
    (verb(), vec((blanks(), word()), 0..5), blanks(), line_end, vec(any::<u8>(), 0..20)).prop_map(
        |(verb, words, tail, line_end, payload)| {
            let mut op = verb.into_bytes();
            for (blanks, word) in words {
                op.extend_from_slice(blanks.as_bytes());
                op.extend_from_slice(word.as_bytes());
            }
            if tail.len() > 1 {
                op.extend_from_slice(tail.as_bytes());
            }
            op.extend_from_slice(line_end.as_bytes());
            op.extend_from_slice(&payload);
            op
        },
    )
}

/// A message with the payload that its line announces, or nearly: the line is written in every way that is right, and in
/// some that are not.
fn near_message() -> impl Strategy<Value = Vec<u8>> {
    let verb = prop::sample::select(vec!["PUB", "HPUB", "MSG", "HMSG", "pub", "hMsg"]);
    let gap =
        || prop_oneof![12 => Just(" "), 1 => Just("  "), 1 => Just("\t"), 1 => Just(" \r"), 1 => Just("")];
    let zeros = prop_oneof![6 => Just(0usize), 1 => 0..10usize];
    let line_end = prop_oneof![8 => Just("\r\n"), 1 => Just("\n"), 1 => Just(" \r\n"), 1 => Just("\r\r\n")];
    let payload_end = prop_oneof![8 => Just("\r\n"), 1 => Just("\n"), 1 => Just("\r"), 1 => Just("x\n")];
    (
        (verb, vec(("([a-z.]{1,20}|[0-9]{1,3}|[0-9][a-z]|\\x01)", gap()), 1..4), gap(), gap()),
        (zeros, 0..24usize, vec(any::<u8>(), 0..24), line_end, payload_end),
    )
        .prop_map(
            |((verb, words, first, between), (zeros, header_len, payload, line_end, payload_end))| {
                let mut line = format!("{verb}{first}");
                for (word, gap) in words {
                    line.push_str(&word);
                    line.push_str(gap);
                }
                if verb.starts_with(['H', 'h']) {
                    line.push_str(&format!("{header_len}{between}"));
                }
                let mut op = format!("{line}{}{}{line_end}", "0".repeat(zeros), payload.len()).into_bytes();
                op.extend_from_slice(&payload);
                op.extend_from_slice(payload_end.as_bytes());
                op
            },
        )
}

/// The pieces of `input` between `cuts`, which are taken modulo its length.
fn chunks<'b>(input: &'b [u8], cuts: &[usize]) -> Vec<&'b [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (input.len() + 1)).collect();
    cuts.push(input.len());
    cuts.sort_unstable();
    let mut start = 0;
    cuts.into_iter().map(|end| &input[std::mem::replace(&mut start, end)..end]).collect()
}

fn token() -> impl Strategy<Value = Vec<u8>> {
    // Blanks and line ends are excluded by what the encoders ask for.
    let byte = any::<u8>().prop_map(|byte| if b" \t\r\n".contains(&byte) { b'x' } else { byte });
    prop_oneof!["[a-z.*>0-9]{1,12}".prop_map(String::into_bytes), vec(byte, 1..70)]
}

#[derive(Clone, Debug)]
struct Owned {
    kind: u8,
    subject: Vec<u8>,
    sid: Vec<u8>,
    reply: Option<Vec<u8>>,
    payload: Vec<u8>,
    header_len: usize,
    max: Option<u64>,
    json: String,
}

fn owned() -> impl Strategy<Value = Owned> {
    (
        (any::<u8>(), token(), token(), option::of(token())),
        (
            vec(any::<u8>(), 0..60),
            any::<prop::sample::Index>(),
            option::of(any::<u64>()),
            "\\{[a-z\": ]{0,20}\\}",
        ),
    )
        .prop_map(|((kind, subject, sid, reply), (payload, header, max, json))| {
            let header_len = header.index(payload.len() + 1);
            Owned { kind, subject, sid, reply, payload, header_len, max, json }
        })
}

impl Owned {
    fn client(&self) -> ClientOp<'_> {
        let with_headers = self.kind.is_multiple_of(2);
        match self.kind % 10 {
            0 => ClientOp::Connect(self.json.as_bytes()),
            1 => ClientOp::Ping,
            2 => ClientOp::Pong,
            3 => ClientOp::Ok,
            4 => ClientOp::Err(self.json.as_bytes()),
            5 => ClientOp::Info(self.json.as_bytes()),
            6 => ClientOp::Subscribe(Subscribe {
                subject: &self.subject,
                queue: self.reply.as_deref(),
                sid: &self.sid,
            }),
            7 => ClientOp::Unsubscribe(Unsubscribe { sid: &self.sid, max: self.max }),
            _ => ClientOp::Publish(Publish {
                subject: &self.subject,
                reply: self.reply.as_deref(),
                header_len: if with_headers { self.header_len } else { 0 },
                with_headers,
                payload: &self.payload,
            }),
        }
    }

    fn server(&self) -> ServerOp<'_> {
        let with_headers = self.kind.is_multiple_of(2);
        match self.kind % 8 {
            0 => ServerOp::Info(self.json.as_bytes()),
            1 => ServerOp::Ping,
            2 => ServerOp::Pong,
            3 => ServerOp::Ok,
            4 => ServerOp::Err(self.json.as_bytes()),
            _ => ServerOp::Msg(Message {
                subject: &self.subject,
                sid: &self.sid,
                reply: self.reply.as_deref(),
                header_len: if with_headers { self.header_len } else { 0 },
                with_headers,
                payload: &self.payload,
            }),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn rough_streams(
        ops in vec(prop_oneof![rough_op(), near_message()], 0..6),
        limits in prop_oneof![limits(), Just(Limits::default())],
        cuts in vec(any::<usize>(), 0..8),
    ) {
        let input = ops.concat();
        let (ops, end) = naive::client_ops(&input, limits);
        feed::<Parser>(chunks(&input, &cuts), limits, &ops, end);
        feed::<Parser>(input.chunks(1), limits, &ops, end);
        let (ops, end) = naive::server_ops(&input, limits);
        feed::<ServerParser>(chunks(&input, &cuts), limits, &ops, end);
        feed::<ServerParser>(input.chunks(1), limits, &ops, end);
    }

    #[test]
    fn damaged_streams(
        ops in vec(owned(), 1..6),
        damage in vec((any::<prop::sample::Index>(), prop::sample::select(b"\0 \t\r\n09aP+\xff".to_vec())), 0..4),
        limits in limits(),
        roomy in any::<bool>(),
        cuts in vec(any::<usize>(), 0..8),
    ) {
        let limits = if roomy { Limits::default() } else { limits };
        let (mut client, mut server) = (Vec::new(), Vec::new());
        for op in &ops {
            op.client().encode(&mut client);
            op.server().encode(&mut server);
        }
        for (at, byte) in damage {
            *at.get_mut(&mut client) = byte;
            *at.get_mut(&mut server) = byte;
        }
        let (ops, end) = naive::client_ops(&client, limits);
        feed::<Parser>(chunks(&client, &cuts), limits, &ops, end);
        let (ops, end) = naive::server_ops(&server, limits);
        feed::<ServerParser>(chunks(&server, &cuts), limits, &ops, end);
    }

    /// What an error is must not depend on when the bytes come, and no error may come later than it can be known.
    #[test]
    fn every_truncation(ops in vec(rough_op(), 1..3), limits in limits()) {
        let input = ops.concat();
        for len in 0..input.len() {
            let (ops, end) = naive::client_ops(&input[..len], limits);
            feed::<Parser>([&input[..len]], limits, &ops, end);
            let (ops, end) = naive::server_ops(&input[..len], limits);
            feed::<ServerParser>([&input[..len]], limits, &ops, end);
        }
    }

    #[test]
    fn round_trip(ops in vec(owned(), 0..8), cuts in vec(any::<usize>(), 0..8)) {
        let (mut client, mut server) = (Vec::new(), Vec::new());
        for op in &ops {
            op.client().encode(&mut client);
            op.server().encode(&mut server);
        }
        let limits = Limits::default();
        let expected: Vec<ClientOp<'_>> = ops.iter().map(Owned::client).collect();
        feed::<Parser>(chunks(&client, &cuts), limits, &expected, None);
        let expected: Vec<ServerOp<'_>> = ops.iter().map(Owned::server).collect();
        feed::<ServerParser>(chunks(&server, &cuts), limits, &expected, None);
    }

    #[test]
    fn head_lengths(
        subject in token(),
        sid in token(),
        reply in option::of(token()),
        header_len in option::of(any::<usize>()),
        total_len in any::<usize>(),
        shift in 0..64u32,
    ) {
        let (subject, sid, reply) = (&subject[..], &sid[..], reply.as_deref());
        let (header_len, total_len) = (header_len.map(|len| len >> shift), total_len >> shift);
        let mut out = Vec::new();
        let head = MsgHead { subject, sid, reply, header_len, total_len };
        head.encode(&mut out);
        prop_assert_eq!(out.len(), head.encoded_len());
        let head = PubHead { subject, reply, header_len, total_len };
        out.clear();
        head.encode(&mut out);
        prop_assert_eq!(out.len(), head.encoded_len());
    }

    #[test]
    fn header_round_trip(
        status in option::of((0..1000u16, "([!-~]([ -~]{0,8}[!-~])?)?")),
        pairs in vec(("[!-9;-~]{1,9}", "([!-~\u{e9}][ -~\t]{0,20})?"), 0..6),
    ) {
        let mut out = b"before".to_vec();
        let status = status.as_ref().map(|(code, text)| Status { code: *code, text: text.as_bytes() });
        let mut writer = match status {
            Some(status) => HeaderWriter::with_status(&mut out, status).expect("a good status"),
            None => HeaderWriter::new(&mut out),
        };
        for (key, value) in &pairs {
            writer.push(key.as_bytes(), value.as_bytes()).expect("a good header");
        }
        let len = writer.finish();
        let (before, written) = out.split_at(6);
        prop_assert_eq!((before, written.len()), (&b"before"[..], len));
        let block = HeaderBlock::parse(written).expect("a good block");
        prop_assert_eq!(block.status(), status);
        let read: Vec<_> = block.iter().collect();
        let expected: Vec<_> = pairs.iter().map(|(key, value)| (key.as_bytes(), value.as_bytes())).collect();
        prop_assert_eq!(read, expected);
        for end in 0..len {
            prop_assert!(HeaderBlock::parse(&written[..end]).is_err());
        }
    }

    /// A naive reading of a block: split at every CR LF, and nothing else may break a line.
    #[test]
    fn rough_headers(text in "(NATS/1\\.0)?[ 0-9a-z]{0,6}(\r\n|[\r\na:; \t]){0,12}(\r\n){0,2}") {
        let lines: Vec<&str> = text.split("\r\n").collect();
        let good = matches!(lines[..], [first, .., "", ""] if first.starts_with("NATS/1.0"))
            && lines[1..lines.len() - 2].iter().all(|line| line.find(':').is_some_and(|at| at > 0))
            && lines.iter().all(|line| !line.contains(['\r', '\n']));
        let status = lines[0].get(8..).unwrap_or_default();
        let code = status.trim_matches([' ', '\t']).split([' ', '\t']).next().unwrap_or_default();
        let good_status = code.is_empty()
            || (status.starts_with(' ') && code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit()));
        let parsed = HeaderBlock::parse(text.as_bytes());
        prop_assert_eq!(parsed.is_ok(), good && good_status, "{:?}", parsed);
        if let Ok(block) = parsed {
            let naive: Vec<_> = lines[1..lines.len() - 2]
                .iter()
                .filter_map(|line| line.split_once(':'))
                .map(|(key, value)| (key.as_bytes(), value.trim_start_matches([' ', '\t']).as_bytes()))
                .collect();
            prop_assert_eq!(block.iter().collect::<Vec<_>>(), naive);
        }
    }
}
