//! Which origins are let in.

use dunlin_tests::handshake;

use super::compare::compare;
use super::exchange::{Exchange, Step, exchange};

macro_rules! websocket {
    ($keys:literal) => {
        concat!("websocket { listen: \"127.0.0.1:{ws_port}\", no_tls: true, ", $keys, " }\n")
    };
}

/// A configuration, and the header lines of a request under it. The `Host` of all is `localhost`.
const CASES: &[(&str, &str, &[&str])] = &[
    (
        "same origin",
        websocket!("same_origin: true"),
        &[
            "",
            "Origin: http://localhost\r\n",
            "Origin: HTTP://LOCALHOST\r\n",
            "Origin: http://localhost:80\r\n",
            "Origin: http://localhost/path?query\r\n",
            "Origin: https://localhost\r\n",
            "Origin: http://localhost:8080\r\n",
            "Origin: http://localhost.example\r\n",
            "Origin: http://127.0.0.1\r\n",
            "Origin: null\r\n",
            "Origin: garbage\r\n",
            "Origin: \r\n",
            "Origin: http://\r\n",
            "Sec-WebSocket-Origin: http://localhost\r\n",
            "Sec-WebSocket-Origin: http://other\r\n",
            "Origin: http://localhost\r\nSec-WebSocket-Origin: http://other\r\n",
        ],
    ),
    (
        "allowed origins",
        websocket!("allowed_origins: [\"https://app.example.com\", \"http://127.0.0.1:3000\"]"),
        &[
            "",
            "Origin: https://app.example.com\r\n",
            "Origin: https://App.Example.com:443\r\n",
            "Origin: http://app.example.com\r\n",
            "Origin: http://app.example.com:443\r\n",
            "Origin: https://app.example.com:8443\r\n",
            "Origin: https://x.app.example.com\r\n",
            "Origin: https://app.example.com.evil.example\r\n",
            "Origin: http://127.0.0.1:3000\r\n",
            "Origin: http://127.0.0.1\r\n",
            "Origin: null\r\n",
            "Origin: app.example.com\r\n",
            "Sec-WebSocket-Origin: https://app.example.com\r\n",
            "Sec-WebSocket-Origin: https://evil.example\r\n",
        ],
    ),
    (
        "an origin as text",
        websocket!("origin: \"http://a.example\""),
        &["Origin: http://a.example\r\n", "Origin: http://b.example\r\n"],
    ),
    (
        "both",
        websocket!("same_origin: true, allowed_origins: [\"http://localhost\", \"http://a.example\"]"),
        &["", "Origin: http://localhost\r\n", "Origin: http://a.example\r\n", "Origin: http://b.example\r\n"],
    ),
];

pub(crate) fn exchanges() -> Vec<Exchange> {
    let mut all = Vec::new();
    for (name, conf, cases) in CASES {
        for headers in *cases {
            let steps = vec![
                Step::WsSocket('A'),
                Step::Send('A', handshake("/", headers).into_bytes()),
                Step::Response('A'),
            ];
            all.push(exchange(&format!("ws origin/{name}/{}", headers.replace("\r\n", ";")), conf, steps));
        }
        // A refused page may try again, as with every check of the handshake.
        let steps = vec![
            Step::WsSocket('A'),
            Step::Send('A', handshake("/", "Origin: http://evil.example\r\n").into_bytes()),
            Step::Response('A'),
            Step::Send('A', handshake("/", "").into_bytes()),
            Step::Response('A'),
        ];
        all.push(exchange(&format!("ws origin/{name}/refused, then right"), conf, steps));
    }
    all
}

#[test]
fn ws_origin() {
    compare("ws_origin", &exchanges());
}
