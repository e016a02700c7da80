//! The grace time: whoever is missing is marked first, and goes only when a complete reading after
//! the end of the grace time does not show them either.
//!
//! A mirror is as it was while its person or group is missing. When they come back, the mark is
//! forgotten. Marks that are lost begin anew; whatever happens to clocks and memories, nobody goes
//! before the grace time has passed since the first absence that is known.

use std::collections::HashSet;

use super::marks::Marks;
use super::{Departure, Plan, Why};
use crate::model::{Kind, MirrorName};

/// Different times of absence within one grace time; a mark is made for the end of its part.
const PARTS: i64 = 128;

/// What becomes of those who are missing, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What becomes of people the directory no longer has.
    pub missing_users: Fate,
    /// Whether people whom the directory calls inactive go, too.
    pub inactive_users_go: bool,
    /// The grace time in seconds; with none, whoever is missing goes at once and is never marked.
    pub grace: i64,
}

/// What becomes of a missing person's mirror.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is deleted.
    Delete,
    /// It becomes inactive and stays.
    Deactivate,
}

impl Policy {
    /// Whoever is missing is deleted at once.
    pub const AT_ONCE: Self = Self { missing_users: Fate::Delete, inactive_users_go: false, grace: 0 };
}

/// The times by which absences are judged, in seconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// Now, by the clock of this machine.
    pub now: i64,
    /// When the last complete reading of the directory began.
    pub read: i64,
}

/// What is known of absences after a judgement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Who is missing since when, those who are due included.
    pub marks: Marks,
    /// Who goes now.
    pub due: Vec<MirrorName>,
}

/// Judges who of the absent goes.
///
/// `doubted` are absent, too, but the answer is not to be trusted that far: their marks stay, and
/// nobody of them goes.
#[must_use]
pub fn judge(
    absent: &[MirrorName],
    doubted: &[MirrorName],
    known: &Marks,
    grace: i64,
    times: Times,
) -> Judgement {
    let mut judged = Judgement::default();
    for name in doubted {
        if let Some(since) = known.since(*name) {
            judged.marks.insert(*name, since);
        }
    }
    if grace <= 0 {
        judged.due = absent.to_vec();
        return judged;
    }
    // A clock that was put back does not make an absence older than those before it.
    let now = times.now.max(times.read).max(known.latest().unwrap_or(i64::MIN));
    let part = (grace / PARTS).max(1);
    let begun = now.div_euclid(part).saturating_add(i64::from(now.rem_euclid(part) > 0)).saturating_mul(part);
    for name in absent {
        let since = known.since(*name).unwrap_or(begun);
        judged.marks.insert(*name, since);
        let due = since.saturating_add(grace);
        if times.now >= due && times.read >= due {
            judged.due.push(*name);
        }
    }
    judged
}

/// Takes the missing out of a plan and puts those who are due among its deletions and
/// deactivations. The others are left in `plan.waiting`, and their mirrors as they are.
#[must_use]
pub fn apply(plan: &mut Plan, known: &Marks, policy: &Policy, times: Times) -> Marks {
    let departures = std::mem::take(&mut plan.departures);
    let absent: Vec<MirrorName> = departures.iter().map(|departure| departure.name).collect();
    let judged = judge(&absent, &plan.doubted, known, policy.grace, times);
    let due: HashSet<MirrorName> = judged.due.into_iter().collect();
    for Departure { name, observed, why } in departures {
        if !due.contains(&name) {
            plan.waiting.push(name);
            continue;
        }
        if why == Why::Inactive {
            let updates = plan.updates.len();
            plan.updates.retain(|update| update.mirror.name != name);
            plan.unchanged -= usize::from(plan.updates.len() == updates);
        }
        let deactivate = why == Why::Missing && policy.missing_users == Fate::Deactivate;
        if deactivate && name.kind == Kind::User {
            plan.deactivations.push((name, observed));
        } else {
            plan.deletes.push((name, observed));
        }
    }
    judged.marks
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WEEK: i64 = 7 * 86_400;
    const START: i64 = 1_790_000_000;

    fn name(number: usize) -> MirrorName {
        MirrorName::new(Kind::User, &number.to_string())
    }

    /// A judgement at a time by the clock, with a complete reading at that time.
    fn at(absent: &[MirrorName], known: &Marks, time: i64) -> Judgement {
        judge(absent, &[], known, WEEK, Times { now: time, read: time })
    }

    #[test]
    fn whoever_is_missing_goes_after_the_grace_time_and_not_before() {
        let first = at(&[name(1)], &Marks::default(), START);
        assert_eq!(first.due, []);
        let since = first.marks.since(name(1)).unwrap();
        assert!((START..=START + WEEK / PARTS).contains(&since));
        assert_eq!(at(&[name(1)], &first.marks, since + WEEK - 1).due, []);
        assert_eq!(at(&[name(1)], &first.marks, since + WEEK).due, [name(1)]);
    }

    #[test]
    fn whoever_comes_back_begins_anew_when_they_are_missing_again() {
        let first = at(&[name(1)], &Marks::default(), START);
        let back = at(&[], &first.marks, START + 10);
        assert!(back.marks.is_empty());
        let again = at(&[name(1)], &back.marks, START + WEEK + WEEK / PARTS);
        assert_eq!(again.due, []);
    }

    #[test]
    fn only_a_reading_after_the_grace_time_lets_somebody_go() {
        let first = at(&[name(1)], &Marks::default(), START);
        let late = START + 2 * WEEK;
        let stale = judge(&[name(1)], &[], &first.marks, WEEK, Times { now: late, read: START + WEEK / 2 });
        assert_eq!(stale.due, []);
        assert!(stale.marks.ask_for_a_reading(WEEK, START + WEEK / 2, late));
        assert!(!stale.marks.ask_for_a_reading(WEEK, late, late));
        assert_eq!(at(&[name(1)], &stale.marks, late).due, [name(1)]);
    }

    #[test]
    fn a_mark_is_made_for_the_end_of_its_part_of_the_grace_time() {
        let part = WEEK / PARTS;
        let begin = START.div_euclid(part) * part;
        let mark = |time| at(&[name(1)], &Marks::default(), time).marks.since(name(1)).unwrap();
        assert_eq!([mark(begin), mark(begin + 1), mark(begin + part)], [begin, begin + part, begin + part]);
    }

    #[test]
    fn a_clock_that_was_put_back_makes_no_absence_older_than_the_one_before_it() {
        let first = at(&[name(1)], &Marks::default(), START);
        let second = at(&[name(1), name(2)], &first.marks, START - WEEK);
        assert!(second.marks.since(name(2)) >= first.marks.since(name(1)));
        assert_eq!(second.due, []);
    }

    #[test]
    fn an_inactive_person_who_goes_is_not_counted_as_unchanged() {
        use crate::model::{ContentHash, State, User};
        use crate::plan::{Completeness, Index, Observed, Planner};

        let user = User { external_id: "1".into(), state: State::Inactive, ..User::default() };
        let observed = Observed {
            hash: Some(ContentHash::of(&user).unwrap()),
            state: Some(State::Inactive),
            members: 0,
            uid: 1,
            owner: 7,
            generation: 1,
            resource_version: 1,
        };
        let mut index = Index::default();
        index.insert(name(1), observed);
        let policy = Policy { inactive_users_go: true, ..Policy::AT_ONCE };
        let mut planner = Planner::new(&index, 7).following(&policy);
        planner.want_user(&user).unwrap();
        let mut plan = planner.finish(Completeness::default());
        let _ = apply(&mut plan, &Marks::default(), &policy, Times::default());
        assert_eq!((plan.deletes.len(), plan.unchanged), (1, 0));
    }

    #[test]
    fn without_a_grace_time_everybody_goes_at_once_and_nobody_is_marked() {
        let judged = judge(&[name(1)], &[], &Marks::default(), 0, Times::default());
        assert_eq!((judged.due, judged.marks), (vec![name(1)], Marks::default()));
    }

    #[test]
    fn an_absence_that_is_not_believed_keeps_its_mark_and_goes_nowhere() {
        let first = at(&[name(1)], &Marks::default(), START);
        let times = Times { now: START + 2 * WEEK, read: START + 2 * WEEK };
        let doubted = judge(&[], &[name(1), name(2)], &first.marks, WEEK, times);
        assert_eq!((doubted.due, &doubted.marks), (vec![], &first.marks));
    }

    #[test]
    fn who_goes_is_deleted_or_deactivated_and_an_inactive_person_is_not_updated_as_well() {
        use crate::model::{ContentHash, State, User};
        use crate::plan::{Completeness, Index, Observed, Planner};

        let observed = |state| Observed {
            hash: Some(ContentHash(1)),
            state: Some(state),
            members: 0,
            uid: 1,
            owner: 7,
            generation: 1,
            resource_version: 1,
        };
        let mut index = Index::default();
        index.insert(name(1), observed(State::Active));
        index.insert(name(2), observed(State::Active));
        let user = |id: &str, state| User { external_id: id.into(), state, ..User::default() };
        let plan = |policy: &Policy| {
            let mut planner = Planner::new(&index, 7).following(policy);
            planner.want_user(&user("2", State::Inactive)).unwrap();
            planner.want_user(&user("3", State::Inactive)).unwrap();
            planner.want_user(&user("4", State::Active)).unwrap();
            let mut plan = planner.finish(Completeness::default());
            let marks = apply(&mut plan, &Marks::default(), policy, Times::default());
            (plan, marks)
        };
        let policy = Policy { inactive_users_go: true, ..Policy::AT_ONCE };
        let (at_once, _) = plan(&policy);
        let deleted: Vec<MirrorName> = at_once.deletes.iter().map(|(name, _)| *name).collect();
        assert_eq!(deleted.iter().collect::<HashSet<_>>(), HashSet::from([&name(1), &name(2)]));
        assert_eq!((at_once.updates.len(), at_once.creates.len(), at_once.unchanged), (0, 1, 0));

        let (graceful, marks) = plan(&Policy { grace: WEEK, ..policy });
        assert_eq!((graceful.deletes.len(), marks.len()), (0, 2));
        assert_eq!(graceful.updates.len(), 1, "they are inactive until they go");

        let (kept, _) = plan(&Policy { missing_users: Fate::Deactivate, ..Policy::AT_ONCE });
        assert_eq!((kept.deactivations.len(), kept.deletes.len(), kept.creates.len()), (1, 0, 2));
    }

    /// One thing that happens between two runs.
    #[derive(Clone, Debug)]
    enum Step {
        /// The clock shows so much more, or less.
        Clock(i64),
        /// Somebody is absent in this reading, or not.
        Absent(usize, bool),
        /// The checkpoint of so many runs ago is restored.
        Restore(usize),
        /// The checkpoint is lost.
        Lose,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => (-1_000_i64..2_000).prop_map(Step::Clock),
            4 => (0_usize..4, any::<bool>()).prop_map(|(who, absent)| Step::Absent(who, absent)),
            1 => (0_usize..5).prop_map(Step::Restore),
            1 => Just(Step::Lose),
        ];
        proptest::collection::vec(step, 1..60)
    }

    proptest! {
        /// Whatever clocks and memories do, somebody who goes had been absent by a mark that is
        /// known and older than the grace time, by the latest time the clock had shown at that mark.
        #[test]
        fn nobody_goes_before_their_grace_time(steps in steps(), grace in 1_i64..3_000) {
            let (mut clock, mut marks) = (START, Marks::default());
            let mut absent = [false; 4];
            let mut history = vec![Marks::default()];
            // For each: the clock's latest time at each first absence that any memory can know of.
            let mut first: [Vec<i64>; 4] = Default::default();
            for step in steps {
                match step {
                    Step::Clock(by) => clock += by,
                    Step::Absent(who, is) => absent[who] = is,
                    Step::Restore(ago) => marks = history[history.len().saturating_sub(1 + ago)].clone(),
                    Step::Lose => marks = Marks::default(),
                }
                let floor = clock.max(marks.latest().unwrap_or(i64::MIN));
                let names: Vec<_> = (0..4).filter(|who| absent[*who]).map(name).collect();
                for who in (0..4).filter(|who| absent[*who] && marks.since(name(*who)).is_none()) {
                    first[who].push(floor);
                }
                let judged = judge(&names, &[], &marks, grace, Times { now: clock, read: clock });
                for gone in &judged.due {
                    let who = (0..4).find(|who| name(*who) == *gone).unwrap();
                    prop_assert!(absent[who]);
                    let earliest = first[who].iter().min().unwrap();
                    prop_assert!(clock >= earliest + grace);
                    prop_assert!(clock >= judged.marks.since(*gone).unwrap() + grace);
                }
                marks = Marks::of(&judged.marks.batches());
                history.push(marks.clone());
            }
        }
    }
}
