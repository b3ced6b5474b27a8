use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

/// What a server says about itself in `INFO`.
///
/// Fields are written in the NATS server's order. Those it leaves out when there is nothing to say (false, empty, zero)
/// are left out here too; when read, what is absent has its default, and unknown fields are ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Info {
    /// The server's unique name: a public nkey of type `N`.
    pub server_id: String,
    /// The configured name; `server_id` where there is none.
    pub server_name: String,
    /// Semantic version. Clients decide by it which features to use.
    pub version: String,
    /// Version of the protocol: 1.
    pub proto: u32,
    /// The commit that the server was built from.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub git_commit: String,
    /// The compiler that built the server; of Go, with the NATS server.
    pub go: String,
    /// Address of the listener.
    pub host: String,
    /// Port of the listener.
    pub port: u16,
    /// Whether the server takes `HPUB`.
    pub headers: bool,
    /// Whether `CONNECT` needs credentials.
    #[serde(skip_serializing_if = "is_false")]
    pub auth_required: bool,
    /// Whether the connection must go on in TLS.
    #[serde(skip_serializing_if = "is_false")]
    pub tls_required: bool,
    /// Whether clients need a certificate.
    #[serde(skip_serializing_if = "is_false")]
    pub tls_verify: bool,
    /// Whether the connection may go on in TLS.
    #[serde(skip_serializing_if = "is_false")]
    pub tls_available: bool,
    /// Most bytes of header block and payload in one message; -1 where there is no such limit.
    pub max_payload: i64,
    /// Whether JetStream is served.
    #[serde(skip_serializing_if = "is_false")]
    pub jetstream: bool,
    /// The server's number for this connection.
    #[serde(skip_serializing_if = "is_zero_u64")]
    pub client_id: u64,
    /// The address that the server sees the client at.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub client_ip: String,
    /// What an nkey client signs.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub nonce: String,
    /// The cluster's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cluster: String,
    /// Whether the cluster's name was generated.
    #[serde(skip_serializing_if = "is_false")]
    pub cluster_dynamic: bool,
    /// The JetStream domain.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub domain: String,
    /// `host:port` of the servers to connect to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub connect_urls: Vec<String>,
    /// Lame duck mode: the server will shut down soon.
    #[serde(skip_serializing_if = "is_false")]
    pub ldm: bool,
    /// Whether this `INFO` answers a `CONNECT`.
    #[serde(skip_serializing_if = "is_false")]
    pub connect_info: bool,
    /// The account that the client belongs to.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub remote_account: String,
    /// Whether that account is the system account.
    #[serde(skip_serializing_if = "is_false")]
    pub acc_is_sys: bool,
    /// Level of the JetStream API.
    #[serde(skip_serializing_if = "is_zero_u32")]
    pub api_lvl: u32,
    /// The server's public curve key.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub xkey: String,
}

fn is_false(value: &bool) -> bool {
    !value
}

fn is_zero_u32(value: &u32) -> bool {
    *value == 0
}

fn is_zero_u64(value: &u64) -> bool {
    *value == 0
}
