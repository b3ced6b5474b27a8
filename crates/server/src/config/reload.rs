//! What differs between two configurations.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;

use dunlin_auth::{Secret, User};

use super::written::{Hidden, Seconds, Switched, Written};
use super::{
    AuthorizationConfig, CertificateFiles, Config, CookieNames, HttpConfig, LimitsConfig, ListenPort,
    PeerConfig, TlsConfig, UnixSocketConfig, WebSocketConfig,
};

/// A setting with another value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The key, behind the names of its blocks, with dots between them.
    pub key: Cow<'static, str>,
    /// The value so far, as one would write it in a file.
    pub old: String,
    /// The value to be, likewise; empty where it is not to be seen.
    pub new: String,
    /// It can change while the server runs. These are the settings of which nats-server says so, the lame duck's, and those
    /// of `websocket` but for its listener.
    pub reloadable: bool,
}

/// The settings in which `new` differs from `old`.
pub fn changes(old: &Config, new: &Config) -> Vec<Change> {
    let mut changes = Changes(Vec::new());
    changes.compare_authorization("", &old.authorization, &new.authorization);
    changes.compare("no_auth_user", &old.no_auth_user, &new.no_auth_user, true);
    macro_rules! compare {
        ($reloadable:literal: $($key:literal $($field:ident).+),+ $(,)?) => {$(
            changes.compare($key, &old.$($field).+, &new.$($field).+, $reloadable);
        )+};
    }
    compare!(true: "debug" log.debug, "trace" log.trace, "trace_verbose" log.trace_verbose, "logtime" log.logtime,
        "logtime_utc" log.logtime_utc, "log_file" log.file, "log_size_limit" log.size_limit, "log_max_num" log.max_num,
        "max_traced_msg_len" log.max_traced_msg_len, "pid_file" pid_file, "ports_file_dir" ports_file_dir,
        "client_advertise" client_advertise, "max_control_line" max_control_line, "max_connections" max_connections,
        "ping_interval" ping_interval, "ping_max" ping_max, "write_deadline" write_deadline,
        "allow_non_tls" allow_non_tls, "tls" tls_in_front, "slow_consumer" slow_consumer,
        "lame_duck_duration" lame_duck_duration, "lame_duck_grace_period" lame_duck_grace_period);
    changes.compare("max_payload", &old.announced_payload_max(), &new.announced_payload_max(), true);
    changes.compare("tags", &old.tags, &new.tags, true);
    changes.compare("metadata", &old.metadata, &new.metadata, true);
    compare!(false: "server_name" server_name, "host" host, "port" port, "max_pending" max_pending,
        "max_subscriptions" max_subscriptions, "max_sub_tokens" max_sub_tokens, "max_closed_clients" max_closed_clients,
        "no_header_support" no_header_support, "workers" workers);
    changes.compare_http(old.http.as_ref(), new.http.as_ref());
    changes.compare_peers("", &old.peers, &new.peers);
    changes.compare_tls("", &old.tls, &new.tls, true);
    match (&old.websocket, &new.websocket) {
        (Some(old), Some(new)) => changes.compare_websocket(old, new),
        (old, new) => {
            let listen = |websocket: &Option<WebSocketConfig>| {
                websocket.as_ref().map(|websocket| listen(&websocket.host, websocket.port))
            };
            changes.compare("websocket.listen", &listen(old), &listen(new), false);
        }
    }
    changes.0
}

fn listen(host: &str, port: ListenPort) -> String {
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    format!("{host}:{}", port.written())
}

struct Changes(Vec<Change>);

impl Changes {
    fn compare<T: PartialEq + Written>(
        &mut self,
        key: impl Into<Cow<'static, str>>,
        old: &T,
        new: &T,
        reloadable: bool,
    ) {
        if old != new {
            self.0.push(Change { key: key.into(), old: old.written(), new: new.written(), reloadable });
        }
    }

    /// For what is not to be seen in a log.
    fn compare_hidden<T: PartialEq>(&mut self, key: String, old: &T, new: &T) {
        if old != new {
            self.0.push(Change { key: key.into(), old: String::new(), new: String::new(), reloadable: true });
        }
    }

    fn compare_http(&mut self, old: Option<&HttpConfig>, new: Option<&HttpConfig>) {
        for (key, is_tls) in [("http", false), ("https", true)] {
            let listen = |http: Option<&HttpConfig>| {
                http.filter(|http| http.is_tls == is_tls).map(|http| listen(&http.host, http.port))
            };
            self.compare(key, &listen(old), &listen(new), false);
        }
        if let (Some(old), Some(new)) = (old, new) {
            self.compare("http_base_path", &old.base_path, &new.base_path, false);
        }
    }

    /// The keys of `block`, `""` for the top level.
    fn compare_peers(&mut self, block: &str, old: &PeerConfig, new: &PeerConfig) {
        let PeerConfig { proxy_protocol, trusted_proxies, limits } = old;
        self.compare(format!("{block}proxy_protocol"), proxy_protocol, &new.proxy_protocol, true);
        self.compare(format!("{block}trusted_proxies"), trusted_proxies, &new.trusted_proxies, true);
        macro_rules! compare {
            ($($field:ident),+ $(,)?) => {
                // Names all fields.
                let LimitsConfig { $($field),+ } = limits;
                $(self.compare(format!("{block}limits.{}", stringify!($field)), $field, &new.limits.$field, true);)+
            };
        }
        compare!(
            connections_per_address,
            handshakes_per_second,
            publish_messages_per_second,
            publish_bytes_per_second,
            user_publish_messages_per_second,
            user_publish_bytes_per_second,
            burst,
            over_rate,
        );
    }

    /// The files of a `tls` block are read anew in any case.
    fn compare_tls(
        &mut self,
        block: &str,
        old: &Option<TlsConfig>,
        new: &Option<TlsConfig>,
        reloadable: bool,
    ) {
        let shown = |tls: &Option<TlsConfig>| if tls.is_some() { "enabled" } else { "disabled" }.to_owned();
        if old.is_some() || new.is_some() {
            let key = format!("{block}tls").into();
            self.0.push(Change { key, old: shown(old), new: shown(new), reloadable });
        }
        let (Some(old), Some(new)) = (old, new) else { return };
        macro_rules! compare {
            ($($field:ident),+ $(,)?) => {
                $(self.compare(format!("{block}tls.{}", stringify!($field)), &old.$field, &new.$field, true);)+
            };
        }
        compare!(ca_file, verify, verify_and_map, timeout, handshake_first, min_version, cipher_suites);
        compare!(curve_preferences, connection_rate_limit);
        let files = |tls: &TlsConfig| -> (Vec<PathBuf>, Vec<PathBuf>) {
            let both = |files: &CertificateFiles| (files.cert_file.clone(), files.key_file.clone());
            tls.certificates.iter().map(both).unzip()
        };
        let ((old_certs, old_keys), (new_certs, new_keys)) = (files(old), files(new));
        self.compare(format!("{block}tls.cert_file"), &old_certs, &new_certs, true);
        self.compare(format!("{block}tls.key_file"), &old_keys, &new_keys, true);
        self.compare_hidden(format!("{block}tls.pinned_certs"), &old.pinned_certs, &new.pinned_certs);
    }

    /// The names of the changes are those of nats-server.
    fn compare_authorization(&mut self, block: &str, old: &AuthorizationConfig, new: &AuthorizationConfig) {
        fn name(config: &AuthorizationConfig) -> Option<&str> {
            config.single.as_ref().map(|User { name, .. }| &**name)
        }
        fn password(config: &AuthorizationConfig) -> Option<&Secret> {
            config.single.as_ref().map(|User { secret, .. }| secret)
        }
        /// A number of seconds, as one writes it.
        fn seconds(config: &AuthorizationConfig) -> Option<Seconds> {
            config.timeout.map(Seconds)
        }
        self.compare_hidden(format!("{block}authorization users"), &old.users, &new.users);
        self.compare_hidden(format!("{block}authorization username"), &name(old), &name(new));
        self.compare_hidden(format!("{block}authorization password"), &password(old), &password(new));
        self.compare_hidden(format!("{block}authorization token"), &old.token, &new.token);
        self.compare(format!("{block}authorization timeout"), &seconds(old), &seconds(new), true);
    }

    fn compare_websocket(&mut self, old: &WebSocketConfig, new: &WebSocketConfig) {
        macro_rules! compare {
            ($($reloadable:literal: $($field:ident),+);+ $(;)?) => {
                // Names all fields: a new one has to say whether it can change.
                let WebSocketConfig {
                    $($($field: _),+),+ , unix_socket: _, compression: _, headers: _, cookies: _, tls: _, authorization: _, peers: _,
                    // A file cannot say it.
                    reach: _
                } = new;
                $($(self.compare(
                    concat!("websocket.", stringify!($field)), &old.$field, &new.$field, $reloadable
                );)+)+
            };
        }
        compare!(
            false: host, port, no_tls;
            true: advertise, no_auth_user, same_origin, allowed_origins, require_origin, handshake_timeout,
                slow_consumer, ping_interval, ws_ping_interval, no_masking;
        );
        let compression = |config: &WebSocketConfig| Switched(config.compression);
        self.compare("websocket.compression", &compression(old), &compression(new), true);
        let unix = |config: &WebSocketConfig| {
            let UnixSocketConfig { path, mode } = config.unix_socket.clone()?;
            Some((path, format!("{mode:04o}")))
        };
        let (old_unix, new_unix) = (unix(old).unzip(), unix(new).unzip());
        self.compare("websocket.unix_socket", &old_unix.0, &new_unix.0, false);
        self.compare("websocket.unix_mode", &old_unix.1, &new_unix.1, false);
        let CookieNames { user, pass, token } = &old.cookies;
        self.compare("websocket.user_cookie", user, &new.cookies.user, true);
        self.compare("websocket.pass_cookie", pass, &new.cookies.pass, true);
        self.compare("websocket.token_cookie", token, &new.cookies.token, true);
        if old.headers != new.headers {
            let [old, new] = [old, new].map(|config| {
                let names = config.headers.iter().map(|(name, _)| (name.clone(), Hidden));
                names.collect::<BTreeMap<_, _>>().written()
            });
            self.0.push(Change { key: "websocket.headers".into(), old, new, reloadable: true });
        }
        self.compare_tls("websocket.", &old.tls, &new.tls, old.tls.is_some() == new.tls.is_some());
        self.compare_authorization("websocket.", &old.authorization, &new.authorization);
        self.compare_peers("websocket.", &old.peers, &new.peers);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use dunlin_auth::{ConnectionTypes, Secret, User};
    use dunlin_websocket::handshake::OriginPattern;

    use super::{AuthorizationConfig, Config, HttpConfig, WebSocketConfig, changes};
    use crate::config::{CompressionConfig, LimitsConfig, ListenPort, PeerConfig};

    /// What is said of the changes: those that can be taken over, and those that cannot.
    fn said(old: &Config, new: &Config) -> Vec<String> {
        let changes = changes(old, new).into_iter();
        changes
            .map(|change| format!("{} {}: {} -> {}", change.reloadable, change.key, change.old, change.new))
            .collect()
    }

    #[test]
    fn named() {
        let old = Config::default();
        assert_eq!(said(&old, &old.clone()), [""; 0]);
        let http = HttpConfig {
            host: "::1".into(),
            port: ListenPort::Random,
            is_tls: false,
            base_path: String::new(),
        };
        let mut new = Config {
            port: ListenPort::Random,
            http: Some(http),
            ping_interval: Duration::from_secs(90),
            ping_max: u32::MAX,
            tags: vec!["a".into()],
            metadata: [("zone".into(), "b".into())].into(),
            pid_file: Some("/run/x.pid".into()),
            ..old.clone()
        };
        new.log.debug = true;
        let expected = [
            "true debug: false -> true",
            "true pid_file: none -> \"/run/x.pid\"",
            "true ping_interval: \"2m\" -> \"1m30s\"",
            "true ping_max: 2 -> 4294967295",
            "true tags: [] -> [\"a\"]",
            "true metadata: { } -> { zone: \"b\" }",
            "false port: 4222 -> -1",
            "false http: none -> \"[::1]:-1\"",
        ];
        assert_eq!(said(&old, &new), expected);
        let websocket = WebSocketConfig { host: "0.0.0.0".into(), ..WebSocketConfig::default() };
        let on = Config { websocket: Some(websocket), ..old.clone() };
        assert_eq!(said(&old, &on), ["false websocket.listen: none -> \"0.0.0.0:-1\""]);
        assert_eq!(said(&on, &old), ["false websocket.listen: \"0.0.0.0:-1\" -> none"]);
    }

    #[test]
    fn blocks_are_compared_key_by_key() {
        let config = |websocket| Config { websocket: Some(websocket), ..Config::default() };
        let old = config(WebSocketConfig::default());
        assert_eq!(said(&old, &old.clone()), [""; 0]);
        let allowed = ["https://a.example", "https://*.b.example:8443"].map(|o| OriginPattern::parse(o).ok());
        let new = config(WebSocketConfig {
            allowed_origins: allowed.into_iter().flatten().collect(),
            same_origin: true,
            no_masking: false,
            port: ListenPort::Fixed(80),
            compression: Some(CompressionConfig::default()),
            peers: PeerConfig {
                trusted_proxies: Some(vec!["10.0.0.0/8".parse().expect("a network")]),
                limits: LimitsConfig { burst: Some(Duration::from_secs(2)), ..LimitsConfig::default() },
                ..PeerConfig::default()
            },
            ..WebSocketConfig::default()
        });
        let expected = [
            "false websocket.port: -1 -> 80",
            "true websocket.same_origin: false -> true",
            "true websocket.allowed_origins: [] -> [\"https://a.example\", \"https://*.b.example:8443\"]",
            "true websocket.no_masking: true -> false",
            "true websocket.compression: false -> true",
            "true websocket.trusted_proxies: none -> [\"10.0.0.0/8\"]",
            "true websocket.limits.burst: none -> \"2s\"",
        ];
        assert_eq!(said(&old, &new), expected);
    }

    #[test]
    fn secrets_are_not_said() {
        let user = |name: &str, secret: &str| User {
            name: name.into(),
            secret: Secret::new(secret),
            connections: ConnectionTypes::ALL,
        };
        let authorization = |secret: &str| AuthorizationConfig {
            single: Some(user("hidden", secret)),
            token: Some(Secret::new(secret)),
            users: vec![user("hidden", secret)],
            timeout: Some(Duration::from_millis(1500)),
        };
        let old = Config { websocket: Some(WebSocketConfig::default()), ..Config::default() };
        let new = Config {
            authorization: authorization("hidden-1"),
            websocket: Some(WebSocketConfig {
                authorization: authorization("hidden-2"),
                headers: vec![("X-Key".into(), "hidden-3".into())],
                ..WebSocketConfig::default()
            }),
            ..Config::default()
        };
        let lines = said(&old, &new);
        assert!(lines.iter().any(|line| line == "true authorization password:  -> "), "{lines:#?}");
        assert!(lines.iter().any(|line| line == "true websocket.authorization timeout: none -> 1.5"));
        assert!(lines.iter().any(|line| line == "true websocket.headers: { } -> { X-Key: [REDACTED] }"));
        assert!(!lines.iter().any(|line| line.contains("hidden")), "{lines:#?}");
    }
}
