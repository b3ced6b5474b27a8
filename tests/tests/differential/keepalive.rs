//! PINGs from the server, and what becomes of those who do not answer.

use super::compare::compare;
use super::exchange::{Both, Exchange, QUIET, Step};

pub(crate) fn exchanges() -> Vec<Exchange> {
    let mut both = Both::new("ping_interval: \"120ms\"\nping_max: 1\n");
    both.dies("keepalive/no answer", QUIET);
    both.dies("keepalive/no answer without connect", "");
    both.dies("keepalive/no answer behind an op without connect", "SUB keepalive 1\r\n");
    both.steps("keepalive/an answer", |transport| {
        vec![
            transport.connect('A'),
            Step::Nats('A', QUIET.into()),
            Step::Until('A', "PING\r\n"),
            Step::Nats('A', b"PONG\r\n".to_vec()),
            Step::Until('A', "PING\r\n"),
            Step::Nats('A', b"PONG\r\n".to_vec()),
            Step::Until('A', "PING\r\n"),
        ]
    });
    let mut slow = Both::new(
        "ping_interval: \"1h\"\nping_max: 1\n\
         websocket { listen: \"127.0.0.1:{ws_port}\", no_tls: true, ping_interval: \"120ms\" }\n",
    );
    slow.single(
        "ws keepalive/an interval of its own",
        vec![Step::Ws('A', ""), Step::Nats('A', QUIET.into()), Step::UntilClosed('A')],
    );
    [both, slow].into_iter().flat_map(Both::into_exchanges).collect()
}

#[test]
fn keepalive() {
    compare("keepalive", &exchanges());
}
