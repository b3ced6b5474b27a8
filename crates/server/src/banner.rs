//! What the server says of itself when it starts.

use std::net::SocketAddr;

use dunlin_server::config::{Config, HandshakeFirst};
use dunlin_server::{Handle, NATS_VERSION};

/// The version of dunlin.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The answer to `-v`, with the NATS version first: harnesses look for `v2.…`.
pub(crate) fn version(program: &str) -> String {
    format!("{program}: v{NATS_VERSION} (dunlin {VERSION})")
}

/// The text of `-h`.
pub(crate) fn help(program: &str) -> String {
    include_str!("help.txt").replace("{program}", program)
}

/// The lines before the server starts.
pub(crate) fn log_starting() {
    tracing::info!("Starting dunlin");
    tracing::info!("  Version:  {NATS_VERSION} (dunlin {VERSION})");
}

/// The lines when it has started, but for the last.
pub(crate) fn log_started(config: &Config, server: &Handle) {
    let id = server.server_id();
    tracing::info!("  Name:     {}", config.server_name.as_deref().unwrap_or(id));
    tracing::info!("  ID:       {id}");
    if let Some(file) = &config.config_file {
        tracing::info!("Using configuration file: {} ({})", file.display(), config.config_digest);
    }
    let at = |host: &str, addr: SocketAddr| match host.contains(':') {
        true => format!("[{host}]:{}", addr.port()),
        false => format!("{host}:{}", addr.port()),
    };
    if let (Some(http), Some(addr)) = (&config.http, server.monitor_addr()) {
        let scheme = if http.is_tls { "https" } else { "http" };
        tracing::info!("Starting {scheme} monitor on {}", at(&http.host, addr));
    }
    if let Some(unix) = config.websocket.as_ref().and_then(|websocket| websocket.unix_socket.as_ref()) {
        tracing::info!("Listening for websocket clients on unix:{}", unix.path.display());
    }
    if let (Some(websocket), Some(addr)) = (&config.websocket, server.websocket_addr()) {
        let scheme = if websocket.tls.is_some() { "wss" } else { "ws" };
        tracing::info!("Listening for websocket clients on {scheme}://{}", at(&websocket.host, addr));
        let mut addrs = server.addresses().websocket.iter();
        if websocket.tls.is_none() && !addrs.all(|addr| addr.ip().is_loopback()) {
            tracing::warn!("Websocket not configured with TLS. DO NOT USE IN PRODUCTION!");
        }
    }
    if config.is_open_to_all_pages() {
        log_open_to_all_pages();
    }
    if config.has_shared_port()
        && let Some(addr) = server.websocket_addr()
    {
        tracing::info!(
            "Port {} is shared: requests for an upgrade go to websocket, all others to the http monitor",
            addr.port()
        );
    }
    if let Some(addr) = server.nats_addr() {
        tracing::info!("Listening for client connections on {}", at(&config.host, addr));
        log_tls(config);
    }
}

/// Said once: at the start, or when a reload has made it so.
pub(crate) fn log_open_to_all_pages() {
    tracing::warn!(
        "Websocket has neither authentication nor allowed_origins: any web page that a browser shows can connect, subscribe and \
         publish. Name your pages, as in allowed_origins: [\"https://app.example.com\"], or set same_origin: true, or authorization"
    );
}

fn log_tls(config: &Config) {
    if config.tls_in_front {
        tracing::info!("TLS available for client connections, from a proxy in front");
    }
    let Some(tls) = &config.tls else { return };
    let is_first = tls.handshake_first == HandshakeFirst::Yes;
    if config.allow_non_tls && !is_first {
        tracing::info!("TLS available for client connections");
    } else {
        tracing::info!("TLS required for client connections");
    }
    if is_first {
        tracing::warn!("Clients that are not using \"TLS Handshake First\" option will fail to connect");
    }
}

/// For somebody who has started the server for the first time: where it is and what to try.
pub(crate) fn welcome(server: &Handle) -> Option<String> {
    let (nats, websocket) = (server.nats_addr()?, server.websocket_addr()?);
    let (host, port) = (nats.ip(), nats.port());
    Some(format!(
        r#"
  dunlin {VERSION} listens, for programs on this machine:

      NATS        nats://{nats}
      WebSocket   ws://{websocket}

  Try it. Open http://{websocket} in a browser, and in the console of that page:

      const ws = new WebSocket("ws://{websocket}");
      ws.onmessage = async (e) => console.log(await e.data.text());
      ws.onopen = () => ws.send('CONNECT {{"verbose":false}}\r\nSUB hello 1\r\n');

  and in a terminal, either of:

      nats pub hello world
      telnet {host} {port}        and type:  PUB hello 5  (Enter)  world  (Enter)

  Browser programs use a client library: npm install @nats-io/nats-core, then wsconnect({{ servers: "ws://{websocket}" }}).
  Only pages of this machine may connect (http://localhost:3000, say), so that no web site talks to your server.
  With any option, dunlin starts as nats-server does. dunlin -h lists all options. Ctrl-C ends it.
"#
    ))
}
