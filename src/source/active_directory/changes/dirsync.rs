//! Changes by DirSync ([MS-ADTS] section 3.1.1.3.4.1.3): the domain controller's own list since a
//! cookie, with only what the account may read.

use data_encoding::BASE64;
use ldap3::Scope;

use super::list::{ChangeList, FILTER, MARKS};
use crate::source::active_directory::controls::{dirsync, dirsync_done};
use crate::source::active_directory::schema::{Attributes, OCTETS, Searches};
use crate::source::ldap_protocol::entry::{Entry, LeftOut};
use crate::source::ldap_protocol::failure::{Subject, code, result_name};
use crate::source::ldap_protocol::wire::{Query, Reply, Session};
use crate::source::{Class, SourceError};

/// How many answers one list may have.
const MAX_ANSWERS: u32 = 100_000;

/// Finds nothing: to learn where the list stands now.
const NOTHING: &str = "(!(objectClass=*))";

/// How one walk through the list ended.
enum Walk {
    /// At the end, with the cookie to go on from.
    Ended(Vec<u8>),
    /// The domain controller does not do this, with its result code.
    Refused(u32),
}

/// The cookie of a reading that begins now, in base64; `None` when the account may not use
/// DirSync.
///
/// # Errors
/// When the connection is lost or the domain controller is busy.
pub async fn start(session: &mut Session, searches: &Searches) -> Result<Option<String>, SourceError> {
    let query = Query { filter: NOTHING.to_owned(), ..query(searches) };
    match walk(session, &query, Vec::new(), |_| Ok(())).await {
        Ok(Walk::Ended(cookie)) => Ok(Some(BASE64.encode(&cookie))),
        Ok(Walk::Refused(result)) => {
            tracing::debug!(result = %result_name(result), "the domain controller refuses DirSync");
            Ok(None)
        }
        // A list that cannot be read is as good as none.
        Err(error) if error.class == Class::ChangesUnknown => Ok(None),
        Err(error) => Err(error),
    }
}

/// What changed since a cookie, and the cookie to go on from.
///
/// # Errors
/// [`crate::source::Class::ChangesUnknown`] when the cookie is not taken or something is gone.
pub async fn list(
    session: &mut Session,
    searches: &Searches,
    cookie: &str,
) -> Result<(ChangeList, String), SourceError> {
    let cookie = BASE64.decode(cookie.as_bytes()).map_err(|_| {
        SourceError::changes_unknown("the stored place in the list of changes cannot be read")
    })?;
    let mut changes = ChangeList::default();
    let see = |entry: &Entry| changes.see_changed(entry, &searches.deciding);
    match walk(session, &query(searches), cookie, see).await? {
        Walk::Ended(cookie) => Ok((changes, BASE64.encode(&cookie))),
        Walk::Refused(result) => Err(SourceError::changes_unknown(format!(
            "the domain controller does not go on from the stored place in its list of changes ({})",
            result_name(result)
        ))),
    }
}

/// The base must be the whole domain, whatever is read of it.
fn query(searches: &Searches) -> Query {
    let mut attributes = Attributes(searches.attributes());
    attributes.add(&searches.deciding);
    attributes.add(MARKS.iter().copied());
    Query {
        subject: Subject { noun: "changes", field: "users", base_dn: searches.domain.clone() },
        base: searches.domain.clone(),
        scope: Scope::Subtree,
        filter: FILTER.to_owned(),
        attributes: attributes.0,
        controls: Vec::new(),
    }
}

async fn walk(
    session: &mut Session,
    query: &Query,
    mut cookie: Vec<u8>,
    mut see: impl FnMut(&Entry) -> Result<(), SourceError>,
) -> Result<Walk, SourceError> {
    for _ in 0..MAX_ANSWERS {
        let mut answer = session.search(query, vec![dirsync(&cookie)]).await?;
        while let Some(reply) = answer.next().await? {
            let Reply::Entry(tag, _) = reply else { continue };
            let entry = Entry::decode_with(tag, OCTETS, &mut LeftOut::default()).ok_or_else(|| {
                SourceError::changes_unknown("the list of changes has an entry whose name is not text")
            })?;
            see(&entry)?;
        }
        let finished = answer.finish().await;
        match finished.result {
            code::SUCCESS => {}
            code::BUSY | code::UNAVAILABLE => return Err(finished.failure(0)),
            result => return Ok(Walk::Refused(result)),
        }
        let (more, next) = dirsync_done(&finished.controls).ok_or_else(|| {
            SourceError::changes_unknown("the domain controller's list of changes has no end mark")
        })?;
        if !more {
            return Ok(Walk::Ended(next));
        }
        cookie = next;
    }
    Err(SourceError::changes_unknown(format!(
        "the domain controller's list of changes did not end after {MAX_ANSWERS} answers"
    )))
}
