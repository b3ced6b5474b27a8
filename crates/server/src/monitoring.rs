//! From the workers' states to what monitoring shows.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dunlin_monitor::{
    ByKind, ConnectionState, Kind, Limits, Number, PeerCert, RequestCounts, Snapshot, Subscription, Time,
    Varz, WebSocketVarz, respond,
};
use dunlin_nats_protocol::Info;
use dunlin_session::Instant;
use dunlin_worker::{
    ClosedSnapshot, ConnectionKind, ConnectionSnapshot, Counters, MonitorResponse, PeerCertificate,
    SubscriptionSnapshot, WorkerSnapshot,
};
use jiff::Timestamp;

use crate::config::Config;
use crate::endpoints::Addresses;
use crate::net::Clock;
use crate::process;
use crate::tls::TlsServers;

/// What monitoring knows besides the workers' states.
pub(crate) struct Monitoring {
    http_port: Option<u16>,
    websocket_port: Option<u16>,
    clock: Clock,
    workers: usize,
    state: Mutex<State>,
}

struct State {
    config: Config,
    info: Info,
    config_loaded: Timestamp,
    tls: Arc<TlsServers>,
    requests: RequestCounts,
}

impl Monitoring {
    pub(crate) fn new(
        config: &Config,
        info: Info,
        addresses: &Addresses,
        tls: Arc<TlsServers>,
        clock: Clock,
        workers: usize,
    ) -> Monitoring {
        let config_loaded = timestamp(&clock, clock.now());
        let state =
            State { config: config.clone(), info, config_loaded, tls, requests: RequestCounts::default() };
        let port = |addrs: &[SocketAddr]| addrs.first().map(SocketAddr::port);
        let (http_port, websocket_port) = (port(&addresses.monitor), port(&addresses.websocket));
        Monitoring { http_port, websocket_port, clock, workers, state: Mutex::new(state) }
    }

    /// The configuration has been read anew.
    pub(crate) fn set_config(&self, config: &Config, info: Info, tls: Arc<TlsServers>) {
        let mut state = self.state();
        state.info = info;
        state.tls = tls;
        state.config = config.clone();
        state.config_loaded = timestamp(&self.clock, self.clock.now());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a request from the states of all workers.
    pub(crate) fn respond(&self, target: &str, parts: &[WorkerSnapshot]) -> MonitorResponse {
        let mut state = self.state();
        let base_path = state.config.http.as_ref().map_or_else(String::new, |http| http.base_path.clone());
        state.requests.count(target, &base_path);
        let connections = parts.iter().flat_map(|part| &part.connections);
        let closed = parts.iter().flat_map(|part| &part.closed);
        let snapshot = Snapshot {
            varz: self.varz(&state, parts),
            connections: connections.map(|connection| self.connection(connection)).collect(),
            closed: closed.map(|closed| self.closed(closed)).collect(),
            now: timestamp(&self.clock, self.clock.now()),
        };
        let response = respond(target, &base_path, &snapshot);
        MonitorResponse { status: response.status, content_type: response.content_type, body: response.body }
    }

    fn varz(&self, state: &State, parts: &[WorkerSnapshot]) -> Varz {
        let config = &state.config;
        let sum = |of: fn(&Counters) -> u64| parts.iter().map(|part| of(&part.counters)).sum::<u64>();
        let (in_msgs, in_bytes) = (sum(|c| c.in_msgs), sum(|c| c.in_bytes));
        let (out_msgs, out_bytes) = (sum(|c| c.out_msgs), sum(|c| c.out_bytes));
        let (slow_consumers, stale_connections) = (sum(|c| c.slow_consumers), sum(|c| c.stale_connections));
        let usage = process::usage();
        let is_https = config.http.as_ref().is_some_and(|http| http.is_tls);
        Varz {
            server_id: state.info.server_id.clone(),
            server_name: state.info.server_name.clone(),
            version: state.info.version.clone(),
            proto: state.info.proto,
            go: state.info.go.clone(),
            host: state.info.host.clone(),
            port: state.info.port,
            auth_required: config.nats_rules().0.is_required(),
            tls_required: config.tls.is_some() && !config.allow_non_tls,
            tls_verify: config.tls.as_ref().is_some_and(|tls| tls.verify),
            max_connections: config.max_connections as u64,
            max_subscriptions: config.max_subscriptions as u64,
            ping_interval: nanoseconds(config.ping_interval),
            ping_max: config.ping_max,
            http_host: config.http.as_ref().map_or_else(String::new, |http| http.host.clone()),
            http_port: self.http_port.filter(|_| !is_https).unwrap_or(0),
            https_port: self.http_port.filter(|_| is_https).unwrap_or(0),
            http_base_path: config.http.as_ref().map_or_else(String::new, |http| http.base_path.clone()),
            auth_timeout: Number(config.nats_rules().1.as_secs_f64()),
            max_control_line: config.max_control_line as u64,
            max_payload: config.announced_payload_max(),
            max_pending: config.max_pending as u64,
            websocket: self.websocket_varz(config, &state.tls),
            tls_timeout: Number(config.tls.as_ref().map_or(0.0, |tls| tls.timeout.as_secs_f64())),
            tls_cert_not_after: state.tls.nats.as_ref().and_then(|tls| tls.not_after).map(Time),
            write_deadline: nanoseconds(config.write_deadline),
            start: Time(timestamp(&self.clock, Instant::default())),
            mem: usage.resident_bytes,
            cores: process::cores(),
            gomaxprocs: self.workers,
            cpu: Number(usage.cpu_percent(self.clock.now() - Instant::default())),
            connections: parts.iter().map(|part| part.connections.len() as u64).sum(),
            total_connections: sum(|c| c.connections_total),
            in_msgs,
            in_bytes,
            in_client_msgs: in_msgs,
            in_client_bytes: in_bytes,
            out_msgs,
            out_bytes,
            out_client_msgs: out_msgs,
            out_client_bytes: out_bytes,
            slow_consumers,
            dropped_msgs: sum(|c| c.dropped_msgs),
            stale_connections,
            subscriptions: parts.iter().map(|part| part.subscriptions as u64).sum(),
            http_req_stats: state.requests.counts().clone(),
            config_load_time: Time(state.config_loaded),
            config_digest: config.config_digest.clone(),
            tags: config.tags.clone(),
            metadata: config.metadata.clone(),
            slow_consumer_stats: ByKind { clients: slow_consumers, ..ByKind::default() },
            stale_connection_stats: ByKind { clients: stale_connections, ..ByKind::default() },
            limits: limits_met(parts),
            ..Varz::default()
        }
    }

    fn websocket_varz(&self, config: &Config, tls: &TlsServers) -> WebSocketVarz {
        let Some(websocket) = &config.websocket else { return WebSocketVarz::default() };
        let cookies = websocket.cookies.clone();
        WebSocketVarz {
            host: websocket.host.clone(),
            port: self.websocket_port,
            advertise: websocket.advertise.clone().unwrap_or_default(),
            no_auth_user: websocket.no_auth_user.clone().unwrap_or_default(),
            auth_timeout: websocket.authorization.timeout.map(|timeout| Number(timeout.as_secs_f64())),
            handshake_timeout: nanoseconds(websocket.handshake_timeout),
            no_tls: websocket.no_tls,
            same_origin: websocket.same_origin,
            allowed_origins: websocket.allowed_origins.iter().map(ToString::to_string).collect(),
            require_origin: websocket.require_origin,
            no_masking: (!websocket.no_masking).then_some(false),
            user_cookie: cookies.user.unwrap_or_default(),
            pass_cookie: cookies.pass.unwrap_or_default(),
            token_cookie: cookies.token.unwrap_or_default(),
            headers: websocket.headers.iter().cloned().collect(),
            shared_port: config.has_shared_port(),
            ping_interval: websocket.ping_interval.map_or(0, nanoseconds),
            ws_ping_interval: websocket.ws_ping_interval.map_or(0, nanoseconds),
            compression: websocket.compression.is_some(),
            tls_map: websocket.tls.as_ref().is_some_and(|tls| tls.verify_and_map),
            tls_pinned_certs: websocket.tls.iter().flat_map(|tls| &tls.pinned_certs).map(hex).collect(),
            tls_cert_not_after: tls.websocket.as_ref().and_then(|tls| tls.not_after).map(Time),
        }
    }

    fn connection(&self, connection: &ConnectionSnapshot) -> ConnectionState {
        let cid = connection.client_id;
        let tls = connection.tls.as_ref();
        ConnectionState {
            cid,
            kind: match connection.kind {
                ConnectionKind::Nats => Kind::Nats,
                ConnectionKind::WebSocket => Kind::WebSocket,
            },
            ip: connection.peer.ip().to_string(),
            port: connection.peer.port(),
            start: Time(timestamp(&self.clock, connection.opened)),
            last_activity: Time(timestamp(&self.clock, connection.last_activity)),
            stop: None,
            rtt: connection.rtt.unwrap_or(0),
            pending_bytes: connection.pending as u64,
            in_msgs: connection.in_msgs,
            out_msgs: connection.out_msgs,
            in_bytes: connection.in_bytes,
            out_bytes: connection.out_bytes,
            dropped_msgs: connection.dropped_msgs,
            stalls: 0,
            publish_holds: connection.publish_holds,
            subscriptions: u64::from(connection.subscription_count),
            subscriptions_list: connection.subscriptions.iter().map(|sub| subscription(cid, sub)).collect(),
            name: connection.name.clone().unwrap_or_default(),
            lang: connection.lang.clone().unwrap_or_default(),
            version: connection.version.clone().unwrap_or_default(),
            user: connection.user.clone().unwrap_or_default(),
            tls_version: tls.map_or("", |tls| tls.version),
            tls_cipher_suite: tls.map_or("", |tls| tls.cipher_suite),
            tls_first: tls.is_some_and(|tls| tls.is_first),
            tls_peer_certs: tls
                .and_then(|tls| tls.certificate.as_deref())
                .map(peer_cert)
                .into_iter()
                .collect(),
        }
    }

    fn closed(&self, closed: &ClosedSnapshot) -> ConnectionState {
        let stop = Time(timestamp(&self.clock, closed.stopped));
        ConnectionState { stop: Some((stop, closed.reason)), ..self.connection(&closed.connection) }
    }
}

/// How often limits for peers were met.
fn limits_met(parts: &[WorkerSnapshot]) -> Limits {
    let sum = |of: fn(&Counters) -> u64| parts.iter().map(|part| of(&part.counters)).sum();
    Limits {
        address_refusals: sum(|c| c.address_refusals),
        handshake_refusals: sum(|c| c.handshake_refusals),
        publish_holds: sum(|c| c.publish_holds),
        publish_closures: sum(|c| c.publish_closures),
        proxy_header_errors: sum(|c| c.proxy_header_errors),
    }
}

fn peer_cert(certificate: &PeerCertificate) -> PeerCert {
    PeerCert {
        subject: certificate.subject.clone(),
        spki_sha256: hex(&certificate.key_sha256),
        cert_sha256: hex(&certificate.sha256),
    }
}

fn hex(digest: &[u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn subscription(cid: u64, sub: &SubscriptionSnapshot) -> Subscription {
    Subscription {
        subject: sub.subject.clone(),
        qgroup: sub.queue.clone().unwrap_or_default(),
        sid: sub.sid.clone(),
        msgs: sub.msgs,
        max: sub.max,
        cid,
    }
}

fn timestamp(clock: &Clock, instant: Instant) -> Timestamp {
    // A clock beyond the year 9999 is not a case that needs an answer.
    Timestamp::try_from(clock.wall(instant)).unwrap_or_default()
}

fn nanoseconds(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
