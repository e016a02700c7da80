//! Decides what to ask the source for, asks, and keeps the answer.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::time::Instant;

use super::super::memory::{MAX_SNAPSHOT_BYTES, Memory, Reading};
use super::super::schedule;
use super::super::settings::Settings;
use super::super::status;
use super::form;
use super::{Run, SyncError};
use crate::api::status::SyncKind;
use crate::model::{ContentHash, Snapshot};
use crate::source::collect::collect;
use crate::source::{Class, Cursor, Expected, Material, Pull, TenantId};

/// What is asked of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Want {
    /// Nothing: mirrors are repaired from the last reading or, without it, when the source may be asked again.
    Repair,
    /// Nothing, if the last reading is still at hand: only rules or mirrors have changed.
    Replan,
    /// What has changed, if that can be had.
    Changes,
    /// Everything.
    Full,
}

/// What came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pulled {
    /// How the people came.
    pub kind: SyncKind,
    /// Whether the source says just what it said before.
    pub unchanged: bool,
}

/// Brings `memory.reading` up to date.
pub(super) async fn pull(
    run: &Run<'_>,
    memory: &mut Memory,
    settings: &Settings,
    material: &Material,
    fingerprint: ContentHash,
) -> Result<Pulled, SyncError> {
    if memory.reading.is_none() {
        recall(run, memory, settings).await?;
    }
    let another = another_is_named(run, memory);
    let ask_again = another || grace_time_is_over(memory, settings);
    let want = if ask_again && run.want != Want::Repair { Want::Full } else { run.want };
    let usable = usable(memory, settings, fingerprint, want);
    if want == Want::Repair && (another || !matches!(usable, Some(Usable::AsItIs))) {
        return Err(SyncError::NotYet);
    }
    let mut source = run.turn.patient(run.directory.spec.provider.provider().source(material)?);
    match usable {
        Some(Usable::AsItIs) => return Ok(Pulled { kind: SyncKind::Replan, unchanged: true }),
        Some(Usable::Cursor(cursor)) => {
            if let Some(pulled) = pull_changes(run, memory, &mut source, cursor, fingerprint).await? {
                return Ok(pulled);
            }
        }
        None => {}
    }
    replace_reading(run, memory, &mut source, settings, fingerprint).await
}

/// Asks for the changes since a cursor, and applies them to the reading. `None` when everything has to be read
/// instead.
async fn pull_changes(
    run: &Run<'_>,
    memory: &mut Memory,
    source: &mut dyn crate::source::Source,
    cursor: Cursor,
    fingerprint: ContentHash,
) -> Result<Option<Pulled>, SyncError> {
    let snapshot = memory.reading.as_mut().and_then(|reading| reading.snapshot.take());
    let remembered = snapshot.is_some();
    // From here on changes may be in the reading, even if the list of them breaks off; when it
    // is asked for again, they are no news any more.
    let settled = memory.settled.take();
    // Only this worker holds the snapshot between runs, so nothing is copied here.
    let mut snapshot =
        snapshot.and_then(Arc::into_inner).unwrap_or_else(|| Snapshot::with_limit(run.context.reading_limit));
    let progress = |read| run.progress.read(read);
    let request = Pull::Changes(cursor.clone());
    let expected = expected(run, memory);
    let pull = collect(source, request, &expected, &mut snapshot, progress);
    let answer = cancellable(run, pull).await.and_then(|answer| Ok(answer?));
    match answer {
        Ok(collected) if remembered || collected.changed == 0 => {
            remember_tenant(memory, collected.tenant);
            let unchanged = collected.changed == 0;
            memory.settled = settled.filter(|_| unchanged);
            if let Some(reading) = &mut memory.reading {
                reading.cursor = collected.end.cursor.or(Some(cursor));
                reading.snapshot = remembered.then(|| Arc::new(snapshot));
                reading.fingerprint = Some(fingerprint);
            }
            return Ok(Some(Pulled { kind: SyncKind::Delta, unchanged }));
        }
        // Without the records that the changes apply to, everything is read.
        Ok(_) => memory.reading = None,
        // So it is with changes that cannot be trusted. What is at hand stays until then, for
        // repairs: each change in it is true by itself, and nobody is missing from it.
        Err(SyncError::Source(error)) if error.class == Class::ChangesUnknown => {
            memory.reading = memory.reading.take().filter(|_| remembered);
            if let Some(reading) = &mut memory.reading {
                reading.snapshot = Some(Arc::new(snapshot));
                reading.cursor = None;
            }
            tracing::info!(directory = %run.key, reason = %error, "reading everything instead of changes");
        }
        // What is at hand is of a directory that is not there any more.
        Err(SyncError::Source(error)) if error.class == Class::TenantChanged => {
            memory.reading = None;
            return Err(error.into());
        }
        Err(error) => {
            match &mut memory.reading {
                Some(reading) if remembered => reading.snapshot = Some(Arc::new(snapshot)),
                _ => memory.settled = settled,
            }
            return Err(error);
        }
    }
    Ok(None)
}

/// Reads everything, whatever is at hand.
pub(super) async fn pull_everything(
    run: &Run<'_>,
    memory: &mut Memory,
    settings: &Settings,
    material: &Material,
    fingerprint: ContentHash,
) -> Result<Pulled, SyncError> {
    let mut source = run.turn.patient(run.directory.spec.provider.provider().source(material)?);
    replace_reading(run, memory, &mut source, settings, fingerprint).await
}

/// The last reading stays until there is a new one: mirrors are repaired from it meanwhile.
async fn replace_reading(
    run: &Run<'_>,
    memory: &mut Memory,
    source: &mut dyn crate::source::Source,
    settings: &Settings,
    fingerprint: ContentHash,
) -> Result<Pulled, SyncError> {
    match read_everything(run, memory, source, settings, fingerprint).await {
        Ok((reading, tenant)) => {
            memory.reading = Some(reading);
            remember_tenant(memory, tenant);
        }
        Err(error) => {
            if matches!(&error, SyncError::Source(source) if source.class == Class::TenantChanged) {
                memory.reading = None;
            }
            return Err(error);
        }
    }
    Ok(Pulled { kind: SyncKind::Full, unchanged: false })
}

/// Whose directory is expected to answer.
fn expected<'a>(run: &'a Run<'_>, memory: &'a Memory) -> Expected<'a> {
    let known = memory.lasting.as_ref().and_then(|lasting| lasting.tenant.as_ref());
    Expected { named: run.directory.spec.tenant.as_deref(), known }
}

/// Whether the spec names another directory than the one that was read.
fn another_is_named(run: &Run<'_>, memory: &Memory) -> bool {
    let Expected { named, known } = expected(run, memory);
    named.is_some_and(|named| known.is_none_or(|known| known.id != named))
}

fn remember_tenant(memory: &mut Memory, tenant: Option<TenantId>) {
    if let (Some(lasting), Some(tenant)) = (&mut memory.lasting, tenant) {
        lasting.tenant = Some(tenant);
    }
}

async fn read_everything(
    run: &Run<'_>,
    memory: &Memory,
    source: &mut dyn crate::source::Source,
    settings: &Settings,
    fingerprint: ContentHash,
) -> Result<(Reading, Option<TenantId>), SyncError> {
    let (full_at, full_since) = (Timestamp::now(), Some(Instant::now()));
    let mut snapshot = Snapshot::with_limit(run.context.reading_limit);
    let progress = |read| run.progress.read(read);
    let expected = expected(run, memory);
    let pull = collect(source, Pull::Full, &expected, &mut snapshot, progress);
    let collected = cancellable(run, pull).await??;
    // A cursor is worth something only with the records that its changes apply to.
    let cursor = collected.end.cursor.filter(|_| snapshot.bytes() <= MAX_SNAPSHOT_BYTES);
    let reading = Reading {
        snapshot: Some(Arc::new(snapshot)),
        cursor,
        source_hash: settings.source_hash,
        fingerprint: Some(fingerprint),
        full_at,
        full_since,
        notes: collected.end.notes,
    };
    Ok((reading, collected.tenant))
}

enum Usable {
    /// The reading as it is.
    AsItIs,
    /// The reading, with the changes since this cursor.
    Cursor(Cursor),
}

/// How much of the last reading can be built on.
fn usable(memory: &Memory, settings: &Settings, fingerprint: ContentHash, want: Want) -> Option<Usable> {
    let reading = memory.reading.as_ref()?;
    let same_source = reading.source_hash == settings.source_hash
        && reading.fingerprint.is_none_or(|known| known == fingerprint);
    if !same_source {
        return None;
    }
    let snapshot_fits = reading.snapshot.as_ref().is_none_or(|snapshot| snapshot.stale_share() < 0.5);
    let fresh = reading.full_since.is_some_and(|since| since.elapsed() < settings.full_interval);
    match want {
        Want::Repair | Want::Replan if reading.snapshot.is_some() => Some(Usable::AsItIs),
        Want::Replan | Want::Changes if fresh && snapshot_fits => reading.cursor.clone().map(Usable::Cursor),
        _ => None,
    }
}

/// Whether somebody's grace time has ended since the last full reading: a list of changes never
/// deletes, and what was read before says nothing of now.
fn grace_time_is_over(memory: &Memory, settings: &Settings) -> bool {
    let (Some(lasting), Some(reading)) = (&memory.lasting, &memory.reading) else { return false };
    let (read, now) = (reading.full_at.as_second(), Timestamp::now().as_second());
    lasting.marks.ask_for_a_reading(settings.departure.grace, read, now)
}

/// After a restart: what the checkpoint proves. If the mirrors add up to what they were when the
/// cursor was reached, the status tells of them, and the source then reports no change, nothing has
/// to be read.
async fn recall(run: &Run<'_>, memory: &mut Memory, settings: &Settings) -> Result<(), SyncError> {
    let Some(Some(checkpoint)) = &memory.checkpoint else { return Ok(()) };
    let spec = &checkpoint.spec;
    if spec.cursor.is_some() {
        // Of people in slices it is not known who they are until these have been read.
        form::know_slices(run).await?;
    }
    let digest = run.context.observed.digest(run.key).to_string();
    let counts = run.context.observed.counts(run.key);
    let waits = memory.lasting.as_ref().is_some_and(|lasting| !lasting.marks.is_empty());
    let status = run.directory.status.as_ref();
    let told = status.is_some_and(|status| status::tells_of(status, counts, waits));
    let lasting = run.context.observed.form(run.key).is_none_or(|form| form::is_lasting(run, form));
    let proves = told
        && lasting
        && spec.directory_uid == run.owner.uid
        && spec.rules_hash == settings.rules_hash.to_string()
        && spec.mirrors == digest;
    if let (true, Some(cursor)) = (proves, &spec.cursor) {
        let touched = run.context.observed.touched(run.key);
        memory.settled = Some(super::Settled { rules_hash: settings.rules_hash, touched });
        memory.reading = Some(Reading {
            snapshot: None,
            cursor: Some(Cursor(cursor.clone())),
            source_hash: settings.source_hash,
            fingerprint: None,
            full_at: spec.full_sync_time.0,
            full_since: schedule::ago(spec.full_sync_time.0, Timestamp::now()),
            notes: Vec::new(),
        });
    }
    Ok(())
}

async fn cancellable<T>(run: &Run<'_>, work: impl Future<Output = T>) -> Result<T, SyncError> {
    run.reading.run_until_cancelled(work).await.ok_or(SyncError::Cancelled)
}
