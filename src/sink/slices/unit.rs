//! What a plan means for the buckets: which of them are to be written anew, from which others, and
//! with which changes.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};

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
    /// What changes; one change for a key.
    pub changes: Vec<Step>,
    /// The groups whose members these are.
    pub groups: Vec<MirrorName>,
}

/// What becomes of people and groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Created.
    pub created: usize,
    /// Changed, but for those of `deactivated`.
    pub updated: usize,
    /// People made inactive because they are missing.
    pub deactivated: usize,
    /// Deleted.
    pub deleted: usize,
}

impl Tally {
    /// All of them.
    pub(super) const fn sum(&self) -> usize {
        self.created + self.updated + self.deactivated + self.deleted
    }
}

/// A change of one entry. There may be a million of them, so it holds no more than it must.
#[derive(Debug)]
pub(super) struct Step {
    /// The entry's key.
    pub key: u128,
    /// What becomes of it.
    pub change: Change,
    what: What,
}

/// What a change is reported as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Created,
    Updated,
    Deactivated,
    Deleted,
    /// Of members, for which their group is reported.
    Nothing,
}

impl Unit {
    /// Takes another's sources and changes.
    fn join(&mut self, other: Self) {
        for source in other.sources {
            if !self.sources.contains(&source) {
                self.sources.push(source);
            }
        }
        self.changes.extend(other.changes);
        self.groups.extend(other.groups);
    }

    /// What is reported when it has been written.
    pub(super) fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for step in &self.changes {
            match step.what {
                What::Created => tally.created += 1,
                What::Updated => tally.updated += 1,
                What::Deactivated => tally.deactivated += 1,
                What::Deleted => tally.deleted += 1,
                What::Nothing => {}
            }
        }
        tally
    }
}

/// The changes of a plan.
#[derive(Default)]
struct Steps {
    /// By family, as [`Family::ALL`] has them.
    families: [Vec<Step>; 3],
    /// Whose members an entry has, by its key.
    groups: HashMap<u128, MirrorName>,
}

impl Steps {
    const fn of(&mut self, kind: Kind) -> &mut Vec<Step> {
        match kind {
            Kind::Group => &mut self.families[1],
            Kind::User => &mut self.families[2],
        }
    }

    fn members(&mut self, group: MirrorName, key: u128, change: Change) {
        self.groups.insert(key, group);
        self.families[0].push(Step { key, change, what: What::Nothing });
    }
}

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
    let Steps { families, groups } = steps(directory, plan)?;
    let mut by_bucket: BTreeMap<Bucket, Vec<Step>> = BTreeMap::new();
    for (family, steps) in Family::ALL.into_iter().zip(families) {
        divide(family, steps, contents, &mut by_bucket);
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
        let groups = match bucket.family {
            Family::Members => steps.iter().filter_map(|step| groups.get(&step.key).copied()).collect(),
            Family::Groups | Family::Users => Vec::new(),
        };
        let unit = Unit { target, sources, changes: steps, groups };
        match units.entry(target) {
            Entry::Vacant(place) => drop(place.insert(unit)),
            // Two that are merged into one are one unit.
            Entry::Occupied(mut place) => place.get_mut().join(unit),
        }
    }
    let mut families = [Vec::new(), Vec::new(), Vec::new()];
    for unit in apart(units) {
        let place = Family::ALL.iter().position(|family| *family == unit.target.family);
        families[place.unwrap_or_default()].push(unit);
    }
    Ok(families)
}

/// Divides the changes of a family into buckets, without a second copy of those of one that has them all.
fn divide(
    family: Family,
    mut steps: Vec<Step>,
    contents: &Contents,
    by_bucket: &mut BTreeMap<Bucket, Vec<Step>>,
) {
    steps.sort_unstable_by_key(|step| step.key);
    while let Some(last) = steps.last() {
        let bucket = if contents.scattered {
            Bucket { family, prefix: Prefix::ROOT }
        } else {
            contents.layout.bucket(family, last.key)
        };
        let first = steps.partition_point(|step| step.key < bucket.prefix.first_key());
        let own = if first == 0 { std::mem::take(&mut steps) } else { steps.split_off(first) };
        by_bucket.insert(bucket, own);
    }
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
        around.join(unit);
    }
    apart
}

fn steps(directory: &str, plan: Plan) -> Result<Steps, ContentError> {
    let mut steps = Steps::default();
    steps.of(Kind::User).reserve_exact(plan.writes());
    for mirror in plan.creates {
        put(directory, mirror, 0, What::Created, &mut steps)?;
    }
    for update in plan.updates {
        put(directory, update.mirror, update.observed.members, What::Updated, &mut steps)?;
    }
    for (name, _) in plan.deactivations {
        let change = Change::Deactivate(name);
        steps.of(Kind::User).push(Step { key: name.id, change, what: What::Deactivated });
    }
    for (name, Observed { members, .. }) in plan.deletes {
        let (key, change) = (name.id, Change::Remove);
        steps.of(name.kind).push(Step { key, change, what: What::Deleted });
        without_members(name, 0, members, &mut steps);
    }
    Ok(steps)
}

/// A mirror that is to be in the slices; a large group with its members.
fn put(
    directory: &str,
    mirror: Mirror,
    members_before: u32,
    what: What,
    steps: &mut Steps,
) -> Result<(), ContentError> {
    let name = mirror.name;
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
                steps.members(name, entry.key, Change::Line(entry.line));
            }
            Change::Line(line)
        }
    };
    steps.of(name.kind).push(Step { key: name.id, change, what });
    without_members(name, chunks, members_before, steps);
    Ok(())
}

/// Takes away the entries from `first` on that a group of so many members had.
fn without_members(group: MirrorName, first: u32, members: u32, steps: &mut Steps) {
    for chunk in first..members::chunks(members as usize) {
        steps.members(group, members::key(group, chunk), Change::Remove);
    }
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
        let created = Tally { created: 1, ..Tally::default() };
        assert_eq!((users[0].sources.as_slice(), users[0].tally()), ([users[0].target].as_slice(), created));
    }

    #[test]
    fn halves_that_shrink_at_a_time_become_one_unit() {
        let contents = contents(&[("0", 100), ("1", 100)]);
        let deletes: Vec<_> = (0..180).map(|id| gone(mirror(id).name)).collect();
        let [_, _, users] = units("acme", Plan { deletes, ..Plan::default() }, &contents, &[], &[]).unwrap();
        assert_eq!(users.len(), 1, "{users:?}");
        assert_eq!((users[0].target.prefix, users[0].sources.len()), (Prefix::ROOT, 2));
        assert_eq!((users[0].changes.len(), users[0].tally().deleted), (180, 180));
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
