//! What differs between two configurations.

use core::fmt::Debug;

use dunlin_auth::{Secret, User};

use super::{AuthorizationConfig, Config, CookieNames, PeerConfig, TlsConfig, WebSocketConfig};

/// A setting with another value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The key.
    pub key: &'static str,
    /// The value so far, for people.
    pub old: String,
    /// The value to be; empty where it is not to be seen.
    pub new: String,
    /// It can change while the server runs. These are the settings of which nats-server says so, the lame duck's, and those
    /// of `websocket` but for its listener.
    pub reloadable: bool,
}

/// The settings in which `new` differs from `old`.
pub fn changes(old: &Config, new: &Config) -> Vec<Change> {
    let mut changes = Changes(Vec::new());
    changes.compare_authorization(&old.authorization, &new.authorization);
    changes.compare("no_auth_user", &old.no_auth_user, &new.no_auth_user, true);
    macro_rules! compare {
        ($reloadable:literal: $($key:literal $($field:ident).+),+ $(,)?) => {$(
            changes.compare($key, &old.$($field).+, &new.$($field).+, $reloadable);
        )+};
    }
    compare!(true: "debug" log.debug, "trace" log.trace, "trace_verbose" log.trace_verbose, "logtime" log.logtime,
        "logtime_utc" log.logtime_utc, "log_file" log.file, "log_size_limit" log.size_limit, "log_max_num" log.max_num,
        "max_traced_msg_len" log.max_traced_msg_len, "pid_file" pid_file, "ports_file_dir" ports_file_dir,
        "client_advertise" client_advertise, "max_control_line" max_control_line, "max_payload" max_payload,
        "max_connections" max_connections, "ping_interval" ping_interval, "ping_max" ping_max, "write_deadline" write_deadline,
        "allow_non_tls" allow_non_tls, "slow_consumer" slow_consumer,
        "proxy_protocol" peers.proxy_protocol, "trusted_proxies" peers.trusted_proxies, "limits" peers.limits,
        "lame_duck_duration" lame_duck_duration, "lame_duck_grace_period" lame_duck_grace_period);
    compare!(false: "server_name" server_name, "host" host, "port" port, "http" http, "max_pending" max_pending,
        "max_subscriptions" max_subscriptions, "max_sub_tokens" max_sub_tokens, "max_closed_clients" max_closed_clients,
        "no_header_support" no_header_support, "workers" workers);
    changes.compare_tls("tls", &old.tls, &new.tls, true);
    match (&old.websocket, &new.websocket) {
        (Some(old), Some(new)) => changes.compare_websocket(old, new),
        (old, new) => changes.compare("websocket", old, new, false),
    }
    changes.0
}

struct Changes(Vec<Change>);

impl Changes {
    fn compare<T: PartialEq + Debug>(&mut self, key: &'static str, old: &T, new: &T, reloadable: bool) {
        if old != new {
            self.0.push(Change { key, old: format!("{old:?}"), new: format!("{new:?}"), reloadable });
        }
    }

    /// The files of a `tls` block are read anew in any case.
    fn compare_tls(
        &mut self,
        key: &'static str,
        old: &Option<TlsConfig>,
        new: &Option<TlsConfig>,
        reloadable: bool,
    ) {
        let shown = |tls: &Option<TlsConfig>| if tls.is_some() { "enabled" } else { "disabled" }.to_owned();
        if old.is_some() || new.is_some() {
            self.0.push(Change { key, old: shown(old), new: shown(new), reloadable });
        }
    }

    /// For what is not to be seen in a log.
    fn compare_hidden<T: PartialEq>(&mut self, key: &'static str, old: &T, new: &T) {
        if old != new {
            self.0.push(Change { key, old: String::new(), new: String::new(), reloadable: true });
        }
    }

    /// The names of the changes are those of nats-server.
    fn compare_authorization(&mut self, old: &AuthorizationConfig, new: &AuthorizationConfig) {
        fn name(config: &AuthorizationConfig) -> Option<&str> {
            config.single.as_ref().map(|User { name, .. }| &**name)
        }
        fn password(config: &AuthorizationConfig) -> Option<&Secret> {
            config.single.as_ref().map(|User { secret, .. }| secret)
        }
        /// 0: the default.
        fn seconds(config: &AuthorizationConfig) -> f64 {
            config.timeout.unwrap_or_default().as_secs_f64()
        }
        self.compare_hidden("authorization users", &old.users, &new.users);
        self.compare_hidden("authorization username", &name(old), &name(new));
        self.compare_hidden("authorization password", &password(old), &password(new));
        self.compare_hidden("authorization token", &old.token, &new.token);
        self.compare("authorization timeout", &seconds(old), &seconds(new), true);
    }

    fn compare_websocket(&mut self, old: &WebSocketConfig, new: &WebSocketConfig) {
        macro_rules! compare {
            ($($reloadable:literal: $($key:literal $field:ident),+);+ $(;)?) => {
                // Names all fields: a new one has to say whether it can change.
                let WebSocketConfig {
                    $($($field: _),+),+ , allowed_origins: _, cookies: _, tls: _, authorization: _, peers: _
                } = new;
                $($(self.compare($key, &old.$field, &new.$field, $reloadable);)+)+
            };
        }
        let origins = |config: &WebSocketConfig| -> Vec<String> {
            config.allowed_origins.iter().map(ToString::to_string).collect()
        };
        self.compare("websocket.allowed_origins", &origins(old), &origins(new), true);
        let CookieNames { user, pass, token } = &old.cookies;
        self.compare("websocket.user_cookie", user, &new.cookies.user, true);
        self.compare("websocket.pass_cookie", pass, &new.cookies.pass, true);
        self.compare("websocket.token_cookie", token, &new.cookies.token, true);
        self.compare_tls("websocket.tls", &old.tls, &new.tls, old.tls.is_some() == new.tls.is_some());
        self.compare_hidden("websocket.authorization", &old.authorization, &new.authorization);
        let PeerConfig { proxy_protocol, trusted_proxies, limits } = &old.peers;
        self.compare("websocket.proxy_protocol", proxy_protocol, &new.peers.proxy_protocol, true);
        self.compare("websocket.trusted_proxies", trusted_proxies, &new.peers.trusted_proxies, true);
        self.compare("websocket.limits", limits, &new.peers.limits, true);
        compare!(
            false: "websocket.host" host, "websocket.port" port, "websocket.unix_socket" unix_socket, "websocket.no_tls" no_tls;
            true: "websocket.advertise" advertise, "websocket.no_auth_user" no_auth_user, "websocket.same_origin" same_origin,
                "websocket.require_origin" require_origin, "websocket.handshake_timeout" handshake_timeout,
                "websocket.compression" compression, "websocket.slow_consumer" slow_consumer, "websocket.headers" headers,
                "websocket.ping_interval" ping_interval, "websocket.ws_ping_interval" ws_ping_interval,
                "websocket.no_masking" no_masking;
        );
    }
}

#[cfg(test)]
mod tests {
    use dunlin_websocket::handshake::OriginPattern;

    use super::{Config, WebSocketConfig, changes};
    use crate::config::ListenPort;

    fn found(old: &Config, new: &Config) -> Vec<(&'static str, String, String, bool)> {
        changes(old, new).into_iter().map(|c| (c.key, c.old, c.new, c.reloadable)).collect()
    }

    #[test]
    fn named() {
        let old = Config::default();
        assert!(changes(&old, &old.clone()).is_empty());
        let mut new = Config { port: ListenPort::Random, ..old.clone() };
        new.log.debug = true;
        assert_eq!(
            found(&old, &new),
            [
                ("debug", "false".into(), "true".into(), true),
                ("port", "Fixed(4222)".into(), "Random".into(), false)
            ]
        );
    }

    #[test]
    fn the_websocket_block_is_compared_key_by_key() {
        let config = |websocket| Config { websocket: Some(websocket), ..Config::default() };
        let old = config(WebSocketConfig::default());
        assert!(changes(&old, &old.clone()).is_empty());
        let allowed = ["https://a.example", "https://*.b.example:8443"].map(|o| OriginPattern::parse(o).ok());
        let new = config(WebSocketConfig {
            allowed_origins: allowed.into_iter().flatten().collect(),
            same_origin: true,
            no_masking: false,
            port: ListenPort::Fixed(80),
            ..WebSocketConfig::default()
        });
        assert_eq!(
            found(&old, &new),
            [
                (
                    "websocket.allowed_origins",
                    "[]".into(),
                    "[\"https://a.example\", \"https://*.b.example:8443\"]".into(),
                    true
                ),
                ("websocket.port", "Random".into(), "Fixed(80)".into(), false),
                ("websocket.same_origin", "false".into(), "true".into(), true),
                ("websocket.no_masking", "true".into(), "false".into(), true),
            ]
        );
        let (off, on) = (found(&old, &Config::default()), found(&Config::default(), &old));
        assert_eq!([off[0].0, on[0].0], ["websocket"; 2]);
        assert!(!off[0].3 && !on[0].3);
    }
}
