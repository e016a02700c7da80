//! What is known of a Directory's slices: their metadata, from the watch and our own writes, and what
//! is in them, from our own writes and from reading them after a start, or after a surprise.

use std::collections::{HashMap, HashSet};

use crate::model::{ContentHash, Kind, MirrorName};
use crate::plan::{Index, Observed};
use crate::sink::observed::count_down;
use crate::slice::{Bucket, Family, Layout, PayloadHash, SliceName, Summary, members};

/// A slice as its metadata shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SliceObject {
    /// The hash of its payload; `None` when it is not as we wrote it.
    pub hash: Option<PayloadHash>,
    /// The object's uid.
    pub uid: u128,
    /// The uid of the Directory that wrote it; zero when it says none.
    pub owner: u128,
    /// The object's generation.
    pub generation: i64,
    /// The object's resource version.
    pub resource_version: u64,
}

/// The slices of one Directory.
#[derive(Debug, Default)]
pub struct Slices {
    objects: HashMap<SliceName, SliceObject>,
    /// Slices that we deleted, until the watch says so too: an older event must not revive them.
    deleted_by_us: HashMap<SliceName, u64>,
    /// Slices that we are writing, how often each: what a watch says of them meanwhile is our doing.
    being_written: HashMap<SliceName, u32>,
    /// Of those, the ones that a watch showed changed or gone, while no answer to a write of ours has said so.
    unanswered: HashSet<SliceName>,
    /// Slices that we wrote while the watch was listing them: it may list them as they were before.
    fresh: HashSet<SliceName>,
    /// Counts what makes it unknown what is in them: slices that went or appeared without our doing, and
    /// writes that may have been carried out without an answer.
    surprises: u64,
    /// What is in them; `None` until they have been read.
    contents: Option<Contents>,
}

/// What is in the slices of one Directory.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    /// The slices that make the view.
    pub layout: Layout,
    /// The people and groups in them.
    pub index: Index,
    /// People and groups that were in a slice which someone else deleted.
    pub lost: HashSet<MirrorName>,
    /// Whether it is unknown which slices make a view, for want of a manifest: all are to be written
    /// anew.
    pub scattered: bool,
    /// The payload of the manifest that names all slices as they are; `None` when it is to be written.
    pub published: Option<PayloadHash>,
    /// How many surprises there had been when the slices were read.
    pub as_of: u64,
}

impl Slices {
    /// Whether there are any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Whether there is a manifest: then the slices are the form of the mirrors.
    #[must_use]
    pub fn has_manifest(&self) -> bool {
        self.objects.contains_key(&SliceName::Manifest)
    }

    /// All slices.
    pub fn objects(&self) -> impl Iterator<Item = (SliceName, SliceObject)> {
        self.objects.iter().map(|(name, object)| (*name, *object))
    }

    /// What is known of one slice.
    #[must_use]
    pub fn get(&self, name: SliceName) -> Option<SliceObject> {
        self.objects.get(&name).copied()
    }

    /// What is in the slices, if they have been read.
    #[must_use]
    pub const fn contents(&self) -> Option<&Contents> {
        self.contents.as_ref()
    }

    /// Whether it is known what is in the slices. If not, they are to be read before the next plan; what was
    /// known last stays until then, since it says where the slices' bounds are.
    #[must_use]
    pub fn are_known(&self) -> bool {
        self.contents.as_ref().is_some_and(|contents| contents.as_of == self.surprises)
    }

    /// How many surprises there have been.
    #[must_use]
    pub const fn surprises(&self) -> u64 {
        self.surprises
    }

    /// Notes that it is not known any more what is in the slices.
    pub const fn surprise(&mut self) {
        self.surprises += 1;
    }

    /// What is in the slices, to be changed.
    pub fn contents_mut(&mut self) -> &mut Contents {
        self.contents.get_or_insert_default()
    }

    /// Takes what was read for what is in the slices. Who was lost and is in none of them is lost still.
    pub fn read(&mut self, mut contents: Contents) {
        let lost = self.contents.take().map(|before| before.lost).unwrap_or_default();
        contents.lost.extend(lost.into_iter().filter(|name| contents.index.get(*name).is_none()));
        self.contents = Some(contents);
    }

    /// Takes this for what is in the slices; `None`: they are to be read again.
    pub fn set_contents(&mut self, contents: Option<Contents>) {
        self.contents = contents;
    }

    /// A hash over the names and payloads of all slices, whatever their order. Slices that are not as we
    /// wrote them make it differ.
    #[must_use]
    pub fn digest(&self) -> ContentHash {
        let sum = self.objects.iter().fold(0_u128, |sum, (name, object)| {
            let hash = object.hash.map_or(u128::MAX, |hash| hash.0);
            let bytes =
                [name.to_string().as_bytes(), &hash.to_be_bytes(), &object.owner.to_be_bytes()].concat();
            sum.wrapping_add(ContentHash::of_bytes(&bytes).0)
        });
        ContentHash(sum)
    }

    /// Notes what the apiserver answered to our own write; `listing`: while the watch lists the slices.
    pub fn written(&mut self, name: SliceName, object: SliceObject, listing: bool) {
        self.found(name, object);
        if self.get(name).is_some_and(|known| known.resource_version == object.resource_version) {
            self.unanswered.remove(&name);
        }
        if listing {
            self.fresh.insert(name);
        }
    }

    /// Notes a slice that we have read.
    pub fn found(&mut self, name: SliceName, object: SliceObject) {
        self.deleted_by_us.remove(&name);
        if self.objects.get(&name).is_none_or(|known| known.resource_version < object.resource_version) {
            self.objects.insert(name, object);
        }
    }

    /// Notes that we deleted a slice.
    pub fn deleted(&mut self, name: SliceName) {
        self.unanswered.remove(&name);
        if let Some(known) = self.objects.remove(&name) {
            self.deleted_by_us.insert(name, known.resource_version);
        }
    }

    /// Notes that a slice will be written.
    pub fn will_be_written(&mut self, name: SliceName) {
        *self.being_written.entry(name).or_default() += 1;
    }

    /// Notes that a write of a slice has ended; true when a watch showed the slice changed or gone meanwhile
    /// and no answer said so: it may have been our write or another's.
    pub fn is_written(&mut self, name: SliceName) -> bool {
        count_down(&mut self.being_written, &name);
        let surprising = !self.being_written.contains_key(&name) && self.unanswered.remove(&name);
        self.surprises += u64::from(surprising);
        surprising
    }

    /// Whether the manifest names each slice as it is, written by this owner, and there are no others.
    #[must_use]
    pub fn are_sound(&self, owner: u128) -> bool {
        let Some(contents) = &self.contents else { return false };
        let Some(published) = contents.published.filter(|_| !contents.scattered) else { return false };
        let is = |name, hash| {
            let object: Option<&SliceObject> = self.objects.get(&name);
            object.is_some_and(|object| object.hash == Some(hash) && object.owner == owner)
        };
        let mut buckets = contents.layout.iter();
        self.objects.len() == contents.layout.len() + 1
            && is(SliceName::Manifest, published)
            && buckets.all(|(bucket, summary)| is(SliceName::Bucket(bucket), summary.hash))
    }

    /// Notes a slice that the watch shows; true when someone else has written it and that was not known.
    /// In a first listing nothing is known yet, and only what is not as we write it was written by others.
    pub fn applied(&mut self, name: SliceName, object: SliceObject, first: bool) -> bool {
        if self.deleted_by_us.get(&name).is_some_and(|deleted| object.resource_version <= *deleted) {
            return false;
        }
        let known = self.objects.get(&name).copied();
        if known.is_some_and(|known| known.resource_version >= object.resource_version) {
            return false;
        }
        self.objects.insert(name, object);
        let ours = self.being_written.contains_key(&name);
        if ours && known.is_none_or(|known| known.hash != object.hash) {
            self.unanswered.insert(name);
        }
        let by_others = match known {
            Some(known) => object.hash.is_none() || (object.hash != known.hash && !ours),
            None => !ours && (!first || object.hash.is_none()),
        };
        // Who is in a slice that was not there is not known: perhaps those who were taken for lost.
        self.surprises += u64::from(by_others && known.is_none());
        if by_others {
            self.doubt_contents(name);
        }
        by_others
    }

    /// Takes a slice that was written while it was being listed, and is not in the list, not for what we
    /// wrote; false when it was not written then. Either the list is older, or someone else has deleted it.
    pub fn doubt_fresh(&mut self, name: SliceName) -> bool {
        let Some(object) = self.objects.get_mut(&name).filter(|_| self.fresh.contains(&name)) else {
            return false;
        };
        object.hash = None;
        self.doubt_contents(name);
        true
    }

    /// Notes that the watch has listed the slices.
    pub fn listed(&mut self) {
        self.fresh.clear();
    }

    /// Forgets all but which slices there are, since nobody works on the Directory any more.
    pub fn abandon(&mut self) {
        self.contents = None;
        self.deleted_by_us = HashMap::new();
    }

    fn doubt_contents(&mut self, name: SliceName) {
        if let (SliceName::Bucket(bucket), Some(contents)) = (name, &mut self.contents) {
            contents.doubt(bucket);
        }
    }

    /// Notes that a slice of this version is gone; true when it was not we who deleted it. One that has been
    /// written since is there.
    pub fn gone(&mut self, name: SliceName, resource_version: u64) -> bool {
        if self.get(name).is_some_and(|known| known.resource_version > resource_version) {
            return false;
        }
        self.deleted_by_us.remove(&name);
        let was_there = self.objects.remove(&name).is_some();
        let ours = self.being_written.contains_key(&name);
        if was_there && ours {
            self.unanswered.insert(name);
        }
        let lost = was_there && !ours;
        if let (true, SliceName::Bucket(bucket), Some(contents)) = (lost, name, &mut self.contents) {
            contents.lose(bucket);
            // It may be there without the label by which it is watched.
            self.surprises += 1;
        }
        lost
    }
}

impl Contents {
    /// Takes nothing in a bucket for what we wrote: someone else has edited it. False when all of that
    /// was doubted before.
    pub fn doubt(&mut self, bucket: Bucket) -> bool {
        let names = self.names(bucket);
        // Each is doubted, whatever is known of those before.
        names.into_iter().filter(|name| self.doubt_mirror(*name)).count() > 0
    }

    /// Takes a person or group not for what we wrote; false when that was so before.
    pub fn doubt_mirror(&mut self, name: MirrorName) -> bool {
        match self.index.get(name).copied() {
            Some(observed) if observed.hash.is_some() => {
                self.index.insert(name, Observed { hash: None, ..observed });
                true
            }
            _ => false,
        }
    }

    /// Takes everything in a bucket for gone.
    pub fn lose(&mut self, bucket: Bucket) {
        // A group whose members are gone is not as we wrote it; it is still there.
        if bucket.family == Family::Members {
            self.doubt(bucket);
        } else {
            for name in self.names(bucket) {
                self.index.remove(name);
                self.lost.insert(name);
            }
        }
        if self.layout.get(bucket).is_some() {
            self.layout.insert(bucket, Summary { hash: PayloadHash(0), entries: 0, bytes: 0 });
        }
    }

    /// The people or groups that a bucket is about, if it is one of the view.
    fn names(&self, bucket: Bucket) -> Vec<MirrorName> {
        if self.layout.get(bucket).is_none() {
            return Vec::new();
        }
        let contains = |name: &MirrorName| bucket.prefix.contains(name.id);
        let names = |kind| self.index.iter(kind).map(|(name, observed)| (name, observed.members));
        match bucket.family {
            Family::Users => names(Kind::User).map(|(name, _)| name).filter(contains).collect(),
            Family::Groups => names(Kind::Group).map(|(name, _)| name).filter(contains).collect(),
            Family::Members => names(Kind::Group)
                .filter(|(name, count)| {
                    let mut chunks = 0..members::chunks(*count as usize);
                    chunks.any(|chunk| bucket.prefix.contains(members::key(*name, chunk)))
                })
                .map(|(name, _)| name)
                .collect(),
        }
    }

    /// Forgets everybody of a bucket's keys who is not among `there`.
    pub fn forget_others(&mut self, kind: Kind, bucket: Bucket, there: &HashSet<u128>) {
        let gone: Vec<MirrorName> = self
            .index
            .iter(kind)
            .map(|(name, _)| name)
            .filter(|name| bucket.prefix.contains(name.id) && !there.contains(&name.id))
            .collect();
        for name in gone {
            self.index.remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::State;
    use crate::slice::Prefix;

    const USERS: Bucket = Bucket { family: Family::Users, prefix: Prefix::ROOT };

    fn object(resource_version: u64, hash: Option<u128>) -> SliceObject {
        SliceObject { hash: hash.map(PayloadHash), uid: 1, owner: 7, generation: 1, resource_version }
    }

    /// A slice with one person, and a manifest.
    fn slices() -> (Slices, MirrorName) {
        let mut slices = Slices::default();
        let name = MirrorName::new(Kind::User, "1");
        let contents = slices.contents_mut();
        contents.layout.insert(USERS, Summary { hash: PayloadHash(5), entries: 1, bytes: 10 });
        let observed = Observed {
            hash: Some(ContentHash(1)),
            state: Some(State::Active),
            members: 0,
            uid: 0,
            owner: 7,
            generation: 0,
            resource_version: 0,
        };
        contents.index.insert(name, observed);
        slices.written(SliceName::Bucket(USERS), object(10, Some(5)), false);
        slices.written(SliceName::Manifest, object(11, Some(6)), false);
        (slices, name)
    }

    #[test]
    fn who_is_in_an_edited_slice_is_not_as_we_wrote_them() {
        let (mut slices, name) = slices();
        assert!(!slices.applied(SliceName::Bucket(USERS), object(10, Some(5)), false), "our own write");
        assert!(slices.applied(SliceName::Bucket(USERS), object(12, None), false));
        assert_eq!(slices.contents().unwrap().index.get(name).unwrap().hash, None);
    }

    #[test]
    fn a_slice_that_another_operator_wrote_is_not_taken_for_ours() {
        let (mut slices, name) = slices();
        slices.will_be_written(SliceName::Bucket(USERS));
        assert!(!slices.applied(SliceName::Bucket(USERS), object(12, Some(8)), false));
        slices.written(SliceName::Bucket(USERS), object(12, Some(8)), false);
        assert!(!slices.is_written(SliceName::Bucket(USERS)));
        assert!(slices.applied(SliceName::Bucket(USERS), object(13, Some(9)), false));
        assert_eq!(slices.contents().unwrap().index.get(name).unwrap().hash, None);
    }

    #[test]
    fn who_was_in_a_deleted_slice_is_lost_unless_it_was_we_who_deleted_it() {
        let (mut slices, name) = slices();
        assert!(slices.gone(SliceName::Bucket(USERS), 12));
        let contents = slices.contents().unwrap();
        assert!(contents.index.get(name).is_none() && contents.lost.contains(&name));
        assert_eq!(contents.layout.len(), 1, "the others' keys stay theirs");

        let (mut slices, name) = self::slices();
        slices.deleted(SliceName::Bucket(USERS));
        assert!(!slices.applied(SliceName::Bucket(USERS), object(10, Some(5)), false), "an older event");
        assert!(!slices.gone(SliceName::Bucket(USERS), 12));
        assert!(slices.contents().unwrap().index.get(name).is_some());
    }

    #[test]
    fn in_a_first_listing_a_slice_that_is_not_as_we_write_it_is_news_and_others_are_not() {
        for (hash, news) in [(Some(5), false), (None, true)] {
            assert_eq!(Slices::default().applied(SliceName::Manifest, object(13, hash), true), news);
        }
    }

    #[test]
    fn a_slice_that_was_written_anew_before_its_deletion_was_told_is_there() {
        let (mut slices, name) = slices();
        slices.written(SliceName::Bucket(USERS), object(13, Some(5)), false);
        assert!(!slices.gone(SliceName::Bucket(USERS), 12));
        assert!(slices.get(SliceName::Bucket(USERS)).is_some());
        assert!(slices.contents().unwrap().index.get(name).is_some());
    }

    #[test]
    fn a_slice_that_was_written_while_the_slices_were_listed_is_doubted_and_not_lost() {
        let (mut slices, name) = slices();
        assert!(!slices.doubt_fresh(SliceName::Bucket(USERS)), "it was written before");
        slices.written(SliceName::Bucket(USERS), object(13, Some(5)), true);
        assert!(slices.doubt_fresh(SliceName::Bucket(USERS)));
        assert_eq!(slices.get(SliceName::Bucket(USERS)).unwrap().hash, None);
        let contents = slices.contents().unwrap();
        assert!(contents.lost.is_empty() && contents.index.get(name).unwrap().hash.is_none());
        slices.listed();
        assert!(!slices.doubt_fresh(SliceName::Bucket(USERS)));
    }

    #[test]
    fn who_is_in_a_slice_that_went_or_appeared_is_not_known_until_the_slices_have_been_read() {
        let (mut slices, _) = slices();
        let read = |slices: &mut Slices| {
            let known = slices.contents().unwrap().clone();
            slices.read(Contents { as_of: slices.surprises(), ..known });
            assert!(slices.are_known());
        };
        assert!(slices.are_known());
        slices.gone(SliceName::Bucket(USERS), 12);
        assert!(!slices.are_known(), "it may be there without its label");
        assert_eq!(slices.contents().unwrap().layout.len(), 1, "the bounds stay known");
        read(&mut slices);
        assert!(slices.applied(SliceName::Bucket(USERS), object(14, Some(5)), false));
        assert!(!slices.are_known());
        read(&mut slices);
    }

    #[test]
    fn a_slice_that_went_while_it_was_written_is_looked_for_unless_that_was_our_doing_or_it_is_there_again() {
        let name = SliceName::Bucket(USERS);
        let write = |answer: fn(&mut Slices, SliceName)| {
            let mut slices = slices().0;
            slices.will_be_written(name);
            assert!(!slices.gone(name, 12));
            answer(&mut slices, name);
            (slices.is_written(name), slices.are_known())
        };
        assert_eq!(write(|_, _| {}), (true, false));
        assert_eq!(write(Slices::deleted), (false, true));
        assert_eq!(write(|slices, name| slices.written(name, object(13, Some(5)), false)), (false, true));
    }

    #[test]
    fn whoever_was_lost_and_is_in_no_slice_that_was_read_is_lost_still() {
        let (mut slices, name) = slices();
        let read = slices.contents().unwrap().clone();
        slices.gone(SliceName::Bucket(USERS), 12);
        slices.read(Contents::default());
        assert!(slices.contents().unwrap().lost.contains(&name));
        slices.read(read);
        assert!(slices.contents().unwrap().lost.is_empty());
    }

    #[test]
    fn a_write_that_was_carried_out_and_not_answered_makes_the_slices_unknown() {
        let (mut slices, _) = slices();
        slices.will_be_written(SliceName::Bucket(USERS));
        assert!(!slices.applied(SliceName::Bucket(USERS), object(12, Some(8)), false));
        assert!(slices.are_known(), "the answer may still come");
        assert!(slices.is_written(SliceName::Bucket(USERS)));
        assert!(!slices.are_known());
    }
}
