//! The dunlin server: reads the command line and the configuration, starts the server, and obeys signals.

mod banner;
mod cli;
mod log;
mod pid_file;
mod ports_file;
mod process_files;
mod signals;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use cli::{Command, Flags};
use dunlin_server::config::{self, Config, Loaded, Report};
use dunlin_server::{Handle, Server};
use log::{FATAL, Log};
use process_files::ProcessFiles;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::Signals;

fn main() -> ExitCode {
    let mut args = std::env::args_os();
    let program = program_name(args.next());
    match cli::read(args) {
        Ok(Command::Help) => {
            print!("{}", banner::help(&program));
            ExitCode::SUCCESS
        }
        Ok(Command::Version) => {
            println!("{}", banner::version(&program));
            ExitCode::SUCCESS
        }
        Ok(Command::Signal(request)) => match signals::send(&program, &request) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&program, &[error]),
        },
        Ok(Command::Check(flags)) => check(&program, &flags),
        Ok(Command::Run(flags)) => run(&program, &flags),
        Err(error) => fail(&program, &[error, format!("{program} -h lists the options")]),
    }
}

/// Allows as many open files as the machine lets this process have, as Go programs do: each connection is one, and shells
/// often begin with 1024.
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // Should it fail, the log says so when connections cannot be accepted.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

/// The name the program was started under: a symbolic link `nats-server` makes it one.
fn program_name(argument: Option<OsString>) -> String {
    let path = argument.unwrap_or_default();
    let name = Path::new(&path).file_name().map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_else(|| "dunlin".to_owned())
}

fn fail(program: &str, errors: &[String]) -> ExitCode {
    for error in errors {
        eprintln!("{program}: {error}");
    }
    ExitCode::FAILURE
}

/// `-t`.
fn check(program: &str, flags: &Flags) -> ExitCode {
    let Some(file) = flags.config() else {
        let text = "must specify [-c, --config] option to check configuration file syntax";
        return fail(program, &[text.to_owned()]);
    };
    let Loaded { config, report } = settings(program, flags);
    let mut errors = report.errors;
    for warning in report.warnings {
        if warning.fails_check {
            errors.push(warning.text);
        } else {
            eprintln!("{program}: warning: {}", warning.text);
        }
    }
    if !errors.is_empty() {
        return fail(program, &errors);
    }
    eprintln!("{program}: configuration file {} is valid ({})", file.display(), config.config_digest);
    ExitCode::SUCCESS
}

/// What file and flags say together.
fn settings(program: &str, flags: &Flags) -> Loaded {
    let mut loaded = match flags.config() {
        Some(file) => config::load(file),
        None if is_trial(program, flags) => {
            Loaded { config: Config::development(), report: Report::default() }
        }
        None => Loaded { config: Config::default(), report: Report::default() },
    };
    flags.apply(&mut loaded.config, &mut loaded.report);
    loaded.config.complete();
    loaded.config.validate(&mut loaded.report);
    loaded
}

fn run(program: &str, flags: &Flags) -> ExitCode {
    let Loaded { config, report } = settings(program, flags);
    if !report.errors.is_empty() {
        return fail(program, &report.errors);
    }
    let log = match Log::open(&config.log) {
        Ok(log) => log,
        Err(error) => return fail(program, &[error]),
    };
    log.install();
    raise_file_limit();
    // From here on a signal waits until the server is there to obey it.
    let mut signals = match Signals::new([SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2]) {
        Ok(signals) => signals,
        Err(error) => return fail(program, &[format!("signals cannot be received: {error}")]),
    };
    banner::log_starting();
    for warning in &report.warnings {
        tracing::warn!("{}", warning.text);
    }
    let (server, files) = match start(program, &config) {
        Ok(started) => started,
        Err(error) => {
            tracing::error!(target: FATAL, "{error}");
            return ExitCode::FAILURE;
        }
    };
    banner::log_started(&config, &server);
    tracing::info!("Server is ready");
    if is_trial(program, flags)
        && let Some(welcome) = banner::welcome(&server)
    {
        println!("{welcome}");
    }
    let mut running = Running { program, flags, config, log, server: &server, files };
    let signals_end = signals.handle();
    std::thread::scope(|scope| {
        scope.spawn(|| running.obey(&mut signals));
        server.wait();
        signals_end.close();
    });
    running.files.remove();
    tracing::info!("Server Exiting..");
    ExitCode::SUCCESS
}

/// Whoever waits for one of the files finds a server behind it; whoever connects finds the files.
fn start(program: &str, config: &Config) -> Result<(Handle, ProcessFiles), String> {
    let bound = Server::bind(config.clone()).map_err(|error| error.to_string())?;
    let files = ProcessFiles::default().write_newer(program, config, bound.addresses())?;
    match bound.start() {
        Ok(server) => Ok((server, files)),
        Err(error) => {
            files.remove();
            Err(error.to_string())
        }
    }
}

/// Started under its own name and without any option, dunlin is being tried out.
fn is_trial(program: &str, flags: &Flags) -> bool {
    flags.is_empty() && !program.starts_with("nats-server")
}

/// A server and what goes with it.
struct Running<'a> {
    program: &'a str,
    flags: &'a Flags,
    config: Config,
    log: Log,
    server: &'a Handle,
    files: ProcessFiles,
}

impl Running<'_> {
    /// Obeys signals until the server has ended.
    fn obey(&mut self, signals: &mut Signals) {
        let mut is_lame_duck = false;
        for signal in signals.forever() {
            tracing::info!("Trapped {:?} signal", signal_name(signal));
            match signal {
                SIGHUP => self.reload(),
                SIGUSR1 => self.log.reopen(),
                SIGUSR2 => {
                    if !is_lame_duck {
                        tracing::info!("Entering lame duck mode, stop accepting new clients");
                        self.server.lame_duck();
                    }
                    is_lame_duck = true;
                }
                // As nats-server: an orchestrator that asks for the lame duck first and sends SIGTERM then wants the
                // clients to leave in peace. SIGINT and SIGKILL are there for more haste.
                SIGTERM if is_lame_duck => {}
                _ => {
                    tracing::info!("Initiating Shutdown...");
                    self.server.shutdown();
                }
            }
        }
    }

    /// Reads the configuration again and takes it over if all of it can be.
    fn reload(&mut self) {
        if self.flags.config().is_none() {
            tracing::error!(
                "Failed to reload server configuration: can only reload config when a file is provided using -c or --config"
            );
            return;
        }
        let Loaded { config, report } = settings(self.program, self.flags);
        let mut errors = report.errors;
        // What could not be read has its default, which is no wish to change it.
        let changes = if errors.is_empty() { config::changes(&self.config, &config) } else { Vec::new() };
        for config::Change { key, old, new, .. } in changes.iter().filter(|change| !change.reloadable) {
            errors.push(format!("config reload not supported for {key}: old={old}, new={new}"));
        }
        if errors.is_empty()
            && let Err(error) = self.take_over(&config, &changes)
        {
            errors.push(error);
        }
        if !errors.is_empty() {
            for error in errors {
                tracing::error!("Failed to reload server configuration: {error}");
            }
            return;
        }
        for warning in &report.warnings {
            tracing::warn!("{}", warning.text);
        }
        for config::Change { key, new, .. } in &changes {
            let value = if new.is_empty() { String::new() } else { format!(" = {new}") };
            tracing::info!("Reloaded: {key}{value}");
        }
        if config.is_open_to_all_pages() && !self.config.is_open_to_all_pages() {
            banner::log_open_to_all_pages();
        }
        self.config = config;
        tracing::info!("Reloaded server configuration ({})", self.config.config_digest);
    }

    /// Takes over all of it, or nothing: the files come first, as they are what can be undone.
    fn take_over(&mut self, config: &Config, changes: &[config::Change]) -> Result<(), String> {
        let log = Log::open(&config.log)?;
        let is_file = |change: &config::Change| matches!(&*change.key, "pid_file" | "ports_file_dir");
        let files = match changes.iter().any(is_file) {
            true => Some(self.files.write_newer(self.program, config, self.server.addresses())?),
            false => None,
        };
        if let Err(error) = self.server.reload(config.clone()) {
            files.into_iter().for_each(|files| files.remove_but(&self.files));
            return Err(error.to_string());
        }
        if let Some(files) = files {
            std::mem::replace(&mut self.files, files).remove_but(&self.files);
        }
        self.log.become_other(log);
        Ok(())
    }
}

/// The names that nats-server logs.
fn signal_name(signal: i32) -> &'static str {
    match signal {
        SIGHUP => "hangup",
        SIGUSR1 => "user defined signal 1",
        SIGUSR2 => "user defined signal 2",
        SIGINT => "interrupt",
        _ => "terminated",
    }
}
