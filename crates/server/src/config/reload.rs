//! What differs between two configurations.

use super::Config;

/// A setting with another value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The key.
    pub key: &'static str,
    /// The value so far, for people.
    pub old: String,
    /// The value to be.
    pub new: String,
    /// It can change while the server runs. These are the settings of which nats-server says so, and the lame duck's.
    pub reloadable: bool,
}

/// The settings in which `new` differs from `old`.
pub fn changes(old: &Config, new: &Config) -> Vec<Change> {
    let mut changes = Vec::new();
    macro_rules! compare {
        ($reloadable:literal: $($key:literal $($field:ident).+),+ $(,)?) => {$(
            if old.$($field).+ != new.$($field).+ {
                let (old, new) = (format!("{:?}", old.$($field).+), format!("{:?}", new.$($field).+));
                changes.push(Change { key: $key, old, new, reloadable: $reloadable });
            }
        )+};
    }
    compare!(true: "debug" log.debug, "trace" log.trace, "trace_verbose" log.trace_verbose, "logtime" log.logtime,
        "logtime_utc" log.logtime_utc, "log_file" log.file, "log_size_limit" log.size_limit, "log_max_num" log.max_num,
        "max_traced_msg_len" log.max_traced_msg_len, "pid_file" pid_file, "ports_file_dir" ports_file_dir,
        "client_advertise" client_advertise, "max_control_line" max_control_line, "max_payload" max_payload,
        "max_connections" max_connections, "ping_interval" ping_interval, "ping_max" ping_max, "write_deadline" write_deadline,
        "lame_duck_duration" lame_duck_duration, "lame_duck_grace_period" lame_duck_grace_period);
    compare!(false: "server_name" server_name, "host" host, "port" port, "http" http, "websocket" websocket, "max_pending" max_pending,
        "max_subscriptions" max_subscriptions, "max_sub_tokens" max_sub_tokens, "max_closed_clients" max_closed_clients,
        "no_header_support" no_header_support, "workers" workers);
    changes
}

#[cfg(test)]
mod tests {
    use super::{Config, changes};
    use crate::config::ListenPort;

    #[test]
    fn named() {
        let old = Config::default();
        assert!(changes(&old, &old.clone()).is_empty());
        let mut new = Config { port: ListenPort::Random, ..old.clone() };
        new.log.debug = true;
        let found: Vec<_> =
            changes(&old, &new).into_iter().map(|c| (c.key, c.old, c.new, c.reloadable)).collect();
        assert_eq!(
            found,
            [
                ("debug", "false".into(), "true".into(), true),
                ("port", "Fixed(4222)".into(), "Random".into(), false)
            ]
        );
    }
}
