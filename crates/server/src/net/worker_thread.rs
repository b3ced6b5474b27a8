//! The thread of a worker.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use dunlin_session::Instant;
use dunlin_worker::Worker;
use mio::{Events, Poll, Token};

use super::Clock;
use super::auth_threads::AuthThreads;
use super::collection::Collection;
use super::mailbox::{Inbox, Letter, Mailbox};
use super::network::Render;
use super::sockets::{Sockets, conn_id};

/// The token of a worker's own mailbox.
pub(crate) const WAKE: Token = Token(usize::MAX);

/// How long a stopping worker waits for its clients to take their last words.
const SHUTDOWN_PATIENCE: Duration = Duration::from_millis(500);

/// A worker with its sockets.
pub(crate) struct WorkerThread {
    pub(crate) worker: Worker,
    pub(crate) poll: Poll,
    pub(crate) inbox: Inbox,
    pub(crate) sockets: Sockets,
    pub(crate) clock: Clock,
    /// The mailboxes of all workers, for monitoring requests.
    pub(crate) mailboxes: Vec<Mailbox>,
    pub(crate) index: usize,
    pub(crate) render: Render,
    pub(crate) auth: AuthThreads,
    /// Once it has been told to stop: when it does, come what may.
    pub(crate) stops_at: Option<Instant>,
    /// It ends when its last client has gone.
    pub(crate) is_lame_duck: bool,
}

impl WorkerThread {
    /// Lives in turns until the server stops.
    pub(crate) fn run(mut self) {
        let mut events = Events::with_capacity(1024);
        while !self.is_over() {
            if let Err(error) = self.poll.poll(&mut events, self.timeout())
                && error.kind() != io::ErrorKind::Interrupted
            {
                tracing::error!("a worker cannot wait for its sockets: {error}");
                return;
            }
            for event in &events {
                if event.token() == WAKE {
                    continue;
                }
                let id = conn_id(event.token());
                let finished = event.is_read_closed() || event.is_error();
                if event.is_readable() || finished {
                    self.worker.set_readable(id, finished);
                }
                if event.is_writable() {
                    self.sockets.handle_writable(id);
                    self.worker.set_writable(id);
                }
            }
            let now = self.clock.now();
            self.inbox.start_turn();
            while let Some(letter) = self.inbox.next() {
                self.handle(letter, now);
            }
            if self.inbox.has_caught_up() {
                let others = self.mailboxes.iter().enumerate().filter(|&(at, _)| at != self.index);
                others.for_each(|(_, mailbox)| mailbox.wake());
            }
            self.worker.turn(now, self.clock.wall_seconds(now), &mut self.sockets);
            self.pass_on_monitor_requests();
            for request in self.worker.take_auth_requests() {
                self.auth.submit(request, &self.mailboxes[self.index]);
            }
        }
    }

    fn timeout(&self) -> Option<Duration> {
        if self.inbox.is_spent() {
            return Some(Duration::ZERO);
        }
        let deadline = self.worker.next_deadline().min(self.stops_at.unwrap_or(Instant::NEVER));
        (deadline != Instant::NEVER).then(|| deadline - self.clock.now())
    }

    fn is_over(&self) -> bool {
        let is_stopping = self.is_lame_duck || self.stops_at.is_some();
        is_stopping
            && (self.worker.connections() == 0 || self.stops_at.is_some_and(|at| self.clock.now() >= at))
    }

    fn handle(&mut self, letter: Letter, now: Instant) {
        match letter {
            Letter::Accepted(socket, accepted) => {
                let id = self.worker.open(now, accepted);
                if let Err(error) = self.sockets.insert(id, socket, self.poll.registry()) {
                    tracing::error!(peer = %accepted.peer, "the connection cannot be watched: {error}");
                    self.worker.set_readable(id, true);
                }
            }
            Letter::Crossing(crossing) => self.worker.receive(crossing),
            Letter::Collect(collection) => collection.add(&self.worker),
            Letter::Respond(request, response) => self.worker.respond(now, &request, &response),
            Letter::Verdict(id, identity) => self.worker.receive_verdict(id, identity),
            Letter::Reconfigure(config, tls) => {
                self.sockets.set_tls(tls);
                self.worker.set_config(now, config);
            }
            Letter::LameDuck { grace, duration } => {
                self.worker.start_lame_duck(now, grace, duration);
                self.is_lame_duck = true;
            }
            Letter::ShutDown => {
                self.worker.shut_down(now);
                self.stops_at = Some(now + SHUTDOWN_PATIENCE);
            }
        }
    }

    fn pass_on_monitor_requests(&mut self) {
        for request in self.worker.take_monitor_requests() {
            let reply_to = self.mailboxes[self.index].clone();
            let render = Arc::clone(&self.render);
            let collection = Arc::new(Collection::new(request, reply_to, self.mailboxes.len(), render));
            for mailbox in &self.mailboxes {
                mailbox.send(Letter::Collect(Arc::clone(&collection)));
            }
        }
    }
}
