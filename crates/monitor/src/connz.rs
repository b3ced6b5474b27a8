//! `/connz`.

use core::cmp::Reverse;

use serde::Serialize;

use crate::error::{BadParameter, Parameter};
use crate::format::{Time, format_duration, format_uptime, seconds_between};
use crate::query::Query;
use crate::respond::Snapshot;

/// The connections of an answer when the request sets no limit.
const LIMIT_DEFAULT: usize = 1024;

/// What the server knows of a connection. The strings are empty where there is nothing to show.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConnectionState {
    /// Its number.
    pub cid: u64,
    /// How it is connected.
    pub kind: Kind,
    /// Where it comes from.
    pub ip: String,
    /// The port it comes from.
    pub port: u16,
    /// When it came.
    pub start: Time,
    /// When it last sent or got something.
    pub last_activity: Time,
    /// When it went, and why.
    pub stop: Option<(Time, &'static str)>,
    /// Its round-trip time in nanoseconds, 0 until it is known.
    pub rtt: u64,
    /// Bytes that wait for it.
    pub pending_bytes: u64,
    /// Messages it published.
    pub in_msgs: u64,
    /// Messages it got.
    pub out_msgs: u64,
    /// Bytes it published.
    pub in_bytes: u64,
    /// Bytes it got.
    pub out_bytes: u64,
    /// How often it was held back as a publisher.
    pub stalls: u64,
    /// Messages that it lost because it did not take them.
    pub dropped_msgs: u64,
    /// How often it was held back because it published faster than its limits allow.
    pub publish_holds: u64,
    /// How many subscriptions it has.
    pub subscriptions: u64,
    /// The subscriptions themselves: needed where [`ConnzOptions::subscriptions`] wants them.
    pub subscriptions_list: Vec<Subscription>,
    /// The name it gave itself.
    pub name: String,
    /// The language of its library.
    pub lang: String,
    /// The version of its library.
    pub version: String,
    /// The user that it was let in as.
    pub user: String,
    /// The version of TLS, such as `1.3`.
    pub tls_version: &'static str,
    /// The cipher suite of TLS.
    pub tls_cipher_suite: &'static str,
    /// TLS came before INFO.
    pub tls_first: bool,
    /// The certificate that it has shown: seen with `auth=1`.
    pub tls_peer_certs: Vec<PeerCert>,
}

/// The certificate of a client. The digests are in hexadecimal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are those of nats-server's documentation, by name")]
pub struct PeerCert {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub subject: String,
    pub spki_sha256: String,
    pub cert_sha256: String,
}

/// How a connection is connected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// NATS on TCP.
    #[default]
    Nats,
    /// NATS on WebSocket.
    WebSocket,
}

/// A subscription, with the fields of `subs=detail`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are those of nats-server's documentation, by name")]
pub struct Subscription {
    pub subject: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub qgroup: String,
    pub sid: String,
    pub msgs: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub max: u64,
    pub cid: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Which connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Those that are there.
    #[default]
    Open,
    /// Those that have gone, as far as they are remembered.
    Closed,
    /// Both.
    All,
}

/// In which order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the parameter")]
pub enum Sort {
    #[default]
    Cid,
    Start,
    Subs,
    Pending,
    MsgsTo,
    MsgsFrom,
    BytesTo,
    BytesFrom,
    Last,
    Idle,
    Uptime,
    Rtt,
    Stop,
    Reason,
}

/// How much of the subscriptions to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SubscriptionsWanted {
    /// Their number.
    #[default]
    Count,
    /// Their subjects (`subs=1`).
    Subjects,
    /// All about them (`subs=detail`).
    Detail,
}

/// What a request to `/connz` asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnzOptions {
    /// `state`.
    pub state: State,
    /// `sort`.
    pub sort: Sort,
    /// `subs`.
    pub subscriptions: SubscriptionsWanted,
    /// `auth`: show who the client is.
    pub auth: bool,
    /// `offset`.
    pub offset: usize,
    /// `limit`; 0 stands for 1024.
    pub limit: usize,
    /// `cid`: only this one; 0 for all.
    pub cid: u64,
    /// `user`: only those of this user.
    pub user: String,
    /// `acc`: only those of this account.
    pub account: String,
    /// `mqtt_client`: only the one with this MQTT name.
    pub mqtt_client: String,
}

impl ConnzOptions {
    /// Reads the parameters, in the order in which nats-server does: that decides which of two bad ones is named.
    ///
    /// # Errors
    /// A parameter has a bad value.
    pub fn parse(query: &Query) -> Result<Self, BadParameter> {
        let auth = query.boolean("auth")?;
        let subscriptions = match query.text("subs") {
            text if text.eq_ignore_ascii_case("detail") => SubscriptionsWanted::Detail,
            _ if query.boolean("subs")? => SubscriptionsWanted::Subjects,
            _ => SubscriptionsWanted::Count,
        };
        let positive = |number: i64| usize::try_from(number).unwrap_or(0);
        let offset = positive(query.integer("offset")?);
        let limit = positive(query.integer("limit")?);
        let cid = query.unsigned("cid")?;
        let state = match query.text("state").to_ascii_lowercase().as_str() {
            "" | "open" => State::Open,
            "closed" => State::Closed,
            "any" | "all" => State::All,
            _ => return Err(query.bad(Parameter::State, "state")),
        };
        let sort = Sort::parse(query.text("sort")).ok_or_else(|| query.bad(Parameter::Sort, "sort"))?;
        if matches!(sort, Sort::Stop | Sort::Reason) && state != State::Closed {
            return Err(query.bad(Parameter::SortNeedsClosed, "sort"));
        }
        let text = |name| query.text(name).to_owned();
        let (user, account, mqtt_client) = (text("user"), text("acc"), text("mqtt_client"));
        Ok(Self { state, sort, subscriptions, auth, offset, limit, cid, user, account, mqtt_client })
    }
}

impl Sort {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "" | "cid" => Self::Cid,
            "start" => Self::Start,
            "subs" => Self::Subs,
            "pending" => Self::Pending,
            "msgs_to" => Self::MsgsTo,
            "msgs_from" => Self::MsgsFrom,
            "bytes_to" => Self::BytesTo,
            "bytes_from" => Self::BytesFrom,
            "last" => Self::Last,
            "idle" => Self::Idle,
            "uptime" => Self::Uptime,
            "rtt" => Self::Rtt,
            "stop" => Self::Stop,
            "reason" => Self::Reason,
            _ => return None,
        })
    }

    /// Sorts; connections that are equal here stand in the order of their numbers.
    fn apply(self, connections: &mut [&ConnectionState], now: Time) {
        let until = |c: &ConnectionState| c.stop.map_or(now, |(time, _)| time).0;
        connections.sort_unstable_by_key(|connection| connection.cid);
        match self {
            Self::Cid => {}
            Self::Start => connections.sort_by_key(|c| c.start),
            Self::Subs => connections.sort_by_key(|c| Reverse(c.subscriptions)),
            Self::Pending => connections.sort_by_key(|c| Reverse(c.pending_bytes)),
            Self::MsgsTo => connections.sort_by_key(|c| Reverse(c.out_msgs)),
            Self::MsgsFrom => connections.sort_by_key(|c| Reverse(c.in_msgs)),
            Self::BytesTo => connections.sort_by_key(|c| Reverse(c.out_bytes)),
            Self::BytesFrom => connections.sort_by_key(|c| Reverse(c.in_bytes)),
            Self::Last => connections.sort_by_key(|c| Reverse(c.last_activity)),
            Self::Idle => connections.sort_by_key(|c| Reverse(until(c).duration_since(c.last_activity.0))),
            Self::Uptime => connections.sort_by_key(|c| until(c).duration_since(c.start.0)),
            Self::Rtt => connections.sort_by_key(|c| Reverse(c.rtt)),
            Self::Stop => connections.sort_by_key(|c| Reverse(c.stop.map(|(time, _)| time))),
            Self::Reason => connections.sort_by_key(|c| c.stop.map(|(_, reason)| reason)),
        }
    }
}

/// The answer of `/connz`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the fields are those of nats-server's documentation, by name")]
pub struct Connz {
    pub server_id: String,
    pub now: Time,
    /// In this answer.
    pub num_connections: usize,
    /// Before offset and limit.
    pub total: usize,
    pub offset: usize,
    pub limit: usize,
    /// `null` for an account that does not exist.
    pub connections: Option<Vec<Connection>>,
}

/// A connection in the answer of `/connz`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the fields are those of nats-server's documentation, by name")]
pub struct Connection {
    pub cid: u64,
    pub kind: &'static str,
    #[serde(rename = "type")]
    pub kind_type: &'static str,
    pub ip: String,
    pub port: u16,
    pub start: Time,
    pub last_activity: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    pub rtt: String,
    pub uptime: String,
    pub idle: String,
    pub pending_bytes: u64,
    pub in_msgs: u64,
    pub out_msgs: u64,
    pub in_bytes: u64,
    pub out_bytes: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub stalls: u64,
    /// dunlin's own.
    #[serde(skip_serializing_if = "is_zero")]
    pub dropped_msgs: u64,
    /// dunlin's own.
    #[serde(skip_serializing_if = "is_zero")]
    pub publish_holds: u64,
    pub subscriptions: u64,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub lang: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub tls_version: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub tls_cipher_suite: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tls_peer_certs: Vec<PeerCert>,
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub tls_first: bool,
    /// The user, with `auth=1`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub authorized_user: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subscriptions_list: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subscriptions_list_detail: Vec<Subscription>,
    /// The name of the account, with `auth=1`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name_tag: String,
}

impl Connz {
    /// Picks, sorts and pages.
    pub fn answer(options: &ConnzOptions, snapshot: &Snapshot) -> Self {
        let limit = match (options.cid, options.limit) {
            (0, 0) => LIMIT_DEFAULT,
            (0, limit) => limit,
            _ => 1,
        };
        let mut answer = Self {
            server_id: snapshot.varz.server_id.clone(),
            now: Time(snapshot.now),
            num_connections: 0,
            total: 0,
            offset: options.offset,
            limit,
            connections: None,
        };
        // All clients are in the global account while there are no others.
        let accounts = ["", "$G", snapshot.varz.system_account.as_str()];
        if !accounts.contains(&options.account.as_str()) {
            return Self { server_id: String::new(), ..answer };
        }
        let (open, closed) = match options.state {
            State::Open => (&snapshot.connections[..], &[][..]),
            State::Closed => (&[][..], &snapshot.closed[..]),
            State::All => (&snapshot.connections[..], &snapshot.closed[..]),
        };
        let is_global = matches!(options.account.as_str(), "" | "$G");
        let mut found: Vec<&ConnectionState> = open.iter().chain(closed).filter(|_| is_global).collect();
        answer.total = found.len();
        // Nobody has an MQTT name while there is no MQTT.
        let is_nobody = !options.mqtt_client.is_empty();
        let is_user = |name: &str| options.user.is_empty() || options.user == name;
        found.retain(|connection| {
            !is_nobody && (options.cid == 0 || connection.cid == options.cid) && is_user(&connection.user)
        });
        options.sort.apply(&mut found, answer.now);
        let page = found.into_iter().skip(options.offset).take(limit);
        let connections: Vec<_> = page.map(|state| Connection::new(state, options, answer.now)).collect();
        Self { num_connections: connections.len(), connections: Some(connections), ..answer }
    }
}

impl Connection {
    fn new(state: &ConnectionState, options: &ConnzOptions, now: Time) -> Self {
        let until = state.stop.map_or(now, |(time, _)| time);
        let list = &state.subscriptions_list;
        let (subjects, detail) = match options.subscriptions {
            SubscriptionsWanted::Count => (Vec::new(), Vec::new()),
            SubscriptionsWanted::Subjects => {
                (list.iter().map(|sub| sub.subject.clone()).collect(), Vec::new())
            }
            SubscriptionsWanted::Detail => (Vec::new(), list.clone()),
        };
        Self {
            cid: state.cid,
            // Of the official server, `kind` is "Client" for both. The documentation filters by this one.
            kind: match state.kind {
                Kind::Nats => "Client",
                Kind::WebSocket => "Websocket",
            },
            kind_type: match state.kind {
                Kind::Nats => "nats",
                Kind::WebSocket => "websocket",
            },
            ip: state.ip.clone(),
            port: state.port,
            start: state.start,
            last_activity: state.last_activity,
            stop: state.stop.map(|(time, _)| time),
            reason: state.stop.map(|(_, reason)| reason),
            rtt: format_duration(state.rtt),
            uptime: format_uptime(seconds_between(state.start, until)),
            idle: format_uptime(seconds_between(state.last_activity, until)),
            pending_bytes: state.pending_bytes,
            in_msgs: state.in_msgs,
            out_msgs: state.out_msgs,
            in_bytes: state.in_bytes,
            out_bytes: state.out_bytes,
            stalls: state.stalls,
            dropped_msgs: state.dropped_msgs,
            publish_holds: state.publish_holds,
            subscriptions: state.subscriptions,
            name: state.name.clone(),
            lang: state.lang.clone(),
            version: state.version.clone(),
            tls_version: state.tls_version,
            tls_cipher_suite: state.tls_cipher_suite,
            tls_peer_certs: if options.auth { state.tls_peer_certs.clone() } else { Vec::new() },
            tls_first: state.tls_first,
            authorized_user: if options.auth { state.user.clone() } else { String::new() },
            subscriptions_list: subjects,
            subscriptions_list_detail: detail,
            name_tag: if options.auth { "$G".to_owned() } else { String::new() },
        }
    }
}
