//! Chromium: a page with `nats.ws`, and one with `@nats-io/nats-core`.

use std::ffi::OsStr;

use dunlin_tests::{Script, workspace_root};

use crate::clients_node;
use crate::support::{expect_checks, installed, start};

fn run(test: &str, library: &str) {
    let (Some(node), Some(_)) = (installed(test, "node"), installed(test, "node_modules")) else { return };
    let Some(chromium) = installed(test, "chromium") else { return };
    let Some(mut server) = start(test, "") else { return };
    let script = workspace_root().join("tests/js/browser.js");
    let screenshots = workspace_root().join("target/e2e");
    let (nats, websocket) = (server.nats_url(), server.websocket_url());
    let vars = [
        ("CHROMIUM", chromium.as_os_str()),
        ("SCREENSHOTS", screenshots.as_os_str()),
        ("NATS_URL", OsStr::new(&nats)),
        ("WEBSOCKET_URL", OsStr::new(&websocket)),
    ];
    let script = Script::start(node.as_os_str(), &[script.as_os_str(), OsStr::new(library)], &vars);
    let checks = [clients_node::CHECKS, &["two tabs and a tcp client", "screenshot"]].concat();
    expect_checks(script, &mut server, &checks);
}

#[test]
fn a_page_with_nats_ws() {
    run("a_page_with_nats_ws", "nats-ws");
}

#[test]
fn a_page_with_nats_core() {
    run("a_page_with_nats_core", "nats-core");
}
