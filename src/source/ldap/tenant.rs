//! Whose directory a server holds: the id of the entry below which people are searched.

use ldap3::Scope;

use crate::source::ldap_protocol::entry::{Entry, LeftOut};
use crate::source::ldap_protocol::failure::code;
use crate::source::ldap_protocol::wire::{Query, Reply, Session};
use crate::source::{SourceError, TenantId};

/// Ids that entries have for good: RFC 4530, 389 Directory Server, FreeIPA.
const IDS: &[&str] = &["entryUUID", "nsUniqueId", "ipaUniqueID"];

/// The longest id that is taken for one, in bytes.
const MAX_ID: usize = 200;

/// Reads the id of the base of a search; `None` when the server does not show one.
///
/// # Errors
/// When the connection is lost.
pub async fn read(session: &mut Session, people: &Query) -> Result<Option<TenantId>, SourceError> {
    let query = Query {
        scope: Scope::Base,
        filter: "(objectClass=*)".to_owned(),
        attributes: IDS.iter().map(|&attribute| attribute.to_owned()).collect(),
        ..people.clone()
    };
    let mut answer = session.search(&query, Vec::new()).await?;
    let mut found = None;
    while let Some(reply) = answer.next().await? {
        if let Reply::Entry(tag, _) = reply {
            found = Entry::decode(tag, &mut LeftOut::default());
        }
    }
    let finished = answer.finish().await;
    let entry = found.filter(|_| finished.result == code::SUCCESS);
    Ok(entry.and_then(|entry| {
        let id = IDS.iter().find_map(|name| entry.values(name).first().map(|value| (name, value)));
        id.filter(|(_, value)| value.len() <= MAX_ID)
            .map(|(name, value)| TenantId { of: query.base.clone(), id: format!("{name}={value}") })
    }))
}
