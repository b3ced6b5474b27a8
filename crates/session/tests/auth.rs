//! How a NATS client is let in, one case a line.
#![allow(clippy::unwrap_used)]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use dunlin_auth::{Check, ConnectionType, Credentials, Rules, Secret, User};
use dunlin_broker::Message;
use dunlin_nats_protocol::{Info, Limits};
use dunlin_session::{Capabilities, Client, ClientConfig, CloseReason, Commands, Instant, Peer, Session};
use dunlin_subject::Filter;

/// `secret` with bcrypt's lowest cost.
const HASH: &str = "$2a$04$5n0VDlPh4GBJmmIOBqJI4uj4WLEcleGwA.ReZhk15mvawrLa.v7WO";

/// Writes down what the session asks for.
#[derive(Default)]
struct Recorder {
    log: Vec<String>,
    checks: Vec<Check>,
}

impl Recorder {
    fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.log)
    }
}

impl Commands for Recorder {
    fn reply(&mut self, text: &[u8]) {
        self.log.push(String::from_utf8_lossy(text).trim_end().to_owned());
    }
    fn trace(&mut self, _: &str) {}
    fn authenticate(&mut self, check: Check) {
        self.log.push("check".to_owned());
        self.checks.push(check);
    }
    fn authentication_error(&mut self, claim: Option<&str>) {
        self.log.push(format!("authentication error {}", claim.unwrap_or("-")));
    }
    fn set_capabilities(&mut self, _: Capabilities) {}
    fn publish(&mut self, message: Message<'_>) {
        self.log.push(format!("publish {}", message.subject.escape_ascii()));
    }
    fn subscribe(&mut self, filter: Filter<'_>, _: Option<&[u8]>, _: &[u8]) {
        self.log.push(format!("subscribe {}", filter.as_bytes().escape_ascii()));
    }
    fn unsubscribe(&mut self, _: &[u8], _: Option<u64>) {}
    fn unsubscribe_all(&mut self) {
        self.log.push("unsubscribe all".to_owned());
    }
    fn subscriptions(&self) -> usize {
        0
    }
    fn is_full(&self) -> bool {
        false
    }
}

fn config(auth: Rules) -> ClientConfig {
    ClientConfig {
        limits: Limits::default(),
        subscriptions_max: 0,
        subscription_tokens_max: None,
        ping_interval: Duration::from_secs(60),
        pings_out_max: 2,
        auth,
        auth_timeout: Duration::from_secs(2),
        connection: ConnectionType::Standard,
        info: Info { headers: true, ..Info::default() },
    }
}

fn session(auth: Rules, presented: Credentials) -> Client {
    let peer = Peer { client_id: 7, ip: IpAddr::V4(Ipv4Addr::LOCALHOST), jitter: 0 };
    Client::with_credentials(Arc::new(config(auth)), peer, Instant::default(), presented)
}

fn user(name: &str, secret: &str, connections: &[ConnectionType]) -> User {
    User {
        name: name.into(),
        secret: Secret::new(secret),
        connections: connections.iter().copied().collect(),
    }
}

fn users() -> Rules {
    Rules::users([
        user("ada", "secret", &[]),
        user("ben", HASH, &[]),
        user("web", "w", &[ConnectionType::WebSocket]),
    ])
}

/// Feeds input to a new client, and returns how it ended and what it asked for.
fn run(auth: Rules, presented: Credentials, input: &str) -> (Result<usize, CloseReason>, Vec<String>) {
    let mut recorder = Recorder::default();
    let result = session(auth, presented).handle_input(Instant::default(), input.as_bytes(), &mut recorder);
    (result, recorder.log)
}

#[track_caller]
fn allows(auth: Rules, input: &str, expected: &[&str]) {
    let (result, log) = run(auth, Credentials::default(), input);
    assert_eq!((result, log), (Ok(input.len()), expected.iter().map(|&line| line.to_owned()).collect()));
}

#[track_caller]
fn denies(auth: Rules, input: &str, claim: &str) {
    let (result, log) = run(auth, Credentials::default(), input);
    assert_eq!(result, Err(CloseReason::AuthorizationViolation), "{input}");
    assert_eq!(log, [format!("authentication error {claim}")], "{input}");
}

#[test]
fn the_right_credentials_let_in() {
    let single = || Rules::single("ada", Secret::new("secret"));
    let quiet = r#""verbose":false"#;
    for (auth, credentials) in [
        (single(), r#""user":"ada","pass":"secret""#),
        (Rules::token(Secret::new("t")), r#""auth_token":"t""#),
        (Rules::token(Secret::new("t")), r#""auth_token":"t","user":"x","jwt":"a.b.c""#),
        (users(), r#""user":"ada","pass":"secret""#),
    ] {
        let input = format!("CONNECT {{{quiet},{credentials}}}\r\nPUB a 0\r\n\r\nPING\r\n");
        let mut recorder = Recorder::default();
        let mut client = session(auth, Credentials::default());
        client.handle_input(Instant::default(), input.as_bytes(), &mut recorder).unwrap();
        assert_eq!(recorder.log, ["publish a", "PONG"], "{input}");
    }
    allows(single(), "connect {\"user\":\"ada\",\"pass\":\"secret\"}\r\n", &["+OK"]);
}

#[test]
fn the_wrong_ones_do_not() {
    let single = || Rules::single("ada", Secret::new("secret"));
    for (input, claim) in [
        ("CONNECT {\"user\":\"ada\",\"pass\":\"x\"}\r\nPUB a 0\r\n\r\n", "User \"ada\""),
        ("CONNECT {\"user\":\"ben\",\"pass\":\"secret\"}\r\n", "User \"ben\""),
        ("CONNECT {\"pass\":\"secret\"}\r\n", "-"),
        ("CONNECT {\"auth_token\":\"secret\"}\r\n", "Token \"[REDACTED]\""),
        ("CONNECT {\"nkey\":\"UX\"}\r\n", "Nkey \"UX\""),
        ("CONNECT {}\r\n", "-"),
        // Who is not let in is told no more than that.
        ("CONNECT {\"protocol\":7}\r\n", "-"),
    ] {
        denies(single(), input, claim);
    }
    denies(users(), "CONNECT {\"user\":\"web\",\"pass\":\"w\"}\r\n", "User \"web\"");
}

#[test]
fn the_first_op_must_be_connect() {
    for input in ["P", "PING\r\n", "SUB a 1\r\n", "\r\n", "\n", " CONNECT {}\r\n", "FROB\r\n", "+OK\r\n"] {
        denies(users(), input, "-");
    }
    // Broken grammar is told as such, and a part of CONNECT waits for the rest.
    let (result, _) = run(users(), Credentials::default(), "CXXX\r\n");
    assert!(matches!(result, Err(CloseReason::Parse(_))), "{result:?}");
    assert_eq!(run(users(), Credentials::default(), "CONN").0, Ok(0));
    assert_eq!(run(users(), Credentials::default(), "CONNECT {\r\n").0, Err(CloseReason::ConnectSyntax));
    assert_eq!(run(users(), Credentials::default(), "").0, Ok(0));
}

#[test]
fn clients_without_credentials_may_be_a_user() {
    let rules = || users().with_no_auth_user(Some("ada"));
    allows(rules(), "PING\r\n", &["PONG"]);
    allows(rules(), "CONNECT {}\r\n", &["+OK"]);
    // The defaults of CONNECT hold, and a CONNECT that follows is the second one (nats).
    allows(
        rules(),
        "SUB a 1\r\nCONNECT {}\r\nPING\r\n",
        &["subscribe a", "+OK", "unsubscribe all", "+OK", "PONG"],
    );
    denies(rules(), "CONNECT {\"user\":\"zoe\"}\r\n", "User \"zoe\"");
    // Not where that user may not connect like this.
    denies(users().with_no_auth_user(Some("web")), "PING\r\n", "-");
    denies(users().with_no_auth_user(Some("web")), "CONNECT {}\r\n", "-");
}

#[test]
fn what_the_transport_presents_counts_where_connect_says_nothing() {
    let cookies = |user: &str, pass: &str| Credentials {
        user: user.into(),
        pass: pass.into(),
        ..Credentials::default()
    };
    for (presented, connect, expected) in [
        (cookies("ada", "secret"), "{}", Ok(())),
        (cookies("x", "secret"), "{\"user\":\"ada\"}", Ok(())),
        (cookies("ada", "x"), "{\"pass\":\"secret\"}", Ok(())),
        (cookies("ada", "secret"), "{\"user\":\"zoe\"}", Err(CloseReason::AuthorizationViolation)),
        (cookies("ada", "x"), "{}", Err(CloseReason::AuthorizationViolation)),
        (cookies("", "secret"), "{}", Err(CloseReason::AuthorizationViolation)),
    ] {
        let (result, _) = run(users(), presented.clone(), &format!("CONNECT {connect}\r\n"));
        assert_eq!(result.map(|_| ()), expected, "{presented:?} {connect}");
    }
    // The client must still say CONNECT.
    let (result, _) = run(users(), cookies("ada", "secret"), "PING\r\n");
    assert_eq!(result, Err(CloseReason::AuthorizationViolation));
}

#[test]
fn a_further_connect_keeps_what_it_does_not_name() {
    let first = "CONNECT {\"user\":\"ada\",\"pass\":\"secret\",\"verbose\":false}\r\n";
    for (second, expected) in [
        ("CONNECT {}\r\n", Ok(())),
        ("CONNECT {\"pass\":\"secret\"}\r\n", Ok(())),
        ("CONNECT {\"user\":\"ada\",\"pass\":\"secret\"}\r\n", Ok(())),
        ("CONNECT {\"pass\":\"x\"}\r\n", Err(CloseReason::AuthorizationViolation)),
        ("CONNECT {\"user\":\"web\",\"pass\":\"w\"}\r\n", Err(CloseReason::AuthorizationViolation)),
        ("CONNECT {\"account\":\"A\"}\r\n", Err(CloseReason::AuthorizationViolation)),
    ] {
        let (result, log) = run(users(), Credentials::default(), &format!("{first}{second}"));
        assert_eq!(result.map(|_| ()), expected, "{second}");
        let expected = if expected.is_ok() { "unsubscribe all" } else { "authentication error User " };
        assert!(log.last().unwrap().starts_with(expected), "{log:?}");
    }
}

const BEN: &str = "CONNECT {\"user\":\"ben\",\"pass\":\"secret\",\"verbose\":false}\r\n";

#[test]
fn nothing_is_handled_until_a_check_is_done() {
    for (pass, expected) in [("secret", Ok(())), ("x", Err(CloseReason::AuthorizationViolation))] {
        let mut recorder = Recorder::default();
        let mut client = session(users(), Credentials::default());
        let connect = BEN.replace("secret", pass);
        let input = format!("{connect}PING\r\n");
        let used = client.handle_input(Instant::default(), input.as_bytes(), &mut recorder);
        assert_eq!((used, recorder.take()), (Ok(connect.len()), vec!["check".to_owned()]));
        assert_eq!(client.description().user, None);
        let check = recorder.checks.pop().unwrap();
        assert!(check.is_wanted());
        assert_eq!(client.handle_verdict(check.run(), &mut recorder), expected);
        if expected.is_ok() {
            assert_eq!(client.description().user, Some("ben"));
            client.handle_input(Instant::default(), b"PING\r\n", &mut recorder).unwrap();
            assert_eq!(recorder.take(), ["PONG"]);
        } else {
            assert_eq!(recorder.take(), ["authentication error User \"ben\""]);
        }
    }
}

#[test]
fn time_runs_out_before_connect_and_during_a_check() {
    for input in ["", "CONN", BEN] {
        let mut recorder = Recorder::default();
        let mut client = session(users(), Credentials::default());
        client.handle_input(Instant::default(), input.as_bytes(), &mut recorder).unwrap();
        let deadline = Instant::default() + Duration::from_secs(2);
        assert_eq!(client.poll_timeout(), deadline);
        let result = client.handle_timeout(deadline, &mut recorder);
        assert_eq!(result, Err(CloseReason::AuthenticationTimeout));
        assert!(recorder.checks.iter().all(|check| !check.is_wanted()));
        // An outcome that comes too late changes nothing.
        assert_eq!(client.handle_verdict(None, &mut recorder), Ok(()));
    }
}

#[test]
fn who_is_not_let_in_is_not_pinged() {
    let mut recorder = Recorder::default();
    let config = ClientConfig { auth_timeout: Duration::from_secs(60), ..config(users()) };
    let peer = Peer { client_id: 7, ip: IpAddr::V4(Ipv4Addr::LOCALHOST), jitter: 0 };
    let mut client = Client::new(Arc::new(config), peer, Instant::default());
    for _ in 0..5 {
        let now = client.poll_timeout();
        assert_eq!(client.handle_timeout(now, &mut recorder), Ok(()));
    }
    assert_eq!(recorder.take(), [""; 0]);
    let now = client.poll_timeout();
    let connect = b"CONNECT {\"user\":\"ada\",\"pass\":\"secret\",\"verbose\":false}\r\n";
    client.handle_input(now, connect, &mut recorder).unwrap();
    let now = client.poll_timeout();
    assert_eq!(client.handle_timeout(now, &mut recorder), Ok(()));
    assert_eq!(recorder.take(), ["PING"]);
}

#[test]
fn new_rules_hold_for_those_who_are_there() {
    let another = || Rules::single("ada", Secret::new("another"));
    let ada = "CONNECT {\"user\":\"ada\",\"pass\":\"secret\"}\r\n";
    for (input, before, after, claim) in [
        (ada, users(), users(), None),
        (ada, users(), Rules::open(), None),
        (ada, users(), another(), Some("User \"ada\"")),
        ("PING\r\n", Rules::open(), another(), Some("-")),
        ("", users(), another(), None),
        (
            "CONNECT {\"auth_token\":\"t\"}\r\n",
            Rules::token(Secret::new("t")),
            another(),
            Some("Token \"[REDACTED]\""),
        ),
    ] {
        let mut recorder = Recorder::default();
        let mut client = session(before, Credentials::default());
        client.handle_input(Instant::default(), input.as_bytes(), &mut recorder).unwrap();
        recorder.take();
        let result = client.set_config(&Arc::new(config(after)), &mut recorder);
        assert_eq!(result, claim.map_or(Ok(()), |_| Err(CloseReason::AuthorizationViolation)), "{input}");
        let log: Vec<String> = claim.iter().map(|claim| format!("authentication error {claim}")).collect();
        assert_eq!(recorder.take(), log);
    }
    // Who waited to be asked is not asked any more.
    let mut recorder = Recorder::default();
    let mut client = session(users(), Credentials::default());
    client.set_config(&Arc::new(config(Rules::open())), &mut recorder).unwrap();
    client.handle_input(Instant::default(), b"PING\r\n", &mut recorder).unwrap();
    assert_eq!(recorder.take(), ["PONG"]);
}

#[test]
fn a_check_under_old_rules_is_looked_at_under_the_new_ones() {
    for (after, expected) in [
        (users(), Ok(())),
        (Rules::open(), Ok(())),
        (Rules::users([user("ben", "secret", &[])]), Err(CloseReason::AuthorizationViolation)),
    ] {
        let mut recorder = Recorder::default();
        let mut client = session(users(), Credentials::default());
        client.handle_input(Instant::default(), BEN.as_bytes(), &mut recorder).unwrap();
        client.set_config(&Arc::new(config(after)), &mut recorder).unwrap();
        let check = recorder.checks.pop().unwrap();
        assert_eq!(client.handle_verdict(check.run(), &mut recorder), expected);
    }
}

#[test]
fn monitoring_does_not_see_the_token() {
    let mut recorder = Recorder::default();
    let mut client = session(Rules::token(Secret::new("t")), Credentials::default());
    client.handle_input(Instant::default(), b"CONNECT {\"auth_token\":\"t\"}\r\n", &mut recorder).unwrap();
    assert_eq!(client.description().user, Some("[REDACTED]"));
}
