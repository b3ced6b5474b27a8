//! The `authorization` blocks: who may connect.

use std::time::Duration;

use dunlin_auth::{ConnectionType, ConnectionTypes, Rules, Secret, User};
use dunlin_conf::{Entry, Map, Node, Value};

use super::unserved::is_empty;
use super::{Config, Report, Warning};

/// How long a client has for saying who it is, where the file does not say and there is no TLS.
const TIMEOUT: Duration = Duration::from_secs(2);
/// The name of the block at the top level.
const TOP: &str = "authorization";
/// Beyond this, nats-server warns.
const TIMEOUT_WARNING: Duration = Duration::from_secs(60);

/// An `authorization` block. Without user, token and users, it asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthorizationConfig {
    /// `user` and `password`.
    pub single: Option<User>,
    /// `token`.
    pub token: Option<Secret>,
    /// `users`. The block of `websocket` has none.
    pub users: Vec<User>,
    /// `timeout`; without one, 2 s (with TLS, that of its handshake and 1 s), and for WebSocket that of all clients.
    pub timeout: Option<Duration>,
}

impl AuthorizationConfig {
    /// A block that asks for nothing.
    fn is_open(&self) -> bool {
        self.single.is_none() && self.token.is_none() && self.users.is_empty()
    }

    fn rules(&self) -> Rules {
        match self {
            AuthorizationConfig { users, .. } if !users.is_empty() => Rules::users(users.iter().cloned()),
            AuthorizationConfig { token: Some(token), .. } => Rules::token(token.clone()),
            AuthorizationConfig { single: Some(user), .. } => Rules::single(&user.name, user.secret.clone()),
            _ => Rules::open(),
        }
    }

    /// Its passwords. Tokens are not looked at, as by nats-server.
    fn passwords(&self) -> impl Iterator<Item = &Secret> {
        self.single.iter().chain(&self.users).map(|user| &user.secret)
    }
}

impl Config {
    /// Who may connect on TCP, and in what time.
    pub(crate) fn nats_rules(&self) -> (Rules, Duration) {
        let maps = self.tls.as_ref().is_some_and(|tls| tls.verify_and_map);
        let rules = self.authorization.rules().with_no_auth_user(self.no_auth_user.as_deref());
        (rules.with_certificate_names(maps), self.auth_timeout())
    }

    /// As nats-server: clients that have a TLS handshake before them have the time for that, and a second more.
    fn auth_timeout(&self) -> Duration {
        let default = self.tls.as_ref().map_or(TIMEOUT, |tls| tls.timeout + Duration::from_secs(1));
        self.authorization.timeout.unwrap_or(default)
    }

    /// Who may connect on WebSocket, and in what time. A user, a token or a `no_auth_user` in the block of `websocket` takes
    /// the place of what holds for all.
    pub(crate) fn websocket_rules(&self) -> (Rules, Duration) {
        let (rules, timeout) = self.nats_rules();
        let Some(websocket) = &self.websocket else { return (rules, timeout) };
        let own = &websocket.authorization;
        let rules = match (own.is_open(), &websocket.no_auth_user) {
            (false, _) => own.rules(),
            (true, Some(user)) => rules.with_no_auth_user(Some(user)),
            (true, None) => rules,
        };
        let maps = websocket.tls.as_ref().is_some_and(|tls| tls.verify_and_map);
        (rules.with_certificate_names(maps), own.timeout.unwrap_or(timeout))
    }

    /// Whether some password stands in clear text. None at all is in order where certificates say who the clients are.
    pub(super) fn has_plain_passwords(&self) -> bool {
        let maps = self.tls.as_ref().is_some_and(|tls| tls.verify_and_map);
        let websocket = self.websocket.iter().flat_map(|websocket| websocket.authorization.passwords());
        self.authorization
            .passwords()
            .chain(websocket)
            .any(|secret| !(secret.is_hash() || maps && secret.is_empty()))
    }
}

/// Reads the block at the top level.
pub(super) fn read(entry: &Entry, report: &mut Report) -> AuthorizationConfig {
    read_block(entry, TOP, report, |authorization, entry, report| {
        match entry.key.to_ascii_lowercase().as_str() {
            "users" => authorization.users = users(entry, report),
            "permissions" | "default_permission" | "default_permissions" => refuse_permissions(entry, report),
            "auth_callout" | "auth_hook" => {
                report.refuse(entry, "clients would not be checked by the service");
            }
            "proxy_required" => refuse_proxy(entry, report),
            _ => return false,
        }
        true
    })
}

/// Reads the block within `websocket`, which knows no users.
pub(super) fn read_websocket(entry: &Entry, report: &mut Report) -> AuthorizationConfig {
    read_block(entry, "websocket authorization", report, |_, _, _| false)
}

/// Reads what both blocks have, and leaves the rest to `more`, which says whether it knows a key.
fn read_block(
    entry: &Entry,
    name: &str,
    report: &mut Report,
    more: fn(&mut AuthorizationConfig, &Entry, &mut Report) -> bool,
) -> AuthorizationConfig {
    let mut authorization = AuthorizationConfig::default();
    let (mut user, mut password) = (None, None);
    let Some(block) = report.value(entry.map()) else { return authorization };
    for entry in block {
        match entry.key.to_ascii_lowercase().as_str() {
            "user" | "username" => user = report.text(entry),
            "pass" | "password" => password = secret(entry, report),
            "token" => authorization.token = secret(entry, report),
            "timeout" => authorization.timeout = timeout(entry, report, name == TOP),
            _ if more(&mut authorization, entry, report) => {}
            _ => report.unknown(entry, name),
        }
    }
    let place = &entry.key_place;
    if user.is_none() && password.is_some() {
        report
            .error_at(place, format_args!("{name} has a password and no user: nobody would be asked for it"));
    }
    authorization.single = user.map(|name| User {
        name: name.into(),
        secret: password.unwrap_or_else(|| Secret::new("")),
        connections: ConnectionTypes::ALL,
    });
    let AuthorizationConfig { single, token, .. } = &authorization;
    let has_users = block.get("users").is_some();
    if single.is_some() && token.is_some() {
        report.error_at(place, "Cannot have a user/pass and token");
    } else if single.is_some() && has_users {
        report.error_at(place, "Can not have a single user/pass and a users array");
    } else if token.is_some() && has_users {
        report.error_at(place, "Can not have a token and a users array");
    }
    authorization
}

/// A password or token. What stands there is not repeated in a message.
fn secret(entry: &Entry, report: &mut Report) -> Option<Secret> {
    let Value::String(text) = &entry.node.value else {
        let place = &entry.node.place;
        report.error_at(place, format_args!("{}: expected text (a number needs quotes)", entry.key));
        return None;
    };
    (!text.is_empty()).then(|| Secret::new(text.as_str()))
}

/// A number of seconds, or a duration; 0 stands for the default. A long one is warned about, and as with nats-server that
/// fails a check, but for WebSocket.
pub(super) fn timeout(entry: &Entry, report: &mut Report, fails_check: bool) -> Option<Duration> {
    let timeout = match entry.node.value {
        Value::Float(seconds) => {
            let timeout = Duration::try_from_secs_f64(seconds).ok();
            if timeout.is_none() {
                let place = &entry.node.place;
                report.error_at(place, format_args!("{}: {seconds} is no number of seconds", entry.key));
            }
            timeout?
        }
        _ => report.duration_or_seconds(entry)?.0,
    };
    if timeout > TIMEOUT_WARNING {
        let (place, key, seconds) = (&entry.node.place, &entry.key, timeout.as_secs_f64());
        let text = format!(
            "{place}: {key} of {seconds} seconds is high, consider keeping it under 60 seconds (an `m` needs quotes: \"1m\")"
        );
        report.warnings.push(Warning { text, fails_check });
    }
    (!timeout.is_zero()).then_some(timeout)
}

fn users(entry: &Entry, report: &mut Report) -> Vec<User> {
    let mut users: Vec<User> = Vec::new();
    let Some(list) = report.value(entry.array()) else { return users };
    if list.is_empty() {
        report.warn_at(&entry.key_place, "users is empty: every client is let in");
    }
    for node in list {
        let Some(user) = report.value(node.map()).and_then(|map| read_user(node, map, report)) else {
            continue;
        };
        if users.iter().any(|other| other.name == user.name) {
            report.error_at(&node.place, format_args!("Duplicate user {:?} detected", user.name));
        } else {
            users.push(user);
        }
    }
    users
}

fn read_user(node: &Node, map: &Map, report: &mut Report) -> Option<User> {
    let (mut name, mut password, mut connections) = (None, None, ConnectionTypes::ALL);
    for entry in map {
        match entry.key.to_ascii_lowercase().as_str() {
            "user" | "username" => name = report.text(entry),
            "pass" | "password" => password = secret(entry, report),
            "allowed_connection_types" | "connection_types" | "clients" => {
                connections = connection_types(entry, report);
            }
            "permission" | "permissions" | "authorization" => refuse_permissions(entry, report),
            "proxy_required" => refuse_proxy(entry, report),
            "nkey" if entry.string() == Ok("") => {}
            "nkey" => {
                report.refuse(entry, "nobody could log in with it");
                return None;
            }
            _ => report.unknown(entry, "users"),
        }
    }
    let Some(name) = name else {
        report.error_at(&node.place, "User entry requires a user");
        return None;
    };
    Some(User { name: name.into(), secret: password.unwrap_or_else(|| Secret::new("")), connections })
}

fn connection_types(entry: &Entry, report: &mut Report) -> ConnectionTypes {
    let names = report.value(entry.strings()).unwrap_or_default();
    let (known, unknown): (Vec<_>, Vec<_>) =
        names.into_iter().partition(|name| ConnectionType::parse(name).is_some());
    if !unknown.is_empty() {
        let names: Vec<String> = unknown.iter().map(|name| format!("{:?}", name.to_uppercase())).collect();
        let place = &entry.key_place;
        report.error_at(place, format_args!("invalid connection types [{}]", names.join(" ")));
    }
    known.into_iter().filter_map(ConnectionType::parse).collect()
}

fn refuse_permissions(entry: &Entry, report: &mut Report) {
    if is_empty(&entry.node.value) {
        return;
    }
    report.error_at(
        &entry.key_place,
        format_args!(
            "{} are not enforced by dunlin yet, and not to be ignored: every user could publish and subscribe to everything",
            entry.key
        ),
    );
}

fn refuse_proxy(entry: &Entry, report: &mut Report) {
    if report.value(entry.boolean()) == Some(true) {
        report.refuse(entry, "clients that do not come through a proxy would be let in");
    }
}

/// Checks what no single key can be checked for, once the whole file is read.
pub(super) fn check(root: &Map, config: &Config, report: &mut Report) {
    let users = &config.authorization.users;
    check_no_auth_user(root, config.no_auth_user.as_deref(), users, report);
    let Some(websocket) = &config.websocket else { return };
    let entry = root.get("websocket").or(root.get("ws"));
    let Some(block) = entry.and_then(|entry| entry.map().ok()) else { return };
    check_no_auth_user(block, websocket.no_auth_user.as_deref(), users, report);
    let entry = block.get("authorization").or(block.get("authentication"));
    let Some(place) = entry.map(|entry| &entry.key_place).filter(|_| !users.is_empty()) else { return };
    if websocket.authorization.single.is_some() {
        let text = "websocket authentication username not compatible with presence of users/nkeys";
        report.error_at(place, text);
    }
    if websocket.authorization.token.is_some() {
        let text = "websocket authentication token not compatible with presence of users/nkeys";
        report.error_at(place, text);
    }
}

fn check_no_auth_user(block: &Map, name: Option<&str>, users: &[User], report: &mut Report) {
    let (Some(name), Some(entry)) = (name, block.get("no_auth_user")) else { return };
    let place = &entry.node.place;
    if users.is_empty() {
        let text = format_args!("no_auth_user: {name:?} present, but users/nkeys are not defined");
        report.error_at(place, text);
    } else if users.iter().all(|user| &*user.name != name) {
        report.error_at(
            place,
            format_args!(
                "no_auth_user: {name:?} not present as user or nkey in authorization block or account configuration"
            ),
        );
    }
}
