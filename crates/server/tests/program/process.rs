//! A running server: log lines, files and signals.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;

use crate::support::{Folder, PROGRAM, Server, run, wait_for};

const CONFIG: &str = "listen: \"127.0.0.1:-1\"\nhttp: \"127.0.0.1:-1\"\nwebsocket { listen: \"127.0.0.1:-1\", no_tls: true }\n";

fn start(folder: &Folder, args: &[&str]) -> (Server, Vec<String>) {
    Server::start(Path::new(PROGRAM), folder, args)
}

#[test]
fn log_lines_and_files() {
    let folder = Folder::new();
    folder.write("a.conf", &format!("{CONFIG}server_name: probe\ncluster {{ name: c }}\n"));
    let link = folder.path().join("nats-server");
    std::os::unix::fs::symlink(PROGRAM, &link).unwrap();
    let (server, lines) =
        Server::start(&link, &folder, &["-c", "a.conf", "-P", "a.pid", "--ports_file_dir", "."]);

    let pid = server.pid();
    assert_eq!(fs::read_to_string(folder.path().join("a.pid")).unwrap(), pid.to_string());
    let ports_file = folder.path().join(format!("nats-server_{pid}.ports"));
    let ports: serde_json::Value = serde_json::from_str(&fs::read_to_string(&ports_file).unwrap()).unwrap();
    let address = |key: &str, scheme: &str| {
        let urls = ports[key].as_array().unwrap();
        assert_eq!(urls.len(), 1);
        urls[0].as_str().unwrap().strip_prefix(scheme).unwrap().to_owned()
    };
    let (nats, http, ws) =
        (address("nats", "nats://"), address("monitoring", "http://"), address("websocket", "ws://"));
    let expected = [
        "[INF] Starting dunlin".to_owned(),
        "[INF]   Version:  ".to_owned(),
        "[WRN] a.conf:5:1: cluster is not served by dunlin yet, and has no effect".to_owned(),
        "[INF]   Name:     probe".to_owned(),
        "[INF]   ID:       N".to_owned(),
        "[INF] Using configuration file: a.conf (sha256:".to_owned(),
        format!("[INF] Starting http monitor on {http}"),
        format!("[INF] Listening for websocket clients on ws://{ws}"),
        "[WRN] Websocket has neither authentication nor allowed_origins: ".to_owned(),
        format!("[INF] Listening for client connections on {nats}"),
        "[INF] Server is ready".to_owned(),
    ];
    assert_eq!(lines.len(), expected.len(), "{lines:#?}");
    for (line, expected) in lines.iter().zip(&expected) {
        assert!(line.contains(expected.as_str()), "{line:?} is not {expected:?}");
    }

    server.signal(Signal::TERM);
    assert_eq!(server.wait().code(), Some(0));
    assert!(!ports_file.exists() && !folder.path().join("a.pid").exists());
}

#[test]
fn a_log_file_is_written_and_reopened() {
    let folder = Folder::new();
    folder.write("a.conf", CONFIG);
    let (path, moved) = (folder.path().join("a.log"), folder.path().join("a.log.1"));
    let server = Server::launch(
        Path::new(PROGRAM),
        &folder,
        &["-c", "a.conf", "-l", "a.log", "-T=false", "-P", "a.pid"],
    );
    // The log is in the file, not on a stream that could be waited on.
    wait_for(&path, "Server is ready");
    let pid = server.pid();
    assert!(fs::read_to_string(&path).unwrap().starts_with(&format!("[{pid}] [INF] Starting dunlin\n")));
    fs::rename(&path, &moved).unwrap();
    assert!(run(&["--signal", &format!("reopen={pid}")]).status.success());
    wait_for(&path, "File log re-opened");
    let pid_file = folder.path().join("a.pid");
    assert!(run(&["-sl", &format!("quit={}", pid_file.display())]).status.success());
    assert_eq!(server.wait().code(), Some(0));
    let text = fs::read_to_string(&path).unwrap();
    assert!(
        text.contains("Trapped \"interrupt\" signal") && text.ends_with("[INF] Server Exiting..\n"),
        "{text}"
    );
}

#[test]
fn reload() {
    let folder = Folder::new();
    folder.write("a.conf", CONFIG);
    let (mut server, _) = start(&folder, &["-c", "a.conf"]);
    let mut reload = |text: &str, end: &str| {
        folder.write("a.conf", &format!("{CONFIG}{text}"));
        server.signal(Signal::HUP);
        server.lines_until(end)
    };
    let lines = reload("max_payload: 2mb\ndebug: true\n", ")");
    let expected = [
        "Trapped \"hangup\" signal",
        "Reloaded: debug = true",
        "Reloaded: max_payload = 2097152",
        "Reloaded server configuration (sha256:",
    ];
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.contains(expected), "{lines:#?}");
    }
    // All or nothing, and every key that stands in the way is named.
    let lines = reload("max_payload: 3mb\nmax_pending: 9mb\nmax_subs: 5\n", "new=5");
    let failed = "[ERR] Failed to reload server configuration: config reload not supported for";
    assert!(lines[1].ends_with(&format!("{failed} max_pending: old=67108864, new=9437184")), "{lines:#?}");
    assert!(lines[2].ends_with(&format!("{failed} max_subscriptions: old=0, new=5")), "{lines:#?}");
    let lines = reload("max_payload: \"x\"\n", "\"x\"");
    assert!(
        lines[1].contains(
            "[ERR] Failed to reload server configuration: a.conf:4:14: max_payload: expected a whole number"
        ),
        "{lines:#?}"
    );
    // A file that cannot be read says nothing of what it would change.
    let lines = reload("max_pending: [", "is never closed");
    assert_eq!(lines.len(), 2, "{lines:#?}");
    let lines = reload("max_payload: 2mb\ndebug: true\n", ")");
    assert_eq!(lines.len(), 2, "nothing had changed: {lines:#?}");
}

#[test]
fn without_a_file_there_is_nothing_to_reload() {
    let folder = Folder::new();
    let (mut server, lines) = start(&folder, &["-p", "-1", "-a", "127.0.0.1", "-DV", "-n", "x"]);
    assert!(!lines.iter().any(|line| line.contains("websocket")), "{lines:#?}");
    server.signal(Signal::HUP);
    server.lines_until("can only reload config when a file is provided using -c or --config");
    server.signal(Signal::USR1);
    server.lines_until("File log re-open ignored, not a file logger");
    server.signal(Signal::USR2);
    server.lines_until("Entering lame duck mode, stop accepting new clients");
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn a_port_that_is_taken_is_fatal() {
    let folder = Folder::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let mut server = Server::launch(Path::new(PROGRAM), &folder, &["-p", &port, "-a", "127.0.0.1"]);
    let lines = server.lines_until("Address already in use (os error 98)");
    assert!(lines.last().is_some_and(|line| line.contains("[FTL]") && line.contains(&port)), "{lines:#?}");
    assert_eq!(server.wait().code(), Some(1));
}

#[test]
fn files_that_cannot_be_written_are_fatal() {
    let folder = Folder::new();
    let at = |name: &str| folder.path().join(name).display().to_string();
    for (args, expected) in [
        (&["-P", "nowhere/a.pid"][..], "Could not write pidfile nowhere/a.pid: No such file or directory"),
        (&["-P", "."], "Could not write pidfile .: Is a directory"),
        (
            &["-P", "a.pid", "--ports_file_dir", "nowhere"],
            "Could not write a ports file to nowhere: No such file",
        ),
        (&["-P", "a.pid", "--ports_file_dir", PROGRAM], "Could not write a ports file to"),
    ] {
        let mut server =
            Server::launch(Path::new(PROGRAM), &folder, &[&["-p", "-1", "-a", "127.0.0.1"], args].concat());
        let lines = server.lines_with("[FTL]");
        assert!(lines.last().is_some_and(|line| line.contains(expected)), "{lines:#?}");
        assert_eq!(server.wait().code(), Some(1));
        assert!(!folder.path().join("a.pid").exists(), "it is left behind by a server that has not started");
    }
    // A server that finds its port taken leaves the files of the one that has it alone.
    folder.write("a.conf", "listen: \"127.0.0.1:-1\"\npid_file: a.pid\nports_file_dir: \".\"\n");
    let (mut server, _) = start(&folder, &["-c", "a.conf"]);
    let pid = server.pid().to_string();
    let ports = folder.path().join(format!("dunlin_{pid}.ports"));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = listener.local_addr().unwrap().port().to_string();
    let other = ["-c", "a.conf", "-p", &taken];
    assert_eq!(Server::launch(Path::new(PROGRAM), &folder, &other).wait().code(), Some(1));
    assert_eq!(fs::read_to_string(at("a.pid")).unwrap(), pid);
    assert!(ports.exists());

    // A reload takes over all of the files or none.
    let mut reload = |text: &str, end: &str| {
        folder.write("a.conf", &format!("listen: \"127.0.0.1:-1\"\n{text}"));
        server.signal(Signal::HUP);
        server.lines_with(end)
    };
    let (failed, taken) = ("Failed to reload server configuration: ", "Reloaded server configuration");
    fs::create_dir(at("other")).unwrap();
    for (text, expected) in [
        ("pid_file: \"nowhere/b.pid\", ports_file_dir: other", "Could not write pidfile nowhere/b.pid"),
        ("pid_file: b.pid, ports_file_dir: nowhere", "Could not write a ports file to nowhere"),
        ("pid_file: \"./a.pid\", ports_file_dir: nowhere", "Could not write a ports file to nowhere"),
        ("pid_file: b.pid, ports_file_dir: \".\", log_file: \"nowhere/a.log\"", "the log file nowhere/a.log"),
    ] {
        let lines = reload(text, failed);
        assert!(lines.last().is_some_and(|line| line.contains(&format!("{failed}{expected}"))), "{lines:#?}");
        let there = |name: &str| folder.path().join(name).exists();
        assert!(there("a.pid") && ports.exists() && !there("b.pid"), "{text}");
        assert!(fs::read_dir(at("other")).unwrap().next().is_none(), "{text}");
    }
    reload("pid_file: b.pid, ports_file_dir: other", taken);
    assert!(!folder.path().join("a.pid").exists() && !ports.exists());
    assert_eq!(fs::read_to_string(at("b.pid")).unwrap(), pid);
    assert!(folder.path().join("other").join(format!("dunlin_{pid}.ports")).exists());
    reload("", taken);
    assert!(!folder.path().join("b.pid").exists() && fs::read_dir(at("other")).unwrap().next().is_none());
}

/// The program with this many file descriptors.
fn with_descriptors(count: u32, folder: &Folder, args: &[&str]) -> Command {
    let mut command = Command::new("sh");
    let script = format!("ulimit -n {count} && exec \"$0\" \"$@\"");
    command.args(["-c", &script, PROGRAM, "-p", "-1", "-a", "127.0.0.1", "--workers", "1"]).args(args);
    command.current_dir(folder.path());
    command
}

#[test]
fn running_out_of_descriptors_is_said_once_and_ends_when_there_are_some_again() {
    let folder = Folder::new();
    let mut server = Server::spawn(with_descriptors(40, &folder, &[]));
    let lines = server.lines_until("Server is ready");
    let address = lines.iter().find_map(|line| line.split_once("client connections on ")).unwrap().1;
    let connect = || TcpStream::connect(address).unwrap();
    let mut clients: Vec<TcpStream> = (0..50).map(|_| connect()).collect();
    let lines = server.lines_with("cannot accept");
    let expected = "[ERR] cannot accept connections: too many open files (ulimit -n is 40): trying again";
    assert_eq!(lines, [expected]);
    // Those who come now wait, and are no reason to try or to say more.
    clients.extend((0..50).map(|_| connect()));
    let mut last = BufReader::new(connect());
    last.get_ref().set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    drop(clients);
    let mut info = String::new();
    last.read_line(&mut info).unwrap();
    assert!(info.starts_with("INFO "), "{info}");
    let lines = server.lines_with("accept");
    assert!(
        lines.len() == 1 && lines[0].contains("[INF] connections are accepted again, after "),
        "{lines:#?}"
    );
    server.signal(Signal::TERM);
    let lines = server.lines_with("Server Exiting..");
    assert!(!lines.iter().any(|line| line.contains("accept")), "{lines:#?}");
}

#[test]
fn a_log_that_cannot_be_set_aside_stays_where_it_is() {
    let folder = Folder::new();
    // Every line is longer than the limit.
    let args = ["-l", "a.log", "--log_size_limit", "1", "-P", "a.pid", "--ports_file_dir", "."];
    let server = Server::spawn(with_descriptors(40, &folder, &args));
    let ports = folder.path().join(format!("dunlin_{}.ports", server.pid()));
    wait_for(&ports, "nats://");
    let ports = fs::read_to_string(&ports).unwrap();
    let address = ports.split("nats://").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let _clients: Vec<TcpStream> = (0..50).map(|_| TcpStream::connect(&address).unwrap()).collect();
    // There is no descriptor for another file.
    wait_for(&folder.path().join("a.log"), "cannot accept connections");
}
