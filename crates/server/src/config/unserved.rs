//! What nats-server knows and dunlin does not serve yet.

use dunlin_conf::{Entry, Value};

use super::Report;

/// How a key is treated that dunlin does not serve yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unserved {
    /// Accepted, with a warning: the server does less than the file says, and lets nobody in who should stay out.
    Warn,
    /// Refused: a server that ignored it would be open where its operator believes it closed.
    Refuse,
}

/// How a top-level key of nats-server (in lower case) that dunlin does not serve yet is treated; `None` for a key that
/// nats-server does not know either, or that dunlin serves.
pub fn unserved(key: &str) -> Option<Unserved> {
    const WARN: &[&str] = &[
        "trace_headers",
        "syslog",
        "remote_syslog",
        "write_timeout",
        "no_sublist_cache",
        "disable_sublist_cache",
        "no_fast_producer_stall",
        "mappings",
        "maps",
        "system_account",
        "system",
        "ocsp",
        "ocsp_cache",
        "mqtt",
        "leafnodes",
        "leaf",
        "cluster",
        "gateway",
        "jetstream",
        "store_dir",
        "storedir",
        "resolver",
        "account_resolver",
        "accounts_resolver",
        "resolver_preload",
        "resolver_pinned_accounts",
        "resolver_tls",
        "default_sentinel",
        "feature_flags",
        "default_js_domain",
        "connect_error_reports",
        "reconnect_error_reports",
        "prof_port",
        "prof_block_rate",
    ];
    const REFUSE: &[&str] = &[
        "accounts",
        "operator",
        "operators",
        "root",
        "roots",
        "root_operator",
        "root_operators",
        "trusted_keys",
        "trusted",
        "proxies",
    ];
    if WARN.contains(&key) {
        Some(Unserved::Warn)
    } else if REFUSE.contains(&key) {
        Some(Unserved::Refuse)
    } else {
        None
    }
}

impl Report {
    /// Treats a top-level key that dunlin does not serve; says whether nats-server knows it.
    pub(super) fn unserved(&mut self, entry: &Entry) -> bool {
        let key = entry.key.to_ascii_lowercase();
        match (unserved(&key), key.as_str()) {
            (None, _) => return false,
            (Some(Unserved::Warn), _) => {
                // Switched off is what dunlin does.
                if !is_off(&entry.node.value) {
                    self.warn_unserved(entry);
                }
            }
            // What is empty closes nothing off.
            (Some(Unserved::Refuse), _) if is_empty(&entry.node.value) => {}
            (Some(Unserved::Refuse), "accounts") => self.refuse_accounts(entry),
            (Some(Unserved::Refuse), _) => self.refuse(entry, "users would not be checked against it"),
        }
        true
    }

    fn warn_unserved(&mut self, entry: &Entry) {
        self.warn_at(
            &entry.key_place,
            format_args!("{} is not served by dunlin yet, and has no effect", entry.key),
        );
    }

    /// Accounts that nobody can log in to close nothing off.
    fn refuse_accounts(&mut self, entry: &Entry) {
        let has_users = |account: &Entry| {
            let users = account.map().ok().and_then(|account| account.get("users"));
            users.is_some_and(|users| !is_empty(&users.node.value))
        };
        let has_users = entry.map().is_ok_and(|accounts| accounts.iter().any(has_users));
        if has_users {
            self.refuse(entry, "every client would be let in, into one account");
        } else {
            self.warn_unserved(entry);
        }
    }

    pub(super) fn refuse(&mut self, entry: &Entry, reason: &str) {
        self.error_at(
            &entry.key_place,
            format_args!("{} is not served by dunlin yet, and not to be ignored: {reason}", entry.key),
        );
    }
}

/// Whether a list or block holds nothing.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Array(values) => values.is_empty(),
        Value::Map(map) => map.is_empty(),
        _ => false,
    }
}

/// Whether a value switches its key off. An empty block does not: `jetstream {}` is JetStream.
fn is_off(value: &Value) -> bool {
    match value {
        Value::Boolean(is_on) => !is_on,
        Value::String(text) => ["disable", "disabled"].iter().any(|word| text.eq_ignore_ascii_case(word)),
        Value::Map(map) => map.get("enabled").is_some_and(|entry| entry.boolean() == Ok(false)),
        _ => false,
    }
}
