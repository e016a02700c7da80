//! How far a run has come, told by the run and read by whoever shows it.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::api::status;

/// Counters of one run.
#[derive(Debug, Default)]
pub struct Progress {
    read: AtomicUsize,
    planned: AtomicUsize,
    written: AtomicUsize,
}

impl Progress {
    /// So many records have come.
    pub fn read(&self, records: usize) {
        self.read.store(records, Ordering::Relaxed);
    }

    /// So many writes are to be done.
    pub fn planned(&self, writes: usize) {
        self.planned.store(writes, Ordering::Relaxed);
    }

    /// So many writes are done.
    pub fn written(&self, writes: usize) {
        self.written.store(writes, Ordering::Relaxed);
    }

    /// The counters as the status shows them.
    #[must_use]
    pub fn status(&self) -> status::Progress {
        let number =
            |counter: &AtomicUsize| i64::try_from(counter.load(Ordering::Relaxed)).unwrap_or(i64::MAX);
        status::Progress {
            read: number(&self.read),
            planned: number(&self.planned),
            written: number(&self.written),
        }
    }
}
