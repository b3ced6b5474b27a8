//! JSON in the layout of Go's encoding/json.

use serde::Serialize;

/// Two blanks for each level; `<`, `>`, `&` and the line separators of JavaScript as `\u….`.
pub(crate) fn pretty<T: Serialize>(value: &T) -> String {
    // The structs of this crate have no maps with other keys than strings: their serialisation does not fail.
    escape_html(&serde_json::to_string_pretty(value).unwrap_or_default())
}

/// Without white space.
pub(crate) fn compact<T: Serialize>(value: &T) -> String {
    escape_html(&serde_json::to_string(value).unwrap_or_default())
}

/// In JSON these characters can only stand inside strings.
fn escape_html(json: &str) -> String {
    let mut out = String::with_capacity(json.len() + json.len() / 32);
    for c in json.chars() {
        match c {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            c => out.push(c),
        }
    }
    out
}
