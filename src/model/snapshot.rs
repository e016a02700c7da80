//! Everything a source said in one run, kept small: records in compressed blocks.
//!
//! A snapshot lets scope, mapping and roles change, and drift be repaired, without asking the
//! source again; and it gives a delta something to be a delta of. 100,000 people take about a
//! fifth of their JSON size. Records are read in order, a block at a time. By which names a record goes
//! is known without reading it.

mod blocks;

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use self::blocks::{Blocks, Part, Spot, Unpacked};
use super::key::{Key, KeyDigest};
use super::lost::LostRecords;
use super::name::MirrorName;
use super::record::{GroupRecord, Kind, Rejected, UserRecord};

/// A record as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Record {
    /// A person.
    User(Box<UserRecord>),
    /// A group.
    Group(Box<GroupRecord>),
}

impl Record {
    /// Person or group.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::User(_) => Kind::User,
            Self::Group(_) => Kind::Group,
        }
    }

    /// The provider's immutable id.
    #[must_use]
    pub fn external_id(&self) -> &str {
        match self {
            Self::User(record) => &record.user.external_id,
            Self::Group(record) => &record.external_id,
        }
    }

    /// The names by which other records refer to this one.
    #[must_use]
    pub fn keys(&self) -> &[Key] {
        match self {
            Self::User(record) => &record.keys,
            Self::Group(record) => &record.keys,
        }
    }

    /// The name of a person's manager.
    #[must_use]
    pub const fn manager(&self) -> Option<&Key> {
        match self {
            Self::User(record) => record.manager.as_ref(),
            Self::Group(_) => None,
        }
    }

    /// The provider's own attributes.
    #[must_use]
    pub const fn raw(&self) -> &Map<String, Value> {
        match self {
            Self::User(record) => &record.raw,
            Self::Group(record) => &record.raw,
        }
    }

    fn with_raw(mut self, raw: Map<String, Value>) -> Self {
        match &mut self {
            Self::User(record) => record.raw = raw,
            Self::Group(record) => record.raw = raw,
        }
        self
    }
}

/// What is known of a record without reading it.
#[derive(Clone, Copy, Debug)]
struct Place {
    kind: Kind,
    /// Whether the last of its names is the manager's.
    has_manager: bool,
    spot: Spot,
    first_name: u32,
    names: u32,
}

/// All records of one source, by kind and external id.
#[derive(Debug, Default)]
pub struct Snapshot {
    blocks: Blocks,
    /// The living records in order of arrival; a replaced record leaves its bytes behind.
    places: Vec<Option<Place>>,
    /// The keys of each record, and the key of the manager after them.
    names: Vec<KeyDigest>,
    by_id: HashMap<u128, u32, Prehashed>,
    users: usize,
    groups: usize,
    duplicates: usize,
    /// How many bytes it may take; `None`: any number.
    limit: Option<usize>,
    lost: LostRecords,
}

/// A living record, not read yet.
#[derive(Debug)]
pub struct Stored<'a> {
    snapshot: &'a Snapshot,
    place: Place,
    unpacked: &'a mut Unpacked,
}

impl<'a> Stored<'a> {
    /// The names by which other records refer to this one.
    #[must_use]
    pub fn keys(&self) -> &'a [KeyDigest] {
        self.snapshot.names_of(&self.place).0
    }

    /// The name of a person's manager.
    #[must_use]
    pub fn manager(&self) -> Option<KeyDigest> {
        self.snapshot.names_of(&self.place).1
    }

    /// The record without the provider's own attributes, in the form `T`: a type that reads a part of a
    /// [`Record`]'s JSON and skips the rest, which saves most of the time.
    ///
    /// # Errors
    /// When its block cannot be read back.
    pub fn read<T: DeserializeOwned>(&mut self) -> Result<T, SnapshotError> {
        self.snapshot.blocks.read(self.place.spot, Part::Record, self.unpacked)
    }

    /// The provider's own attributes.
    ///
    /// # Errors
    /// When its block cannot be read back.
    pub fn raw(&mut self) -> Result<Map<String, Value>, SnapshotError> {
        self.snapshot.blocks.read(self.place.spot, Part::Raw, self.unpacked)
    }

    fn whole(&mut self) -> Result<Record, SnapshotError> {
        let record: Record = self.read()?;
        Ok(record.with_raw(self.raw()?))
    }
}

/// What a read of a snapshot found broken; can only be a defect of this program.
#[derive(Debug, thiserror::Error)]
#[error("the snapshot kept in memory cannot be read back: {0}")]
pub struct SnapshotError(String);

impl Snapshot {
    /// An empty one that is full when its records take more than so many bytes.
    #[must_use]
    pub fn with_limit(bytes: usize) -> Self {
        Self { limit: Some(bytes), ..Self::default() }
    }

    /// The number of bytes that it takes more than, if that is more than it may.
    #[must_use]
    pub fn overflow(&self) -> Option<usize> {
        self.limit.filter(|limit| self.bytes() > *limit)
    }

    /// Adds a record, or replaces the one of the same kind and id.
    ///
    /// # Errors
    /// When the record cannot be written as JSON.
    pub fn upsert(&mut self, record: &Record) -> Result<(), SnapshotError> {
        self.put(id_hash(record.kind(), record.external_id()), record)
    }

    /// Adds a record of a full listing, in which an id may stand only once: of two, the first
    /// stays and the second is counted.
    ///
    /// # Errors
    /// When the record cannot be written as JSON.
    pub fn insert_first(&mut self, record: &Record) -> Result<bool, SnapshotError> {
        let id = id_hash(record.kind(), record.external_id());
        if self.by_id.contains_key(&id) {
            self.duplicates += 1;
            return Ok(false);
        }
        self.put(id, record).map(|()| true)
    }

    fn put(&mut self, id: u128, record: &Record) -> Result<(), SnapshotError> {
        let first_name = self.names.len();
        self.names.extend(record.keys().iter().chain(record.manager()).map(Key::digest));
        let place = Place {
            kind: record.kind(),
            has_manager: record.manager().is_some(),
            spot: self.blocks.push(record)?,
            first_name: narrow(first_name),
            names: narrow(self.names.len() - first_name),
        };
        let index = narrow(self.places.len());
        self.places.push(Some(place));
        match self.by_id.insert(id, index) {
            Some(replaced) => self.places[replaced as usize] = None,
            None => *self.count_mut(record.kind()) += 1,
        }
        Ok(())
    }

    /// Notes a record that could not be used.
    pub fn reject(&mut self, rejected: Rejected) {
        self.lost.add(rejected);
    }

    /// How many people and groups there are.
    #[must_use]
    pub const fn counts(&self) -> (usize, usize) {
        (self.users, self.groups)
    }

    /// How many records came again under an id already seen.
    #[must_use]
    pub const fn duplicates(&self) -> usize {
        self.duplicates
    }

    /// The records that could not be used.
    #[must_use]
    pub const fn lost(&self) -> &LostRecords {
        &self.lost
    }

    /// Bytes of memory that the records take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.blocks.bytes()
            + self.names.len() * size_of::<KeyDigest>()
            + self.places.len() * size_of::<Option<Place>>()
            + self.by_id.len() * 24
            + self.lost.bytes()
    }

    /// Share of the stored records that have been replaced, from 0 to 1.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share for a threshold")]
    pub fn stale_share(&self) -> f64 {
        if self.places.is_empty() {
            return 0.0;
        }
        1.0 - self.by_id.len() as f64 / self.places.len() as f64
    }

    /// The record of this kind and id.
    ///
    /// # Errors
    /// When its block cannot be read back.
    pub fn get(&self, kind: Kind, external_id: &str) -> Result<Option<Record>, SnapshotError> {
        let index = self.by_id.get(&id_hash(kind, external_id));
        let Some(place) = index.and_then(|index| self.places[*index as usize]) else { return Ok(None) };
        Stored { snapshot: self, place, unpacked: &mut Unpacked::default() }.whole().map(Some)
    }

    /// Visits every living record of one kind in order of arrival.
    ///
    /// # Errors
    /// When a block cannot be read back, or with the visitor's own error.
    pub fn visit<E: From<SnapshotError>>(
        &self,
        kind: Kind,
        mut visitor: impl FnMut(Record) -> Result<(), E>,
    ) -> Result<(), E> {
        self.visit_stored(kind, |mut stored| visitor(stored.whole()?))
    }

    /// Visits every living record of one kind in order of arrival; the visitor reads what it needs of it.
    ///
    /// # Errors
    /// With the visitor's own error.
    pub fn visit_stored<E>(
        &self,
        kind: Kind,
        mut visitor: impl FnMut(Stored<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut unpacked = Unpacked::default();
        for place in self.places.iter().flatten().filter(|place| place.kind == kind) {
            visitor(Stored { snapshot: self, place: *place, unpacked: &mut unpacked })?;
        }
        Ok(())
    }

    /// The names by which the living records go.
    pub fn keys(&self) -> impl Iterator<Item = KeyDigest> {
        self.places.iter().flatten().flat_map(|place| self.names_of(place).0).copied()
    }

    /// The keys of a record, and its manager's.
    fn names_of(&self, place: &Place) -> (&[KeyDigest], Option<KeyDigest>) {
        let (first, length) = (place.first_name as usize, place.names as usize);
        let names = &self.names[first..first + length];
        match names.split_last() {
            Some((manager, keys)) if place.has_manager => (keys, Some(*manager)),
            _ => (names, None),
        }
    }

    /// Compresses what is still open; called at the end of a listing.
    pub fn close_block(&mut self) {
        self.blocks.close();
    }

    const fn count_mut(&mut self, kind: Kind) -> &mut usize {
        match kind {
            Kind::User => &mut self.users,
            Kind::Group => &mut self.groups,
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
fn broken(reason: impl ToString) -> SnapshotError {
    SnapshotError(reason.to_string())
}

/// Counts and offsets stay far below four thousand million: a block has 64 KiB and a run's
/// records are bounded by memory.
fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn id_hash(kind: Kind, external_id: &str) -> u128 {
    MirrorName::new(kind, external_id).id
}

/// Hashes a number that is a cryptographic hash already.
#[derive(Clone, Copy, Debug, Default)]
pub struct AlreadyHashed(u64);

impl Hasher for AlreadyHashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "the low half of a hash is a hash")]
    fn write_u128(&mut self, number: u128) {
        self.0 = number as u64;
    }
}

/// For maps whose keys are 128-bit hashes.
pub type Prehashed = BuildHasherDefault<AlreadyHashed>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::User;

    fn user(id: &str, title: &str) -> Record {
        Record::User(Box::new(UserRecord {
            keys: vec![Key(format!("id:{id}"))],
            user: User { external_id: id.into(), title: Some(title.into()), ..User::default() },
            manager: None,
            member_of: Vec::new(),
            raw: serde_json::Map::new(),
        }))
    }

    fn titles(snapshot: &Snapshot) -> Vec<String> {
        let mut titles = Vec::new();
        snapshot
            .visit::<SnapshotError>(Kind::User, |record| {
                if let Record::User(record) = record {
                    titles.push(record.user.title.unwrap());
                }
                Ok(())
            })
            .unwrap();
        titles
    }

    #[test]
    fn records_come_back_in_order_across_blocks() {
        let mut snapshot = Snapshot::default();
        let long = "x".repeat(1_000);
        let expected: Vec<String> = (0..200).map(|n| format!("{n} {long}")).collect();
        for (n, title) in expected.iter().enumerate() {
            snapshot.upsert(&user(&n.to_string(), title)).unwrap();
        }
        assert_eq!(titles(&snapshot), expected);
        snapshot.close_block();
        assert_eq!(titles(&snapshot), expected);
        assert!(snapshot.bytes() < 100_000, "{} bytes", snapshot.bytes());
    }

    #[test]
    fn a_replaced_record_is_seen_once_with_its_new_content() {
        let mut snapshot = Snapshot::default();
        snapshot.upsert(&user("1", "old")).unwrap();
        snapshot.close_block();
        snapshot.upsert(&user("1", "new")).unwrap();
        assert_eq!(titles(&snapshot), ["new"]);
        assert_eq!(snapshot.counts(), (1, 0));
    }

    #[test]
    fn living_records_are_known_by_their_names() {
        let mut snapshot = Snapshot::default();
        for block in [["1", "2"], ["3", "1"]] {
            for id in block {
                snapshot.upsert(&user(id, "title")).unwrap();
            }
            snapshot.close_block();
        }
        let Record::User(mut led) = user("4", "title") else { unreachable!() };
        led.manager = Some(Key("id:1".into()));
        snapshot.upsert(&Record::User(led)).unwrap();
        let digest = |id: &str| Key(format!("id:{id}")).digest();
        assert_eq!(snapshot.keys().collect::<Vec<_>>(), ["2", "3", "1", "4"].map(digest));
        let mut managers = Vec::new();
        let visited = snapshot.visit_stored::<SnapshotError>(Kind::User, |stored| {
            managers.push(stored.manager());
            Ok(())
        });
        visited.unwrap();
        assert_eq!(managers, [None, None, None, Some(digest("1"))]);
    }

    #[test]
    fn a_record_comes_back_whole_and_in_part() {
        let mut snapshot = Snapshot::default();
        let Record::User(mut record) = user("1", "title") else { unreachable!() };
        record.raw.insert("cn".into(), "Ada".into());
        let whole = Record::User(record);
        for record in [&whole, &user("2", "other")] {
            snapshot.upsert(record).unwrap();
        }
        for _ in ["open", "closed"] {
            assert_eq!(snapshot.get(Kind::User, "1").unwrap().as_ref(), Some(&whole));
            let mut found = Vec::new();
            let visited = snapshot.visit_stored::<SnapshotError>(Kind::User, |mut stored| {
                let Record::User(part) = stored.read()? else { unreachable!() };
                found.push((part.user.title.unwrap(), part.raw.len(), stored.raw()?.len()));
                Ok(())
            });
            visited.unwrap();
            assert_eq!(found, [("title".to_owned(), 0, 1), ("other".to_owned(), 0, 0)]);
            snapshot.close_block();
        }
    }

    #[test]
    fn of_two_records_with_one_id_in_a_listing_the_first_stays_and_the_second_is_counted() {
        let mut snapshot = Snapshot::default();
        assert!(snapshot.insert_first(&user("1", "first")).unwrap());
        assert!(!snapshot.insert_first(&user("1", "second")).unwrap());
        assert_eq!(titles(&snapshot), ["first"]);
        assert_eq!(snapshot.duplicates(), 1);
    }
}
