//! Field by field what nats-server 2.15.0 answered, recorded in `official/`: two clients on TCP, one on WebSocket, two gone.

#![expect(clippy::unwrap_used, reason = "a test")]

use dunlin_monitor::{
    ConnectionState, Kind, Number, Snapshot, Subscription, Time, Varz, WebSocketVarz, respond,
};

fn time(text: &str) -> Time {
    Time(text.parse().unwrap())
}

fn subscriptions() -> Vec<Subscription> {
    let plain = Subscription {
        subject: "foo".into(),
        sid: "1".into(),
        msgs: 2,
        max: 5,
        cid: 5,
        ..Subscription::default()
    };
    let queue = Subscription {
        subject: "bar.>".into(),
        qgroup: "q".into(),
        sid: "2".into(),
        cid: 5,
        ..Subscription::default()
    };
    vec![plain, queue]
}

fn connection(cid: u64, port: u16, start: &str, last: &str) -> ConnectionState {
    let (start, last_activity) = (time(start), time(last));
    ConnectionState { cid, ip: "127.0.0.1".into(), port, start, last_activity, ..ConnectionState::default() }
}

fn with_name(connection: ConnectionState) -> ConnectionState {
    ConnectionState { name: "a<b>".into(), lang: "py".into(), version: "1.0".into(), ..connection }
}

/// The state that the recordings show.
fn snapshot(now: &str) -> Snapshot {
    let subscriber = ConnectionState {
        rtt: 638_000,
        in_msgs: 1,
        out_msgs: 2,
        in_bytes: 2,
        out_bytes: 7,
        subscriptions: 2,
        subscriptions_list: subscriptions(),
        ..with_name(connection(5, 46520, "2026-11-21T21:50:19.490126633Z", "2026-11-21T21:50:19.743175009Z"))
    };
    let silent = connection(6, 46530, "2026-11-21T21:50:19.641720363Z", "2026-11-21T21:50:19.641720363Z");
    let browser = ConnectionState {
        kind: Kind::WebSocket,
        ..connection(9, 55768, "2026-11-21T21:50:19.995933519Z", "2026-11-21T21:50:19.995933519Z")
    };
    let publisher = ConnectionState {
        rtt: 348_000,
        in_msgs: 1,
        in_bytes: 5,
        stop: Some((time("2026-11-21T21:50:19.844100562Z"), "Client Closed")),
        ..with_name(connection(7, 46546, "2026-11-21T21:50:19.692592227Z", "2026-11-21T21:50:19.743175009Z"))
    };
    let violator = ConnectionState {
        rtt: 517_000,
        pending_bytes: 35,
        stop: Some((time("2026-11-21T21:50:19.894632768Z"), "Protocol Violation")),
        ..with_name(connection(8, 46556, "2026-11-21T21:50:19.843827899Z", "2026-11-21T21:50:19.844345651Z"))
    };
    Snapshot {
        varz: varz(),
        connections: vec![browser, subscriber, silent],
        closed: vec![publisher, violator],
        now: now.parse().unwrap(),
    }
}

fn varz() -> Varz {
    let start = time("2026-11-21T21:50:18.789698261Z");
    Varz {
        server_id: "NC7P3PD67N4OQN3RURLWRLVCEQQSQ4KU47RNYVZFLK5EBMWKIX3FTCJZ".into(),
        server_name: "probe".into(),
        version: "2.15.0".into(),
        proto: 1,
        git_commit: "eb76367".into(),
        go: "go1.27.1".into(),
        host: "127.0.0.1".into(),
        port: 24222,
        max_connections: 65536,
        ping_interval: 120_000_000_000,
        ping_max: 2,
        http_host: "127.0.0.1".into(),
        http_port: 28222,
        auth_timeout: Number(2.0),
        max_control_line: 4096,
        max_payload: 1 << 20,
        max_pending: 64 << 20,
        websocket: WebSocketVarz {
            host: "127.0.0.1".into(),
            port: Some(28080),
            handshake_timeout: 3_000_000_000,
            no_tls: true,
            allowed_origins: vec!["http://localhost:3000".into()],
            compression: true,
            ..WebSocketVarz::default()
        },
        tls_timeout: Number(2.0),
        write_deadline: 10_000_000_000,
        start,
        mem: 15_585_280,
        cores: 2,
        gomaxprocs: 2,
        connections: 3,
        total_connections: 5,
        in_msgs: 2,
        in_bytes: 7,
        in_client_msgs: 2,
        in_client_bytes: 7,
        out_msgs: 2,
        out_bytes: 7,
        out_client_msgs: 2,
        out_client_bytes: 7,
        subscriptions: 62,
        http_req_stats: [("/varz", 1)].into(),
        config_load_time: start,
        config_digest: "sha256:75595cdf97e69c9aa8497145ed124424e516f5a0ace3bdb7331cd805315cf0c6".into(),
        system_account: "$SYS".into(),
        ..Varz::default()
    }
}

/// The kind by which the documentation tells clients on WebSocket apart. The official server says "Client" of them.
const WEBSOCKET: &str = "\"kind\": \"Websocket\",\n      \"type\": \"websocket\"";

fn check(target: &str, now: &str, expected: &str) {
    let response = respond(target, "", &snapshot(now));
    assert_eq!((response.status, response.content_type), (200, "application/json"));
    assert_eq!(response.body.replace(WEBSOCKET, &WEBSOCKET.replace("Websocket", "Client")), expected);
}

#[test]
fn varz_is_the_same() {
    // The flags are all of JetStream, which dunlin does not have.
    let recorded = include_str!("official/varz.json");
    let (before, rest) = recorded.split_once("  \"feature_flags\"").unwrap();
    let after = rest.split_once("},\n").unwrap().1;
    check("/varz", "2026-11-21T21:50:21.29654405Z", &format!("{before}{after}"));
}

#[test]
fn connz_is_the_same() {
    check(
        "/connz?state=any&subs=detail&sort=uptime",
        "2026-11-21T21:50:21.29843901Z",
        include_str!("official/connz.json"),
    );
    check(
        "/connz?subs=1&limit=1&auth=1",
        "2026-11-21T21:50:21.300312876Z",
        include_str!("official/connz_subs.json"),
    );
    let unknown = include_str!("official/connz_unknown_account.json");
    let now = unknown.split('"').nth(7).unwrap();
    check("/connz?acc=nope", now, unknown);
}
