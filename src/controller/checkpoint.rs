//! The Directory's checkpoint in the cluster: read once after a start, written when what it says
//! has changed, with the resource version it was read with.

use data_encoding::BASE64;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::Api;
use kube::api::{ObjectMeta, PostParams};

use super::memory::{Memory, Reading};
use super::settings::Settings;
use super::sync::{Run, SyncError};
use crate::api::checkpoint::MissingSince;
use crate::api::{DirectoryCheckpoint, DirectoryCheckpointSpec, FIELD_MANAGER, LABEL_DIRECTORY};
use crate::cluster::client::explain;
use crate::plan::Marks;
use crate::plan::marks::Batch;

/// A checkpoint as it is in the cluster.
pub type Checkpoint = DirectoryCheckpoint;

/// How old the time of the last full reading in the checkpoint may grow while nothing else in it
/// changes.
const FULL_TIME_SLACK: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);

/// Sees to it that the memory knows the checkpoint of the run's Directory.
///
/// # Errors
/// [`SyncError::Checkpoint`] when the apiserver does not answer.
pub async fn recall(run: &Run<'_>, memory: &mut Memory) -> Result<(), SyncError> {
    if memory.checkpoint.is_none() {
        let found = api(run).get_opt(&run.key.name).await;
        memory.checkpoint = Some(found.map_err(|error| SyncError::Checkpoint(explain(&error)))?);
    }
    // What this process has seen itself is newer than what it once wrote.
    if memory.marks.is_none() {
        memory.marks = Some(ours(run, memory).map(marks).unwrap_or_default());
    }
    Ok(())
}

/// Writes what has been reached, if it differs from what the checkpoint says.
///
/// # Errors
/// [`SyncError::Checkpoint`] when the apiserver refuses, or when somebody else has written it since
/// it was read.
pub async fn write(run: &Run<'_>, memory: &mut Memory, settings: &Settings) -> Result<(), SyncError> {
    let exists = matches!(memory.checkpoint, Some(Some(_)));
    match reached(run, memory, settings, exists) {
        Some(spec) => put(run, memory, spec).await,
        None => Ok(()),
    }
}

/// Writes what must outlive a restart whatever became of the mirrors: who is missing. What had been
/// reached before stays.
///
/// # Errors
/// As [`write`].
pub async fn keep(run: &Run<'_>, memory: &mut Memory, settings: &Settings) -> Result<(), SyncError> {
    let missing = missing(memory);
    let spec = match (ours(run, memory), &memory.reading) {
        (Some(known), _) => DirectoryCheckpointSpec { missing, ..known.clone() },
        (None, Some(reading)) if !missing.is_empty() => DirectoryCheckpointSpec {
            // Without a cursor a checkpoint proves nothing.
            cursor: None,
            missing,
            ..present(run, settings, reading)
        },
        (None, _) => return Ok(()),
    };
    put(run, memory, spec).await
}

/// The checkpoint, if it is of this very Directory and not of a vanished one of the same name.
fn ours<'m>(run: &Run<'_>, memory: &'m Memory) -> Option<&'m DirectoryCheckpointSpec> {
    let spec = &memory.checkpoint.as_ref()?.as_ref()?.spec;
    (spec.directory_uid == run.owner.uid).then_some(spec)
}

async fn put(run: &Run<'_>, memory: &mut Memory, spec: DirectoryCheckpointSpec) -> Result<(), SyncError> {
    let known = memory.checkpoint.take().flatten();
    if known.as_ref().is_some_and(|known| says_the_same(&known.spec, &spec)) {
        memory.checkpoint = Some(known);
        return Ok(());
    }
    let params = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
    let result = if let Some(known) = known {
        api(run).replace(&run.key.name, &params, &Checkpoint { spec, ..known }).await
    } else {
        let metadata = ObjectMeta {
            name: Some(run.key.name.clone()),
            labels: Some([(LABEL_DIRECTORY.to_owned(), run.key.name.clone())].into()),
            ..ObjectMeta::default()
        };
        api(run).create(&params, &Checkpoint { metadata, spec }).await
    };
    memory.checkpoint = Some(Some(result.map_err(|error| SyncError::Checkpoint(explain(&error)))?));
    Ok(())
}

/// What the checkpoint should say; `None` when it would prove nothing, for want of a cursor.
fn reached(
    run: &Run<'_>,
    memory: &Memory,
    settings: &Settings,
    exists: bool,
) -> Option<DirectoryCheckpointSpec> {
    let reading = memory.reading.as_ref()?;
    let missing = missing(memory);
    if reading.cursor.is_none() && missing.is_empty() && !exists {
        return None;
    }
    Some(DirectoryCheckpointSpec { missing, ..present(run, settings, reading) })
}

/// The present state of things, with nobody missing.
fn present(run: &Run<'_>, settings: &Settings, reading: &Reading) -> DirectoryCheckpointSpec {
    DirectoryCheckpointSpec {
        directory: run.key.name.clone(),
        directory_uid: run.owner.uid.clone(),
        cursor: reading.cursor.as_ref().map(|cursor| cursor.0.clone()),
        rules_hash: settings.rules_hash.to_string(),
        mirrors: run.context.observed.digest(run.key).to_string(),
        full_sync_time: Time(truncated(reading.full_at)),
        missing: Vec::new(),
    }
}

/// Who is missing, as the checkpoint holds it.
fn missing(memory: &Memory) -> Vec<MissingSince> {
    let batches = memory.marks.as_ref().map(Marks::batches).unwrap_or_default();
    let batches = batches.into_iter().filter_map(|batch| {
        let since = Time(Timestamp::from_second(batch.since).ok()?);
        Some(MissingSince { since, users: BASE64.encode(&batch.users), groups: BASE64.encode(&batch.groups) })
    });
    batches.collect()
}

/// Who is missing by a checkpoint. What is not written as it should be is nobody's mark.
#[must_use]
pub fn marks(spec: &DirectoryCheckpointSpec) -> Marks {
    let decode = |text: &str| BASE64.decode(text.as_bytes()).unwrap_or_default();
    let batch = |missing: &MissingSince| Batch {
        since: missing.since.0.as_second(),
        users: decode(&missing.users),
        groups: decode(&missing.groups),
    };
    Marks::of(&spec.missing.iter().map(batch).collect::<Vec<_>>())
}

fn says_the_same(known: &DirectoryCheckpointSpec, next: &DirectoryCheckpointSpec) -> bool {
    let age = next.full_sync_time.0.duration_since(known.full_sync_time.0);
    let same_but_time =
        DirectoryCheckpointSpec { full_sync_time: known.full_sync_time.clone(), ..next.clone() } == *known;
    same_but_time && age < FULL_TIME_SLACK
}

/// The API writes times in whole seconds.
fn truncated(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

fn api(run: &Run<'_>) -> Api<Checkpoint> {
    Api::namespaced(run.context.clients.request.clone(), &run.key.namespace)
}
