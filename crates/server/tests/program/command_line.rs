//! Flags.

use std::process::Command;

use crate::support::{Folder, PROGRAM, run};

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn version_and_help() {
    let expected = format!("dunlin: v2.15.0 (dunlin {})\n", env!("CARGO_PKG_VERSION"));
    for args in [
        &["-v"][..],
        &["--version"],
        &["version"],
        &["-D=false", "-v"],
        &["-h", "--v"],
        &["-v", "x"],
        &["-D", "Version"],
    ] {
        let output = run(args);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), expected.as_str()), "{args:?}");
    }
    for args in [&["-h"][..], &["--help"], &["help"], &["--help_tls"]] {
        let output = run(args);
        assert!(
            output.status.success() && text(&output.stdout).starts_with("\nUsage: dunlin [options]\n"),
            "{args:?}"
        );
    }
}

#[test]
fn the_name_is_the_one_the_program_was_started_under() {
    let folder = Folder::new();
    let link = folder.path().join("nats-server");
    std::os::unix::fs::symlink(PROGRAM, &link).unwrap();
    let output = Command::new(&link).arg("-v").output().unwrap();
    assert!(text(&output.stdout).starts_with("nats-server: v2.15.0"));
    let output = Command::new(&link).args(["-t"]).output().unwrap();
    assert_eq!(
        text(&output.stderr),
        "nats-server: must specify [-c, --config] option to check configuration file syntax\n"
    );
}

#[test]
fn every_flag_of_nats_server_is_known() {
    let with_value = "a addr net p port n name server_name P pid m http_port ms https_port c config sl signal client_advertise \
        ports_file_dir l log r remote_syslog log_size_limit max_traced_msg_len sd store_dir user pass auth tlscert tlskey tlscacert \
        routes cluster cluster_name cluster_advertise connect_retries cluster_listen profile";
    let switches =
        "t T logtime logtime_utc s syslog D debug V trace VV DV DVV js jetstream tls tlsverify no_advertise";
    for dashes in ["-", "--"] {
        for flag in with_value.split_whitespace() {
            for args in [vec![format!("{dashes}{flag}=1")], vec![format!("{dashes}{flag}"), "1".to_owned()]] {
                let mut args: Vec<&str> = args.iter().map(String::as_str).collect();
                args.push("-v");
                let output = run(&args);
                assert!(
                    text(&output.stdout).starts_with("dunlin: v2."),
                    "{args:?}: {}",
                    text(&output.stderr)
                );
            }
        }
        for flag in switches.split_whitespace() {
            for value in ["", "=true", "=false", "=1", "=F"] {
                let output = run(&[&format!("{dashes}{flag}{value}"), "-v"]);
                assert!(
                    text(&output.stdout).starts_with("dunlin: v2."),
                    "{flag}{value}: {}",
                    text(&output.stderr)
                );
            }
        }
    }
}

#[test]
fn mistakes() {
    for (args, expected) in [
        (&["-zz"][..], "flag provided but not defined: -zz"),
        (&["-p"], "flag needs an argument: -p"),
        (&["-D=maybe"], "invalid boolean value \"maybe\" for -D"),
        (&["foo"], "unrecognized command: \"foo\""),
        (&["-p", "abc"], "invalid value 'abc' for '--port"),
        (&["-p", "70000"], "invalid value '70000' for '--port"),
        (&["-c", "/nowhere/x.conf"], "cannot read /nowhere/x.conf: no such file or directory"),
        (&["-t"], "must specify [-c, --config] option"),
        (&["-p", "-1", "--pass", "b"], "--pass needs --user"),
        (&["-p", "-1", "--user", "a", "--auth", "b"], "--auth cannot be combined with --user and --pass"),
        (&["-p", "-1", "--tls"], "TLS Server certificate must be present and valid: --tlscert"),
        (&["-p", "-1", "--tlscert", "c"], "TLS Server private key must be present and valid: --tlskey"),
        (&["--tlscert", "/nowhere/c", "--tlskey", "k"], "cert_file: cannot read /nowhere/c: no such file"),
        (&["-p", "-1", "-ms", "-1"], "https needs a tls block"),
        (&["-n", "a b", "-p", "-1"], "server name cannot contain spaces"),
        (&["-p", "4222", "-m", "4222"], "http and port cannot both listen on port 4222"),
        (&["--signal", "foo"], "unknown signal \"foo\""),
        (&["--signal", "reload=999999999"], "signal \"reload\" 999999999: no such process"),
        (&["--signal", "reload=nope.pid"], "invalid pid: nope.pid"),
        (&["--signal", "quit=0"], "invalid pid: 0"),
        (&["-p", "-1", "-l", "/nowhere/x.log"], "the log file /nowhere/x.log cannot be opened: No such file"),
        (&["-p", "-1", "-l", "/"], "the log file / cannot be opened: Is a directory"),
        (&["-p", "-1", "-m", "-1", "-ms", "-1"], "can't specify both HTTP and HTTPs ports"),
        (&["-V", "true"], "unrecognized command: \"true\""),
        (&["--", "-v"], "unrecognized command: \"-v\""),
        (&["-"], "unrecognized command: \"-\""),
        (&["---v"], "flag provided but not defined: --v"),
    ] {
        let output = run(args);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {error}");
        assert!(error.starts_with(&format!("dunlin: {expected}")), "{args:?}: {error}");
        assert!(output.stdout.is_empty());
    }
}
