use alloc::string::String;
use core::fmt;

use serde::Serialize;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

/// What a client says about itself in `CONNECT`.
///
/// Read as the NATS server reads it: keys match without regard to ASCII case, unknown keys are ignored, `null` counts as
/// absent, of a repeated key the last counts, and a value of the wrong type is an error. An absent string is empty.
/// Strings that are not Unicode are taken, with replacement characters.
///
/// `Debug` leaves the credentials out.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Connect {
    /// Whether the server acknowledges each op with `+OK`. Default: true.
    pub verbose: bool,
    /// Whether the server checks the subjects of messages. Default: true.
    pub pedantic: bool,
    /// Whether the client must have TLS.
    pub tls_required: bool,
    /// The public nkey that signs the nonce.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub nkey: String,
    /// The user JWT.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub jwt: String,
    /// The signed nonce, in base64url.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub sig: String,
    /// The token.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub auth_token: String,
    /// The user's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// The user's password.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub pass: String,
    /// The client's name for itself.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The language of the client library.
    pub lang: String,
    /// The version of the client library.
    pub version: String,
    /// 1: the client understands an `INFO` at any time. Servers refuse what is not 0 or 1.
    pub protocol: i64,
    /// Whether the client gets its own messages. Default: true.
    pub echo: bool,
    /// Whether the client understands `HMSG` and may send `HPUB`.
    pub headers: bool,
    /// Whether the client wants a 503 for a request that nobody listens to. Needs `headers`.
    pub no_responders: bool,
    /// The signature of a trusted proxy.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub proxy_sig: String,
    /// An account to join; servers refuse it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub account: String,
    /// Whether that account is new; servers refuse it.
    #[serde(skip_serializing_if = "is_false")]
    pub new_account: bool,
}

impl Default for Connect {
    /// What a server assumes of a client that sent no `CONNECT`.
    fn default() -> Connect {
        Connect {
            verbose: true,
            pedantic: true,
            tls_required: false,
            nkey: String::new(),
            jwt: String::new(),
            sig: String::new(),
            auth_token: String::new(),
            user: String::new(),
            pass: String::new(),
            name: String::new(),
            lang: String::new(),
            version: String::new(),
            protocol: 0,
            echo: true,
            headers: false,
            no_responders: false,
            proxy_sig: String::new(),
            account: String::new(),
            new_account: false,
        }
    }
}

impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect")
            .field("verbose", &self.verbose)
            .field("pedantic", &self.pedantic)
            .field("echo", &self.echo)
            .field("headers", &self.headers)
            .field("no_responders", &self.no_responders)
            .field("protocol", &self.protocol)
            .field("name", &self.name)
            .field("lang", &self.lang)
            .field("version", &self.version)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

impl<'de> Deserialize<'de> for Connect {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Connect, D::Error> {
        // As an option, since the NATS server takes `CONNECT null`.
        deserializer.deserialize_option(ConnectVisitor(Connect::default()))
    }
}

/// Reads a further `CONNECT` of the same client: what it does not name stays as it was.
impl<'de> DeserializeSeed<'de> for Connect {
    type Value = Connect;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Connect, D::Error> {
        deserializer.deserialize_option(ConnectVisitor(self))
    }
}

/// Holds what is not named.
struct ConnectVisitor(Connect);

impl<'de> Visitor<'de> for ConnectVisitor {
    type Value = Connect;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the options of CONNECT")
    }

    fn visit_none<E: Error>(self) -> Result<Connect, E> {
        Ok(self.0)
    }

    fn visit_unit<E: Error>(self) -> Result<Connect, E> {
        Ok(self.0)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Connect, D::Error> {
        deserializer.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Connect, A::Error> {
        let mut connect = self.0;
        while let Some(Text(mut key)) = map.next_key()? {
            key.make_ascii_lowercase();
            match key.as_str() {
                "verbose" => read(&mut map, &mut connect.verbose)?,
                "pedantic" => read(&mut map, &mut connect.pedantic)?,
                "tls_required" => read(&mut map, &mut connect.tls_required)?,
                "nkey" => read_text(&mut map, &mut connect.nkey)?,
                "jwt" => read_text(&mut map, &mut connect.jwt)?,
                "sig" => read_text(&mut map, &mut connect.sig)?,
                "auth_token" => read_text(&mut map, &mut connect.auth_token)?,
                "user" => read_text(&mut map, &mut connect.user)?,
                "pass" => read_text(&mut map, &mut connect.pass)?,
                "name" => read_text(&mut map, &mut connect.name)?,
                "lang" => read_text(&mut map, &mut connect.lang)?,
                "version" => read_text(&mut map, &mut connect.version)?,
                "protocol" => read(&mut map, &mut connect.protocol)?,
                "echo" => read(&mut map, &mut connect.echo)?,
                "headers" => read(&mut map, &mut connect.headers)?,
                "no_responders" => read(&mut map, &mut connect.no_responders)?,
                "proxy_sig" => read_text(&mut map, &mut connect.proxy_sig)?,
                "account" => read_text(&mut map, &mut connect.account)?,
                "new_account" => read(&mut map, &mut connect.new_account)?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(connect)
    }
}

fn read<'de, A: MapAccess<'de>, T: Deserialize<'de>>(map: &mut A, field: &mut T) -> Result<(), A::Error> {
    if let Some(value) = map.next_value::<Option<T>>()? {
        *field = value;
    }
    Ok(())
}

fn read_text<'de, A: MapAccess<'de>>(map: &mut A, field: &mut String) -> Result<(), A::Error> {
    if let Some(Text(value)) = map.next_value()? {
        *field = value;
    }
    Ok(())
}

/// A string that need not be Unicode on the wire. It asks for bytes, since JSON deserialisers check a `str`.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
        deserializer.deserialize_bytes(TextVisitor)
    }
}

struct TextVisitor;

impl Visitor<'_> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
        Ok(Text(text.into()))
    }

    fn visit_bytes<E: Error>(self, text: &[u8]) -> Result<Text, E> {
        Ok(Text(String::from_utf8_lossy(text).into_owned()))
    }
}

fn is_false(value: &bool) -> bool {
    !value
}
