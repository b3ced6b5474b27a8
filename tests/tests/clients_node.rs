//! JavaScript clients in Node: `@nats-io/transport-node` over TCP, `@nats-io/nats-core` and `nats.ws` over WebSocket, plain
//! and under TLS.

use std::ffi::{OsStr, OsString};

use dunlin_tests::{Authority, Kind, Script, workspace_root};

use crate::support::{USER, expect_checks, installed, secure, start};

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

/// How the clients of [`secure`] learn of its authority, and who they are.
pub(crate) fn secure_vars(authority: &Authority) -> [(&'static str, OsString); 3] {
    [
        ("NODE_EXTRA_CA_CERTS", authority.ca_file().into()),
        ("NATS_USER", USER[0].into()),
        ("NATS_PASSWORD", USER[1].into()),
    ]
}

fn run(test: &str, library: &str, authority: Option<&Authority>, last: &[&str]) {
    if authority.is_some() && Kind::under_test() == Kind::Official {
        // It cuts off who sends a compressed message of 1 MB.
        return;
    }
    let (Some(node), Some(_)) = (installed(test, "node"), installed(test, "node_modules")) else { return };
    let conf = authority.map(secure).unwrap_or_default();
    let Some(mut server) = start(test, &conf) else { return };
    let script = workspace_root().join("tests/js/node.js");
    let mut vars =
        vec![("NATS_URL", server.nats_url().into()), ("WEBSOCKET_URL", server.websocket_url().into())];
    vars.extend(authority.into_iter().flat_map(secure_vars));
    let vars: Vec<_> = vars.iter().map(|(name, value)| (*name, value.as_os_str())).collect();
    let script = Script::start(node.as_os_str(), &[script.as_os_str(), OsStr::new(library)], &vars);
    expect_checks(script, &mut server, &[CHECKS, last].concat());
}

#[test]
fn transport_node_over_tcp() {
    run("transport_node_over_tcp", "tcp", None, &[]);
}

#[test]
fn nats_core_over_websocket() {
    run("nats_core_over_websocket", "nats-core", None, &["with no extension"]);
}

#[test]
fn nats_ws_over_websocket() {
    run("nats_ws_over_websocket", "nats.ws", None, &["with no extension"]);
}

#[test]
fn nats_core_over_wss_and_compressed() {
    let authority = Authority::new("ca");
    let last = ["with permessage-deflate"];
    run("nats_core_over_wss_and_compressed", "nats-core", Some(&authority), &last);
}

#[test]
fn nats_ws_over_wss_and_compressed() {
    let authority = Authority::new("ca");
    let last = ["with permessage-deflate"];
    run("nats_ws_over_wss_and_compressed", "nats.ws", Some(&authority), &last);
}
