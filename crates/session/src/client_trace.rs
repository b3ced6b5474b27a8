//! Ops as the trace log shows them.

use dunlin_nats_protocol::{ClientOp, Connect};

/// Whether the trace log is on. Asked before anything is formatted.
pub(crate) fn is_on() -> bool {
    tracing::enabled!(target: "dunlin_worker", tracing::Level::TRACE)
}

/// The op without its payload, and without credentials.
pub(crate) fn text(op: &ClientOp<'_>) -> String {
    let show = |bytes: &[u8]| bytes.escape_ascii().to_string();
    match op {
        ClientOp::Connect(json) => match serde_json::from_slice::<Connect>(json) {
            // `Debug` of CONNECT leaves the credentials out.
            Ok(connect) => format!("CONNECT {connect:?}"),
            Err(_) => "CONNECT (not valid)".into(),
        },
        ClientOp::Ping => "PING".into(),
        ClientOp::Pong => "PONG".into(),
        ClientOp::Ok => "+OK".into(),
        ClientOp::Info(json) => format!("INFO {}", show(json)),
        ClientOp::Err(text) => format!("-ERR '{}'", show(text)),
        ClientOp::Publish(publish) => {
            let verb = if publish.with_headers { "HPUB" } else { "PUB" };
            let reply = publish.reply.map_or_else(String::new, |reply| show(reply) + " ");
            format!("{verb} {} {reply}{}", show(publish.subject), publish.payload.len())
        }
        ClientOp::Subscribe(subscribe) => {
            let queue = subscribe.queue.map_or_else(String::new, |queue| show(queue) + " ");
            format!("SUB {} {queue}{}", show(subscribe.subject), show(subscribe.sid))
        }
        ClientOp::Unsubscribe(unsubscribe) => match unsubscribe.max {
            Some(max) => format!("UNSUB {} {max}", show(unsubscribe.sid)),
            None => format!("UNSUB {}", show(unsubscribe.sid)),
        },
    }
}
