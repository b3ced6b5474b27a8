//! `nats-py`, over TCP and over its WebSocket transport.

use std::ffi::OsStr;

use dunlin_tests::{Script, workspace_root};

use crate::support::{expect_checks, installed, start};

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

#[test]
fn nats_py_over_tcp() {
    let Some(python) = installed("nats_py_over_tcp", "python") else { return };
    let Some(mut server) = start("nats_py_over_tcp", "") else { return };
    let script = workspace_root().join("tests/python/checks.py");
    let url = server.nats_url();
    let script = Script::start(python.as_os_str(), &[script.as_os_str(), OsStr::new(&url)], &[]);
    expect_checks(script, &mut server, CHECKS);
}

#[test]
fn nats_py_over_websocket() {
    let Some(python) = installed("nats_py_over_websocket", "python") else { return };
    let Some(mut server) = start("nats_py_over_websocket", "") else { return };
    let script = workspace_root().join("tests/python/checks.py");
    let url = server.websocket_url();
    let script = Script::start(python.as_os_str(), &[script.as_os_str(), OsStr::new(&url)], &[]);
    expect_checks(script, &mut server, CHECKS);
}
