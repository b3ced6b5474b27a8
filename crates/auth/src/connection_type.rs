//! The ways in which a client can be connected.

/// How a client is connected (nats: `allowed_connection_types`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ConnectionType {
    /// NATS on TCP or TLS.
    #[default]
    Standard,
    /// NATS on WebSocket.
    WebSocket,
    /// A leaf node on TCP or TLS.
    LeafNode,
    /// A leaf node on WebSocket.
    LeafNodeWebSocket,
    /// MQTT on TCP or TLS.
    Mqtt,
    /// MQTT on WebSocket.
    MqttWebSocket,
    /// A client in the server's own process.
    InProcess,
}

impl ConnectionType {
    /// Every type with its name in configurations and user JWTs.
    const NAMES: [(&'static str, ConnectionType); 7] = [
        ("STANDARD", ConnectionType::Standard),
        ("WEBSOCKET", ConnectionType::WebSocket),
        ("LEAFNODE", ConnectionType::LeafNode),
        ("LEAFNODE_WS", ConnectionType::LeafNodeWebSocket),
        ("MQTT", ConnectionType::Mqtt),
        ("MQTT_WS", ConnectionType::MqttWebSocket),
        ("IN_PROCESS", ConnectionType::InProcess),
    ];

    /// The type with this name, in any case.
    pub fn parse(name: &str) -> Option<ConnectionType> {
        let found = Self::NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, connection)| *connection)
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// The types that a user may connect with. Without any, all are allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionTypes(u8);

impl ConnectionTypes {
    /// Every type.
    pub const ALL: ConnectionTypes = ConnectionTypes(0);

    /// Whether a client of this type may connect.
    pub fn allow(self, connection: ConnectionType) -> bool {
        self.0 == 0 || self.0 & connection.bit() != 0
    }
}

impl FromIterator<ConnectionType> for ConnectionTypes {
    fn from_iter<I: IntoIterator<Item = ConnectionType>>(types: I) -> ConnectionTypes {
        ConnectionTypes(types.into_iter().fold(0, |bits, connection| bits | connection.bit()))
    }
}
