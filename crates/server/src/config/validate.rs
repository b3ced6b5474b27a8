//! Whether settings fit each other.

use super::{Config, HttpConfig, ListenPort, Report, WebSocketConfig};

/// From here on nats-server warns about a payload: other parts of NATS are not made for it.
const MAX_PAYLOAD_WARNING: usize = 8 << 20;

impl Config {
    /// Checks what no single key can be checked for. To be called after [`Config::complete`].
    pub fn validate(&self, report: &mut Report) {
        let Self { max_payload, max_pending, .. } = self;
        if max_payload > max_pending {
            report.error(format_args!(
                "max_payload ({max_payload}) cannot be higher than max_pending ({max_pending})"
            ));
        }
        if *max_payload > MAX_PAYLOAD_WARNING {
            report.warn(format_args!(
                "Maximum payloads over 8 MB are generally discouraged and could lead to poor performance"
            ));
        }
        if self.lame_duck_grace_period >= self.lame_duck_duration {
            report.error("lame_duck_grace_period must be shorter than lame_duck_duration");
        }
        if self.has_plain_passwords() {
            report.warn("Plaintext passwords detected, use nkeys or bcrypt");
        }
        if self.http.as_ref().is_some_and(|http| http.is_tls) && self.tls.is_none() {
            report.error("https needs a tls block: TLS cert and key required for HTTPS");
        }
        self.validate_ports(report);
        self.validate_proxies(report);
    }

    /// Whoever can say where it comes from can be anybody.
    fn validate_proxies(&self, report: &mut Report) {
        let websocket = self.websocket.as_ref().map(|websocket| ("websocket ", &websocket.peers));
        for (name, peers) in [("", &self.peers)].into_iter().chain(websocket) {
            let is_listed = peers.trusted_proxies.is_some() || self.peers.trusted_proxies.is_some();
            if peers.proxy_protocol && !is_listed {
                report.warn(format_args!(
                    "{name}proxy_protocol without trusted_proxies: whoever reaches the port can say where it comes from"
                ));
            }
        }
    }

    /// Whether monitoring and WebSocket have one listener: the same port of the same host, with TLS both or neither.
    pub fn has_shared_port(&self) -> bool {
        let (Some(http), Some(websocket)) = (&self.http, &self.websocket) else { return false };
        matches!(http.port, ListenPort::Fixed(_))
            && http.port == websocket.port
            && cannot_share(http, websocket).is_none()
    }

    /// Two listeners cannot have one port, unless they have different addresses, or are monitoring and WebSocket.
    fn validate_ports(&self, report: &mut Report) {
        let mut listeners = vec![("port", self.host.as_str(), self.port)];
        if let Some(http) = &self.http {
            listeners.push(("http", http.host.as_str(), http.port));
        }
        if let Some(websocket) = &self.websocket {
            listeners.push(("websocket", websocket.host.as_str(), websocket.port));
        }
        for (index, (name, host, port)) in listeners.iter().enumerate() {
            for (other, other_host, other_port) in &listeners[..index] {
                let ListenPort::Fixed(number) = port else { continue };
                if port != other_port || !overlap(host, other_host) {
                    continue;
                }
                match (*name, &self.http, &self.websocket) {
                    ("websocket", Some(http), Some(websocket)) if *other == "http" => {
                        if let Some(reason) = cannot_share(http, websocket) {
                            report.error(format_args!(
                                "http and websocket cannot share port {number}: {reason}"
                            ));
                        }
                    }
                    _ => report.error(format_args!("{name} and {other} cannot both listen on port {number}")),
                }
            }
        }
    }

    /// Fills in what depends on other settings. To be called when files and flags are read, before [`Config::validate`].
    pub fn complete(&mut self) {
        if let Some(http) = &mut self.http {
            if http.host.is_empty() {
                http.host.clone_from(&self.host);
            }
            if !self.http_base_path.is_empty() {
                http.base_path.clone_from(&self.http_base_path);
            }
        }
    }
}

/// Why monitoring and WebSocket cannot have one listener, if they have the same port.
fn cannot_share(http: &HttpConfig, websocket: &WebSocketConfig) -> Option<String> {
    let (one, other) = (&http.host, &websocket.host);
    if !one.eq_ignore_ascii_case(other) {
        return Some(format!("http has host {one:?}, websocket has host {other:?}"));
    }
    match (http.is_tls, websocket.tls.is_some()) {
        (true, false) => Some("https has TLS, websocket has not".into()),
        (false, true) => Some("websocket has TLS, http has not (https_port has)".into()),
        _ => None,
    }
}

fn overlap(one: &str, other: &str) -> bool {
    let is_any = |host: &str| matches!(host, "" | "0.0.0.0" | "::");
    one == other || is_any(one) || is_any(other)
}
