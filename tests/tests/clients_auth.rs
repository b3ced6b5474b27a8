//! Who may connect, with real clients: `@nats-io/transport-node`, `@nats-io/nats-core`, `nats.ws` and `nats-py`.

use std::ffi::OsStr;

use dunlin_tests::{Script, ServerProcess, workspace_root};

use crate::support::{expect_checks, installed, start};

/// The password of `h` is `secret`.
const USERS: &str = "authorization { users: [\n{ user: a, password: b }\n\
    { user: h, password: \"$2a$04$5n0VDlPh4GBJmmIOBqJI4uj4WLEcleGwA.ReZhk15mvawrLa.v7WO\" }\n] }\n\
    websocket { listen: \"127.0.0.1:{ws_port}\", no_tls: true, user_cookie: u, pass_cookie: p }\n";
const TOKEN: &str = "authorization { token: t }\n";

const CHECKS: &[&str] = &["user and password", "hashed password", "wrong credentials", "token", "cookies"];

/// Runs a script with the addresses of both servers. Over TCP there are no cookies.
fn run(test: &str, url: fn(&ServerProcess) -> String, script: impl FnOnce(&OsStr, &OsStr) -> Script) {
    let (Some(mut users), Some(token)) = (start(test, USERS), start(test, TOKEN)) else { return };
    let (users_url, token_url) = (url(&users), url(&token));
    let checks = if users_url.starts_with("ws") { CHECKS } else { &CHECKS[..4] };
    expect_checks(script(OsStr::new(&users_url), OsStr::new(&token_url)), &mut users, checks);
}

fn node(test: &str, library: &str, url: fn(&ServerProcess) -> String) {
    let (Some(node), Some(_)) = (installed(test, "node"), installed(test, "node_modules")) else { return };
    let script = workspace_root().join("tests/js/auth.js");
    run(test, url, |users, token| {
        let vars = [("USERS_URL", users), ("TOKEN_URL", token)];
        Script::start(node.as_os_str(), &[script.as_os_str(), OsStr::new(library)], &vars)
    });
}

fn python(test: &str, url: fn(&ServerProcess) -> String) {
    let Some(python) = installed(test, "python") else { return };
    let script = workspace_root().join("tests/python/auth.py");
    run(test, url, |users, token| {
        Script::start(python.as_os_str(), &[script.as_os_str(), users, token], &[])
    });
}

#[test]
fn transport_node_authenticates() {
    node("transport_node_authenticates", "tcp", ServerProcess::nats_url);
}

#[test]
fn nats_core_authenticates() {
    node("nats_core_authenticates", "nats-core", ServerProcess::websocket_url);
}

#[test]
fn nats_ws_authenticates() {
    node("nats_ws_authenticates", "nats.ws", ServerProcess::websocket_url);
}

#[test]
fn nats_py_authenticates_over_tcp() {
    python("nats_py_authenticates_over_tcp", ServerProcess::nats_url);
}

#[test]
fn nats_py_authenticates_over_websocket() {
    python("nats_py_authenticates_over_websocket", ServerProcess::websocket_url);
}
