//! Until when this process may write, by the monotonic clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Whether this process may write now. All clones share one answer.
#[derive(Clone, Debug)]
pub struct Fence {
    origin: Instant,
    /// Milliseconds after `origin`; zero: never.
    until: Arc<AtomicU64>,
}

impl Fence {
    /// Closed until [`Fence::open_until`].
    #[must_use]
    pub fn closed() -> Self {
        Self { origin: Instant::now(), until: Arc::new(AtomicU64::new(0)) }
    }

    /// Open for ever, for an operator that is the only one.
    #[must_use]
    pub fn open() -> Self {
        Self { origin: Instant::now(), until: Arc::new(AtomicU64::new(u64::MAX)) }
    }

    /// Opens until a time; one that has passed closes.
    pub fn open_until(&self, time: Instant) {
        let after = time.saturating_duration_since(self.origin).as_millis();
        self.until.store(u64::try_from(after).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    /// Closes at once.
    pub fn close(&self) {
        self.until.store(0, Ordering::SeqCst);
    }

    /// Whether it is open now.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.left().is_zero()
    }

    /// For how long it stays open.
    #[must_use]
    pub fn left(&self) -> Duration {
        let until = Duration::from_millis(self.until.load(Ordering::SeqCst));
        until.saturating_sub(self.origin.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_open_only_until_its_time() {
        let fence = Fence::closed();
        assert!(!fence.is_open());
        fence.open_until(Instant::now() + Duration::from_secs(60));
        assert!(fence.is_open());
        fence.open_until(Instant::now());
        assert!(!fence.is_open());
        fence.open_until(Instant::now() + Duration::from_secs(60));
        fence.clone().close();
        assert!(!fence.is_open());
        assert!(Fence::open().is_open());
    }
}
