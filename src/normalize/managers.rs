//! People as others refer to them: by key, as members of groups and as managers.

use std::collections::HashSet;

use super::email;
use super::graph::index;
use super::keys::{self, KeyIndex};
use super::person::{self, Dropped};
use super::records::{Name, Reference, StoredUser};
use super::run::Stop;
use crate::model::snapshot::Prehashed;
use crate::model::{Kind, Manager, Snapshot};

/// Stands for an absent text.
const ABSENT: u16 = u16::MAX;

/// Everybody in a snapshot by their keys, those whose record could not be used at the end, and what is said of those who are somebody's manager.
#[derive(Debug, Default)]
pub struct People {
    by_key: KeyIndex,
    /// All names after each other: four short texts for each person.
    names: String,
    places: Vec<Place>,
}

/// Where a person's names are: id, user name, display name and address, one after the other.
#[derive(Clone, Copy, Debug)]
struct Place {
    start: u32,
    lengths: [u16; 4],
}

impl People {
    /// Reads everybody's keys and names.
    pub fn read<E>(snapshot: &Snapshot) -> Result<Self, Stop<E>> {
        let mut people = Self::default();
        let mut managers: HashSet<u128, Prehashed> = HashSet::default();
        let mut count = 0;
        snapshot.visit_as(Kind::User, |stored: StoredUser<Reference>| {
            let StoredUser::User(person) = stored;
            for key in &person.keys {
                people.by_key.insert(keys::hash(key), index(count));
            }
            count += 1;
            managers.extend(person.manager.as_ref().map(keys::hash));
            people.remember(person.user);
            Ok::<(), Stop<E>>(())
        })?;
        for lost in snapshot.lost().of(Kind::User) {
            for key in lost.links.keys.iter().flatten() {
                people.by_key.insert(keys::hash(key), index(count));
            }
            count += 1;
            let external_id = lost.id.as_ref().map(|id| id.as_str().to_owned());
            people.remember(Name { external_id, ..Name::default() });
        }
        people.by_key.seal();
        if managers.is_empty() {
            people.names = String::new();
            people.places = Vec::new();
        }
        Ok(people)
    }

    /// The people that a key leads to, by their place in the snapshot.
    pub fn by_key(&self, key: u128) -> impl Iterator<Item = u32> {
        self.by_key.get(key)
    }

    /// The manager that a key leads to; `None` when it leads to nobody or to several people. Of somebody whose record
    /// could not be used nothing but the id is known.
    pub fn manager(&self, key: u128) -> Option<Manager> {
        let mut found = self.by_key.get(key);
        let (Some(person), None) = (found.next(), found.next()) else { return None };
        let place = self.places.get(person as usize)?;
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

    fn remember(&mut self, name: Name) {
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
        self.places.push(Place { start, lengths });
    }
}
