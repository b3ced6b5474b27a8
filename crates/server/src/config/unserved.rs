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
        "no_system_account",
        "ocsp",
        "ocsp_cache",
        "mqtt",
        "leafnodes",
        "leaf",
        "cluster",
        "gateway",
        "jetstream",
        "store_dir",
        "resolver",
        "account_resolver",
        "resolver_preload",
        "resolver_pinned_accounts",
        "resolver_tls",
        "default_sentinel",
        "server_tags",
        "server_metadata",
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
                if entry.node.value != Value::Boolean(false) {
                    self.warn_unserved(entry);
                }
            }
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
        const LOGIN: &[&str] = &["users", "nkey", "nkeys"];
        let has_users = match &entry.node.value {
            Value::Map(accounts) => accounts.iter().any(|account| match &account.node.value {
                Value::Map(account) => LOGIN.iter().any(|key| account.get(key).is_some()),
                _ => false,
            }),
            _ => false,
        };
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
