//! The `nats` command line, a Go client, over TCP and WebSocket, plain and under TLS.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use dunlin_tests::{Authority, ServerProcess, TempDir};

use crate::support::{USER, installed, secure, start, wait_for_interest};

/// The command line with a home of its own, so that no context of the user's takes part.
struct Cli<'a> {
    program: &'a Path,
    home: TempDir,
    url: String,
    /// Whom it trusts, and who it is, where the server is [`secure`].
    options: Vec<OsString>,
}

impl Cli<'_> {
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(self.program);
        command.args(["--server", &self.url]).args(&self.options).args(args).env("HOME", self.home.path());
        command.env_remove("XDG_CONFIG_HOME").stdin(Stdio::null());
        command
    }

    /// Runs it to its end: what it printed.
    fn run(&self, args: &[&str]) -> String {
        finish(self.spawn(args), args)
    }

    fn spawn(&self, args: &[&str]) -> Child {
        self.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }
}

fn finish(child: Child, args: &[&str]) -> String {
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "nats {args:?} ends with {}:\n{out}{err}", output.status);
    out + &err
}

fn run(test: &str, authority: Option<&Authority>, url: fn(&ServerProcess) -> String) {
    let Some(program) = installed(test, "nats-cli") else { return };
    let Some(server) = start(test, &authority.map(secure).unwrap_or_default()) else { return };
    let options = |authority: &Authority| {
        let ca = authority.ca_file();
        ["--tlsca".into(), ca.into(), "--user".into(), USER[0].into(), "--password".into(), USER[1].into()]
    };
    let options = authority.into_iter().flat_map(options).collect();
    let cli = Cli { program: &program, home: TempDir::new(), url: url(&server), options };

    let args = ["sub", "cli.>", "--count", "3", "--raw"];
    let subscriber = cli.spawn(&args);
    wait_for_interest(&server, "cli.ready", "ready");
    cli.run(&["pub", "cli.a", "first"]);
    cli.run(&["pub", "cli.b.c", "second", "--header", "Color:red"]);
    let got = finish(subscriber, &args);
    assert_eq!(got.split_whitespace().collect::<Vec<_>>(), ["ready", "first", "second"]);

    let mut service = cli.command(&["reply", "cli.service", "you said {{.Request}}"]).spawn().unwrap();
    wait_for_interest(&server, "cli.service", "ready");
    let got = cli.run(&["request", "cli.service", "hello", "--raw"]);
    assert!(got.contains("you said hello"), "{got}");
    service.kill().unwrap();
    service.wait().unwrap();
    let nobody = cli.command(&["request", "cli.nobody", "hello", "--raw"]).output().unwrap();
    assert!(String::from_utf8_lossy(&nobody.stderr).contains("No responders"), "{nobody:?}");

    let args = ["bench", "sub", "cli.bench", "--msgs", "10000", "--size", "128", "--no-progress"];
    let subscriber = cli.spawn(&args);
    wait_for_interest(&server, "cli.bench", &"x".repeat(128));
    let sent = cli.run(&["bench", "pub", "cli.bench", "--msgs", "10000", "--size", "128", "--no-progress"]);
    assert!(sent.contains("msgs/sec"), "{sent}");
    let received = finish(subscriber, &args);
    assert!(received.contains("msgs/sec"), "{received}");
}

#[test]
fn nats_cli_over_tcp() {
    run("nats_cli_over_tcp", None, ServerProcess::nats_url);
}

#[test]
fn nats_cli_over_websocket() {
    run("nats_cli_over_websocket", None, ServerProcess::websocket_url);
}

#[test]
fn nats_cli_over_wss() {
    run("nats_cli_over_wss", Some(&Authority::new("ca")), ServerProcess::websocket_url);
}
