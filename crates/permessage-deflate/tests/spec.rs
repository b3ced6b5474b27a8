//! The clauses of RFC 7692, one row each.
#![allow(clippy::unwrap_used)]

use dunlin_permessage_deflate::{
    Compressor, Config, Decompressor, InflateError, NegotiationError, Params, Role,
};

/// A server that wants nothing of its own.
const OPEN: Config = Config {
    server_no_context_takeover: false,
    client_no_context_takeover: false,
    server_max_window_bits: 15,
    client_max_window_bits: 15,
};
const LIMITED: Config = Config { server_max_window_bits: 12, client_max_window_bits: 11, ..OPEN };

fn answer(params: &Params) -> String {
    let mut out = Vec::new();
    params.write_response(&mut out);
    String::from_utf8(out).unwrap()
}

/// What a server with `config` answers to `offers`: the parameters behind `permessage-deflate`, `None` for no answer.
#[track_caller]
fn check(config: &Config, offers: &str, expected: Option<&str>) {
    let answer = Params::negotiate(offers, config).map(|params| answer(&params));
    let expected = expected.map(|rest| format!("permessage-deflate{rest}"));
    assert_eq!(answer, expected, "{offers}");
}

#[test]
fn offers_that_are_accepted() {
    let rows = [
        // 7.1: no parameter at all.
        ("permessage-deflate", ""),
        ("PerMessage-Deflate", ""),
        // 7.1.1.1, 7.1.1.2
        ("permessage-deflate; server_no_context_takeover", "; server_no_context_takeover"),
        ("permessage-deflate; client_no_context_takeover", "; client_no_context_takeover"),
        (
            "permessage-deflate; client_no_context_takeover; server_no_context_takeover",
            "; server_no_context_takeover; client_no_context_takeover",
        ),
        // 7.1.2.1: accepted by repeating it.
        ("permessage-deflate; server_max_window_bits=10", "; server_max_window_bits=10"),
        ("permessage-deflate; server_max_window_bits=15", "; server_max_window_bits=15"),
        ("permessage-deflate; server_max_window_bits=8", "; server_max_window_bits=8"),
        ("permessage-deflate; server_max_window_bits=\"10\"", "; server_max_window_bits=10"),
        ("permessage-deflate; server_max_window_bits=\"1\\0\"", "; server_max_window_bits=10"),
        // 7.1.2.2: a hint may be used.
        ("permessage-deflate; client_max_window_bits", ""),
        ("permessage-deflate; client_max_window_bits=15", ""),
        ("permessage-deflate; client_max_window_bits=9", "; client_max_window_bits=9"),
        // RFC 6455 9.1: lists, white space, other extensions, quoted strings in them.
        (" permessage-deflate\t;\tserver_max_window_bits = 9 ", "; server_max_window_bits=9"),
        ("x-webkit-deflate-frame, permessage-deflate", ""),
        ("foo; bar=\"a\\b\"; baz=1; baz, permessage-deflate, bar", ""),
        (", ,permessage-deflate,,", ""),
        // 7.1.3, 5.1: the first acceptable offer wins.
        ("permessage-deflate; server_max_window_bits=10, permessage-deflate", "; server_max_window_bits=10"),
        ("permessage-deflate; server_max_window_bits=16, permessage-deflate", ""),
        (
            "permessage-deflate; foo, permessage-deflate; server_no_context_takeover",
            "; server_no_context_takeover",
        ),
    ];
    for (offers, expected) in rows {
        check(&OPEN, offers, Some(expected));
    }
}

#[test]
fn offers_that_are_declined() {
    let rows = [
        "",
        " , ",
        "permessage-bzip2",
        // 7.1: unknown, repeated, bad values.
        "permessage-deflate; unknown",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10",
        "permessage-deflate; client_max_window_bits; client_max_window_bits=10",
        // 7.1.1: no value may be there. 7.1.2: a number from 8 to 15 without leading zeros.
        "permessage-deflate; server_no_context_takeover=true",
        "permessage-deflate; client_no_context_takeover=\"1\"",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=08",
        "permessage-deflate; server_max_window_bits=+9",
        "permessage-deflate; server_max_window_bits=100",
        "permessage-deflate; client_max_window_bits=1",
        "permessage-deflate; client_max_window_bits=x",
        "permessage-deflate; client_max_window_bits=99999999999999999999",
        // RFC 6455 9.1: a header that breaks the grammar says nothing at all.
        "permessage-deflate; ",
        "permessage-deflate;; server_no_context_takeover",
        "permessage-deflate; server_max_window_bits=",
        "permessage-deflate; server_max_window_bits=\"\"",
        "permessage-deflate; server_max_window_bits=\"10",
        "permessage-deflate; server_max_window_bits=\"10\\",
        "permessage-deflate; server_max_window_bits=\"10\"0",
        "permessage-deflate, foo; bar=\"a b\"",
        "permessage-deflate, foo bar",
        "permessage-deflate, =",
        "permessage-deflate, b\u{e4}r",
        "permessage-deflate, foo; a=\"\u{7f}\"",
        "permessage-deflate\r\n",
    ];
    for offers in rows {
        check(&OPEN, offers, None);
    }
}

#[test]
fn a_server_with_wishes() {
    let both = "; server_no_context_takeover; client_no_context_takeover";
    check(&Config::default(), "permessage-deflate", Some(both));
    check(&Config::default(), "permessage-deflate; client_max_window_bits", Some(both));
    let rows = [
        // 7.1.2.1: a limit may be answered that was not offered; 7.1.2.2: only if it was.
        ("permessage-deflate", "; server_max_window_bits=12"),
        (
            "permessage-deflate; client_max_window_bits",
            "; server_max_window_bits=12; client_max_window_bits=11",
        ),
        (
            "permessage-deflate; server_max_window_bits=9; client_max_window_bits=8",
            "; server_max_window_bits=9; client_max_window_bits=8",
        ),
        (
            "permessage-deflate; server_max_window_bits=14; client_max_window_bits=14",
            "; server_max_window_bits=12; client_max_window_bits=11",
        ),
    ];
    for (offers, expected) in rows {
        check(&LIMITED, offers, Some(expected));
    }
}

#[test]
fn several_header_lines_are_one_list() {
    let lines = ["foo", "permessage-deflate; server_max_window_bits=9", "permessage-deflate"];
    let params = Params::negotiate_lines(lines, &OPEN).unwrap();
    assert_eq!(params.server_max_window_bits, Some(9));
    assert_eq!(Params::negotiate_lines(["permessage-deflate", "a b"], &OPEN), None);
    assert_eq!(Params::negotiate_lines([], &OPEN), None);
}

#[test]
fn what_a_client_offers() {
    let offer = |config: &Config| {
        let mut out = Vec::new();
        config.write_offer(&mut out);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(offer(&OPEN), "permessage-deflate; client_max_window_bits");
    assert_eq!(
        offer(&Config { server_max_window_bits: 3, client_max_window_bits: 10, ..Config::default() }),
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
         server_max_window_bits=8; client_max_window_bits=10",
    );
}

#[test]
fn what_a_client_accepts() {
    let rows = [
        (OPEN, "permessage-deflate", Params::default()),
        (
            OPEN,
            "permessage-deflate; server_max_window_bits=15",
            Params { server_max_window_bits: Some(15), ..Params::default() },
        ),
        // 7.1.1.1, 7.1.1.2, 7.1.2.1: the server may answer these although they were not offered.
        (
            OPEN,
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
             server_max_window_bits=8; client_max_window_bits=\"9\"",
            Params {
                server_no_context_takeover: true,
                client_no_context_takeover: true,
                server_max_window_bits: Some(8),
                client_max_window_bits: Some(9),
            },
        ),
        // What this side promised holds.
        (
            LIMITED,
            "permessage-deflate; server_max_window_bits=12",
            Params {
                server_max_window_bits: Some(12),
                client_max_window_bits: Some(11),
                ..Params::default()
            },
        ),
        (
            Config { client_no_context_takeover: true, ..OPEN },
            "permessage-deflate",
            Params { client_no_context_takeover: true, ..Params::default() },
        ),
    ];
    for (config, response, expected) in rows {
        assert_eq!(Params::from_response(response, &config), Ok(expected), "{response}");
    }
}

#[test]
fn what_a_client_refuses() {
    use NegotiationError::*;
    let strict = Config { server_no_context_takeover: true, ..LIMITED };
    let rows = [
        (OPEN, "", Malformed),
        (OPEN, "permessage-deflate;", Malformed),
        (OPEN, "permessage-deflate, a b", Malformed),
        (OPEN, "foo", UnknownExtension),
        (OPEN, "permessage-deflate, foo", UnknownExtension),
        (OPEN, "permessage-deflate, permessage-deflate", RepeatedExtension),
        (OPEN, "permessage-deflate; foo", UnknownParameter),
        (
            OPEN,
            "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
            DuplicateParameter,
        ),
        (OPEN, "permessage-deflate; client_max_window_bits=9; client_max_window_bits=9", DuplicateParameter),
        (OPEN, "permessage-deflate; client_no_context_takeover=1", UnexpectedValue),
        (OPEN, "permessage-deflate; server_max_window_bits", MissingValue),
        (OPEN, "permessage-deflate; client_max_window_bits", MissingValue),
        (OPEN, "permessage-deflate; server_max_window_bits=7", InvalidWindowBits),
        (OPEN, "permessage-deflate; client_max_window_bits=015", InvalidWindowBits),
        (strict, "permessage-deflate; server_max_window_bits=12", ServerTakesContextOver),
        (strict, "permessage-deflate; server_no_context_takeover", ServerWindowTooLarge),
        (LIMITED, "permessage-deflate; server_max_window_bits=13", ServerWindowTooLarge),
        (
            LIMITED,
            "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12",
            ClientWindowTooLarge,
        ),
    ];
    for (config, response, expected) in rows {
        assert_eq!(Params::from_response(response, &config), Err(expected), "{response}");
    }
}

fn inflate(payloads: &[&[u8]], params: &Params) -> Result<Vec<Vec<u8>>, InflateError> {
    let mut decompressor = Decompressor::new(params, Role::Client);
    let mut message = |payload: &&[u8]| {
        let mut out = Vec::new();
        decompressor.decompress(payload, true, 1 << 20, &mut out).map(|()| out)
    };
    payloads.iter().map(&mut message).collect()
}

/// The examples of 7.2.3, and what may come beside them.
#[test]
fn payloads_that_are_accepted() {
    let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let rows: [(&[&[u8]], &[&str]); 10] = [
        // 7.2.3.1: one block.
        (&[&hello], &["Hello"]),
        // 7.2.3.2: the context is taken over.
        (&[&hello, &[0xf2, 0x00, 0x11, 0x00, 0x00]], &["Hello", "Hello"]),
        // 7.2.3.3: a stored block.
        (&[&[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00]], &["Hello"]),
        // 7.2.3.4: a final block, and the context behind it.
        (&[&[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00]], &["Hello"]),
        (
            &[&[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00], &[0xf2, 0x00, 0x11, 0x00, 0x00]],
            &["Hello", "Hello"],
        ),
        // 7.2.3.5: two blocks.
        (&[&[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00]], &["Hello"]),
        // 7.2.3.6: the empty message, as it should be, and as zlib leaves it after an earlier flush.
        (&[&[0x00]], &[""]),
        (&[&hello, &[], &[0xf2, 0x00, 0x11, 0x00, 0x00]], &["Hello", "", "Hello"]),
        // A final block without the byte behind it; a tail that was left in place.
        (&[&[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00], &hello], &["Hello", "Hello"]),
        (&[&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00, 0x00, 0xff, 0xff], &hello], &["Hello", "Hello"]),
    ];
    for (payloads, expected) in rows {
        let messages = inflate(payloads, &Params::default()).unwrap();
        assert_eq!(messages, expected.iter().map(|text| text.as_bytes()).collect::<Vec<_>>());
    }
}

#[test]
fn payloads_that_are_refused() {
    use InflateError::*;
    let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let again = [0xf2, 0x00, 0x11, 0x00, 0x00];
    let alone = Params { server_no_context_takeover: true, ..Params::default() };
    let rows: [(Params, &[&[u8]], InflateError); 8] = [
        // A distance beyond the first byte, in the first message and where the context was given up.
        (Params::default(), &[&again], InvalidData),
        (alone, &[&hello, &again], InvalidData),
        // A reserved block type, a stored block whose lengths differ, code lengths that fit no code.
        (Params::default(), &[&[0x06]], InvalidData),
        (Params::default(), &[&[0x00, 0x05, 0x00, 0xfa, 0xfe, 0x48]], InvalidData),
        (Params::default(), &[&[0xfc, 0xff, 0xff, 0xff, 0xff]], InvalidData),
        // Ends inside a block.
        (Params::default(), &[&hello[..4]], Truncated),
        (Params::default(), &[&[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c]], Truncated),
        (Params::default(), &[&[0x00, 0x20, 0x00, 0xdf, 0xff, 0x48, 0x65, 0x6c, 0x6c]], Truncated),
    ];
    for (params, payloads, expected) in rows {
        assert_eq!(inflate(payloads, &params), Err(expected), "{payloads:x?}");
    }
}

#[test]
fn an_error_lasts_until_the_reset() {
    let mut decompressor = Decompressor::new(&Params::default(), Role::Server);
    let mut out = Vec::new();
    assert_eq!(decompressor.decompress(&[0x06], false, 9, &mut out), Err(InflateError::InvalidData));
    assert_eq!(decompressor.decompress(&[0x00], true, 9, &mut out), Err(InflateError::InvalidData));
    let refused = decompressor.inflate(&[0x00], true, &mut [0; 9]);
    assert_eq!(refused, Err(InflateError::InvalidData));
    decompressor.reset();
    assert_eq!(decompressor.decompress(&[0x00], true, 9, &mut out), Ok(()));
    assert_eq!((out, InflateError::InvalidData.close_code()), (vec![], 1007));
}

/// 7.2.1: the tail is removed; 7.2.3.6: an empty message is one zero byte.
#[test]
fn what_the_compressor_writes() {
    for level in 0..=11 {
        let mut compressor = Compressor::new(&Params::default(), Role::Server, level);
        let mut out = Vec::new();
        compressor.compress(b"", &mut out);
        assert_eq!(out, [0x00]);
        out.clear();
        compressor.compress(b"Hello", &mut out);
        if level > 0 {
            assert_eq!(out, [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00], "7.2.3.1");
        }
        out.clear();
        compressor.compress(b"Hello", &mut out);
        assert!(!out.ends_with(&[0x00, 0x00, 0xff, 0xff]));
        out.clear();
        compressor.compress(b"", &mut out);
        assert_eq!(out, [0x00]);
    }
}
