//! Takes people and groups one at a time and keeps only what differs from the index.

use std::collections::HashSet;

use serde::Serialize;

use super::content::Packer;
use super::grace::{Fate, Policy};
use super::{Index, Mirror, Observed};
use crate::model::snapshot::Prehashed;
use crate::model::{ContentHash, Group, Kind, MirrorName, State, User};

/// Compares what should be with what is.
///
/// An unchanged run of 100,000 people keeps one bit of knowledge for each and no content; the contents
/// of those that are to be written are kept compressed.
#[derive(Debug)]
pub struct Planner<'index> {
    index: &'index Index,
    owner: u128,
    seen_users: HashSet<u128, Prehashed>,
    seen_groups: HashSet<u128, Prehashed>,
    wanted_users: usize,
    wanted_groups: usize,
    wanted_members: usize,
    inactive_go: bool,
    missing_stay_inactive: bool,
    contents: Packer,
    /// The JSON of whoever is wanted now.
    json: Vec<u8>,
    plan: Plan,
}

/// What is to be written, in the order of writing within each list.
#[derive(Debug, Default)]
pub struct Plan {
    /// Mirrors to create.
    pub creates: Vec<Mirror>,
    /// Mirrors to change.
    pub updates: Vec<Update>,
    /// People's mirrors to make inactive as they are: nothing else is known of them any more.
    pub deactivations: Vec<(MirrorName, Observed)>,
    /// Mirrors to delete.
    pub deletes: Vec<(MirrorName, Observed)>,
    /// Mirrors that are to go, until [`super::grace::apply`] has decided when.
    pub departures: Vec<Departure>,
    /// Mirrors that are to go when their grace time is over, and stay until then.
    pub waiting: Vec<MirrorName>,
    /// Mirrors that nobody asked for in an answer that is not to be trusted that far.
    pub doubted: Vec<MirrorName>,
    /// Mirrors that are as they should be.
    pub unchanged: usize,
    /// Inactive people who get no mirror.
    pub left_out: usize,
    /// Deletions that are not planned although nobody asked for the mirror.
    pub withheld: Vec<Withheld>,
    /// Groups had members, twenty at least together, and no group has any now.
    pub all_groups_emptied: bool,
}

/// A mirror that is to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Departure {
    /// Its name.
    pub name: MirrorName,
    /// As it is.
    pub observed: Observed,
    /// Why.
    pub why: Why,
}

/// Why a mirror is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The directory does not have the person or group any more, or they are out of scope.
    Missing,
    /// The directory calls the person inactive, and inactive people are to go.
    Inactive,
}

/// A mirror to change, and what it is changed from.
#[derive(Debug)]
pub struct Update {
    /// As it should be.
    pub mirror: Mirror,
    /// As it is.
    pub observed: Observed,
    /// Whether the mirror had been edited by someone else.
    pub drifted: bool,
}

/// Mirrors that would be deleted if the answer of the directory could be trusted that far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withheld {
    /// People or groups.
    pub kind: Kind,
    /// How many mirrors stay.
    pub count: usize,
    /// Why they stay.
    pub why: WithheldWhy,
}

/// Why nobody is called missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WithheldWhy {
    /// The directory answered with nobody at all.
    Empty,
    /// Records came whose id could not be read: any missing mirror may be theirs.
    Unidentified,
}

/// How far the absence of a record can be believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Completeness {
    /// Some people came without a readable id.
    pub unidentified_users: bool,
    /// Some groups came without a readable id.
    pub unidentified_groups: bool,
    /// The directory may have become empty.
    pub allow_empty: bool,
}

impl<'index> Planner<'index> {
    /// Starts a plan for the mirrors of the Directory with the uid `owner`.
    #[must_use]
    pub fn new(index: &'index Index, owner: u128) -> Self {
        Self {
            index,
            owner,
            seen_users: HashSet::default(),
            seen_groups: HashSet::default(),
            wanted_users: 0,
            wanted_groups: 0,
            wanted_members: 0,
            inactive_go: false,
            missing_stay_inactive: false,
            contents: Packer::default(),
            json: Vec::new(),
            plan: Plan::default(),
        }
    }

    /// Follows a policy about who goes.
    #[must_use]
    pub const fn following(mut self, policy: &Policy) -> Self {
        self.inactive_go = policy.inactive_users_go;
        self.missing_stay_inactive = matches!(policy.missing_users, Fate::Deactivate);
        self
    }

    /// Wants a person.
    ///
    /// # Errors
    /// When the person cannot be written as JSON.
    pub fn want_user(&mut self, user: &User) -> Result<(), serde_json::Error> {
        let name = MirrorName::new(Kind::User, &user.external_id);
        let hash = self.write(user)?;
        self.wanted_users += 1;
        if self.inactive_go && user.state == State::Inactive && !self.let_go(name) {
            return Ok(());
        }
        self.want(name, hash, Some(user.state), 0);
        Ok(())
    }

    /// Wants a group.
    ///
    /// # Errors
    /// When the group cannot be written as JSON.
    pub fn want_group(&mut self, group: &Group) -> Result<(), serde_json::Error> {
        let name = MirrorName::new(Kind::Group, &group.external_id);
        let hash = self.write(group)?;
        self.wanted_groups += 1;
        self.wanted_members += group.members.len();
        self.want(name, hash, None, u32::try_from(group.members.len()).unwrap_or(u32::MAX));
        Ok(())
    }

    /// Whether any person was wanted so far.
    #[must_use]
    pub const fn wants_anybody(&self) -> bool {
        self.wanted_users > 0
    }

    /// Whether a name was wanted or held before: what comes first counts.
    #[must_use]
    pub fn knows(&self, name: MirrorName) -> bool {
        match name.kind {
            Kind::User => self.seen_users.contains(&name.id),
            Kind::Group => self.seen_groups.contains(&name.id),
        }
    }

    /// Writes whoever is wanted as JSON; returns its hash.
    fn write(&mut self, value: &impl Serialize) -> Result<ContentHash, serde_json::Error> {
        self.json.clear();
        serde_json::to_writer(&mut self.json, value)?;
        Ok(ContentHash::of_json(&[&self.json]))
    }

    /// Leaves a mirror as it is, whatever that is: its record came but cannot be used.
    pub fn hold(&mut self, name: MirrorName) {
        self.seen(name);
    }

    /// Lets the mirror of an inactive person go; false when there is none, and none is to be made.
    fn let_go(&mut self, name: MirrorName) -> bool {
        let Some(observed) = self.index.get(name) else {
            self.plan.left_out += usize::from(self.seen(name));
            return false;
        };
        if !self.seen_users.contains(&name.id) {
            let departure = Departure { name, observed: *observed, why: Why::Inactive };
            self.plan.departures.push(departure);
        }
        true
    }

    fn want(&mut self, name: MirrorName, hash: ContentHash, state: Option<State>, members: u32) {
        if !self.seen(name) {
            return;
        }
        let observed = self.index.get(name).copied();
        let drifted = observed.is_some_and(|observed| observed.hash.is_none() || observed.state != state);
        let as_wanted =
            observed.is_some_and(|observed| observed.hash == Some(hash) && observed.owner == self.owner);
        if as_wanted && !drifted {
            self.plan.unchanged += 1;
            return;
        }
        let mirror = Mirror { name, hash, state, members, content: self.contents.add(&self.json) };
        match observed {
            None => self.plan.creates.push(mirror),
            Some(observed) => self.plan.updates.push(Update { mirror, observed, drifted }),
        }
    }

    /// Whether a missing person's mirror is inactive as it should be, and nobody has touched it.
    fn has_left(&self, name: MirrorName, observed: &Observed) -> bool {
        self.missing_stay_inactive
            && name.kind == Kind::User
            && observed.state == Some(State::Inactive)
            && observed.hash.is_some()
            && observed.owner == self.owner
    }

    /// Notes a name; false when it was noted before.
    fn seen(&mut self, name: MirrorName) -> bool {
        match name.kind {
            Kind::User => self.seen_users.insert(name.id),
            Kind::Group => self.seen_groups.insert(name.id),
        }
    }

    /// Ends the plan: mirrors that nobody wanted are to go, if their absence can be believed.
    ///
    /// To be called only after a complete listing. A kind of which nobody was wanted at all keeps
    /// its mirrors, unless it was said that it may: **an empty answer deletes nothing.**
    #[must_use]
    pub fn finish(mut self, completeness: Completeness) -> Plan {
        self.contents.close();
        let empty = |wanted: usize| wanted == 0 && !completeness.allow_empty;
        let members: u64 = self.index.iter(Kind::Group).map(|(_, group)| u64::from(group.members)).sum();
        self.plan.all_groups_emptied =
            self.wanted_members == 0 && members >= u64::from(super::guard::SHRINKING_GROUP_MEMBERS);
        self.part_with_missing(Kind::Group, empty(self.wanted_groups), completeness.unidentified_groups);
        self.part_with_missing(Kind::User, empty(self.wanted_users), completeness.unidentified_users);
        self.plan
    }

    fn part_with_missing(&mut self, kind: Kind, empty: bool, unidentified: bool) {
        let seen = match kind {
            Kind::User => &self.seen_users,
            Kind::Group => &self.seen_groups,
        };
        let mut missing: Vec<_> = self
            .index
            .iter(kind)
            .filter(|(name, observed)| !seen.contains(&name.id) && !self.has_left(*name, observed))
            .map(|(name, observed)| Departure { name, observed: *observed, why: Why::Missing })
            .collect();
        if missing.is_empty() {
            return;
        }
        let why = match (empty, unidentified) {
            (true, _) => WithheldWhy::Empty,
            (false, true) => WithheldWhy::Unidentified,
            (false, false) => {
                missing.sort_unstable_by_key(|departure| departure.name);
                self.plan.departures.append(&mut missing);
                return;
            }
        };
        self.plan.withheld.push(Withheld { kind, count: missing.len(), why });
        self.plan.doubted.extend(missing.into_iter().map(|departure| departure.name));
    }
}

impl Plan {
    /// How many writes the plan has.
    #[must_use]
    pub const fn writes(&self) -> usize {
        self.creates.len() + self.updates.len() + self.deactivations.len() + self.deletes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: u128 = 7;

    fn user(id: &str) -> User {
        User { external_id: id.into(), ..User::default() }
    }

    fn observed(user: &User) -> Observed {
        Observed {
            hash: Some(ContentHash::of(user).unwrap()),
            state: Some(user.state),
            members: 0,
            uid: 1,
            owner: OWNER,
            generation: 1,
            resource_version: 1,
        }
    }

    fn index(users: &[&str]) -> Index {
        let mut index = Index::default();
        for id in users {
            index.insert(MirrorName::new(Kind::User, id), observed(&user(id)));
        }
        index
    }

    fn plan(index: &Index, wanted: &[&str]) -> Plan {
        let mut planner = Planner::new(index, OWNER);
        for id in wanted {
            planner.want_user(&user(id)).unwrap();
        }
        planner.finish(Completeness::default())
    }

    #[test]
    fn what_is_as_it_should_be_is_not_written() {
        let plan = plan(&index(&["1", "2"]), &["1", "2"]);
        assert_eq!((plan.writes(), plan.unchanged), (0, 2));
    }

    #[test]
    fn the_new_are_created_and_the_missing_are_to_go() {
        let plan = plan(&index(&["1", "2"]), &["2", "3"]);
        assert_eq!(plan.creates[0].name, MirrorName::new(Kind::User, "3"));
        assert_eq!(plan.departures[0].name, MirrorName::new(Kind::User, "1"));
        assert_eq!((plan.departures.len(), plan.writes()), (1, 1));
    }

    #[test]
    fn an_empty_answer_deletes_nothing_and_says_so() {
        let plan = plan(&index(&["1", "2"]), &[]);
        assert_eq!((plan.writes(), plan.departures.len()), (0, 0));
        assert_eq!(plan.withheld, [Withheld { kind: Kind::User, count: 2, why: WithheldWhy::Empty }]);
    }

    #[test]
    fn nobody_is_missing_while_a_record_without_an_id_is_about() {
        let index = index(&["1", "2"]);
        let mut planner = Planner::new(&index, OWNER);
        planner.want_user(&user("1")).unwrap();
        let plan = planner.finish(Completeness { unidentified_users: true, ..Completeness::default() });
        assert!(plan.departures.is_empty());
        assert_eq!(plan.withheld[0].why, WithheldWhy::Unidentified);
    }

    #[test]
    fn a_held_mirror_is_neither_changed_nor_deleted() {
        let index = index(&["1", "2"]);
        let mut planner = Planner::new(&index, OWNER);
        planner.want_user(&user("1")).unwrap();
        planner.hold(MirrorName::new(Kind::User, "2"));
        let plan = planner.finish(Completeness::default());
        assert_eq!((plan.writes(), plan.departures.len()), (0, 0));
    }

    #[test]
    fn of_the_missing_who_stay_inactive_only_untouched_mirrors_of_ours_are_left_as_they_are() {
        let inactive = |id: &str| User { state: State::Inactive, ..user(id) };
        let mut index = index(&["active"]);
        let left = |id: &str| observed(&inactive(id));
        for (id, observed) in [
            ("left", left("left")),
            ("edited", Observed { hash: None, ..left("edited") }),
            ("inherited", Observed { owner: 99, ..left("inherited") }),
        ] {
            index.insert(MirrorName::new(Kind::User, id), observed);
        }
        index.insert(MirrorName::new(Kind::Group, "group"), left("group"));
        let departures = |missing_users| {
            let policy = Policy { missing_users, ..Policy::AT_ONCE };
            let mut planner = Planner::new(&index, OWNER).following(&policy);
            planner.want_user(&user("new")).unwrap();
            let plan = planner.finish(Completeness { allow_empty: true, ..Completeness::default() });
            let name = |id: &str, kind| MirrorName::new(kind, id);
            let gone: HashSet<_> = plan.departures.iter().map(|departure| departure.name).collect();
            let users =
                ["active", "left", "edited", "inherited"].map(|id| gone.contains(&name(id, Kind::User)));
            (users, gone.contains(&name("group", Kind::Group)))
        };
        assert_eq!(departures(Fate::Deactivate), ([true, false, true, true], true));
        assert_eq!(departures(Fate::Delete), ([true; 4], true));
    }

    #[test]
    fn an_inactive_person_without_a_mirror_gets_none_where_they_go_and_is_counted_once() {
        let index = index(&[]);
        let policy = Policy { inactive_users_go: true, ..Policy::AT_ONCE };
        let mut planner = Planner::new(&index, OWNER).following(&policy);
        let name = MirrorName::new(Kind::User, "1");
        assert!(!planner.knows(name));
        for id in ["1", "1", "2"] {
            planner.want_user(&User { state: State::Inactive, ..user(id) }).unwrap();
        }
        assert!(planner.knows(name) && !planner.knows(MirrorName::new(Kind::Group, "1")));
        let plan = planner.finish(Completeness::default());
        assert_eq!((plan.left_out, plan.writes()), (2, 0));
    }

    #[test]
    fn everything_that_is_to_be_written_counts() {
        let index = index(&["1", "2", "3", "4", "5"]);
        let changed = |id: &str| User { title: Some("Head".into()), ..user(id) };
        let mut planner = Planner::new(&index, OWNER);
        for id in ["1", "2", "6", "7", "8"] {
            planner.want_user(&changed(id)).unwrap();
        }
        let mut plan = planner.finish(Completeness::default());
        let mut gone = plan.departures.drain(..).map(|departure| (departure.name, departure.observed));
        plan.deactivations.extend(gone.next());
        plan.deletes.extend(gone);
        let parts = (plan.creates.len(), plan.updates.len(), plan.deactivations.len(), plan.deletes.len());
        assert_eq!((parts, plan.writes()), ((3, 2, 1, 2), 8));
    }

    #[test]
    fn an_edited_mirror_is_written_again() {
        let mut index = index(&["1"]);
        let name = MirrorName::new(Kind::User, "1");
        let edited = Observed { hash: None, ..*index.get(name).unwrap() };
        index.insert(name, edited);
        let plan = plan(&index, &["1"]);
        assert!(plan.updates[0].drifted);
    }

    #[test]
    fn a_mirror_of_a_vanished_namesake_is_adopted() {
        let mut index = index(&["1"]);
        let name = MirrorName::new(Kind::User, "1");
        let inherited = Observed { owner: 99, ..*index.get(name).unwrap() };
        index.insert(name, inherited);
        let plan = plan(&index, &["1"]);
        assert_eq!(plan.updates.len(), 1);
        assert!(!plan.updates[0].drifted);
    }
}
