//! The course of one pull: one connection, one bind, the searches, the end.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use lber::structure::StructureTag;

use super::changes::Position;
use super::changes::modify_timestamp::{self, Newest};
use super::changes::syncrepl::{self, Refresh, SYNC_REQUEST, Seen};
use super::map::{self, Context, Unusable};
use super::notes::Notes;
use super::schema::{Groups, People};
use super::spec::{Changes, Membership};
use super::tenant;
use crate::model::Kind;
use crate::source::ldap_protocol::entry::{Entry, LeftOut};
use crate::source::ldap_protocol::search::{PageSize, Pager};
use crate::source::ldap_protocol::wire::{Credentials, Endpoint, Query, Security, Session};
use crate::source::ldap_protocol::{filter, time};
use crate::source::pages::Pages;
use crate::source::{Cursor, End, Page, Pull, Reach, SourceError};

/// All that is needed to read a directory, resolved and checked.
#[derive(Clone, Debug)]
pub struct Reader {
    /// The server.
    pub endpoint: Endpoint,
    /// How the connection is protected.
    pub security: Security,
    /// Who signs in; nobody without.
    pub credentials: Option<Credentials>,
    /// How long an attempt or an answer may take.
    pub timeout: Duration,
    /// Entries asked for at a time.
    pub page_size: i32,
    /// How people are read.
    pub people: People,
    /// How groups are read.
    pub groups: Option<Groups>,
    /// How changes are found.
    pub changes: Changes,
    /// Hash of the settings that decide who is read.
    pub settings: String,
}

impl Reader {
    /// Reads everything, or what changed, and hands it out in pages.
    ///
    /// # Errors
    /// As [`crate::source::Source::pull`] says.
    pub async fn pull(&self, request: Pull, pages: Pages) -> Result<End, SourceError> {
        let position = match &request {
            Pull::Full => None,
            Pull::Changes(cursor) => Some(cursor.place::<Position>(&self.settings)?),
        };
        let session =
            Session::open(self.endpoint.clone(), &self.security, self.credentials.as_ref(), self.timeout)
                .await?;
        let mut run = Run {
            reader: self,
            session,
            pages,
            size: PageSize::new(self.page_size),
            notes: Notes::default(),
            context: Context { today: time::day_number(Timestamp::now()), ..Context::default() },
        };
        if let Some(tenant) = tenant::read(&mut run.session, &self.people.query).await? {
            run.pages.send(Page::Tenant(tenant)).await;
        }
        let result = match position {
            None => run.full().await,
            Some(Position::Syncrepl { users, groups }) => run.refresh(&users, groups.as_deref()).await,
            Some(Position::ModifyTimestamp { users, groups }) => {
                run.modified(&users, groups.as_deref()).await
            }
        };
        run.session.close().await;
        let cursor = result?.and_then(|position| Cursor::of(position, &self.settings));
        Ok(End { cursor, notes: run.notes.sentences(&run.context.nameless, run.size) })
    }

    /// Where the list of changes since a cursor leaves out who has another DN because an entry above was
    /// renamed: which DNs are of entries that are read.
    pub fn hides_renames(&self, since: &Cursor) -> Option<Reach> {
        let by_time = matches!(since.place(&self.settings), Ok(Position::ModifyTimestamp { .. }));
        let groups = self.groups.as_ref().map(|groups| groups.query.base.as_str());
        by_time.then(|| map::reach([self.people.query.base.as_str()].into_iter().chain(groups)))
    }
}

/// A pull under way.
struct Run<'r> {
    reader: &'r Reader,
    session: Session,
    pages: Pages,
    size: PageSize,
    notes: Notes,
    context: Context,
}

/// What is listed.
#[derive(Clone, Copy)]
enum Part<'r> {
    People(&'r People),
    Groups(&'r Groups),
}

impl<'r> Part<'r> {
    const fn query(self) -> &'r Query {
        match self {
            Self::People(people) => &people.query,
            Self::Groups(groups) => &groups.query,
        }
    }
}

/// How far a listing is.
struct Tally {
    position: u64,
    newest: Newest,
}

impl Tally {
    /// Of a listing that begins now.
    fn new() -> Self {
        Self { position: 0, newest: Newest::at(Timestamp::now()) }
    }
}

impl Run<'_> {
    /// Reads everything. The place from which the next list of changes goes on is taken before
    /// the first entry is read, so that nothing is lost between the two.
    async fn full(&mut self) -> Result<Option<Position>, SourceError> {
        let cookies = self.starting_cookies().await?;
        let users = self.list_people(None).await?;
        let beginning = time::beginning();
        let groups = match &self.reader.groups {
            Some(groups) => GroupsPlace::Read(self.list_groups(groups, None).await?.next(beginning)),
            None => GroupsPlace::NotRead,
        };
        if cookies.is_some() || self.reader.changes == Changes::None {
            return Ok(cookies);
        }
        Ok(newest_position(users.next(beginning), groups))
    }

    /// The cookies of content synchronisation, where the server offers it and has them.
    async fn starting_cookies(&mut self) -> Result<Option<Position>, SourceError> {
        if self.reader.changes != Changes::Auto {
            return Ok(None);
        }
        let root =
            syncrepl::read_entry(&mut self.session, "", &["supportedControl", "namingContexts"]).await?;
        let Some(root) =
            root.filter(|root| root.values("supportedControl").iter().any(|oid| oid == SYNC_REQUEST))
        else {
            return Ok(None);
        };
        let contexts = root.values("namingContexts");
        let base = &self.reader.people.query.base;
        let Some(users) = syncrepl::starting_cookie(&mut self.session, contexts, base).await? else {
            return Ok(None);
        };
        let groups = match &self.reader.groups {
            None => None,
            Some(groups) => {
                match syncrepl::starting_cookie(&mut self.session, contexts, &groups.query.base).await? {
                    Some(cookie) => Some(cookie),
                    None => return Ok(None),
                }
            }
        };
        Ok(Some(Position::Syncrepl { users, groups }))
    }

    /// Reads what changed by content synchronisation.
    async fn refresh(&mut self, users: &str, groups: Option<&str>) -> Result<Option<Position>, SourceError> {
        self.find_inactive().await?;
        let (users, seen_users) = self.refresh_part(Part::People(&self.reader.people), users).await?;
        let (groups, seen_groups) = match (&self.reader.groups, groups) {
            (Some(part), Some(cookie)) => {
                self.refresh_part(Part::Groups(part), cookie).await.map(Some)?.unzip()
            }
            (None, None) => (None, None),
            _ => return Err(other_parts()),
        };
        Seen::check(&seen_users, seen_groups.as_ref())?;
        Ok(Some(Position::Syncrepl { users, groups }))
    }

    async fn refresh_part(&mut self, part: Part<'_>, cookie: &str) -> Result<(String, Seen), SourceError> {
        let mut refresh = Refresh::begin(&mut self.session, part.query(), cookie).await?;
        let mut tally = Tally::new();
        while let Some(entries) = refresh.next().await? {
            self.hand_out(part, entries, &mut tally).await?;
        }
        self.notes.references += refresh.references();
        Ok(refresh.finish())
    }

    /// Reads what changed by its time of change.
    async fn modified(&mut self, users: &str, groups: Option<&str>) -> Result<Option<Position>, SourceError> {
        let since = place(users)?;
        let users = self.list_people(Some(since)).await?.next(Some(since));
        let groups = match (&self.reader.groups, groups) {
            (Some(part), Some(groups)) => {
                let since = place(groups)?;
                GroupsPlace::Read(self.list_groups(part, Some(since)).await?.next(Some(since)))
            }
            (None, None) => GroupsPlace::NotRead,
            _ => return Err(other_parts()),
        };
        Ok(newest_position(users, groups))
    }

    /// Lists people, all of them or those that changed since. It begins with the question who is
    /// inactive: whoever becomes so before they are listed has to be in the next list of changes.
    async fn list_people(&mut self, since: Option<Timestamp>) -> Result<Listed, SourceError> {
        let begun = Instant::now();
        self.find_inactive().await?;
        self.list(Part::People(&self.reader.people), since, begun).await
    }

    /// Lists groups, all of them or those that changed since.
    async fn list_groups(
        &mut self,
        groups: &Groups,
        since: Option<Timestamp>,
    ) -> Result<Listed, SourceError> {
        self.list(Part::Groups(groups), since, Instant::now()).await
    }

    /// Lists people or groups; `begun` says since when what is told of them is asked for.
    async fn list(
        &mut self,
        part: Part<'_>,
        since: Option<Timestamp>,
        begun: Instant,
    ) -> Result<Listed, SourceError> {
        let mut query = part.query().clone();
        if let Some(since) = since {
            query.filter = modify_timestamp::since(&query.filter, since);
        }
        let mut tally = Tally::new();
        let mut pager = Pager::new(&query);
        while let Some(entries) = pager.next(&mut self.session, &mut self.size).await? {
            self.hand_out(part, entries, &mut tally).await?;
        }
        self.notes.references += pager.references();
        let duration = SignedDuration::try_from(begun.elapsed()).unwrap_or(SignedDuration::MAX);
        Ok(Listed { newest: tally.newest, duration })
    }

    /// Hands out entries as records.
    async fn hand_out(
        &mut self,
        part: Part<'_>,
        entries: Vec<StructureTag>,
        tally: &mut Tally,
    ) -> Result<(), SourceError> {
        let (mut users, mut groups, mut rejected) = (Vec::new(), Vec::new(), Vec::new());
        for tag in entries {
            tally.position += 1;
            let position = tally.position;
            let Some(entry) = Entry::decode(tag, &mut self.notes.left_out) else {
                let (kind, names_groups) = match part {
                    Part::People(people) => (Kind::User, people.member_of),
                    Part::Groups(groups) => (Kind::Group, groups.membership == Membership::MemberOf),
                };
                rejected.push(map::unreadable(kind, &part.query().base, position, names_groups));
                continue;
            };
            tally.newest.see(&entry);
            let mapped = match part {
                Part::People(people) => {
                    map::user(&entry, people, position, &mut self.context).map(|user| users.push(user))
                }
                Part::Groups(part) => {
                    map::group(&entry, part, position, &mut self.context).map(|group| groups.push(group))
                }
            };
            match mapped {
                Ok(()) => {}
                Err(Unusable::Rejected(record)) => rejected.push(record),
                Err(Unusable::Misconfigured(error)) => return Err(error),
            }
        }
        if !users.is_empty() {
            self.pages.send(Page::Users(users)).await;
        }
        if !groups.is_empty() {
            self.pages.send(Page::Groups(groups)).await;
        }
        if !rejected.is_empty() {
            self.pages.send(Page::Rejected(rejected)).await;
        }
        Ok(())
    }

    /// Asks which people are inactive, where the settings say it by a filter: the server's own
    /// matching rules decide.
    async fn find_inactive(&mut self) -> Result<(), SourceError> {
        let people = &self.reader.people;
        let Some(inactive) = &people.inactive_filter else { return Ok(()) };
        let mut query = people.query.clone();
        query.filter = filter::both(&query.filter, inactive);
        query.attributes = vec![people.id.clone()];
        let mut pager = Pager::new(&query);
        while let Some(entries) = pager.next(&mut self.session, &mut self.size).await? {
            for tag in entries {
                // What is wrong with an entry is said where all people are listed.
                let entry = Entry::decode(tag, &mut LeftOut::default());
                self.context
                    .inactive
                    .extend(entry.iter().flat_map(|entry| entry.values(&people.id)).cloned());
            }
        }
        Ok(())
    }
}

/// What is known of a listing that came to its end.
struct Listed {
    newest: Newest,
    duration: SignedDuration,
}

impl Listed {
    fn next(&self, earlier: Option<Timestamp>) -> Option<Timestamp> {
        self.newest.next(self.duration, earlier)
    }
}

/// The place in the list of changes, if every part that is read has one.
fn newest_position(users: Option<Timestamp>, groups: GroupsPlace) -> Option<Position> {
    let groups = match groups {
        GroupsPlace::NotRead => None,
        GroupsPlace::Read(time) => Some(time::generalized_time(time?)),
    };
    Some(Position::ModifyTimestamp { users: time::generalized_time(users?), groups })
}

/// The place in the list of changed groups.
#[derive(Clone, Copy)]
enum GroupsPlace {
    /// Groups are not read.
    NotRead,
    /// Groups are read, and have a place if their changes can be found.
    Read(Option<Timestamp>),
}

fn place(stored: &str) -> Result<Timestamp, SourceError> {
    time::parse_generalized_time(stored)
        .ok_or_else(|| SourceError::changes_unknown("the stored place in the list of changes cannot be read"))
}

fn other_parts() -> SourceError {
    SourceError::changes_unknown("groups are read now and were not at the last sync, or the other way round")
}
