//! What becomes of the entries of one bucket: those that are there, and what changes of them.

use std::collections::BTreeMap;

use super::entry;
use crate::model::MirrorName;
use crate::plan::Mirror;
use crate::plan::content::ContentError;

/// What is to become of one entry.
#[derive(Clone, Debug)]
pub enum Change {
    /// It is to be this mirror.
    Mirror(Mirror),
    /// It is to be this line.
    Line(Vec<u8>),
    /// The person is to be inactive, and otherwise as they are.
    Deactivate(MirrorName),
    /// It is to go.
    Remove,
}

/// An entry as it will be.
#[derive(Clone, Debug)]
pub enum Item {
    /// A line that stays as it was.
    Kept(Vec<u8>),
    /// A line that is new.
    Line(Vec<u8>),
    /// A mirror whose line is made when it is needed.
    Mirror(Mirror),
}

impl Item {
    /// Length of the line in bytes, with its end.
    #[must_use]
    pub fn bytes(&self, directory: &str) -> usize {
        1 + match self {
            Self::Kept(line) | Self::Line(line) => line.len(),
            Self::Mirror(mirror) => entry::line_bytes(directory, mirror.name, mirror.content.bytes()),
        }
    }

    /// The line.
    ///
    /// # Errors
    /// When the mirror's content cannot be read back.
    pub fn line(&self, directory: &str) -> Result<Vec<u8>, ContentError> {
        match self {
            Self::Kept(line) | Self::Line(line) => Ok(line.clone()),
            Self::Mirror(mirror) => Ok(entry::line(directory, mirror.name, &mirror.content.json()?)),
        }
    }
}

/// The entries after the changes, of which there is one for a key, in the order of the keys.
#[must_use]
pub fn apply(
    directory: &str,
    existing: BTreeMap<u128, Vec<u8>>,
    changes: impl Iterator<Item = (u128, Change)>,
) -> Vec<(u128, Item)> {
    if existing.is_empty() {
        return all_new(changes);
    }
    let mut items: BTreeMap<u128, Item> =
        existing.into_iter().map(|(key, line)| (key, Item::Kept(line))).collect();
    for (key, change) in changes {
        match change {
            Change::Mirror(mirror) => drop(items.insert(key, Item::Mirror(mirror))),
            Change::Line(line) => drop(items.insert(key, Item::Line(line))),
            Change::Remove => drop(items.remove(&key)),
            Change::Deactivate(name) => {
                if let Some(item) = items.get_mut(&key)
                    && let Item::Kept(line) | Item::Line(line) = item
                    && let Some(inactive) = entry::deactivated(directory, name, line)
                {
                    *item = Item::Line(inactive);
                }
            }
        }
    }
    items.into_iter().collect()
}

/// The entries where there were none: of a million people, there is no room for a second copy.
fn all_new(changes: impl Iterator<Item = (u128, Change)>) -> Vec<(u128, Item)> {
    let item = |change| match change {
        Change::Mirror(mirror) => Some(Item::Mirror(mirror)),
        Change::Line(line) => Some(Item::Line(line)),
        Change::Deactivate(_) | Change::Remove => None,
    };
    let mut items: Vec<(u128, Item)> =
        changes.filter_map(|(key, change)| Some((key, item(change)?))).collect();
    items.sort_unstable_by_key(|(key, _)| *key);
    items
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ContentHash, Kind, State, User};
    use crate::plan::Content;

    fn mirror(id: &str, title: &str) -> Mirror {
        let user = User { external_id: id.into(), title: Some(title.into()), ..User::default() };
        let (hash, content) = (ContentHash::of(&user).unwrap(), Content::of(&user).unwrap());
        let name = MirrorName::new(Kind::User, id);
        Mirror { name, hash, state: Some(State::Active), members: 0, content }
    }

    fn line(id: &str, title: &str) -> Vec<u8> {
        Item::Mirror(mirror(id, title)).line("acme").unwrap()
    }

    #[test]
    fn entries_are_added_replaced_made_inactive_and_removed() {
        let key = |id: &str| MirrorName::new(Kind::User, id).id;
        let existing = ["1", "2", "3", "4"].map(|id| (key(id), line(id, "old"))).into();
        let changes = vec![
            (key("1"), Change::Mirror(mirror("1", "new"))),
            (key("2"), Change::Remove),
            (key("3"), Change::Deactivate(MirrorName::new(Kind::User, "3"))),
            (key("5"), Change::Mirror(mirror("5", "new"))),
        ];
        let items = apply("acme", existing, changes.into_iter());
        assert!(items.is_sorted_by_key(|(key, _)| *key));
        let by_key: BTreeMap<u128, Item> = items.into_iter().collect();
        assert_eq!(by_key.len(), 4);
        let said = |id: &str| entry::said("acme", &by_key[&key(id)].line("acme").unwrap()).unwrap();
        assert_eq!(said("1").hash, mirror("1", "new").hash);
        assert_eq!(said("3").state, Some(State::Inactive));
        assert_eq!(said("4").hash, mirror("4", "old").hash);
        assert_eq!(by_key[&key("5")].bytes("acme"), line("5", "new").len() + 1);
        let kept = |id: &str| matches!(by_key[&key(id)], Item::Kept(_));
        assert_eq!(["1", "3", "4", "5"].map(kept), [false, false, true, false]);
    }

    #[test]
    fn where_nobody_was_everybody_is_new_and_in_order() {
        let key = |id: &str| MirrorName::new(Kind::User, id).id;
        let put = |id: &str| (key(id), Change::Mirror(mirror(id, "new")));
        let changes = [put("1"), put("2"), (key("3"), Change::Remove), put("4")];
        let items = apply("acme", BTreeMap::new(), changes.into_iter());
        assert!(items.len() == 3 && items.is_sorted_by_key(|(key, _)| *key));
    }
}
