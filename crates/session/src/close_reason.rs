//! Why a connection ends.

use dunlin_nats_protocol::ParseError;

/// Why the server ends a connection. Each has its last words: the `-ERR` text, and on WebSocket the close code with its
/// reason (nats: websocket close codes).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum CloseReason {
    /// The client went away, or said that it would.
    ClientClosed,
    /// The client broke the protocol's grammar or one of its limits.
    Parse(ParseError),
    /// CONNECT is not a JSON object, or a field has the wrong type.
    ConnectSyntax,
    /// INFO from the client is not JSON.
    InfoSyntax,
    /// The client sent an `-ERR` of its own.
    ClientError,
    /// HPUB from a client that did not say `headers: true`, or to a server that has headers switched off.
    HeadersNotSupported,
    /// CONNECT asks for a protocol that is neither 0 nor 1.
    BadProtocolVersion,
    /// CONNECT asks for `no_responders` without `headers`.
    NoRespondersNeedHeaders,
    /// Credentials are missing or wrong, or CONNECT chooses its account.
    AuthorizationViolation,
    /// The client has not said in time who it is.
    AuthenticationTimeout,
    /// The server has as many connections as it may have.
    MaxConnections,
    /// The client goes on without TLS, or says nothing, where TLS is required.
    TlsRequired,
    /// More TLS handshakes begin than may.
    Throttled,
    /// The address has as many connections as it may have.
    AddressConnections,
    /// The address connects too fast.
    HandshakeRate,
    /// The client, or its user, publishes too fast.
    PublishRate,
    /// Pings went unanswered.
    StaleConnection,
    /// More output was waiting than `max_pending` allows.
    SlowConsumerPending,
    /// Output had to wait for longer than `write_deadline`.
    SlowConsumerDeadline,
    /// The server stops.
    ServerShutdown,
    /// The socket could not be read.
    ReadError,
    /// The socket could not be written.
    WriteError,
}

impl CloseReason {
    /// The text of the `-ERR` that goes before the close; `None`: there is nothing to say, or nobody to say it to.
    pub fn wire_text(self) -> Option<&'static str> {
        use CloseReason as R;
        match self {
            R::Parse(error) => Some(error.wire_text()),
            R::ConnectSyntax => {
                Some("Parse Error: CONNECT needs a JSON object with fields of the right types")
            }
            R::InfoSyntax => Some("Parse Error: INFO needs a JSON object"),
            R::HeadersNotSupported => {
                Some("Parse Error: HPUB needs headers, which were not agreed in CONNECT and INFO")
            }
            R::BadProtocolVersion => Some("invalid client protocol"),
            R::NoRespondersNeedHeaders => Some("no responders requires headers support"),
            R::AuthorizationViolation => Some("Authorization Violation"),
            R::AuthenticationTimeout => Some("Authentication Timeout"),
            R::MaxConnections => Some("maximum connections exceeded"),
            R::TlsRequired => Some("Secure Connection - TLS Required"),
            R::Throttled => Some("Connection throttling is active. Please try again later."),
            R::AddressConnections => Some("maximum connections per address exceeded"),
            R::HandshakeRate => Some("maximum handshake rate exceeded"),
            R::PublishRate => Some("maximum publish rate exceeded"),
            R::StaleConnection => Some("Stale Connection"),
            R::SlowConsumerPending | R::SlowConsumerDeadline => Some("Slow Consumer"),
            R::ClientClosed | R::ClientError | R::ServerShutdown | R::ReadError | R::WriteError => None,
        }
    }

    /// The WebSocket close code (RFC 6455 §7.4).
    pub fn close_code(self) -> u16 {
        use CloseReason as R;
        match self {
            R::ClientClosed => 1000,
            R::StaleConnection | R::ServerShutdown => 1001,
            R::Parse(ParseError::PayloadTooBig) => 1009,
            R::Parse(ParseError::ControlLineTooLong) => 1008,
            R::Parse(_)
            | R::ConnectSyntax
            | R::InfoSyntax
            | R::ClientError
            | R::HeadersNotSupported
            | R::BadProtocolVersion => 1002,
            R::AuthorizationViolation
            | R::AuthenticationTimeout
            | R::MaxConnections
            | R::Throttled
            | R::AddressConnections
            | R::HandshakeRate
            | R::PublishRate
            | R::SlowConsumerPending
            | R::SlowConsumerDeadline => 1008,
            // RFC 6455 keeps this number for endpoints: no frame ever carries it.
            R::TlsRequired => 1015,
            R::NoRespondersNeedHeaders | R::ReadError | R::WriteError => 1011,
        }
    }

    /// The reason in monitoring, in logs and in the WebSocket close frame (nats: /connz `reason`).
    pub fn text(self) -> &'static str {
        use CloseReason as R;
        match self {
            R::ClientClosed => "Client Closed",
            R::Parse(ParseError::PayloadTooBig) => "Maximum Message Payload Exceeded",
            R::Parse(ParseError::ControlLineTooLong) => "Maximum Control Line Exceeded",
            R::Parse(_) | R::ConnectSyntax | R::InfoSyntax | R::ClientError => "Parse Error",
            R::HeadersNotSupported => "Message Header Violation",
            R::BadProtocolVersion => "Bad Client Protocol Version",
            R::NoRespondersNeedHeaders => "No Responders Requires Headers",
            R::AuthorizationViolation => "Authentication Failure",
            R::AuthenticationTimeout => "Authentication Timeout",
            R::MaxConnections | R::Throttled => "Maximum Connections Exceeded",
            R::TlsRequired => "TLS Handshake Failure",
            R::AddressConnections => "Maximum Connections Per Address Exceeded",
            R::HandshakeRate => "Maximum Handshake Rate Exceeded",
            R::PublishRate => "Maximum Publish Rate Exceeded",
            R::StaleConnection => "Stale Connection",
            R::SlowConsumerPending => "Slow Consumer (Pending Bytes)",
            R::SlowConsumerDeadline => "Slow Consumer (Write Deadline)",
            R::ServerShutdown => "Server Shutdown",
            R::ReadError => "Read Error",
            R::WriteError => "Write Error",
        }
    }
}
