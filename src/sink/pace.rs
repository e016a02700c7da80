//! How fast is written: so many requests at a time, so many a second, so many bytes a second.
//!
//! The apiserver and etcd serve others, too. A burst as large as a first sync of ten thousand objects
//! goes through at full speed; what comes after it is held to a rate that etcd's history and a shared
//! control plane can bear for hours. The number of requests at a time grows while answers are quick,
//! and is halved when the apiserver says that it is too much (429, 503) or answers much slower than
//! before: additive increase, multiplicative decrease. When it asks for time, nothing is sent until that
//! is over.

use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::Notify;
use tokio::time::Instant;

/// The most requests under way at a time. Each is a connection of its own: the client speaks HTTP/1.1.
pub const MOST_IN_FLIGHT: usize = 32;

/// The same as a number that can be divided.
const MOST: f64 = 32.0;

/// What may be spent.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Requests that may come at once.
    pub burst_requests: f64,
    /// Requests a second after that.
    pub requests_per_second: f64,
    /// Bytes that may come at once.
    pub burst_bytes: f64,
    /// Bytes a second after that.
    pub bytes_per_second: f64,
}

impl Budget {
    /// 200 small writes a second are what a shared control plane bears well. etcd keeps what is
    /// overwritten for five minutes: 64 MiB and a MiB a second come to 364 MiB of history.
    pub const DEFAULT: Self = Self {
        burst_requests: 15_000.0,
        requests_per_second: 200.0,
        burst_bytes: 64.0 * 1024.0 * 1024.0,
        bytes_per_second: 1024.0 * 1024.0,
    };
}

/// How many times slower than usual an answer is a sign of too much.
const SLOWER: f64 = 8.0;
/// Answers within this time are never called slow.
const NEVER_SLOW: Duration = Duration::from_millis(500);
/// One sign of too much and all that come with it count once.
const ONE_SIGN: Duration = Duration::from_secs(1);
/// Longer than that nobody is spared, whatever they ask for.
const LONGEST_SPARE: Duration = Duration::from_secs(5 * 60);

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The apiserver took it, or refused it for what it is.
    Taken,
    /// The apiserver has too much to do, or does not answer.
    TooMuch {
        /// For how long it wants to be spared, if it says so.
        spare: Option<Duration>,
    },
}

/// What is shown of a pace.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// How many requests may be under way at a time.
    pub at_a_time: Gauge,
    /// Signs of too much: refusals, missing answers, and answers that took much longer than usual.
    pub eased: Counter,
    /// For how long requests waited for their turn, in seconds.
    pub waited: Counter<f64, AtomicU64>,
}

/// The pure part: what may be done now.
#[derive(Debug)]
struct Core {
    budget: Budget,
    requests: f64,
    bytes: f64,
    /// When the two were counted.
    counted: Duration,
    limit: f64,
    in_flight: usize,
    /// How long an answer usually takes, in seconds.
    usual: Option<f64>,
    eased: Option<Duration>,
    /// Until when the apiserver wants to be spared.
    spared: Duration,
}

impl Core {
    const fn new(budget: Budget) -> Self {
        let (requests, bytes) = (budget.burst_requests, budget.burst_bytes);
        let (counted, limit) = (Duration::ZERO, MOST);
        Self {
            budget,
            requests,
            bytes,
            counted,
            limit,
            in_flight: 0,
            usual: None,
            eased: None,
            spared: counted,
        }
    }

    /// Begins a request of so many bytes if it may; otherwise says when to ask again, or that one of
    /// those under way has to end first.
    fn begin(&mut self, now: Duration, bytes: f64) -> Result<(), Option<Duration>> {
        let passed = now.saturating_sub(self.counted).as_secs_f64();
        self.counted = self.counted.max(now);
        let Budget { burst_requests, requests_per_second, burst_bytes, bytes_per_second } = self.budget;
        self.requests = (self.requests + passed * requests_per_second).min(burst_requests);
        self.bytes = (self.bytes + passed * bytes_per_second).min(burst_bytes);
        if now < self.spared {
            return Err(Some(self.spared.saturating_sub(now)));
        }
        if self.in_flight >= self.in_flight_limit() {
            return Err(None);
        }
        // A request that is larger than the whole burst goes when the burst is full.
        let bytes = bytes.min(burst_bytes);
        let wait = ((1.0 - self.requests) / requests_per_second).max((bytes - self.bytes) / bytes_per_second);
        if wait > 0.0 {
            return Err(Some(Duration::from_secs_f64(wait)));
        }
        self.requests -= 1.0;
        self.bytes -= bytes;
        self.in_flight += 1;
        Ok(())
    }

    /// Ends a request of which nothing is known.
    const fn give_up(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// Ends a request; true when its answer was a sign of too much.
    fn end(&mut self, now: Duration, took: Duration, answer: Answer) -> bool {
        self.give_up();
        let seconds = took.as_secs_f64();
        let usual = self.usual.unwrap_or(seconds);
        let slow = took > NEVER_SLOW && seconds > usual * SLOWER;
        let spare = match answer {
            Answer::TooMuch { spare } => Some(spare.unwrap_or_default().min(LONGEST_SPARE)),
            Answer::Taken => slow.then_some(Duration::ZERO),
        };
        if let Some(spare) = spare {
            self.spared = self.spared.max(now + spare);
            if self.eased.is_none_or(|eased| now.saturating_sub(eased) >= ONE_SIGN) {
                self.limit = (self.limit / 2.0).max(1.0);
                self.eased = Some(now);
            }
            return true;
        }
        self.usual = Some(usual + (seconds - usual) / 32.0);
        self.limit = (self.limit + 1.0 / self.limit).min(MOST);
        false
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 1 to MOST_IN_FLIGHT")]
    const fn in_flight_limit(&self) -> usize {
        self.limit as usize
    }
}

/// The pace of all writes of this process.
#[derive(Debug)]
pub struct Pace {
    core: Mutex<Core>,
    ended: Notify,
    begun: Instant,
    shown: Shown,
}

impl Pace {
    /// A pace with nothing spent.
    #[must_use]
    pub fn new(budget: Budget, shown: Shown) -> Self {
        shown.at_a_time.set(i64::try_from(MOST_IN_FLIGHT).unwrap_or(i64::MAX));
        Self { core: Mutex::new(Core::new(budget)), ended: Notify::new(), begun: Instant::now(), shown }
    }

    /// Waits until a request of so many bytes may be sent.
    #[expect(clippy::cast_precision_loss, reason = "a request has far fewer bytes than 2^52")]
    pub(super) async fn turn(&self, bytes: usize) -> Turn<'_> {
        loop {
            let ended = self.ended.notified();
            let may = self.lock().begin(self.begun.elapsed(), bytes as f64);
            match may {
                Ok(()) => return Turn { pace: self, begun: Instant::now(), answer: None },
                Err(None) => ended.await,
                Err(Some(wait)) => {
                    tokio::time::sleep(wait).await;
                    self.shown.waited.inc_by(wait.as_secs_f64());
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Core> {
        // Each change leaves numbers that can be gone on with.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request under way; one that is given up ends, too.
pub(super) struct Turn<'a> {
    pace: &'a Pace,
    begun: Instant,
    answer: Option<Answer>,
}

impl Turn<'_> {
    /// Ends the request with what came of it.
    pub(super) fn end(mut self, answer: Answer) {
        self.answer = Some(answer);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let Pace { ended, begun, shown, .. } = self.pace;
        let mut core = self.pace.lock();
        match self.answer {
            Some(answer) => {
                let too_much = core.end(begun.elapsed(), self.begun.elapsed(), answer);
                shown.eased.inc_by(u64::from(too_much));
            }
            None => core.give_up(),
        }
        shown.at_a_time.set(i64::try_from(core.in_flight_limit()).unwrap_or(i64::MAX));
        drop(core);
        // There may be room for more than one by now.
        ended.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const QUICK: Duration = Duration::from_millis(10);
    const TOO_MUCH: Answer = Answer::TooMuch { spare: None };

    fn core() -> Core {
        let (burst_requests, requests_per_second) = (40.0, 10.0);
        let (burst_bytes, bytes_per_second) = (1_000.0, 100.0);
        Core::new(Budget { burst_requests, requests_per_second, burst_bytes, bytes_per_second })
    }

    /// Begins and ends requests of so many bytes until one has to wait; how many there were.
    fn spend(core: &mut Core, now: Duration, bytes: f64) -> (usize, Duration) {
        let mut sent = 0;
        loop {
            match core.begin(now, bytes) {
                Ok(()) => drop(core.end(now, QUICK, Answer::Taken)),
                Err(Some(wait)) => return (sent, wait),
                Err(None) => unreachable!("nothing is under way"),
            }
            sent += 1;
        }
    }

    #[test]
    fn a_burst_goes_at_once_and_then_a_rate_is_kept() {
        let mut core = core();
        assert_eq!(spend(&mut core, Duration::ZERO, 1.0), (40, SECOND / 10));
        assert_eq!(spend(&mut core, SECOND, 1.0).0, 10);
        assert_eq!(spend(&mut core, SECOND * 100, 1.0).0, 40, "no more than a burst is saved up");
    }

    #[test]
    fn large_requests_are_held_to_the_rate_of_bytes() {
        let mut core = core();
        assert_eq!(spend(&mut core, Duration::ZERO, 250.0).0, 4);
        assert_eq!(spend(&mut core, SECOND * 5, 250.0).0, 2);
        assert_eq!(spend(&mut core, SECOND * 1_000, 5_000.0).0, 1, "one that is larger than all goes, too");
    }

    #[test]
    fn too_much_halves_the_requests_at_a_time_and_quick_answers_raise_them_again() {
        let mut core = Core::new(Budget::DEFAULT);
        core.end(SECOND, QUICK, TOO_MUCH);
        core.end(SECOND, QUICK, TOO_MUCH);
        assert_eq!(core.in_flight_limit(), 16, "signs that come together count once");
        core.end(SECOND * 3, QUICK, TOO_MUCH);
        assert_eq!(core.in_flight_limit(), 8);
        for _ in 0..1_000 {
            core.end(SECOND * 4, QUICK, Answer::Taken);
        }
        assert_eq!(core.in_flight_limit(), MOST_IN_FLIGHT);
        for second in 10..30 {
            core.end(SECOND * second, QUICK, TOO_MUCH);
        }
        assert_eq!(core.in_flight_limit(), 1, "one at a time always goes");
    }

    #[test]
    fn nothing_is_sent_while_the_apiserver_wants_to_be_spared() {
        let mut core = Core::new(Budget::DEFAULT);
        assert!(core.end(SECOND, QUICK, Answer::TooMuch { spare: Some(SECOND * 3) }));
        assert_eq!(core.begin(SECOND * 2, 1.0), Err(Some(SECOND * 2)));
        assert_eq!(core.begin(SECOND * 4, 1.0), Ok(()));
        core.end(SECOND * 5, QUICK, Answer::TooMuch { spare: Some(SECOND * 100_000) });
        assert_eq!(core.begin(SECOND * 6, 1.0), Err(Some(SECOND * 299)), "not for ever");
    }

    #[test]
    fn answers_that_become_much_slower_are_a_sign_too() {
        let mut core = Core::new(Budget::DEFAULT);
        for _ in 0..100 {
            core.end(SECOND, QUICK, Answer::Taken);
        }
        core.end(SECOND * 2, Duration::from_millis(400), Answer::Taken);
        assert_eq!(core.in_flight_limit(), MOST_IN_FLIGHT, "within what is never slow");
        core.end(SECOND * 4, SECOND, Answer::Taken);
        assert_eq!(core.in_flight_limit(), 16);
    }

    #[test]
    fn no_more_are_under_way_than_the_limit() {
        let mut core = Core::new(Budget::DEFAULT);
        for _ in 0..MOST_IN_FLIGHT {
            core.begin(SECOND, 1.0).unwrap();
        }
        assert_eq!(core.begin(SECOND, 1.0), Err(None));
        assert!((MOST - f64::from(u32::try_from(MOST_IN_FLIGHT).unwrap())).abs() < f64::EPSILON);
        core.end(SECOND, QUICK, Answer::Taken);
        assert_eq!(core.begin(SECOND, 1.0), Ok(()));
    }
}
