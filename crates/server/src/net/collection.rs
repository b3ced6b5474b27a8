//! A monitoring request on its way through all workers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use dunlin_worker::{MonitorRequest, SnapshotOptions, Worker, WorkerSnapshot};

use super::mailbox::{Letter, Mailbox};
use super::network::Render;

/// A monitoring request, and the parts of the answer that have come together so far. Each worker adds its own; the last
/// one answers. No worker waits for another.
pub(crate) struct Collection {
    request: MonitorRequest,
    /// The worker whose connection asked.
    reply_to: Mailbox,
    missing: AtomicUsize,
    parts: Mutex<Vec<WorkerSnapshot>>,
    render: Render,
}

impl Collection {
    pub(crate) fn new(
        request: MonitorRequest,
        reply_to: Mailbox,
        workers: usize,
        render: Render,
    ) -> Collection {
        let missing = AtomicUsize::new(workers);
        Collection { request, reply_to, missing, parts: Mutex::new(Vec::new()), render }
    }

    /// Adds what `worker` knows.
    pub(crate) fn add(&self, worker: &Worker) {
        let target = &self.request.target;
        let options =
            SnapshotOptions { subscriptions: target.contains("subs="), closed: target.contains("state=") };
        let snapshot = worker.snapshot(options);
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).push(snapshot);
        if self.missing.fetch_sub(1, Ordering::AcqRel) == 1 {
            let parts = core::mem::take(&mut *self.parts.lock().unwrap_or_else(PoisonError::into_inner));
            let response = (self.render)(&self.request.target, &parts);
            self.reply_to.send(Letter::Respond(self.request.clone(), response));
        }
    }
}
