//! Absent is not empty: an attribute that many people had and suddenly nobody has is lost by a right
//! that the operator's account no longer has, or by a slip in the settings, more often than by
//! everybody's wish. The mirrors keep such values until somebody says that it is meant.

use std::collections::{BTreeMap, HashMap};

use crate::model::snapshot::Prehashed;
use crate::model::{ContentHash, MirrorName, State, User, attributes};

/// Fewer people may lose an attribute at once.
pub const SMALLEST: usize = 20;

/// A smaller share of all people may, in percent.
pub const SMALLEST_SHARE: usize = 5;

/// So few inactive people may become active at once: whoever was locked out is let in again.
pub const SMALLEST_INACTIVE: usize = 5;

/// Of so many who had it, one may still have it: an account often sees its own entry.
const STILL_THERE: usize = 100;

/// The attributes that a Directory asks for, and how each is made: a hash of the rule in `mapping`,
/// or of `roles`, that gives it. Whoever changes that rule means what comes of it.
pub type Origins = BTreeMap<String, ContentHash>;

/// How many people have which attributes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    people: usize,
    having: BTreeMap<String, usize>,
    admitted: usize,
}

/// An attribute as it was when a reading was last believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its name.
    pub attribute: String,
    /// How many people had it.
    pub people: usize,
    /// Of how many.
    pub of: usize,
    /// How it was made.
    pub origin: ContentHash,
}

/// What people had when a reading was last believed: the attributes that enough of them had.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline(Vec<Known>);

/// Values that mirrors have and the source does not show any more.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    attributes: Vec<String>,
    people: HashMap<u128, Box<[u8]>, Prehashed>,
}

impl Tally {
    /// Counts a person. `before` is the state of their mirror, if there is one; `inactive_have_none`
    /// says that inactive people have no mirrors, so that whoever is new may be one of them.
    pub fn count(&mut self, user: &User, before: Option<State>, inactive_have_none: bool) {
        self.people += 1;
        for name in attributes::of(user) {
            match self.having.get_mut(name) {
                Some(count) => *count += 1,
                None => drop(self.having.insert(name.to_owned(), 1)),
            }
        }
        let is_let_in = before == Some(State::Inactive) || (before.is_none() && inactive_have_none);
        self.admitted += usize::from(user.state == State::Active && is_let_in);
    }

    fn having(&self, name: &str) -> usize {
        self.having.get(name).copied().unwrap_or_default()
    }
}

impl Baseline {
    /// Reads what was kept.
    #[must_use]
    pub const fn of(kept: Vec<Known>) -> Self {
        Self(kept)
    }

    /// What is to be kept.
    #[must_use]
    pub fn entries(&self) -> &[Known] {
        &self.0
    }

    /// The attributes that nearly nobody has any more.
    #[must_use]
    pub fn lost(&self, now: &Tally, origins: &Origins) -> Vec<&Known> {
        self.0
            .iter()
            .filter(|known| origins.get(&known.attribute) == Some(&known.origin) && is_lost(known, now))
            .collect()
    }

    /// What people have now, for the next reading to be compared with; of those `kept`, what they had.
    /// `mirrors` is how many people there are in the cluster: a reading that shows less than half of
    /// them says nothing of what people usually have.
    #[must_use]
    pub fn after(&self, now: &Tally, kept: &[String], origins: &Origins, mirrors: usize) -> Self {
        if now.people == 0 || now.people.saturating_mul(2) < mirrors {
            return self.clone();
        }
        let stay = self.0.iter().filter(|known| kept.contains(&known.attribute)).cloned();
        let others = origins.iter().filter(|(attribute, _)| !kept.contains(attribute));
        let others = others.map(|(attribute, origin)| Known {
            attribute: attribute.clone(),
            people: now.having(attribute),
            of: now.people,
            origin: *origin,
        });
        let others = others.filter(|known| matters(&known.attribute, known.people, known.of));
        Self(others.chain(stay).collect())
    }
}

/// Whether so many people have an attribute that its sudden end is worth a question.
fn matters(attribute: &str, people: usize, of: usize) -> bool {
    if attribute == attributes::INACTIVE {
        return people >= SMALLEST_INACTIVE;
    }
    people >= SMALLEST && people.saturating_mul(100) >= of.saturating_mul(SMALLEST_SHARE)
}

fn is_lost(known: &Known, now: &Tally) -> bool {
    // As many as would have it, were the people who are there now like those before.
    let expected = known.people.saturating_mul(now.people) / known.of.max(1);
    let gone = now.having(&known.attribute).saturating_mul(STILL_THERE) < expected;
    let meant_for_others =
        known.attribute == attributes::INACTIVE && now.admitted.saturating_mul(2) < expected;
    gone && !meant_for_others && matters(&known.attribute, expected, now.people)
}

impl Kept {
    /// Keeps nothing yet of these attributes.
    #[must_use]
    pub fn of(attributes: Vec<String>) -> Self {
        Self { attributes, people: HashMap::default() }
    }

    /// The attributes.
    #[must_use]
    pub fn attributes(&self) -> &[String] {
        &self.attributes
    }

    /// Remembers what a mirror has of them.
    ///
    /// # Errors
    /// When the values cannot be written as JSON.
    pub fn remember(&mut self, name: MirrorName, mirror: &User) -> Result<(), serde_json::Error> {
        let mut values = User::default();
        self.attributes.iter().for_each(|attribute| attributes::take_over(attribute, &mut values, mirror));
        if values != User::default() {
            self.people.insert(name.id, serde_json::to_vec(&values)?.into());
        }
        Ok(())
    }

    /// Gives a person back what they do not have any more.
    ///
    /// # Errors
    /// When the values cannot be read back.
    pub fn give_back(&self, name: MirrorName, user: &mut User) -> Result<(), serde_json::Error> {
        if let Some(values) = self.people.get(&name.id) {
            let values: User = serde_json::from_slice(values)?;
            self.attributes.iter().for_each(|attribute| attributes::take_over(attribute, user, &values));
        }
        Ok(())
    }

    /// Whether it cannot be told who is inactive.
    #[must_use]
    pub fn doubts_states(&self) -> bool {
        self.attributes.iter().any(|attribute| attribute == attributes::INACTIVE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Kind;

    fn origins() -> Origins {
        attributes::standard().map(|name| (name.to_owned(), ContentHash(0))).collect()
    }

    fn titled(id: usize, title: bool) -> User {
        User { external_id: id.to_string(), title: title.then(|| "Head".to_owned()), ..User::default() }
    }

    /// So many people, of whom the first few have a title.
    fn tally(people: usize, titles: usize) -> Tally {
        let mut tally = Tally::default();
        (0..people).for_each(|id| tally.count(&titled(id, id < titles), Some(State::Active), false));
        tally
    }

    fn baseline(people: usize, titles: usize) -> Baseline {
        Baseline::default().after(&tally(people, titles), &[], &origins(), 0)
    }

    fn lost(before: (usize, usize), now: (usize, usize)) -> Vec<String> {
        let baseline = baseline(before.0, before.1);
        let now = tally(now.0, now.1);
        baseline.lost(&now, &origins()).into_iter().map(|known| known.attribute.clone()).collect()
    }

    #[test]
    fn what_twenty_people_had_and_nobody_has_is_lost_and_what_nineteen_had_is_not() {
        assert_eq!(lost((100, 20), (100, 0)), ["title"]);
        assert!(lost((100, 19), (100, 0)).is_empty());
        assert!(lost((1_000, 49), (1_000, 0)).is_empty(), "less than one in twenty");
        assert_eq!(lost((1_000, 50), (1_000, 0)), ["title"]);
    }

    #[test]
    fn an_account_that_still_sees_its_own_entry_does_not_hide_the_loss_and_a_few_who_have_it_end_it() {
        assert_eq!(lost((1_000, 300), (1_000, 2)), ["title"]);
        assert!(lost((1_000, 300), (1_000, 3)).is_empty());
        assert!(lost((100, 99), (100, 1)).is_empty());
    }

    #[test]
    fn people_who_are_gone_have_lost_nothing() {
        assert!(lost((1_000, 100), (150, 0)).is_empty(), "fifteen would have it");
        assert_eq!(lost((1_000, 100), (200, 0)), ["title"]);
        assert!(lost((100, 100), (0, 0)).is_empty());
    }

    #[test]
    fn another_rule_means_what_it_gives_and_what_nobody_asks_for_is_not_missed() {
        let (before, now) = (baseline(100, 100), tally(100, 0));
        let mut changed = origins();
        changed.insert("title".to_owned(), ContentHash(1));
        assert!(before.lost(&now, &changed).is_empty());
        changed.remove("title");
        assert!(before.lost(&now, &changed).is_empty());
    }

    #[test]
    fn a_reading_of_few_or_nobody_says_nothing_of_what_people_usually_have() {
        let before = baseline(100, 100);
        let after = |people| before.after(&tally(people, 0), &[], &origins(), 100);
        assert_eq!((after(0), after(49)), (before.clone(), before.clone()));
        assert_eq!(after(50), Baseline::default());
    }

    #[test]
    fn what_is_kept_stays_known_and_what_comes_meanwhile_is_known_as_well() {
        let mut now = Tally::default();
        let employed = |id: usize| User { department: Some("Sales".into()), ..titled(id, false) };
        (0..100).for_each(|id| now.count(&employed(id), Some(State::Active), false));
        let after = baseline(100, 100).after(&now, &["title".to_owned()], &origins(), 100);
        let names = |lost: Vec<&Known>| lost.iter().map(|known| known.attribute.clone()).collect::<Vec<_>>();
        assert_eq!(names(after.lost(&now, &origins())), ["title"]);
        assert_eq!(names(after.lost(&tally(100, 100), &origins())), ["department"]);
    }

    #[test]
    fn disabled_people_who_are_all_let_in_again_are_a_loss_and_those_who_went_are_not() {
        let person = |id: usize, inactive: bool| User {
            external_id: id.to_string(),
            state: if inactive { State::Inactive } else { State::Active },
            ..User::default()
        };
        let mut before = Tally::default();
        (0..100).for_each(|id| before.count(&person(id, id < 10), None, false));
        let baseline = Baseline::default().after(&before, &[], &origins(), 0);
        let after = |from: usize, inactive_have_none: bool| {
            let mut now = Tally::default();
            for id in from..100 {
                let mirror = match id {
                    0..10 if inactive_have_none => None,
                    0..10 => Some(State::Inactive),
                    _ => Some(State::Active),
                };
                now.count(&person(id, false), mirror, inactive_have_none);
            }
            baseline.lost(&now, &origins()).len()
        };
        assert_eq!((after(0, false), after(0, true)), (1, 1), "all ten would be let in");
        assert_eq!((after(10, false), after(10, true)), (0, 0), "they were deleted");
    }

    #[test]
    fn half_of_the_disabled_who_are_let_in_again_are_enough_for_a_question() {
        let person = |id: usize, state| User { external_id: id.to_string(), state, ..User::default() };
        let mut before = Tally::default();
        (0..10).for_each(|id| before.count(&person(id, State::Inactive), None, false));
        let baseline = Baseline::default().after(&before, &[], &origins(), 0);
        assert_eq!(baseline.entries().len(), 1);
        // Of those who are there now, so many were inactive; the others are new.
        let lost = |inactive: usize| {
            let mut now = Tally::default();
            for id in 0..10 {
                let mirror = (id < inactive).then_some(State::Inactive);
                now.count(&person(id, State::Active), mirror, false);
            }
            baseline.lost(&now, &origins()).len()
        };
        assert_eq!((lost(5), lost(4)), (1, 0));
    }

    #[test]
    fn states_are_doubted_only_while_it_cannot_be_told_who_is_inactive() {
        let kept = Kept::of(vec!["title".into()]);
        assert_eq!((kept.attributes(), kept.doubts_states()), (&["title".to_owned()][..], false));
        assert!(Kept::of(vec!["title".into(), attributes::INACTIVE.into()]).doubts_states());
        assert!(!Kept::default().doubts_states());
    }

    #[test]
    fn a_mirror_gives_back_what_is_lost_and_nothing_else() {
        let name = MirrorName::new(Kind::User, "1");
        let mut kept = Kept::of(vec!["title".into()]);
        let mirror = User { department: Some("Sales".into()), ..titled(1, true) };
        kept.remember(name, &mirror).unwrap();
        let mut user = titled(1, false);
        kept.give_back(name, &mut user).unwrap();
        assert_eq!(user, titled(1, true));
        let mut other = titled(2, false);
        kept.give_back(MirrorName::new(Kind::User, "2"), &mut other).unwrap();
        assert_eq!(other, titled(2, false));
    }
}
