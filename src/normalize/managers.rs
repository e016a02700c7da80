//! People as others refer to them: by key, as members of groups and as managers.

use super::email;
use super::graph::index;
use super::keys::KeyIndex;
use super::person::{self, Dropped};
use super::records::{self, Name, Reference};
use super::run::Stop;
use crate::model::{KeyDigest, Kind, Manager, Snapshot};

/// Stands for an absent text.
const ABSENT: u16 = u16::MAX;

/// Everybody in a snapshot by their keys, those whose record could not be used at the end, and what is said of those who are somebody's manager.
#[derive(Debug, Default)]
pub struct People {
    by_key: KeyIndex,
    /// All names of managers after each other: four short texts for each.
    names: String,
    /// In ascending order of the person.
    places: Vec<Place>,
}

/// Where a manager's names are: id, user name, display name and address, one after the other.
#[derive(Clone, Copy, Debug)]
struct Place {
    person: u32,
    start: u32,
    lengths: [u16; 4],
}

impl People {
    /// Takes everybody's keys, and reads what managers are called.
    pub fn read<E>(snapshot: &Snapshot) -> Result<Self, Stop<E>> {
        let mut people = Self::default();
        let mut named: Vec<KeyDigest> = Vec::new();
        let mut count = 0;
        snapshot.visit_stored(Kind::User, |stored| {
            for key in stored.keys() {
                people.by_key.insert(*key, count);
            }
            count += 1;
            named.extend(stored.manager());
            Ok::<(), Stop<E>>(())
        })?;
        for lost in snapshot.lost().of(Kind::User) {
            for key in lost.links.keys.iter().flatten() {
                people.by_key.insert(key.digest(), count);
            }
            count += 1;
        }
        people.by_key.seal();
        named.sort_unstable();
        named.dedup();
        let mut managers: Vec<u32> = named.into_iter().flat_map(|key| people.by_key.get(key)).collect();
        managers.sort_unstable();
        managers.dedup();
        people.remember(snapshot, &managers)?;
        Ok(people)
    }

    /// Reads what people are called who are somebody's manager.
    fn remember<E>(&mut self, snapshot: &Snapshot, managers: &[u32]) -> Result<(), Stop<E>> {
        let mut managers = managers.iter().copied().peekable();
        let mut count = 0;
        snapshot.visit_stored(Kind::User, |mut stored| {
            if managers.next_if_eq(&count).is_some() {
                let person: Reference = records::user(&mut stored)?;
                self.add(count, person.user);
            }
            count += 1;
            Ok::<(), Stop<E>>(())
        })?;
        for lost in snapshot.lost().of(Kind::User) {
            if managers.next_if_eq(&count).is_some() {
                let external_id = lost.id.as_ref().map(|id| id.as_str().to_owned());
                self.add(count, Name { external_id, ..Name::default() });
            }
            count += 1;
        }
        Ok(())
    }

    /// The people that a key leads to, by their place in the snapshot.
    pub fn by_key(&self, key: KeyDigest) -> impl Iterator<Item = u32> {
        self.by_key.get(key)
    }

    /// The manager that a key leads to; `None` when it leads to nobody or to several people. Of somebody whose record
    /// could not be used nothing but the id is known.
    pub fn manager(&self, key: KeyDigest) -> Option<Manager> {
        let mut found = self.by_key.get(key);
        let (Some(person), None) = (found.next(), found.next()) else { return None };
        let place = self.places.binary_search_by_key(&person, |place| place.person).ok()?;
        let place = self.places[place];
        let mut rest = self.names.get(place.start as usize..)?;
        let mut next = place.lengths.into_iter().map(|length| {
            let (text, after) =
                rest.split_at_checked(if length == ABSENT { 0 } else { usize::from(length) })?;
            rest = after;
            (length != ABSENT).then(|| text.to_owned())
        });
        let mut take = || next.next().flatten();
        let manager = Manager { external_id: take(), user_name: take(), display_name: take(), email: take() };
        (manager != Manager::default()).then_some(manager)
    }

    fn add(&mut self, person: u32, name: Name) {
        let email = name.email.or_else(|| email::choose(&name.emails).map(ToOwned::to_owned));
        let manager = Manager {
            external_id: name.external_id,
            user_name: name.user_name,
            display_name: name.display_name,
            email,
        };
        // What is too long is counted where the person themselves is read.
        let manager = person::clean_manager(manager, &mut Dropped::default()).unwrap_or_default();
        let start = index(self.names.len());
        let lengths =
            [manager.external_id, manager.user_name, manager.display_name, manager.email].map(|text| {
                let Some(text) = text else { return ABSENT };
                self.names.push_str(&text);
                u16::try_from(text.len()).unwrap_or(ABSENT)
            });
        self.places.push(Place { person, start, lengths });
    }
}
