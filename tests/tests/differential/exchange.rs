//! The rows of the differential test.

/// What to do next, and on which connection (named by a letter).
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Connect over TCP and read the INFO line; it is not recorded.
    Tcp(char),
    /// Connect over WebSocket with these headers added to the request, and read the INFO line; not recorded.
    Ws(char, &'static str),
    /// Connect to the NATS port, no more.
    TcpSocket(char),
    /// Connect to the WebSocket port, no more.
    WsSocket(char),
    /// Send these bytes to the socket.
    Send(char, Vec<u8>),
    /// Send these bytes to the socket, in pieces of this size.
    SendInPieces(char, Vec<u8>, usize),
    /// Send NATS bytes: as they are over TCP, as one binary message over WebSocket.
    Nats(char, Vec<u8>),
    /// Send NATS bytes in pieces of this size, over WebSocket a message each.
    NatsInPieces(char, Vec<u8>, usize),
    /// Record the NATS bytes up to this text.
    Until(char, &'static str),
    /// The same with the lines sorted, where their order is not defined.
    UntilSorted(char, &'static str),
    /// Record everything until the server closes.
    UntilClosed(char),
    /// Record how often the first text comes before the second, where it is open which of several comes.
    Count(char, &'static str, &'static str),
    /// Record WebSocket frames one by one, until they have held this many payload bytes.
    Frames(char, usize),
    /// Record an HTTP response. After a 101 the connection is a WebSocket.
    Response(char),
    /// Record the head of an HTTP response that has no body.
    ResponseHead(char),
    /// Send no more.
    HalfClose(char),
}

/// Steps that give one transcript.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    pub(crate) name: String,
    /// Additions to the configuration; exchanges in a row with the same text share a server.
    pub(crate) conf: &'static str,
    pub(crate) steps: Vec<Step>,
}

/// A quiet client that has headers.
pub(crate) const QUIET: &str = "CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true}\r\n";

/// An exchange of any steps.
pub(crate) fn exchange(name: &str, conf: &'static str, steps: Vec<Step>) -> Exchange {
    Exchange { name: name.to_owned(), conf, steps }
}

/// The transports of the exchanges that run over each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Tcp,
    Ws,
}

impl Transport {
    pub(crate) fn connect(self, link: char) -> Step {
        match self {
            Transport::Tcp => Step::Tcp(link),
            Transport::Ws => Step::Ws(link, ""),
        }
    }
}

/// Exchanges under a configuration, made for TCP and WebSocket alike.
#[derive(Debug)]
pub(crate) struct Both {
    conf: &'static str,
    all: Vec<Exchange>,
}

impl Both {
    pub(crate) fn new(conf: &'static str) -> Both {
        Both { conf, all: Vec::new() }
    }

    /// Any steps, over each transport.
    pub(crate) fn steps(&mut self, name: &str, steps: impl Fn(Transport) -> Vec<Step>) {
        for (prefix, transport) in [("tcp", Transport::Tcp), ("ws", Transport::Ws)] {
            self.all.push(exchange(&format!("{prefix} {name}"), self.conf, steps(transport)));
        }
    }

    /// Operations that the connection survives: they are sent with a PING behind them, and what comes back until its
    /// PONG is recorded.
    pub(crate) fn lives(&mut self, name: &str, ops: impl AsRef<[u8]>) {
        let ops = [ops.as_ref(), b"PING\r\n"].concat();
        self.steps(name, |transport| {
            vec![transport.connect('A'), Step::Nats('A', ops.clone()), Step::Until('A', "PONG\r\n")]
        });
    }

    /// The same for operations among which are `pings` PINGs.
    pub(crate) fn lives_with_pings(&mut self, name: &str, ops: impl AsRef<[u8]>, pings: usize) {
        let ops = [ops.as_ref(), b"PING\r\n"].concat();
        self.steps(name, |transport| {
            let mut steps = vec![transport.connect('A'), Step::Nats('A', ops.clone())];
            steps.extend((0..=pings).map(|_| Step::Until('A', "PONG\r\n")));
            steps
        });
    }

    /// Operations that end the connection.
    pub(crate) fn dies(&mut self, name: &str, ops: impl AsRef<[u8]>) {
        self.steps(name, |transport| {
            vec![transport.connect('A'), Step::Nats('A', ops.as_ref().to_vec()), Step::UntilClosed('A')]
        });
    }

    /// What `from` sends while `to` listens: first `to` sends its operations and waits for its PONG, then `from`
    /// does; what `to` has then received until the PONG of another PING is recorded, and what `from` got.
    pub(crate) fn between(&mut self, name: &str, to: &str, from: &str) {
        let ping = |ops: &str| [ops.as_bytes(), b"PING\r\n"].concat();
        self.steps(name, |transport| {
            vec![
                transport.connect('A'),
                Step::Nats('A', ping(to)),
                Step::Until('A', "PONG\r\n"),
                transport.connect('B'),
                Step::Nats('B', ping(from)),
                Step::Until('B', "PONG\r\n"),
                Step::Nats('A', ping("")),
                Step::Until('A', "PONG\r\n"),
            ]
        });
    }

    /// One exchange that is not doubled.
    pub(crate) fn single(&mut self, name: &str, steps: Vec<Step>) {
        self.all.push(exchange(name, self.conf, steps));
    }

    pub(crate) fn into_exchanges(self) -> Vec<Exchange> {
        self.all
    }
}
