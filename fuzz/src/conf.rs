//! The configuration language.
//!
//! The input is one text, or several separated by 0xFF: the main file, then the files that it includes and the texts of its
//! environment variables, by number (`include 1`, `$1`).

use std::fmt::Write as _;

use dunlin_conf::{Included, LoadError, Map, NoSources, Sources, Value, decode, parse};

/// Runs one input: whatever can be read is written out again and read back to the same tree.
pub fn run(data: &[u8]) {
    let texts: Vec<&[u8]> = data.split(|byte| *byte == 0xff).collect();
    let Some(main) = texts.first() else { return };
    let Ok(document) = parse("0", &decode(main), &mut Texts(&texts)) else { return };
    let mut text = String::new();
    write_entries(document.root(), &mut text);
    match parse("again", &text, &mut NoSources) {
        Ok(again) => assert_eq!(again.canonical(), document.canonical(), "{text}"),
        Err(error) => panic!("{error}\n{text}"),
    }
}

struct Texts<'a>(&'a [&'a [u8]]);

impl Texts<'_> {
    fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.get(name.parse::<usize>().ok()?).copied()
    }
}

impl Sources for Texts<'_> {
    fn include(&mut self, _from: &str, path: &str) -> Result<Included, LoadError> {
        let text = self.get(path).ok_or(LoadError::NotFound)?.to_vec();
        Ok(Included { name: path.to_owned(), text })
    }

    fn variable(&mut self, name: &str) -> Option<String> {
        self.get(name).and_then(|text| String::from_utf8(text.to_vec()).ok())
    }
}

fn write_entries(map: &Map, out: &mut String) {
    for entry in map {
        // A quoted key can hold the other kind of quote only; a bare one both, but then it does not begin with one.
        let quote = match (entry.key.contains('"'), entry.key.contains('\'')) {
            (true, true) => "",
            (true, false) => "'",
            (false, _) => "\"",
        };
        _ = write!(out, "{quote}{}{quote}: ", entry.key);
        write_value(&entry.node.value, out);
        out.push('\n');
    }
}

fn write_value(value: &Value, out: &mut String) {
    match value {
        Value::String(text) => {
            out.push('"');
            text.bytes().for_each(|byte| _ = write!(out, "\\x{byte:02x}"));
            out.push('"');
        }
        Value::Integer(number) => _ = write!(out, "{number}"),
        Value::Float(number) => {
            let text = number.to_string();
            out.push_str(&text);
            out.push_str(if text.contains('.') { "" } else { ".0" });
        }
        Value::Boolean(value) => _ = write!(out, "{value}"),
        Value::DateTime(date) => _ = write!(out, "{date}"),
        Value::Map(map) => {
            out.push_str("{\n");
            write_entries(map, out);
            out.push('}');
        }
        Value::Array(nodes) => {
            out.push('[');
            for node in nodes {
                write_value(&node.value, out);
                out.push('\n');
            }
            out.push(']');
        }
    }
}
