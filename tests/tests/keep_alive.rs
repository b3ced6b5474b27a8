//! What the server says on its own initiative to clients that take their time: first INFO, then PONG, then PING.

use std::thread;
use std::time::Duration;

use dunlin_tests::{Authority, Deadline, End, Link, RawTcp, RawWs, Signal, TlsClient};

use crate::support::start;
use crate::tls::conf;

/// Longer than it was from the connection to the first PING.
const PAUSE: Duration = Duration::from_millis(2_900);

const HELLO: &[u8] =
    b"CONNECT {\"verbose\":false,\"protocol\":1,\"lang\":\"go\",\"user\":\"app\",\"pass\":\"s3cret\"}\r\n";

fn tcp(link: &mut Link) -> &mut RawTcp {
    match link {
        Link::Tcp(tcp) => tcp,
        Link::Ws(ws) => &mut ws.tcp,
    }
}

/// Nothing comes while the client pauses.
fn pause(link: &mut Link) {
    let (bytes, end) = tcp(link).read_until(b"\n", Deadline::after(PAUSE));
    assert_eq!((String::from_utf8_lossy(&bytes), end), ("".into(), End::TimedOut));
}

/// PONG is the first answer to CONNECT and PING, and the server's PING comes 2.0 to 2.4 s behind CONNECT.
fn say_hello(link: &mut Link) {
    link.send(&[HELLO, b"PING\r\n"].concat());
    let answer = String::from_utf8(link.expect(b"\r\n")).unwrap();
    assert!(answer.starts_with("PONG\r\n"), "{answer}");
    let (_, end) = tcp(link).read_until(b"PING\r\n", Deadline::after(Duration::from_millis(1_900)));
    assert_eq!(end, End::TimedOut, "PING came too soon");
    // The machine may be busy.
    let (_, end) = tcp(link).read_until(b"PING\r\n", Deadline::after(Duration::from_millis(2_600)));
    assert_eq!(end, End::Found, "PING came too late");
}

fn after_info(mut link: Link) -> Link {
    link.expect(b"\r\n");
    link
}

#[test]
fn a_client_may_take_its_time_before_connect() {
    let authority = Authority::new("ca");
    let plain = start("a client may take its time", "");
    let secured = "authorization { user: app, password: s3cret, timeout: 30 }\n";
    let secured = start(
        "a client may take its time",
        &(secured.to_owned() + &conf(&authority.server("server"), "timeout: 30")),
    );
    let (Some(plain), Some(secured)) = (plain, secured) else { return };
    let [open, closed] = [plain.addresses(), secured.addresses()];
    let client = TlsClient::new(&authority);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut link = after_info(Link::Tcp(RawTcp::connect(open.nats)));
            pause(&mut link);
            say_hello(&mut link);
        });
        scope.spawn(|| {
            let mut link = after_info(Link::Ws(RawWs::connect(open.websocket, "")));
            pause(&mut link);
            say_hello(&mut link);
        });
        scope.spawn(|| {
            // The pause is in the handshake, behind INFO.
            let mut link = after_info(Link::Tcp(RawTcp::connect(closed.nats)));
            pause(&mut link);
            let Link::Tcp(tcp) = link else { return };
            let mut link = Link::Tcp(tcp.start_tls(&client).unwrap());
            say_hello(&mut link);
        });
        scope.spawn(|| {
            let tcp = RawTcp::connect(closed.websocket).start_tls(&client).unwrap();
            let mut link = after_info(Link::Ws(RawWs::over(tcp, "")));
            pause(&mut link);
            say_hello(&mut link);
        });
    });
}

/// Where who connects has little time to say who it is, that time begins when the TLS handshake is over.
#[test]
fn the_time_for_credentials_begins_behind_the_handshake() {
    let authority = Authority::new("ca");
    let secured = "authorization { user: app, password: s3cret, timeout: 2 }\n";
    let conf = secured.to_owned() + &conf(&authority.server("server"), "timeout: 30");
    let Some(server) = start("the time for credentials", &conf) else { return };
    let mut link = after_info(Link::Tcp(RawTcp::connect(server.addresses().nats)));
    pause(&mut link);
    let Link::Tcp(tcp) = link else { return };
    let mut link = Link::Tcp(tcp.start_tls(&TlsClient::new(&authority)).unwrap());
    link.send(&[HELLO, b"PING\r\n"].concat());
    let answer = String::from_utf8(link.expect(b"\r\n")).unwrap();
    assert!(answer.starts_with("PONG\r\n"), "{answer}");
}

/// Between CONNECT and the first PONG, a library takes no other words for the answer: neither PING nor INFO.
#[test]
fn nothing_comes_between_connect_and_pong() {
    let Some(server) = start("nothing between connect and pong", "lame_duck_duration: \"30s\"\n") else {
        return;
    };
    let mut links = [
        after_info(Link::Tcp(RawTcp::connect(server.addresses().nats))),
        after_info(Link::Ws(RawWs::connect(server.addresses().websocket, ""))),
    ];
    links.iter_mut().for_each(|link| link.send(HELLO));
    thread::scope(|scope| {
        for link in &mut links {
            scope.spawn(|| pause(link));
        }
        server.signal(Signal::USR2);
    });
    for link in &mut links {
        link.send(b"PING\r\n");
        let answer = String::from_utf8(link.expect(b"\r\n")).unwrap();
        assert!(answer.starts_with("PONG\r\n"), "{answer}");
    }
}
