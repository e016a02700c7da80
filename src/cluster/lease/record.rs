//! What a Lease says, what follows from it, and what it says next: decisions without I/O.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;

/// A Lease as it was seen, and since when it has said so.
#[derive(Clone, Debug)]
pub struct Seen {
    /// As the apiserver has it.
    pub lease: Lease,
    /// When it was first seen to say this.
    pub since: Instant,
}

impl Seen {
    /// What is known after another look. The time counts from when the Lease last said something
    /// new; that somebody has put a label on it is nothing new.
    pub fn again(before: Option<Self>, lease: Lease, now: Instant) -> Self {
        match before {
            Some(before) if before.lease.spec == lease.spec => Self { lease, since: before.since },
            _ => Self { lease, since: now },
        }
    }

    /// Who holds the Lease; empty when it was given back.
    pub fn holder(&self) -> &str {
        let spec = self.lease.spec.as_ref();
        spec.and_then(|spec| spec.holder_identity.as_deref()).unwrap_or_default()
    }

    /// How many holders came before this one.
    pub fn transitions(&self) -> i32 {
        self.lease.spec.as_ref().and_then(|spec| spec.lease_transitions).unwrap_or_default()
    }

    fn duration(&self) -> Duration {
        let seconds = self.lease.spec.as_ref().and_then(|spec| spec.lease_duration_seconds);
        Duration::from_secs(seconds.and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or_default())
    }
}

/// What to do about a Lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// There is none: make it.
    Create,
    /// It is free, ours, or has expired: write it.
    Write,
    /// Somebody else holds it.
    Wait,
}

/// What follows from what was seen.
pub fn step(seen: Option<&Seen>, identity: &str, now: Instant) -> Step {
    let Some(seen) = seen else { return Step::Create };
    let free = seen.holder().is_empty() || seen.holder() == identity;
    if free || now.saturating_duration_since(seen.since) >= seen.duration() {
        Step::Write
    } else {
        Step::Wait
    }
}

/// What the Lease says of a holder that takes or renews it. The times are for people and for other
/// programs: nobody here decides by them.
pub fn held(before: Option<&Seen>, identity: &str, duration: Duration, now: Timestamp) -> LeaseSpec {
    let previous = before.and_then(|seen| seen.lease.spec.clone()).unwrap_or_default();
    let same = previous.holder_identity.as_deref() == Some(identity);
    let transitions = previous.lease_transitions.unwrap_or_default();
    LeaseSpec {
        holder_identity: Some(identity.to_owned()),
        lease_duration_seconds: i32::try_from(duration.as_secs()).ok(),
        acquire_time: if same { previous.acquire_time } else { Some(MicroTime(now)) },
        renew_time: Some(MicroTime(now)),
        lease_transitions: Some(transitions.saturating_add(i32::from(!same && before.is_some()))),
        ..LeaseSpec::default()
    }
}

/// What the Lease says once its holder has given it back: nobody holds it.
pub fn released(seen: &Seen, now: Timestamp) -> LeaseSpec {
    LeaseSpec {
        holder_identity: Some(String::new()),
        lease_duration_seconds: Some(1),
        acquire_time: Some(MicroTime(now)),
        renew_time: Some(MicroTime(now)),
        lease_transitions: Some(seen.transitions()),
        ..LeaseSpec::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERM: Duration = Duration::from_secs(15);

    fn seen(spec: LeaseSpec, since: Instant) -> Seen {
        Seen { lease: Lease { spec: Some(spec), ..Lease::default() }, since }
    }

    fn held_by(identity: &str, since: Instant) -> Seen {
        seen(held(None, identity, TERM, Timestamp::UNIX_EPOCH), since)
    }

    #[test]
    fn a_lease_that_changes_is_never_taken_whatever_its_times_say() {
        let start = Instant::now();
        // Renewed in 1970, by its holder's clock.
        let other = held_by("other", start);
        assert_eq!(step(Some(&other), "me", start + Duration::from_secs(14)), Step::Wait);
        let renewed = held(Some(&other), "other", TERM, Timestamp::UNIX_EPOCH + Duration::from_secs(2));
        let lease = Lease { spec: Some(renewed), ..Lease::default() };
        let again = Seen::again(Some(other), lease, start + Duration::from_secs(14));
        assert_eq!(step(Some(&again), "me", start + Duration::from_secs(28)), Step::Wait);
        assert_eq!(step(Some(&again), "me", start + Duration::from_secs(29)), Step::Write);
    }

    #[test]
    fn a_lease_that_says_the_same_as_before_goes_on_expiring() {
        let start = Instant::now();
        let other = held_by("other", start);
        let mut lease = other.lease.clone();
        lease.metadata.resource_version = Some("2".into());
        let again = Seen::again(Some(other), lease, start + Duration::from_secs(14));
        assert_eq!(step(Some(&again), "me", start + Duration::from_secs(15)), Step::Write);
    }

    #[test]
    fn a_lease_that_was_given_back_is_taken_at_once() {
        let now = Instant::now();
        let free = seen(released(&held_by("other", now), Timestamp::now()), now);
        assert_eq!(step(Some(&free), "me", now), Step::Write);
        assert_eq!(step(None, "me", now), Step::Create);
    }

    #[test]
    fn holders_are_counted_and_renewals_are_not() {
        let now = Instant::now();
        let first = held_by("a", now);
        assert_eq!(first.transitions(), 0);
        let renewed = seen(held(Some(&first), "a", TERM, Timestamp::now()), now);
        assert_eq!(renewed.transitions(), 0);
        assert_eq!(renewed.lease.spec.unwrap().acquire_time, first.lease.spec.clone().unwrap().acquire_time);
        let free = seen(released(&first, Timestamp::now()), now);
        assert_eq!(seen(held(Some(&free), "b", TERM, Timestamp::now()), now).transitions(), 1);
    }
}
