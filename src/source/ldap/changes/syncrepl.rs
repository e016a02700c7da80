//! Changes by content synchronisation (RFC 4533), refreshOnly: the server's own list.
//!
//! The control is never combined with paging: OpenLDAP then sends the first page and calls it
//! complete.

use std::collections::HashSet;

use data_encoding::BASE64;
use lber::structure::StructureTag;
use ldap3::Scope;
use ldap3::controls::{MakeCritical, RefreshMode, SyncRequest};

use crate::source::SourceError;
use crate::source::ldap_protocol::dn;
use crate::source::ldap_protocol::entry::Entry;
use crate::source::ldap_protocol::failure::{Subject, code, result_name};
use crate::source::ldap_protocol::search::read_one;
use crate::source::ldap_protocol::time::parse_generalized_time;
use crate::source::ldap_protocol::wire::{
    Answer, EntryId, Finished, Info, Query, Reply, Session, State, sync_done,
};

/// Sync Request (RFC 4533 section 2.2), as the root DSE lists it.
pub const SYNC_REQUEST: &str = "1.3.6.1.4.1.4203.1.9.1.1";

/// The newest change that a database holds, by server.
const CONTEXT_CSN: &str = "contextCSN";

/// e-syncRefreshRequired (RFC 4533 section 2.6).
const SYNC_REFRESH_REQUIRED: u32 = 4096;

/// Entries that are handed on together at most.
const CHUNK: usize = 500;

/// How many ids of entries that are gone are kept. More are a reason to read everything.
const MAX_GONE: usize = 100_000;

/// The cookie of a reading that begins now, for what is at or below `base`: everything that
/// changes from here on will be in the list of changes since this cookie.
///
/// OpenLDAP's cookies hold the `contextCSN` of the database. A server without one has no cookie
/// to begin with, and `None` says so.
///
/// # Errors
/// When the connection is lost.
pub async fn starting_cookie(
    session: &mut Session,
    naming_contexts: &[String],
    base: &str,
) -> Result<Option<String>, SourceError> {
    let contexts = naming_contexts.iter().filter(|context| dn::is_within(base, context));
    let Some(context) = contexts.max_by_key(|context| context.len()) else { return Ok(None) };
    let Some(entry) = read_entry(session, context, &[CONTEXT_CSN]).await? else { return Ok(None) };
    let newest = entry.values(CONTEXT_CSN);
    if newest.is_empty() {
        return Ok(None);
    }
    Ok(Some(BASE64.encode(format!("rid=000,csn={}", newest.join(";")).as_bytes())))
}

/// Reads one entry by its name; `None` when it is not there or may not be read.
///
/// # Errors
/// When the connection is lost.
pub async fn read_entry(
    session: &mut Session,
    name: &str,
    attributes: &[&str],
) -> Result<Option<Entry>, SourceError> {
    let query = Query {
        subject: Subject { noun: "server information", field: "users", base_dn: name.to_owned() },
        base: name.to_owned(),
        scope: Scope::Base,
        filter: "(objectClass=*)".to_owned(),
        attributes: attributes.iter().map(|&attribute| attribute.to_owned()).collect(),
        controls: Vec::new(),
    };
    read_one(session, &query, &[]).await
}

/// One list of changes.
pub struct Refresh {
    answer: Option<Answer>,
    subject: Subject,
    cookie: Vec<u8>,
    references: u64,
    seen: Seen,
}

/// Which entries a list of changes named.
#[derive(Debug, Default)]
pub struct Seen {
    /// Found by the search, and new or changed.
    changed: HashSet<EntryId>,
    /// Changed or gone, and not found by the search.
    gone: HashSet<EntryId>,
}

impl Seen {
    /// Checks that nobody is gone, once both lists have been read.
    ///
    /// A server names every entry of its database that changed and that the search does not
    /// find: it may have been found before. A person who changed is thus "gone" from the list of
    /// groups. Whoever the other list names as changed is certainly of the other kind; whoever is
    /// left may be one of ours.
    ///
    /// # Errors
    /// [`crate::source::Class::ChangesUnknown`] when somebody may be gone.
    pub fn check(users: &Self, groups: Option<&Self>) -> Result<(), SourceError> {
        let changed = |id: &EntryId| {
            users.changed.contains(id) || groups.is_some_and(|groups| groups.changed.contains(id))
        };
        let gone = groups.into_iter().chain([users]).flat_map(|seen| &seen.gone).any(|id| !changed(id));
        if gone { Err(gone_entries()) } else { Ok(()) }
    }
}

impl Refresh {
    /// Asks for what changed since a cookie.
    ///
    /// # Errors
    /// When the cookie cannot be read, or the connection is lost.
    pub async fn begin(session: &mut Session, query: &Query, cookie: &str) -> Result<Self, SourceError> {
        let cookie =
            BASE64.decode(cookie.as_bytes()).ok().filter(|cookie| names_a_place(cookie)).ok_or_else(
                || SourceError::changes_unknown("the stored place in the list of changes cannot be read"),
            )?;
        let request =
            SyncRequest { mode: RefreshMode::RefreshOnly, cookie: Some(cookie.clone()), reload_hint: false };
        let answer = session.search(query, vec![request.critical().into()]).await?;
        Ok(Self {
            answer: Some(answer),
            subject: query.subject.clone(),
            cookie,
            references: 0,
            seen: Seen::default(),
        })
    }

    /// The next entries that are new or changed; `None` at the end of the list.
    ///
    /// # Errors
    /// [`crate::source::Class::ChangesUnknown`] when the list says that someone is gone, when it
    /// can say only who is still there, or when the server does not go on from the cookie.
    pub async fn next(&mut self) -> Result<Option<Vec<StructureTag>>, SourceError> {
        let noun = self.subject.noun;
        let Some(mut answer) = self.answer.take() else { return Ok(None) };
        let mut entries = Vec::new();
        while let Some(reply) = answer.next().await? {
            match reply {
                Reply::Entry(tag, Some((State::Changed, id))) => {
                    self.seen.changed.insert(id);
                    entries.push(tag);
                }
                Reply::Entry(_, Some((State::Deleted, id))) => {
                    self.seen.gone.insert(id);
                }
                Reply::Info(Info::Ids { deletes: true, ids }) => {
                    self.seen.gone.extend(ids.ok_or_else(gone_entries)?);
                }
                Reply::Entry(_, Some((State::Present, _)))
                | Reply::Info(Info::Ids { deletes: false, .. } | Info::Phase { deletes: false, .. }) => {
                    return Err(history_lost(noun));
                }
                Reply::Entry(_, None) => {
                    return Err(SourceError::changes_unknown(format!(
                        "the server's list of changed {noun} does not say what happened to each"
                    )));
                }
                Reply::Info(Info::Cookie(cookie) | Info::Phase { cookie: Some(cookie), .. }) => {
                    self.cookie = cookie;
                }
                Reply::Info(Info::Phase { deletes: true, cookie: None }) => {}
                Reply::Reference => self.references += 1,
            }
            if self.seen.gone.len() > MAX_GONE {
                return Err(gone_entries());
            }
            if entries.len() >= CHUNK {
                self.answer = Some(answer);
                return Ok(Some(entries));
            }
        }
        self.end(&answer.finish().await)?;
        Ok((!entries.is_empty()).then_some(entries))
    }

    /// Takes the end of the list for one, if the server says that it is.
    fn end(&mut self, finished: &Finished) -> Result<(), SourceError> {
        let noun = self.subject.noun;
        match finished.result {
            code::SUCCESS => {}
            code::BUSY | code::UNAVAILABLE => return Err(finished.failure(0)),
            SYNC_REFRESH_REQUIRED => return Err(history_lost(noun)),
            code::UNWILLING_TO_PERFORM => {
                return Err(SourceError::changes_unknown(format!(
                    "the server does not know the stored place in its list of changed {noun} ({}); \
                     it may be another server or one restored from a backup",
                    result_name(finished.result)
                )));
            }
            result => {
                return Err(SourceError::changes_unknown(format!(
                    "the server ended its list of changed {noun} early ({})",
                    result_name(result)
                )));
            }
        }
        match sync_done(&finished.controls) {
            // Without a newer cookie nothing has changed, and the old one stays good.
            Some((None, true)) => {}
            Some((Some(cookie), true)) => self.cookie = cookie,
            Some((_, false)) => return Err(history_lost(noun)),
            None => {
                return Err(SourceError::changes_unknown(format!(
                    "the server's list of changed {noun} has no end mark"
                )));
            }
        }
        if !names_a_place(&self.cookie) {
            // OpenLDAP's answer to a cookie that it cannot read: everything, called a list of changes.
            return Err(SourceError::changes_unknown(format!(
                "the server's list of changed {noun} does not say where the next one goes on"
            )));
        }
        Ok(())
    }

    /// How often the server said that entries are on another server.
    pub const fn references(&self) -> u64 {
        self.references
    }

    /// The cookie from which the next list of changes goes on, and which entries the list named,
    /// once [`Refresh::next`] has come to the end.
    pub fn finish(self) -> (String, Seen) {
        (BASE64.encode(&self.cookie), self.seen)
    }
}

/// Whether a cookie says how far a server has come: OpenLDAP's do, and only its cookies are made
/// in [`starting_cookie`].
fn names_a_place(cookie: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(cookie) else { return false };
    let newest = text.split(',').find_map(|part| part.strip_prefix("csn="));
    newest.is_some_and(|newest| {
        newest.split(';').all(|csn| {
            let time = csn.split('#').next().unwrap_or_default();
            time.ends_with('Z') && parse_generalized_time(time).is_some()
        })
    })
}

fn gone_entries() -> SourceError {
    SourceError::changes_unknown(
        "some people or groups, or other entries of the directory, are gone or are not found by the filters any more",
    )
}

fn history_lost(noun: &str) -> SourceError {
    SourceError::changes_unknown(format!(
        "the server does not remember far enough back to say which {noun} are gone (after its restart, or when \
         its session log is short)"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Class;

    fn seen(changed: &[u8], gone: &[u8]) -> Seen {
        let ids = |ids: &[u8]| ids.iter().map(|&id| [id; 16]).collect();
        Seen { changed: ids(changed), gone: ids(gone) }
    }

    #[test]
    fn a_changed_person_is_not_a_group_that_is_gone_and_the_other_way_round() {
        assert_eq!(Seen::check(&seen(&[1], &[2]), Some(&seen(&[2], &[1]))), Ok(()));
    }

    #[test]
    fn an_entry_that_neither_list_knows_as_changed_may_be_gone() {
        for (users, groups) in [
            (seen(&[1], &[3]), Some(seen(&[], &[1]))),
            (seen(&[], &[]), Some(seen(&[], &[3]))),
            (seen(&[1], &[3]), None),
        ] {
            let error = Seen::check(&users, groups.as_ref()).unwrap_err();
            assert_eq!(error.class, Class::ChangesUnknown);
        }
    }

    #[test]
    fn only_a_cookie_with_a_place_is_one() {
        assert!(names_a_place(b"rid=000,csn=20261124001711.111262Z#000000#000#000000"));
        assert!(names_a_place(
            b"rid=000,sid=001,csn=20261124001711.111262Z#000000#001#000000;20261124001711.1Z#0#2#0"
        ));
        for cookie in [&b""[..], b"garbage", b"rid=000", b"rid=000,csn=", b"rid=000,csn=now", b"\xff"] {
            assert!(!names_a_place(cookie), "{cookie:?}");
        }
    }
}
