//! Who is held back, counted by reason, and whether that is more than a reading is believed with.

use std::collections::BTreeMap;
use std::fmt;

use crate::api::status::Quarantined;
use crate::normalize::QuarantineReason;
use crate::plan::quarantine::Tolerance;

/// The reason of records of which the source could not make a person or group, as in `status.quarantined`.
pub const UNREADABLE: &str = "UnreadableRecord";

/// All reasons for which records are held back.
pub fn reasons() -> impl Iterator<Item = &'static str> {
    QuarantineReason::ALL.map(QuarantineReason::as_str).into_iter().chain([UNREADABLE])
}

/// So many records are held back that nothing of the reading is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TooManyHeld {
    /// Records that are held back.
    pub held: usize,
    /// All records.
    pub records: usize,
    /// How many may be held back.
    pub allowed: usize,
    /// By reason.
    pub quarantined: Vec<Quarantined>,
}

impl std::error::Error for TooManyHeld {}

impl fmt::Display for TooManyHeld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { held, records, allowed, .. } = self;
        write!(
            f,
            "{held} of {records} records are held back, and spec.quarantine allows {allowed}: nothing is written and \
             the mirrors stay as they are. Mend the records at the source or the rule that holds them back"
        )?;
        match self.quarantined.iter().max_by_key(|quarantined| quarantined.count) {
            Some(Quarantined { reason, count, example }) => {
                write!(f, " ({reason}, {count} times: {example})")
            }
            None => Ok(()),
        }
    }
}

/// Counts who is held back, by reason.
#[derive(Default)]
pub(super) struct HeldBack(BTreeMap<&'static str, (usize, String)>);

impl HeldBack {
    pub(super) fn add(&mut self, reason: &'static str, example: &str) {
        self.add_many(reason, 1, example);
    }

    /// Adds records of which the source could not make a person or group.
    pub(super) fn add_unreadable(&mut self, number: usize, example: &str) {
        self.add_many(UNREADABLE, number, example);
    }

    fn add_many(&mut self, reason: &'static str, number: usize, example: &str) {
        self.0.entry(reason).or_insert_with(|| (0, example.to_owned())).0 += number;
    }

    /// Whether that is too many of all records. A group that is too large for an object is no sign of
    /// anything being wrong with the reading; and of memberships that are not known, the records are
    /// counted that make it so, and not all that it holds back.
    pub(super) fn too_many(&self, records: usize, tolerance: Tolerance) -> Option<TooManyHeld> {
        let no_faults = [
            QuarantineReason::TooManyMembers,
            QuarantineReason::MembersUnknown,
            QuarantineReason::MembershipUnknown,
        ]
        .map(QuarantineReason::as_str);
        let faults = self.0.iter().filter(|(reason, _)| !no_faults.contains(reason));
        let held: usize = faults.map(|(_, (count, _))| count).sum();
        let allowed = tolerance.allowed(records);
        (held > allowed).then(|| TooManyHeld { held, records, allowed, quarantined: self.status() })
    }

    pub(super) fn status(&self) -> Vec<Quarantined> {
        let number = |count| i64::try_from(count).unwrap_or(i64::MAX);
        let entries = self.0.iter();
        entries
            .map(|(reason, (count, example))| Quarantined {
                reason: (*reason).to_owned(),
                count: number(*count),
                example: example.clone(),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_groups_do_not_make_a_reading_unbelievable_and_broken_records_do() {
        let tolerance = Tolerance { percent: 1, minimum: 10 };
        let mut held = HeldBack::default();
        held.add_many("TooManyMembers", 50, "a group has too many members");
        held.add_many("MembersUnknown", 50, "a record may be a member");
        held.add_many("MembershipUnknown", 50, "a group cannot be read");
        held.add_many("MissingAttribute", 10, "there is no badge");
        assert_eq!(held.too_many(1_000, tolerance), None);
        held.add("ScopeError", "no such key");
        let too_many = held.too_many(1_000, tolerance).unwrap();
        assert_eq!((too_many.held, too_many.allowed, too_many.quarantined.len()), (11, 10, 5));
        assert!(too_many.to_string().contains("11 of 1000 records are held back"), "{too_many}");
    }
}
