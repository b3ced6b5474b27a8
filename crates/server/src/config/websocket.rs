//! The `websocket` block.

use std::path::PathBuf;
use std::time::Duration;

use dunlin_conf::Entry;
use dunlin_websocket::handshake::OriginPattern;

use super::{
    ListenPort, Report, UnixSocketConfig, WebSocketConfig, advertise, authorization, compression, listen,
    slow_consumer, tls,
};

/// Owner and group may connect.
const UNIX_MODE: u32 = 0o660;

/// Reads the block. Without a port there is no listener.
pub(super) fn read(entry: &Entry, report: &mut Report) -> Option<WebSocketConfig> {
    let block = report.value(entry.map())?;
    let mut websocket = WebSocketConfig::default();
    let mut port = None;
    let mut has_tls = false;
    let (mut unix, mut mode) = (None, UNIX_MODE);
    for entry in block {
        match entry.key.to_ascii_lowercase().as_str() {
            "port" => port = listen::port(entry, report),
            "host" | "net" => websocket.host = report.text(entry).unwrap_or(websocket.host),
            "listen" if unix_path(entry).is_some() => unix = unix_path(entry),
            "unix_socket" => unix = report.text(entry).map(PathBuf::from),
            "unix_mode" => mode = unix_mode(entry, report).unwrap_or(mode),
            "listen" => {
                if let Some((host, listen_port)) = listen::listen(entry, report) {
                    websocket.host = host.unwrap_or(websocket.host);
                    port = listen_port;
                }
            }
            "tls" => {
                has_tls = true;
                websocket.tls = tls::read(entry, report);
            }
            _ => read_option(&mut websocket, entry, report),
        }
    }
    if !websocket.no_tls && !has_tls && port.is_some() {
        let place = &entry.key_place;
        report.error_at(place, "websocket requires TLS configuration, or no_tls: true for plain ws:// (behind a proxy, for tests)");
    }
    websocket.unix_socket = unix.map(|path| UnixSocketConfig { path, mode });
    let port = port.or(websocket.unix_socket.as_ref().map(|_| ListenPort::Closed));
    match port {
        Some(port) => Some(WebSocketConfig { port, ..websocket }),
        None => {
            if block.get("port").or(block.get("listen")).is_none() {
                report.warn_at(
                    &entry.key_place,
                    "websocket has no port: nothing listens for WebSocket clients",
                );
            }
            None
        }
    }
}

/// The path of a `listen: "unix:/path"`.
fn unix_path(entry: &Entry) -> Option<PathBuf> {
    entry.string().ok()?.strip_prefix("unix:").filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// Permissions as chmod has them: digits of eight.
fn unix_mode(entry: &Entry, report: &mut Report) -> Option<u32> {
    let text = report.text(entry)?;
    let mode = u32::from_str_radix(&text, 8).ok().filter(|mode| *mode <= 0o777);
    if mode.is_none() {
        let text = format_args!("unix_mode: {text:?} is not of the form \"0660\"");
        report.error_at(&entry.node.place, text);
    }
    mode
}

/// Reads a key that has nothing to do with the listener.
fn read_option(websocket: &mut WebSocketConfig, entry: &Entry, report: &mut Report) {
    match entry.key.to_ascii_lowercase().as_str() {
        "advertise" => websocket.advertise = advertise::read(entry, report),
        "no_tls" => report.set(&mut websocket.no_tls, entry.boolean()),
        "same_origin" => report.set(&mut websocket.same_origin, entry.boolean()),
        "allowed_origins" | "allowed_origin" | "allow_origins" | "allow_origin" | "origins" | "origin" => {
            websocket.allowed_origins = origins(entry, report);
        }
        "require_origin" => report.set(&mut websocket.require_origin, entry.boolean()),
        "handshake_timeout" => {
            // A number of seconds is as good as a duration for this key, and less than 0 is no other than 0.
            let timeout =
                report.value(entry.duration()).and_then(|span| u64::try_from(span.nanoseconds).ok());
            websocket.handshake_timeout = timeout
                .filter(|timeout| *timeout > 0)
                .map_or(websocket.handshake_timeout, Duration::from_nanos);
        }
        "compression" | "compress" => websocket.compression = compression::read(entry, report),
        "slow_consumer" => websocket.slow_consumer = slow_consumer::read(entry, report),
        "authorization" | "authentication" => {
            let timeout = websocket.authorization.timeout;
            websocket.authorization = authorization::read_websocket(entry, report);
            websocket.authorization.timeout = websocket.authorization.timeout.or(timeout);
        }
        // dunlin's own: the timeout of the block above, without the block.
        "auth_timeout" => websocket.authorization.timeout = authorization::timeout(entry, report, false),
        "no_auth_user" => websocket.no_auth_user = report.text(entry),
        "jwt_cookie" => {
            if let Some(cookie) = report.text(entry) {
                report.error_at(&entry.node.place, format_args!(
                    "trusted operators or trusted keys configuration is required for JWT authentication via cookie {cookie:?}"
                ));
            }
        }
        "user_cookie" => websocket.cookies.user = report.text(entry),
        "pass_cookie" => websocket.cookies.pass = report.text(entry),
        "token_cookie" => websocket.cookies.token = report.text(entry),
        "headers" => websocket.headers = headers(entry, report),
        "ws_ping_interval" => {
            websocket.ws_ping_interval = report.duration(entry).filter(|interval| !interval.is_zero());
        }
        "ping_interval" => {
            websocket.ping_interval = report.duration(entry).filter(|interval| !interval.is_zero());
        }
        "no_masking" => report.set(&mut websocket.no_masking, entry.boolean()),
        key => {
            if !websocket.peers.read(key, entry, report) {
                report.unknown(entry, "websocket");
            }
        }
    }
}

fn origins(entry: &Entry, report: &mut Report) -> Vec<OriginPattern> {
    let mut origins = Vec::new();
    for text in report.value(entry.strings()).unwrap_or_default() {
        match OriginPattern::parse(text) {
            Ok(origin) => origins.push(origin),
            Err(error) => report.error_at(
                &entry.node.place,
                format_args!("unable to parse allowed origin {text:?}: {error}"),
            ),
        }
    }
    origins
}

/// Headers for the 101 response: not those that the handshake sets itself, and nothing that would break out of a line.
fn headers(entry: &Entry, report: &mut Report) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    let Some(map) = report.value(entry.map()) else { return headers };
    for header in map {
        let Some(value) = report.value(header.string()) else { continue };
        let (name, place) = (&header.key, &header.key_place);
        let lower = name.to_ascii_lowercase();
        if lower.starts_with("sec-websocket-") {
            report.error_at(
                place,
                format_args!("websocket: invalid header {name:?}, \"Sec-WebSocket-\" prefix not allowed"),
            );
        } else if ["host", "content-length", "connection", "upgrade", "nats-no-masking"]
            .contains(&lower.as_str())
        {
            report.error_at(place, format_args!("websocket: invalid header {name:?} not allowed"));
        } else if name.is_empty() || !name.bytes().all(is_token_byte) {
            report.error_at(place, format_args!("websocket: {name:?} is not the name of a header"));
        } else if value.bytes().any(|byte| (byte < b' ' && byte != b'\t') || byte == 0x7f) {
            report.error_at(
                &header.node.place,
                format_args!("websocket: the value of the header {name:?} holds control characters"),
            );
        } else {
            headers.push((name.clone(), value.to_owned()));
        }
    }
    headers
}

/// `tchar` of RFC 9110 §5.6.2.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
