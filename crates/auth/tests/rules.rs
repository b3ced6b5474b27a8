//! Who gets in, one case a line.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use dunlin_auth::{
    Certificate, ConnectionType, ConnectionTypes, Credentials, Decision, Identity, Rules, Secret, User,
    is_bcrypt,
};

/// `secret` with bcrypt's lowest cost, made by another implementation (libxcrypt).
const HASH: &str = "$2a$04$5n0VDlPh4GBJmmIOBqJI4uj4WLEcleGwA.ReZhk15mvawrLa.v7WO";

fn credentials(user: &str, pass: &str, token: &str) -> Credentials {
    Credentials { user: user.into(), pass: pass.into(), token: token.into(), ..Credentials::default() }
}

fn user(name: &str, secret: &str, connections: &[ConnectionType]) -> User {
    User {
        name: name.into(),
        secret: Secret::new(secret),
        connections: connections.iter().copied().collect(),
    }
}

/// Runs what takes long, too: whether the client gets in, and as whom.
fn decide(rules: &Rules, credentials: &Credentials) -> Result<Option<Identity>, ()> {
    match rules.authenticate(credentials) {
        Decision::Allow(identity) => Ok(identity),
        Decision::Deny => Err(()),
        Decision::Pending(check) => check.run().map(Some).ok_or(()),
    }
}

/// `allowed`: the user's name, `""` for the token; `None` for a refusal.
fn check(rules: &Rules, given: &Credentials, allowed: Option<&str>) {
    let decision = decide(rules, given);
    let name = decision.ok().map(|identity| identity.unwrap().user().unwrap_or_default().to_owned());
    assert_eq!(name.as_deref(), allowed, "{given:?} {:?}", (&given.pass, &given.token));
}

#[test]
fn open_rules_let_everybody_in() {
    let rules = Rules::open();
    assert!(!rules.is_required());
    for given in [credentials("", "", ""), credentials("stray", "x", "y")] {
        assert!(matches!(rules.authenticate(&given), Decision::Allow(None)));
    }
}

#[test]
fn a_single_user() {
    for secret in ["secret", HASH] {
        let rules = Rules::single("ada", Secret::new(secret));
        assert!(rules.is_required());
        for (user, pass, token, allowed) in [
            ("ada", "secret", "", Some("ada")),
            ("ada", "secret", "a token that nobody asks for", Some("ada")),
            ("ada", "secre", "", None),
            ("ada", "secret ", "", None),
            ("ada", "Secret", "", None),
            ("ada", "", "", None),
            ("ada", "", "secret", None),
            ("Ada", "secret", "", None),
            ("", "secret", "", None),
            ("", "", "", None),
        ] {
            check(&rules, &credentials(user, pass, token), allowed);
        }
    }
}

#[test]
fn a_token() {
    for secret in ["secret", HASH] {
        let rules = Rules::token(Secret::new(secret));
        for (user, pass, token, allowed) in [
            ("", "", "secret", Some("")),
            ("ada", "x", "secret", Some("")),
            ("", "", "", None),
            ("", "secret", "", None),
            ("secret", "secret", "", None),
            ("", "", "secret2", None),
        ] {
            check(&rules, &credentials(user, pass, token), allowed);
        }
    }
}

fn users() -> Rules {
    Rules::users([
        user("ada", "secret", &[]),
        user("ben", HASH, &[]),
        user("web", "w", &[ConnectionType::WebSocket, ConnectionType::MqttWebSocket]),
        user("hashed web", HASH, &[ConnectionType::WebSocket]),
        user("none", "", &[]),
    ])
}

#[test]
fn users_and_how_they_connect() {
    use ConnectionType::{Mqtt, MqttWebSocket, Standard, WebSocket};
    let rules = users();
    for (name, pass, connection, allowed) in [
        ("ada", "secret", Standard, true),
        ("ada", "secret", WebSocket, true),
        ("ada", "w", Standard, false),
        ("ben", "secret", Standard, true),
        ("ben", HASH, Standard, false),
        ("web", "w", WebSocket, true),
        ("web", "w", MqttWebSocket, true),
        ("web", "w", Standard, false),
        ("web", "w", Mqtt, false),
        ("hashed web", "secret", WebSocket, true),
        ("hashed web", "secret", Standard, false),
        ("none", "", Standard, true),
        ("none", "x", Standard, false),
        ("nobody", "", Standard, false),
        ("", "", Standard, false),
    ] {
        let given = Credentials { connection, ..credentials(name, pass, "") };
        check(&rules, &given, allowed.then_some(name));
    }
}

#[test]
fn clients_without_credentials_are_the_no_auth_user() {
    // A user with a hash too: nobody has given a password that could be checked against it.
    for name in ["ada", "ben"] {
        let rules = users().with_no_auth_user(Some(name));
        assert!(rules.is_required() && rules.has_no_auth_user());
        check(&rules, &credentials("", "", ""), Some(name));
        assert_eq!(rules.anonymous(ConnectionType::Standard).unwrap().user(), Some(name));
        for given in [credentials("x", "", ""), credentials("", "x", ""), credentials("", "", "x")] {
            check(&rules, &given, None);
        }
        check(&rules, &credentials("ada", "secret", ""), Some("ada"));
    }
    let rules = users().with_no_auth_user(Some("web"));
    for (connection, allowed) in [(ConnectionType::Standard, None), (ConnectionType::WebSocket, Some("web"))]
    {
        check(&rules, &Credentials { connection, ..Credentials::default() }, allowed);
        let anonymous = rules.anonymous(connection);
        assert_eq!(anonymous.as_ref().and_then(Identity::user), allowed);
    }
    assert!(users().with_no_auth_user(Some("nobody")).anonymous(ConnectionType::Standard).is_none());
    assert!(users().anonymous(ConnectionType::Standard).is_none());
}

#[test]
fn certificates_name_users() {
    let rules = users().with_certificate_names(true).with_no_auth_user(Some("ada"));
    let with = |names: &[&str], given: Credentials| {
        let names = names.iter().map(|&name| name.to_owned()).collect();
        Credentials { certificate: Some(Certificate { names }), ..given }
    };
    check(&rules, &with(&["x@y", "none", "ada"], credentials("", "", "")), Some("none"));
    // What CONNECT says of the user does not count.
    check(&rules, &with(&["none"], credentials("ada", "", "")), Some("none"));
    check(&rules, &with(&["ada"], credentials("", "", "")), None);
    check(&rules, &with(&["ada"], credentials("", "secret", "")), Some("ada"));
    check(&rules, &with(&["web"], credentials("", "w", "")), None);
    check(&rules, &with(&[], credentials("ada", "secret", "")), None);
    check(&rules, &credentials("ada", "secret", ""), None);
    check(&users(), &with(&["none"], credentials("", "", "")), None);
}

#[test]
fn what_looks_like_bcrypt() {
    for (text, expected) in [
        (HASH, true),
        ("$2a$04$", true),
        ("$2b$10$x", true),
        ("$2x$10$x", true),
        ("$2y$10$x", true),
        ("$2c$10$x", false),
        ("$2a$1$x", false),
        ("$2a$1x$x", false),
        ("$2a$10", false),
        ("2a$10$x", false),
        ("", false),
    ] {
        assert_eq!(is_bcrypt(text), expected, "{text}");
        assert_eq!(Secret::new(text).is_hash(), expected);
    }
}

#[test]
fn every_prefix_of_bcrypt_is_the_same_hash() {
    for version in ["$2a", "$2b", "$2x", "$2y"] {
        let rules = Rules::token(Secret::new(HASH.replace("$2a", version)));
        check(&rules, &credentials("", "", "secret"), Some(""));
        check(&rules, &credentials("", "", "Secret"), None);
    }
    // What looks like a hash and is none matches nothing, itself included.
    for text in ["$2a$04$", "$2a$99$5n0VDlPh4GBJmmIOBqJI4uj4WLEcleGwA.ReZhk15mvawrLa.v7WO"] {
        check(&Rules::token(Secret::new(text)), &credentials("", "", text), None);
    }
}

#[test]
fn a_hash_is_not_computed_before_the_check_is_run() {
    let rules = Rules::single("ada", Secret::new(HASH));
    let Decision::Pending(check) = rules.authenticate(&credentials("ada", "secret", "")) else {
        panic!("bcrypt takes long")
    };
    assert!(!check.is_wanted());
    let ticket = check.ticket();
    assert!(check.is_wanted());
    drop(ticket);
    assert!(!check.is_wanted());
    // A name that is not there needs no check.
    assert!(matches!(rules.authenticate(&credentials("ben", "secret", "")), Decision::Deny));
}

#[test]
fn who_may_stay_when_the_rules_change() {
    let pass = |rules: &Rules, name: &str| decide(rules, &credentials(name, "secret", "")).unwrap().unwrap();
    let standard = ConnectionType::Standard;
    let ada = pass(&users(), "ada");
    let ben = pass(&users(), "ben");
    let one = |name, secret, connections: &[ConnectionType]| Rules::users([user(name, secret, connections)]);
    for (rules, ada_stays, ben_stays) in [
        (users(), true, true),
        (Rules::open(), true, true),
        (one("ada", "secret", &[]), true, false),
        (one("ada", "another", &[]), false, false),
        (one("ada", "secret", &[standard]), true, false),
        (one("ada", "secret", &[ConnectionType::WebSocket]), false, false),
        (one("ben", HASH, &[]), false, true),
        (one("ben", "secret", &[]), false, false),
        (Rules::single("ada", Secret::new("secret")), true, false),
        (Rules::single("ben", Secret::new("secret")), false, false),
        (Rules::token(Secret::new("secret")), false, false),
    ] {
        assert_eq!(rules.still_allow(&ada, standard), ada_stays, "{rules:?}");
        assert_eq!(rules.still_allow(&ben, standard), ben_stays, "{rules:?}");
    }
    let token = Rules::token(Secret::new("t"));
    let bearer = decide(&token, &credentials("", "", "t")).unwrap().unwrap();
    assert!(token.still_allow(&bearer, standard));
    assert!(!Rules::token(Secret::new("u")).still_allow(&bearer, standard));
    assert!(!Rules::single("", Secret::new("t")).still_allow(&bearer, standard));
    assert!(!Rules::users([user("", "t", &[])]).still_allow(&bearer, standard));
}

#[test]
fn credentials_fill_what_is_empty() {
    let mut given = credentials("ada", "", "");
    given.fill_from(Credentials { nkey: "U".into(), ..credentials("ben", "secret", "t") });
    assert_eq!(given, Credentials { nkey: "U".into(), ..credentials("ada", "secret", "t") });
}

#[test]
fn claims_name_no_secret() {
    let nkey = Credentials { nkey: "UX".into(), ..credentials("ada", "p", "t") };
    for (given, claim) in [
        (nkey, Some("Nkey \"UX\"")),
        (credentials("a\"\n", "p", "t"), Some("User \"a\\\"\\n\"")),
        (credentials("", "p", "t"), Some("Token \"[REDACTED]\"")),
        (credentials("", "p", ""), None),
    ] {
        assert_eq!(given.claim().as_deref(), claim);
    }
    let rules = users();
    let Decision::Pending(check) = rules.authenticate(&credentials("ben", "hunter2", "hunter3")) else {
        panic!("bcrypt takes long")
    };
    let debug = format!("{:?} {rules:?} {check:?}", credentials("ada", "hunter2", "hunter3"));
    assert!(!debug.contains("hunter") && !debug.contains("secret\"") && !debug.contains("$2a$"), "{debug}");
}

#[test]
fn names_of_connection_types() {
    for (name, expected) in [
        ("STANDARD", Some(ConnectionType::Standard)),
        ("websocket", Some(ConnectionType::WebSocket)),
        ("LeafNode", Some(ConnectionType::LeafNode)),
        ("LEAFNODE_WS", Some(ConnectionType::LeafNodeWebSocket)),
        ("MQTT", Some(ConnectionType::Mqtt)),
        ("MQTT_WS", Some(ConnectionType::MqttWebSocket)),
        ("in_process", Some(ConnectionType::InProcess)),
        ("WS", None),
        ("", None),
    ] {
        assert_eq!(ConnectionType::parse(name), expected, "{name}");
    }
    assert!(ConnectionTypes::ALL.allow(ConnectionType::Mqtt));
    let some: ConnectionTypes = [ConnectionType::Mqtt, ConnectionType::InProcess].into_iter().collect();
    assert!(some.allow(ConnectionType::Mqtt) && some.allow(ConnectionType::InProcess));
    assert!(!some.allow(ConnectionType::Standard) && !some.allow(ConnectionType::MqttWebSocket));
}

#[test]
fn checks_go_to_other_threads() {
    fn is_send<T: Send + 'static>() {}
    is_send::<dunlin_auth::Check>();
    // Identities are one pointer, so that keeping one for each connection costs next to nothing.
    assert_eq!(size_of::<Option<Identity>>(), size_of::<usize>());
    let rules = users();
    let Decision::Pending(check) = rules.authenticate(&credentials("ben", "secret", "")) else {
        panic!("bcrypt takes long")
    };
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || sender.send(check.run()));
    let identity = receiver.recv_timeout(Duration::from_secs(10)).unwrap().unwrap();
    assert_eq!(identity.user(), Some("ben"));
}
