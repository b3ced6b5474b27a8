//! The canonical text of a configuration.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

use crate::value::{Document, Entry, Map, Value};

impl Document {
    /// The whole tree as one line of JSON, keys sorted, comments, layout and positions gone.
    ///
    /// Two configurations with the same text here mean the same. The bytes are those that nats-server 2.15 hashes
    /// (`sha256:…` of `-t` and of `/varz`), the new line at the end included.
    pub fn canonical(&self) -> String {
        let mut out = String::new();
        write_map(&self.root, &mut out);
        out.push('\n');
        out
    }
}

fn write_map(map: &Map, out: &mut String) {
    let mut entries: Vec<&Entry> = map.iter().collect();
    entries.sort_by(|a, b| a.key.cmp(&b.key));
    out.push('{');
    for (index, entry) in entries.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_string(&entry.key, out);
        out.push(':');
        write_value(&entry.node.value, out);
    }
    out.push('}');
}

fn write_value(value: &Value, out: &mut String) {
    // Writing to a String does not fail.
    match value {
        Value::String(text) => write_string(text, out),
        Value::Integer(number) => _ = write!(out, "{number}"),
        Value::Float(number) => write_float(*number, out),
        Value::Boolean(value) => _ = write!(out, "{value}"),
        Value::DateTime(date) => _ = write!(out, "\"{date}\""),
        Value::Map(map) => write_map(map, out),
        Value::Array(nodes) => {
            out.push('[');
            for (index, node) in nodes.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_value(&node.value, out);
            }
            out.push(']');
        }
    }
}

/// As Go's encoding/json: shortest digits; an exponent below 1e-6 and from 1e21 on.
fn write_float(number: f64, out: &mut String) {
    let size = number.abs();
    if size != 0.0 && size < 1e-6 {
        _ = write!(out, "{number:e}");
    } else if size >= 1e21 {
        let mut text = String::new();
        _ = write!(text, "{number:e}");
        out.push_str(&text.replace('e', "e+"));
    } else {
        _ = write!(out, "{number}");
    }
}

/// As Go's encoding/json, which also escapes what HTML or JavaScript would read otherwise.
fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out.push('"');
}
