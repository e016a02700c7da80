//! What a plan means for the buckets: which of them are to be written anew, from which others, and
//! with which changes.

use std::collections::BTreeMap;

use super::known::Contents;
use crate::model::{Group, Kind, MirrorName};
use crate::plan::content::ContentError;
use crate::plan::{Mirror, Observed, Plan};
use crate::slice::change::Change;
use crate::slice::members::{self, Divided};
use crate::slice::{Bucket, Family, Layout, Prefix, Summary};

/// A bucket to be written anew.
#[derive(Debug)]
pub(super) struct Unit {
    /// The bucket; it is divided where it has become too large.
    pub target: Bucket,
    /// The buckets whose entries it has until now.
    pub sources: Vec<Bucket>,
    /// What changes.
    pub changes: Vec<(u128, Change)>,
    /// Who is to be gone afterwards.
    pub removed: Vec<MirrorName>,
    /// The groups whose members these are.
    pub groups: Vec<MirrorName>,
    /// What is reported when it has been written.
    pub tally: Tally,
}

/// What becomes of people and groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Created.
    pub created: usize,
    /// Changed.
    pub updated: usize,
    /// Deleted.
    pub deleted: usize,
}

impl Tally {
    /// All of them.
    pub(super) const fn sum(&self) -> usize {
        self.created + self.updated + self.deleted
    }
}

/// One change with what it is reported as.
struct Step {
    family: Family,
    key: u128,
    change: Change,
    removed: Option<MirrorName>,
    /// The group whose members these are.
    group: Option<MirrorName>,
    tally: Tally,
}

const CREATED: Tally = Tally { created: 1, updated: 0, deleted: 0 };
const UPDATED: Tally = Tally { created: 0, updated: 1, deleted: 0 };
const DELETED: Tally = Tally { created: 0, updated: 0, deleted: 1 };
const NOTHING: Tally = Tally { created: 0, updated: 0, deleted: 0 };

/// The units of a plan, family by family in the order of writing. `damaged` are buckets to be written
/// anew in any case; `strays` are all buckets that are there, for when it is unknown which of them make
/// a view.
///
/// # Errors
/// When a content cannot be read back.
pub(super) fn units(
    directory: &str,
    plan: Plan,
    contents: &Contents,
    damaged: &[Bucket],
    strays: &[Bucket],
) -> Result<[Vec<Unit>; 3], ContentError> {
    let steps = steps(directory, plan)?;
    let mut by_bucket: BTreeMap<Bucket, Vec<Step>> = BTreeMap::new();
    for step in steps {
        let bucket = if contents.scattered {
            Bucket { family: step.family, prefix: Prefix::ROOT }
        } else {
            contents.layout.bucket(step.family, step.key)
        };
        by_bucket.entry(bucket).or_default().push(step);
    }
    let roots = strays.iter().map(|stray| Bucket { prefix: Prefix::ROOT, ..*stray });
    let anew: Vec<Bucket> = if contents.scattered { roots.collect() } else { damaged.to_vec() };
    for bucket in anew {
        by_bucket.entry(bucket).or_default();
    }
    let expected = expected(contents, &by_bucket);
    let mut units: BTreeMap<Bucket, Unit> = BTreeMap::new();
    for (bucket, steps) in by_bucket {
        let (target, sources) = if contents.scattered {
            (bucket, strays.iter().filter(|stray| stray.family == bucket.family).copied().collect())
        } else {
            merged(&expected, bucket, &steps)
        };
        // Two that are merged into one are one unit.
        let unit = units.entry(target).or_insert_with(|| Unit {
            target,
            sources: Vec::new(),
            changes: Vec::new(),
            removed: Vec::new(),
            groups: Vec::new(),
            tally: Tally::default(),
        });
        for source in sources {
            if !unit.sources.contains(&source) {
                unit.sources.push(source);
            }
        }
        for Step { key, change, removed, group, tally, .. } in steps {
            unit.changes.push((key, change));
            unit.removed.extend(removed);
            unit.groups.extend(group);
            unit.tally.created += tally.created;
            unit.tally.updated += tally.updated;
            unit.tally.deleted += tally.deleted;
        }
    }
    let mut families = [Vec::new(), Vec::new(), Vec::new()];
    for unit in apart(units) {
        let place = Family::ALL.iter().position(|family| *family == unit.target.family);
        families[place.unwrap_or_default()].push(unit);
    }
    Ok(families)
}

/// How much will be in each bucket, about.
fn expected(contents: &Contents, changes: &BTreeMap<Bucket, Vec<Step>>) -> Layout {
    let mut expected = contents.layout.clone();
    for (bucket, steps) in changes {
        let Some(known) = expected.get(*bucket) else { continue };
        let of = |what: fn(&Change) -> bool| {
            u32::try_from(steps.iter().filter(|step| what(&step.change)).count()).unwrap_or(u32::MAX)
        };
        // One that is only changed counts as one more: a merge is never too early.
        let puts = of(|change| matches!(change, Change::Mirror(_) | Change::Line(_)));
        let removals = of(|change| matches!(change, Change::Remove));
        let entries = known.entries.saturating_add(puts).saturating_sub(removals);
        let bytes = known.bytes / known.entries.max(1);
        expected.insert(*bucket, Summary { entries, bytes: bytes.saturating_mul(entries), ..known });
    }
    expected
}

/// Where a bucket goes from which entries are taken away.
fn merged(expected: &Layout, bucket: Bucket, steps: &[Step]) -> (Bucket, Vec<Bucket>) {
    let shrinks = steps.iter().any(|step| matches!(step.change, Change::Remove));
    match expected.get(bucket) {
        Some(Summary { entries, bytes, .. }) if shrinks => {
            expected.merged(bucket, entries as usize, bytes as usize)
        }
        known => (bucket, known.map(|_| bucket).into_iter().collect()),
    }
}

/// Units none of which contains another: one that is within another becomes a part of it.
fn apart(units: BTreeMap<Bucket, Unit>) -> Vec<Unit> {
    let mut by_size: Vec<Unit> = units.into_values().collect();
    by_size.sort_by_key(|unit| unit.target.prefix.depth());
    let mut apart: Vec<Unit> = Vec::new();
    for unit in by_size {
        let first = unit.target.prefix.first_key();
        let around = apart.iter_mut().find(|around| {
            around.target.family == unit.target.family
                && around.sources.len() > 1
                && around.target.prefix.contains(first)
        });
        let Some(around) = around else {
            apart.push(unit);
            continue;
        };
        for source in unit.sources {
            if !around.sources.contains(&source) {
                around.sources.push(source);
            }
        }
        around.changes.extend(unit.changes);
        around.removed.extend(unit.removed);
        around.groups.extend(unit.groups);
        around.tally.created += unit.tally.created;
        around.tally.updated += unit.tally.updated;
        around.tally.deleted += unit.tally.deleted;
    }
    apart
}

fn steps(directory: &str, plan: Plan) -> Result<Vec<Step>, ContentError> {
    let mut steps = Vec::with_capacity(plan.writes());
    for mirror in plan.creates {
        put(directory, mirror, 0, CREATED, &mut steps)?;
    }
    for update in plan.updates {
        put(directory, update.mirror, update.observed.members, UPDATED, &mut steps)?;
    }
    for (name, _) in plan.deactivations {
        let change = Change::Deactivate(name);
        let (family, key) = (Family::Users, name.id);
        steps.push(Step { family, key, change, removed: None, group: None, tally: UPDATED });
    }
    for (name, Observed { members, .. }) in plan.deletes {
        let family = Family::of(name.kind);
        let removed = Some(name);
        let change = Change::Remove;
        steps.push(Step { family, key: name.id, change, removed, group: None, tally: DELETED });
        without_members(name, 0, members, &mut steps);
    }
    Ok(steps)
}

/// A mirror that is to be in the slices; a large group with its members.
fn put(
    directory: &str,
    mirror: Mirror,
    members_before: u32,
    tally: Tally,
    steps: &mut Vec<Step>,
) -> Result<(), ContentError> {
    let (family, name) = (Family::of(mirror.name.kind), mirror.name);
    let large = name.kind == Kind::Group && members::chunks(mirror.members as usize) > 0;
    let divided = if large {
        let group: Group = mirror.content.read()?;
        members::divide(directory, name, mirror.hash, &group).map_err(ContentError::from)?
    } else {
        None
    };
    let mut chunks = 0;
    let change = match divided {
        None => Change::Mirror(mirror),
        Some(Divided { line, entries }) => {
            for entry in entries {
                chunks += 1;
                let change = Change::Line(entry.line);
                steps.push(of_members(name, entry.key, change));
            }
            Change::Line(line)
        }
    };
    steps.push(Step { family, key: name.id, change, removed: None, group: None, tally });
    without_members(name, chunks, members_before, steps);
    Ok(())
}

/// Takes away the entries from `first` on that a group of so many members had.
fn without_members(group: MirrorName, first: u32, members: u32, steps: &mut Vec<Step>) {
    for chunk in first..members::chunks(members as usize) {
        steps.push(of_members(group, members::key(group, chunk), Change::Remove));
    }
}

/// A change of members of a group, for which the group itself is counted.
const fn of_members(group: MirrorName, key: u128, change: Change) -> Step {
    Step { family: Family::Members, key, change, removed: None, group: Some(group), tally: NOTHING }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ContentHash, State, User};
    use crate::plan::Content;
    use crate::slice::PayloadHash;

    fn contents(buckets: &[(&str, u32)]) -> Contents {
        let mut contents = Contents::default();
        for (bits, entries) in buckets {
            let bucket = Bucket { family: Family::Users, prefix: Prefix::parse(bits).unwrap() };
            let summary = Summary { hash: PayloadHash(1), entries: *entries, bytes: entries * 400 };
            contents.layout.insert(bucket, summary);
        }
        contents
    }

    fn mirror(id: usize) -> Mirror {
        let user = User { external_id: id.to_string(), ..User::default() };
        let (hash, content) = (ContentHash::of(&user).unwrap(), Content::of(&user).unwrap());
        let name = MirrorName::new(Kind::User, &user.external_id);
        Mirror { name, hash, state: Some(State::Active), members: 0, content }
    }

    fn gone(name: MirrorName) -> (MirrorName, Observed) {
        let observed = Observed {
            hash: None,
            state: None,
            members: 0,
            uid: 0,
            owner: 0,
            generation: 0,
            resource_version: 0,
        };
        (name, observed)
    }

    #[test]
    fn only_the_buckets_of_the_changed_are_written() {
        let contents = contents(&[("00", 100), ("01", 100), ("1", 100)]);
        let plan = Plan { creates: vec![mirror(1)], ..Plan::default() };
        let [members, groups, users] = units("acme", plan, &contents, &[], &[]).unwrap();
        assert!(members.is_empty() && groups.is_empty());
        assert_eq!(users.len(), 1);
        assert!(users[0].target.prefix.contains(mirror(1).name.id));
        assert_eq!((users[0].sources.as_slice(), users[0].tally), ([users[0].target].as_slice(), CREATED));
    }

    #[test]
    fn halves_that_shrink_at_a_time_become_one_unit() {
        let contents = contents(&[("0", 100), ("1", 100)]);
        let deletes: Vec<_> = (0..180).map(|id| gone(mirror(id).name)).collect();
        let [_, _, users] = units("acme", Plan { deletes, ..Plan::default() }, &contents, &[], &[]).unwrap();
        assert_eq!(users.len(), 1, "{users:?}");
        assert_eq!((users[0].target.prefix, users[0].sources.len()), (Prefix::ROOT, 2));
        assert_eq!((users[0].removed.len(), users[0].tally.deleted), (180, 180));
    }

    #[test]
    fn without_a_manifest_everything_that_is_there_is_written_anew() {
        let contents = Contents { scattered: true, ..Contents::default() };
        let strays = ["0", "01", "1"]
            .map(|bits| Bucket { family: Family::Users, prefix: Prefix::parse(bits).unwrap() });
        let [_, _, users] = units("acme", Plan::default(), &contents, &[], &strays).unwrap();
        assert_eq!((users.len(), users[0].target.prefix, users[0].sources.len()), (1, Prefix::ROOT, 3));
    }
}
