//! What a NATS client's session makes of its input, one case a line.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use dunlin_auth::{Check, ConnectionType, Rules};
use dunlin_broker::Message;
use dunlin_nats_protocol::{Info, Limits};
use dunlin_session::{Capabilities, Client, ClientConfig, CloseReason, Commands, Instant, Peer, Session};
use dunlin_subject::Filter;

/// Writes down what the session asks for.
#[derive(Default)]
struct Recorder {
    log: Vec<String>,
    subscriptions: usize,
    is_full: bool,
    rescheduled: usize,
}

impl Commands for Recorder {
    fn reply(&mut self, text: &[u8]) {
        self.log.push(String::from_utf8_lossy(text).trim_end().to_owned());
    }
    fn trace(&mut self, _: &str) {}
    fn authenticate(&mut self, _: Check) {
        unreachable!("nobody is asked for credentials here");
    }
    fn authentication_error(&mut self, claim: Option<&str>) {
        self.log.push(format!("authentication error {claim:?}"));
    }
    fn set_capabilities(&mut self, c: Capabilities) {
        self.log.push(format!("capabilities {} {} {}", c.headers, c.echo, c.no_responders));
    }
    fn publish(&mut self, message: Message<'_>) {
        let Message { subject, header_len, payload, .. } = message;
        self.log.push(format!(
            "publish {} {header_len:?} {}",
            subject.escape_ascii(),
            payload.escape_ascii()
        ));
    }
    fn subscribe(&mut self, filter: Filter<'_>, _: Option<&[u8]>, sid: &[u8]) {
        self.subscriptions += 1;
        self.log.push(format!("subscribe {} {}", filter.as_bytes().escape_ascii(), sid.escape_ascii()));
    }
    fn unsubscribe(&mut self, sid: &[u8], max: Option<u64>) {
        self.log.push(format!("unsubscribe {} {max:?}", sid.escape_ascii()));
    }
    fn unsubscribe_all(&mut self) {
        self.subscriptions = 0;
        self.log.push("unsubscribe all".to_owned());
    }
    fn subscriptions(&self) -> usize {
        self.subscriptions
    }
    fn reschedule(&mut self) {
        self.rescheduled += 1;
    }
    fn is_full(&self) -> bool {
        self.is_full
    }
}

fn config() -> ClientConfig {
    ClientConfig {
        limits: Limits::default(),
        subscriptions_max: 2,
        subscription_tokens_max: Some(3),
        ping_interval: Duration::from_secs(60),
        pings_out_max: 2,
        auth: Rules::open(),
        auth_timeout: Duration::from_secs(2),
        connection: ConnectionType::Standard,
        info: Info { headers: true, ..Info::default() },
    }
}

fn client(config: ClientConfig) -> Client {
    let peer = Peer { client_id: 7, ip: IpAddr::V4(Ipv4Addr::LOCALHOST), jitter: 0 };
    Client::new(Arc::new(config), peer, Instant::default())
}

fn run(input: &str) -> (Vec<String>, Result<usize, CloseReason>) {
    let mut recorder = Recorder::default();
    let result = client(config()).handle_input(Instant::default(), input.as_bytes(), &mut recorder);
    (recorder.log, result)
}

const QUIET: &str = "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n";

/// Checks what follows a quiet CONNECT.
fn check(input: &str, expected: &[&str]) {
    let (log, result) = run(&format!("{QUIET}{input}"));
    assert_eq!(result, Ok(QUIET.len() + input.len()), "{input}");
    assert_eq!(log[1..], *expected, "{input}");
}

#[test]
fn ops_become_commands() {
    check("PUB a 2\r\nhi\r\n", &["publish a None hi"]);
    check(
        "SUB a.* 1\r\nUNSUB 1 5\r\nUNSUB 1\r\n",
        &["subscribe a.* 1", "unsubscribe 1 Some(5)", "unsubscribe 1 None"],
    );
    check("PING\r\nPONG\r\n+OK\r\nINFO {}\r\n", &["PONG"]);
}

#[test]
fn what_a_connection_survives_is_refused_with_its_text() {
    check("SUB a..b 1\r\n", &["-ERR 'Invalid Subject'"]);
    check(
        "SUB a.b.c.d 1\r\n",
        &["-ERR 'Permissions Violation for Subscription to \"a.b.c.d\", too many tokens'"],
    );
    check(
        "SUB a _sys_ 1\r\n",
        &["-ERR 'Permissions Violation for Subscription to \"a\" using queue \"_sys_\"'"],
    );
    check("PUB $NRG.x 0\r\n\r\n", &["-ERR 'Permissions Violation for Publish to \"$NRG.x\"'"]);
    check("PUB a _R_.x 0\r\n\r\n", &["-ERR 'Permissions Violation for Publish with Reply of \"_R_.x\"'"]);
    check(
        "SUB a 1\r\nSUB b 2\r\nSUB c 3\r\n",
        &["subscribe a 1", "subscribe b 2", "-ERR 'maximum subscriptions exceeded'"],
    );
}

#[test]
fn before_connect_the_defaults_hold() {
    let (log, result) = run("SUB a 1\r\nPUB a.* 0\r\n\r\n");
    assert!(result.is_ok());
    // Verbose and pedantic; a message with a bad subject is routed all the same.
    assert_eq!(log, ["subscribe a 1", "+OK", "-ERR 'Invalid Publish Subject'", "+OK", "publish a.* None "]);
}

#[test]
fn only_a_second_connect_starts_over_and_it_keeps_what_it_does_not_name() {
    let (log, _) = run(&format!("{QUIET}CONNECT {{\"echo\":false}}\r\nSUB a 1\r\n"));
    assert_eq!(
        log,
        [
            "capabilities false true false",
            "unsubscribe all",
            "capabilities false false false",
            "subscribe a 1"
        ]
    );
}

#[test]
fn errors_end_the_connection() {
    for (input, reason) in [
        ("CONNECT {\"protocol\":2}\r\n", CloseReason::BadProtocolVersion),
        ("CONNECT {\"no_responders\":true}\r\n", CloseReason::NoRespondersNeedHeaders),
        ("CONNECT {\"account\":\"A\"}\r\n", CloseReason::AuthorizationViolation),
        ("CONNECT {\"verbose\":1}\r\n", CloseReason::ConnectSyntax),
        ("CONNECT {} {}\r\n", CloseReason::ConnectSyntax),
        ("CONNECT {\"name\":\"\u{1}\"}\r\n", CloseReason::ConnectSyntax),
        ("INFO x\r\n", CloseReason::InfoSyntax),
        ("HPUB a 0 0\r\n\r\n", CloseReason::HeadersNotSupported),
        ("-ERR 'x'\r\n", CloseReason::ClientError),
    ] {
        assert_eq!(run(input).1, Err(reason), "{input}");
    }
}

#[test]
fn info_comes_again_behind_the_first_pong_of_a_new_client() {
    let (log, _) = run("CONNECT {\"verbose\":false,\"protocol\":1}\r\nPING\r\nPING\r\n");
    assert_eq!((log.len(), log[1].as_str(), log[3].as_str()), (4, "PONG", "PONG"));
    assert!(log[2].contains("\"connect_info\":true,\"remote_account\":\"$G\""), "{}", log[2]);
}

#[test]
fn a_full_turn_stops_behind_the_op_under_way() {
    let mut recorder = Recorder { is_full: true, ..Recorder::default() };
    let used = client(config()).handle_input(Instant::default(), b"PING\r\nPING\r\n", &mut recorder);
    assert_eq!((used, recorder.log), (Ok(6), vec!["PONG".to_owned()]));
}

/// A client in virtual time, in milliseconds.
struct Life {
    session: Client,
    recorder: Recorder,
}

impl Life {
    fn new(config: ClientConfig) -> Life {
        Life { session: client(config), recorder: Recorder::default() }
    }

    fn at(ms: u64) -> Instant {
        Instant::from_nanos(ms * 1_000_000)
    }

    /// The client sends this.
    fn hear(&mut self, ms: u64, input: &str) {
        let now = Life::at(ms);
        assert!(now < self.session.poll_timeout(), "the session was not looked at before {ms}");
        assert_eq!(self.session.handle_input(now, input.as_bytes(), &mut self.recorder), Ok(input.len()));
    }

    /// Lives until `ms`. When the server sends PING, and when it gives the client up.
    fn live(&mut self, ms: u64) -> Vec<(u64, &'static str)> {
        let mut events = Vec::new();
        while self.session.poll_timeout() <= Life::at(ms) {
            let now = self.session.poll_timeout();
            let said = self.recorder.log.len();
            let result = self.session.handle_timeout(now, &mut self.recorder);
            let at = now.as_nanos() / 1_000_000;
            events.extend(self.recorder.log[said..].iter().map(|text| {
                assert_eq!(text, "PING");
                (at, "PING")
            }));
            if let Err(reason) = result {
                events.push((at, reason.text()));
                break;
            }
        }
        events
    }
}

#[test]
fn silence_is_pinged_and_then_stale() {
    let mut life = Life::new(config());
    life.hear(100, QUIET);
    // The first one comes soon, to measure the round trip.
    let events = [(2_100, "PING"), (62_100, "PING"), (122_100, "Stale Connection")];
    assert_eq!(life.live(1_000_000), events);
}

#[test]
fn the_first_ping_is_timed_from_connect() {
    for (jitter, first) in [(0, 2_000), (512, 2_200), (1023, 2_399)] {
        let peer = Peer { client_id: 7, ip: IpAddr::V4(Ipv4Addr::LOCALHOST), jitter };
        let session = Client::new(Arc::new(config()), peer, Instant::default());
        let mut life = Life { session, recorder: Recorder::default() };
        assert_eq!(life.live(50_000), [], "nothing comes before CONNECT");
        life.hear(50_000, "CONNECT {\"verbose\":false,\"protocol\":1}\r\nPING\r\n");
        assert_eq!(life.recorder.rescheduled, 1, "the timer was set for later");
        assert_eq!(life.live(60_000), [(50_000 + first, "PING")]);
    }
}

#[test]
fn a_short_interval_holds_for_the_first_ping_too() {
    let mut life = Life::new(ClientConfig { ping_interval: Duration::from_millis(500), ..config() });
    life.hear(300, QUIET);
    assert_eq!(life.live(1_400), [(800, "PING"), (1_300, "PING")]);
}

/// It is asked once, an interval before it goes: clients take nothing but INFO before they have said CONNECT.
#[test]
fn who_never_speaks_goes_as_if_it_had_been_pinged() {
    let events = [(120_000, "PING"), (180_000, "Stale Connection")];
    assert_eq!(Life::new(config()).live(1_000_000), events);
    let never = ClientConfig { pings_out_max: 0, ..config() };
    assert_eq!(Life::new(never).live(1_000_000), [(60_000, "Stale Connection")]);
    // However short the interval is, there is time for a CONNECT.
    let short = ClientConfig { ping_interval: Duration::from_millis(500), ..config() };
    assert_eq!(Life::new(short).live(1_000_000), [(5_000, "PING"), (5_500, "Stale Connection")]);
}

#[test]
fn who_speaks_without_connect_is_pinged_at_the_usual_interval() {
    let mut life = Life::new(config());
    life.hear(500, "SUB a 1\r\n");
    let events = [(60_000, "PING"), (120_000, "PING"), (180_000, "Stale Connection")];
    assert_eq!(life.live(1_000_000), events);
}

/// A client of protocol 1 takes no PING for the answer of its own.
#[test]
fn pong_comes_first() {
    let connect = "CONNECT {\"verbose\":false,\"protocol\":1}\r\n";
    let mut life = Life::new(config());
    life.hear(0, connect);
    assert_eq!(life.live(30_000), []);
    life.hear(30_000, "PING\r\n");
    assert_eq!(life.recorder.rescheduled, 1);
    assert_eq!(life.live(40_000), [(32_000, "PING")]);
    // One that never asks is found stale all the same.
    let mut life = Life::new(config());
    life.hear(0, connect);
    let events = [(60_000, "PING"), (120_000, "PING"), (180_000, "Stale Connection")];
    assert_eq!(life.live(1_000_000), events);
}

#[test]
fn an_active_client_is_not_pinged_again() {
    let mut life = Life::new(config());
    life.hear(0, QUIET);
    assert_eq!(life.live(2_000), [(2_000, "PING")]);
    life.hear(2_003, "PONG\r\n");
    assert_eq!(life.session.description().rtt, Some(3_000_000));
    life.hear(61_000, "PING\r\n");
    assert_eq!(life.live(63_000), []);
}

/// Behind INFO, a TLS handshake may take its time: what the client has to do next is timed from its end.
#[test]
fn a_handshake_does_not_count() {
    let mut life = Life::new(config());
    life.session.handle_settled(Life::at(100_000));
    let events = [(220_000, "PING"), (280_000, "Stale Connection")];
    assert_eq!(life.live(1_000_000), events);
}
