//! Groups of any size: the members of a large group are divided into entries of their own, by the
//! bits of their names, so that one who joins changes one entry.

use serde::{Deserialize, Serialize};

use super::entry::{Entry, LargeGroup};
use super::prefix::KEY_BITS;
use crate::model::group::MAX_INLINE_MEMBERS;
use crate::model::{ContentHash, Group, Members, MirrorName};

/// About how many members an entry has, at most.
const CHUNK: usize = 500;

/// The line of a part of a group's members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// The entry's name: the group's, a dot, and the number of the part.
    pub name: String,
    /// The group's name.
    pub group: String,
    /// The number of the part, from 0.
    pub chunk: u32,
    /// The members.
    pub members: Members,
}

/// A group whose members are too many for its own line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divided {
    /// The group's own line.
    pub line: Vec<u8>,
    /// The entries of its members.
    pub entries: Vec<Entry>,
}

/// In how many entries of their own a group's members are: none, up to the number that stands in the
/// group itself.
#[must_use]
pub fn chunks(members: usize) -> u32 {
    if members <= MAX_INLINE_MEMBERS {
        return 0;
    }
    u32::try_from(members.div_ceil(CHUNK).next_power_of_two()).unwrap_or(1 << 31)
}

/// The key of one of these entries.
#[must_use]
pub fn key(group: MirrorName, chunk: u32) -> u128 {
    let bytes = [b"members".as_slice(), &group.id.to_be_bytes(), &chunk.to_be_bytes()].concat();
    ContentHash::of_bytes(&bytes).0 >> (128 - KEY_BITS)
}

/// The lines of a group: its own, and those of its members where they are too many for it. `None` when
/// they are not.
///
/// # Errors
/// When a line cannot be written as JSON.
pub fn divide(
    directory: &str,
    name: MirrorName,
    hash: ContentHash,
    group: &Group,
) -> Result<Option<Divided>, serde_json::Error> {
    let count = chunks(group.members.len());
    if count == 0 {
        return Ok(None);
    }
    let mut parts = vec![Members::default(); count as usize];
    for member in &group.members.users {
        parts[part(directory, member, count)].users.push(member.clone());
    }
    for member in &group.members.groups {
        parts[part(directory, member, count)].groups.push(member.clone());
    }
    let object = name.object_name(directory);
    let mut entries = Vec::with_capacity(parts.len());
    for (chunk, members) in (0..count).zip(parts) {
        let line = Chunk { name: format!("{object}.{chunk}"), group: object.clone(), chunk, members };
        entries.push(Entry { key: key(name, chunk), line: serde_json::to_vec(&line)? });
    }
    let line = LargeGroup {
        object_name: object,
        directory,
        external_id: &group.external_id,
        display_name: &group.display_name,
        member_count: group.member_count,
        member_chunks: count,
        content_hash: hash.to_string(),
    };
    Ok(Some(Divided { line: serde_json::to_vec(&line)?, entries }))
}

/// Which entry a line of members is, and how many there would have to be for it to be one.
#[must_use]
pub fn said(directory: &str, line: &[u8]) -> Option<(MirrorName, u32)> {
    let chunk: Chunk = serde_json::from_slice(line).ok()?;
    Some((MirrorName::parse(directory, &chunk.group)?, chunk.chunk))
}

/// The leading bits of a member's name, as many as tell the parts apart.
fn part(directory: &str, member: &str, parts: u32) -> usize {
    let id = MirrorName::parse(directory, member).map_or(0, |name| name.id);
    usize::try_from(id >> (u32::from(KEY_BITS) - parts.trailing_zeros())).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Kind;

    fn group(members: usize) -> Group {
        let mut users: Vec<String> = (0..members)
            .map(|number| MirrorName::new(Kind::User, &number.to_string()).object_name("acme"))
            .collect();
        users.sort_unstable();
        Group {
            external_id: "g".into(),
            member_count: i32::try_from(members).unwrap(),
            members: Members { users, groups: Vec::new() },
            ..Group::default()
        }
    }

    fn lines(group: &Group) -> Vec<Entry> {
        let name = MirrorName::new(Kind::Group, "g");
        divide("acme", name, ContentHash::of(group).unwrap(), group).unwrap().unwrap().entries
    }

    #[test]
    fn a_group_that_fits_into_an_object_stays_in_one_line() {
        let group = group(1_000);
        let name = MirrorName::new(Kind::Group, "g");
        assert_eq!(divide("acme", name, ContentHash(1), &group).unwrap(), None);
    }

    #[test]
    fn all_members_of_a_large_group_are_in_its_entries_in_order() {
        let group = group(5_000);
        let entries = lines(&group);
        assert_eq!(entries.len(), 16);
        let mut users = Vec::new();
        for entry in &entries {
            let chunk: Chunk = serde_json::from_slice(&entry.line).unwrap();
            assert!(chunk.members.len() < 600, "{}", chunk.members.len());
            users.extend(chunk.members.users);
        }
        users.sort_unstable();
        assert_eq!(users, group.members.users);
        assert_eq!(said("acme", &entries[3].line), Some((MirrorName::new(Kind::Group, "g"), 3)));
    }

    #[test]
    fn one_who_joins_changes_one_entry() {
        let (before, after) = (lines(&group(5_000)), lines(&group(5_001)));
        let changed = before.iter().zip(&after).filter(|(one, other)| one != other).count();
        assert_eq!(changed, 1);
    }
}
