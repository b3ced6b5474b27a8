//! INFO: its fields, and when it comes.

use super::compare::compare;
use super::exchange::{Both, Exchange, Step, Transport};

fn port(transport: Transport, link: char) -> Vec<Step> {
    match transport {
        Transport::Tcp => vec![Step::TcpSocket(link)],
        Transport::Ws => vec![
            Step::WsSocket(link),
            Step::Send(link, dunlin_tests::handshake("/", "").into_bytes()),
            Step::Response(link),
        ],
    }
}

fn at_accept(both: &mut Both, name: &str) {
    both.steps(name, |transport| [port(transport, 'A'), vec![Step::Until('A', "\r\n")]].concat());
}

/// `CONNECT` and PINGs, until the last thing that is to come.
fn after(both: &mut Both, name: &str, ops: &'static str, last: &'static str) {
    both.steps(name, |transport| {
        let ops = Step::Nats('A', ops.into());
        vec![transport.connect('A'), ops, Step::Until('A', last)]
    });
}

pub(crate) fn exchanges() -> Vec<Exchange> {
    let mut plain = Both::new("");
    at_accept(&mut plain, "info/at accept");
    after(
        &mut plain,
        "info/after the first pong",
        "CONNECT {\"protocol\":1,\"verbose\":false}\r\nPING\r\n",
        " \r\n",
    );
    after(&mut plain, "info/verbose", "CONNECT {\"protocol\":1}\r\nPING\r\n", " \r\n");
    after(
        &mut plain,
        "info/only once",
        "CONNECT {\"protocol\":1}\r\nPING\r\nPING\r\nSUB info.once 1\r\nPUB info.once 4\r\nlast\r\n",
        "last\r\n",
    );
    after(
        &mut plain,
        "info/not for protocol 0",
        "CONNECT {\"protocol\":0}\r\nPING\r\nPING\r\nPUB info.none 0\r\n\r\nPING\r\n",
        "+OK\r\nPONG\r\n",
    );
    after(
        &mut plain,
        "info/after a ping before connect",
        "PING\r\nCONNECT {\"protocol\":1}\r\nPING\r\n",
        " \r\n",
    );
    after(&mut plain, "info/with headers", "CONNECT {\"protocol\":1,\"headers\":true}\r\nPING\r\n", " \r\n");
    after(
        &mut plain,
        "info/with a name",
        "CONNECT {\"protocol\":1,\"name\":\"x\",\"lang\":\"y\"}\r\nPING\r\n",
        " \r\n",
    );
    plain.lives("info/from a client", "INFO {}\r\n");
    plain
        .lives("info/from a client with fields", "INFO {\"server_id\":\"x\",\"connect_urls\":[\"a:1\"]}\r\n");
    plain.dies("info/from a client, not json", "INFO nonsense\r\n");

    let mut named = Both::new("server_name: probe\nmax_payload: 2000\n");
    at_accept(&mut named, "info/server name and max payload");
    after(
        &mut named,
        "info/max payload after connect",
        "CONNECT {\"protocol\":1,\"verbose\":false}\r\nPING\r\n",
        " \r\n",
    );

    let mut advertised = Both::new("client_advertise: \"nats.example:4333\"\nmax_payload: -1\n");
    at_accept(&mut advertised, "info/advertised, without a limit");
    after(
        &mut advertised,
        "info/advertised, after connect",
        "CONNECT {\"protocol\":1,\"verbose\":false}\r\nPING\r\n",
        " \r\n",
    );

    let mut proxied = Both::new("tls {}\nallow_non_tls: true\n");
    at_accept(&mut proxied, "info/tls in front");
    after(
        &mut proxied,
        "info/tls in front, after connect",
        "CONNECT {\"protocol\":1,\"verbose\":false,\"tls_required\":true}\r\nPING\r\n",
        " \r\n",
    );

    let mut bare = Both::new("no_header_support: true\n");
    at_accept(&mut bare, "info/no header support");
    bare.dies(
        "info/hpub without header support",
        "CONNECT {\"headers\":true,\"verbose\":false}\r\nHPUB info.h 12 12\r\nNATS/1.0\r\n\r\n\r\n",
    );
    bare.dies(
        "info/no responders without header support",
        "CONNECT {\"headers\":true,\"no_responders\":true,\"verbose\":false}\r\nPING\r\n",
    );
    [plain, named, advertised, proxied, bare].into_iter().flat_map(Both::into_exchanges).collect()
}

#[test]
fn info() {
    compare("info", &exchanges());
}
