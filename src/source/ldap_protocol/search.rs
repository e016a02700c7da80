//! Listings in pages (RFC 2696): a part of an answer is never taken for the whole.

use lber::structure::StructureTag;
use ldap3::controls::{MakeCritical, PagedResults};

use super::entry::{Entry, LeftOut};
use super::failure::code;
use super::wire::{Answer, Query, Reply, Session, paging_cookie};
use crate::source::SourceError;

/// How many entries may be waiting for more of their page. Beyond that they are handed on before its end.
const CHUNK: usize = 500;

/// How many entries a page of a listing with pauses may have: no more than may wait for its end.
const WHOLE_PAGE: i32 = 500;

/// How many empty pages in a row a server may send before it is not believed any more.
const MAX_EMPTY_PAGES: u32 = 1000;

/// How many entries are asked for at a time: fewer after the server has refused more.
#[derive(Clone, Copy, Debug)]
pub struct PageSize {
    /// What the settings say.
    pub configured: i32,
    /// What the server takes.
    pub accepted: i32,
}

impl PageSize {
    /// Begins with what the settings say.
    pub const fn new(configured: i32) -> Self {
        Self { configured, accepted: configured }
    }

    /// What a person should know of it, if the server refused more; `path` is where the settings
    /// stand in a Directory.
    pub fn sentence(self, path: &str) -> Option<String> {
        (self.accepted < self.configured).then(|| {
            format!(
                "The server refuses pages of {} entries and takes {}; {path}.pageSize: {} spares it \
                 the refused searches.",
                self.configured, self.accepted, self.accepted
            )
        })
    }
}

/// The one entry that a search finds, with the attributes named in `octets` as bytes; `None` when
/// it is not there or may not be read.
///
/// # Errors
/// When the connection is lost.
pub async fn read_one(
    session: &mut Session,
    query: &Query,
    octets: &[&str],
) -> Result<Option<Entry>, SourceError> {
    let mut answer = session.search(query, Vec::new()).await?;
    let mut found = None;
    while let Some(reply) = answer.next().await? {
        if let Reply::Entry(tag, _) = reply {
            found = Entry::decode_with(tag, octets, &mut LeftOut::default());
        }
    }
    let finished = answer.finish().await;
    Ok(found.filter(|_| finished.result == code::SUCCESS))
}

/// One listing, page by page.
pub struct Pager<'q> {
    query: &'q Query,
    answer: Option<Answer>,
    cookie: Option<Vec<u8>>,
    received: u64,
    references: u64,
    empty_pages: u32,
    pauses: bool,
}

impl<'q> Pager<'q> {
    /// A listing that has not begun.
    pub const fn new(query: &'q Query) -> Self {
        Self {
            query,
            answer: None,
            cookie: Some(Vec::new()),
            received: 0,
            references: 0,
            empty_pages: 0,
            pauses: false,
        }
    }

    /// A listing of which nothing is on its way between two calls of [`Pager::next`], for a caller that
    /// sends other searches there. Their answers would come after what is on its way, and of that no
    /// more is let in than `wire::guard` allows to wait: where a page is larger, both would wait for
    /// each other until the time is over, and so at every attempt.
    pub fn with_pauses(query: &'q Query) -> Self {
        Self { pauses: true, ..Self::new(query) }
    }

    /// How often the server said that entries are on another server.
    pub const fn references(&self) -> u64 {
        self.references
    }

    /// The next entries, still encoded; `None` after the server has said that there are no more.
    ///
    /// A page size that the server refuses is halved, down to one. That can happen at the first
    /// page only, so no entry comes twice. The next page is asked for before the last entries of a
    /// page are handed on, unless the caller pauses: the server looks for it while they are worked on.
    ///
    /// # Errors
    /// When the server stops before the end, or the connection is lost.
    pub async fn next(
        &mut self,
        session: &mut Session,
        size: &mut PageSize,
    ) -> Result<Option<Vec<StructureTag>>, SourceError> {
        loop {
            let Some(mut answer) = self.answer(session, *size).await? else { return Ok(None) };
            let mut entries = Vec::new();
            while let Some(reply) = answer.next().await? {
                match reply {
                    Reply::Entry(entry, _) => entries.push(entry),
                    Reply::Reference => self.references += 1,
                    Reply::Info(_) => {}
                }
                if entries.len() > CHUNK {
                    self.answer = Some(answer);
                    return Ok(Some(entries));
                }
            }
            let finished = answer.finish().await;
            let first_page = self.received == 0
                && finished.received == 0
                && self.cookie.as_ref().is_some_and(Vec::is_empty);
            let refused = matches!(finished.result, code::ADMIN_LIMIT_EXCEEDED | code::UNWILLING_TO_PERFORM);
            if refused && first_page && size.accepted > 1 {
                size.accepted /= 2;
                continue;
            }
            if finished.result != code::SUCCESS {
                return Err(finished.failure(self.received));
            }
            self.received += finished.received;
            self.empty_pages = if finished.received == 0 { self.empty_pages + 1 } else { 0 };
            match paging_cookie(&finished.controls) {
                Some(cookie) if cookie.is_empty() => self.cookie = None,
                Some(cookie) if self.empty_pages < MAX_EMPTY_PAGES => self.cookie = Some(cookie),
                Some(_) => {
                    return Err(SourceError::incomplete(format!(
                        "{} sent {MAX_EMPTY_PAGES} empty pages of {} in a row without coming to an end",
                        session.endpoint(),
                        self.query.subject.noun
                    )));
                }
                None => {
                    return Err(SourceError::incomplete(format!(
                        "{} did not say whether there are more {} after {}; have paging (RFC 2696) enabled on the server",
                        session.endpoint(),
                        self.query.subject.noun,
                        self.received
                    )));
                }
            }
            if !entries.is_empty() {
                if !self.pauses {
                    self.answer = self.answer(session, *size).await?;
                }
                return Ok(Some(entries));
            }
        }
    }

    /// The answer that is under way, or to the search for the next page; `None` after the last page.
    async fn answer(&mut self, session: &mut Session, size: PageSize) -> Result<Option<Answer>, SourceError> {
        if let Some(answer) = self.answer.take() {
            return Ok(Some(answer));
        }
        let Some(cookie) = self.cookie.clone() else { return Ok(None) };
        let most = if self.pauses { WHOLE_PAGE } else { i32::MAX };
        let page = PagedResults { size: size.accepted.min(most), cookie };
        session.search(self.query, vec![page.critical().into()]).await.map(Some)
    }
}
