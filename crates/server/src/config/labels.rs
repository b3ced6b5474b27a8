//! `server_tags` and `server_metadata`: what an operator calls a server.

use std::collections::BTreeMap;

use dunlin_conf::Entry;

use super::Report;

/// Reads the tags. As nats-server: in lower case, without blanks around them, each once.
pub(super) fn tags(entry: &Entry, report: &mut Report) -> Vec<String> {
    let mut tags = Vec::new();
    for text in report.value(entry.strings()).unwrap_or_default() {
        let tag = text.trim().to_lowercase();
        if !tag.is_empty() && !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags
}

/// Reads the metadata: names and texts.
pub(super) fn metadata(entry: &Entry, report: &mut Report) -> BTreeMap<String, String> {
    let mut metadata = BTreeMap::new();
    let Some(block) = report.value(entry.map()) else { return metadata };
    for entry in block {
        if let Some(text) = report.value(entry.string()) {
            metadata.insert(entry.key.clone(), text.to_owned());
        }
    }
    metadata
}
