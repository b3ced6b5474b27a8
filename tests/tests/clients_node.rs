//! JavaScript clients in Node: `@nats-io/transport-node` over TCP, `@nats-io/nats-core` and `nats.ws` over WebSocket.

use std::ffi::OsStr;

use dunlin_tests::{Script, workspace_root};

use crate::support::{expect_checks, installed, start};

/// The checks of `tests/js/checks.js`.
pub(crate) const CHECKS: &[&str] = &[
    "connect",
    "subscribe and publish",
    "between connections",
    "wildcard",
    "queue group",
    "request and reply",
    "request to nobody",
    "request to many",
    "headers",
    "payload of 1 MB",
    "no echo",
    "unsubscribe after two",
    "drain",
    "reconnect after a restart",
];

fn run(test: &str, library: &str) {
    let (Some(node), Some(_)) = (installed(test, "node"), installed(test, "node_modules")) else { return };
    let Some(mut server) = start(test, "") else { return };
    let script = workspace_root().join("tests/js/node.js");
    let (nats, websocket) = (server.nats_url(), server.websocket_url());
    let vars = [("NATS_URL", OsStr::new(&nats)), ("WEBSOCKET_URL", OsStr::new(&websocket))];
    let script = Script::start(node.as_os_str(), &[script.as_os_str(), OsStr::new(library)], &vars);
    expect_checks(script, &mut server, CHECKS);
}

#[test]
fn transport_node_over_tcp() {
    run("transport_node_over_tcp", "tcp");
}

#[test]
fn nats_core_over_websocket() {
    run("nats_core_over_websocket", "nats-core");
}

#[test]
fn nats_ws_over_websocket() {
    run("nats_ws_over_websocket", "nats.ws");
}
