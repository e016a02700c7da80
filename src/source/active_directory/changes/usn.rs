//! Changes by `uSNChanged`: every entry has the number of its last change on this one domain
//! controller. Which of its attributes changed does not show.

use super::list::{ChangeList, FILTER, MARKS};
use crate::source::SourceError;
use crate::source::active_directory::controls;
use crate::source::active_directory::schema::{OBJECT_GUID, OCTETS, Searches, USN_CHANGED, USN_CREATED};
use crate::source::ldap_protocol::entry::{Entry, LeftOut};
use crate::source::ldap_protocol::failure::Subject;
use crate::source::ldap_protocol::filter;
use crate::source::ldap_protocol::search::{PageSize, Pager};
use crate::source::ldap_protocol::wire::{Query, Session};

/// What changed after the change with a number, deleted entries included.
///
/// # Errors
/// [`crate::source::Class::ChangesUnknown`] when something is gone or the list is not whole.
pub async fn list(
    session: &mut Session,
    searches: &Searches,
    after: u64,
    size: &mut PageSize,
) -> Result<ChangeList, SourceError> {
    let since = format!("({USN_CHANGED}>={})", after.saturating_add(1));
    let attributes = MARKS.iter().chain(&[OBJECT_GUID, USN_CREATED]);
    let query = Query {
        subject: Subject { noun: "changes", field: "users", base_dn: searches.domain.clone() },
        base: searches.domain.clone(),
        scope: ldap3::Scope::Subtree,
        filter: filter::both(FILTER, &since),
        attributes: attributes.map(|&name| name.to_owned()).collect(),
        controls: vec![controls::show_deleted(), controls::domain_scope()],
    };
    let mut changes = ChangeList::default();
    let mut pager = Pager::new(&query);
    while let Some(entries) = pager.next(session, size).await? {
        for tag in entries {
            let entry = Entry::decode_with(tag, OCTETS, &mut LeftOut::default()).ok_or_else(|| {
                SourceError::changes_unknown("the list of changes has an entry whose name is not text")
            })?;
            let created = entry.first(USN_CREATED).and_then(|number| number.parse::<u64>().ok());
            changes.see_any(&entry, created.is_some_and(|created| created > after))?;
        }
    }
    Ok(changes)
}
