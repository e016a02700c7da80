//! Carries out a plan in slices: members of large groups, then groups, then people, then the manifest,
//! and at last what the manifest no longer names.

use std::collections::BTreeMap;

use futures::{StreamExt, stream};

use super::object::Wanted;
use super::unit::{Step, Unit, units};
use super::{Contents, SliceObject};
use crate::model::{ContentHash, Kind, MirrorName, State};
use crate::plan::{Observed, Plan};
use crate::sink::object::uid_number;
use crate::sink::pace::MOST_IN_FLIGHT;
use crate::sink::writer::{Outcome, WriteReport, Writer, outcome_of};
use crate::slice::change::{self, Change, Item};
use crate::slice::layout::split;
use crate::slice::payload::MAX_PAYLOAD_BYTES;
use crate::slice::{Bucket, Family, Payload, SliceName, Summary, entry};

/// A unit that has been written.
struct Written {
    target: Bucket,
    sources: Vec<Bucket>,
    parts: Vec<Part>,
    removed: Vec<u128>,
    /// Whether a source was not as it was known to be: somebody may have been taken out of it.
    edited: bool,
}

/// A bucket that has been written.
struct Part {
    bucket: Bucket,
    /// What it has; none when it is not needed.
    summary: Option<Summary>,
    entries: Vec<Told>,
    /// Whether it was not so already.
    changed: bool,
}

/// What an entry that has been written is. There may be a million of them, so it holds no more than it must.
struct Told {
    id: u128,
    hash: ContentHash,
    state: Option<State>,
    members: u32,
    /// Whether it is as it was.
    kept: bool,
}

impl Writer<'_> {
    /// Carries out a plan in slices. Tells `progress` how many people and groups are done.
    ///
    /// Slices that are not as they should be are mended although the plan has no change for them.
    pub async fn apply_to_slices(&self, plan: Plan, progress: impl Fn(usize)) -> WriteReport {
        let mut report = WriteReport::default();
        let owner = uid_number(&self.owner.uid);
        if plan.writes() == 0 && self.observed.slices_are_sound(self.key, owner) {
            return report;
        }
        let known = self.observed.slice_contents(self.key);
        let objects = self.observed.slice_objects(self.key);
        let families =
            units(&self.owner.directory, plan, &known, &damaged(&known, &objects, owner), &strays(&objects));
        let families = match families {
            Ok(families) => families,
            Err(error) => {
                report.count(Outcome::Failed(error.to_string()));
                return report;
            }
        };
        let mut done = 0;
        let divides = families.first().is_some_and(|members| !members.is_empty());
        for units in families {
            // Members without the line of their group, or the other way round, are no view: so nothing
            // more is written, least of all the manifest.
            if divides && !report.is_whole() {
                return report;
            }
            let known = &known;
            let mut outcomes = stream::iter(units)
                .map(|unit| async move {
                    let tally = unit.tally();
                    (tally, self.unit(unit, known).await)
                })
                .buffer_unordered(MOST_IN_FLIGHT);
            while let Some((tally, outcome)) = outcomes.next().await {
                match outcome {
                    Ok(()) => {
                        report.created += tally.created;
                        report.updated += tally.updated;
                        report.deactivated += tally.deactivated;
                        report.deleted += tally.deleted;
                    }
                    Err(outcome) => report.count_times(self.unless_cancelled(outcome), tally.sum().max(1)),
                }
                done += tally.sum();
                progress(done);
            }
        }
        self.publish(&known, &mut report).await;
        report
    }

    /// Writes the manifest, if it is not as it should be, and removes the slices that it does not name.
    async fn publish(&self, before: &Contents, report: &mut WriteReport) {
        let clean = report.failed + report.refused == 0 && !report.cancelled;
        let has_manifest = self.observed.slice(self.key, SliceName::Manifest).is_some();
        // A first manifest says that everybody is there. A later one is written in any case: what has
        // been written so far is a view as good as the one before.
        if !clean && (before.scattered || !has_manifest) {
            return;
        }
        let manifest = self.observed.manifest(self.key);
        let payload = match manifest.write(&self.owner.directory) {
            Ok(payload) => payload,
            Err(error) => return report.count(Outcome::Failed(error.to_string())),
        };
        let hash = payload.hash;
        let wanted = Wanted { name: SliceName::Manifest, payload, entries: manifest.layout.len() };
        if let Err(outcome) = self.put_slice(&wanted).await {
            return report.count(self.unless_cancelled(outcome));
        }
        self.observed.published(self.key, hash);
        let unnamed = self.observed.slice_objects(self.key).into_iter().filter(|(name, _)| match name {
            SliceName::Manifest => false,
            SliceName::Bucket(bucket) => manifest.layout.get(*bucket).is_none(),
        });
        self.remove(unnamed.collect(), report).await;
    }

    /// Removes slices.
    pub(super) async fn remove(&self, slices: Vec<(SliceName, SliceObject)>, report: &mut WriteReport) {
        let mut removals = stream::iter(slices)
            .map(|(name, object)| self.delete_slice(name, object))
            .buffer_unordered(MOST_IN_FLIGHT);
        while let Some(removed) = removals.next().await {
            if let Err(why) = removed {
                report.count(self.unless_cancelled(Outcome::Failed(why)));
            }
        }
    }

    async fn unit(&self, unit: Unit, known: &Contents) -> Result<(), Outcome> {
        if self.cancel.is_cancelled() {
            return Err(Outcome::Cancelled);
        }
        let Unit { target, sources, changes, groups } = unit;
        let directory = self.owner.directory.as_str();
        let mut existing = BTreeMap::new();
        let mut edited = false;
        for source in &sources {
            let read = self.entries(*source, known).await.map_err(|error| outcome_of(&error))?;
            let is_expected = known.layout.get(*source).is_some_and(|summary| summary.entries > 0);
            if !read.is_there && is_expected {
                // The plan was made for those who were in it; of the others it has nothing to write.
                self.observed.slices_are_unknown(self.key);
                return Err(Outcome::Failed(format!("the slice {source} has gone; it is written anew")));
            }
            existing.extend(read.lines);
            if !read.as_known {
                edited = true;
                self.observed.slice_differs(self.key, *source);
            }
        }
        // Until its own line is written, too, a group is neither what it was nor what it is to be.
        self.observed.doubt_mirrors(self.key, &groups);
        let goes = |step: &&Step| matches!(step.change, Change::Remove);
        let removed = changes.iter().filter(goes).map(|step| step.key).collect();
        let changes = changes.into_iter().map(|Step { key, change, .. }| (key, change));
        let items = change::apply(directory, existing, changes);
        let sizes: Vec<(u128, usize)> =
            items.iter().map(|(key, item)| (*key, item.bytes(directory))).collect();
        let parts = split(target.prefix, &sizes);
        let parts = parts.into_iter().map(|(prefix, range)| {
            let bucket = Bucket { family: target.family, prefix };
            self.part(bucket, &items[range])
        });
        let mut outcomes = stream::iter(parts).buffer_unordered(MOST_IN_FLIGHT);
        let mut written = Written { target, sources, parts: Vec::new(), removed, edited };
        while let Some(part) = outcomes.next().await {
            let part = part.inspect_err(|_| {
                // The manifest names what was written before as it was. It is tried again when the Directory is due: what is
                // refused now is refused at once again.
                if written.parts.iter().any(|part| part.changed) {
                    self.observed.slices_have_to_be_read(self.key);
                }
            });
            written.parts.push(part?);
        }
        drop(outcomes);
        drop((items, sizes));
        self.commit(written);
        Ok(())
    }

    /// Writes one bucket.
    async fn part(&self, bucket: Bucket, items: &[(u128, Item)]) -> Result<Part, Outcome> {
        if self.cancel.is_cancelled() {
            return Err(Outcome::Cancelled);
        }
        if items.is_empty() && bucket.prefix.is_root() {
            return Ok(Part { bucket, summary: None, entries: Vec::new(), changed: false });
        }
        let failed = |why: String| Outcome::Failed(why);
        let directory = self.owner.directory.as_str();
        let mut lines = Vec::with_capacity(items.len());
        for (_, item) in items {
            lines.push(item.line(directory).map_err(|error| failed(error.to_string()))?);
        }
        let payload =
            Payload::write(lines.iter().map(Vec::as_slice)).map_err(|error| failed(error.to_string()))?;
        if payload.text.len() > MAX_PAYLOAD_BYTES {
            return Err(Outcome::Refused(format!(
                "the slice {bucket} would take {} bytes, more than the {MAX_PAYLOAD_BYTES} that one can have",
                payload.text.len()
            )));
        }
        let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let bytes = lines.iter().map(|line| line.len() + 1).sum();
        let summary = Summary { hash: payload.hash, entries: narrow(lines.len()), bytes: narrow(bytes) };
        let wanted = Wanted { name: SliceName::Bucket(bucket), payload, entries: lines.len() };
        let changed = self.put_slice(&wanted).await?;
        let entries = match bucket.family {
            Family::Members => Vec::new(),
            Family::Groups | Family::Users => {
                let entries = items.iter().zip(&lines);
                entries.filter_map(|((_, item), line)| told(directory, item, line)).collect()
            }
        };
        Ok(Part { bucket, summary: Some(summary), entries, changed })
    }

    /// Notes a unit that has been written.
    fn commit(&self, written: Written) {
        let Written { target, sources, parts, removed, edited } = written;
        let owner = uid_number(&self.owner.uid);
        let kind = match target.family {
            Family::Users => Some(Kind::User),
            Family::Groups => Some(Kind::Group),
            Family::Members => None,
        };
        self.observed.change_slices(self.key, |contents| {
            contents.published = None;
            if contents.scattered {
                let family: Vec<Bucket> = contents.layout.iter().map(|(bucket, _)| bucket).collect();
                for bucket in family.into_iter().filter(|bucket| bucket.family == target.family) {
                    contents.layout.remove(bucket);
                }
            }
            for source in sources {
                contents.layout.remove(source);
            }
            for Part { bucket, summary, .. } in &parts {
                match summary {
                    Some(summary) => contents.layout.insert(*bucket, *summary),
                    None => contents.layout.remove(*bucket),
                }
            }
            let Some(kind) = kind else { return };
            for id in removed {
                contents.index.remove(MirrorName { kind, id });
            }
            if edited {
                let there = parts.iter().flat_map(|part| &part.entries).map(|told| told.id).collect();
                contents.forget_others(kind, target, &there);
            }
            for told in parts.into_iter().flat_map(|part| part.entries) {
                contents.note(MirrorName { kind, id: told.id }, &told, owner);
            }
        });
    }
}

impl Contents {
    /// Notes an entry that has been written.
    fn note(&mut self, name: MirrorName, told: &Told, owner: u128) {
        let lost = self.lost.remove(&name);
        let known = self.index.get(name);
        // What was in doubt and was only copied is in doubt still.
        let doubted = told.kept && (lost || known.is_some_and(|known| known.hash.is_none()));
        let hash = (!doubted).then_some(told.hash);
        self.index.insert(name, Observed::entry(hash, told.state, told.members, owner));
    }
}

fn told(directory: &str, item: &Item, line: &[u8]) -> Option<Told> {
    if let Item::Mirror(mirror) = item {
        let (hash, state, members) = (mirror.hash, mirror.state, mirror.members);
        return Some(Told { id: mirror.name.id, hash, state, members, kept: false });
    }
    let said = entry::said(directory, line)?;
    let (hash, state, members) = (said.hash, said.state, said.members);
    Some(Told { id: said.name.id, hash, state, members, kept: matches!(item, Item::Kept(_)) })
}

/// Buckets of the view that are not as we wrote them, or not there, or written by a vanished namesake.
fn damaged(known: &Contents, objects: &[(SliceName, SliceObject)], owner: u128) -> Vec<Bucket> {
    let by_name: BTreeMap<SliceName, SliceObject> = objects.iter().copied().collect();
    let is_right = |bucket: Bucket, summary: Summary| {
        by_name
            .get(&SliceName::Bucket(bucket))
            .is_some_and(|object| object.hash == Some(summary.hash) && object.owner == owner)
    };
    known
        .layout
        .iter()
        .filter(|(bucket, summary)| !is_right(*bucket, *summary))
        .map(|(bucket, _)| bucket)
        .collect()
}

fn strays(objects: &[(SliceName, SliceObject)]) -> Vec<Bucket> {
    let buckets = objects.iter().filter_map(|(name, _)| match name {
        SliceName::Bucket(bucket) => Some(*bucket),
        SliceName::Manifest => None,
    });
    // In one order, so that of two slices with the same people the same one counts each time.
    let mut buckets: Vec<Bucket> = buckets.collect();
    buckets.sort_unstable();
    buckets
}
