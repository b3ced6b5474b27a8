//! Whether settings fit each other.

use dunlin_websocket::handshake::Reach;

use super::host::{Host, without_brackets};
use super::{Config, HttpConfig, ListenPort, Report, WebSocketConfig, advertise};

/// From here on nats-server warns about a payload: other parts of NATS are not made for it.
const MAX_PAYLOAD_WARNING: usize = 8 << 20;

impl Config {
    /// Checks what no single key can be checked for. To be called after [`Config::complete`].
    pub fn validate(&self, report: &mut Report) {
        let (max_payload, max_pending) = (self.payload_max(), self.max_pending);
        if max_payload > max_pending {
            report.error(format_args!(
                "max_payload ({max_payload}) cannot be higher than max_pending ({max_pending})"
            ));
        }
        if self.max_payload.is_some_and(|bytes| bytes > MAX_PAYLOAD_WARNING) {
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
        // That of a file has been looked at already; a flag has not.
        let advertised = self.client_advertise.as_deref();
        if let Some(mistake) = advertised.and_then(|text| advertise::mistake("client_advertise", text)) {
            report.error(mistake);
        }
        self.validate_ports(report);
        self.validate_proxies(report);
    }

    /// Whether any web page may talk to the server: WebSockets know no CORS, so whom a browser can reach, every page that it
    /// shows can reach too (RFC 6455 §10.2), where neither the page nor the client is asked who it is.
    pub fn is_open_to_all_pages(&self) -> bool {
        let Some(websocket) = &self.websocket else { return false };
        let (rules, _) = self.websocket_rules();
        let asks_clients = rules.is_required() && !rules.has_no_auth_user()
            || websocket.tls.as_ref().is_some_and(|tls| tls.verify);
        let asks_pages = websocket.same_origin
            || !websocket.allowed_origins.is_empty()
            || websocket.reach == Reach::ThisMachine;
        !asks_clients && !asks_pages
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
        self.same_port().is_some_and(|(_, http, websocket)| cannot_share(http, websocket).is_none())
    }

    /// The port that monitoring and WebSocket are both to have, and their settings.
    fn same_port(&self) -> Option<(u16, &HttpConfig, &WebSocketConfig)> {
        match (&self.http, &self.websocket) {
            (Some(http @ HttpConfig { port: ListenPort::Fixed(port), .. }), Some(websocket))
                if http.port == websocket.port =>
            {
                Some((*port, http, websocket))
            }
            _ => None,
        }
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
                if port != other_port || !Host::of(host).overlaps(&Host::of(other_host)) {
                    continue;
                }
                match self.same_port().filter(|_| (*other, *name) == ("http", "websocket")) {
                    Some((number, http, websocket)) => {
                        if let Some(reason) = cannot_share(http, websocket) {
                            report.error(format_args!(
                                "http and websocket cannot share port {number}: {reason}"
                            ));
                        }
                    }
                    None => {
                        report.error(format_args!("{name} and {other} cannot both listen on port {number}"));
                    }
                }
            }
        }
    }

    /// Fills in what depends on other settings. To be called when files and flags are read, before [`Config::validate`].
    pub fn complete(&mut self) {
        if let Some(http) = &mut self.http
            && !self.http_base_path.is_empty()
        {
            http.base_path.clone_from(&self.http_base_path);
        }
        let defaults = Self::default();
        let host = if self.host.is_empty() { &defaults.host } else { &self.host };
        self.host = without_brackets(host).to_owned();
        if self.same_port().is_some() {
            self.complete_shared_hosts();
        }
        let http = self.http.as_mut().map(|http| (&mut http.host, &self.host));
        let websocket = self.websocket.as_mut().map(|websocket| (&mut websocket.host, &defaults.host));
        for (host, default) in http.into_iter().chain(websocket) {
            *host = without_brackets(if host.is_empty() { default } else { host }).to_owned();
        }
    }

    /// Monitoring and WebSocket are to have one port: a host that nobody has written is the other's, and both take the one
    /// that stands for both.
    fn complete_shared_hosts(&mut self) {
        let (Some(http), Some(websocket)) = (&mut self.http, &mut self.websocket) else { return };
        let shared = match (http.host.as_str(), websocket.host.as_str()) {
            // Not the wider one of the two defaults: monitoring is not to be seen by more than may see it otherwise.
            ("", "") => &self.host,
            ("", host) | (host, "") => host,
            (one, other) if Host::of(one).stands_for(&Host::of(other)) => one,
            (one, other) if Host::of(other).stands_for(&Host::of(one)) => other,
            _ => return,
        }
        .to_owned();
        http.host.clone_from(&shared);
        websocket.host = shared;
    }
}

/// Why monitoring and WebSocket cannot have one listener, if they have the same port.
fn cannot_share(http: &HttpConfig, websocket: &WebSocketConfig) -> Option<String> {
    let (one, other) = (&http.host, &websocket.host);
    if !Host::of(one).stands_for(&Host::of(other)) {
        return Some(format!("http has host {one:?}, websocket has host {other:?}"));
    }
    match (http.is_tls, websocket.tls.is_some()) {
        (true, false) => Some("https has TLS, websocket has not".into()),
        (false, true) => Some("websocket has TLS, http has not (https_port has)".into()),
        _ => None,
    }
}
