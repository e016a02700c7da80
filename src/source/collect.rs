//! Reads a source's whole answer into a snapshot, and decides whether it was whole.

use futures::StreamExt;

use super::{End, Expected, Page, Pull, Source, SourceError, TenantId, renames};
use crate::model::Snapshot;
use crate::model::snapshot::{Record, SnapshotError};

const MEBIBYTE: usize = 1024 * 1024;

/// What a pull brought.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Records that came, rejected ones included.
    pub records: usize,
    /// Records that were new or other than the snapshot had them.
    pub changed: usize,
    /// Whose directory answered, if it says so.
    pub tenant: Option<TenantId>,
    /// How the pull ended.
    pub end: End,
}

/// Pulls everything that was asked for into `into`, unless another directory answers than `expected`.
///
/// `progress` is told after each page how many records have come so far. For [`Pull::Full`],
/// `into` must be empty; of two records with one id the first stays. For [`Pull::Changes`],
/// `into` is what the cursor was reached with, and a record replaces the one of its id.
///
/// Dropping the future stops the pull. After an error a snapshot of a full reading is worth
/// nothing. One of changes holds a part of them, each true by itself: asking again from the same
/// cursor repeats them.
///
/// # Errors
/// The source's own; [`super::Class::TenantChanged`] when another directory answers;
/// [`super::Class::Misconfigured`] when more comes than `into` has room for;
/// [`super::Class::Incomplete`] when the answer breaks off without [`Page::End`];
/// [`super::Class::ChangesUnknown`] when a changed record goes by other names than before, names
/// somebody whom nobody goes by, or could not be used before: what others say may be out of date.
pub async fn collect(
    source: &mut dyn Source,
    request: Pull,
    expected: &Expected<'_>,
    into: &mut Snapshot,
    progress: impl Fn(usize),
) -> Result<Collected, SourceError> {
    let changes = matches!(request, Pull::Changes(_));
    let hidden = match &request {
        Pull::Changes(cursor) => source.hides_renames(cursor),
        Pull::Full => None,
    };
    let keep = if changes { replace } else { keep_first };
    let mut pages = source.pull(request);
    let mut collected = Collected::default();
    while let Some(page) = pages.next().await {
        let page = page?;
        if let Page::Tenant(tenant) = page {
            collected.tenant = Some(tenant);
            continue;
        }
        // Before the first record is kept: none of another directory's may get among ours.
        expected.check(collected.tenant.as_ref())?;
        let records: Vec<Record> = match page {
            Page::Tenant(_) => Vec::new(),
            Page::Users(users) => users.into_iter().map(|user| Record::User(Box::new(user))).collect(),
            Page::Groups(groups) => groups.into_iter().map(|group| Record::Group(Box::new(group))).collect(),
            Page::Rejected(rejected) => {
                if changes {
                    // What was rejected before is not known by its id alone: a new reading sorts it.
                    return Err(SourceError::changes_unknown("a changed record cannot be used"));
                }
                collected.records += rejected.len();
                collected.changed += rejected.len();
                for one in rejected {
                    into.reject(one);
                }
                Vec::new()
            }
            Page::End(end) => {
                into.close_block();
                return Ok(Collected { end, ..collected });
            }
        };
        if let Some(reach) = &hidden {
            renames::check(&records, into, reach)?;
        }
        collected.records += records.len();
        for record in &records {
            collected.changed += usize::from(keep(into, record)?);
        }
        check_room(into, collected.records, changes)?;
        progress(collected.records);
    }
    Err(SourceError::incomplete(format!(
        "the directory's answer broke off after {} records without saying that it is complete; it is \
         read again",
        collected.records
    )))
}

/// Of a listing: true when the record is the first of its id.
fn keep_first(into: &mut Snapshot, record: &Record) -> Result<bool, SourceError> {
    into.insert_first(record).map_err(|error| not_kept(&error))
}

/// Of a list of changes: true when the record differs from the one it replaces.
fn replace(into: &mut Snapshot, record: &Record) -> Result<bool, SourceError> {
    let known = into.get(record.kind(), record.external_id()).map_err(|error| not_kept(&error))?;
    match known {
        Some(known) if known == *record => return Ok(false),
        Some(known) if known.keys() != record.keys() => {
            return Err(SourceError::changes_unknown(
                "a record goes by other names than before; the memberships that use them are read again",
            ));
        }
        // It may be in order now, and what others say of it was not decided.
        _ if into.lost().has(record.kind(), record.external_id()) => {
            return Err(SourceError::changes_unknown("a record that could not be used has changed"));
        }
        _ => {}
    }
    into.upsert(record).map(|()| true).map_err(|error| not_kept(&error))
}

/// A source that never ends must not take the memory of all others.
fn check_room(into: &Snapshot, records: usize, changes: bool) -> Result<(), SourceError> {
    let Some(limit) = into.overflow() else { return Ok(()) };
    if changes {
        // What was replaced takes room as well; a full reading does without.
        return Err(SourceError::changes_unknown("the changes leave no room for more"));
    }
    Err(SourceError::misconfigured(format!(
        "the reading was given up after {records} records: it takes more than {} MiB. Narrow what is read by the provider's \
         settings, or raise the operator's --max-reading-mebibytes and its limit of memory",
        limit / MEBIBYTE
    )))
}

/// What was read is lost by a defect of this program.
pub(super) fn not_kept(error: &SnapshotError) -> SourceError {
    SourceError::incomplete(format!("what the directory answered could not be kept: {error}"))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use futures::executor::block_on;
    use futures::stream::{self, BoxStream};

    use super::*;
    use crate::model::{ExternalId, GroupRecord, Key, Kind, Rejected, User, UserRecord};
    use crate::source::{Class, Cursor};

    /// A provider that answers what the test wrote down, the way a broken directory may.
    struct Scripted(Vec<Result<Page, SourceError>>);

    impl Source for Scripted {
        fn pull(&mut self, _: Pull) -> BoxStream<'_, Result<Page, SourceError>> {
            Box::pin(stream::iter(self.0.drain(..)))
        }
    }

    fn user(id: &str, title: &str) -> UserRecord {
        UserRecord {
            keys: vec![Key(id.into())],
            user: User { external_id: id.into(), title: Some(title.into()), ..User::default() },
            manager: None,
            member_of: Vec::new(),
            raw: serde_json::Map::new(),
        }
    }

    fn group(id: &str) -> GroupRecord {
        GroupRecord {
            external_id: id.into(),
            keys: vec![Key(id.into())],
            display_name: id.into(),
            members: Vec::new(),
            member_of: Vec::new(),
            raw: serde_json::Map::new(),
        }
    }

    fn rejected(id: Option<&str>) -> Rejected {
        Rejected {
            kind: Kind::User,
            id: id.and_then(ExternalId::new),
            position: "line 3".into(),
            reason: "no state".into(),
            links: Box::default(),
        }
    }

    fn title(snapshot: &Snapshot) -> String {
        let mut found = String::new();
        snapshot
            .visit::<SnapshotError>(Kind::User, |record| {
                let Record::User(record) = record else { return Ok(()) };
                found = record.user.title.unwrap_or_default();
                Ok(())
            })
            .unwrap();
        found
    }

    #[test]
    fn a_whole_answer_is_counted_and_ends_with_the_sources_own_end() {
        let rejected = rejected(None);
        let mut source = Scripted(vec![
            Ok(Page::Users(vec![user("1", "a"), user("2", "b")])),
            Ok(Page::Groups(vec![group("g")])),
            Ok(Page::Rejected(vec![rejected])),
            Ok(Page::End(End { cursor: Some(Cursor("c".into())), notes: vec!["a note".into()] })),
        ]);
        let mut snapshot = Snapshot::default();
        let seen = RefCell::new(Vec::new());
        let end = block_on(collect(&mut source, Pull::Full, &Expected::default(), &mut snapshot, |count| {
            seen.borrow_mut().push(count);
        }))
        .unwrap();
        assert_eq!(end.end.cursor, Some(Cursor("c".into())));
        assert_eq!(snapshot.counts(), (2, 1));
        assert_eq!(snapshot.lost().all().len(), 1);
        assert_eq!(*seen.borrow(), [2, 3, 4]);
    }

    #[test]
    fn nothing_is_kept_of_another_directory_than_is_expected() {
        let tenant = |id: &str| TenantId { of: "dc=a".into(), id: id.into() };
        let script = || {
            Scripted(vec![
                Ok(Page::Tenant(tenant("id=2"))),
                Ok(Page::Users(vec![user("1", "a")])),
                Ok(Page::End(End::default())),
            ])
        };
        let mut snapshot = Snapshot::default();
        let known = tenant("id=1");
        let expected = Expected { named: None, known: Some(&known) };
        let mut source = script();
        let pull = collect(&mut source, Pull::Full, &expected, &mut snapshot, |_| {});
        assert_eq!(block_on(pull).unwrap_err().class, Class::TenantChanged);
        assert_eq!(snapshot.counts(), (0, 0));
        let expected = Expected { named: Some("id=2"), ..expected };
        let mut source = script();
        let pull = collect(&mut source, Pull::Full, &expected, &mut snapshot, |_| {});
        assert_eq!(block_on(pull).unwrap().tenant, Some(tenant("id=2")));
    }

    #[test]
    fn an_answer_without_an_end_is_incomplete() {
        let mut source = Scripted(vec![Ok(Page::Users(vec![user("1", "a")]))]);
        let error = block_on(collect(
            &mut source,
            Pull::Full,
            &Expected::default(),
            &mut Snapshot::default(),
            |_| {},
        ))
        .unwrap_err();
        assert_eq!(error.class, Class::Incomplete);
        assert!(error.message.contains("after 1 records"), "{error}");
    }

    #[test]
    fn an_error_midway_is_handed_on_as_the_source_put_it() {
        let mut source =
            Scripted(vec![Ok(Page::Users(vec![user("1", "a")])), Err(SourceError::transient("timed out"))]);
        let error = block_on(collect(
            &mut source,
            Pull::Full,
            &Expected::default(),
            &mut Snapshot::default(),
            |_| {},
        ))
        .unwrap_err();
        assert_eq!(error, SourceError::transient("timed out"));
    }

    #[test]
    fn a_source_that_does_not_end_is_given_up_when_there_is_no_room_for_more() {
        let page = |n: usize| (n..n + 1_000).map(|id| user(&id.to_string(), "endless")).collect();
        let mut source = Scripted((0..100).map(|n| Ok(Page::Users(page(n * 1_000)))).collect());
        let mut snapshot = Snapshot::with_limit(MEBIBYTE);
        let expected = Expected::default();
        let seen = RefCell::new(0);
        let pull =
            collect(&mut source, Pull::Full, &expected, &mut snapshot, |count| *seen.borrow_mut() = count);
        let error = block_on(pull).unwrap_err();
        assert_eq!(error.class, Class::Misconfigured);
        assert!(error.message.contains("it takes more than 1 MiB"), "{error}");
        assert!(*seen.borrow() < 100_000);
    }

    #[test]
    fn changes_of_a_record_that_could_not_be_used_lead_to_a_full_reading() {
        let mut snapshot = Snapshot::default();
        snapshot.reject(rejected(Some("1")));
        let mut source = Scripted(vec![Ok(Page::Users(vec![user("1", "mended")]))]);
        let request = Pull::Changes(Cursor("c".into()));
        let expected = Expected::default();
        let pull = collect(&mut source, request, &expected, &mut snapshot, |_| {});
        assert_eq!(block_on(pull).unwrap_err().class, Class::ChangesUnknown);
    }

    #[test]
    fn a_listing_keeps_the_first_of_an_id_and_changes_keep_the_last() {
        let script = || {
            Scripted(vec![
                Ok(Page::Users(vec![user("1", "first"), user("1", "second")])),
                Ok(Page::End(End::default())),
            ])
        };
        let mut snapshot = Snapshot::default();
        block_on(collect(&mut script(), Pull::Full, &Expected::default(), &mut snapshot, |_| {})).unwrap();
        assert_eq!((title(&snapshot), snapshot.duplicates()), ("first".into(), 1));
        let request = Pull::Changes(Cursor("c".into()));
        block_on(collect(&mut script(), request, &Expected::default(), &mut snapshot, |_| {})).unwrap();
        assert_eq!((title(&snapshot), snapshot.counts()), ("second".into(), (1, 0)));
    }
}
