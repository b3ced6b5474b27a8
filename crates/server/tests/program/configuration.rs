//! Configuration files, through `-t`.

use std::process::Command;

use crate::support::{Folder, PROGRAM};

/// Checks a file with this text, and returns whether it is valid and what was said, a line each.
fn check(text: &str) -> (bool, Vec<String>) {
    let folder = Folder::new();
    folder.write("a.conf", text);
    let output =
        Command::new(PROGRAM).args(["-t", "-c", "a.conf"]).current_dir(folder.path()).output().unwrap();
    assert!(output.stdout.is_empty());
    let lines = String::from_utf8(output.stderr)
        .unwrap()
        .lines()
        .map(|line| line.replacen("dunlin: ", "", 1))
        .collect();
    (output.status.success(), lines)
}

#[test]
fn digest_is_that_of_nats_server() {
    // Taken from `nats-server -t`.
    for (text, digest) in [
        ("{port: 4222} # a comment\n", "797533ebd0dfba7d34a0f9337ecf147e442871f48ddfd07ed751575a5737267e"),
        ("x=5\nport: $x", "2c5e6fd6870f5614a30d9fa16f626cef8f85600f99dff43b391b62faa056536f"),
        ("server_name: \"\u{2028}<>&\"", "294438b85f2857312248d804b079d26850699fe0e47473d4317bc80bf641692b"),
    ] {
        let expected = format!("configuration file a.conf is valid (sha256:{digest})");
        assert_eq!(check(text), (true, vec![expected]), "{text}");
    }
}

#[test]
fn served_keys() {
    let text = r#"
        server_name: x, server_tags: [a, "b c"], server_metadata { region: "eu", "a b": c }
        no_sys_acc: true, no_system: false, no_system_account: yes
        listen: "127.0.0.1:-1"
        client_advertise: "a:1"
        http: ":-1"
        http_base_path: "/m"
        debug: true, trace: false, trace_verbose: no, logtime: on, logtime_utc: off
        log_file: "x.log", log_size_limit: 10mb, log_max_num: 3, max_traced_msg_len: 10
        pid_file: "x.pid", ports_file_dir: "."
        max_control_line: 8kb, max_payload: 2mb, max_pending: 5gb, max_connections: 0, max_subscriptions: 10
        max_sub_tokens: 8, max_closed_clients: 5
        ping_interval: "1m30s", ping_max: 3, write_deadline: 2s
        lame_duck_duration: "60s", lame_duck_grace_period: "5s"
        no_header_support: true
        workers: 2
        authorization { users: [
            { user: a, password: "$2a$04$5n0VDlPh4GBJmmIOBqJI4uj4WLEcleGwA.ReZhk15mvawrLa.v7WO" }
            { username: b, pass: $2a$04$5n0VDlPh4GBJmmIOBqJI4uj4WLEcleGwA.ReZhk15mvawrLa.v7WO, clients: [Standard, WEBSOCKET] }
        ], timeout: 1.5 }
        no_auth_user: b
        websocket {
            authorization { timeout: "3s" }, no_auth_user: a, user_cookie: u, pass_cookie: p, token_cookie: t
            listen: ":-1", no_tls: true, advertise: "a:1", handshake_timeout: 5, ping_interval: "5s", compression: false
            same_origin: true, allowed_origins: ["https://app.example.com", "https://*.example.com:8443"]
            require_origin: true, no_masking: false, headers { X-Frame: "y" }
        }
    "#;
    let (valid, lines) = check(text);
    assert!(valid && lines.len() == 1, "{lines:#?}");
}

#[test]
fn keys_that_are_not_served_yet_are_named() {
    let text = "cluster { name: c }\nleafnodes { port: -1 }\ngateway { name: g }\njetstream: true\nmqtt { port: -1 }\nstoredir: a\n\
        mappings { a: b }\nsystem_account: A\nresolver: MEMORY\naccounts { A {} }\nwrite_timeout: close\n";
    let (valid, lines) = check(text);
    assert!(valid, "{lines:#?}");
    for (index, line) in text.lines().enumerate() {
        let key = line.split([' ', ':']).next().unwrap();
        let expected =
            format!("warning: a.conf:{}:1: {key} is not served by dunlin yet, and has no effect", index + 1);
        assert_eq!(lines[index], expected);
    }
    for off in ["jetstream: false\nsyslog: off", "jetstream: Disabled", "jetstream { enabled: false }"] {
        assert_eq!(check(off).1.len(), 1, "{off}");
    }
}

/// By name, all that the blocks of nats-server 2.15.1 have of which dunlin serves something.
#[test]
fn no_key_of_nats_server_is_unknown() {
    const TOP: &str = "listen client_advertise port server_name host net debug trace trace_verbose trace_headers logtime logtime_utc \
        mappings maps disable_sublist_cache no_sublist_cache accounts default_sentinel authorization http https http_port monitor_port \
        https_port http_base_path cluster gateway leaf leafnodes store_dir storedir jetstream logfile log_file logfile_size_limit \
        log_size_limit logfile_max_num log_max_num syslog remote_syslog pidfile pid_file ports_file_dir prof_port prof_block_rate \
        max_control_line max_payload max_pending proxy_protocol max_connections max_conn max_traced_msg_len max_subscriptions \
        max_subs max_sub_tokens max_subscription_tokens ping_interval ping_max tls ocsp allow_non_tls write_deadline write_timeout \
        lame_duck_duration lame_duck_grace_period operator operators roots root root_operators root_operator resolver \
        account_resolver accounts_resolver resolver_tls resolver_preload resolver_pinned_accounts no_auth_user system_account \
        system no_system_account no_system no_sys_acc no_header_support trusted trusted_keys connect_error_reports \
        reconnect_error_reports websocket ws mqtt server_tags server_metadata feature_flags default_js_domain ocsp_cache \
        no_fast_producer_stall max_closed_clients proxies";
    const WEBSOCKET: &str = "listen port host net advertise no_tls tls same_origin allowed_origins allowed_origin allow_origins \
        allow_origin origins origin handshake_timeout compress compression authorization authentication jwt_cookie user_cookie \
        pass_cookie token_cookie no_auth_user headers ping_interval";
    const AUTHORIZATION: &str = "user username pass password token timeout users default_permission default_permissions permissions \
        auth_callout auth_hook proxy_required";
    const USER: &str = "nkey user username pass password permission permissions authorization allowed_connection_types \
        connection_types clients proxy_required";
    const TLS: &str = "cert_file key_file ca_file insecure verify verify_and_map verify_cert_and_check_known_urls \
        allow_insecure_cipher_suites cipher_suites curve_preferences timeout connection_rate_limit pinned_certs cert_store \
        cert_match_by cert_match ca_certs_match handshake_first first immediate cert_match_skip_invalid ocsp_peer certs \
        certificates min_version";
    for (before, keys, after) in [
        ("", TOP, ""),
        ("websocket {", WEBSOCKET, "}"),
        ("authorization {", AUTHORIZATION, "}"),
        ("websocket { authorization {", "user username pass password token timeout", "} }"),
        ("authorization { users: [ {", USER, "} ] }"),
        ("tls {", TLS, "}"),
    ] {
        let entries: String = keys.split_whitespace().map(|key| format!("{key}: []\n")).collect();
        let lines = check(&format!("{before}\n{entries}{after}")).1;
        let unknown: Vec<_> = lines.iter().filter(|line| line.contains("unknown field")).collect();
        assert!(unknown.is_empty(), "{before}: {unknown:#?}");
    }
    // Variables need be known to nobody, at whatever level.
    for text in [
        "x: 5\nport: $x, z: \"a\"\nserver_tags: [$z, b]\nlog_size_limit: $x, server_name: $z, w: on, debug: $w",
        "u: [{ user: a }]\nauthorization { t: 1.5, timeout: $t, users: $u }\nws { h: { A: b }, headers: $h, p: -1, port: $p, no_tls: on }",
        "authorization { users: [ { p: s, user: a, password: $p } ] }\nlimits { b: \"1s\", burst: $b }",
    ] {
        let (valid, lines) = check(text);
        assert!(valid, "{text}: {lines:#?}");
    }
}

#[test]
fn less_than_nothing_is_no_limit() {
    for text in [
        "max_payload: -1",
        "max_payload: -1, max_pending: 1kb",
        "max_connections: -1",
        "max_subscriptions: -1, max_subs: -9223372036854775808",
        "max_traced_msg_len: -1, max_traced_msg_len: 9223372036854775807",
        "log_size_limit: -1, log_max_num: -42, logfile_max_num: 9223372036854775807",
        "ping_max: 9223372036854775807",
        "websocket { port: -1, no_tls: true, handshake_timeout: -1, authorization { token: t, timeout: 0 } }",
    ] {
        let (valid, lines) = check(text);
        assert!(valid, "{text}: {lines:#?}");
    }
    // With these nats-server starts, or at least passes a check, and then nobody can connect or stay.
    for (text, error) in [
        ("max_pending: -1", "1:14: max_pending: -1 is less than 0"),
        ("max_control_line: -1", "1:19: max_control_line: -1 is not between 0 and 2147483647"),
        ("max_closed_clients: -1", "1:21: max_closed_clients: -1 is not between 0 and 2147483647"),
        ("ping_max: -1", "1:11: ping_max: -1 is less than 0"),
        ("ping_interval: \"-5s\"", "1:16: ping_interval: a duration cannot be negative"),
        ("write_deadline: \"-5s\"", "1:17: write_deadline: a duration cannot be negative"),
    ] {
        assert_eq!(check(text), (false, vec![format!("a.conf:{error}")]), "{text}");
    }
}

#[test]
fn what_a_server_is_called() {
    for (text, error) in [
        ("client_advertise: \"a:b\"", "1:19: client_advertise: \"a:b\" is not of the form host or host:port"),
        ("client_advertise: \"::1\"", "1:19: client_advertise: \"::1\" is not of the form host or host:port"),
        ("client_advertise: 4222", "1:19: client_advertise: expected text, found the number 4222"),
        ("server_tags: [a, 5]", "1:18: server_tags: expected text, found the number 5"),
        ("server_tags: {a: b}", "1:14: server_tags: expected text or a list of texts, found a block { ... }"),
        ("server_metadata: [a]", "1:18: server_metadata: expected a block { ... }, found a list [ ... ]"),
        ("server_metadata { a: 5 }", "1:22: a: expected text, found the number 5"),
    ] {
        assert_eq!(check(text), (false, vec![format!("a.conf:{error}")]), "{text}");
    }
    let output = Command::new(PROGRAM)
        .args(["-a", "127.0.0.1", "-p", "-1", "--client_advertise", "http://a"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(text.contains("client_advertise: \"http://a\" is not of the form host or host:port"), "{text}");
}

#[test]
fn security_is_never_ignored() {
    for text in [
        "authorization { token: t, permissions { publish: a } }",
        "authorization { token: t, auth_callout { issuer: A } }",
        "authorization { token: t, proxy_required: true }",
        "authorization { users: [{user: a, permissions { publish: b }}] }",
        "authorization { users: [{user: a, proxy_required: true}] }",
        "authorization { users: [{nkey: UA}] }",
        "accounts { A { users: [{user: a, password: b}] } }",
        "tls { cert_file: c }",
        "proxies { trusted: [{ key: k }] }",
        "operator: o.jwt",
        "trusted_keys: [k]",
        "websocket { port: 80, tls { cert_file: c } }",
        "websocket { port: 80, no_tls: true, jwt_cookie: a }",
        "websocket { port: 80 }",
    ] {
        let lines = mistakes(text);
        assert!(lines.len() == 1 && !lines[0].starts_with("warning"), "{text}: {lines:#?}");
    }
}

#[test]
fn what_is_empty_closes_nothing_off() {
    for text in [
        "operator: []\ntrusted_keys: []\nproxies {}\naccounts {}",
        "authorization { token: t, permissions {} }",
        "authorization { users: [{user: a, nkey: \"\", permissions {}}] }",
    ] {
        assert_eq!(mistakes(text), [""; 0], "{text}");
    }
    for text in ["accounts { A { users: [] } }", "accounts { A { nkey: ABC } }", "accounts: [A, B]"] {
        let lines = mistakes(text);
        assert_eq!(
            lines,
            ["warning: a.conf:1:1: accounts is not served by dunlin yet, and has no effect"],
            "{text}"
        );
    }
}

#[test]
fn mistakes_in_tls_are_shown_with_their_places() {
    for (inside, expected) in [
        ("cert_file: c", "1:1: missing 'key_file' in TLS configuration"),
        ("key_file: k", "1:1: missing 'cert_file' in TLS configuration"),
        ("verify: true", "1:1: tls needs cert_file and key_file"),
        ("", "1:1: tls needs cert_file and key_file"),
        ("cert_file: c\nkey_file: k", "2:12: cert_file: cannot read c: no such file or directory"),
        ("cert_file: a.conf\nkey_file: k", "2:12: cert_file: a.conf holds no certificate in PEM form"),
        ("certs: [{cert_file: c}]", "2:9: certs: each needs cert_file and key_file"),
        (
            "certs: [{cert_file: c, key_file: k}]\ncert_file: c, key_file: k",
            "1:1: tls: cannot combine 'cert_file' option",
        ),
        ("min_version: \"1.1\"", "2:14: min_version: \"1.1\" is not served"),
        (
            "cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]",
            "2:16: insecure cipher suites configured without 'allow_insecure_cipher_suites' option set",
        ),
        ("cipher_suites: [foo]", "2:16: cipher_suites: there is no cipher suite \"foo\""),
        ("cipher_suites: []", "2:16: cipher_suites cannot be empty"),
        ("curve_preferences: [x]", "2:20: curve_preferences: there is no key exchange \"x\""),
        ("pinned_certs: [abc]", "2:15: pinned_certs: \"abc\" does not look like hex-encoded sha256"),
        ("handshake_first: never", "2:18: field \"handshake_first\"'s value \"never\" is invalid"),
        ("timeout: -1.0", "2:10: timeout: this is not a time"),
        ("ocsp_peer: true", "2:1: ocsp_peer is not served by dunlin yet, and not to be ignored"),
        ("cert_store: x", "2:1: cert_store needs the certificate store of Windows"),
        ("foo: 1", "2:1: unknown field \"foo\" in the block tls"),
    ] {
        for (before, after) in [("tls {\n", "\n}"), ("websocket { port: 80, tls {\n", "\n}}")] {
            let (valid, lines) = check(&format!("{before}{inside}{after}"));
            assert!(!valid);
            let (line, rest) = expected.split_once(':').unwrap();
            let (column, text) = rest.split_once(':').unwrap();
            // The block itself stands elsewhere in the second form.
            let column = if line == "1" && before.starts_with('w') { "23" } else { column };
            let expected = format!("a.conf:{line}:{column}:{text}");
            assert!(lines.iter().any(|line| line.starts_with(&expected)), "{expected}\n{lines:#?}");
        }
    }
    let (valid, lines) = check("websocket { port: 80 }");
    assert!(!valid && lines[0].starts_with("a.conf:1:1: websocket requires TLS configuration"), "{lines:#?}");
    let (valid, lines) = check("websocket { listen: \"unix:x.sock\", no_tls: true, unix_mode: \"0x\" }");
    assert!(!valid && lines[0].contains("unix_mode: \"0x\" is not of the form \"0660\""), "{lines:#?}");
}

#[test]
fn all_mistakes_are_shown_with_their_places() {
    let (valid, lines) = check(
        "port: \"x\"\nunknown: 1\nmax_payload: 3gb\nping_interval: 2m\nlame_duck_duration: 3s\nwebsocket{port: 80}\nx: 5\nmax_connections: $x\n\
         websocket {port: 1, no_tls: on,\n foo: 1\n headers { Host: a, Sec-WebSocket-X: b, \"a b\": c, d: \"e\\r\\n\" }\n origins: [foo, \"http://\"]\n}\n",
    );
    assert!(!valid);
    let expected = [
        "a.conf:1:7: port: expected a whole number (without quotes), found the text \"x\"",
        "a.conf:2:1: unknown field \"unknown\"",
        "a.conf:3:14: max_payload: 3221225472 is not between -1 and 2147483647",
        "a.conf:5:21: invalid lame_duck_duration, minimum is 30 seconds",
        "a.conf:6:1: unknown field \"websocket{port\" (put a blank after the key)",
    ];
    assert_eq!(lines[..5], expected, "{lines:#?}");
    for (line, part) in [
        (5, "a.conf:10:2: unknown field \"foo\" in the block websocket"),
        (6, "a.conf:11:12: websocket: invalid header \"Host\" not allowed"),
        (
            7,
            "a.conf:11:21: websocket: invalid header \"Sec-WebSocket-X\", \"Sec-WebSocket-\" prefix not allowed",
        ),
        (8, "a.conf:11:41: websocket: \"a b\" is not the name of a header"),
        (9, "a.conf:11:54: websocket: the value of the header \"d\" holds control characters"),
        (10, "a.conf:12:11: unable to parse allowed origin \"foo\": allowed origins must be absolute URLs"),
        (11, "a.conf:12:11: unable to parse allowed origin \"http://\": host is required"),
        (
            12,
            "a.conf:4:16: ping_interval: 2000000 is read as seconds: write a duration with its unit, as in \"2000000s\" (an `m` needs quotes",
        ),
    ] {
        assert!(lines[line].starts_with(part), "{part}\n{lines:#?}");
    }
}

#[test]
fn origins_and_advertised_addresses_are_checked() {
    for (line, error) in [
        ("origin: ftp://foo", "allowed origins must be absolute URLs with http or https scheme"),
        (
            "allow_origins: [\"https://a\", \"https://a.*.b\"]",
            "a * can only stand for sub-domains, as in https://*.example.com",
        ),
        ("allowed_origins: \"http://a b\"", "the host is neither a name nor an IP address"),
        ("advertise: \"http://a\"", "advertise: \"http://a\" is not of the form host or host:port"),
        ("advertise: \"a:70000\"", "advertise: \"a:70000\" is not of the form host or host:port"),
        ("require_origin: 1", "require_origin: expected true or false (without quotes), found the number 1"),
    ] {
        let (valid, lines) = check(&format!("websocket {{ port: 80, no_tls: true\n{line} }}"));
        assert!(
            !valid && lines.len() == 1 && lines[0].starts_with("a.conf:2:") && lines[0].ends_with(error),
            "{lines:#?}"
        );
    }
}

#[test]
fn settings_must_fit_each_other() {
    for (text, error) in [
        (
            "max_payload: 3mb, max_pending: 2mb",
            "max_payload (3145728) cannot be higher than max_pending (2097152)",
        ),
        ("lame_duck_grace_period: \"3m\"", "lame_duck_grace_period must be shorter than lame_duck_duration"),
        ("port: 4222, http: 4222", "http and port cannot both listen on port 4222"),
        // No HTTPS is no reason for no HTTP.
        ("port: 4222, http: 4222, https: 0", "http and port cannot both listen on port 4222"),
        (
            "port: 80\nwebsocket { port: 80, no_tls: true, host: 127.0.0.1 }",
            "websocket and port cannot both listen on port 80",
        ),
        ("", "a.conf: config has no values or is empty"),
        ("server_name: \"a\0b\"", "a.conf:1:16: a byte stands here that is no text: it is NUL or not UTF-8"),
        (
            "ping_interval: 5",
            "a.conf:1:16: ping_interval: 5 is read as seconds: write a duration with its unit, as in \"5s\"",
        ),
        ("include nope.conf", "a.conf:1:9: cannot include \"nope.conf\": there is no such file"),
        (
            "port: $NO_SUCH_VARIABLE_SET",
            "a.conf:1:7: variable $NO_SUCH_VARIABLE_SET not found: no earlier key and no environment variable has this name",
        ),
    ] {
        assert_eq!(check(text), (false, vec![error.to_owned()]), "{text}");
    }
    let (valid, _) = check(
        "listen: \"127.0.0.1:4222\", http: \"127.0.0.2:4222\"\nwebsocket { listen: \"127.0.0.3:4222\", no_tls: true }",
    );
    assert!(valid);
}

#[test]
fn monitoring_and_websocket_may_have_the_same_port_of_the_same_host() {
    const SHARED: Option<&str> = None;
    const HOSTS: Option<&str> = Some("http has host");
    const CLASH: Option<&str> = Some("cannot both listen on port 8222");
    for (rest, http, websocket, expected) in [
        // A host that nobody has written is the other's.
        ("", "http_port: 8222", "port: 8222", SHARED),
        ("listen: \"127.0.0.1:4222\"", "http_port: 8222", "port: 8222", SHARED),
        ("host: \"::1\"", "http_port: 8222", "port: 8222", SHARED),
        ("", "http: \"127.0.0.1:8222\"", "port: 8222", SHARED),
        ("", "http_port: 8222", "host: 127.0.0.1, port: 8222", SHARED),
        ("", "http_port: 8222", "listen: \"10.0.0.1:8222\"", SHARED),
        ("host: 10.0.0.1", "http: \":8222\"", "listen: \"127.0.0.1:8222\"", SHARED),
        // The same host in other words.
        ("", "http: \"0.0.0.0:8222\"", "host: \"::\", port: 8222", SHARED),
        ("", "http: \"[::]:8222\"", "listen: \":8222\"", SHARED),
        ("", "http: \"LocalHost:8222\"", "listen: \"localhost:8222\"", SHARED),
        ("", "http: \"127.0.0.1:8222\"", "listen: \"localhost:8222\"", SHARED),
        ("", "http: \"localhost:8222\"", "listen: \"[::1]:8222\"", SHARED),
        ("", "http: \"10.0.0.1:8222\"", "host: \"::ffff:10.0.0.1\", port: 8222", SHARED),
        ("", "http: \"name:8222\"", "host: NAME, port: 8222", SHARED),
        // Hosts that both were written, and differ.
        ("", "http: \"127.0.0.1:8222\"", "host: \"0.0.0.0\", port: 8222", HOSTS),
        ("", "http: \"[::]:8222\"", "listen: \"10.0.0.1:8222\"", HOSTS),
        // Others have no port in common.
        ("", "http: \"10.0.0.1:8222\"", "listen: \"10.0.0.2:8222\"", SHARED),
        ("", "http: \"127.0.0.1:8222\"", "listen: \"[::1]:8222\"", SHARED),
        ("port: 8222", "http_port: -1", "port: 8222", CLASH),
        ("listen: \"127.0.0.1:8222\"", "http_port: -1", "port: 8222", CLASH),
        ("listen: \"127.0.0.1:8222\"", "http: \"[::]:8222\"", "port: -1", CLASH),
        ("listen: \"[::1]:8222\"", "http: \"localhost:8222\"", "port: -1", CLASH),
        ("listen: \"[::1]:8222\"", "http: \"127.0.0.1:8222\"", "port: -1", SHARED),
    ] {
        // Whatever the order of the keys.
        let websocket = format!("websocket {{ {websocket}, no_tls: true }}");
        for keys in [[rest, http, &websocket], [&websocket, http, rest], [http, rest, &websocket]] {
            let text = keys.join("\n");
            let (valid, lines) = check(&text);
            match expected {
                None => assert!(valid && lines.len() == 1, "{text}: {lines:#?}"),
                Some(error) => assert!(!valid && lines[0].contains(error), "{text}: {lines:#?}"),
            }
        }
    }
}

#[test]
fn includes_are_relative_to_the_including_file() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path().join("d")).unwrap();
    folder.write("a.conf", "include d/b.conf\nport: $p");
    folder.write("d/b.conf", "p: -1\ninclude \"c.conf\"");
    folder.write("d/c.conf", "debug: 5");
    let path = folder.path().join("a.conf");
    let check = || Command::new(PROGRAM).arg("-t").arg("-c").arg(&path).output().unwrap();
    let output = check();
    let expected = folder.path().join("d/c.conf");
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        format!(
            "dunlin: {}:1:8: debug: expected true or false (without quotes), found the number 5\n",
            expected.display()
        )
    );
    // As with nats-server, a path from the root is looked for in the folder too, and found there before.
    folder.write("d/c.conf", "debug: on");
    for path in ["/d/b.conf".to_owned(), folder.path().join("d/b.conf").display().to_string()] {
        folder.write("a.conf", &format!("include {path:?}\nport: $p"));
        let output = check();
        assert!(output.status.success(), "{path}: {output:?}");
    }
}

/// Checks a block, and returns what is wrong with it.
fn mistakes(text: &str) -> Vec<String> {
    let (valid, lines) = check(text);
    let lines: Vec<String> = lines.into_iter().filter(|line| !line.contains("Plaintext passwords")).collect();
    assert_eq!(valid, lines.iter().any(|line| line.contains(" is valid ")), "{text}: {lines:#?}");
    lines.into_iter().filter(|line| !line.contains(" is valid ")).collect()
}

#[test]
fn who_may_connect_is_said_without_contradiction() {
    const USERS: &str = "authorization { users: [{user: a, password: b}] }\n";
    for (text, expected) in [
        ("authorization { user: a, password: b, token: t }", "1:1: Cannot have a user/pass and token"),
        (
            "authorization { user: a, users: [{user: a}] }",
            "1:1: Can not have a single user/pass and a users array",
        ),
        ("authorization { token: t, users: [{user: a}] }", "1:1: Can not have a token and a users array"),
        ("authorization { users: [{user: a}, {user: a}] }", "1:36: Duplicate user \"a\" detected"),
        ("authorization { users: [{password: b}] }", "1:25: User entry requires a user"),
        (
            "authorization { users: [{user: a, connection_types: [foo, STANDARD, B]}] }",
            "1:35: invalid connection types [\"FOO\" \"B\"]",
        ),
        ("authorization { users: 5 }", "1:24: users: expected a list [ ... ], found the number 5"),
        ("authorization { users: [{user: a, foo: b}] }", "1:35: unknown field \"foo\" in the block users"),
        ("authorization { foo: 1 }", "1:17: unknown field \"foo\" in the block authorization"),
        (
            "authorization { password: b }",
            "1:1: authorization has a password and no user: nobody would be asked for it",
        ),
        // A secret is not shown.
        (
            "authorization { user: a, password: 12345 }",
            "1:36: password: expected text (a number needs quotes)",
        ),
        ("authorization { token: 12345 }", "1:24: token: expected text (a number needs quotes)"),
        ("authorization { token: t, timeout: -1 }", "1:36: timeout: a duration cannot be negative"),
        ("authorization { token: t, timeout: -1.5 }", "1:36: timeout: -1.5 is no number of seconds"),
        (
            "authorization { token: t, timeout: 1m }",
            "1:36: timeout of 1000000 seconds is high, consider keeping it under 60 seconds (an `m` needs quotes: \"1m\")",
        ),
        ("no_auth_user: c", "1:15: no_auth_user: \"c\" present, but users/nkeys are not defined"),
        (
            "authorization { user: c }\nno_auth_user: c",
            "2:15: no_auth_user: \"c\" present, but users/nkeys are not defined",
        ),
        (
            &format!("no_auth_user: c\n{USERS}"),
            "1:15: no_auth_user: \"c\" not present as user or nkey in authorization block or account configuration",
        ),
        (
            &format!("websocket {{ port: -1, no_tls: true, no_auth_user: c }}\n{USERS}"),
            "1:51: no_auth_user: \"c\" not present as user or nkey in authorization block or account configuration",
        ),
        (
            &format!("ws {{ port: -1, no_tls: true, authorization {{ user: c }} }}\n{USERS}"),
            "1:30: websocket authentication username not compatible with presence of users/nkeys",
        ),
        (
            &format!("websocket {{ port: -1, no_tls: true, authentication {{ token: c }} }}\n{USERS}"),
            "1:37: websocket authentication token not compatible with presence of users/nkeys",
        ),
        (
            "websocket { port: -1, no_tls: true, authorization { users: [] } }",
            "1:53: unknown field \"users\" in the block websocket authorization",
        ),
        (
            "websocket { port: -1, no_tls: true, authorization { user: a, token: c } }",
            "1:37: Cannot have a user/pass and token",
        ),
    ] {
        assert_eq!(mistakes(text), [format!("a.conf:{expected}")], "{text}");
    }
    for text in [
        "authorization { user: a }",
        "authorization { token: t, timeout: 0 }",
        "authorization { users: [{user: a, proxy_required: false}] }",
        "authorization { timeout: 1 }",
        "websocket { port: -1, no_tls: true, auth_timeout: 1.5, authorization { token: t } }",
        &format!("websocket {{ port: -1, no_tls: true, no_auth_user: a }}\n{USERS}"),
    ] {
        assert_eq!(mistakes(text), [""; 0], "{text}");
    }
    assert_eq!(
        mistakes("authorization { users: [] }"),
        ["warning: a.conf:1:17: users is empty: every client is let in"]
    );
}

#[test]
fn passwords_in_clear_text_are_warned_about() {
    const WARNING: &str = "warning: Plaintext passwords detected, use nkeys or bcrypt";
    for (text, warns) in [
        ("authorization { user: a, password: b }", true),
        ("authorization { users: [{user: a, password: \"$2b$04$x\"}, {user: b, password: b}] }", true),
        ("websocket { port: -1, no_tls: true, authorization { user: a, password: b } }", true),
        ("authorization { user: a, password: \"$2b$04$x\" }", false),
        ("authorization { token: t }", false),
    ] {
        assert_eq!(check(text).1.iter().any(|line| line == WARNING), warns, "{text}");
    }
}

#[test]
fn peers_and_their_limits() {
    let (valid, lines) = check(
        "proxy_protocol: true\ntrusted_proxies: [\"10.0.0.0/8\", \"::1\"]\n\
        limits { connections_per_address: 100, handshakes_per_second: 20, burst: \"2s\", over_rate: close\n\
          publish_messages_per_second: 1k, publish_bytes_per_second: 1mb\n\
          user_publish_messages_per_second: 10k, user_publish_bytes_per_second: 10mb }\n\
        websocket { port: -1, no_tls: true, proxy_protocol: true, trusted_proxies: \"127.0.0.1\", limits { burst: \"1s\" } }\n",
    );
    assert!(valid && lines.len() == 1, "{lines:#?}");
    let (valid, lines) = check("websocket { port: -1, no_tls: true, proxy_protocol: true }\n");
    assert!(valid);
    assert_eq!(
        lines[0],
        "warning: websocket proxy_protocol without trusted_proxies: whoever reaches the port can say where it comes from"
    );
    for (text, expected) in [
        (
            "trusted_proxies: [localhost]",
            "a.conf:1:18: trusted_proxies: \"localhost\": expected an IP address or a range such as 10.0.0.0/8",
        ),
        (
            "trusted_proxies: \"10.0.0.0/33\"",
            "a.conf:1:18: trusted_proxies: \"10.0.0.0/33\": the number behind the / must be from 0 to 32 (IPv4) or 128 (IPv6)",
        ),
        ("limits { foo: 1 }", "a.conf:1:10: unknown field \"foo\" in the block limits"),
        ("limits { over_rate: fast }", "a.conf:1:21: over_rate: \"fast\" is not slow or close"),
        (
            "limits { connections_per_address: -1 }",
            "a.conf:1:35: connections_per_address: -1 is not between 0 and 4294967295",
        ),
        ("limits: 5", "a.conf:1:9: limits: expected a block { ... }, found the number 5"),
        (
            "proxy_protocol: 1",
            "a.conf:1:17: proxy_protocol: expected true or false (without quotes), found the number 1",
        ),
    ] {
        let (valid, lines) = check(text);
        assert!(!valid);
        assert_eq!(lines[0], expected);
    }
}
