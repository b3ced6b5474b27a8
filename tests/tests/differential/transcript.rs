//! What a server sent, in lines that two servers can be compared by.

/// Collects the events of an exchange.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    lines: Vec<String>,
}

impl Transcript {
    /// NATS or HTTP bytes, a line of the transcript for each of theirs.
    pub(crate) fn bytes(&mut self, link: char, bytes: &[u8]) {
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.lines.push(format!("{link} {}", escape(&normalise(line))));
        }
    }

    /// Anything else that happened.
    pub(crate) fn event(&mut self, link: char, text: &str) {
        self.lines.push(format!("{link} {text}"));
    }

    pub(crate) fn into_text(self) -> String {
        self.lines.join("\n")
    }
}

/// Replaces what differs between any two servers.
fn normalise(line: &[u8]) -> Vec<u8> {
    if line.starts_with(b"INFO {") {
        let mut text = String::from_utf8_lossy(line).into_owned();
        for key in ["server_id", "server_name", "version", "go", "port", "client_id", "nonce"] {
            text = star(&text, key);
        }
        // The commit is known to a build from a git tree only; the curve key is auth callout's, which dunlin does not serve yet.
        for key in ["git_commit", "xkey"] {
            text = text_without(&text, key);
        }
        return text.into_bytes();
    }
    if line.starts_with(b"Date: ") {
        return b"Date: *\r\n".to_vec();
    }
    without_ports(line)
}

/// The line with the numbers of ports replaced by `*`.
fn without_ports(line: &[u8]) -> Vec<u8> {
    let (mut out, mut is_port) = (Vec::new(), false);
    for (at, byte) in line.iter().enumerate() {
        let starts = [&b"port "[..], b"://localhost:"].iter().any(|text| line[..at].ends_with(text));
        let was_port = is_port;
        is_port = byte.is_ascii_digit() && (was_port || starts);
        if !is_port {
            out.push(*byte);
        } else if !was_port {
            out.push(b'*');
        }
    }
    out
}

/// The text with the value of `key` replaced by `*`.
fn star(text: &str, key: &str) -> String {
    match value(text, key) {
        Some((_, from, to)) => format!("{}*{}", &text[..from], &text[to..]),
        None => text.to_owned(),
    }
}

fn text_without(text: &str, key: &str) -> String {
    match value(text, key) {
        // With the comma behind it, or else the one before.
        Some((start, _, to)) => match text[to..].strip_prefix(',') {
            Some(rest) => format!("{}{rest}", &text[..start]),
            None => format!("{}{}", text[..start].trim_end_matches(','), &text[to..]),
        },
        None => text.to_owned(),
    }
}

/// Where `"key":value` starts, and the range of the value. The values in question hold no `,` and no `}`.
fn value(text: &str, key: &str) -> Option<(usize, usize, usize)> {
    let start = text.find(&format!("\"{key}\":"))?;
    let from = start + key.len() + 3;
    let len = text[from..].find([',', '}'])?;
    Some((start, from, from + len))
}

/// Printable ASCII as it is, the rest escaped, a long run of one byte as `x{count}`.
pub(crate) fn escape(bytes: &[u8]) -> String {
    let mut out = String::new();
    let mut rest = bytes;
    while let Some(&first) = rest.first() {
        let run = rest.iter().take_while(|&&byte| byte == first).count();
        let one = first.escape_ascii().to_string().replace("\\\"", "\"").replace("\\'", "'");
        if run >= 32 {
            out.push_str(&format!("{one}{{{run}}}"));
            rest = &rest[run..];
        } else {
            out.push_str(&one);
            rest = &rest[1..];
        }
    }
    out
}

#[test]
fn info_is_normalised() {
    let mut transcript = Transcript::default();
    transcript.bytes(
        'A',
        b"INFO {\"server_id\":\"NX\",\"git_commit\":\"1\",\"port\":1,\"headers\":true,\"xkey\":\"X\"} \r\n",
    );
    assert_eq!(transcript.into_text(), "A INFO {\"server_id\":*,\"port\":*,\"headers\":true} \\r\\n");
}
