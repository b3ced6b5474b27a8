//! `INFO` and `CONNECT`: what nats-server 2.15.0 writes and reads.

use dunlin_nats_protocol::{Connect, Info};

#[track_caller]
fn connect(json: &[u8], change: impl Fn(&mut Connect)) {
    let mut expected = Connect::default();
    change(&mut expected);
    match serde_json::from_slice::<Connect>(json) {
        // Not by `assert_eq`: `Debug` hides credentials.
        Ok(connect) => assert!(connect == expected, "{connect:?} instead of {expected:?}"),
        Err(error) => panic!("{error} in {}", String::from_utf8_lossy(json)),
    }
}

#[test]
fn connect_defaults() {
    let default = Connect::default();
    assert!(default.verbose && default.pedantic && default.echo);
    assert!(!default.headers && !default.no_responders && !default.tls_required && default.protocol == 0);
    for json in ["{}", " { } ", "null", "{\"verbose\":null,\"name\":null,\"protocol\":null}"] {
        connect(json.as_bytes(), |_| {});
    }
}

#[test]
fn connect_fields() {
    for (json, change) in [
        ("{\"verbose\":false}", (|c| c.verbose = false) as fn(&mut Connect)),
        ("{\"PEDANTIC\":false}", |c| c.pedantic = false),
        ("{\"eCHo\":false}", |c| c.echo = false),
        ("{\"tls_required\":true}", |c| c.tls_required = true),
        ("{\"headers\":true,\"no_responders\":true}", |c| (c.headers, c.no_responders) = (true, true)),
        ("{\"new_account\":true}", |c| c.new_account = true),
        ("{\"protocol\":1}", |c| c.protocol = 1),
        ("{\"protocol\":-9223372036854775808}", |c| c.protocol = i64::MIN),
        ("{\"name\":\"a\",\"lang\":\"b\",\"version\":\"c\"}", |c| {
            (c.name, c.lang, c.version) = ("a".into(), "b".into(), "c".into());
        }),
        ("{\"jwt\":\"a\",\"nkey\":\"b\",\"sig\":\"c\"}", |c| {
            (c.jwt, c.nkey, c.sig) = ("a".into(), "b".into(), "c".into());
        }),
        ("{\"auth_token\":\"a\",\"user\":\"b\",\"pass\":\"c\"}", |c| {
            (c.auth_token, c.user, c.pass) = ("a".into(), "b".into(), "c".into());
        }),
        ("{\"proxy_sig\":\"a\",\"account\":\"b\"}", |c| (c.proxy_sig, c.account) = ("a".into(), "b".into())),
        ("{\"user\":\"\\u00e9\\n\"}", |c| c.user = "\u{e9}\n".into()),
        ("{\"what\":{\"deep\":[1,{}]},\"echo\":false,\"x\":1.5}", |c| c.echo = false),
        ("{\"echo\":false,\"ECHO\":true}", |_| {}),
        ("{\"user\":\"a\",\"user\":null}", |c| c.user = "a".into()),
    ] {
        connect(json.as_bytes(), change);
    }
}

#[test]
fn connect_takes_strings_that_are_not_unicode() {
    connect(b"{\"name\":\"a\xff\"}", |c| c.name = "a\u{fffd}".into());
    connect(b"{\"\xff\":\"\xff\",\"name\":\"a\"}", |c| c.name = "a".into());
    let lone: Connect = serde_json::from_slice(b"{\"name\":\"\\ud800\"}").expect("a lone surrogate");
    assert!(lone.name.chars().all(|char| char == '\u{fffd}') && !lone.name.is_empty());
}

#[test]
fn connect_refuses() {
    for json in [
        "",
        "[]",
        "5",
        "\"a\"",
        "{",
        "{} x",
        "{\"verbose\":1}",
        "{\"verbose\":\"true\"}",
        "{\"echo\":[]}",
        "{\"name\":5}",
        "{\"name\":[97]}",
        "{\"lang\":{}}",
        "{\"protocol\":1.0}",
        "{\"protocol\":\"1\"}",
        "{\"protocol\":99999999999999999999}",
        "{\"pass\":false}",
        "{verbose:true}",
        "{\"a\":1,}",
    ] {
        assert!(serde_json::from_slice::<Connect>(json.as_bytes()).is_err(), "{json}");
    }
}

#[test]
fn connect_is_written() {
    let json = serde_json::to_string(&Connect { lang: "rust".into(), ..Connect::default() });
    let expected = "{\"verbose\":true,\"pedantic\":true,\"tls_required\":false,\"lang\":\"rust\",\"version\":\"\",\
        \"protocol\":0,\"echo\":true,\"headers\":false,\"no_responders\":false}";
    assert_eq!(json.expect("it is plain data"), expected);
    let full = Connect {
        user: "u".into(),
        pass: "secret".into(),
        jwt: "secret".into(),
        sig: "secret".into(),
        auth_token: "secret".into(),
        nkey: "n".into(),
        name: "x".into(),
        account: "a".into(),
        new_account: true,
        proxy_sig: "secret".into(),
        ..Connect::default()
    };
    let json = serde_json::to_vec(&full).expect("it is plain data");
    connect(&json, |c| *c = full.clone());
    assert!(!format!("{full:?}").contains("secret"));
}

#[test]
fn info_as_the_nats_server_writes_it() {
    for json in [SMALL_INFO, SYSTEM_INFO, ALL_FIELDS] {
        let info: Info = serde_json::from_str(json).expect("an INFO");
        assert_eq!(serde_json::to_string(&info).expect("it is plain data"), json);
    }
    let info: Info = serde_json::from_str(SMALL_INFO).expect("an INFO");
    assert_eq!((info.server_name.as_str(), info.port, info.max_payload), ("probe", 14222, 1_048_576));
    assert!(info.headers && !info.auth_required && info.connect_urls.is_empty());
}

#[test]
fn info_with_unknown_and_missing_fields() {
    let info: Info = serde_json::from_str("{\"ip\":\"1.2.3.4\",\"new\":{},\"port\":1}").expect("an INFO");
    assert_eq!(info, Info { port: 1, ..Info::default() });
    assert!(serde_json::from_str::<Info>("{\"port\":\"1\"}").is_err());
}

const SMALL_INFO: &str = "{\"server_id\":\"NBWV\",\"server_name\":\"probe\",\"version\":\"2.15.0\",\"proto\":1,\
    \"git_commit\":\"eb76367\",\"go\":\"go1.26.10\",\"host\":\"127.0.0.1\",\"port\":14222,\"headers\":true,\
    \"max_payload\":1048576,\"client_id\":5,\"client_ip\":\"127.0.0.1\",\"api_lvl\":5,\"xkey\":\"XCLF\"}";
/// After the first `PING` of a client in the system account, TLS and JetStream on.
const SYSTEM_INFO: &str = "{\"server_id\":\"NDSO\",\"server_name\":\"full\",\"version\":\"2.15.0\",\"proto\":1,\
    \"git_commit\":\"eb76367\",\"go\":\"go1.27.1\",\"host\":\"127.0.0.1\",\"port\":24512,\"headers\":true,\
    \"auth_required\":true,\"tls_verify\":true,\"tls_available\":true,\"max_payload\":1048576,\"jetstream\":true,\
    \"client_id\":5,\"client_ip\":\"127.0.0.1\",\"domain\":\"hub\",\"connect_info\":true,\"remote_account\":\"SYS\",\
    \"acc_is_sys\":true,\"api_lvl\":5,\"xkey\":\"XC4G\"}";
/// Not one that was seen: all fields, in the order that the server's source declares them.
const ALL_FIELDS: &str = "{\"server_id\":\"N\",\"server_name\":\"n\",\"version\":\"2.15.0\",\"proto\":1,\
    \"git_commit\":\"e\",\"go\":\"go\",\"host\":\"h\",\"port\":1,\"headers\":true,\"auth_required\":true,\
    \"tls_required\":true,\"tls_verify\":true,\"tls_available\":true,\"max_payload\":1,\"jetstream\":true,\
    \"client_id\":1,\"client_ip\":\"::1\",\"nonce\":\"x\",\"cluster\":\"c\",\"cluster_dynamic\":true,\"domain\":\"d\",\
    \"connect_urls\":[\"a:1\",\"b:2\"],\"ldm\":true,\"connect_info\":true,\"remote_account\":\"A\",\"acc_is_sys\":true,\
    \"api_lvl\":5,\"xkey\":\"X\"}";
