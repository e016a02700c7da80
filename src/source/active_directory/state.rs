//! Whether a person may be let in: disabled, expired or locked out.

use super::schema::{COMPUTED, LOCKOUT_TIME};
use super::spec::Lockout;
use super::values::FileTime;
use crate::model::State;
use crate::source::ldap_protocol::entry::Entry;

/// The bit of `userAccountControl` that says that an account is disabled.
const DISABLED: i64 = 0x2;
/// The bit of the computed flags that says that an account is locked out now.
const LOCKED_OUT: i64 = 0x10;
/// `accountExpires` of an account that does not; zero says the same.
const NEVER: FileTime = i64::MAX;

/// How long lockouts last in a new domain.
const HALF_AN_HOUR: FileTime = 30 * 60 * 10_000_000;

/// How long lockouts last in this domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockoutDuration {
    /// Until an administrator ends them.
    UntilUnlocked,
    /// This many steps of 100 ns.
    For(FileTime),
}

impl LockoutDuration {
    /// Reads the domain's `lockoutDuration`: a negative number of steps, or one that says for
    /// good. Where it cannot be read, lockouts last half an hour, as in a new domain: nobody becomes
    /// inactive because of a right that the account lacks.
    pub fn read(value: Option<&str>) -> Self {
        match value.and_then(|value| value.trim().parse::<i64>().ok()) {
            None => Self::For(HALF_AN_HOUR),
            Some(0 | i64::MIN) => Self::UntilUnlocked,
            Some(steps) => Self::For(steps.saturating_abs()),
        }
    }
}

/// What states are decided by, and the time at which the first of them changes by itself.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// Now.
    pub now: FileTime,
    /// Which lockouts count.
    pub lockout: Lockout,
    /// How long they last; not known until somebody is locked out.
    pub duration: Option<LockoutDuration>,
    /// When the first state that was decided will be another without any change of the entry.
    pub next: Option<FileTime>,
}

impl Clock {
    /// Nobody has been looked at yet.
    pub const fn new(now: FileTime, lockout: Lockout) -> Self {
        Self { now, lockout, duration: None, next: None }
    }

    /// The state of a person.
    pub fn state(&mut self, entry: &Entry) -> State {
        let disabled = number(entry, "userAccountControl").is_some_and(|flags| flags & DISABLED != 0);
        // Each is asked, so that each puts down when it will change.
        let expired = self.is_expired(entry);
        let locked = self.is_locked_out(entry);
        if disabled || expired || locked { State::Inactive } else { State::Active }
    }

    fn is_expired(&mut self, entry: &Entry) -> bool {
        let Some(end) = number(entry, "accountExpires").filter(|end| !matches!(*end, 0 | NEVER)) else {
            return false;
        };
        if end > self.now {
            self.changes_at(end);
        }
        end <= self.now
    }

    fn is_locked_out(&mut self, entry: &Entry) -> bool {
        if !is_marked_locked_out(entry) {
            return false;
        }
        match (self.duration, self.lockout) {
            (Some(LockoutDuration::For(_)), Lockout::UntilUnlocked) => false,
            (Some(LockoutDuration::For(steps)), Lockout::Any) => {
                let since = number(entry, LOCKOUT_TIME).unwrap_or(self.now);
                self.changes_at(since.saturating_add(steps).max(self.now.saturating_add(1)));
                true
            }
            (Some(LockoutDuration::UntilUnlocked) | None, _) => true,
        }
    }

    fn changes_at(&mut self, time: FileTime) {
        self.next = Some(self.next.map_or(time, |known| known.min(time)));
    }
}

/// Whether the domain controller says that an account is locked out now.
pub fn is_marked_locked_out(entry: &Entry) -> bool {
    number(entry, COMPUTED).is_some_and(|flags| flags & LOCKED_OUT != 0)
}

fn number(entry: &Entry, attribute: &str) -> Option<i64> {
    entry.values(attribute).first()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(attributes: &[(&str, &str)]) -> Entry {
        let attributes =
            attributes.iter().map(|(name, value)| ((*name).to_owned(), vec![(*value).to_owned()])).collect();
        Entry { attributes, ..Entry::default() }
    }

    #[test]
    fn an_account_is_active_unless_it_is_disabled_or_expired() {
        for (attributes, state) in [
            (&[("userAccountControl", "512")][..], State::Active),
            (&[("userAccountControl", "514")], State::Inactive),
            (&[("userAccountControl", "66050"), ("accountExpires", "0")], State::Inactive),
            (&[("accountExpires", "0")], State::Active),
            (&[("accountExpires", "9223372036854775807")], State::Active),
            (&[("accountExpires", "1000")], State::Inactive),
            (&[("accountExpires", "1001")], State::Active),
            (&[], State::Active),
        ] {
            let mut clock = Clock::new(1000, Lockout::UntilUnlocked);
            assert_eq!(clock.state(&entry(attributes)), state, "{attributes:?}");
        }
    }

    #[test]
    fn the_first_time_at_which_a_state_changes_by_itself_is_remembered() {
        let mut clock = Clock::new(1000, Lockout::Any);
        clock.state(&entry(&[("accountExpires", "9223372036854775807")]));
        assert_eq!(clock.next, None);
        clock.state(&entry(&[("accountExpires", "3000")]));
        clock.state(&entry(&[("accountExpires", "2000")]));
        clock.state(&entry(&[("accountExpires", "500")]));
        assert_eq!(clock.next, Some(2000));
        clock.duration = Some(LockoutDuration::For(300));
        clock.state(&entry(&[(COMPUTED, "16"), (LOCKOUT_TIME, "900")]));
        assert_eq!(clock.next, Some(1200));
    }

    #[test]
    fn a_lockout_that_ends_by_itself_counts_only_where_all_do() {
        let locked = entry(&[(COMPUTED, "8388624"), (LOCKOUT_TIME, "900")]);
        for (lockout, duration, state) in [
            (Lockout::UntilUnlocked, LockoutDuration::For(300), State::Active),
            (Lockout::Any, LockoutDuration::For(300), State::Inactive),
            (Lockout::UntilUnlocked, LockoutDuration::UntilUnlocked, State::Inactive),
        ] {
            let mut clock = Clock { duration: Some(duration), ..Clock::new(1000, lockout) };
            assert_eq!(clock.state(&locked), state, "{lockout:?} {duration:?}");
        }
    }

    #[test]
    fn the_domains_duration_is_a_negative_number_or_for_good() {
        assert_eq!(LockoutDuration::read(Some("-18000000000")), LockoutDuration::For(18_000_000_000));
        for value in [Some("-9223372036854775808"), Some("0")] {
            assert_eq!(LockoutDuration::read(value), LockoutDuration::UntilUnlocked, "{value:?}");
        }
        assert_eq!(LockoutDuration::read(None), LockoutDuration::For(HALF_AN_HOUR));
    }
}
