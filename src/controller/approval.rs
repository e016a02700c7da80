//! Whether losses that are more than the guard's limits may be carried out: the approval names the
//! hash under which the status shows them.
//!
//! The hash covers the losses and the time since which they are held, so an approval that stays in
//! the spec is worth nothing when the same people vanish again later.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::held_names::HeldNames;
use super::schedule::whole_seconds;
use crate::api::status::{MAX_SAMPLE, PendingPlan};
use crate::model::{ContentHash, MirrorName};
use crate::plan::guard::{HeldPlan, Loss};

/// How long a hash can be approved before it is made anew.
const GOOD_FOR: SignedDuration = SignedDuration::from_hours(72);

/// Losses that were approved and are being carried out: what is left of them after a failed write
/// needs no second approval, as long as nothing has joined them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approved {
    hash: String,
    mirrors: BTreeSet<(Loss, MirrorName)>,
    attributes: Vec<String>,
}

impl Approved {
    /// Whether people or groups were approved to go, and not attributes alone.
    #[must_use]
    pub fn names_mirrors(&self) -> bool {
        !self.mirrors.is_empty()
    }
}

/// What is to be done with losses above the limits.
#[derive(Debug, PartialEq, Eq)]
pub enum Decision {
    /// They are held: the status shows the plan, the checkpoint keeps the names.
    Hold(PendingPlan, HeldNames),
    /// They are carried out.
    CarryOut(Approved),
}

/// Decides about losses above the limits.
///
/// `shown` is what the status shows now, `spec` the hash that the spec approves, `begun` the
/// approval that an earlier run began to carry out.
#[must_use]
pub fn decide(
    held: HeldPlan,
    shown: Option<&PendingPlan>,
    spec: Option<&str>,
    begun: Option<&Approved>,
    directory: &str,
    now: Timestamp,
) -> Decision {
    let known = shown.filter(|shown| shown.hash == hash(held.digest, shown.since.0));
    if let Some(approved) = known.map(|known| &known.hash).filter(|hash| spec == Some(hash.as_str())) {
        return Decision::CarryOut(Approved {
            hash: approved.clone(),
            mirrors: held.mirrors.into_iter().collect(),
            attributes: held.attributes,
        });
    }
    let rest = begun.filter(|begun| {
        spec == Some(begun.hash.as_str())
            && held.mirrors.iter().all(|loss| begun.mirrors.contains(loss))
            && held.attributes.iter().all(|name| begun.attributes.contains(name))
    });
    if let Some(begun) = rest {
        return Decision::CarryOut(begun.clone());
    }
    let since = known.map(|known| known.since.0).filter(|since| now.duration_since(*since) < GOOD_FOR);
    let since = since.unwrap_or_else(|| whole_seconds(now));
    // What the spec approves was another plan, even if it was of the same losses in the same second.
    let is_spent = spec == Some(hash(held.digest, since).as_str());
    let pending =
        pending(&held, directory, if is_spent { since + SignedDuration::from_secs(1) } else { since });
    let names = HeldNames { hash: pending.hash.clone(), losses: held.mirrors };
    Decision::Hold(pending, names)
}

fn pending(held: &HeldPlan, directory: &str, since: Timestamp) -> PendingPlan {
    let number = |count| i64::try_from(count).unwrap_or(i64::MAX);
    let name =
        |(loss, name): &(Loss, MirrorName)| format!("{} {}", loss.as_str(), name.object_name(directory));
    PendingPlan {
        hash: hash(held.digest, since),
        deactivate: number(held.losses.deactivated),
        delete: number(held.losses.deleted_users),
        delete_groups: number(held.losses.deleted_groups),
        shrink_groups: number(held.losses.shrunk_groups),
        attributes: held.attributes.clone(),
        last_day: number(held.last_day),
        since: Time(since),
        sample: held.mirrors.iter().take(MAX_SAMPLE).map(name).collect(),
    }
}

/// Sixteen characters: short enough to be read aloud, long enough never to meet another.
fn hash(digest: ContentHash, since: Timestamp) -> String {
    let whole = ContentHash::of_bytes(format!("{digest} {}", since.as_second()).as_bytes()).to_string();
    whole.chars().take(16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Kind;
    use crate::plan::guard::Losses;

    fn held(ids: &[&str]) -> HeldPlan {
        let mirrors: Vec<_> = ids.iter().map(|id| (Loss::Delete, MirrorName::new(Kind::User, id))).collect();
        HeldPlan {
            digest: ContentHash::of(ids).unwrap(),
            losses: Losses { deleted_users: ids.len(), ..Losses::default() },
            allowed_users: 1,
            allowed_groups: 1,
            last_day: 0,
            mirrors,
            attributes: Vec::new(),
        }
    }

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + hours * 3_600).unwrap()
    }

    fn shown(decision: Decision) -> PendingPlan {
        match decision {
            Decision::Hold(pending, _) => pending,
            Decision::CarryOut(approved) => panic!("{approved:?}"),
        }
    }

    fn carried_out(decision: Decision) -> Approved {
        match decision {
            Decision::CarryOut(approved) => approved,
            Decision::Hold(pending, _) => panic!("{pending:?}"),
        }
    }

    #[test]
    fn who_approves_that_an_attribute_goes_has_approved_nobodys_going() {
        let approve = |held: &HeldPlan| {
            let first = shown(decide(held.clone(), None, None, None, "acme", at(0)));
            carried_out(decide(held.clone(), Some(&first), Some(&first.hash), None, "acme", at(1)))
        };
        let title = || vec!["title".to_owned()];
        assert!(!approve(&HeldPlan::with(None, title()).unwrap()).names_mirrors());
        assert!(approve(&HeldPlan::with(Some(held(&["1"])), title()).unwrap()).names_mirrors());
    }

    #[test]
    fn losses_are_held_until_the_spec_names_their_hash() {
        let first = shown(decide(held(&["1", "2"]), None, None, None, "acme", at(0)));
        assert_eq!(first.delete, 2);
        let again = shown(decide(held(&["1", "2"]), Some(&first), Some("other"), None, "acme", at(1)));
        assert_eq!(again, first, "the status says the same");
        let spec = Some(first.hash.as_str());
        carried_out(decide(held(&["1", "2"]), Some(&first), spec, None, "acme", at(2)));
    }

    #[test]
    fn a_plan_that_has_grown_needs_a_new_approval() {
        let first = shown(decide(held(&["1"]), None, None, None, "acme", at(0)));
        let grown = decide(held(&["1", "2"]), Some(&first), Some(&first.hash), None, "acme", at(1));
        assert_ne!(shown(grown).hash, first.hash);
    }

    #[test]
    fn what_is_left_of_an_approved_plan_is_carried_out_and_no_more() {
        let first = shown(decide(held(&["1", "2"]), None, None, None, "acme", at(0)));
        let spec = Some(first.hash.as_str());
        let begun = carried_out(decide(held(&["1", "2"]), Some(&first), spec, None, "acme", at(1)));
        carried_out(decide(held(&["2"]), None, spec, Some(&begun), "acme", at(2)));
        shown(decide(held(&["2", "3"]), None, spec, Some(&begun), "acme", at(2)));
        shown(decide(held(&["2"]), None, None, Some(&begun), "acme", at(2)));
    }

    #[test]
    fn an_approval_of_people_is_none_of_an_attribute_that_is_lost_besides() {
        let first = shown(decide(held(&["1"]), None, None, None, "acme", at(0)));
        let spec = Some(first.hash.as_str());
        let begun = carried_out(decide(held(&["1"]), Some(&first), spec, None, "acme", at(1)));
        let besides = HeldPlan::with(Some(held(&["1"])), vec!["title".into()]).unwrap();
        let both = shown(decide(besides.clone(), Some(&first), spec, Some(&begun), "acme", at(2)));
        assert_eq!(both.attributes, ["title"]);
        carried_out(decide(besides, Some(&both), Some(&both.hash), None, "acme", at(3)));
    }

    #[test]
    fn the_same_losses_at_another_time_need_a_new_approval() {
        let first = shown(decide(held(&["1"]), None, None, None, "acme", at(0)));
        // They were carried out, the status shows nothing any more, and then they come again.
        let again = shown(decide(held(&["1"]), None, Some(&first.hash), None, "acme", at(9)));
        assert_ne!(again.hash, first.hash);
    }

    #[test]
    fn the_same_losses_within_the_same_second_need_a_new_approval_as_well() {
        let first = shown(decide(held(&["1"]), None, None, None, "acme", at(0)));
        let spec = Some(first.hash.as_str());
        let again = shown(decide(held(&["1"]), None, spec, None, "acme", at(0)));
        assert_ne!(again.hash, first.hash);
        let still = shown(decide(held(&["1"]), Some(&again), spec, None, "acme", at(0)));
        assert_eq!(still, again, "the status says the same");
    }

    #[test]
    fn a_hash_that_nobody_approved_for_three_days_is_made_anew() {
        let first = shown(decide(held(&["1"]), None, None, None, "acme", at(0)));
        let later = shown(decide(held(&["1"]), Some(&first), None, None, "acme", at(73)));
        assert_ne!(later.hash, first.hash);
    }
}
