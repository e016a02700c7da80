//! The tables as pages of records.

use std::collections::VecDeque;

use futures::stream::{self, BoxStream, StreamExt};

use super::groups::{self, Groups};
use super::memberships::{MembershipTable, Memberships};
use super::notes::Seen;
use super::people::People;
use super::table::{Ragged, Row};
use crate::model::{GroupRecord, Kind, Rejected};
use crate::source::{Cursor, End, Page, Pull, Source, SourceError};

/// Records in one page.
pub const PAGE: usize = 500;

/// Tables with their headers understood.
pub struct CsvSource {
    pub people: People,
    pub memberships: Option<MembershipTable>,
    pub groups: Option<Groups>,
    pub cursor: Cursor,
}

impl Source for CsvSource {
    fn pull(&mut self, request: Pull) -> BoxStream<'_, Result<Page, SourceError>> {
        match request {
            Pull::Full => stream::iter(self.pages()).boxed(),
            Pull::Changes(since) if since == self.cursor => {
                stream::iter([Ok(Page::End(End { cursor: Some(since), notes: Vec::new() }))]).boxed()
            }
            Pull::Changes(_) => stream::iter([Err(SourceError::changes_unknown(
                "the tables are not the ones that were read last, so they are read again as a whole",
            ))])
            .boxed(),
        }
    }
}

impl CsvSource {
    fn pages(&self) -> impl Iterator<Item = Result<Page, SourceError>> + Send {
        let stage = Stage::People(self.people.table.rows(), Seen::default());
        Pages { source: self, stage, notes: self.people.columns.notes.clone(), ready: VecDeque::new() }
    }
}

/// The answer to [`Pull::Full`], a page at a time.
struct Pages<'a, R> {
    source: &'a CsvSource,
    stage: Stage<R>,
    notes: Vec<String>,
    ready: VecDeque<Page>,
}

/// What is read next.
enum Stage<R> {
    People(R, Seen),
    Groups(std::vec::IntoIter<Result<GroupRecord, Rejected>>),
    Ended,
}

impl<R: Iterator<Item = Result<Result<Row, Ragged>, SourceError>>> Iterator for Pages<'_, R> {
    type Item = Result<Page, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(page) = self.ready.pop_front() {
                return Some(Ok(page));
            }
            let stage = match std::mem::replace(&mut self.stage, Stage::Ended) {
                Stage::People(rows, seen) => self.people(rows, seen),
                Stage::Groups(groups) => Ok(self.groups(groups)),
                Stage::Ended => return None,
            };
            match stage {
                Ok(stage) => self.stage = stage,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl<R: Iterator<Item = Result<Result<Row, Ragged>, SourceError>>> Pages<'_, R> {
    fn people(&mut self, mut rows: R, mut seen: Seen) -> Result<Stage<R>, SourceError> {
        let people = &self.source.people;
        let mut page = Vec::new();
        for row in rows.by_ref().take(PAGE) {
            page.push(match row? {
                Ok(row) => people.record(&row).inspect(|record| {
                    seen.add(&record.user.external_id, row.line);
                }),
                Err(ragged) => Err(people.table.reject(Kind::User, ragged.line, None, ragged.reason)),
            });
        }
        if page.is_empty() {
            self.notes.extend(seen.note(&people.table.key, "user_id"));
            return self.list_groups();
        }
        self.queue(page, Page::Users);
        Ok(Stage::People(rows, seen))
    }

    fn list_groups(&mut self) -> Result<Stage<R>, SourceError> {
        let memberships = self.source.memberships.as_ref().map(Memberships::read).transpose()?;
        if memberships.is_none() && self.source.groups.is_some() {
            self.notes.push(
                "there is a table of groups but none of memberships, so no group has members".to_owned(),
            );
        }
        let mut memberships = memberships.unwrap_or_default();
        self.notes.append(&mut memberships.notes);
        let mut listing = groups::list(self.source.groups.as_ref(), &memberships)?;
        self.notes.append(&mut listing.notes);
        Ok(Stage::Groups(listing.groups.into_iter()))
    }

    fn groups(&mut self, mut groups: std::vec::IntoIter<Result<GroupRecord, Rejected>>) -> Stage<R> {
        let page: Vec<_> = groups.by_ref().take(PAGE).collect();
        if page.is_empty() {
            let (cursor, notes) = (Some(self.source.cursor.clone()), std::mem::take(&mut self.notes));
            self.ready.push_back(Page::End(End { cursor, notes }));
            return Stage::Ended;
        }
        self.queue(page, Page::Groups);
        Stage::Groups(groups)
    }

    fn queue<T>(&mut self, records: Vec<Result<T, Rejected>>, page: fn(Vec<T>) -> Page) {
        let (mut read, mut rejected) = (Vec::new(), Vec::new());
        for record in records {
            match record {
                Ok(record) => read.push(record),
                Err(reason) => rejected.push(reason),
            }
        }
        if !read.is_empty() {
            self.ready.push_back(page(read));
        }
        if !rejected.is_empty() {
            self.ready.push_back(Page::Rejected(rejected));
        }
    }
}
