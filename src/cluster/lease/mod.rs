//! Which of several operators works: the holder of a Lease (coordination.k8s.io), after the
//! semantics of client-go's leader election.
//!
//! Nobody compares clocks. A Lease has expired when it has not been seen to change for as long as it
//! says, by the monotonic clock of who looks. A holder stops well before that, by its own.

mod elector;
mod fence;
mod record;
mod tenure;

use std::time::Duration;

pub use elector::{Elector, Lost};
pub use fence::Fence;
pub use tenure::Tenure;

/// Where the Lease is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Namespace of the Lease; `None`: that of the operator itself.
    pub namespace: Option<String>,
    /// Name of the Lease.
    pub name: String,
}

/// What a process knows of its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It has not found out yet whose turn it is.
    Unknown,
    /// It is another's turn.
    Follows,
    /// It is its own.
    Leads,
}

/// How long what may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// How long others wait after the last renewal that they saw. Whole seconds: the Lease counts in
    /// them.
    pub lease_duration: Duration,
    /// How long after its last renewal the holder may still write; then it gives up.
    pub renew_deadline: Duration,
    /// How often the holder renews.
    pub retry_period: Duration,
}

/// Why durations do not fit together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimingError {
    /// The Lease cannot say it.
    #[error("the lease duration must be a whole number of seconds, one or more")]
    Duration,
    /// The next holder could start before this one has stopped.
    #[error("the renew deadline must be shorter than the lease duration")]
    Deadline,
    /// The holder could not renew in time.
    #[error("the retry period must not be zero, and at most half of the renew deadline")]
    Retry,
}

impl Timing {
    /// Durations that fit together.
    ///
    /// # Errors
    /// See [`TimingError`].
    pub fn new(
        lease_duration: Duration,
        renew_deadline: Duration,
        retry_period: Duration,
    ) -> Result<Self, TimingError> {
        let whole = lease_duration.subsec_nanos() == 0 && i32::try_from(lease_duration.as_secs()).is_ok();
        if lease_duration.is_zero() || !whole {
            return Err(TimingError::Duration);
        }
        if renew_deadline >= lease_duration {
            return Err(TimingError::Deadline);
        }
        if retry_period.is_zero() || retry_period * 2 > renew_deadline {
            return Err(TimingError::Retry);
        }
        Ok(Self { lease_duration, renew_deadline, retry_period })
    }

    /// How often those who wait look at the Lease: twice as often as the holder renews, so that one
    /// that was given back is soon taken.
    #[must_use]
    pub fn look_interval(&self) -> Duration {
        self.retry_period / 2
    }

    /// How long what the holder has sent may be on its way. Together with the renew deadline it is
    /// shorter than the lease duration, so nothing arrives when the next holder may have started; a
    /// fifth is left for clocks that do not run at the same speed.
    #[must_use]
    pub fn delivery(&self) -> Duration {
        self.lease_duration.saturating_sub(self.renew_deadline) * 4 / 5
    }

    /// How long one request about the Lease may take.
    fn request(&self) -> Duration {
        self.renew_deadline / 2
    }
}

/// A name that no other process has: the pod's, and some random digits, since a container that was
/// started anew has the pod's name too.
#[must_use]
pub fn identity() -> String {
    let name = std::env::var("POD_NAME").ok().filter(|name| !name.is_empty());
    let mut random = [0; 8];
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    if provider.secure_random.fill(&mut random).is_err() {
        // Without a source of randomness no connection would come about either; this keeps the name
        // unique all the same.
        let now = jiff::Timestamp::now().as_nanosecond();
        random = (now ^ i128::from(std::process::id())).to_be_bytes()[8..].try_into().unwrap_or(random);
    }
    let digits = data_encoding::HEXLOWER.encode(&random);
    format!("{}_{digits}", name.unwrap_or_else(|| "directory-sync".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn durations_must_leave_time_between_holders() {
        assert!(Timing::new(seconds(15), seconds(10), seconds(2)).is_ok());
        assert_eq!(Timing::new(seconds(10), seconds(10), seconds(2)), Err(TimingError::Deadline));
        assert_eq!(Timing::new(seconds(15), seconds(10), seconds(6)), Err(TimingError::Retry));
        assert_eq!(Timing::new(seconds(15), seconds(10), seconds(0)), Err(TimingError::Retry));
        assert_eq!(
            Timing::new(Duration::from_millis(1500), seconds(1), seconds(0)),
            Err(TimingError::Duration)
        );
    }

    #[test]
    fn what_was_sent_in_time_has_arrived_or_is_dead_before_the_lease_can_be_taken() {
        let timing = Timing::new(seconds(15), seconds(10), seconds(2)).unwrap();
        assert!(timing.renew_deadline + timing.delivery() < timing.lease_duration);
    }

    #[test]
    fn no_two_processes_have_one_name() {
        assert_ne!(identity(), identity());
    }
}
