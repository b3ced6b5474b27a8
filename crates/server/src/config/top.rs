//! The top level of a file.

use std::path::PathBuf;
use std::time::Duration;

use dunlin_conf::{Entry, Map};

use super::{
    Config, HttpConfig, ListenPort, Report, advertise, authorization, labels, listen, slow_consumer, tls,
    websocket,
};

/// The workers that a file may ask for.
const WORKERS_MAX: i64 = 256;

/// The bytes that a size on the wire can have.
const BYTES_MAX: i64 = i32::MAX as i64;

/// Reads the top level of a file into `config`.
pub(super) fn read(root: &Map, config: &mut Config, report: &mut Report) {
    for entry in root {
        let key = entry.key.to_ascii_lowercase();
        let known = listeners(&key, entry, config, report)
            || limits(&key, entry, config, report)
            || timers(&key, entry, config, report)
            || log(&key, entry, config, report)
            || config.peers.read(&key, entry, report)
            || others(&key, entry, config, report)
            || report.unserved(entry);
        if !known {
            report.unknown(entry, "");
        }
    }
    if let Some(tls) = root.get("tls").filter(|_| config.tls_in_front && !config.allow_non_tls) {
        report.error_at(
            &tls.key_place,
            "tls needs cert_file and key_file, or allow_non_tls: true (where a proxy in front speaks TLS with clients)",
        );
    }
    authorization::check(root, config, report);
}

fn listeners(key: &str, entry: &Entry, config: &mut Config, report: &mut Report) -> bool {
    match key {
        "listen" => {
            if let Some((host, port)) = listen::listen(entry, report) {
                config.host = host.unwrap_or_else(|| config.host.clone());
                config.port = port.unwrap_or(Config::default().port);
            }
        }
        "port" => config.port = listen::port(entry, report).unwrap_or(Config::default().port),
        "host" | "net" => config.host = report.text(entry).unwrap_or_else(|| Config::default().host),
        "client_advertise" => config.client_advertise = advertise::read(entry, report),
        "http" | "https" => {
            if let Some((host, port)) = listen::listen(entry, report) {
                set_http(config, host, port, entry, report);
            }
        }
        "http_port" | "monitor_port" | "https_port" => {
            let port = listen::port(entry, report);
            let host = config.http.as_ref().map(|http| http.host.clone());
            set_http(config, host, port, entry, report);
        }
        "tls" if entry.map().is_ok_and(Map::is_empty) => config.tls_in_front = true,
        "tls" => config.tls = tls::read(entry, report),
        "allow_non_tls" => report.set(&mut config.allow_non_tls, entry.boolean()),
        "authorization" | "authentication" => config.authorization = authorization::read(entry, report),
        "no_auth_user" => config.no_auth_user = report.text(entry),
        "websocket" | "ws" => config.websocket = websocket::read(entry, report),
        _ => return false,
    }
    true
}

/// Opens the monitoring listener, or closes it where there is no port. An empty host stands for that of the clients
/// until the whole file is read.
fn set_http(
    config: &mut Config,
    host: Option<String>,
    port: Option<ListenPort>,
    entry: &Entry,
    report: &mut Report,
) {
    let is_tls = entry.key.to_ascii_lowercase().starts_with("https");
    if config.http.as_ref().is_some_and(|http| http.is_tls != is_tls) {
        // That there is no HTTPS says nothing about HTTP.
        let Some(_) = port else { return };
        report.error_at(&entry.key_place, "can't specify both HTTP and HTTPs ports");
    }
    config.http = port.map(|port| HttpConfig {
        host: host.unwrap_or_default(),
        port,
        is_tls,
        base_path: String::new(),
    });
}

fn limits(key: &str, entry: &Entry, config: &mut Config, report: &mut Report) -> bool {
    match key {
        "max_control_line" => report.limit(entry, BYTES_MAX, &mut config.max_control_line),
        "max_payload" => match report.value(entry.integer()) {
            Some(value) if value < 0 => config.max_payload = None,
            Some(value) if value > 0 => {
                if let Some(value) = report.number(entry, -1, BYTES_MAX) {
                    config.max_payload = usize::try_from(value).ok();
                }
            }
            _ => {}
        },
        "max_pending" => report.limit(entry, i64::MAX, &mut config.max_pending),
        "max_connections" | "max_conn" => {
            // As nats-server: 0 and less refuse all.
            if let Some(value) = report.value(entry.integer()) {
                config.max_connections = usize::try_from(value).unwrap_or(0);
            }
        }
        "max_subscriptions" | "max_subs" => {
            // As nats-server: 0 and less are no limit.
            if let Some(value) = report.value(entry.integer()) {
                config.max_subscriptions = usize::try_from(value).unwrap_or(0);
            }
        }
        "max_sub_tokens" | "max_subscription_tokens" => {
            if let Some(value) = report.number(entry, 1, i64::from(u8::MAX)) {
                config.max_sub_tokens = u8::try_from(value).ok();
            }
        }
        "slow_consumer" => {
            // dunlin's own key.
            if let Some(policy) = slow_consumer::read(entry, report) {
                config.slow_consumer = policy;
            }
        }
        "max_closed_clients" => report.limit(entry, i64::from(i32::MAX), &mut config.max_closed_clients),
        _ => return false,
    }
    true
}

fn timers(key: &str, entry: &Entry, config: &mut Config, report: &mut Report) -> bool {
    match key {
        "ping_interval" => report.timer(entry, &mut config.ping_interval),
        "ping_max" => {
            if let Some(value) = report.number(entry, 0, i64::MAX).filter(|value| *value > 0) {
                config.ping_max = u32::try_from(value).unwrap_or(u32::MAX);
            }
        }
        "write_deadline" => report.timer(entry, &mut config.write_deadline),
        "lame_duck_duration" => {
            const MIN: Duration = Duration::from_secs(30);
            if let Some(duration) = lame_duck(entry, report) {
                if duration < MIN {
                    report.error_at(&entry.node.place, "invalid lame_duck_duration, minimum is 30 seconds");
                } else {
                    config.lame_duck_duration = duration;
                }
            }
        }
        "lame_duck_grace_period" => {
            if let Some(duration) = lame_duck(entry, report) {
                config.lame_duck_grace_period = duration;
            }
        }
        _ => return false,
    }
    true
}

/// These two were never numbers of seconds.
fn lame_duck(entry: &Entry, report: &mut Report) -> Option<Duration> {
    report.value(entry.string())?;
    report.duration(entry)
}

/// As nats-server: a limit of less than 0 is none here, as 0 is.
fn log(key: &str, entry: &Entry, config: &mut Config, report: &mut Report) -> bool {
    let log = &mut config.log;
    match key {
        "debug" => report.set(&mut log.debug, entry.boolean()),
        "trace" => report.set(&mut log.trace, entry.boolean()),
        "trace_verbose" => {
            report.set(&mut log.trace_verbose, entry.boolean());
            log.trace |= log.trace_verbose;
        }
        "logtime" => report.set(&mut log.logtime, entry.boolean()),
        "logtime_utc" => report.set(&mut log.logtime_utc, entry.boolean()),
        "log_file" | "logfile" => log.file = report.text(entry).map(PathBuf::from),
        "log_size_limit" | "logfile_size_limit" => {
            if let Some(value) = report.value(entry.integer()) {
                log.size_limit = u64::try_from(value).unwrap_or(0);
            }
        }
        "log_max_num" | "logfile_max_num" => {
            if let Some(value) = report.value(entry.integer()) {
                log.max_num = usize::try_from(value).unwrap_or(0);
            }
        }
        "max_traced_msg_len" => {
            if let Some(value) = report.value(entry.integer()) {
                log.max_traced_msg_len = usize::try_from(value).unwrap_or(0);
            }
        }
        _ => return false,
    }
    true
}

fn others(key: &str, entry: &Entry, config: &mut Config, report: &mut Report) -> bool {
    match key {
        "server_name" => {
            let name = report.text(entry);
            if name.as_deref().is_some_and(|name| name.contains(' ')) {
                report.error_at(&entry.node.place, "server name cannot contain spaces");
            } else {
                config.server_name = name;
            }
        }
        "server_tags" => config.tags = labels::tags(entry, report),
        "server_metadata" => config.metadata = labels::metadata(entry, report),
        "http_base_path" => config.http_base_path = base_path(&report.text(entry).unwrap_or_default()),
        // There is none yet.
        "no_system_account" | "no_system" | "no_sys_acc" => _ = report.value(entry.boolean()),
        "no_header_support" => report.set(&mut config.no_header_support, entry.boolean()),
        "pid_file" | "pidfile" => config.pid_file = report.text(entry).map(PathBuf::from),
        "ports_file_dir" => config.ports_file_dir = report.text(entry).map(PathBuf::from),
        "workers" => {
            // dunlin's own key.
            if let Some(value) = report.number(entry, 1, WORKERS_MAX) {
                config.workers = usize::try_from(value).ok();
            }
        }
        _ => return false,
    }
    true
}

/// The path with one `/` in front and none at the end.
fn base_path(text: &str) -> String {
    match text.trim_matches('/') {
        "" => String::new(),
        path => format!("/{path}"),
    }
}
