//! Whole turns of a worker.

use crate::{Hall, Kind, Scenario, json};

const SUBSCRIBERS: u64 = 200;

/// The unit is a delivery, or where nobody listens, a message.
pub(crate) const SCENARIOS: [Scenario; 8] = [
    fan_out("fan-out-200-plain", || prepare_fan_out(Kind::Plain, false)),
    fan_out("fan-out-200-plain-own-sids", || prepare_fan_out(Kind::Plain, true)),
    fan_out("fan-out-200-compressed", || prepare_fan_out(Kind::Compressed, false)),
    fan_out("fan-out-200-compressed-own-sids", || prepare_fan_out(Kind::Compressed, true)),
    publish("publish-100-to-nobody", || prepare_publish(Kind::Plain, 16, 100)),
    publish("publish-100-of-600-B", || prepare_publish(Kind::Plain, 600, 100)),
    publish("publish-100-of-600-B-compressed", || prepare_publish(Kind::Compressed, 600, 100)),
    publish("publish-600-B-compressed", || prepare_publish(Kind::Compressed, 600, 1)),
];

const fn publish(name: &'static str, prepare: fn() -> Box<dyn FnMut()>) -> Scenario {
    Scenario { name, runs: 50, operations: 100, prepare }
}

const fn fan_out(name: &'static str, prepare: fn() -> Box<dyn FnMut()>) -> Scenario {
    Scenario { name, runs: 20, operations: SUBSCRIBERS, prepare }
}

/// One message of 600 bytes to all. `own_sids`: no two subscribers use the same sid.
fn prepare_fan_out(kind: Kind, own_sids: bool) -> Box<dyn FnMut()> {
    let mut hall = Hall::new();
    let subscribers: Vec<_> = (0..SUBSCRIBERS)
        .map(|n| hall.connect(kind, &format!("SUB line.7 {}\r\n", if own_sids { n + 1 } else { 1 })))
        .collect();
    let publisher = hall.connect(Kind::Plain, "");
    let payload = json(600, 1);
    let wire = publisher.encode(&[b"PUB line.7 600\r\n", &payload[..], b"\r\n"].concat());
    let before: Vec<_> = subscribers.iter().map(|&client| hall.written(client)).collect();
    hall.send(publisher, &wire);
    for (client, (writes, bytes)) in subscribers.into_iter().zip(before) {
        let (writes, bytes) = (hall.written(client).0 - writes, hall.written(client).1 - bytes);
        assert_eq!(writes, 1, "one write for each subscriber");
        assert_eq!(bytes < 600, kind == Kind::Compressed, "{bytes} bytes");
    }
    Box::new(move || hall.send_again(publisher))
}

/// 100 messages to nobody, so many in a frame.
fn prepare_publish(kind: Kind, len: usize, in_a_frame: usize) -> Box<dyn FnMut()> {
    let mut hall = Hall::new();
    hall.connect(Kind::Plain, "SUB other.> 1\r\n");
    let publisher = hall.connect(kind, "");
    let ops: Vec<Vec<u8>> = (0..100)
        .map(|seed| {
            let head = format!("PUB line.7 {len}\r\n");
            [head.as_bytes(), &json(len, seed), b"\r\n"].concat()
        })
        .collect();
    let wire: Vec<u8> = ops.chunks(in_a_frame).flat_map(|ops| publisher.encode(&ops.concat())).collect();
    hall.send(publisher, &wire);
    Box::new(move || hall.send_again(publisher))
}
