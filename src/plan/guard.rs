//! The deletion guard: looks at what a plan takes away, and holds it back when it is too much.
//!
//! Creations and harmless updates go on. What is held waits for an approval that names the very
//! plan: a plan that has changed, or that comes again later, needs a new one.

use super::{Index, Plan, Update};
use crate::model::{ContentHash, Kind, MirrorName, State};

/// A group with fewer members may lose any number of them, and so may all groups together.
pub const SHRINKING_GROUP_MEMBERS: u32 = 20;

/// How much a plan may take away without being asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Share of the active people, or of the groups, in percent.
    pub percent: u32,
    /// So many may always go, however few there are.
    pub minimum: usize,
    /// More never go unasked, however many there are.
    pub maximum: usize,
}

impl Limits {
    /// How many of a number may go.
    #[must_use]
    pub fn allowed(&self, of: usize) -> usize {
        let share = of.saturating_mul(self.percent as usize) / 100;
        share.min(self.maximum).max(self.minimum)
    }
}

/// What a plan takes away, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// People who would be deactivated.
    pub deactivated: usize,
    /// People who would be deleted.
    pub deleted_users: usize,
    /// Groups that would be deleted.
    pub deleted_groups: usize,
    /// Groups of twenty or more that would lose more than half of their members; or all that would
    /// lose all of them, where no group would have any more.
    pub shrunk_groups: usize,
}

/// The part of a plan that is held back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldPlan {
    /// Stands for just these losses and attributes.
    pub digest: ContentHash,
    /// How many of what.
    pub losses: Losses,
    /// How many people may go unasked.
    pub allowed_users: usize,
    /// How many groups may go unasked.
    pub allowed_groups: usize,
    /// People and groups that went unasked within the last day, and count.
    pub last_day: usize,
    /// The mirrors that would lose something, with a word for what.
    pub mirrors: Vec<(Loss, MirrorName)>,
    /// Attributes that nobody has any more.
    pub attributes: Vec<String>,
}

impl HeldPlan {
    /// Adds attributes that everybody would lose to what is held, if anything is.
    #[must_use]
    pub fn with(held: Option<Self>, attributes: Vec<String>) -> Option<Self> {
        if attributes.is_empty() {
            return held;
        }
        let held = held.unwrap_or_else(Self::of_nobody);
        let mut bytes = held.digest.to_string();
        bytes.extend(attributes.iter().flat_map(|name| [" ", name]));
        Some(Self { digest: ContentHash::of_bytes(bytes.as_bytes()), attributes, ..held })
    }

    /// Takes nothing from any mirror.
    const fn of_nobody() -> Self {
        Self {
            digest: ContentHash(0),
            losses: Losses { deactivated: 0, deleted_users: 0, deleted_groups: 0, shrunk_groups: 0 },
            allowed_users: 0,
            allowed_groups: 0,
            last_day: 0,
            mirrors: Vec::new(),
            attributes: Vec::new(),
        }
    }
}

/// What a mirror would lose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loss {
    /// It is deleted.
    Delete,
    /// The person becomes inactive.
    Deactivate,
    /// The group loses more than half of its members, or all of them as every other group does.
    Shrink,
}

impl Loss {
    /// The word in samples and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Deactivate => "deactivate",
            Self::Shrink => "shrink",
        }
    }
}

/// What a plan takes away from the mirrors, if that is more than the limits allow, with the people
/// and groups that went within the last day; or if all people or all groups would be deleted.
///
/// Everything is held then, not the part above the limit: nobody can tell which part is right.
#[must_use]
pub fn judge(
    plan: &Plan,
    index: &Index,
    limits: &Limits,
    (recent_users, recent_groups): (usize, usize),
) -> Option<HeldPlan> {
    let mut mirrors = losses(plan);
    let count = |loss, kind| mirrors.iter().filter(|(what, name)| *what == loss && name.kind == kind).count();
    let losses = Losses {
        deactivated: count(Loss::Deactivate, Kind::User),
        deleted_users: count(Loss::Delete, Kind::User),
        deleted_groups: count(Loss::Delete, Kind::Group),
        shrunk_groups: count(Loss::Shrink, Kind::Group),
    };
    let active = index.iter(Kind::User).filter(|(_, observed)| observed.state == Some(State::Active)).count();
    let (all_users, all_groups) = (index.count(Kind::User), index.count(Kind::Group));
    // What there was a day ago: otherwise each loss would make the next one look larger.
    let allowed_users = limits.allowed(active + recent_users);
    let allowed_groups = limits.allowed(all_groups + recent_groups);
    let few = |lost: usize, recent: usize, allowed: usize| lost == 0 || lost + recent <= allowed;
    let some_stay = |lost: usize, all: usize| lost == 0 || lost < all;
    let within = few(losses.deactivated + losses.deleted_users, recent_users, allowed_users)
        && few(losses.deleted_groups, recent_groups, allowed_groups)
        && some_stay(losses.deleted_users, all_users)
        && some_stay(losses.deleted_groups, all_groups)
        && losses.shrunk_groups == 0;
    if within {
        return None;
    }
    mirrors.sort_unstable();
    let last_day = recent_users + recent_groups;
    Some(HeldPlan {
        digest: digest(&mirrors),
        losses,
        allowed_users,
        allowed_groups,
        last_day,
        mirrors,
        attributes: Vec::new(),
    })
}

/// Takes out of a plan everything that takes something away; returns the mirrors that stay as they
/// are for it.
pub fn hold_back(plan: &mut Plan) -> Vec<MirrorName> {
    let held = losses(plan).into_iter().map(|(_, name)| name).collect();
    plan.deletes.clear();
    plan.deactivations.clear();
    let all_emptied = plan.all_groups_emptied;
    plan.updates.retain(|update| loss(update, all_emptied).is_none());
    held
}

/// What a plan takes away, mirror by mirror.
#[must_use]
pub fn losses(plan: &Plan) -> Vec<(Loss, MirrorName)> {
    let deletes = plan.deletes.iter().map(|(name, _)| (Loss::Delete, *name));
    let deactivations = plan.deactivations.iter().map(|(name, _)| (Loss::Deactivate, *name));
    let loss = |update: &Update| Some((loss(update, plan.all_groups_emptied)?, update.mirror.name));
    let updates = plan.updates.iter().filter_map(loss);
    deletes.chain(deactivations).chain(updates).collect()
}

fn loss(update: &Update, all_groups_emptied: bool) -> Option<Loss> {
    let Update { mirror, observed, .. } = update;
    match mirror.name.kind {
        Kind::User => {
            let was_active = match observed.state {
                Some(state) => state == State::Active,
                // Somebody has removed the label: only the content can still say that nothing changes.
                None => observed.hash != Some(mirror.hash),
            };
            (was_active && mirror.state == Some(State::Inactive)).then_some(Loss::Deactivate)
        }
        Kind::Group => {
            let (before, now) = (observed.members, mirror.members);
            let shrinks = before >= SHRINKING_GROUP_MEMBERS && now < before.div_ceil(2);
            let emptied = all_groups_emptied && before > 0 && now == 0;
            (shrinks || emptied).then_some(Loss::Shrink)
        }
    }
}

/// A hash of the losses, whatever their order was.
fn digest(sorted: &[(Loss, MirrorName)]) -> ContentHash {
    let bytes: Vec<u8> = sorted
        .iter()
        .flat_map(|(loss, name)| {
            [loss.as_str().as_bytes(), name.kind.as_str().as_bytes(), &name.id.to_be_bytes()].concat()
        })
        .collect();
    ContentHash::of_bytes(&bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{Group, Members, User};
    use crate::plan::grace::{self, Policy, Times};
    use crate::plan::{Completeness, Marks, Observed, Planner};

    const OWNER: u128 = 7;
    const LIMITS: Limits = Limits { percent: 10, minimum: 5, maximum: 500 };

    fn user(id: usize, state: State) -> User {
        User { external_id: id.to_string(), state, ..User::default() }
    }

    fn group(id: usize, members: usize) -> Group {
        Group {
            external_id: id.to_string(),
            members: Members {
                users: (0..members).map(|member| member.to_string()).collect(),
                ..Members::default()
            },
            member_count: i32::try_from(members).unwrap(),
            ..Group::default()
        }
    }

    fn observed(hash: ContentHash, state: Option<State>, members: usize) -> Observed {
        Observed {
            hash: Some(hash),
            state,
            members: u32::try_from(members).unwrap(),
            uid: 1,
            owner: OWNER,
            generation: 1,
            resource_version: 1,
        }
    }

    /// Mirrors of active people, and of groups by their number of members.
    fn mirrors(users: usize, groups: &[usize]) -> Index {
        let mut index = Index::default();
        for id in 0..users {
            let user = user(id, State::Active);
            let observed = observed(ContentHash::of(&user).unwrap(), Some(State::Active), 0);
            index.insert(MirrorName::new(Kind::User, &user.external_id), observed);
        }
        for (id, members) in groups.iter().enumerate() {
            let group = group(id, *members);
            let observed = observed(ContentHash::of(&group).unwrap(), None, *members);
            index.insert(MirrorName::new(Kind::Group, &group.external_id), observed);
        }
        index
    }

    fn plan(index: &Index, users: impl IntoIterator<Item = User>, groups: &[usize]) -> Plan {
        let mut planner = Planner::new(index, OWNER);
        for user in users {
            planner.want_user(&user).unwrap();
        }
        for (id, members) in groups.iter().enumerate() {
            planner.want_group(&group(id, *members)).unwrap();
        }
        let mut plan = planner.finish(Completeness::default());
        let _ = grace::apply(&mut plan, &Marks::default(), &Policy::AT_ONCE, Times::default());
        plan
    }

    fn active(ids: impl Iterator<Item = usize>) -> impl Iterator<Item = User> {
        ids.map(|id| user(id, State::Active))
    }

    #[test]
    fn a_tenth_of_a_hundred_may_go_and_one_more_may_not() {
        let index = mirrors(100, &[]);
        assert_eq!(judge(&plan(&index, active(10..100), &[]), &index, &LIMITS, (0, 0)), None);
        let held = judge(&plan(&index, active(11..100), &[]), &index, &LIMITS, (0, 0)).unwrap();
        assert_eq!(held.losses, Losses { deleted_users: 11, ..Losses::default() });
        assert_eq!(held.allowed_users, 10);
    }

    #[test]
    fn five_of_a_few_may_go_and_never_more_than_five_hundred_of_many() {
        let few = mirrors(12, &[]);
        assert_eq!(judge(&plan(&few, active(5..12), &[]), &few, &LIMITS, (0, 0)), None);
        assert!(judge(&plan(&few, active(6..12), &[]), &few, &LIMITS, (0, 0)).is_some());
        let many = mirrors(8_000, &[]);
        assert_eq!(judge(&plan(&many, active(500..8_000), &[]), &many, &LIMITS, (0, 0)), None);
        assert!(judge(&plan(&many, active(501..8_000), &[]), &many, &LIMITS, (0, 0)).is_some());
    }

    #[test]
    fn deactivations_and_deletions_count_together() {
        let index = mirrors(100, &[]);
        let people = (6..100).map(|id| user(id, if id < 12 { State::Inactive } else { State::Active }));
        let held = judge(&plan(&index, people, &[]), &index, &LIMITS, (0, 0)).unwrap();
        assert_eq!(held.losses, Losses { deactivated: 6, deleted_users: 6, ..Losses::default() });
    }

    #[test]
    fn people_whose_state_somebody_has_removed_were_active_unless_their_content_says_otherwise() {
        let unlabelled = |states: State| {
            let mut index = Index::default();
            for id in 0..12 {
                let user = user(id, states);
                let observed = observed(ContentHash::of(&user).unwrap(), None, 0);
                index.insert(MirrorName::new(Kind::User, &user.external_id), observed);
            }
            index
        };
        let inactive = || (0..12).map(|id| user(id, State::Inactive));
        let index = unlabelled(State::Active);
        let held = judge(&plan(&index, inactive(), &[]), &index, &LIMITS, (0, 0)).unwrap();
        assert_eq!(held.losses, Losses { deactivated: 12, ..Losses::default() });
        let index = unlabelled(State::Inactive);
        let labels = plan(&index, inactive(), &[]);
        assert_eq!((labels.updates.len(), judge(&labels, &index, &LIMITS, (0, 0))), (12, None));
    }

    #[test]
    fn a_large_group_may_lose_half_of_its_members_and_a_small_one_any_number() {
        let index = mirrors(1, &[20, 19]);
        assert_eq!(judge(&plan(&index, active(0..1), &[10, 0]), &index, &LIMITS, (0, 0)), None);
        let held = judge(&plan(&index, active(0..1), &[9, 19]), &index, &LIMITS, (0, 0)).unwrap();
        assert_eq!(held.losses, Losses { shrunk_groups: 1, ..Losses::default() });
    }

    #[test]
    fn groups_of_any_size_that_all_become_empty_at_once_keep_their_members() {
        let index = mirrors(30, &[7, 7, 6]);
        let mut all = plan(&index, active(0..30), &[0, 0, 0]);
        let held = judge(&all, &index, &LIMITS, (0, 0)).unwrap();
        assert_eq!(held.losses, Losses { shrunk_groups: 3, ..Losses::default() });
        hold_back(&mut all);
        assert_eq!(all.updates.len(), 0);
        assert_eq!(judge(&plan(&index, active(0..30), &[0, 0, 1]), &index, &LIMITS, (0, 0)), None);
        let few = mirrors(30, &[7, 7, 5]);
        assert_eq!(judge(&plan(&few, active(0..30), &[0, 0, 0]), &few, &LIMITS, (0, 0)), None);
    }

    #[test]
    fn attributes_that_are_lost_are_part_of_what_the_digest_stands_for() {
        assert_eq!(HeldPlan::with(None, Vec::new()), None);
        let titles = HeldPlan::with(None, vec!["title".into()]).unwrap();
        let more = HeldPlan::with(None, vec!["email".into(), "title".into()]).unwrap();
        assert_eq!(
            (titles.losses, titles.attributes.as_slice()),
            (Losses::default(), &["title".to_owned()][..])
        );
        assert_ne!(titles.digest, more.digest);
        let index = mirrors(100, &[]);
        let people = judge(&plan(&index, active(50..100), &[]), &index, &LIMITS, (0, 0));
        let both = HeldPlan::with(people.clone(), vec!["title".into()]).unwrap();
        assert_eq!(Some(both.losses), people.as_ref().map(|people| people.losses));
        assert!(![titles.digest, people.unwrap().digest].contains(&both.digest));
    }

    #[test]
    fn too_many_groups_are_held_as_people_are() {
        let index = mirrors(1, &[1; 50]);
        assert_eq!(judge(&plan(&index, active(0..1), &[1; 45]), &index, &LIMITS, (0, 0)), None);
        assert!(judge(&plan(&index, active(0..1), &[1; 44]), &index, &LIMITS, (0, 0)).is_some());
    }

    #[test]
    fn small_losses_of_one_day_add_up_to_a_large_one() {
        let index = mirrors(95, &[1; 50]);
        let five = plan(&index, active(5..95), &[1; 50]);
        assert_eq!(judge(&five, &index, &LIMITS, (5, 0)), None);
        let held = judge(&five, &index, &LIMITS, (6, 0)).unwrap();
        assert_eq!((held.allowed_users, held.last_day), (10, 6));
        let without_loss = plan(&index, active(0..95), &[1; 50]);
        assert_eq!(judge(&without_loss, &index, &LIMITS, (90, 0)), None, "what is gone is gone");
        let one_group = plan(&index, active(0..95), &[1; 49]);
        assert_eq!(judge(&one_group, &index, &LIMITS, (0, 4)), None);
        assert!(judge(&one_group, &index, &LIMITS, (0, 5)).is_some());
        let groups = mirrors(1, &[1; 95]);
        let five = plan(&groups, active(0..1), &[1; 90]);
        assert_eq!(judge(&five, &groups, &LIMITS, (0, 5)), None, "there were a hundred");
        assert!(judge(&five, &groups, &LIMITS, (0, 6)).is_some());
    }

    #[test]
    fn a_group_that_was_empty_before_loses_nothing_when_all_others_become_empty() {
        let index = mirrors(30, &[20, 0]);
        let mut planner = Planner::new(&index, OWNER);
        active(0..30).for_each(|user| planner.want_user(&user).unwrap());
        planner.want_group(&group(0, 0)).unwrap();
        planner.want_group(&Group { display_name: "renamed".into(), ..group(1, 0) }).unwrap();
        let plan = planner.finish(Completeness::default());
        assert_eq!(judge(&plan, &index, &LIMITS, (0, 0)).unwrap().losses.shrunk_groups, 1);
    }

    #[test]
    fn each_loss_has_a_word_of_its_own() {
        let words = [Loss::Delete, Loss::Deactivate, Loss::Shrink].map(Loss::as_str);
        assert_eq!(words, ["delete", "deactivate", "shrink"]);
    }

    #[test]
    fn the_last_of_a_kind_never_go_unasked() {
        let index = mirrors(3, &[1, 1]);
        let replaced = plan(&index, active(3..4), &[1, 1]);
        assert_eq!(judge(&replaced, &index, &LIMITS, (0, 0)).unwrap().losses.deleted_users, 3);
        let mut planner = Planner::new(&index, OWNER);
        active(0..3).for_each(|user| planner.want_user(&user).unwrap());
        planner.want_group(&group(9, 1)).unwrap();
        let mut others = planner.finish(Completeness::default());
        let _ = grace::apply(&mut others, &Marks::default(), &Policy::AT_ONCE, Times::default());
        assert_eq!(judge(&others, &index, &LIMITS, (0, 0)).unwrap().losses.deleted_groups, 2);
    }

    #[test]
    fn what_is_held_leaves_creations_and_harmless_updates() {
        let index = mirrors(100, &[30]);
        let renamed = User { display_name: Some("Ada".into()), ..user(50, State::Active) };
        let people = active(51..100).chain([renamed, user(500, State::Active), user(49, State::Inactive)]);
        let mut plan = plan(&index, people, &[2]);
        assert!(judge(&plan, &index, &LIMITS, (0, 0)).is_some());
        hold_back(&mut plan);
        assert_eq!((plan.creates.len(), plan.updates.len(), plan.deletes.len()), (1, 1, 0));
        assert_eq!(judge(&plan, &index, &LIMITS, (0, 0)), None);
    }

    #[test]
    fn the_digest_stands_for_just_these_losses() {
        let index = mirrors(100, &[]);
        let digest = |from: usize| {
            judge(&plan(&index, active(from..100), &[]), &index, &LIMITS, (0, 0)).unwrap().digest
        };
        assert_eq!(digest(50), digest(50));
        assert_ne!(digest(50), digest(51));
    }

    proptest! {
        #[test]
        fn no_more_than_the_limit_ever_goes_unasked(
            total in 0_usize..300,
            gone in 0_usize..300,
            inactive in 0_usize..300,
            percent in 0_u32..=100,
            minimum in 0_usize..20,
            maximum in 0_usize..200,
        ) {
            let limits = Limits { percent, minimum, maximum };
            let index = mirrors(total, &[]);
            let people = (gone.min(total)..total)
                .map(|id| user(id, if id < gone + inactive { State::Inactive } else { State::Active }));
            let mut plan = plan(&index, people, &[]);
            if judge(&plan, &index, &limits, (0, 0)).is_some() {
                hold_back(&mut plan);
            }
            let lost = losses(&plan).len();
            prop_assert!(lost <= maximum.max(minimum));
            prop_assert!(lost <= minimum.max(total * percent as usize / 100));
        }
    }
}
