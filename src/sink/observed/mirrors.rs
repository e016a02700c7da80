//! The mirrors of one Directory: what a watch says of them, and whether that is news.

use std::collections::{HashMap, HashSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::DirectoryKey;
use crate::model::{Kind, MirrorName};
use crate::plan::{Index, Observed};
use crate::sink::object::observe;
use crate::sink::slices::{self, Form, SliceObject, Slices};
use crate::slice::SliceName;

/// What is known of one Directory's mirrors, in both forms.
#[derive(Debug, Default)]
pub(super) struct Mirrors {
    pub index: Index,
    /// Mirrors that we are writing, how often each: what a watch says of them meanwhile is our doing.
    pub being_written: HashMap<MirrorName, u32>,
    /// Mirrors that we deleted, until the watch says so too: an older event must not revive them.
    pub deleted_by_us: HashMap<MirrorName, u64>,
    /// Mirrors that we wrote while the watch was listing them: it may list them as they were before.
    pub fresh: HashSet<MirrorName>,
    /// Mirrors that someone else deleted and that have not been written again.
    pub lost: HashSet<MirrorName>,
    /// Whether nobody works on the Directory, so that what goes is not missing.
    pub unattended: bool,
    /// Counts what others did, so that a Directory knows whether it has to look again.
    pub touched: u64,
    /// The mirrors that are in slices.
    pub slices: Slices,
}

/// What a watch is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Watched {
    Objects(Kind),
    Slices,
}

impl Watched {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Objects(kind) => kind.as_str(),
            Self::Slices => "slice",
        }
    }
}

/// An object that a watch shows.
#[derive(Clone, Copy, Debug)]
pub(super) enum Seen {
    Mirror(MirrorName, Observed),
    Slice(SliceName, SliceObject),
}

impl Seen {
    const fn mirror(&self) -> Option<MirrorName> {
        match self {
            Self::Mirror(name, _) => Some(*name),
            Self::Slice(..) => None,
        }
    }

    const fn slice(&self) -> Option<SliceName> {
        match self {
            Self::Slice(name, _) => Some(*name),
            Self::Mirror(..) => None,
        }
    }
}

impl Mirrors {
    /// The manifest says that the form is slices. Without it, slices are a form only where there is
    /// no other: those of a first sync that has not come to its end.
    pub(super) fn form(&self) -> Option<Form> {
        let has_objects = self.index.count(Kind::User) + self.index.count(Kind::Group) > 0;
        match (self.slices.has_manifest(), has_objects, self.slices.is_empty()) {
            (true, ..) | (false, false, false) => Some(Form::Slices),
            (false, true, _) => Some(Form::Objects),
            (false, false, true) => None,
        }
    }

    /// The mirrors of the present form, and those that someone else deleted.
    pub(super) fn current(&self) -> (Option<&Index>, Option<&HashSet<MirrorName>>) {
        match (self.form(), self.slices.contents()) {
            (Some(Form::Slices), Some(contents)) => (Some(&contents.index), Some(&contents.lost)),
            (Some(Form::Slices), None) => (None, None),
            (Some(Form::Objects) | None, _) => (Some(&self.index), Some(&self.lost)),
        }
    }

    /// What was known and is not in a complete listing.
    pub(super) fn vanished(&self, watched: Watched, listed: &[Seen]) -> Vec<Seen> {
        match watched {
            Watched::Objects(kind) => {
                let there: HashSet<MirrorName> = listed.iter().filter_map(Seen::mirror).collect();
                let known = self.index.iter(kind).filter(|(name, _)| !there.contains(name));
                known.map(|(name, observed)| Seen::Mirror(name, *observed)).collect()
            }
            Watched::Slices => {
                let there: HashSet<SliceName> = listed.iter().filter_map(Seen::slice).collect();
                let known = self.slices.objects().filter(|(name, _)| !there.contains(name));
                known.map(|(name, object)| Seen::Slice(name, object)).collect()
            }
        }
    }

    /// Takes what is not in a complete listing for gone. What was written while that was made may be newer
    /// than the listing, and is looked at.
    pub(super) fn is_not_listed(&mut self, seen: Seen) {
        let doubted = match seen {
            Seen::Mirror(name, observed) if self.fresh.contains(&name) => {
                self.index.insert(name, Observed { hash: None, ..observed });
                true
            }
            Seen::Mirror(..) => false,
            Seen::Slice(name, _) => self.slices.doubt_fresh(name),
        };
        if doubted {
            self.touched += 1;
        } else {
            self.gone(seen);
        }
    }

    /// Notes that a complete listing has been taken.
    pub(super) fn listed(&mut self, watched: Watched) {
        match watched {
            Watched::Objects(kind) => self.fresh.retain(|name| name.kind != kind),
            Watched::Slices => self.slices.listed(),
        }
    }

    /// Notes what a watch shows; true when somebody else has written it and that was not known. In a
    /// first listing nothing is known yet, and only what is not as we write it was written by others.
    pub(super) fn applied(&mut self, seen: Seen, first: bool) -> bool {
        let changed_by_others = match seen {
            Seen::Mirror(name, observed) => self.object_applied(name, observed, first),
            Seen::Slice(name, object) => self.slices.applied(name, object, first),
        };
        self.touched += u64::from(changed_by_others);
        changed_by_others
    }

    fn object_applied(&mut self, name: MirrorName, observed: Observed, first: bool) -> bool {
        if self.deleted_by_us.get(&name).is_some_and(|deleted| observed.resource_version <= *deleted) {
            return false;
        }
        let known = self.index.get(name).copied();
        if known.is_some_and(|known| known.resource_version >= observed.resource_version) {
            return false;
        }
        self.lost.remove(&name);
        self.index.insert(name, observed);
        let ours = self.being_written.contains_key(&name);
        match known {
            // What we write has a hash of its own, and a label that goes with it.
            Some(known) => {
                let other_content = observed.hash != known.hash && !ours;
                let other_label = observed.hash == known.hash && observed.state != known.state;
                observed.hash.is_none() || other_content || other_label
            }
            None => !ours && (!first || observed.hash.is_none()),
        }
    }

    /// Notes that an object is gone; true when it was not we who deleted it.
    pub(super) fn gone(&mut self, seen: Seen) -> bool {
        let lost = match seen {
            Seen::Mirror(name, observed) => self.object_gone(name, observed.resource_version),
            Seen::Slice(name, object) => self.slices.gone(name, object.resource_version),
        };
        self.touched += u64::from(lost);
        lost
    }

    fn object_gone(&mut self, name: MirrorName, resource_version: u64) -> bool {
        // One that has been written since is there.
        if self.index.get(name).is_some_and(|known| known.resource_version > resource_version) {
            return false;
        }
        self.deleted_by_us.remove(&name);
        let lost = self.index.remove(name).is_some() && !self.being_written.contains_key(&name);
        if lost && !self.unattended {
            self.lost.insert(name);
        }
        lost
    }

    /// Forgets all but what is in the cluster, since nobody works on the Directory any more.
    pub(super) fn abandon(&mut self) {
        self.unattended = true;
        self.lost = HashSet::new();
        self.deleted_by_us = HashMap::new();
        self.slices.abandon();
    }

    /// Whether nobody works on the Directory and nothing is left of it.
    pub(super) fn is_over(&self) -> bool {
        let objects = self.index.count(Kind::User) + self.index.count(Kind::Group);
        self.unattended && objects == 0 && self.slices.is_empty()
    }
}

/// What a watch shows of a mirror or slice, and whose it is.
pub(super) fn seen(metadata: &ObjectMeta) -> Option<(DirectoryKey, Seen)> {
    let mirror = observe(metadata).map(|(name, mirror, observed)| (name, Seen::Mirror(mirror, observed)));
    let slice =
        || slices::object::observe(metadata).map(|(name, slice, object)| (name, Seen::Slice(slice, object)));
    let (name, seen) = mirror.or_else(slice)?;
    Some((DirectoryKey { namespace: metadata.namespace.clone()?, name }, seen))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ContentHash;

    fn observed(resource_version: u64) -> Observed {
        let hash = Some(ContentHash(1));
        Observed { hash, state: None, members: 0, uid: 1, owner: 7, generation: 1, resource_version }
    }

    fn group() -> MirrorName {
        MirrorName::new(Kind::Group, "1")
    }

    /// One group of this version.
    fn mirrors(resource_version: u64) -> Mirrors {
        let mut mirrors = Mirrors::default();
        mirrors.index.insert(group(), observed(resource_version));
        mirrors
    }

    #[test]
    fn a_mirror_that_was_written_anew_before_its_deletion_was_told_is_there() {
        let mut mirrors = mirrors(13);
        assert!(!mirrors.gone(Seen::Mirror(group(), observed(12))));
        assert!(mirrors.index.get(group()).is_some() && mirrors.lost.is_empty());
        assert!(mirrors.gone(Seen::Mirror(group(), observed(14))));
        assert!(mirrors.index.get(group()).is_none() && mirrors.lost.contains(&group()));
    }

    #[test]
    fn in_a_first_listing_a_mirror_that_is_not_as_we_write_it_is_news_and_others_are_not() {
        let edited = Observed { hash: None, ..observed(13) };
        for (seen, news) in [(observed(13), false), (edited, true)] {
            let mut mirrors = Mirrors::default();
            assert_eq!(mirrors.applied(Seen::Mirror(group(), seen), true), news);
            assert_eq!(mirrors.touched, u64::from(news));
        }
    }

    #[test]
    fn what_goes_after_its_directory_is_not_lost_and_what_stays_is_known() {
        let mut mirrors = mirrors(13);
        mirrors.lost.insert(MirrorName::new(Kind::Group, "2"));
        mirrors.abandon();
        assert!(mirrors.index.get(group()).is_some() && mirrors.lost.is_empty() && !mirrors.is_over());
        mirrors.gone(Seen::Mirror(group(), observed(14)));
        assert!(mirrors.lost.is_empty() && mirrors.is_over());
    }

    #[test]
    fn a_mirror_that_was_written_while_they_were_listed_is_doubted_and_another_one_lost() {
        let watched = Watched::Objects(Kind::Group);
        for (fresh, touched) in [(true, 1), (false, 1)] {
            let mut mirrors = mirrors(13);
            if fresh {
                mirrors.fresh.insert(group());
            }
            for seen in mirrors.vanished(watched, &[]) {
                mirrors.is_not_listed(seen);
            }
            mirrors.listed(watched);
            let known = mirrors.index.get(group()).map(|known| known.hash);
            assert_eq!(known, fresh.then_some(None));
            assert_eq!((mirrors.lost.len(), mirrors.touched), (usize::from(!fresh), touched));
            assert!(mirrors.fresh.is_empty());
        }
    }
}
