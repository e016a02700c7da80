//! Looks, in a list of changes that hides renames, for what gives one away: a group names a member, or a
//! person a manager, by a name that nobody had when everything was read.

use std::collections::HashSet;

use super::collect::not_kept;
use super::{Reach, SourceError};
use crate::model::snapshot::Record;
use crate::model::{Key, KeyDigest, Snapshot};

/// Checks changed records before they replace those of a snapshot.
///
/// Passed over are names out of `reach`, which are nobody's that is read, and names that a record has
/// already named: who is not there any more would otherwise make every list of changes unknown in which
/// their group is.
///
/// # Errors
/// [`super::Class::ChangesUnknown`] when a record names somebody anew whom no record goes by.
pub fn check(changed: &[Record], snapshot: &Snapshot, reach: &Reach) -> Result<(), SourceError> {
    let mut names: HashSet<KeyDigest> = HashSet::new();
    for record in changed {
        let known = snapshot.get(record.kind(), record.external_id()).map_err(|error| not_kept(&error))?;
        let known: HashSet<KeyDigest> =
            known.as_ref().map(named).into_iter().flatten().map(Key::digest).collect();
        let reached = named(record).filter(|name| reach(name)).map(Key::digest);
        names.extend(reached.filter(|name| !known.contains(name)));
    }
    let lost = snapshot.lost().all().iter().flat_map(|lost| lost.links.keys.iter().flatten());
    for key in changed.iter().flat_map(Record::keys).chain(lost) {
        names.remove(&key.digest());
    }
    if !names.is_empty() {
        snapshot.keys().for_each(|key| {
            names.remove(&key);
        });
    }
    if names.is_empty() {
        return Ok(());
    }
    Err(SourceError::changes_unknown(
        "a changed entry names somebody who was not read by that name; an entry above may have been renamed, which \
         the list of changes does not tell",
    ))
}

/// The members of a group, or the manager of a person.
fn named(record: &Record) -> impl Iterator<Item = &Key> {
    let members = match record {
        Record::Group(group) => group.members.as_slice(),
        Record::User(_) => &[],
    };
    members.iter().chain(record.manager())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{GroupRecord, Kind, Links, Rejected, User, UserRecord};
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
        let reach: Reach = Box::new(|key| !key.0.starts_with("outside"));
        match check(changed, &snapshot, &reach) {
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
    fn a_name_out_of_reach_is_nobodys() {
        assert!(trusted(&[group("staff", &["ada", "outside"])]));
    }

    #[test]
    fn a_new_manager_has_to_be_somebody_as_well() {
        let led_by = |manager: &str| {
            let Record::User(mut ada) = user("ada") else { unreachable!() };
            ada.manager = Some(Key(manager.to_owned()));
            Record::User(ada)
        };
        assert!(!trusted(&[led_by("eve")]));
        assert!(trusted(&[led_by("ada")]) && trusted(&[led_by("outside")]));
    }

    #[test]
    fn whose_record_cannot_be_used_is_known_by_their_names() {
        let mut snapshot = Snapshot::default();
        snapshot.reject(Rejected {
            kind: Kind::User,
            id: None,
            position: "entry 1".into(),
            reason: "no id".into(),
            links: Box::new(Links::alone(Some(vec![Key("eve".into())]))),
        });
        let reach: Reach = Box::new(|_| true);
        assert_eq!(check(&[group("staff", &["eve"])], &snapshot, &reach), Ok(()));
    }

    #[test]
    fn who_comes_with_the_group_is_known() {
        assert!(trusted(&[group("new", &["newer"]), group("newer", &["new"])]));
        assert!(trusted(&[user("eve")]));
    }
}
