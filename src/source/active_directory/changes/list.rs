//! Which entries changed, and which of them the searches must find.

use std::collections::BTreeMap;

use super::gone;
use crate::source::SourceError;
use crate::source::active_directory::map;
use crate::source::active_directory::values::Guid;
use crate::source::ldap_protocol::entry::Entry;

/// More changed entries than these are not asked for one by one: everything is read.
const MAX_CHANGED: usize = 5_000;

/// People, groups and what they stand below, deleted ones included. Deleted objects have lost
/// `objectCategory`, and kept `objectClass`.
pub const FILTER: &str = "(|(&(objectClass=user)(!(objectClass=computer)))(objectClass=group)\
                          (objectCategory=organizationalUnit)(objectCategory=container))";

/// When an object was made; never changes.
const WHEN_CREATED: &str = "whenCreated";
/// Whether an object has been deleted.
const IS_DELETED: &str = "isDeleted";
/// The object's classes.
const OBJECT_CLASS: &str = "objectClass";

/// What a list of changes is asked for besides what it has to watch.
pub const MARKS: &[&str] = &[WHEN_CREATED, IS_DELETED, OBJECT_CLASS];

/// Changed entries by their ids, each with whether it was possibly read before, so that it has to
/// be found again.
#[derive(Debug, Default)]
pub struct ChangeList(BTreeMap<Guid, bool>);

impl ChangeList {
    /// Takes an entry of DirSync, which has only the attributes that changed, without values
    /// where they were removed.
    ///
    /// An entry that no search finds can have been found before only if its name, its place or
    /// an attribute of the filters changed: those are `deciding`. Of new entries those that are
    /// no people or groups are of no interest, such as a new organizational unit.
    ///
    /// # Errors
    /// [`crate::source::Class::ChangesUnknown`] when it has been deleted, or there are too many.
    pub fn see_changed(&mut self, entry: &Entry, deciding: &[String]) -> Result<(), SourceError> {
        let changed = |attribute: &str| names(entry).any(|name| name.eq_ignore_ascii_case(attribute));
        let must_be_found = if changed(WHEN_CREATED) {
            is_person_or_group(entry)
        } else {
            deciding.iter().any(|attribute| changed(attribute))
        };
        self.add(entry, must_be_found)
    }

    /// Takes an entry that changed in a way that is not known; `new` says that it did not exist
    /// before.
    ///
    /// # Errors
    /// As [`ChangeList::see_changed`].
    pub fn see_any(&mut self, entry: &Entry, new: bool) -> Result<(), SourceError> {
        self.add(entry, !new || is_person_or_group(entry))
    }

    fn add(&mut self, entry: &Entry, must_be_found: bool) -> Result<(), SourceError> {
        if entry.values(IS_DELETED).iter().any(|value| value.eq_ignore_ascii_case("true")) {
            return Err(gone());
        }
        let Some(id) = map::id(entry) else {
            return Err(SourceError::changes_unknown("the list of changes has an entry without an id"));
        };
        *self.0.entry(id).or_default() |= must_be_found;
        if self.0.len() > MAX_CHANGED {
            return Err(SourceError::changes_unknown(format!(
                "more than {MAX_CHANGED} entries have changed since the last sync"
            )));
        }
        Ok(())
    }

    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The ids of the changed entries, in order.
    pub fn ids(&self) -> Vec<Guid> {
        self.0.keys().copied().collect()
    }

    /// Takes note that a search found an entry.
    pub fn found(&mut self, id: Guid) {
        self.0.remove(&id);
    }

    /// Whether an entry that had to be found was not.
    pub fn misses_any(&self) -> bool {
        self.0.values().any(|must_be_found| *must_be_found)
    }
}

fn is_person_or_group(entry: &Entry) -> bool {
    entry.values(OBJECT_CLASS).iter().any(|class| matches!(class.as_str(), "user" | "group"))
}

/// The names of all attributes of an entry, whatever their values are.
fn names(entry: &Entry) -> impl Iterator<Item = &str> {
    let texts = entry.attributes.iter().map(|(name, _)| name.as_str());
    let octets = entry.octets.iter().map(|(name, _)| name.as_str());
    texts.chain(octets).chain(entry.binary.iter().chain(&entry.partial).map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Class;

    fn entry(id: u8, attributes: &[(&str, &[&str])]) -> Entry {
        let attributes = attributes.iter().map(|(name, values)| {
            ((*name).to_owned(), values.iter().map(|&value| value.to_owned()).collect())
        });
        let octets = vec![("objectGUID".to_owned(), vec![vec![id; 16]])];
        Entry { attributes: attributes.collect(), octets, ..Entry::default() }
    }

    fn must_be_found(attributes: &[(&str, &[&str])]) -> bool {
        let mut list = ChangeList::default();
        list.see_changed(&entry(1, attributes), &["name".to_owned(), "department".to_owned()]).unwrap();
        list.misses_any()
    }

    #[test]
    fn an_entry_has_to_be_found_if_what_decides_about_it_changed() {
        assert!(!must_be_found(&[("title", &["Boss"])]));
        assert!(must_be_found(&[("title", &["Boss"]), ("Department", &["R"])]));
        assert!(must_be_found(&[("department", &[])]), "an attribute that was removed comes without values");
        assert!(must_be_found(&[("name", &["New Name"])]), "an organizational unit, perhaps");
    }

    #[test]
    fn a_new_entry_has_to_be_found_if_it_is_of_our_kinds() {
        let new = |class| {
            must_be_found(&[
                ("whenCreated", &["20261123"]),
                ("name", &["x"]),
                ("objectClass", &["top", class]),
            ])
        };
        assert!(new("user"));
        assert!(new("group"));
        assert!(!new("organizationalUnit"));
    }

    #[test]
    fn what_was_found_is_not_missed() {
        let mut list = ChangeList::default();
        list.see_any(&entry(1, &[]), false).unwrap();
        list.see_any(&entry(2, &[("objectClass", &["container"])]), true).unwrap();
        assert!(list.misses_any());
        list.found(list.ids()[0]);
        assert!(!list.misses_any() && !list.is_empty());
    }

    #[test]
    fn a_deleted_entry_makes_the_list_unknown_and_a_restored_one_does_not() {
        let mut list = ChangeList::default();
        assert_eq!(list.see_changed(&entry(1, &[("isDeleted", &[])]), &[]), Ok(()));
        let error = list.see_changed(&entry(1, &[("isDeleted", &["TRUE"])]), &[]).unwrap_err();
        assert_eq!(error.class, Class::ChangesUnknown);
    }
}
