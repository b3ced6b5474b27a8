//! PROXY protocol headers.

use dunlin_proxy_protocol::{HEADER_LEN_MAX, Header, Origin, Version};

/// Runs one input: the answer to every start of it is the same once it is one, and what was read is read again from what is
/// written of it.
pub fn run(data: &[u8]) {
    let mut answer = Ok(None);
    for len in 0..=data.len().min(HEADER_LEN_MAX) {
        let next = Header::parse(&data[..len]);
        assert!(answer == Ok(None) || answer == next, "{answer:?} became {next:?}");
        answer = next;
    }
    assert_eq!(Header::parse(data), answer);
    let Ok(Some((header, len))) = answer else { return };
    assert!(len <= data.len());
    for version in [Version::V1, Version::V2] {
        let header = Header { version, ..header };
        let mut written = Vec::new();
        header.encode(&mut written);
        let is_lost = header.origin == Origin::Local && version == Version::V1;
        let expected = if is_lost { Header { origin: Origin::Unknown, ..header } } else { header };
        assert_eq!(Header::parse(&written), Ok(Some((expected, written.len()))));
    }
}
