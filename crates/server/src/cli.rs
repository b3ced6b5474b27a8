//! The command line, that of nats-server: one dash or two, `-x v` or `-x=v`, names of two letters after one dash.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{ArgAction, Parser};
use dunlin_auth::{ConnectionTypes, Secret, User};
use dunlin_server::config::{CertificateFiles, Config, HttpConfig, ListenPort, Report, TlsConfig};

/// What the command line asks for.
#[derive(Debug)]
pub(crate) enum Command {
    /// `-h`.
    Help,
    /// `-v`.
    Version,
    /// `--signal`, as written.
    Signal(String),
    /// `-t`.
    Check(Box<Flags>),
    /// Start the server.
    Run(Box<Flags>),
}

/// Reads the arguments after the program's name.
pub(crate) fn read(args: impl Iterator<Item = OsString>) -> Result<Command, String> {
    // Argument 0 is skipped by clap.
    let mut words = vec![String::new()];
    let mut bare = None;
    let mut args = args
        .map(|arg| arg.into_string().map_err(|arg| format!("the argument {arg:?} is not UTF-8")))
        .peekable();
    let is_empty = args.peek().is_none();
    while let Some(arg) = args.next().transpose()? {
        match normalise(&arg, &mut args)? {
            Word::Flag(word) => words.push(word),
            Word::Absent => {}
            Word::End => {
                bare = args.next().transpose()?;
                break;
            }
            Word::Bare => {
                bare = Some(arg);
                break;
            }
        }
    }
    let flags = Flags::try_parse_from(words).map_err(|error| {
        let text = error.to_string();
        text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
    })?;
    let flags = Flags { is_empty, ..flags };
    Ok(if flags.version {
        Command::Version
    } else if flags.help || flags.help_tls {
        Command::Help
    } else if let Some(word) = bare {
        bare_word(&word)?
    } else if let Some(signal) = flags.signal {
        Command::Signal(signal)
    } else if flags.check {
        Command::Check(Box::new(flags))
    } else {
        Command::Run(Box::new(flags))
    })
}

fn bare_word(word: &str) -> Result<Command, String> {
    match word.to_ascii_lowercase().as_str() {
        "help" => Ok(Command::Help),
        "version" => Ok(Command::Version),
        _ => Err(format!("unrecognized command: {word:?}")),
    }
}

/// The flags that are on or off: as written, and the name that [`Flags`] has for each.
const SWITCHES: &[(&str, &str)] = &[
    ("t", "check"),
    ("T", "logtime"),
    ("logtime", "logtime"),
    ("logtime_utc", "logtime_utc"),
    ("s", "syslog"),
    ("syslog", "syslog"),
    ("D", "debug"),
    ("debug", "debug"),
    ("V", "trace"),
    ("trace", "trace"),
    ("VV", "trace_verbose"),
    ("DV", "debug_trace"),
    ("DVV", "debug_trace_verbose"),
    ("js", "jetstream"),
    ("jetstream", "jetstream"),
    ("tls", "tls"),
    ("tlsverify", "tlsverify"),
    ("no_advertise", "no_advertise"),
    ("h", "help"),
    ("help", "help"),
    ("v", "version"),
    ("version", "version"),
    ("help_tls", "help_tls"),
];

/// The flags with a value, likewise.
const VALUES: &[(&str, &str)] = &[
    ("c", "config"),
    ("config", "config"),
    ("a", "addr"),
    ("addr", "addr"),
    ("net", "addr"),
    ("p", "port"),
    ("port", "port"),
    ("n", "name"),
    ("name", "name"),
    ("server_name", "name"),
    ("P", "pid"),
    ("pid", "pid"),
    ("m", "http_port"),
    ("http_port", "http_port"),
    ("ms", "https_port"),
    ("https_port", "https_port"),
    ("sl", "signal"),
    ("signal", "signal"),
    ("client_advertise", "client_advertise"),
    ("ports_file_dir", "ports_file_dir"),
    ("l", "log"),
    ("log", "log"),
    ("r", "remote_syslog"),
    ("remote_syslog", "remote_syslog"),
    ("log_size_limit", "log_size_limit"),
    ("max_traced_msg_len", "max_traced_msg_len"),
    ("sd", "store_dir"),
    ("store_dir", "store_dir"),
    ("user", "user"),
    ("pass", "pass"),
    ("auth", "auth"),
    ("tlscert", "tlscert"),
    ("tlskey", "tlskey"),
    ("tlscacert", "tlscacert"),
    ("routes", "routes"),
    ("cluster", "cluster"),
    ("cluster_name", "cluster_name"),
    ("cluster_listen", "cluster_listen"),
    ("cluster_advertise", "cluster_advertise"),
    ("connect_retries", "connect_retries"),
    ("profile", "profile"),
    ("workers", "workers"),
];

/// The name that [`Flags`] has for a flag, and whether it takes a value.
fn known(name: &str) -> Option<(&str, bool)> {
    let find = |table: &'static [(&str, &str)]| {
        table.iter().find(|(alias, _)| *alias == name).map(|(_, long)| *long)
    };
    find(SWITCHES).map(|long| (long, false)).or_else(|| find(VALUES).map(|long| (long, true)))
}

/// What an argument is.
enum Word {
    /// A flag as clap knows it, `--name=value`.
    Flag(String),
    /// A flag with an empty value, or nothing at all, as scripts and units have it where a variable is empty.
    Absent,
    /// `--`: no flags follow.
    End,
    /// No flag.
    Bare,
}

/// Reads a flag, taking its value out of the following arguments where need be.
fn normalise(arg: &str, rest: &mut impl Iterator<Item = Result<String, String>>) -> Result<Word, String> {
    match arg {
        "" => return Ok(Word::Absent),
        "--" => return Ok(Word::End),
        "-" => return Ok(Word::Bare),
        _ => {}
    }
    let Some(flag) = arg.strip_prefix("--").or(arg.strip_prefix('-')) else { return Ok(Word::Bare) };
    let (name, value) = match flag.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (flag, None),
    };
    let (long, takes_value) = known(name).ok_or_else(|| format!("flag provided but not defined: -{name}"))?;
    let value = match value {
        Some(value) => value.to_owned(),
        None if takes_value => {
            rest.next().transpose()?.ok_or_else(|| format!("flag needs an argument: -{name}"))?
        }
        None => "true".to_owned(),
    };
    if value.is_empty() {
        return Ok(Word::Absent);
    }
    let value = if takes_value { value.as_str() } else { boolean(name, &value)? };
    Ok(Word::Flag(format!("--{long}={value}")))
}

/// The booleans of Go's flag package.
fn boolean(name: &str, value: &str) -> Result<&'static str, String> {
    match value {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok("true"),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok("false"),
        _ => Err(format!("invalid boolean value {value:?} for -{name}")),
    }
}

/// The flags. [`normalise`] has given each the one name that stands here.
#[derive(Clone, Debug, Default, Parser)]
#[command(
    disable_help_flag = true,
    disable_version_flag = true,
    rename_all = "snake_case",
    args_override_self = true
)]
pub(crate) struct Flags {
    #[arg(skip)]
    is_empty: bool,
    #[arg(long)]
    config: Option<PathBuf>,
    #[arg(long)]
    addr: Option<String>,
    #[arg(long, value_parser = clap::value_parser!(i32).range(-1..=65535))]
    port: Option<i32>,
    #[arg(long)]
    name: Option<String>,
    #[arg(long)]
    pid: Option<PathBuf>,
    #[arg(long, value_parser = clap::value_parser!(i32).range(-1..=65535))]
    http_port: Option<i32>,
    #[arg(long, value_parser = clap::value_parser!(i32).range(-1..=65535))]
    https_port: Option<i32>,
    #[arg(long)]
    client_advertise: Option<String>,
    #[arg(long)]
    ports_file_dir: Option<PathBuf>,
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: Option<u16>,
    #[arg(long)]
    signal: Option<String>,
    #[arg(long, action = ArgAction::Set, default_value_t = false)]
    check: bool,
    #[arg(long, action = ArgAction::Set, default_value_t = false)]
    help: bool,
    #[arg(long, action = ArgAction::Set, default_value_t = false)]
    help_tls: bool,
    #[arg(long, action = ArgAction::Set, default_value_t = false)]
    version: bool,

    #[arg(long)]
    log: Option<PathBuf>,
    #[arg(long)]
    log_size_limit: Option<i64>,
    #[arg(long, action = ArgAction::Set)]
    logtime: Option<bool>,
    #[arg(long, action = ArgAction::Set)]
    logtime_utc: Option<bool>,
    #[arg(long, action = ArgAction::Set)]
    debug: Option<bool>,
    #[arg(long, action = ArgAction::Set)]
    trace: Option<bool>,
    #[arg(long, action = ArgAction::Set)]
    trace_verbose: Option<bool>,
    #[arg(long, action = ArgAction::Set)]
    debug_trace: Option<bool>,
    #[arg(long, action = ArgAction::Set)]
    debug_trace_verbose: Option<bool>,
    #[arg(long)]
    max_traced_msg_len: Option<i64>,
    #[arg(long, action = ArgAction::Set, default_value_t = false)]
    syslog: bool,
    #[arg(long)]
    remote_syslog: Option<String>,

    #[arg(long, action = ArgAction::Set, default_value_t = false)]
    jetstream: bool,
    #[arg(long)]
    store_dir: Option<String>,
    #[arg(long)]
    routes: Option<String>,
    #[arg(long)]
    cluster: Option<String>,
    #[arg(long)]
    cluster_name: Option<String>,
    #[arg(long)]
    cluster_listen: Option<String>,
    #[arg(long)]
    cluster_advertise: Option<String>,
    #[arg(long, action = ArgAction::Set, default_value_t = false)]
    no_advertise: bool,
    #[arg(long)]
    connect_retries: Option<String>,
    #[arg(long)]
    profile: Option<String>,

    #[arg(long)]
    user: Option<String>,
    #[arg(long)]
    pass: Option<String>,
    #[arg(long)]
    auth: Option<String>,
    #[arg(long, action = ArgAction::Set)]
    tls: Option<bool>,
    #[arg(long)]
    tlscert: Option<PathBuf>,
    #[arg(long)]
    tlskey: Option<PathBuf>,
    #[arg(long, action = ArgAction::Set, default_value_t = false)]
    tlsverify: bool,
    #[arg(long)]
    tlscacert: Option<PathBuf>,
}

impl Flags {
    /// The configuration file.
    pub(crate) fn config(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// There was no argument at all: `dunlin` alone.
    pub(crate) fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// Puts the flags over what a file says, as nats-server does.
    pub(crate) fn apply(&self, config: &mut Config, report: &mut Report) {
        if let Some(host) = self.addr.clone().filter(|host| !host.is_empty()) {
            config.host = host;
        }
        if let Some(port) = self.port {
            config.port = listen_port(port).unwrap_or(Config::default().port);
        }
        for (port, is_tls) in [(self.http_port, false), (self.https_port, true)] {
            let Some(port) = port else { continue };
            match (listen_port(port), &mut config.http) {
                (Some(_), Some(http)) if http.is_tls != is_tls => {
                    report.error("can't specify both HTTP and HTTPs ports");
                }
                (Some(port), Some(http)) => http.port = port,
                (Some(port), http @ None) => {
                    *http = Some(HttpConfig { host: String::new(), port, is_tls, base_path: String::new() });
                }
                (None, Some(http)) if http.is_tls != is_tls => {}
                (None, http) => *http = None,
            }
        }
        self.apply_tls(config, report);
        if let Some(name) = &self.name {
            if name.contains(' ') {
                report.error("server name cannot contain spaces");
            }
            config.server_name = Some(name.clone()).filter(|name| !name.is_empty());
        }
        self.apply_authorization(config, report);
        set(&mut config.client_advertise, &self.client_advertise);
        set(&mut config.pid_file, &self.pid);
        set(&mut config.ports_file_dir, &self.ports_file_dir);
        set(&mut config.workers, &self.workers.map(usize::from));
        self.apply_log(config);
        self.note_unserved(report);
    }

    /// A user or a token on the command line takes the place of those in the file.
    fn apply_authorization(&self, config: &mut Config, report: &mut Report) {
        let given = |flag: &Option<String>| flag.clone().filter(|text| !text.is_empty());
        let (user, pass, token) = (given(&self.user), given(&self.pass), given(&self.auth));
        let authorization = &mut config.authorization;
        match (user, pass, token) {
            (None, None, None) => return,
            (None, None, Some(token)) => {
                authorization.single = None;
                authorization.token = Some(Secret::new(token));
            }
            (Some(user), pass, None) => {
                authorization.token = None;
                let secret = Secret::new(pass.unwrap_or_default());
                let connections = ConnectionTypes::ALL;
                authorization.single = Some(User { name: user.into(), secret, connections });
            }
            (None, Some(_), None) => report.error("--pass needs --user"),
            _ => report.error("--auth cannot be combined with --user and --pass"),
        }
        if !authorization.users.is_empty() {
            report.error("--user, --pass and --auth cannot be combined with the users of the file");
        }
    }

    fn apply_log(&self, config: &mut Config) {
        let log = &mut config.log;
        set(&mut log.file, &self.log);
        // Less than nothing is no limit.
        if let Some(bytes) = self.log_size_limit {
            log.size_limit = u64::try_from(bytes).unwrap_or(0);
        }
        if let Some(bytes) = self.max_traced_msg_len {
            log.max_traced_msg_len = usize::try_from(bytes).unwrap_or(0);
        }
        log.logtime = self.logtime.unwrap_or(log.logtime);
        log.logtime_utc = self.logtime_utc.unwrap_or(log.logtime_utc);
        let any = |flags: &[Option<bool>]| flags.iter().flatten().copied().reduce(|one, other| one || other);
        log.debug = any(&[self.debug, self.debug_trace, self.debug_trace_verbose]).unwrap_or(log.debug);
        let traces = [self.trace, self.trace_verbose, self.debug_trace, self.debug_trace_verbose];
        log.trace = any(&traces).unwrap_or(log.trace);
        log.trace_verbose = any(&[self.trace_verbose, self.debug_trace_verbose]).unwrap_or(log.trace_verbose);
    }

    fn unserved_texts(&self) -> impl Iterator<Item = (&'static str, &Option<String>)> {
        [
            ("--remote_syslog", &self.remote_syslog),
            ("--store_dir", &self.store_dir),
            ("--routes", &self.routes),
            ("--cluster", &self.cluster),
            ("--cluster_name", &self.cluster_name),
            ("--cluster_listen", &self.cluster_listen),
            ("--cluster_advertise", &self.cluster_advertise),
            ("--connect_retries", &self.connect_retries),
            ("--profile", &self.profile),
        ]
        .into_iter()
    }

    fn note_unserved(&self, report: &mut Report) {
        let texts = self.unserved_texts().map(|(name, text)| (name, text.is_some()));
        let switches = [
            ("--syslog", self.syslog),
            ("--jetstream", self.jetstream),
            ("--no_advertise", self.no_advertise),
        ];
        for (name, _) in texts.chain(switches).filter(|(_, is_set)| *is_set) {
            report.warn(format_args!("{name} is not served by dunlin yet, and has no effect"));
        }
    }

    fn asks_for_tls(&self) -> bool {
        let files = [&self.tlscert, &self.tlskey, &self.tlscacert];
        self.tls == Some(true) || self.tlsverify || files.into_iter().any(|file| file.is_some())
    }

    /// Each flag takes the place of what the file's `tls` block says; `--tls=false` that of all of it.
    fn apply_tls(&self, config: &mut Config, report: &mut Report) {
        if self.tls == Some(false) {
            config.tls = None;
            return;
        }
        if !self.asks_for_tls() {
            return;
        }
        let tls = config.tls.get_or_insert_with(TlsConfig::default);
        let files = tls.certificates.first();
        let cert_file = self.tlscert.clone().or(files.map(|files| files.cert_file.clone()));
        let key_file = self.tlskey.clone().or(files.map(|files| files.key_file.clone()));
        match (cert_file, key_file) {
            (Some(cert_file), Some(key_file)) => {
                tls.certificates = vec![CertificateFiles { cert_file, key_file }];
            }
            (None, _) => return report.error("TLS Server certificate must be present and valid: --tlscert"),
            (_, None) => return report.error("TLS Server private key must be present and valid: --tlskey"),
        }
        set(&mut tls.ca_file, &self.tlscacert);
        tls.verify |= self.tlsverify;
        match tls.check() {
            Ok(warnings) => warnings.iter().for_each(|warning| report.warn(warning)),
            Err(error) => report.error(error),
        }
    }
}

/// -1 is any port, 0 none.
fn listen_port(number: i32) -> Option<ListenPort> {
    match u16::try_from(number) {
        Ok(0) => None,
        Ok(port) => Some(ListenPort::Fixed(port)),
        Err(_) => Some(ListenPort::Random),
    }
}

fn set<T: Clone>(target: &mut Option<T>, flag: &Option<T>) {
    if flag.is_some() {
        target.clone_from(flag);
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use dunlin_server::config::{Config, HttpConfig, ListenPort, Report, TlsConfig};

    use super::{Command, Flags, read};

    fn flags(args: &[&str]) -> Flags {
        match read(args.iter().map(OsString::from)) {
            Ok(Command::Run(flags)) => *flags,
            other => panic!("{args:?}: {other:?}"),
        }
    }

    /// What a file's `config` becomes, and what is wrong with it.
    fn applied(args: &[&str], mut config: Config) -> (Config, Vec<String>) {
        let mut report = Report::default();
        flags(args).apply(&mut config, &mut report);
        (config, report.errors)
    }

    #[test]
    fn a_flag_with_an_empty_value_is_as_if_absent() {
        let values = "a addr net p port n name server_name P pid m http_port ms https_port c config sl signal \
            client_advertise ports_file_dir l log r remote_syslog log_size_limit max_traced_msg_len sd store_dir user pass auth \
            tlscert tlskey tlscacert routes cluster cluster_name cluster_advertise connect_retries cluster_listen profile workers";
        let switches = "t T logtime logtime_utc s syslog D debug V trace VV DV DVV js jetstream tls tlsverify \
            no_advertise h help v version help_tls";
        let file = Config {
            host: "10.0.0.1".into(),
            port: ListenPort::Fixed(1),
            server_name: Some("x".into()),
            pid_file: Some("x.pid".into()),
            tls: Some(TlsConfig::default()),
            workers: Some(2),
            ..Config::default()
        };
        let values = values.split_whitespace().map(|name| (name, true));
        for (name, takes_value) in values.chain(switches.split_whitespace().map(|name| (name, false))) {
            let (joined, bare) = (format!("--{name}="), format!("-{name}"));
            let with_next = [bare.as_str(), ""];
            let forms = [&[joined.as_str()][..], &with_next];
            for args in &forms[..1 + usize::from(takes_value)] {
                assert_eq!(applied(args, file.clone()), (file.clone(), vec![]), "{args:?}");
                assert!(!flags(args).is_empty(), "{args:?}");
            }
        }
        assert!(flags(&[]).is_empty());
    }

    #[test]
    fn the_last_of_several_holds() {
        for (args, port, debug) in [
            (&["-p", "1", "--port=2"][..], ListenPort::Fixed(2), false),
            (&["-p", "2", "-p", ""], ListenPort::Fixed(2), false),
            (&["-p=-1", "-D", "--debug=false"], ListenPort::Random, false),
            (&["-D=0", "-DV", "-p", "0"], ListenPort::Fixed(4222), true),
            (&["-debug=T", "-p", "+5"], ListenPort::Fixed(5), true),
        ] {
            let (config, errors) = applied(args, Config::default());
            assert_eq!((config.port, config.log.debug, errors), (port, debug, vec![]), "{args:?}");
        }
        let files = flags(&["-c", "a", "-config", "b"]);
        assert_eq!(files.config(), Some("b".as_ref()));
    }

    #[test]
    fn numbers_below_nothing_are_no_limit() {
        let mut file = Config::default();
        (file.log.size_limit, file.log.max_traced_msg_len) = (5, 5);
        let (config, _) = applied(&["--log_size_limit", "-1", "--max_traced_msg_len=-1"], file);
        assert_eq!((config.log.size_limit, config.log.max_traced_msg_len), (0, 0));
    }

    #[test]
    fn flags_of_listeners_leave_the_rest_of_what_the_file_says() {
        let http = |port, is_tls| {
            let (host, base_path) = ("10.0.0.1".to_owned(), "/x".to_owned());
            Some(HttpConfig { host, port, is_tls, base_path })
        };
        let both = "can't specify both HTTP and HTTPs ports";
        let (one, two) = (ListenPort::Fixed(1), ListenPort::Fixed(2));
        for (args, before, after, error) in [
            (["-m", "2"], http(one, false), http(two, false), None),
            (["-ms", "2"], http(one, true), http(two, true), None),
            (["-m", "2"], http(one, true), http(one, true), Some(both)),
            (["-m", "0"], http(one, false), None, None),
            (["-m", "0"], http(one, true), http(one, true), None),
            (["-ms", "0"], None, None, None),
        ] {
            let (config, errors) = applied(&args, Config { http: before, ..Config::default() });
            assert_eq!(config.http, after, "{args:?}");
            assert_eq!(errors.first().map(String::as_str), error, "{args:?}");
        }
        let file = Config { tls: Some(TlsConfig::default()), ..Config::default() };
        let (config, errors) = applied(&["--tls=false", "--tlscert", "c", "--tlsverify"], file);
        assert_eq!((config.tls, errors), (None, vec![]));
    }
}
