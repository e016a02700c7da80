//! The course of one pull: one connection, one bind, the searches, the end.

use std::time::Duration;

use jiff::Timestamp;
use lber::structure::StructureTag;

use super::changes::list::ChangeList;
use super::changes::{Position, dirsync, left, usn};
use super::controller::Controller;
use super::foreign::Foreign;
use super::map::{self, Context, Unusable};
use super::members;
use super::primary::PrimaryGroups;
use super::schema::{Groups, OCTETS, People, Searches};
use super::settings::PATH;
use super::spec::Changes;
use super::state::{Clock, is_marked_locked_out};
use super::syntax::{self, Syntaxes};
use super::values::file_time;
use crate::model::Kind;
use crate::source::ldap_protocol::dn;
use crate::source::ldap_protocol::entry::{Entry, LeftOut};
use crate::source::ldap_protocol::search::{PageSize, Pager};
use crate::source::ldap_protocol::wire::{Credentials, Endpoint, Query, Security};
use crate::source::pages::Pages;
use crate::source::{Cursor, End, Page, Pull, SourceError};

/// How many changed entries are asked for by their ids in one search.
const IDS_AT_A_TIME: usize = 100;

/// All that is needed to read a domain, resolved and checked.
#[derive(Clone, Debug)]
pub struct Reader {
    /// The domain controllers, in the order in which they are tried.
    pub endpoints: Vec<Endpoint>,
    /// How connections are protected.
    pub security: Security,
    /// Who signs in.
    pub credentials: Credentials,
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
        let controller = Controller::open(self).await?;
        let mut run = Run::new(self, controller, pages);
        if let Some(tenant) = run.controller.tenant.take() {
            run.pages.send(Page::Tenant(tenant)).await;
        }
        let result = match position {
            None => run.full().await,
            Some(position) => run.changes(position).await,
        };
        let Run { controller, notes, left_out, context, size, .. } = run;
        let (passed_over, session) = (controller.passed_over, controller.session);
        session.close().await;
        let cursor = result?.and_then(|position| Cursor::of(position, &self.settings));
        let notes = passed_over
            .into_iter()
            .chain(notes)
            .chain(context.foreign.sentence())
            .chain(left_out.sentences())
            .chain(size.sentence(PATH));
        Ok(End { cursor, notes: notes.collect() })
    }
}

/// A pull under way.
struct Run<'r> {
    reader: &'r Reader,
    controller: Controller,
    searches: Searches,
    pages: Pages,
    size: PageSize,
    context: Context,
    /// Attributes that hold bytes in this domain.
    octets: Vec<String>,
    left_out: LeftOut,
    notes: Vec<String>,
}

/// What an entry is to become.
#[derive(Clone, Copy)]
enum Part<'r> {
    Person(&'r People),
    Group(&'r Groups),
}

/// Records on their way to a page.
#[derive(Default)]
struct Records {
    users: Vec<crate::model::UserRecord>,
    groups: Vec<crate::model::GroupRecord>,
    rejected: Vec<crate::model::Rejected>,
}

impl<'r> Run<'r> {
    fn new(reader: &'r Reader, controller: Controller, pages: Pages) -> Self {
        let domain = controller.domain.clone();
        let clock = Clock::new(file_time(Timestamp::now()), reader.people.lockout);
        Self {
            searches: Searches::of(&reader.people, reader.groups.as_ref(), &domain),
            context: Context {
                clock,
                primary: reader.groups.as_ref().map(|_| PrimaryGroups::unknown()),
                foreign: Foreign::new(&domain),
                suffix: map::dns_name(&domain),
            },
            reader,
            controller,
            pages,
            size: PageSize::new(reader.page_size),
            octets: OCTETS.iter().map(|&name| name.to_owned()).collect(),
            left_out: LeftOut::default(),
            notes: Vec::new(),
        }
    }

    /// Reads everything. The place from which the next list of changes goes on is taken before
    /// the first entry is read, so that nothing is lost between the two. Groups come first, so
    /// that it is known which primary groups are among them.
    async fn full(&mut self) -> Result<Option<Position>, SourceError> {
        self.check_bases()?;
        let syntaxes = syntax::look_up(&mut self.controller, &self.reader.people.extra).await?;
        self.notes.extend(syntaxes.sentences());
        let Syntaxes { bytes, .. } = syntaxes;
        self.octets.extend(bytes.iter().cloned());
        let start = self.start().await?;
        if let (Some(groups), Some(query)) = (&self.reader.groups, self.searches.groups.clone()) {
            self.list(Part::Group(groups), &query).await?;
        }
        // Asked for now, so that nothing is asked for between the pages of people.
        self.context.clock.duration = Some(self.controller.lockout_duration().await?);
        let people = self.searches.people.clone();
        self.list(Part::Person(&self.reader.people), &people).await?;
        Ok(start.map(|start| Position {
            until: self.context.clock.next,
            primary: self.context.primary.take().map(PrimaryGroups::remembered),
            bytes,
            ..start
        }))
    }

    /// Where the lists of changes stand now, if there are any.
    async fn start(&mut self) -> Result<Option<Position>, SourceError> {
        if self.reader.changes == Changes::None {
            return Ok(None);
        }
        let (Some(invocation), Some(usn)) = (self.controller.invocation, self.controller.newest) else {
            self.notes.push(
                "The account may not read the domain controller's invocationId, so its changes cannot be told from \
                 another's; everything is read every time."
                    .to_owned(),
            );
            return Ok(None);
        };
        if !self.controller.sees_deleted_objects().await? {
            self.notes.push(
                "The account may not read the container Deleted Objects, so no list of changes tells it who was \
                 deleted; the next full reading (spec.sync.fullInterval) finds that. \
                 docs/providers/active-directory.md says which right it needs."
                    .to_owned(),
            );
        }
        let cookie = if self.reader.changes == Changes::Auto && self.controller.offers_dirsync {
            dirsync::start(&mut self.controller.session, &self.searches).await?
        } else {
            None
        };
        let invocation = invocation.to_string();
        Ok(Some(Position { invocation, usn, cookie, until: None, primary: None, bytes: Vec::new() }))
    }

    /// Reads what changed since a place.
    async fn changes(&mut self, position: Position) -> Result<Option<Position>, SourceError> {
        let (Some(invocation), Some(newest)) = (self.controller.invocation, self.controller.newest) else {
            return Err(SourceError::changes_unknown("the domain controller does not say which one it is"));
        };
        position.check(&invocation.to_string(), newest, self.context.clock.now)?;
        self.octets.extend(position.bytes.iter().cloned());
        self.context.primary.clone_from(&position.primary);
        let session = &mut self.controller.session;
        let (mut list, cookie) = match &position.cookie {
            Some(cookie) => {
                let (list, cookie) = dirsync::list(session, &self.searches, cookie).await?;
                (list, Some(cookie))
            }
            None => (usn::list(session, &self.searches, position.usn, &mut self.size).await?, None),
        };
        if list.is_empty() && position.stays(newest) {
            return Ok(Some(position));
        }
        for ids in list.ids().chunks(IDS_AT_A_TIME) {
            let query = self.searches.among(ids);
            let mut pager = Pager::with_pauses(&query);
            while let Some(entries) = pager.next(&mut self.controller.session, &mut self.size).await? {
                self.hand_out_changed(entries, &mut list).await?;
            }
        }
        if list.misses_any() {
            return Err(left());
        }
        let until = [position.until, self.context.clock.next].into_iter().flatten().min();
        let primary = self.context.primary.take();
        Ok(Some(Position { usn: newest, cookie, until, primary, ..position }))
    }

    /// Lists people or groups.
    async fn list(&mut self, part: Part<'_>, query: &Query) -> Result<(), SourceError> {
        let mut position = 0_u64;
        // Ranges of members are asked for between the pages of groups.
        let mut pager = match part {
            Part::Person(_) => Pager::new(query),
            Part::Group(_) => Pager::with_pauses(query),
        };
        while let Some(entries) = pager.next(&mut self.controller.session, &mut self.size).await? {
            let mut records = Records::default();
            for tag in entries {
                position += 1;
                let place = format!("entry {position} below {}", query.base);
                match self.decode(tag) {
                    Some(entry) => self.map(part, &entry, &place, &mut records).await?,
                    None => records.rejected.push(map::unreadable(part.kind(), &place)),
                }
            }
            self.send(records).await;
        }
        Ok(())
    }

    /// Hands out changed entries that are people or groups below their bases.
    async fn hand_out_changed(
        &mut self,
        entries: Vec<StructureTag>,
        list: &mut ChangeList,
    ) -> Result<(), SourceError> {
        let mut records = Records::default();
        for tag in entries {
            let entry = self.decode(tag);
            let Some((id, entry)) = entry.and_then(|entry| Some((map::id(&entry)?, entry))) else {
                return Err(SourceError::changes_unknown("a changed entry has no readable name or id"));
            };
            let is_group = entry.values("objectClass").iter().any(|class| class == "group");
            let (part, base) = match (is_group, &self.reader.groups) {
                (false, _) => (Part::Person(&self.reader.people), &self.reader.people.base),
                (true, Some(groups)) => (Part::Group(groups), &groups.base),
                (true, None) => continue,
            };
            let name = super::values::ExtendedName::parse(&entry.dn);
            if base.as_ref().is_some_and(|base| !dn::is_within(name.dn, base)) {
                continue;
            }
            list.found(id);
            self.map(part, &entry, "a changed entry", &mut records).await?;
        }
        self.send(records).await;
        Ok(())
    }

    fn decode(&mut self, tag: StructureTag) -> Option<Entry> {
        let octets: Vec<&str> = self.octets.iter().map(String::as_str).collect();
        Entry::decode_with(tag, &octets, &mut self.left_out)
    }

    /// Makes a record of an entry.
    async fn map(
        &mut self,
        part: Part<'_>,
        entry: &Entry,
        place: &str,
        records: &mut Records,
    ) -> Result<(), SourceError> {
        let mapped = match part {
            Part::Person(people) => {
                self.learn_lockout_duration(entry).await?;
                map::user(entry, people, place, &mut self.context).map(|user| records.users.push(user))
            }
            Part::Group(groups) => {
                let members = match map::id(entry) {
                    Some(id) => members::of(&mut self.controller.session, entry, id).await?,
                    None => None,
                };
                map::group(entry, members, groups, place, &mut self.context)
                    .map(|group| records.groups.push(group))
            }
        };
        match mapped {
            Ok(()) => Ok(()),
            Err(Unusable::Rejected(record)) => {
                records.rejected.push(record);
                Ok(())
            }
            Err(Unusable::Unknown(error)) => Err(error),
        }
    }

    /// Asks how long lockouts last, once somebody is locked out.
    async fn learn_lockout_duration(&mut self, entry: &Entry) -> Result<(), SourceError> {
        if self.context.clock.duration.is_none() && is_marked_locked_out(entry) {
            self.context.clock.duration = Some(self.controller.lockout_duration().await?);
        }
        Ok(())
    }

    async fn send(&self, records: Records) {
        let Records { users, groups, rejected } = records;
        if !users.is_empty() {
            self.pages.send(Page::Users(users)).await;
        }
        if !groups.is_empty() {
            self.pages.send(Page::Groups(groups)).await;
        }
        if !rejected.is_empty() {
            self.pages.send(Page::Rejected(rejected)).await;
        }
    }

    /// Checks that the bases are in the domain that this domain controller is of.
    fn check_bases(&self) -> Result<(), SourceError> {
        let domain = &self.controller.domain;
        let groups = self.reader.groups.as_ref().and_then(|groups| groups.base.as_ref());
        let bases = [("users", self.reader.people.base.as_ref()), ("groups", groups)];
        for (field, base) in bases.into_iter().filter_map(|(field, base)| Some((field, base?))) {
            if !dn::is_within(base, domain) {
                return Err(SourceError::misconfigured(format!(
                    "{PATH}.{field}.baseDN: '{base}' is not in '{domain}', the domain of {}; correct it, or read the \
                     other domain from its own domain controllers by a Directory of its own",
                    self.controller.session.endpoint()
                )));
            }
        }
        Ok(())
    }
}

impl Part<'_> {
    const fn kind(self) -> Kind {
        match self {
            Self::Person(_) => Kind::User,
            Self::Group(_) => Kind::Group,
        }
    }
}
