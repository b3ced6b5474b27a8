//! Properties: no text makes the parser panic, what is written is read back, and a file may be split into included files anywhere.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::fmt::Write as _;

use dunlin_conf::{Included, LoadError, NoSources, Sources, parse};
use proptest::prelude::*;

/// A value to write and read back.
#[derive(Clone, Debug)]
enum Tree {
    Text(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    Array(Vec<Tree>),
    Map(Vec<(String, Tree)>),
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        any::<String>().prop_map(Tree::Text),
        any::<i64>().prop_map(Tree::Integer),
        any::<f64>().prop_filter("JSON has no such number", |n| n.is_finite()).prop_map(Tree::Float),
        any::<bool>().prop_map(Tree::Boolean),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Tree::Array),
            prop::collection::vec(("[a-z]{1,3}", inner), 0..4).prop_map(Tree::Map),
        ]
    })
}

/// Writes a tree in the language. `style` picks among the ways there are.
fn write(tree: &Tree, style: u8, out: &mut String) {
    let (separator, end) = [(": ", ", "), (" = ", "\n"), (" ", ";")][usize::from(style % 3)];
    match tree {
        Tree::Text(text) => {
            out.push('"');
            for byte in text.bytes() {
                match byte {
                    b'a'..=b'z' | b' ' | b'/' | b'#' | b'{' | b'\n' => out.push(char::from(byte)),
                    _ => write!(out, "\\x{byte:02x}").unwrap(),
                }
            }
            out.push('"');
        }
        Tree::Integer(number) => write!(out, "{number}").unwrap(),
        Tree::Float(number) if number.fract() == 0.0 => write!(out, "{number}.0").unwrap(),
        Tree::Float(number) => write!(out, "{number}").unwrap(),
        Tree::Boolean(value) => out.push_str(
            if *value { ["true", "Yes", "ON"] } else { ["false", "No", "OFF"] }[usize::from(style % 3)],
        ),
        Tree::Array(values) => {
            out.push('[');
            for value in values {
                write(value, style, out);
                out.push_str(if style.is_multiple_of(2) { "," } else { " // c\n" });
            }
            out.push(']');
        }
        Tree::Map(entries) => {
            out.push('{');
            write_entries(entries, separator, end, style, out);
            out.push('}');
        }
    }
}

fn write_entries(entries: &[(String, Tree)], separator: &str, end: &str, style: u8, out: &mut String) {
    for (key, value) in entries {
        out.push_str(key);
        out.push_str(separator);
        write(value, style, out);
        out.push_str(end);
    }
}

/// The canonical form of a tree, written another way than the crate does.
fn canonical(tree: &Tree) -> String {
    match tree {
        Tree::Text(text) => json_string(text),
        Tree::Integer(number) => number.to_string(),
        Tree::Boolean(value) => value.to_string(),
        Tree::Float(number) if number.abs() >= 1e21 => format!("{number:e}").replace('e', "e+"),
        Tree::Float(number) if *number != 0.0 && number.abs() < 1e-6 => format!("{number:e}"),
        Tree::Float(number) => number.to_string(),
        Tree::Array(values) => format!("[{}]", values.iter().map(canonical).collect::<Vec<_>>().join(",")),
        Tree::Map(entries) => {
            let sorted: std::collections::BTreeMap<_, _> =
                entries.iter().map(|(key, value)| (key, value)).collect();
            let inner: Vec<_> =
                sorted.iter().map(|(key, value)| format!("\"{key}\":{}", canonical(value))).collect();
            format!("{{{}}}", inner.join(","))
        }
    }
}

fn json_string(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if c < ' ' || "<>&\u{2028}\u{2029}".contains(c) => {
                write!(out, "\\u{:04x}", u32::from(c)).unwrap();
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// One file beside the main one.
struct One(String);

impl Sources for One {
    fn include(&mut self, _from: &str, path: &str) -> Result<Included, LoadError> {
        Ok(Included { name: path.to_string(), text: self.0.clone().into_bytes() })
    }

    fn variable(&mut self, name: &str) -> Option<String> {
        (name.len() == 1).then(|| self.0.clone())
    }
}

proptest! {
    #[test]
    fn written_is_read_back(entries in prop::collection::vec(("[a-z]{1,3}", tree()), 0..5), style in any::<u8>()) {
        let tree = Tree::Map(entries);
        let mut text = String::new();
        write(&tree, style, &mut text);
        let whole = parse("t", &text, &mut NoSources).unwrap_or_else(|error| panic!("{text}\n{error}"));
        prop_assert_eq!(whole.canonical(), canonical(&tree) + "\n");
        // Without the braces around the file.
        let bare = parse("t", &text[1..text.len() - 1], &mut NoSources).unwrap();
        prop_assert_eq!(whole.canonical(), bare.canonical());
    }

    #[test]
    fn any_split_into_files_is_the_same(entries in prop::collection::vec(("[a-z]{1,3}", tree()), 1..6), from in 0_usize..6, to in 0_usize..6) {
        let (from, to) = (from.min(to).min(entries.len()), from.max(to).min(entries.len()));
        let part = |entries: &[(String, Tree)]| {
            let mut text = String::new();
            write_entries(entries, ": ", "\n", 0, &mut text);
            text
        };
        let whole = parse("t", &part(&entries), &mut NoSources).unwrap();
        let split = format!("{}include 'part'\n{}", part(&entries[..from]), part(&entries[to..]));
        let split = parse("t", &split, &mut One(part(&entries[from..to]))).unwrap();
        prop_assert_eq!(whole.canonical(), split.canonical());
        for (one, other) in whole.root().iter().zip(split.root()) {
            prop_assert_eq!(&one.key, &other.key);
        }
    }

    #[test]
    fn no_text_panics(text in any::<String>(), other in any::<String>()) {
        _ = parse("t", &text, &mut One(other));
    }

    #[test]
    fn no_soup_panics(parts in prop::collection::vec(prop::sample::select(SOUP), 0..40), other in prop::collection::vec(prop::sample::select(SOUP), 0..8)) {
        let text = parts.concat();
        if let Err(error) = parse("t", &text, &mut One(other.concat())) {
            prop_assert!(!error.to_string().contains('\0'));
        }
    }
}

/// Pieces of the language, good and bad.
const SOUP: &[&str] = &[
    "a",
    "b",
    " ",
    "\n",
    "\r\n",
    "\t",
    ":",
    "=",
    "{",
    "}",
    "[",
    "]",
    ",",
    ";",
    "#",
    "//",
    "/",
    "'",
    "\"",
    "\\",
    "\\x4",
    "(",
    "\n)\n",
    "$",
    "$a",
    "$E",
    "1",
    "-",
    ".",
    "5k",
    "gib",
    "2006-01-02T15:04:05Z",
    "on",
    "include ",
    "include x\n",
    "\u{e9}",
    "\u{2003}",
    "\0",
    "$2a$",
    "a: 1\n",
    "b {",
];

/// Every beginning of a text is read or refused, and a refusal names a place inside the text.
#[test]
fn truncation_sweep() {
    let text = "# c\nport: 42k\nws { a: [1, 'x', \"y\\x41\"], b: (\nz\n)\n d 1.5 }\nx: $port, t: 2006-01-02T15:04:05Z; u: 127.0.0.1:1 // e\n";
    for end in 0..=text.len() {
        if let Err(error) = parse("t", &text[..end], &mut NoSources) {
            assert!(
                error.place.line <= 1 + u32::try_from(text[..end].matches('\n').count()).unwrap(),
                "{error}"
            );
        }
    }
    assert!(parse("t", text, &mut NoSources).is_ok());
}
