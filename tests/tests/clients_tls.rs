//! Real clients over TLS under TCP. For `wss://` see the file of each client.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use async_nats::ConnectOptions;
use bytes::Bytes;
use dunlin_tests::{Authority, Script, ServerProcess, workspace_root};
use futures_util::StreamExt as _;

use crate::support::{expect_checks, installed, start};
use crate::{clients_node, clients_python, tls};

/// Starts the server under test with a certificate of `authority`.
fn start_tls(test: &str, authority: &Authority) -> Option<ServerProcess> {
    start(test, &tls::conf(&authority.server("server"), ""))
}

fn urls(server: &ServerProcess) -> [String; 2] {
    let addresses = server.addresses();
    [format!("tls://{}", addresses.nats), format!("wss://{}", addresses.websocket)]
}

#[test]
fn transport_node_over_tls() {
    let test = "transport_node_over_tls";
    let (Some(node), Some(_)) = (installed(test, "node"), installed(test, "node_modules")) else { return };
    let authority = Authority::new("ca");
    let Some(mut server) = start_tls(test, &authority) else { return };
    let script = workspace_root().join("tests/js/node.js");
    let [nats, _] = urls(&server);
    let ca_file = authority.ca_file();
    let vars = [("NATS_URL", OsStr::new(&nats)), ("NODE_EXTRA_CA_CERTS", ca_file.as_os_str())];
    let script = Script::start(node.as_os_str(), &[script.as_os_str(), OsStr::new("tcp")], &vars);
    expect_checks(script, &mut server, clients_node::CHECKS);
}

#[test]
fn nats_py_over_tls() {
    let test = "nats_py_over_tls";
    let Some(python) = installed(test, "python") else { return };
    let authority = Authority::new("ca");
    let Some(mut server) = start_tls(test, &authority) else { return };
    let script = workspace_root().join("tests/python/checks.py");
    let ([url, _], ca_file) = (urls(&server), authority.ca_file());
    let vars = [("SSL_CERT_FILE", ca_file.as_os_str())];
    let script = Script::start(python.as_os_str(), &[script.as_os_str(), OsStr::new(&url)], &vars);
    expect_checks(script, &mut server, clients_python::CHECKS);
}

/// A request and its reply of a megabyte each, between two connections.
#[allow(clippy::large_futures, reason = "the client's are, and each is alive once")]
async fn rust(url: String, ca_file: &Path) {
    let connect =
        || ConnectOptions::new().require_tls(true).add_root_certificates(ca_file.to_owned()).connect(&url);
    let (service, client) = (connect().await.unwrap(), connect().await.unwrap());
    assert!(client.server_info().tls_required);
    let mut requests = service.subscribe("echo").await.unwrap();
    service.flush().await.unwrap();
    tokio::spawn(async move {
        while let Some(request) = requests.next().await {
            service.publish(request.reply.unwrap(), request.payload).await.unwrap();
        }
    });
    let payload = Bytes::from(vec![b'x'; 1 << 20]);
    let deadline = Duration::from_secs(15);
    loop {
        match tokio::time::timeout(deadline, client.request("echo", payload.clone())).await.unwrap() {
            Ok(reply) => break assert!(reply.payload == payload),
            // `flush` waits only for the socket: the subscription may come after the request.
            Err(error) => assert_eq!(error.kind(), async_nats::RequestErrorKind::NoResponders),
        }
    }
}

#[test]
fn async_nats_over_tls_and_wss() {
    let authority = Authority::new("ca");
    let Some(server) = start_tls("async_nats_over_tls_and_wss", &authority) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for url in urls(&server) {
        runtime.block_on(rust(url, &authority.ca_file()));
    }
}
