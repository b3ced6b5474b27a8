//! `nats-py`, over TCP and over its WebSocket transport, plain and under TLS.

use std::ffi::OsStr;

use dunlin_tests::{Authority, Script, ServerProcess, workspace_root};

use crate::support::{USER, expect_checks, installed, secure, start};

pub(crate) const CHECKS: &[&str] = &[
    "connect",
    "subscribe and publish",
    "between connections",
    "wildcard",
    "queue group",
    "request and reply",
    "request to nobody",
    "headers",
    "payload of 1 mb",
    "unsubscribe after two",
    "drain",
    "reconnect after a restart",
];

fn run(test: &str, conf: &str, url: fn(&ServerProcess) -> String, vars: &[(&str, &OsStr)]) {
    let Some(python) = installed(test, "python") else { return };
    let Some(mut server) = start(test, conf) else { return };
    let script = workspace_root().join("tests/python/checks.py");
    let url = url(&server);
    let script = Script::start(python.as_os_str(), &[script.as_os_str(), OsStr::new(&url)], vars);
    expect_checks(script, &mut server, CHECKS);
}

#[test]
fn nats_py_over_tcp() {
    run("nats_py_over_tcp", "", ServerProcess::nats_url, &[]);
}

#[test]
fn nats_py_over_websocket() {
    run("nats_py_over_websocket", "", ServerProcess::websocket_url, &[]);
}

/// It offers no compression.
#[test]
fn nats_py_over_wss() {
    let authority = Authority::new("ca");
    let file = authority.ca_file();
    let vars = [("SSL_CERT_FILE", file.as_os_str())];
    let url = |server: &ServerProcess| {
        // It reads user and password there.
        server.websocket_url().replace("://", &format!("://{}@", USER.join(":")))
    };
    run("nats_py_over_wss", &secure(&authority), url, &vars);
}
