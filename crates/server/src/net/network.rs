//! Starting and stopping the threads.

use core::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use dunlin_worker::{Listener, MonitorResponse, Shared, Worker, WorkerConfig, WorkerSnapshot};
use mio::Poll;

use super::accept_pause::AcceptPause;
use super::acceptor::{Acceptor, STOP};
use super::auth_threads::AuthThreads;
use super::mailbox::{Inbox, Letter, Mailbox, mailbox};
use super::sockets::Sockets;
use super::worker_thread::{WAKE, WorkerThread};
use super::{Clock, ListenSocket, UnixSocket};
use crate::tls::TlsServers;

/// Answers a monitoring request: from path and query, and the workers' states.
pub(crate) type Render = Arc<dyn Fn(&str, &[WorkerSnapshot]) -> MonitorResponse + Send + Sync>;

/// Where to listen for what.
pub(crate) type Endpoint = (Listener, Place);

/// Where to listen.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// The addresses of a host, with one port; 0 takes any free one. An unspecified address stands for both families.
    Tcp(Vec<SocketAddr>),
    /// A path, and the permissions of its file.
    Unix(PathBuf, u32),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Tcp(addrs) => {
                let addrs: Vec<String> = addrs.iter().map(ToString::to_string).collect();
                f.write_str(&addrs.join(", "))
            }
            Place::Unix(path, _) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// The bound listeners of a server that does not accept yet.
pub(crate) struct Endpoints {
    listeners: Vec<(ListenSocket, Listener)>,
}

impl Endpoints {
    /// Binds all `endpoints`.
    ///
    /// # Errors
    ///
    /// The endpoint that could not be bound, and why.
    pub(crate) fn bind(endpoints: &[Endpoint]) -> Result<Endpoints, (Endpoint, io::Error)> {
        let mut listeners = Vec::new();
        for (kind, place) in endpoints {
            let bound = match place {
                Place::Tcp(addrs) => ListenSocket::bind_all(addrs)
                    .map_err(|(addr, error)| ((*kind, Place::Tcp(vec![addr])), error))?,
                Place::Unix(path, mode) => {
                    let socket = UnixSocket::bind(path, *mode);
                    vec![ListenSocket::Unix(socket.map_err(|error| ((*kind, place.clone()), error))?)]
                }
            };
            listeners.extend(bound.into_iter().map(|listener| (listener, *kind)));
        }
        Ok(Endpoints { listeners })
    }

    /// The addresses that are listened on for `kind`.
    pub(crate) fn addresses(&self, kind: Listener) -> Vec<SocketAddr> {
        self.listeners
            .iter()
            .filter(|(_, of)| *of == kind)
            .filter_map(|(listener, _)| listener.local_addr())
            .collect()
    }
}

/// What the threads need to know.
pub(crate) struct NetworkConfig {
    pub(crate) workers: usize,
    pub(crate) worker: Arc<WorkerConfig>,
    pub(crate) tls: Arc<TlsServers>,
    pub(crate) render: Render,
    pub(crate) clock: Clock,
    /// Keys hash tables and drives random choices.
    pub(crate) seed: u64,
}

/// The running threads.
pub(crate) struct Network {
    mailboxes: Vec<Mailbox>,
    stop: Arc<AtomicBool>,
    acceptor_waker: mio::Waker,
    threads: Vec<JoinHandle<()>>,
}

impl Network {
    /// Starts the workers, then accepts.
    pub(crate) fn start(endpoints: Endpoints, config: &NetworkConfig) -> io::Result<Network> {
        let mut seats = Vec::new();
        for _ in 0..config.workers {
            let poll = Poll::new()?;
            let (mailbox, inbox) = mailbox(poll.registry(), WAKE)?;
            seats.push((poll, mailbox, inbox));
        }
        let mailboxes: Vec<Mailbox> = seats.iter().map(|(_, mailbox, _)| mailbox.clone()).collect();
        let shared = Arc::new(Shared::with_seed(config.seed));
        let auth = AuthThreads::start()?;
        let mut threads = Vec::new();
        for (index, (poll, _, inbox)) in seats.into_iter().enumerate() {
            let thread = worker_thread(index, poll, inbox, &mailboxes, &shared, &auth, config);
            let name = format!("worker-{index}");
            threads.push(std::thread::Builder::new().name(name).spawn(move || thread.run())?);
        }
        let poll = Poll::new()?;
        let acceptor_waker = mio::Waker::new(poll.registry(), STOP)?;
        let stop = Arc::new(AtomicBool::new(false));
        let mut acceptor = Acceptor {
            poll,
            listeners: endpoints.listeners,
            workers: mailboxes.clone(),
            next: 0,
            stop: Arc::clone(&stop),
            clock: config.clock,
            pause: AcceptPause::default(),
        };
        acceptor.register()?;
        threads.push(std::thread::Builder::new().name("acceptor".into()).spawn(move || acceptor.run())?);
        Ok(Network { mailboxes, stop, acceptor_waker, threads })
    }

    /// Stops accepting: the listeners close.
    pub(crate) fn stop_accepting(&self) {
        self.stop.store(true, Ordering::Release);
        if let Err(error) = self.acceptor_waker.wake() {
            tracing::error!("the acceptor could not be woken: {error}");
        }
    }

    /// Closes every connection and ends the threads. Returns at once; [`Network::wait`] waits for them.
    pub(crate) fn shut_down(&self) {
        self.stop_accepting();
        for mailbox in &self.mailboxes {
            mailbox.send(Letter::ShutDown);
        }
    }

    /// Stops accepting, and lets the workers close their clients one by one.
    pub(crate) fn start_lame_duck(&self, grace: Duration, duration: Duration) {
        self.stop_accepting();
        for mailbox in &self.mailboxes {
            mailbox.send(Letter::LameDuck { grace, duration });
        }
    }

    /// Gives the workers new settings.
    pub(crate) fn reconfigure(&self, config: &Arc<WorkerConfig>, tls: &Arc<TlsServers>) {
        for mailbox in &self.mailboxes {
            mailbox.send(Letter::Reconfigure(Arc::clone(config), Arc::clone(tls)));
        }
    }

    /// The threads, to be waited for.
    pub(crate) fn take_threads(&mut self) -> Vec<JoinHandle<()>> {
        core::mem::take(&mut self.threads)
    }
}

fn worker_thread(
    index: usize,
    poll: Poll,
    inbox: Inbox,
    mailboxes: &[Mailbox],
    shared: &Arc<Shared>,
    auth: &AuthThreads,
    config: &NetworkConfig,
) -> WorkerThread {
    let seed = config.seed.wrapping_add(index as u64);
    let worker =
        Worker::new(index as u8, config.workers, Arc::clone(&config.worker), Arc::clone(shared), seed);
    WorkerThread {
        worker,
        poll,
        inbox,
        sockets: Sockets::new(index, mailboxes.to_vec(), Arc::clone(&config.tls)),
        clock: config.clock,
        mailboxes: mailboxes.to_vec(),
        index,
        render: Arc::clone(&config.render),
        auth: auth.clone(),
        stops_at: None,
        is_lame_duck: false,
    }
}
