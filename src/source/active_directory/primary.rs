//! Primary groups: the one group that each account is in without being among its `member`s.

use std::collections::{BTreeSet, HashSet};

use serde::{Deserialize, Serialize};

use crate::model::Key;
use crate::source::SourceError;

/// The key that a group has as a primary group: its number in the domain.
pub fn key(rid: u32) -> Key {
    Key(format!("rid:{rid}"))
}

/// The primary groups that people have, by whether they are among the groups that are read.
///
/// A person names a primary group only if it is read: else each of them would name a group that
/// nobody knows. In a list of changes, which does not have all groups, it is remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrimaryGroups {
    read: BTreeSet<u32>,
    unread: BTreeSet<u32>,
    /// In a full reading: the numbers of all groups that came.
    #[serde(skip)]
    groups: Option<HashSet<u32>>,
}

impl PrimaryGroups {
    /// Nothing is known; all groups will come before people do.
    pub fn unknown() -> Self {
        Self { groups: Some(HashSet::new()), ..Self::default() }
    }

    /// Takes note of a group.
    ///
    /// # Errors
    /// [`crate::source::Class::ChangesUnknown`] when people whose primary group it is were read
    /// without it.
    pub fn see(&mut self, rid: u32) -> Result<(), SourceError> {
        if let Some(groups) = &mut self.groups {
            groups.insert(rid);
        } else if self.unread.contains(&rid) {
            return Err(SourceError::changes_unknown(
                "a group is found now that is the primary group of people who were read without it",
            ));
        }
        Ok(())
    }

    /// The membership of a person in their primary group.
    ///
    /// # Errors
    /// [`crate::source::Class::ChangesUnknown`] when it is not known whether the group is read.
    pub fn membership(&mut self, rid: u32) -> Result<Option<Key>, SourceError> {
        if let Some(groups) = &self.groups {
            let known = if groups.contains(&rid) { &mut self.read } else { &mut self.unread };
            known.insert(rid);
        }
        match (self.read.contains(&rid), self.unread.contains(&rid)) {
            (true, _) => Ok(Some(key(rid))),
            (false, true) => Ok(None),
            (false, false) => Err(SourceError::changes_unknown(
                "somebody has another primary group than anybody had at the last sync",
            )),
        }
    }

    /// What to remember for the next list of changes.
    pub fn remembered(self) -> Self {
        Self { groups: None, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Class;

    #[test]
    fn a_primary_group_that_is_read_is_named_and_another_is_not() {
        let mut primary = PrimaryGroups::unknown();
        primary.see(513).unwrap();
        assert_eq!(primary.membership(513), Ok(Some(key(513))));
        assert_eq!(primary.membership(514), Ok(None));
    }

    #[test]
    fn in_a_list_of_changes_what_is_remembered_decides_and_what_is_not_is_unknown() {
        let mut primary = PrimaryGroups::unknown();
        primary.see(513).unwrap();
        primary.membership(513).unwrap();
        primary.membership(514).unwrap();
        let mut primary = primary.remembered();
        assert_eq!(primary.membership(513), Ok(Some(key(513))));
        assert_eq!(primary.membership(514), Ok(None));
        assert_eq!(primary.membership(1105).unwrap_err().class, Class::ChangesUnknown);
        assert_eq!(primary.see(513), Ok(()));
        assert_eq!(primary.see(514).unwrap_err().class, Class::ChangesUnknown);
    }
}
