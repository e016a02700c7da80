//! Everything a source said in one run, kept small: records in compressed blocks.
//!
//! A snapshot lets scope, mapping and roles change, and drift be repaired, without asking the
//! source again; and it gives a delta something to be a delta of. 100,000 people take about a
//! fifth of their JSON size. Records are read in order, a block at a time.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::iter;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::lost::LostRecords;
use super::name::MirrorName;
use super::record::{GroupRecord, Key, Kind, Rejected, UserRecord};

/// Records are compressed together until a block has this many bytes of JSON.
const BLOCK_BYTES: usize = 64 * 1024;

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
}

/// The names in a stored record; the rest is skipped.
#[derive(Deserialize)]
enum Named {
    User(Names),
    Group(Names),
}

#[derive(Deserialize)]
struct Names {
    keys: Vec<Key>,
}

/// Where one record is, and what kind it is of.
#[derive(Clone, Copy, Debug)]
struct Place {
    kind: Kind,
    block: u32,
    offset: u32,
    length: u32,
}

/// All records of one source, by kind and external id.
#[derive(Debug, Default)]
pub struct Snapshot {
    blocks: Vec<Vec<u8>>,
    open: Vec<u8>,
    /// The living records in order of arrival; a replaced record leaves its bytes behind.
    places: Vec<Option<Place>>,
    by_id: HashMap<u128, u32, Prehashed>,
    users: usize,
    groups: usize,
    duplicates: usize,
    /// How many bytes it may take; `None`: any number.
    limit: Option<usize>,
    lost: LostRecords,
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
        let start = self.open.len();
        serde_json::to_writer(&mut self.open, record).map_err(broken)?;
        let place = Place {
            kind: record.kind(),
            block: narrow(self.blocks.len()),
            offset: narrow(start),
            length: narrow(self.open.len() - start),
        };
        if self.open.len() >= BLOCK_BYTES {
            self.close_block();
        }
        let index = narrow(self.places.len());
        self.places.push(Some(place));
        match self.by_id.insert(id_hash(record.kind(), record.external_id()), index) {
            Some(replaced) => self.places[replaced as usize] = None,
            None => *self.count_mut(record.kind()) += 1,
        }
        Ok(())
    }

    /// Adds a record of a full listing, in which an id may stand only once: of two, the first
    /// stays and the second is counted.
    ///
    /// # Errors
    /// When the record cannot be written as JSON.
    pub fn insert_first(&mut self, record: &Record) -> Result<bool, SnapshotError> {
        if self.contains(record.kind(), record.external_id()) {
            self.duplicates += 1;
            return Ok(false);
        }
        self.upsert(record).map(|()| true)
    }

    /// Notes a record that could not be used.
    pub fn reject(&mut self, rejected: Rejected) {
        self.lost.add(rejected);
    }

    /// Whether there is a record of this kind and id.
    #[must_use]
    pub fn contains(&self, kind: Kind, external_id: &str) -> bool {
        self.by_id.contains_key(&id_hash(kind, external_id))
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
        self.blocks.iter().map(Vec::len).sum::<usize>()
            + self.open.len()
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
        match self.blocks.get(place.block as usize) {
            Some(block) => {
                let block = lz4_flex::decompress_size_prepended(block).map_err(broken)?;
                read(&block, place).map(Some)
            }
            None => read(&self.open, place).map(Some),
        }
    }

    /// Visits every living record of one kind in order of arrival.
    ///
    /// # Errors
    /// When a block cannot be read back, or with the visitor's own error.
    pub fn visit<E: From<SnapshotError>>(
        &self,
        kind: Kind,
        visitor: impl FnMut(Record) -> Result<(), E>,
    ) -> Result<(), E> {
        self.visit_as(kind, visitor)
    }

    /// Visits every living record of one kind in order of arrival, in the form `T`: a type that
    /// reads a part of a [`Record`]'s JSON and skips the rest, which saves most of the time.
    ///
    /// # Errors
    /// When a block cannot be read back, or with the visitor's own error.
    pub fn visit_as<T: DeserializeOwned, E: From<SnapshotError>>(
        &self,
        kind: Kind,
        mut visitor: impl FnMut(T) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut current = (u32::MAX, Vec::new());
        for place in self.places.iter().flatten().filter(|place| place.kind == kind) {
            if place.block as usize == self.blocks.len() {
                visitor(read(&self.open, *place)?)?;
                continue;
            }
            if place.block != current.0 {
                let block = &self.blocks[place.block as usize];
                current = (place.block, lz4_flex::decompress_size_prepended(block).map_err(broken)?);
            }
            visitor(read(&current.1, *place)?)?;
        }
        Ok(())
    }

    /// The names by which the living records go, of one block after another.
    pub fn keys(&self) -> impl Iterator<Item = Result<Vec<Key>, SnapshotError>> {
        let mut places = self.places.iter().flatten().peekable();
        iter::from_fn(move || {
            let first = places.next()?;
            let rest = iter::from_fn(|| places.next_if(|place| place.block == first.block));
            Some(self.keys_of(first.block, iter::once(first).chain(rest)))
        })
    }

    fn keys_of<'a>(
        &self,
        block: u32,
        places: impl Iterator<Item = &'a Place>,
    ) -> Result<Vec<Key>, SnapshotError> {
        let closed = self.blocks.get(block as usize);
        let closed = closed.map(|block| lz4_flex::decompress_size_prepended(block)).transpose();
        let closed = closed.map_err(broken)?;
        let mut keys = Vec::new();
        for place in places {
            let record: Named = read(closed.as_ref().unwrap_or(&self.open), *place)?;
            let (Named::User(names) | Named::Group(names)) = record;
            keys.extend(names.keys);
        }
        Ok(keys)
    }

    /// Compresses what is still open; called at the end of a listing.
    pub fn close_block(&mut self) {
        if !self.open.is_empty() {
            self.blocks.push(lz4_flex::compress_prepend_size(&self.open));
            self.open = Vec::new();
        }
    }

    const fn count_mut(&mut self, kind: Kind) -> &mut usize {
        match kind {
            Kind::User => &mut self.users,
            Kind::Group => &mut self.groups,
        }
    }
}

fn read<T: DeserializeOwned>(block: &[u8], place: Place) -> Result<T, SnapshotError> {
    let (start, length) = (place.offset as usize, place.length as usize);
    let bytes = block.get(start..start + length).ok_or_else(|| broken("a record lies outside its block"))?;
    serde_json::from_slice(bytes).map_err(broken)
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
    fn the_names_of_living_records_come_by_the_block() {
        let mut snapshot = Snapshot::default();
        for block in [["1", "2"], ["3", "1"]] {
            for id in block {
                snapshot.upsert(&user(id, "title")).unwrap();
            }
            snapshot.close_block();
        }
        snapshot.upsert(&user("4", "title")).unwrap();
        let keys: Vec<Vec<Key>> = snapshot.keys().collect::<Result<_, _>>().unwrap();
        let keys: Vec<Vec<&str>> =
            keys.iter().map(|keys| keys.iter().map(|key| key.0.as_str()).collect()).collect();
        assert_eq!(keys, [vec!["id:2"], vec!["id:3", "id:1"], vec!["id:4"]]);
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
