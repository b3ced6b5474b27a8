//! The same bytes to dunlin and to the official server, and the same bytes back.
//!
//! An [`exchange::Exchange`] is a row of data: a configuration, and steps over one or more raw connections. Its
//! transcript is everything that the server sent, with what must differ between two servers (identifiers, versions,
//! times, ports) replaced by `*`. Transcripts are compared byte for byte; where dunlin differs on purpose,
//! `known.txt` has both transcripts and the reason, and an entry there that is not exactly true fails too.
//!
//! What is not compared: how a server divides its output into WebSocket frames where that hangs on the moment of a
//! flush. Data frames in a row are joined; the exchanges about framing look at single frames.

mod compare;
mod exchange;
mod known;
mod run;
mod transcript;

mod auth;
mod connect;
mod info;
mod keepalive;
mod lexing;
mod limits;
mod publish;
mod subscribe;
mod ws_close;
mod ws_frames;
mod ws_handshake;
mod ws_origin;

/// Every exchange there is, by area.
fn areas() -> Vec<(&'static str, Vec<exchange::Exchange>)> {
    vec![
        ("info", info::exchanges()),
        ("auth", auth::exchanges()),
        ("connect", connect::exchanges()),
        ("lexing", lexing::exchanges()),
        ("publish", publish::exchanges()),
        ("subscribe", subscribe::exchanges()),
        ("limits", limits::exchanges()),
        ("keepalive", keepalive::exchanges()),
        ("ws_handshake", ws_handshake::exchanges()),
        ("ws_origin", ws_origin::exchanges()),
        ("ws_frames", ws_frames::exchanges()),
        ("ws_close", ws_close::exchanges()),
    ]
}

#[test]
fn there_are_enough_exchanges_and_each_has_its_own_name() {
    let mut names: Vec<String> = areas().into_iter().flat_map(|(_, all)| all).map(|one| one.name).collect();
    let count = names.len();
    assert!(count >= 200, "only {count} exchanges");
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count, "two exchanges share a name");
}

#[test]
fn every_known_difference_belongs_to_an_exchange() {
    let names: Vec<String> = areas().into_iter().flat_map(|(_, all)| all).map(|one| one.name).collect();
    for known in known::table() {
        assert!(names.contains(&known.name), "known.txt: there is no exchange {:?}", known.name);
    }
}
