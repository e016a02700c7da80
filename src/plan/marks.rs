//! Since when mirrors are missing: what must be remembered of absences, small enough for the cluster.
//!
//! A mark is twelve bytes of the mirror's name, below the time of its absence: 50,000 of them take
//! 800 kB as text, and one object of the cluster takes 1.5 MiB.

use std::collections::BTreeMap;

use crate::model::{Kind, MirrorName};

/// How many marks are kept across restarts. Of more, the oldest are kept; the others begin anew
/// after a restart, which deletes later, never earlier.
pub const MAX_KEPT: usize = 50_000;

/// How many different times are kept across restarts.
pub const MAX_BATCHES: usize = 512;

/// Bytes of a mirror's name in a mark.
const ID_BYTES: usize = 12;

/// Since when mirrors are missing. Times are seconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks(BTreeMap<(Kind, u128), i64>);

/// Mirrors that are missing since one time, packed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Since when.
    pub since: i64,
    /// People, twelve bytes each.
    pub users: Vec<u8>,
    /// Groups, twelve bytes each.
    pub groups: Vec<u8>,
}

/// Marks in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// People whose grace time is not over.
    pub users: usize,
    /// Groups whose grace time is not over.
    pub groups: usize,
    /// When the first of these grace times is over.
    pub next_due: Option<i64>,
}

impl Marks {
    /// Since when a mirror is missing.
    #[must_use]
    pub fn since(&self, name: MirrorName) -> Option<i64> {
        self.0.get(&key(name)).copied()
    }

    /// Marks a mirror.
    pub fn insert(&mut self, name: MirrorName, since: i64) {
        self.0.insert(key(name), since);
    }

    /// Forgets a mirror.
    pub fn remove(&mut self, name: MirrorName) {
        self.0.remove(&key(name));
    }

    /// Whether nobody is missing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many are missing.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The latest mark.
    #[must_use]
    pub fn latest(&self) -> Option<i64> {
        self.0.values().max().copied()
    }

    /// Whether a grace time has ended at `now` that had not ended when the directory was last read
    /// completely, at `read`: only a reading after the end tells that somebody is still missing.
    #[must_use]
    pub fn ask_for_a_reading(&self, grace: i64, read: i64, now: i64) -> bool {
        self.0.values().map(|since| since.saturating_add(grace)).any(|due| due <= now && read < due)
    }

    /// Those whose grace time is not over.
    #[must_use]
    pub fn waiting(&self, grace: i64, now: i64) -> Waiting {
        let mut waiting = Waiting::default();
        for ((kind, _), since) in &self.0 {
            let due = since.saturating_add(grace);
            if due <= now {
                continue;
            }
            match kind {
                Kind::User => waiting.users += 1,
                Kind::Group => waiting.groups += 1,
            }
            waiting.next_due = Some(waiting.next_due.map_or(due, |next| next.min(due)));
        }
        waiting
    }

    /// The marks by time, oldest first, within [`MAX_KEPT`] and [`MAX_BATCHES`]. Where there are too
    /// many times, the oldest are taken together under the latest of them.
    #[must_use]
    pub fn batches(&self) -> Vec<Batch> {
        let mut by_time: BTreeMap<i64, Vec<(Kind, u128)>> = BTreeMap::new();
        for (key, since) in &self.0 {
            by_time.entry(*since).or_default().push(*key);
        }
        let merged = by_time.len().saturating_sub(MAX_BATCHES);
        let latest_merged = by_time.keys().nth(merged).copied();
        let mut room = MAX_KEPT;
        let mut batches: Vec<Batch> = Vec::new();
        for (since, keys) in by_time {
            let since = latest_merged.map_or(since, |latest| latest.max(since));
            if batches.last().is_none_or(|last| last.since != since) {
                batches.push(Batch { since, ..Batch::default() });
            }
            let Some(batch) = batches.last_mut() else { continue };
            for (kind, id) in keys.into_iter().take(room) {
                room -= 1;
                let packed = match kind {
                    Kind::User => &mut batch.users,
                    Kind::Group => &mut batch.groups,
                };
                packed.extend_from_slice(&id.to_be_bytes()[16 - ID_BYTES..]);
            }
            if room == 0 {
                break;
            }
        }
        batches
    }

    /// Reads batches. Bytes that are no whole name are nobody's mark.
    #[must_use]
    pub fn of(batches: &[Batch]) -> Self {
        let mut marks = BTreeMap::new();
        for batch in batches {
            for (kind, packed) in [(Kind::User, &batch.users), (Kind::Group, &batch.groups)] {
                for bytes in packed.chunks_exact(ID_BYTES) {
                    let id = bytes.iter().fold(0_u128, |id, byte| id << 8 | u128::from(*byte));
                    // Of two marks the later counts.
                    let since: &mut i64 = marks.entry((kind, id)).or_insert(batch.since);
                    *since = batch.since.max(*since);
                }
            }
        }
        Self(marks)
    }
}

/// 96 of a name's 100 bits: no two of a million names share them.
const fn key(name: MirrorName) -> (Kind, u128) {
    (name.kind, name.id >> 4)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(kind: Kind, number: usize) -> MirrorName {
        MirrorName::new(kind, &number.to_string())
    }

    fn marks(number: usize, since: impl Fn(usize) -> i64) -> Marks {
        let mut marks = Marks::default();
        (0..number).for_each(|number| marks.insert(name(Kind::User, number), since(number)));
        marks
    }

    #[test]
    fn a_mark_can_be_forgotten_and_the_latest_is_known() {
        let mut marks = marks(2, |number| 100 + i64::try_from(number).unwrap());
        assert_eq!((marks.latest(), marks.is_empty(), marks.len()), (Some(101), false, 2));
        marks.remove(name(Kind::User, 1));
        assert_eq!((marks.latest(), marks.since(name(Kind::User, 1))), (Some(100), None));
        marks.remove(name(Kind::User, 0));
        assert_eq!((marks.latest(), marks.is_empty()), (None, true));
    }

    #[test]
    fn those_whose_grace_time_runs_are_counted_by_kind_with_the_first_end() {
        let mut marks = marks(3, |number| 100 + i64::try_from(number).unwrap());
        (0..2).for_each(|number| marks.insert(name(Kind::Group, number), 105));
        assert_eq!(marks.waiting(50, 150), Waiting { users: 2, groups: 2, next_due: Some(151) });
    }

    #[test]
    fn a_reading_is_asked_for_once_a_grace_time_is_over_that_was_not_when_it_was_last_read() {
        let marks = marks(1, |_| 100);
        let asked = |read, now| marks.ask_for_a_reading(50, read, now);
        assert_eq!(
            [asked(149, 149), asked(149, 150), asked(150, 150), asked(151, 200)],
            [false, true, false, false]
        );
    }

    #[test]
    fn more_marks_than_fit_keep_the_oldest_within_the_size_of_an_object() {
        let batches = marks(MAX_KEPT + 100, |number| i64::from(number >= MAX_KEPT)).batches();
        let bytes: usize = batches.iter().map(|batch| batch.users.len()).sum();
        assert_eq!(bytes, MAX_KEPT * ID_BYTES);
        assert!(bytes.div_ceil(3) * 4 < 1_000_000);
        assert_eq!(Marks::of(&batches).waiting(1, 0).users, MAX_KEPT);
    }

    #[test]
    fn more_times_than_fit_are_taken_together_under_the_later_one() {
        let all = marks(MAX_BATCHES + 10, |number| i64::try_from(number).unwrap());
        let batches = all.batches();
        assert_eq!(batches.len(), MAX_BATCHES);
        let restored = Marks::of(&batches);
        assert_eq!(restored.len(), all.len());
        assert_eq!(restored.since(name(Kind::User, 0)), Some(10));
        assert_eq!(restored.since(name(Kind::User, 11)), Some(11));
    }

    #[test]
    fn bytes_that_are_no_marks_are_nobodys() {
        let broken = Batch { since: 1, users: vec![1; 11], groups: Vec::new() };
        assert!(Marks::of(&[broken]).is_empty());
    }

    proptest! {
        #[test]
        fn marks_come_back_as_they_were_or_later(
            sinces in proptest::collection::vec((any::<bool>(), 0_i64..2_000), 0..1_000),
        ) {
            let mut marks = Marks::default();
            for (number, (group, since)) in sinces.iter().enumerate() {
                marks.insert(name(if *group { Kind::Group } else { Kind::User }, number), *since);
            }
            let restored = Marks::of(&marks.batches());
            prop_assert_eq!(restored.len(), marks.len());
            for (key, since) in &marks.0 {
                prop_assert!(restored.0[key] >= *since);
            }
        }
    }
}
