//! Client addresses from headers.
//!
//! The input is lines: `x` starts one of `X-Forwarded-For`, `p` of `X-Forwarded-Proto`, anything else of `Forwarded`.

use std::net::IpAddr;

use dunlin_forwarded::{Client, Fields, TrustedProxies, resolve};

/// Runs one input: the client is an address that a header holds, reached over trusted hops only; what stands left of it does not
/// matter.
pub fn run(data: &[u8]) {
    let trusted = TrustedProxies::default();
    let peer = IpAddr::from([127, 0, 0, 1]);
    let client = ask(peer, data, &trusted);
    assert!(client.is_forwarded || (client.ip == peer && client.port.is_none()));
    // A stranger is never believed.
    let stranger = IpAddr::from([192, 0, 2, 66]);
    let alone = Client { ip: stranger, port: None, scheme: None, is_forwarded: false };
    assert_eq!(ask(stranger, data, &trusted), alone);
    if client.is_forwarded && !trusted.trusts(client.ip) {
        // Nobody but the client could have written what is before its address.
        let prefixed = [&b"x1.2.3.4, x\nfor=\"5.6.7.8:9\"\n"[..], data].concat();
        let same = ask(peer, &prefixed, &trusted);
        // Only that there is such a header at all can make both worthless.
        assert!(same.ip == client.ip || !same.is_forwarded, "{client:?} became {same:?}");
    }
}

fn ask(peer: IpAddr, data: &[u8], trusted: &TrustedProxies) -> Client {
    let (mut list, mut scheme, mut forwarded) = (Vec::new(), Vec::new(), Vec::new());
    for line in data.split(|&byte| byte == b'\n') {
        match line.split_first() {
            Some((b'x', rest)) => list.push(rest),
            Some((b'p', rest)) => scheme.push(rest),
            Some(_) => forwarded.push(line),
            None => {}
        }
    }
    let fields = Fields { x_forwarded_for: &list, x_forwarded_proto: &scheme, forwarded: &forwarded };
    resolve(peer, &fields, trusted)
}
