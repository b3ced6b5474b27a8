//! Peers that speak another protocol than their port: each is told so at once, in what it speaks, and so is the log.

use core::fmt;
use core::time::Duration;

use dunlin_websocket::handshake::Body;

use crate::connection::{Connection, Listener, Transport};
use crate::ending::Ending;
use crate::tls::HANDSHAKE_RECORD;
use crate::{ConnId, Wire, Worker};

/// The first byte of an MQTT connection: CONNECT (MQTT 3.1.1 §3.1).
const MQTT_CONNECT: u8 = 0x10;

/// A TLS record with a fatal alert, `handshake_failure` (RFC 8446 §6.2).
const TLS_ALERT: &[u8] = &[0x15, 3, 1, 0, 2, 2, 40];
/// CONNACK: the server does not support the level of the protocol (MQTT 3.1.1 §3.2.2.3).
const MQTT_REFUSAL: &[u8] = &[0x20, 2, 0, 1];

/// Who has sent nothing for this long and leaves was waiting for something.
const PATIENCE: Duration = Duration::from_secs(1);

/// What the first bytes of a connection are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Speech {
    Tls,
    Http,
    /// HTTP/2 without having agreed on it (RFC 9113 §3.4).
    Http2,
    WebSocket,
    Nats,
    Mqtt,
    /// A PROXY protocol header, of either version.
    ProxyHeader,
}

/// How a connection begins that speaks something else than NATS.
const BEGINNINGS: &[(&[u8], Speech)] = &[
    (&[HANDSHAKE_RECORD], Speech::Tls),
    (&[MQTT_CONNECT], Speech::Mqtt),
    (b"PRI * HTTP/", Speech::Http2),
    (b"PROXY ", Speech::ProxyHeader),
    // The signature of version 2 as far as it is nothing else (PROXY §2.2).
    (b"\r\n\r\n\0", Speech::ProxyHeader),
    (b"GET ", Speech::Http),
    (b"HEAD ", Speech::Http),
    (b"POST ", Speech::Http),
    (b"PUT ", Speech::Http),
    (b"DELETE ", Speech::Http),
    (b"OPTIONS ", Speech::Http),
    (b"PATCH ", Speech::Http),
    (b"TRACE ", Speech::Http),
];

/// How NATS looks to who expects HTTP.
const NATS_OPS: &[&[u8]] = &[
    b"CONNECT {",
    b"PING\r",
    b"PING\n",
    b"PONG\r",
    b"PONG\n",
    b"INFO {",
    b"SUB ",
    b"UNSUB ",
    b"PUB ",
    b"HPUB ",
    b"+OK",
    b"-ERR",
    b"LS+ ",
    b"RS+ ",
];

impl Speech {
    /// What is sent in the place of NATS: what nobody knows is nothing.
    pub(crate) fn before_nats(bytes: &[u8]) -> Option<Speech> {
        let known = BEGINNINGS.iter().find(|(start, _)| bytes.starts_with(start));
        known.map(|(_, speech)| *speech)
    }

    /// What is sent in the place of an HTTP request.
    pub(crate) fn before_http(bytes: &[u8]) -> Option<Speech> {
        let is_op = |op: &&[u8]| bytes.get(..op.len()).is_some_and(|start| start.eq_ignore_ascii_case(op));
        if NATS_OPS.iter().any(is_op) {
            return Some(Speech::Nats);
        }
        Speech::before_nats(bytes).filter(|speech| *speech != Speech::Http)
    }
}

impl fmt::Display for Speech {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Speech::Tls => "TLS to a port without TLS",
            Speech::Http => "HTTP",
            Speech::Http2 => "HTTP/2, without HTTP/1.1 before it",
            Speech::WebSocket => "WebSocket",
            Speech::Nats => "NATS",
            Speech::Mqtt => "MQTT",
            Speech::ProxyHeader => "the PROXY protocol to a port without proxy_protocol: true",
        })
    }
}

impl Worker {
    /// Looks at the first bytes on the port of NATS clients. `true`: they are for the session, which refuses what is no NATS, and
    /// says so in NATS.
    pub(crate) fn greet_stranger<W: Wire>(&mut self, id: ConnId, bytes: &[u8], wire: &mut W) -> bool {
        let Some(speech) = Speech::before_nats(bytes) else { return true };
        self.log_speech(id, speech);
        match speech {
            Speech::Tls => {
                // It has to stand alone, behind INFO.
                self.flush_connection(id, wire);
                self.alert(id);
            }
            Speech::Http | Speech::Http2 => {
                let refusal = self.refusal(400, &[("Connection", "close")], Body::plain(&self.signpost(id)));
                self.reply(id, &refusal);
            }
            Speech::WebSocket | Speech::Nats | Speech::Mqtt | Speech::ProxyHeader => {}
        }
        speech != Speech::Tls
    }

    /// Tells a peer that has sent something else than an HTTP request.
    pub(crate) fn turn_away_from_http(&mut self, id: ConnId, speech: Speech) {
        self.log_speech(id, speech);
        let text = self.signpost(id);
        let Some(conn) = self.conns.get_mut(id) else { return };
        match speech {
            Speech::Tls => return self.alert(id),
            Speech::Nats => dunlin_nats_protocol::encode_err(&text, &mut conn.head),
            Speech::Mqtt => conn.head.extend_from_slice(MQTT_REFUSAL),
            Speech::Http2 => conn.head.extend_from_slice(&http2_refusal(&text)),
            Speech::Http | Speech::WebSocket | Speech::ProxyHeader => {
                return self.answer_http(id, 400, &format!("the client speaks {speech}. {text}"));
            }
        }
        self.end(id, Ending::Http);
    }

    /// Says to a client that speaks TLS that there is none.
    fn alert(&mut self, id: ConnId) {
        if let Some(conn) = self.conns.get_mut(id) {
            conn.head.extend_from_slice(TLS_ALERT);
        }
        self.end(id, Ending::Handshake);
    }

    /// A peer leaves that has said nothing: a NATS client waits for INFO like this, until it has enough of it.
    pub(crate) fn note_silent_peer(&mut self, id: ConnId) {
        let (now, is_silent) = (self.now, |conn: &&mut Connection| {
            matches!(conn.transport, Transport::Http)
                && conn.raw.is_empty()
                && conn.last_activity == conn.opened
        });
        let Some(conn) = self.conns.get_mut(id).filter(is_silent) else { return };
        if conn.listener != Listener::WebSocket || now < conn.opened + PATIENCE {
            return;
        }
        let origin = conn.origin();
        let text = self.signpost(id);
        tracing::info!("{origin} - left without a request. A NATS client, waiting for INFO? {text}");
    }

    /// What the port of a connection is for, and where the others are.
    pub(crate) fn signpost(&self, id: ConnId) -> String {
        let conn = self.conns.find(id);
        conn.map_or_else(String::new, |conn| self.config.doors.signpost(conn.listener, conn.peer.ip()))
    }

    pub(crate) fn log_speech(&mut self, id: ConnId, speech: Speech) {
        let text = self.signpost(id);
        let Some(conn) = self.conns.find(id) else { return };
        let origin = conn.origin();
        match speech {
            Speech::Tls => tracing::error!("{origin} - the client speaks {speech}"),
            _ => tracing::error!("{origin} - the client speaks {speech}. {text}"),
        }
    }
}

/// An empty SETTINGS frame, and GOAWAY with the error `HTTP_1_1_REQUIRED` and a text (RFC 9113 §6.8, §7).
fn http2_refusal(text: &str) -> Vec<u8> {
    const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
    // Type and flags, the connection's own stream, the last stream that was looked at, and the error.
    const GOAWAY: &[u8] = &[7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 13];
    let len = (8 + text.len() as u32).to_be_bytes();
    [SETTINGS, &len[1..], GOAWAY, text.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::Speech;

    #[test]
    fn what_is_no_nats() {
        for (bytes, expected) in [
            (&b"CONNECT {}\r\n"[..], None),
            (b"CONNECT a:80 HTTP/1.1\r\n", None),
            (b"PING\r\n", None),
            (b"PUB a 1\r\n", None),
            (b"\r\n", None),
            (b"garbage", None),
            (b"GET\r\n", None),
            (b"GET / HTTP/1.1\r\n", Some(Speech::Http)),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Some(Speech::Http2)),
            (b"PROXY UNKNOWN\r\n", Some(Speech::ProxyHeader)),
            (b"\r\n\r\n\0\r\nQUIT\n", Some(Speech::ProxyHeader)),
            (b"\x16", Some(Speech::Tls)),
            (b"\x10\x0c\0\x04MQTT", Some(Speech::Mqtt)),
        ] {
            assert_eq!(Speech::before_nats(bytes), expected, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn what_is_no_request() {
        for (bytes, expected) in [
            (&b"CONNECT {\"verbose\":false}\r\n"[..], Some(Speech::Nats)),
            (b"connect {", Some(Speech::Nats)),
            (b"PING\r\n", Some(Speech::Nats)),
            (b"SUB a 1\r\n", Some(Speech::Nats)),
            (b"INFO {}\r\n", Some(Speech::Nats)),
            (b"CONNECT a:80 HTTP/1.1\r\n", None),
            (b"GET /\x01", None),
            (b"PROXY TCP4 ", Some(Speech::ProxyHeader)),
            (b"PRI * HTTP/2.0\r\n", Some(Speech::Http2)),
            (b"\x10", Some(Speech::Mqtt)),
            (b"hello\r\n", None),
        ] {
            assert_eq!(Speech::before_http(bytes), expected, "{}", bytes.escape_ascii());
        }
    }
}
