//! What the two sides agree on in the opening handshake (RFC 7692 §5 and §7.1).

use alloc::vec::Vec;

use crate::error::NegotiationError;
use crate::offer::{Malformed, Parameters, parse_extensions};

/// The largest window of DEFLATE, 32 KiB, as its base-2 logarithm; what holds where nothing else was agreed.
pub(crate) const WINDOW_BITS_MAX: u8 = 15;
/// The smallest window of RFC 7692 §7.1.2: 256 bytes.
const WINDOW_BITS_MIN: u8 = 8;

/// Which end of the connection this side is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The side that accepts the connection.
    Server,
    /// The side that opens the connection.
    Client,
}

/// What this side wants of the negotiation. The default is what suits a server with many connections: no context
/// kept between messages in either direction, windows of any size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// The server's compressor starts afresh with each message (RFC 7692 §7.1.1.1).
    ///
    /// A server always answers it when this is set, and also when only the client asks for it.
    pub server_no_context_takeover: bool,
    /// The client's compressor starts afresh with each message (RFC 7692 §7.1.1.2).
    ///
    /// A server always answers it when this is set, and also when the client says that it will do so anyway.
    pub client_no_context_takeover: bool,
    /// The largest window of the server's compressor, as base-2 logarithm of bytes; brought into 8..=15.
    ///
    /// A server never exceeds it. A client demands it of the server, if it is less than 15.
    pub server_max_window_bits: u8,
    /// The largest window of the client's compressor, as base-2 logarithm of bytes; brought into 8..=15.
    ///
    /// A server can demand it only of clients that offer `client_max_window_bits`; with any other the window stays
    /// at 15. A client never exceeds it, and tells the server.
    pub client_max_window_bits: u8,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            server_no_context_takeover: true,
            client_no_context_takeover: true,
            server_max_window_bits: WINDOW_BITS_MAX,
            client_max_window_bits: WINDOW_BITS_MAX,
        }
    }
}

impl Config {
    /// Appends the value of a client's `Sec-WebSocket-Extensions` header: one offer (RFC 7692 §7.1).
    pub fn write_offer(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"permessage-deflate");
        if self.server_no_context_takeover {
            out.extend_from_slice(b"; server_no_context_takeover");
        }
        if self.client_no_context_takeover {
            out.extend_from_slice(b"; client_no_context_takeover");
        }
        if self.server_bits() < WINDOW_BITS_MAX {
            write_bits(b"; server_max_window_bits=", self.server_bits(), out);
        }
        if self.client_bits() < WINDOW_BITS_MAX {
            write_bits(b"; client_max_window_bits=", self.client_bits(), out);
        } else {
            out.extend_from_slice(b"; client_max_window_bits");
        }
    }

    fn server_bits(&self) -> u8 {
        self.server_max_window_bits.clamp(WINDOW_BITS_MIN, WINDOW_BITS_MAX)
    }

    fn client_bits(&self) -> u8 {
        self.client_max_window_bits.clamp(WINDOW_BITS_MIN, WINDOW_BITS_MAX)
    }
}

/// What both sides agreed on: plain data, the same for either role.
///
/// The default is an agreement without any parameter: contexts are kept, windows are 32 KiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Params {
    /// The server's compressor starts afresh with each message.
    pub server_no_context_takeover: bool,
    /// The client's compressor starts afresh with each message.
    pub client_no_context_takeover: bool,
    /// The largest window of the server's compressor, as base-2 logarithm of bytes; `None` is 15.
    pub server_max_window_bits: Option<u8>,
    /// The largest window of the client's compressor, as base-2 logarithm of bytes; `None` is 15.
    pub client_max_window_bits: Option<u8>,
}

impl Params {
    /// The server's choice among the offers of a client: the first `permessage-deflate` that breaks no rule, or `None`
    /// where there is none or the header is malformed (then no extension is used; RFC 7692 §5.1, RFC 6455 §9.1).
    ///
    /// `offers` is the value of `Sec-WebSocket-Extensions`; see [`Params::negotiate_lines`] for several lines.
    #[must_use]
    pub fn negotiate(offers: &str, config: &Config) -> Option<Self> {
        Self::negotiate_lines([offers], config)
    }

    /// As [`Params::negotiate`] for a request with several `Sec-WebSocket-Extensions` lines, which together are one
    /// list (RFC 6455 §9.1): one malformed line declines all.
    #[must_use]
    pub fn negotiate_lines<'a>(lines: impl IntoIterator<Item = &'a str>, config: &Config) -> Option<Self> {
        let mut accepted = None;
        for line in lines {
            let parsed = parse_extensions(line, |element| {
                if let Some(Ok(offer)) = element {
                    accepted = accepted.or(Some(Self::answer(&offer, config)));
                }
            });
            if let Err(Malformed) = parsed {
                return None;
            }
        }
        accepted
    }

    fn answer(offer: &Parameters, config: &Config) -> Self {
        let server_bits = offer.server_max_window_bits.unwrap_or(WINDOW_BITS_MAX).min(config.server_bits());
        // Only a client that offers the parameter understands it in the answer (§7.1.2.2).
        let client_max_window_bits = offer.client_max_window_bits.and_then(|hint| {
            let bits = hint.unwrap_or(WINDOW_BITS_MAX).min(config.client_bits());
            (bits < WINDOW_BITS_MAX).then_some(bits)
        });
        // An offered limit is accepted by repeating it, even if it is 15 (§7.1.2.1).
        let answer_server_bits = offer.server_max_window_bits.is_some() || server_bits < WINDOW_BITS_MAX;
        Self {
            server_no_context_takeover: offer.server_no_context_takeover || config.server_no_context_takeover,
            client_no_context_takeover: offer.client_no_context_takeover || config.client_no_context_takeover,
            server_max_window_bits: answer_server_bits.then_some(server_bits),
            client_max_window_bits,
        }
    }

    /// Appends the value of the server's `Sec-WebSocket-Extensions` header.
    pub fn write_response(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"permessage-deflate");
        if self.server_no_context_takeover {
            out.extend_from_slice(b"; server_no_context_takeover");
        }
        if self.client_no_context_takeover {
            out.extend_from_slice(b"; client_no_context_takeover");
        }
        if self.server_max_window_bits.is_some() {
            write_bits(b"; server_max_window_bits=", self.server_window_bits(), out);
        }
        if self.client_max_window_bits.is_some() {
            write_bits(b"; client_max_window_bits=", self.client_window_bits(), out);
        }
    }

    /// What a server's answer means to the client that made the offer of `config` ([`Config::write_offer`]).
    ///
    /// `response` is the value of the answer's `Sec-WebSocket-Extensions`. Where that header is missing, the server
    /// declined and there is nothing to parse. A client that offers other extensions too takes their elements out
    /// before.
    ///
    /// What this side promised in its offer holds even if the server did not repeat it, so the result may be stricter
    /// than the text of the answer.
    ///
    /// # Errors
    /// The answer is malformed or does not fit the offer. The client must fail the connection (RFC 7692 §5.1).
    pub fn from_response(response: &str, config: &Config) -> Result<Self, NegotiationError> {
        let mut found = None;
        let mut verdict = Ok(());
        let count = parse_extensions(response, |element| {
            let broken = match (element, found) {
                (None, _) => NegotiationError::UnknownExtension,
                (Some(_), Some(_)) => NegotiationError::RepeatedExtension,
                (Some(Err(rule)), None) => rule,
                (Some(Ok(answer)), None) => {
                    found = Some(answer);
                    return;
                }
            };
            verdict = verdict.and(Err(broken));
        });
        if matches!(count, Ok(0) | Err(Malformed)) {
            return Err(NegotiationError::Malformed);
        }
        verdict?;
        Self::check_answer(&found.ok_or(NegotiationError::Malformed)?, config)
    }

    fn check_answer(answer: &Parameters, config: &Config) -> Result<Self, NegotiationError> {
        if config.server_no_context_takeover && !answer.server_no_context_takeover {
            return Err(NegotiationError::ServerTakesContextOver);
        }
        if answer.server_max_window_bits.unwrap_or(WINDOW_BITS_MAX) > config.server_bits() {
            return Err(NegotiationError::ServerWindowTooLarge);
        }
        let client_max_window_bits = match answer.client_max_window_bits {
            Some(None) => return Err(NegotiationError::MissingValue),
            Some(Some(bits)) if bits > config.client_bits() => {
                return Err(NegotiationError::ClientWindowTooLarge);
            }
            Some(bits) => bits,
            None => (config.client_bits() < WINDOW_BITS_MAX).then_some(config.client_bits()),
        };
        Ok(Self {
            server_no_context_takeover: answer.server_no_context_takeover,
            client_no_context_takeover: answer.client_no_context_takeover
                || config.client_no_context_takeover,
            server_max_window_bits: answer.server_max_window_bits,
            client_max_window_bits,
        })
    }

    /// The window of the server's compressor, as base-2 logarithm of bytes: 8 to 15.
    #[must_use]
    pub fn server_window_bits(&self) -> u8 {
        self.server_max_window_bits.unwrap_or(WINDOW_BITS_MAX).clamp(WINDOW_BITS_MIN, WINDOW_BITS_MAX)
    }

    /// The window of the client's compressor, as base-2 logarithm of bytes: 8 to 15.
    #[must_use]
    pub fn client_window_bits(&self) -> u8 {
        self.client_max_window_bits.unwrap_or(WINDOW_BITS_MAX).clamp(WINDOW_BITS_MIN, WINDOW_BITS_MAX)
    }

    /// The window in bytes, and whether the context is kept, of the compressor that `role` runs.
    pub(crate) fn sender(&self, role: Role) -> (usize, bool) {
        match role {
            Role::Server => (1 << self.server_window_bits(), !self.server_no_context_takeover),
            Role::Client => (1 << self.client_window_bits(), !self.client_no_context_takeover),
        }
    }
}

impl Role {
    pub(crate) fn peer(self) -> Self {
        match self {
            Self::Server => Self::Client,
            Self::Client => Self::Server,
        }
    }
}

fn write_bits(name: &[u8], bits: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(name);
    if bits >= 10 {
        out.push(b'1');
    }
    out.push(b'0' + bits % 10);
}
