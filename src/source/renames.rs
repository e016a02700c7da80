//! Looks, in a list of changes that hides renames, for what gives one away: a group names a member by a name
//! that nobody had when everything was read.

use std::collections::HashSet;

use super::SourceError;
use super::collect::not_kept;
use crate::model::snapshot::Record;
use crate::model::{Key, Kind, Snapshot};

/// Checks changed records before they replace those of a snapshot.
///
/// A name that a group has already named is passed over: members who are never read, or who are not
/// there any more, would otherwise make every list of changes unknown in which their group is.
///
/// # Errors
/// [`super::Class::ChangesUnknown`] when a group names a member anew whom no record goes by.
pub async fn check(changed: &[Record], snapshot: &Snapshot) -> Result<(), SourceError> {
    let mut names: HashSet<&Key> = HashSet::new();
    for record in changed {
        let Record::Group(group) = record else { continue };
        let known = snapshot.get(Kind::Group, &group.external_id).map_err(|error| not_kept(&error))?;
        let known: HashSet<&Key> = match &known {
            Some(Record::Group(known)) => known.members.iter().collect(),
            _ => HashSet::new(),
        };
        names.extend(group.members.iter().filter(|member| !known.contains(member)));
    }
    for key in changed.iter().flat_map(Record::keys) {
        names.remove(key);
    }
    for keys in snapshot.keys() {
        if names.is_empty() {
            break;
        }
        for key in keys.map_err(|error| not_kept(&error))? {
            names.remove(&key);
        }
        // A large snapshot takes a while, in which others have their turn.
        tokio::task::yield_now().await;
    }
    if names.is_empty() {
        return Ok(());
    }
    Err(SourceError::changes_unknown(
        "a changed group names a member that was not read by that name; an entry above the member may have been \
         renamed, which the list of changes does not tell",
    ))
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;
    use crate::model::{GroupRecord, User, UserRecord};
    use crate::source::Class;

    fn user(name: &str) -> Record {
        Record::User(Box::new(UserRecord {
            keys: vec![Key(name.to_owned())],
            user: User { external_id: name.to_owned(), ..User::default() },
            manager: None,
            member_of: Vec::new(),
            raw: serde_json::Map::new(),
        }))
    }

    fn group(name: &str, members: &[&str]) -> Record {
        Record::Group(Box::new(GroupRecord {
            external_id: name.to_owned(),
            keys: vec![Key(name.to_owned())],
            display_name: name.to_owned(),
            members: members.iter().map(|&member| Key(member.to_owned())).collect(),
            member_of: Vec::new(),
            raw: serde_json::Map::new(),
        }))
    }

    /// Whether changes can be trusted after a reading of Ada, and of a group with her and a dangling name.
    fn trusted(changed: &[Record]) -> bool {
        let mut snapshot = Snapshot::default();
        for record in [user("ada"), group("staff", &["ada", "gone"])] {
            snapshot.upsert(&record).unwrap();
            snapshot.close_block();
        }
        match block_on(check(changed, &snapshot)) {
            Ok(()) => true,
            Err(error) => {
                assert_eq!(error.class, Class::ChangesUnknown);
                false
            }
        }
    }

    #[test]
    fn a_name_that_is_new_to_the_group_has_to_be_somebodys() {
        assert!(!trusted(&[group("staff", &["ada", "eve"])]));
        assert!(!trusted(&[group("new", &["gone"])]), "it was another group that named it");
        assert!(trusted(&[group("new", &["ada", "staff"])]));
    }

    #[test]
    fn a_name_that_the_group_had_may_be_nobodys() {
        assert!(trusted(&[group("staff", &["gone"])]));
    }

    #[test]
    fn who_comes_with_the_group_is_known() {
        assert!(trusted(&[group("new", &["newer"]), group("newer", &["new"])]));
        assert!(trusted(&[user("eve")]));
    }
}
