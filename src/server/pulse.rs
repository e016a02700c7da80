//! The pulse of a loop that is to turn for ever: from the time of its last turn others see whether it still does.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// How often the loop turns although nothing happens.
pub const BEAT: Duration = Duration::from_secs(5);
/// How long it may be silent. Its turns take milliseconds; a process that was stopped and goes on is heard
/// again within [`BEAT`].
const SILENCE: Duration = Duration::from_secs(60);

/// The time of the last turn; none before the first.
#[derive(Clone, Debug)]
pub struct Pulse(Arc<watch::Sender<Option<Instant>>>);

impl Default for Pulse {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }
}

impl Pulse {
    /// Tells of a turn.
    pub fn beat(&self, now: Instant) {
        self.0.send_replace(Some(now));
    }

    /// For how long the loop has been silent, if that is too long. Before its first turn it waits for the cluster or
    /// for its Lease, which may take as long as it will.
    #[must_use]
    pub fn silence(&self, now: Instant) -> Option<Duration> {
        self.0.borrow().map(|last| now.duration_since(last)).filter(|silence| *silence > SILENCE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_that_has_begun_and_turns_no_more_is_noticed_after_a_minute_and_not_before() {
        let (pulse, begun) = (Pulse::default(), Instant::now());
        assert_eq!(pulse.silence(begun + SILENCE * 10), None, "it has not begun");
        pulse.beat(begun);
        assert_eq!(pulse.silence(begun + SILENCE), None);
        assert_eq!(pulse.silence(begun + SILENCE + BEAT), Some(SILENCE + BEAT));
        pulse.beat(begun + SILENCE + BEAT);
        assert_eq!(pulse.silence(begun + SILENCE + BEAT), None, "it turns again");
    }
}
