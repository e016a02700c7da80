//! Reads a source's whole answer into a snapshot, and decides whether it was whole.

use futures::StreamExt;

use super::{End, Page, Pull, Source, SourceError};
use crate::model::Snapshot;
use crate::model::snapshot::{Record, SnapshotError};

/// Pulls everything that was asked for into `into` and returns how the pull ended.
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
/// The source's own; [`super::Class::Incomplete`] when the answer breaks off without
/// [`Page::End`].
pub async fn collect(
    source: &mut dyn Source,
    request: Pull,
    into: &mut Snapshot,
    progress: impl Fn(usize),
) -> Result<End, SourceError> {
    let keep = match request {
        Pull::Full => keep_first,
        Pull::Changes(_) => Snapshot::upsert,
    };
    let mut pages = source.pull(request);
    let mut count = 0;
    while let Some(page) = pages.next().await {
        count += match page? {
            Page::Users(users) => {
                keep_all(into, users.into_iter().map(|user| Record::User(Box::new(user))), keep)?
            }
            Page::Groups(groups) => {
                keep_all(into, groups.into_iter().map(|group| Record::Group(Box::new(group))), keep)?
            }
            Page::Rejected(rejected) => {
                let number = rejected.len();
                rejected.into_iter().for_each(|one| into.reject(one));
                number
            }
            Page::End(end) => {
                into.close_block();
                return Ok(end);
            }
        };
        progress(count);
    }
    Err(SourceError::incomplete(format!(
        "the directory's answer broke off after {count} records without saying that it is complete; nothing is \
         deleted, and it is read again"
    )))
}

/// How one record gets into the snapshot.
type Keep = fn(&mut Snapshot, &Record) -> Result<(), SnapshotError>;

fn keep_first(into: &mut Snapshot, record: &Record) -> Result<(), SnapshotError> {
    into.insert_first(record).map(drop)
}

fn keep_all(
    into: &mut Snapshot,
    records: impl ExactSizeIterator<Item = Record>,
    keep: Keep,
) -> Result<usize, SourceError> {
    let number = records.len();
    for record in records {
        keep(into, &record).map_err(|error| {
            SourceError::incomplete(format!("what the directory answered could not be kept: {error}"))
        })?;
    }
    Ok(number)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use futures::executor::block_on;
    use futures::stream::{self, BoxStream};

    use super::*;
    use crate::model::{GroupRecord, Key, Kind, Rejected, User, UserRecord};
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
        let rejected =
            Rejected { kind: Kind::User, id: None, position: "line 3".into(), reason: "no id".into() };
        let mut source = Scripted(vec![
            Ok(Page::Users(vec![user("1", "a"), user("2", "b")])),
            Ok(Page::Groups(vec![group("g")])),
            Ok(Page::Rejected(vec![rejected])),
            Ok(Page::End(End { cursor: Some(Cursor("c".into())), notes: vec!["a note".into()] })),
        ]);
        let mut snapshot = Snapshot::default();
        let seen = RefCell::new(Vec::new());
        let end =
            block_on(collect(&mut source, Pull::Full, &mut snapshot, |count| seen.borrow_mut().push(count)))
                .unwrap();
        assert_eq!(end.cursor, Some(Cursor("c".into())));
        assert_eq!(snapshot.counts(), (2, 1));
        assert_eq!(snapshot.rejected().1, 1);
        assert_eq!(*seen.borrow(), [2, 3, 4]);
    }

    #[test]
    fn an_answer_without_an_end_is_incomplete() {
        let mut source = Scripted(vec![Ok(Page::Users(vec![user("1", "a")]))]);
        let error = block_on(collect(&mut source, Pull::Full, &mut Snapshot::default(), |_| {})).unwrap_err();
        assert_eq!(error.class, Class::Incomplete);
        assert!(error.message.contains("after 1 records"), "{error}");
    }

    #[test]
    fn an_error_midway_is_handed_on_as_the_source_put_it() {
        let mut source =
            Scripted(vec![Ok(Page::Users(vec![user("1", "a")])), Err(SourceError::transient("timed out"))]);
        let error = block_on(collect(&mut source, Pull::Full, &mut Snapshot::default(), |_| {})).unwrap_err();
        assert_eq!(error, SourceError::transient("timed out"));
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
        block_on(collect(&mut script(), Pull::Full, &mut snapshot, |_| {})).unwrap();
        assert_eq!((title(&snapshot), snapshot.duplicates()), ("first".into(), 1));
        let request = Pull::Changes(Cursor("c".into()));
        block_on(collect(&mut script(), request, &mut snapshot, |_| {})).unwrap();
        assert_eq!((title(&snapshot), snapshot.counts()), ("second".into(), (1, 0)));
    }
}
