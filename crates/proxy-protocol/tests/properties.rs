//! What holds for all headers and for all bytes.
#![allow(missing_docs)]

use std::net::{SocketAddrV4, SocketAddrV6};

use dunlin_proxy_protocol::{HEADER_LEN_MAX, Header, Origin, Version};
use proptest::prelude::*;

fn headers() -> impl Strategy<Value = Header> {
    let v4 = || any::<(u32, u16)>().prop_map(|(ip, port)| SocketAddrV4::new(ip.into(), port));
    let v6 = || any::<(u128, u16)>().prop_map(|(ip, port)| SocketAddrV6::new(ip.into(), port, 0, 0));
    let origin = prop_oneof![
        Just(Origin::Local),
        Just(Origin::Unknown),
        (v4(), v4()).prop_map(|(source, destination)| Origin::Tcp4 { source, destination }),
        (v6(), v6()).prop_map(|(source, destination)| Origin::Tcp6 { source, destination }),
    ];
    (prop_oneof![Just(Version::V1), Just(Version::V2)], origin)
        .prop_map(|(version, origin)| Header { version, origin })
}

proptest! {
    #[test]
    fn what_is_encoded_is_read_again(header in headers(), rest in proptest::collection::vec(any::<u8>(), 0..20)) {
        let mut bytes = Vec::new();
        header.encode(&mut bytes);
        let len = bytes.len();
        bytes.extend_from_slice(&rest);
        // Version 1 cannot say LOCAL.
        let is_local = header == Header { version: Version::V1, origin: Origin::Local };
        let expected = if is_local { Header { origin: Origin::Unknown, ..header } } else { header };
        prop_assert_eq!(Header::parse(&bytes), Ok(Some((expected, len))));
        for split in 0..len {
            prop_assert_eq!(Header::parse(&bytes[..split]), Ok(None));
        }
    }

    #[test]
    fn an_answer_is_final(header in headers(), changes in proptest::collection::vec(any::<(u8, u8)>(), 0..3)) {
        let mut bytes = Vec::new();
        header.encode(&mut bytes);
        for (at, byte) in changes {
            let at = usize::from(at) % bytes.len();
            bytes[at] = byte;
        }
        let mut answer = Ok(None);
        for len in 0..=bytes.len() {
            let next = Header::parse(&bytes[..len]);
            prop_assert!(answer == Ok(None) || answer == next);
            answer = next;
        }
    }

    #[test]
    fn more_is_wanted_only_up_to_the_limit(bytes in proptest::collection::vec(any::<u8>(), 0..200), fill in 0..2usize) {
        let start: &[u8] = [&b"PROXY "[..], b"\r\n\r\n\0\r\nQUIT\n"][fill];
        let mut whole = [start, &bytes].concat();
        whole.resize(whole.len().max(HEADER_LEN_MAX), b'x');
        prop_assert_ne!(Header::parse(&whole), Ok(None));
    }
}
