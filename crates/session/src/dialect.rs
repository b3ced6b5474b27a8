//! How deliveries are written.

use dunlin_broker::Message;
use dunlin_nats_protocol::MsgHead;

/// One message for one subscription.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// The message.
    pub message: Message<'a>,
    /// Whether its header block, if it has one, goes along.
    pub headers: bool,
    /// The subscription's sid.
    pub sid: &'a [u8],
}

/// The format in which a session's peer gets its deliveries.
///
/// What a delivery encodes to depends on the dialect and the delivery alone, never on the connection: that is what lets
/// connections with equal delivery lists share one encoding.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Dialect {
    /// The NATS client protocol: MSG and HMSG.
    Nats,
}

impl Dialect {
    /// Appends a delivery to `out`.
    pub fn encode(self, delivery: Delivery<'_>, out: &mut Vec<u8>) {
        let Dialect::Nats = self;
        let (head, payload) = nats_parts(delivery);
        head.encode(out);
        out.extend_from_slice(payload);
        out.extend_from_slice(b"\r\n");
    }

    /// How many of the bytes that [`Dialect::encode`] appends are the same for every sid: so many at the end.
    pub fn common_len(self, delivery: Delivery<'_>) -> usize {
        let Dialect::Nats = self;
        nats_parts(delivery).1.len() + 2
    }

    /// How many bytes [`Dialect::encode`] appends.
    pub fn encoded_len(self, delivery: Delivery<'_>) -> usize {
        let Dialect::Nats = self;
        let (head, payload) = nats_parts(delivery);
        head.encoded_len() + payload.len() + 2
    }
}

fn nats_parts<'a>(delivery: Delivery<'a>) -> (MsgHead<'a>, &'a [u8]) {
    let message = delivery.message;
    let (header_len, payload) = match message.header_len {
        Some(len) if delivery.headers && len > 0 => (Some(len), message.payload),
        // nats: `HPUB s 0 n` is delivered as a plain MSG, and so is the body to a peer without headers.
        len => (None, message.payload.get(len.unwrap_or(0)..).unwrap_or_default()),
    };
    let head = MsgHead {
        subject: message.subject,
        sid: delivery.sid,
        reply: message.reply,
        header_len,
        total_len: payload.len(),
    };
    (head, payload)
}
