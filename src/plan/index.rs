//! The mirrors of one Directory as the cluster has them: a name and a few numbers each.
//!
//! 100,000 mirrors take about 17 MB here; the objects themselves would take a gigabyte.

use std::collections::BTreeMap;

use crate::model::{ContentHash, Kind, MirrorName, State};

/// What is known of one mirror from its metadata alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observed {
    /// The hash of its content; `None` when the mirror is not as we wrote it.
    pub hash: Option<ContentHash>,
    /// The state that its label says; groups have none.
    pub state: Option<State>,
    /// How many members it was written with; people have none.
    pub members: u32,
    /// The object's uid.
    pub uid: u128,
    /// The uid of the Directory that wrote it; zero when it says none.
    pub owner: u128,
    /// The object's generation.
    pub generation: i64,
    /// The object's resource version.
    pub resource_version: u64,
}

impl Observed {
    /// A mirror that is an entry of a slice, and so no object with a version of its own.
    #[must_use]
    pub const fn entry(hash: Option<ContentHash>, state: Option<State>, members: u32, owner: u128) -> Self {
        Self { hash, state, members, uid: 0, owner, generation: 0, resource_version: 0 }
    }
}

/// Mirrors in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// People in state `Active`.
    pub active: usize,
    /// People in state `Inactive`.
    pub inactive: usize,
    /// Groups.
    pub groups: usize,
    /// Members of all groups, added up.
    pub memberships: usize,
}

/// All mirrors of one Directory.
///
/// In trees, which grow entry by entry: a table of a million mirrors would have room for two, and the
/// one before it would still be there while it is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Index {
    users: BTreeMap<u128, Observed>,
    groups: BTreeMap<u128, Observed>,
}

impl Index {
    /// What is known of a mirror.
    #[must_use]
    pub fn get(&self, name: MirrorName) -> Option<&Observed> {
        self.of(name.kind).get(&name.id)
    }

    /// Notes a mirror; returns what was known of it before.
    pub fn insert(&mut self, name: MirrorName, observed: Observed) -> Option<Observed> {
        self.of_mut(name.kind).insert(name.id, observed)
    }

    /// Forgets a mirror; returns what was known of it.
    pub fn remove(&mut self, name: MirrorName) -> Option<Observed> {
        self.of_mut(name.kind).remove(&name.id)
    }

    /// How many mirrors of a kind there are.
    #[must_use]
    pub fn count(&self, kind: Kind) -> usize {
        self.of(kind).len()
    }

    /// All mirrors of a kind, in the order of their names.
    pub fn iter(&self, kind: Kind) -> impl Iterator<Item = (MirrorName, &Observed)> {
        self.of(kind).iter().map(move |(&id, observed)| (MirrorName { kind, id }, observed))
    }

    /// A hash over the names and contents of all mirrors, whatever their order. Mirrors that are
    /// not as we wrote them make it differ.
    #[must_use]
    pub fn digest(&self) -> ContentHash {
        let mirrors = self.iter(Kind::User).chain(self.iter(Kind::Group));
        let sum = mirrors.fold(0_u128, |sum, (name, observed)| {
            let mut bytes = [0; 48];
            bytes[..16].copy_from_slice(&name.id.to_be_bytes());
            bytes[16..32].copy_from_slice(&observed.hash.map_or(u128::MAX, |hash| hash.0).to_be_bytes());
            bytes[32..].copy_from_slice(&observed.owner.to_be_bytes());
            sum.wrapping_add(ContentHash::of_bytes(&bytes).0)
        });
        ContentHash(sum)
    }

    /// How many people and groups there are, as their labels and annotations say.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let in_state = |state| self.users.values().filter(|user| user.state == Some(state)).count();
        Counts {
            active: in_state(State::Active),
            inactive: in_state(State::Inactive),
            groups: self.groups.len(),
            memberships: self.groups.values().map(|group| group.members as usize).sum(),
        }
    }

    const fn of(&self, kind: Kind) -> &BTreeMap<u128, Observed> {
        match kind {
            Kind::User => &self.users,
            Kind::Group => &self.groups,
        }
    }

    const fn of_mut(&mut self, kind: Kind) -> &mut BTreeMap<u128, Observed> {
        match kind {
            Kind::User => &mut self.users,
            Kind::Group => &mut self.groups,
        }
    }
}
