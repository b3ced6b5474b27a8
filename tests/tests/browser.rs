//! Chromium: pages with `nats.ws` and with `@nats-io/nats-core`, and the React example.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use dunlin_tests::{Authority, Issued, Kind, Link, RawTcp, Script, ServerProcess, TempDir, workspace_root};
use serde_json::{Value, json};

use crate::clients_node;
use crate::slow_consumer::{self, MESSAGES, dropped, flood};
use crate::support::{expect_checks, installed, secure, start};

/// What the scripts of this file need.
struct Browser {
    node: PathBuf,
    vars: Vec<(&'static str, OsString)>,
}

impl Browser {
    /// `None`: something is not installed, which is noted.
    fn find(test: &str) -> Option<Browser> {
        let (node, _) = (installed(test, "node")?, installed(test, "node_modules")?);
        let chromium = installed(test, "chromium")?;
        let screenshot = workspace_root().join("target/e2e").join(test).with_extension("png");
        let vars = vec![("CHROMIUM", chromium.into()), ("SCREENSHOT", screenshot.into())];
        Some(Browser { node, vars })
    }

    fn visits(mut self, server: &ServerProcess) -> Browser {
        self.vars.push(("NATS_URL", server.nats_url().into()));
        self.vars.push(("WEBSOCKET_URL", server.websocket_url().into()));
        self
    }

    fn with(mut self, vars: impl IntoIterator<Item = (&'static str, OsString)>) -> Browser {
        self.vars.extend(vars);
        self
    }

    /// Starts the script `tests/js/<name>`.
    fn run(&self, name: &str, args: &[&str]) -> Script {
        let script = workspace_root().join("tests/js").join(name);
        let args: Vec<_> = [script.as_os_str()].into_iter().chain(args.iter().map(OsStr::new)).collect();
        let vars: Vec<_> = self.vars.iter().map(|(name, value)| (*name, value.as_os_str())).collect();
        Script::start(self.node.as_os_str(), &args, &vars)
    }
}

/// A home whose certificate database trusts `authority`: Chromium itself judges what is signed by it, or by others.
fn home_that_trusts(test: &str, authority: &Authority) -> Option<TempDir> {
    let certutil = installed(test, "certutil")?;
    let home = TempDir::new();
    let folder = home.path().join(".pki/nssdb");
    fs::create_dir_all(&folder).unwrap();
    let run = |args: &[&str]| {
        let mut command = Command::new(&certutil);
        let database = format!("sql:{}", folder.display());
        let output = command.args(args).args(["-d", &database]).output().unwrap();
        assert!(output.status.success(), "certutil {args:?}: {output:?}");
    };
    run(&["-N", "--empty-password"]);
    run(&["-A", "-n", "test", "-t", "C,,", "-i", authority.ca_file().to_str().unwrap()]);
    Some(home)
}

fn checks(test: &str, library: &str, authority: Option<&Authority>) {
    if authority.is_some() && Kind::under_test() == Kind::Official {
        // It cuts off who sends a compressed message of 1 MB.
        return;
    }
    let Some(mut browser) = Browser::find(test) else { return };
    let conf = authority.map(secure).unwrap_or_default();
    let Some(mut server) = start(test, &conf) else { return };
    let mut home = None;
    if let Some(authority) = authority {
        home = home_that_trusts(test, authority);
        let Some(home) = &home else { return };
        let vars = clients_node::secure_vars(authority);
        browser = browser.with(vars).with([("HOME", home.path().into())]);
    }
    let script = browser.visits(&server).run("browser.js", &[library]);
    let checks = [clients_node::CHECKS, &["two tabs and a tcp client", "screenshot"]].concat();
    expect_checks(script, &mut server, &checks);
    drop(home);
}

#[test]
fn a_page_with_nats_ws() {
    checks("a_page_with_nats_ws", "nats-ws", None);
}

#[test]
fn a_page_with_nats_core() {
    checks("a_page_with_nats_core", "nats-core", None);
}

#[test]
fn a_page_with_nats_ws_over_wss_and_compressed() {
    let authority = Authority::new("ca");
    checks("a_page_with_nats_ws_over_wss_and_compressed", "nats-ws", Some(&authority));
}

#[test]
fn a_page_with_nats_core_over_wss_and_compressed() {
    let authority = Authority::new("ca");
    checks("a_page_with_nats_core_over_wss_and_compressed", "nats-core", Some(&authority));
}

#[test]
fn the_react_dashboard() {
    let test = "the_react_dashboard";
    let Some(browser) = Browser::find(test) else { return };
    if installed(test, "react_dashboard").is_none() {
        return;
    }
    let Some(mut server) = start(test, "") else { return };
    let script = browser.visits(&server).run("dashboard.js", &[]);
    let checks = ["build", "messages in order", "messages after a restart", "screenshot"];
    expect_checks(script, &mut server, &checks);
}

/// A tab that stands still (in the debugger, on a long computation, in the background) misses messages, and keeps its connection.
#[test]
fn a_tab_that_stands_still_catches_up() {
    let test = "a_tab_that_stands_still_catches_up";
    let Some(browser) = Browser::find(test) else { return };
    let Some(server) = slow_consumer::start("latest_per_subject") else { return };
    let mut script = browser.visits(&server).run("tab.js", &[]);
    let mut rounds = 0;
    while let Some(line) = script.line() {
        if line == "do flood" {
            flood(&server, MESSAGES);
            script.answer(&(MESSAGES - 1).to_string());
        } else if let Some(numbers) = line.strip_prefix("do compare ") {
            let numbers: Vec<usize> = serde_json::from_str(numbers).unwrap();
            rounds += 1;
            if rounds == 1 {
                let (count, connections) = dropped(&server);
                assert!(count > 0 && connections[0]["dropped_msgs"] == count, "{count}: {connections}");
                assert!(numbers.is_sorted(), "{numbers:?}");
                assert_eq!(numbers.len() as u64 + count, MESSAGES as u64);
                let newest = core::array::from_fn::<_, 10, _>(|n| MESSAGES - 10 + n);
                assert_eq!(numbers[numbers.len() - 10..], newest);
                flood(&server, 20);
            } else {
                assert_eq!(numbers, (0..20).collect::<Vec<_>>());
            }
            script.answer("19");
        }
    }
    let reports = ["caught up", "went on", "it saw 0 changes of its connection", "screenshot"];
    assert_eq!(script.finish(), reports);
    assert_eq!(rounds, 2);
}

/// A server for the browser to come to.
struct Door {
    name: &'static str,
    server: ServerProcess,
}

impl Door {
    /// With these keys in the block `websocket`, and `more` outside.
    fn open(name: &'static str, keys: &str, more: &str) -> Door {
        let conf = format!("websocket {{ listen: \"127.0.0.1:{{ws_port}}\"\n{keys} }}\n{more}\n");
        Door { name, server: ServerProcess::start(Kind::Dunlin, &conf, &[]) }
    }

    /// On one port with monitoring, for pages of this port alone.
    fn shared(name: &'static str, monitoring: &str, keys: &str, more: &str) -> Door {
        let keys = format!("same_origin: true, {keys}");
        let conf = format!(
            "{monitoring}: {{free_port}}, host: 127.0.0.1\n\
             websocket {{ listen: \"127.0.0.1:{{free_port}}\"\n{keys} }}\n{more}\n"
        );
        Door { name, server: ServerProcess::start(Kind::Dunlin, &conf, &[]) }
    }

    fn tls(name: &'static str, keys: &str, certificate: &Issued) -> Door {
        Door::open(name, &format!("{keys}\ntls {{ {} }}", certificate.conf()), "")
    }

    /// A visit, by a browser that knows `localhost`, from the page and with the cookies that `more` names.
    fn visit(&self, name: &str, more: &Value) -> Value {
        let url = self.server.websocket_url().replace("127.0.0.1", "localhost") + "/";
        let mut visit = json!({ "name": format!("{}{name}", self.name), "url": url });
        visit.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        visit
    }

    /// It has said `text`, and serves on.
    fn complains_and_goes_on(&self, text: &str) {
        self.server.wait_for_log(text);
        let mut link = Link::Tcp(RawTcp::connect(self.server.addresses().nats));
        link.send(b"CONNECT {\"verbose\":false}\r\nPING\r\n");
        link.expect(b"PONG\r\n");
    }
}

const DEFLATE: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/// Has the browser make the visits that `plan` gives for the port of its page, and returns what became of them.
fn make_visits(browser: &Browser, plan: impl FnOnce(&str) -> Vec<Value>) -> Vec<String> {
    let mut script = browser.run("door.js", &[]);
    let line = script.line().unwrap();
    let port = line.strip_prefix("do visits ").unwrap();
    script.answer(&Value::from(plan(port)).to_string());
    script.finish()
}

#[test]
fn a_browser_judges_certificates_and_compresses() {
    let test = "a_browser_judges_certificates_and_compresses";
    if Kind::under_test() != Kind::Dunlin {
        return;
    }
    let (authority, stranger) = (Authority::new("ca"), Authority::new("ca"));
    let Some(browser) = Browser::find(test) else { return };
    let Some(home) = home_that_trusts(test, &authority) else { return };
    let browser = browser.with([("HOME", home.path().into())]);
    let right = authority.server("right");
    let verify = format!("tls {{ {} ca_file: {:?}, verify: true }}", right.conf(), authority.ca_file());
    let doors = [
        Door::open("ws", "no_tls: true", ""),
        Door::open("ws compressed", "no_tls: true, compression: true", ""),
        Door::tls("wss", "", &right),
        Door::tls("wss compressed", "compression: true", &right),
        Door::tls("expired", "", &authority.expired_server("expired")),
        Door::tls("of another name", "", &authority.server_of("other", "other.example")),
        Door::tls("of a stranger", "", &stranger.server("stranger")),
        // It has no certificate of its own, and nobody whom it could ask for one.
        Door::open("for friends", &verify, ""),
    ];
    let seen = make_visits(&browser, |_| doors.iter().map(|door| door.visit("", &json!({}))).collect());
    assert_eq!(
        seen,
        [
            "ws: heard, plain, long there and long back".to_owned(),
            format!("ws compressed: heard, {DEFLATE}, short there and short back"),
            "wss: heard, plain, long there and long back".to_owned(),
            format!("wss compressed: heard, {DEFLATE}, short there and short back"),
            "expired: Error in connection establishment: net::ERR_CERT_DATE_INVALID".to_owned(),
            "of another name: Error in connection establishment: net::ERR_CERT_COMMON_NAME_INVALID"
                .to_owned(),
            "of a stranger: Error in connection establishment: net::ERR_CERT_AUTHORITY_INVALID".to_owned(),
            "for friends: WebSocket opening handshake was canceled".to_owned(),
        ]
    );
    for door in &doors[..4] {
        assert!(!door.server.log().contains("[ERR]"), "{}", door.server.log());
    }
    let text = "TLS handshake error: received fatal alert: CertificateUnknown: \
                the client does not accept the server's certificate";
    for door in &doors[4..7] {
        door.complains_and_goes_on(text);
    }
    doors[7].complains_and_goes_on("TLS handshake error: unexpected end of file");
}

#[test]
fn a_browser_comes_from_an_origin() {
    let test = "a_browser_comes_from_an_origin";
    if Kind::under_test() != Kind::Dunlin {
        return;
    }
    let authority = Authority::new("ca");
    let Some(browser) = Browser::find(test) else { return };
    let Some(home) = home_that_trusts(test, &authority) else { return };
    let browser = browser.with([("HOME", home.path().into())]);
    let shared = Door::shared("shared", "http_port", "no_tls: true", "");
    let tls = format!("tls {{ {} }}", authority.server("right").conf());
    let shared_tls = Door::shared("shared, with TLS", "https_port", &tls, &tls);
    let front = Door::open("front", "no_tls: true, same_origin: true", "");
    let mut origins = None;
    let seen = make_visits(&browser, |port| {
        let keys = format!("no_tls: true, allowed_origins: [\"http://localhost:{port}\"]");
        let origins = origins.insert(Door::open("origin", &keys, ""));
        vec![
            origins.visit(" allowed", &json!({})),
            origins.visit(" forbidden", &json!({ "page": format!("http://127.0.0.1:{port}/") })),
            shared.visit(" from a page of this port", &json!({ "page": "/varz" })),
            shared.visit(" from elsewhere", &json!({})),
            shared_tls.visit(" from a page of this port", &json!({ "page": "/varz" })),
            shared_tls.visit(" from elsewhere", &json!({})),
            front.visit(" from the page of this port", &json!({ "page": "/" })),
        ]
    });
    let heard = "heard, plain, long there and long back";
    let refused = "Error during WebSocket handshake: Unexpected response code: 403";
    let wanted = [
        ("origin allowed", heard),
        ("origin forbidden", refused),
        ("shared from a page of this port", heard),
        ("shared from elsewhere", refused),
        ("shared, with TLS from a page of this port", heard),
        ("shared, with TLS from elsewhere", refused),
        ("front from the page of this port", heard),
    ];
    assert_eq!(seen, wanted.map(|(name, outcome)| format!("{name}: {outcome}")));
    origins.unwrap().complains_and_goes_on("origin not allowed: not in the allowed list (http://127.0.0.1:");
    shared.complains_and_goes_on("origin not allowed: not same origin");
    shared_tls.server.wait_for_log("origin not allowed: not same origin");
}

#[test]
fn a_page_without_credentials_is_known_by_its_cookies() {
    let test = "a_page_without_credentials_is_known_by_its_cookies";
    if Kind::under_test() != Kind::Dunlin {
        return;
    }
    let authority = Authority::new("ca");
    let Some(browser) = Browser::find(test) else { return };
    let Some(home) = home_that_trusts(test, &authority) else { return };
    let browser = browser.with([("HOME", home.path().into())]);
    let user = Door::open(
        "user",
        "no_tls: true, user_cookie: name, pass_cookie: word",
        "authorization { user: app, password: s3cret }",
    );
    let token = Door::open("token", "no_tls: true, token_cookie: t", "authorization { token: s3cret }");
    let tls = format!("tls {{ {} }}", authority.server("right").conf());
    let secure = Door::shared(
        "wss",
        "https_port",
        &format!("token_cookie: t, {tls}"),
        &format!("authorization {{ token: s3cret }}\n{tls}"),
    );
    let seen = make_visits(&browser, |_| {
        vec![
            user.visit("", &json!({ "cookies": { "name": "app", "word": "s3cret" } })),
            user.visit(" with a wrong password", &json!({ "cookies": { "name": "app", "word": "secret" } })),
            user.visit(" without cookies", &json!({})),
            token.visit("", &json!({ "cookies": { "t": "s3cret" } })),
            token.visit(" that is wrong", &json!({ "cookies": { "t": "x" } })),
            secure.visit("", &json!({ "page": "/varz", "cookies": { "t": "s3cret" } })),
        ]
    });
    let heard = "heard, plain, long there and long back";
    let wanted = [
        ("user", heard),
        ("user with a wrong password", "Authorization Violation"),
        ("user without cookies", "Authorization Violation"),
        ("token", heard),
        ("token that is wrong", "Authorization Violation"),
        ("wss", heard),
    ];
    assert_eq!(seen, wanted.map(|(name, outcome)| format!("{name}: {outcome}")));
    user.server.wait_for_log("authentication error - User \"app\"");
}
