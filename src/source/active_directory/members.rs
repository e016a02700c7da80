//! The whole of a group's members, however many: beyond 1,500, a domain controller sends them a
//! range at a time (`member;range=0-1499`).

use super::schema::{MEMBER, USN_CHANGED, entry_query};
use super::values::Guid;
use super::{controls, schema};
use crate::source::SourceError;
use crate::source::ldap_protocol::entry::{Entry, ValueRange};
use crate::source::ldap_protocol::search::read_one;
use crate::source::ldap_protocol::wire::{Query, Session};

/// How often a group is read from its beginning when it changes meanwhile.
const MAX_ATTEMPTS: u32 = 3;

/// How many ranges one group may have; at 1,500 each, more than fit into a domain.
const MAX_RANGES: u32 = 10_000;

/// The names of all members of a group, as the entry of a listing has them or begins them.
/// `None` when they cannot be had whole: a name that is not text, or a group that does not stay
/// the same while it is read.
///
/// # Errors
/// When the connection is lost.
pub async fn of(session: &mut Session, entry: &Entry, id: Guid) -> Result<Option<Vec<String>>, SourceError> {
    let Some(first) = range(entry) else {
        return Ok(entry.is_whole(MEMBER).then(|| entry.values(MEMBER).to_vec()));
    };
    let mut usn = entry.first(USN_CHANGED);
    let mut first = first.clone();
    for _ in 0..MAX_ATTEMPTS {
        match rest(session, id, first, usn).await? {
            Walk::Whole(members) => return Ok(Some(members)),
            Walk::NotText => return Ok(None),
            Walk::Changed => {}
        }
        // From the beginning again.
        let Some(again) = part(session, id, 0).await? else { return Ok(None) };
        let Some(beginning) = range(&again) else {
            return Ok(again.is_whole(MEMBER).then(|| again.values(MEMBER).to_vec()));
        };
        usn = again.first(USN_CHANGED);
        first = beginning.clone();
    }
    Ok(None)
}

enum Walk {
    Whole(Vec<String>),
    NotText,
    Changed,
}

/// Goes on from the first range to the last; the entry's number of changes must stay the same.
async fn rest(
    session: &mut Session,
    id: Guid,
    first: ValueRange,
    usn: Option<String>,
) -> Result<Walk, SourceError> {
    let mut members = Vec::new();
    let mut current = first;
    for _ in 0..MAX_RANGES {
        let Some(values) = current.values else { return Ok(Walk::NotText) };
        members.extend(values);
        let Some(next) = current.next else { return Ok(Walk::Whole(members)) };
        if next != members.len() as u64 {
            return Ok(Walk::Changed);
        }
        let Some(entry) = part(session, id, next).await? else { return Ok(Walk::Changed) };
        if entry.first(USN_CHANGED) != usn {
            return Ok(Walk::Changed);
        }
        match range(&entry) {
            Some(range) => current = range.clone(),
            // The list ended exactly where the range before did.
            None if entry.values(MEMBER).is_empty() && entry.is_whole(MEMBER) => {
                return Ok(Walk::Whole(members));
            }
            None => return Ok(Walk::Changed),
        }
    }
    Ok(Walk::Changed)
}

/// Reads the range that begins at a place.
async fn part(session: &mut Session, id: Guid, from: u64) -> Result<Option<Entry>, SourceError> {
    let range = format!("{MEMBER};range={from}-*");
    let query = Query {
        controls: vec![controls::extended_names()],
        ..entry_query(&id.name(), &[&range, USN_CHANGED])
    };
    read_one(session, &query, schema::OCTETS).await
}

/// The range of members that an entry has. Beside it, the attribute without a range is empty.
fn range(entry: &Entry) -> Option<&ValueRange> {
    entry.ranges.iter().find(|range| range.attribute.eq_ignore_ascii_case(MEMBER))
}
