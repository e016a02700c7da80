//! When a Directory is synced next: the interval with jitter, and growing delays after failures.
//!
//! Jitter and start are functions of the Directory's uid, so a restart finds the same spread that
//! it left and no two hundred Directories start in one second.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::model::ContentHash;
use crate::source::Class;

/// The first delay after a failure that may pass by itself.
const FIRST_RETRY: Duration = Duration::from_secs(5);
/// The first delay after a failure that a person has to mend. A changed spec, Secret or ConfigMap
/// is noticed sooner.
const FIRST_RETRY_HOPELESS: Duration = Duration::from_secs(60);
/// The longest delay after failures, unless the interval itself is longer.
const LONGEST_RETRY: Duration = Duration::from_secs(15 * 60);
/// Over how long the first syncs after a start of the operator are spread.
const START_SPREAD: Duration = Duration::from_secs(30);

/// A number from 0 to 1 that is always the same for one Directory and salt.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "53 bits are plenty for a spread")]
fn share(uid: &str, salt: &str) -> f64 {
    let hash = ContentHash::of_bytes(format!("{salt}{uid}").as_bytes()).0;
    (hash >> 75) as f64 / (1_u64 << 53) as f64
}

/// The interval of one Directory: up to a tenth shorter or longer than was asked for.
#[must_use]
pub fn jittered(interval: Duration, uid: &str) -> Duration {
    interval.mul_f64(0.9 + 0.2 * share(uid, "interval"))
}

/// The delay after the given number of failures in a row (at least one).
#[must_use]
pub fn retry_delay(failures: u32, class: Class, interval: Duration, uid: &str) -> Duration {
    let first = match class {
        Class::Transient | Class::Incomplete | Class::ChangesUnknown => FIRST_RETRY,
        Class::Unauthorized | Class::Misconfigured | Class::TenantChanged => FIRST_RETRY_HOPELESS,
    };
    let grown = first.saturating_mul(1 << failures.saturating_sub(1).min(16));
    let bounded = grown.min(LONGEST_RETRY.max(interval));
    bounded.mul_f64(0.9 + 0.2 * share(uid, "retry"))
}

/// How long to wait for the first sync after the operator has started.
///
/// A Directory that has never been looked at goes first; one whose spec has changed meanwhile
/// goes at once too; one that was failing keeps to its time; the others go on where they were, or,
/// when they are late, within half a minute.
#[must_use]
pub fn first_delay(known: &Known, interval: Duration, uid: &str, now: Timestamp) -> Duration {
    if !known.current {
        return Duration::ZERO;
    }
    let until = |time: Timestamp| Duration::try_from(time.duration_since(now)).unwrap_or_default();
    if let Some(retry) = known.retry {
        return until(retry).min(LONGEST_RETRY.max(interval));
    }
    let due = known.last_start.map_or(Duration::ZERO, |start| {
        let jittered = jiff::SignedDuration::try_from(jittered(interval, uid)).unwrap_or_default();
        start.checked_add(jittered).map_or(Duration::ZERO, until)
    });
    let spread = START_SPREAD.min(interval).mul_f64(share(uid, "start"));
    due.min(interval).max(spread)
}

/// A time of day before `now` by the monotonic clock, for what is reckoned by that from here on. A time
/// to come is taken for now: a clock was put back. `None`: that clock cannot say.
#[must_use]
pub fn ago(time: Timestamp, now: Timestamp) -> Option<Instant> {
    Instant::now().checked_sub(Duration::try_from(now.duration_since(time)).unwrap_or_default())
}

/// What the status says of the time before the operator started.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known {
    /// Whether the status is about the present spec.
    pub current: bool,
    /// When the last sync started that is on record.
    pub last_start: Option<Timestamp>,
    /// When a failed sync was to be tried again.
    pub retry: Option<Timestamp>,
}

/// A time as the API can say it: in whole seconds.
#[must_use]
pub fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);
    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn jitter_stays_within_a_tenth_and_is_always_the_same() {
        for uid in ["a", "b", "c"] {
            let interval = jittered(HOUR, uid);
            assert!(interval >= HOUR.mul_f64(0.9) && interval <= HOUR.mul_f64(1.1));
            assert_eq!(interval, jittered(HOUR, uid));
        }
        assert_ne!(jittered(HOUR, "a"), jittered(HOUR, "b"));
    }

    #[test]
    fn delays_double_and_are_bounded() {
        let delay = |failures| retry_delay(failures, Class::Transient, MINUTE, "a").as_secs_f64();
        assert!(delay(2) > 1.9 * delay(1) && delay(2) < 2.1 * delay(1));
        assert!(delay(40) <= LONGEST_RETRY.as_secs_f64() * 1.1);
    }

    #[test]
    fn a_failure_that_only_a_person_can_mend_is_retried_slowly() {
        let delay = |class| retry_delay(1, class, MINUTE, "a");
        assert!(delay(Class::Unauthorized) > 5 * delay(Class::Transient));
    }

    #[test]
    fn two_hundred_late_directories_are_spread_after_a_restart() {
        let known = Known { current: true, last_start: Some(Timestamp::UNIX_EPOCH), retry: None };
        let now = Timestamp::from_second(1_000_000).unwrap();
        let mut delays: Vec<u64> =
            (0..200).map(|n| first_delay(&known, HOUR, &n.to_string(), now).as_secs()).collect();
        delays.sort_unstable();
        assert!(delays[199] <= 30);
        let busiest = (0..30).map(|second| delays.iter().filter(|delay| **delay == second).count()).max();
        assert!(busiest < Some(25), "{busiest:?} in one second");
    }

    #[test]
    fn a_failing_directory_keeps_its_time_over_a_restart() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let retry = Timestamp::from_second(1_000_120).unwrap();
        let known = Known { current: true, last_start: None, retry: Some(retry) };
        assert_eq!(first_delay(&known, MINUTE, "a", now), 2 * MINUTE);
    }

    #[test]
    fn a_time_is_as_long_ago_by_the_monotonic_clock_and_never_to_come() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let before = |seconds: i64| ago(Timestamp::from_second(1_000_000 - seconds).unwrap(), now);
        let age = before(5).unwrap().elapsed();
        assert!(age >= Duration::from_secs(5) && age < MINUTE, "{age:?}");
        assert!(before(-600).unwrap() <= Instant::now());
    }

    #[test]
    fn a_new_or_changed_directory_goes_at_once() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        assert_eq!(first_delay(&Known::default(), HOUR, "a", now), Duration::ZERO);
    }
}
